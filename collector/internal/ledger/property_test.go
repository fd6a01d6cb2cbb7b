package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
)

// A small world: machines that fax, reboot and say 0 while they boot; agents whose clocks jump by
// years, whose spools fold, whose disks are restored; a network that repeats, reorders and loses;
// a collector that crashes and whose clock jumps. Whatever happens, the books end up with the machines' own counts.

type machine struct {
	id       string
	sent     int64
	received int64
	booted   time.Time
	uptime   bool                   // it tells its uptime
	zeroTill time.Time              // it says 0 until then, since it boots
	updated  bool                   // it tells what it receives, and not only what it prints
	serial   string                 // told, unless empty
	baseline map[wire.Measure]int64 // what it said first
}

type batch struct {
	first, seq uint64
	readings   []wire.Reading
	sent       bool
}

func (b batch) payload() []byte {
	data, err := wire.EncodeReadings(b.readings)
	if err != nil {
		panic(err)
	}
	return data
}

// spooler is an agent: what is on its disk, and its clock.
type spooler struct {
	id    string
	disk  disk
	clock time.Duration // its clock − the true time
}

type disk struct {
	stream string
	seq    uint64
	acked  uint64
	crcs   map[uint64]uint32
	spool  []batch
}

func (d disk) clone() disk {
	d.spool = slices.Clone(d.spool)
	crcs := make(map[uint64]uint32)
	for seq, crc := range d.crcs {
		crcs[seq] = crc
	}
	d.crcs = crcs
	return d
}

type world struct {
	*rapid.T
	now      time.Time
	machines []*machine
	agents   []*spooler
	backups  map[string]disk
	path     string
	ledger   *Ledger
	streams  int
	crashes  int
	checks   int
	purges   bool             // details are given up
	clock    time.Duration    // the collector's − the true time
	latest   time.Time        // by the collector's clock
	totals   map[string]int64 // by device and measure, as they were last
}

func newWorld(t *rapid.T, dir string, agents int) *world {
	w := &world{
		T: t, now: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC), backups: make(map[string]disk),
		path: filepath.Join(dir, fmt.Sprintf("books-%d.db", time.Now().UnixNano())), totals: make(map[string]int64),
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "machines") {
		w.machines = append(w.machines, &machine{
			id: fmt.Sprintf("kyocera-x%d", i), sent: 10_000, received: rapid.Int64Range(0, 5000).Draw(t, "received before"),
			booted: w.now.Add(-100 * time.Hour), uptime: rapid.Bool().Draw(t, "tells uptime"),
			updated: rapid.Bool().Draw(t, "tells what it receives"),
		})
	}
	for i := range agents {
		a := &spooler{id: fmt.Sprintf("ps-%02d", i)}
		w.newStream(a)
		w.agents = append(w.agents, a)
	}
	EmptyAt(t, w.path)
	w.open()
	for _, m := range w.machines {
		m.baseline = map[wire.Measure]int64{wire.FaxSentPages: m.sent, wire.FaxPrintedPages: m.received}
	}
	for _, a := range w.agents { // the baselines
		a.clock = rapid.SampledFrom([]time.Duration{0, 3 * year, -3 * year}).Draw(t, "clock at first")
		w.poll(a, true, true)
		w.drain(a)
	}
	return w
}

func (w *world) newStream(a *spooler) {
	w.streams++
	held := a.disk.spool
	a.disk = disk{stream: fmt.Sprintf("stream-%06d", w.streams), crcs: make(map[uint64]uint32)}
	for _, b := range held {
		w.append(a, b.readings)
	}
}

func (w *world) append(a *spooler, readings []wire.Reading) {
	a.disk.seq++
	b := batch{first: a.disk.seq, seq: a.disk.seq, readings: readings}
	a.disk.spool = append(a.disk.spool, b)
	a.disk.crcs[b.seq] = wire.CRC(b.payload())
}

func (w *world) open() {
	l, err := Open(context.Background(), w.path, Options{Now: func() time.Time { return w.now }})
	if err != nil {
		w.Fatalf("open: %v", err)
	}
	l.store.exec(context.Background(), "PRAGMA synchronous = OFF") // crashes here are of the program, not of the power
	w.ledger = l
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

// receipt is now by the collector's clock.
func (w *world) receipt() time.Time {
	now := w.now.Add(w.clock)
	if now.After(w.latest) {
		w.latest = now
	}
	return now
}

func (w *world) agent() *spooler { return rapid.SampledFrom(w.agents).Draw(w.T, "agent") }

func (m *machine) read(now time.Time, clock time.Duration) wire.Reading {
	r := wire.Reading{Device: m.id, At: wire.TimeOf(now.Add(clock)), OK: true, Fax: wire.Yes}
	if m.uptime {
		r.UptimeMS = now.Sub(m.booted).Milliseconds() + 1
	}
	sent, received := m.sent, m.received
	if now.Before(m.zeroTill) {
		sent, received = 0, 0
	}
	r.Counters = []wire.Counter{
		{Measure: wire.FaxSentPages, Unit: "pages", Rule: "sent", Value: sent},
		{Measure: wire.FaxPrintedPages, Unit: "pages", Rule: "printed", Value: received},
	}
	if m.updated {
		r.Counters = append(r.Counters, wire.Counter{Measure: wire.FaxReceivedPages, Unit: "pages", Rule: "received", Value: received})
	}
	if m.serial != "" {
		r.Identity = &wire.Identity{Vendor: "kyocera", Serial: m.serial}
	}
	return r
}

// poll reads all machines; unless everything is asked, some tell only a part of their counters.
func (w *world) poll(a *spooler, reachable, everything bool) {
	var readings []wire.Reading
	for _, m := range w.machines {
		if reachable {
			r := m.read(w.now, a.clock)
			if part := rapid.IntRange(0, 9).Draw(w.T, "counters told"); !everything && part < len(r.Counters) {
				r.Counters = r.Counters[:part]
			}
			readings = append(readings, r)
		} else {
			readings = append(readings, wire.Reading{Device: m.id, At: wire.TimeOf(w.now.Add(a.clock)), Error: "timeout"})
		}
	}
	w.append(a, readings)
}

// send delivers one of the held batches and, unless it gets lost, the ack.
func (w *world) send(a *spooler, i int, ackArrives bool) {
	b := &a.disk.spool[i]
	b.sent = true
	payload := wire.AppendEnvelope(nil, wire.Header{
		Agent: a.id, Stream: a.disk.stream, First: b.first, Seq: b.seq, Oldest: a.disk.spool[0].first,
		SentAt: wire.TimeOf(w.now.Add(a.clock)),
	}, b.payload())
	w.pass(20 * time.Millisecond)
	r := w.apply(delivery(a.id, payload, w.receipt()))[0]
	if ackArrives && r.Send {
		w.ack(a, r.Message())
	}
}

func delivery(agent string, payload []byte, at time.Time) Delivery {
	env, err := wire.DecodeEnvelope(payload)
	return Delivery{Agent: agent, Envelope: env, Err: err, Payload: payload, ReceivedAt: at}
}

func (w *world) apply(deliveries ...Delivery) []Result {
	results, err := w.ledger.Apply(context.Background(), deliveries)
	if err != nil {
		w.Fatalf("apply: %v", err)
	}
	return results
}

// ack is what the spool does with one: forget, or find out that it was rolled back.
func (w *world) ack(a *spooler, ack wire.Ack) {
	if ack.Stream != a.disk.stream || ack.Seq <= a.disk.acked {
		return
	}
	known, ok := a.disk.crcs[ack.Seq]
	inside := slices.ContainsFunc(a.disk.spool, func(b batch) bool { return b.first <= ack.Seq && ack.Seq < b.seq })
	if ack.Seq > a.disk.seq || inside || !ok || known != ack.CRC {
		w.newStream(a)
		return
	}
	a.disk.acked = ack.Seq
	a.disk.spool = slices.DeleteFunc(a.disk.spool, func(b batch) bool { return b.seq <= ack.Seq })
}

// fold makes one batch of two that were never sent.
func (w *world) fold(a *spooler) {
	for i := 0; i+1 < len(a.disk.spool); i++ {
		x, y := a.disk.spool[i], a.disk.spool[i+1]
		if x.sent || y.sent {
			continue
		}
		both := batch{first: x.first, seq: y.seq, readings: slices.Concat(x.readings, y.readings)}
		a.disk.spool = slices.Replace(a.disk.spool, i, i+2, both)
		a.disk.crcs[both.seq] = wire.CRC(both.payload())
		return
	}
}

// failedTransaction lets a transaction fail when all is written; nothing of it may remain.
func (w *world) failedTransaction(a *spooler) {
	if len(a.disk.spool) == 0 {
		return
	}
	b := a.disk.spool[0]
	payload := wire.AppendEnvelope(nil, wire.Header{
		Agent: a.id, Stream: a.disk.stream, First: b.first, Seq: b.seq, Oldest: b.first, SentAt: wire.TimeOf(w.now.Add(a.clock)),
	}, b.payload())
	d := delivery(a.id, payload, w.receipt())
	fault := errors.New("disk full")
	change := w.newDeclaration()
	err := w.ledger.transact(context.Background(), func(books *books) error {
		books.deliver(&d)
		next := books.register.Clone()
		change(&next)
		books.declare(next, Author{Who: "nobody"})
		if err := w.ledger.store.flush(context.Background(), books); err != nil {
			return err
		}
		return fault
	})
	if !errors.Is(err, fault) {
		w.Fatalf("failed transaction: got %v, want %v", err, fault)
	}
}

// crash ends the collector's life: mostly only in memory, which is all that differs, and faster.
func (w *world) crash() {
	if w.crashes++; w.crashes%5 != 0 {
		w.ledger.books, w.ledger.clocks = nil, make(map[string]*clock)
		return
	}
	if err := w.ledger.Close(); err != nil {
		w.Fatalf("close: %v", err)
	}
	w.open()
}

// drain delivers everything that is held, in whatever rounds that takes.
func (w *world) drain(a *spooler) {
	for range 50 {
		if len(a.disk.spool) == 0 {
			return
		}
		w.send(a, 0, true)
	}
	w.Fatalf("agent %s: %d batches are never acknowledged", a.id, len(a.disk.spool))
}

// balanced checks what holds at any time: totals never fall, and are the sum of the activity.
func (w *world) balanced(*rapid.T) {
	if w.purges { // then sums are all there is; giveUp and finish verify them
		return
	}
	const query = "SELECT device, measure, total, " +
		"(SELECT COALESCE(SUM(count), 0) FROM activity WHERE counter = counters.id), " +
		"(SELECT COUNT(*) FROM activity WHERE counter = counters.id AND (from_at > to_at OR to_at > %d OR count <= 0)) " +
		"FROM counters JOIN tallies ON tallies.counter = counters.id"
	err := each(context.Background(), w.ledger.readers, fmt.Sprintf(query, w.latest.UnixMilli()), func(read func(...any) error) error {
		var device, total, raw, wrong int64
		var measure string
		if err := read(&device, &measure, &total, &raw, &wrong); err != nil {
			return err
		}
		key := fmt.Sprint(device, " ", measure)
		if total < w.totals[key] {
			w.Fatalf("%s: fell from %d to %d", key, w.totals[key], total)
		}
		if raw != total || wrong != 0 {
			w.Fatalf("%s: activity %d, want %d; %d intervals that can't be", key, raw, total, wrong)
		}
		w.totals[key] = total
		return nil
	})
	if err != nil {
		w.Fatalf("balance: %v", err)
	}
	balanced(w, w.ledger)
}

// remembered checks that the books in memory are those on disk: what isn't written must not matter.
func (w *world) remembered() {
	if w.ledger.books == nil {
		return
	}
	onDisk, err := w.ledger.store.load(context.Background())
	if err != nil {
		w.Fatalf("load: %v", err)
	}
	for id, d := range w.ledger.books.devices {
		if got, want := fmt.Sprint(d.facts()), fmt.Sprint(onDisk.devices[id].facts()); got != want {
			w.Fatalf("%s\nin memory %s\non disk   %s", id, got, want)
		}
	}
	for _, a := range w.ledger.books.accounts {
		if b := onDisk.accounts[a.Account]; b == nil || a.number != b.number || a.zone != b.zone {
			w.Fatalf("account %+v: on disk %+v", a, b)
		}
	}
	for key, s := range w.ledger.books.streams {
		if got, want := *s, *onDisk.streams[key]; got != want {
			w.Fatalf("stream %v: in memory %+v, on disk %+v", key, got, want)
		}
	}
	for id, a := range w.ledger.books.agents {
		if got, want := fmt.Sprintf("%+v", *a), fmt.Sprintf("%+v", *onDisk.agents[id]); got != want {
			w.Fatalf("agent %s\nin memory %s\non disk   %s", id, got, want)
		}
	}
	if w.ledger.books.last != onDisk.last {
		w.Fatalf("numbers: in memory %+v, on disk %+v", w.ledger.books.last, onDisk.last)
	}
	if got, want := w.ledger.books.register, onDisk.register; !reflect.DeepEqual(got, want) {
		w.Fatalf("register\nin memory %+v\non disk   %+v", got, want)
	}
	w.audited(&onDisk.register)
}

// facts are all that is known of a device, comparable as text.
func (d *device) facts() []string {
	own := *d
	own.counters, own.ports, own.stays, own.curves = nil, nil, nil, nil
	facts := []string{fmt.Sprintf("%+v", own)}
	for _, c := range d.counters {
		counter := *c
		counter.device = nil
		facts = append(facts, fmt.Sprintf("%+v", counter))
	}
	for _, s := range d.stays {
		facts = append(facts, fmt.Sprintf("from %d: %+v", s.from, s.account))
	}
	for _, p := range d.ports {
		facts = append(facts, fmt.Sprintf("%+v", *p))
	}
	return facts
}

const year = 365 * day

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"poll": func(t *rapid.T) {
			w.pass(time.Duration(rapid.IntRange(1, 600).Draw(t, "seconds")) * time.Second)
			w.poll(w.agent(), rapid.IntRange(0, 9).Draw(t, "reachable") > 0, false)
		},
		"fax": func(t *rapid.T) {
			m := rapid.SampledFrom(w.machines).Draw(t, "machine")
			m.sent += rapid.Int64Range(0, 5).Draw(t, "sent")
			m.received += rapid.Int64Range(0, 5).Draw(t, "received")
		},
		"reboot": func(t *rapid.T) {
			m := rapid.SampledFrom(w.machines).Draw(t, "machine")
			w.pass(time.Minute)
			m.booted = w.now
			m.zeroTill = w.now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "says 0 for")) * time.Second)
			w.poll(w.agent(), true, false)
		},
		"clock jumps": func(t *rapid.T) {
			w.agent().clock = rapid.SampledFrom([]time.Duration{0, 0, 2 * year, -2 * year, 9 * year, -9 * year, 30 * time.Second, -50 * time.Second}).Draw(t, "by")
		},
		// By hours, as where it is in local time at first: years would make the shortest fall last a day.
		// With one agent only: the readings of two are ordered by clocks wherever a machine's uptime can't
		// order them. If ours jumps just then, the books may run ahead until later faxes have paid for it.
		"our own clock jumps": func(t *rapid.T) {
			if len(w.agents) > 1 {
				return
			}
			w.clock = rapid.SampledFrom([]time.Duration{0, 0, 0, time.Hour, -time.Hour, 2 * time.Hour, -2 * time.Hour}).Draw(t, "by")
		},
		"send": func(t *rapid.T) {
			if a := w.agent(); len(a.disk.spool) > 0 {
				w.send(a, rapid.IntRange(0, len(a.disk.spool)-1).Draw(t, "which"), rapid.Bool().Draw(t, "ack arrives"))
			}
		},
		"drain":   func(*rapid.T) { w.drain(w.agent()) },
		"fold":    func(*rapid.T) { w.fold(w.agent()) },
		"backup":  func(*rapid.T) { a := w.agent(); w.backups[a.id] = a.disk.clone() },
		"restore": func(*rapid.T) { w.restore(w.agent()) },
		"serial": func(t *rapid.T) {
			rapid.SampledFrom(w.machines).Draw(t, "machine").serial = rapid.SampledFrom([]string{"S1", "S2", "S3"}).Draw(t, "serial")
		},
		"update": func(t *rapid.T) {
			m := rapid.SampledFrom(w.machines).Draw(t, "machine")
			if a := w.agents[0]; !w.now.Before(m.zeroTill) && len(w.agents) == 1 {
				w.drain(a)
				m.updated = true
				w.poll(a, true, true) // what it says first is its baseline, which must not be the 0 of a boot
				w.drain(a)
			}
		},
		"declare":            func(*rapid.T) { w.declare() },
		"crash":              func(*rapid.T) { w.crash() },
		"failed transaction": func(*rapid.T) { w.failedTransaction(w.agent()) },
		"": func(t *rapid.T) {
			if w.checks++; w.checks%4 == 0 {
				w.balanced(t)
				w.remembered()
				w.placed()
			}
		},
	}
}

func (w *world) restore(a *spooler) {
	if old, ok := w.backups[a.id]; ok {
		a.disk = old.clone()
	}
}

// finish lets everybody say everything, and compares.
func (w *world) finish() {
	w.clock = 0
	for _, a := range w.agents {
		a.clock = 0
		w.drain(a)
	}
	w.pass(time.Hour) // the machines have booted; another agent's lead has ended
	for _, a := range w.agents {
		w.poll(a, true, true)
		w.pass(time.Minute)
		w.poll(a, true, true)
		w.drain(a)
	}
	w.balanced(w.T)
	w.verified()
	w.placed()
	devices, err := w.ledger.Devices(context.Background())
	if err != nil || len(devices) != len(w.machines) {
		w.Fatalf("got %d devices, %v, want %d", len(devices), err, len(w.machines))
	}
	for i, m := range w.machines {
		for measure, want := range map[wire.Measure]int64{wire.FaxSentPages: m.sent, wire.FaxPrintedPages: m.received} {
			if got, want := devices[i].Totals[measure], want-m.baseline[measure]; got != want {
				w.Fatalf("%s %s: got %d, want %d\n%s", m.id, measure, got, want, w.dump())
			}
			w.counted(m, DirectionOf(measure), want-m.baseline[measure])
		}
	}
}

func (w *world) dump() string {
	anomalies, _ := w.ledger.Anomalies(context.Background(), 50)
	text, _ := json.MarshalIndent(anomalies, "", " ")
	return string(text)
}

func TestBooksEndUpWithTheMachinesOwnCounts(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name   string
		agents int
	}{
		{"one agent", 1},
		{"two agents see the same machines", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				w := newWorld(t, dir, c.agents)
				defer func() { w.ledger.Close() }()
				t.Repeat(w.actions())
				w.finish()
			})
		})
	}
}
