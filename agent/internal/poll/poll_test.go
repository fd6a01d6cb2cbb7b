package poll_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine is a fax machine of testdata/acme.yml that answers in process.
type machine struct {
	mu       sync.Mutex
	serial   string
	booted   time.Time
	row      int   // of the counter
	sent     int64 // pages
	silent   bool
	fault    error // what asking it comes to, instead of an answer
	bare     bool  // its counter has no label, so it can't be found
	delay    time.Duration
	crash    time.Duration // it crashes when it is asked anything, and is up again so long afterwards
	picky    bool          // crashes only when asked for more than its uptime and who it is, and doesn't answer that
	sleeps   time.Duration // it falls asleep when nothing was asked for so long; asked again it wakes, and counts its uptime from there,
	wakes    time.Duration // which takes it so long, and 6 s are too long for an answer
	asked    time.Time
	gets     []time.Time // when a GET came in
	columns  int
	fragile  int // how often yet asking for a column comes to nothing
	busy     bool
	overlaps int // requests that came while another was under way
}

func newMachine(serial string) *machine {
	return &machine{serial: serial, row: 1, booted: time.Now().Add(-24 * time.Hour)}
}

var errSilent = errors.New("no answer in 3 tries of 2s")

func (m *machine) ask(ctx context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
	return look(m)
}

// change lets f change the machine.
func (m *machine) change(f func(*machine)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

func (m *machine) counted() (gets, columns int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.gets), m.columns
}

func (m *machine) recording(ctx context.Context, much bool) (*mibs.Recording, error) {
	m.mu.Lock()
	if m.busy {
		m.overlaps++
	}
	m.busy = true
	silent, delay, up := m.silent || time.Now().Before(m.booted), m.delay, time.Since(m.booted)
	if m.crash > 0 && !silent && (much || !m.picky) {
		m.booted, silent = time.Now().Add(m.crash), m.picky
	}
	if m.sleeps > 0 && time.Since(m.asked) > m.sleeps {
		silent, delay = m.wakes > 6*time.Second, m.wakes+time.Duration(len(m.gets)*137%500)*time.Millisecond
		m.booted, up = time.Now(), delay
	}
	m.asked = time.Now()
	if silent {
		delay = 6 * time.Second
	}
	m.mu.Unlock()
	defer m.change(func(m *machine) { m.busy = false })
	if delay > 0 { // timers that fire at once crash Go 1.26's race detector under synctest
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.fault != nil:
		return nil, m.fault
	case silent:
		return nil, errSilent
	}
	const acme = "1.3.6.1.4.1.99999."
	text := func(s string) mibs.Value { return mibs.Value{Kind: mibs.OctetString, Bytes: []byte(s)} }
	row := fmt.Sprint(m.row)
	other := fmt.Sprint(m.row + 1)
	label := "pages sent"
	if m.bare {
		label = ""
	}
	return mibs.NewRecording([]mibs.Varbind{
		{OID: "1.3.6.1.2.1.1.1.0", Value: text("Acme")},
		{OID: "1.3.6.1.2.1.1.2.0", Value: mibs.Value{Kind: mibs.ObjectID, OID: acme + "1.7"}},
		{OID: "1.3.6.1.2.1.1.3.0", Value: mibs.Value{Kind: mibs.TimeTicks, Int: max(up, 0).Milliseconds() / 10}},
		{OID: acme + "2.0", Value: text(m.serial)},
		{OID: acme + "3.0", Value: text("Acme 100")},
		{OID: acme + "4.1." + row, Value: text(label)},
		{OID: acme + "4.1." + other, Value: text("pages copied")},
		{OID: acme + "4.2." + row, Value: mibs.Value{Kind: mibs.Counter, Int: m.sent}},
		{OID: acme + "4.2." + other, Value: mibs.Value{Kind: mibs.Counter, Int: 999_999}},
		{OID: acme + "5.0", Value: mibs.Value{Kind: mibs.Integer, Int: 1}},
	}), nil
}

func (m *machine) Get(ctx context.Context, oids []string) (mibs.Answers, error) {
	m.change(func(m *machine) { m.gets = append(m.gets, time.Now()) })
	rec, err := m.recording(ctx, len(oids) > 3)
	if err != nil {
		return nil, err
	}
	return rec.Get(ctx, oids)
}

func (m *machine) Column(ctx context.Context, root string, most int) ([]mibs.Varbind, error) {
	broken := false
	m.change(func(m *machine) {
		m.columns++
		if m.fragile > 0 {
			m.fragile, broken = m.fragile-1, true
		}
	})
	if broken {
		return nil, errSilent
	}
	rec, err := m.recording(ctx, true)
	if err != nil {
		return nil, err
	}
	return rec.Column(ctx, root, most)
}

// kept is where the poller puts readings.
type kept struct {
	mu       sync.Mutex
	readings []wire.Reading
	batches  int
	err      error
}

func (k *kept) put(payload []byte, records int) error {
	readings, _, err := wire.DecodeReadings(payload)
	if err != nil || len(readings) != records || len(payload) > wire.MaxEnvelope-wire.Overhead {
		panic(fmt.Sprintf("batch of %d records: %v, %s", records, err, payload))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	k.batches++
	k.readings = append(k.readings, readings...)
	return nil
}

// of are the readings of one device so far, all if device is empty.
func (k *kept) of(device string) []wire.Reading {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(k.readings), func(r wire.Reading) bool { return device != "" && r.Device != device })
}

// ward is a poller at work in a synctest bubble.
type ward struct {
	*poll.Poller
	kept kept
	log  bytes.Buffer
}

// start polls machines, named m0, m1…, lines each minute and counters each five, until the
// test ends.
func start(t *testing.T, change func(*poll.Options), machines ...*machine) *ward {
	t.Helper()
	set, err := new(mibs.Set).With(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	w := new(ward)
	o := poll.Options{
		Profiles: set, Lines: time.Minute, Counters: 5 * time.Minute, AtOnce: 8,
		Put: w.kept.put, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	for i, m := range machines {
		o.Targets = append(o.Targets, poll.Target{Address: fmt.Sprintf("m%d", i), Ask: m.ask})
	}
	if change != nil {
		change(&o)
	}
	w.Poller = poll.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("poller: %v", err)
		}
		for i, m := range machines {
			if m.overlaps > 0 {
				t.Errorf("m%d: %d requests came while another was under way", i, m.overlaps)
			}
		}
	})
	return w
}

// after lets d pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestOneRequestAPollInSteadyState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w := start(t, nil, m)
		after(10 * time.Minute)
		before, columns := m.counted()
		had := len(w.kept.of("acme-1001"))
		after(time.Hour)
		gets, columnsNow := m.counted()
		if got := gets - before; got != 60 || columnsNow != columns {
			t.Errorf("got %d GETs and %d columns in an hour of looks each minute, want 60 and none", got, columnsNow-columns)
		}
		readings := w.kept.of("acme-1001")[had:]
		counters := 0
		for _, r := range readings {
			if r.FaxService != wire.ServiceReady {
				t.Errorf("fax service: got %q in %+v", r.FaxService, r)
			}
			counters += len(r.Counters)
		}
		if len(readings) != 60 || counters != 12 {
			t.Errorf("got %d readings, %d with counters; want 60 and 12", len(readings), counters)
		}
	})
}

// ailing is a machine that can't read all its objects for some time.
type ailing struct {
	*machine
	well   time.Time
	afresh int
}

func (a *ailing) Afresh() { a.afresh++ }

func (a *ailing) Trouble() error {
	if time.Now().Before(a.well) {
		return errors.New("can't read one")
	}
	return nil
}

func (a *ailing) ask(_ context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
	return look(a)
}

func (a *ailing) poll(o *poll.Options) {
	o.Targets = append(o.Targets, poll.Target{Address: "m", Ask: a.ask})
}

func TestWhoADeviceIsIsAskedAfreshAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &ailing{machine: newMachine("1001")}
		start(t, m.poll)
		after(10 * time.Minute)
		if m.afresh != 1 {
			t.Errorf("asked afresh %d times, want once, at first", m.afresh)
		}
		m.change(func(m *machine) { m.serial = "1002" })
		after(10 * time.Minute)
		if m.afresh != 2 {
			t.Errorf("asked afresh %d times, want once more for the machine that came in its place", m.afresh-1)
		}
	})
}

// What is missing when a device is identified isn't asked for a day.
func TestANewDeviceThatCannotReadAllItsObjectsIsGivenSomeTimeToBeWell(t *testing.T) {
	for name, test := range map[string]struct{ ails, known time.Duration }{
		"for two minutes": {2 * time.Minute, 3 * time.Minute},
		"for good":        {1000 * time.Hour, 7 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &ailing{machine: newMachine("1001"), well: time.Now().Add(test.ails)}
				w := start(t, m.poll)
				after(test.known - time.Minute)
				if got := w.Snapshot()[0]; got.Device != "" || got.Error != "can't read one" {
					t.Errorf("after %v: got %q, %q; want no device yet, and why", test.known-time.Minute, got.Device, got.Error)
				}
				after(2 * time.Minute)
				if got := w.Snapshot()[0]; got.Device != "acme-1001" {
					t.Errorf("after %v: got %q, %q; want the device", test.known+time.Minute, got.Device, got.Error)
				}
			})
		})
	}
}

func TestIdentityGoesWithTheFirstReadingOnChangeAndHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w := start(t, nil, m)
		after(3*time.Hour + time.Minute)
		var told []int
		for i, r := range w.kept.of("") {
			if r.Identity != nil {
				told = append(told, i)
				if want := (wire.Identity{Vendor: "acme", Serial: "1001", Model: "Acme 100", Address: "m0"}); *r.Identity != want {
					t.Errorf("got %+v, want %+v", *r.Identity, want)
				}
			}
		}
		if len(told) != 4 || told[0] != 0 {
			t.Errorf("told with readings %v, want the first and three more in three hours", told)
		}
	})
}

func TestAFailedLookIsAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w := start(t, nil, m)
		after(2 * time.Minute)
		m.change(func(m *machine) { m.silent = true })
		after(2 * time.Hour)
		var gaps []time.Duration
		var last wire.Time
		for _, r := range w.kept.of("") {
			if r.OK {
				continue
			}
			if !strings.HasPrefix(r.Error, errSilent.Error()) || r.Device != "acme-1001" || r.Profile != "acme" {
				t.Errorf("got %+v", r)
			}
			if last != 0 {
				gaps = append(gaps, r.At.Sub(last).Round(time.Minute))
			}
			last = r.At
		}
		if len(gaps) < 20 || gaps[0] > 2*time.Minute || slices.Max(gaps) > 6*time.Minute || gaps[len(gaps)-1] < 4*time.Minute {
			t.Errorf("looks at a silent device came %v apart; want a minute first, 5 at the end", gaps)
		}
		m.change(func(m *machine) { m.silent = false; m.sent = 7 })
		after(6 * time.Minute)
		readings := w.kept.of("")
		r := readings[len(readings)-1]
		if !r.OK {
			t.Fatalf("it answers again, but got %+v", r)
		}
		back := slices.IndexFunc(readings[len(readings)-6:], func(r wire.Reading) bool { return r.OK && len(r.Counters) > 0 && r.Counters[0].Value == 7 })
		if back < 0 {
			t.Errorf("its counters weren't asked when it answered again")
		}
		if log := w.log.String(); strings.Count(log, "device silent") != 1 || strings.Count(log, "answers again") != 1 {
			t.Errorf("want one line each in the log, got:\n%s", log)
		}
	})
}

func TestWhateverIsWrongIsSaidInReadingsWithWhenItIsAskedAgain(t *testing.T) {
	for _, fault := range []string{
		"no answer from 10.0.0.7:161 (3 tries of 2s)", "ask 10.0.0.7:161: recvfrom: connection refused",
		"10.0.0.7:161 knows no user of that name", "unreadable answer from 10.0.0.7:161", "it sends what is no answer to the request",
	} {
		synctest.Test(t, func(t *testing.T) {
			m, other := newMachine("1001"), newMachine("1002")
			other.fault = errors.New(fault)
			w := start(t, nil, m, other)
			after(10 * time.Minute)
			m.change(func(m *machine) { m.fault = errors.New(fault) })
			after(20 * time.Minute)
			var waits []string
			for _, r := range w.kept.of("acme-1001") {
				if !r.OK {
					waits = append(waits, strings.TrimPrefix(r.Error, fault))
				}
			}
			want := []string{"", "; looked at every 2m0s until it answers", "; looked at every 4m0s until it answers", "; looked at every 5m0s until it answers"}
			if len(waits) < 6 || !slices.Equal(waits[:4], want) {
				t.Errorf("%s: got %q, want %q and so on", fault, waits, want)
			}
			if silent := w.Silent(); len(silent) != 1 || !strings.Contains(silent[0].Error, fault+"; looked at every 5m0s until") {
				t.Errorf("got %+v", silent)
			}
			m.change(func(m *machine) { m.fault = nil })
			after(6 * time.Minute)
			if s := statusOf(t, w, "m0"); s.Failures > 0 || s.Error+s.Waits != "" || time.Until(s.Next) > time.Minute {
				t.Errorf("it is mended, but got %+v", s)
			}
		})
	}
}

func TestASlowDeviceHasALongerRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w := start(t, nil, m)
		after(10 * time.Minute)
		m.change(func(m *machine) { m.delay = 20 * time.Second })
		after(10 * time.Minute)
		readings := w.kept.of("acme-1001")
		readings = readings[len(readings)-5:]
		for i, r := range readings[1:] {
			if gap := r.At.Sub(readings[i].At); !r.OK || gap < 79*time.Second || gap > 111*time.Second {
				t.Errorf("%s after the one before: %+v; want 80 to 110 s", gap, r)
			}
		}
		if s := statusOf(t, w, "m0"); s.Waits != "it answers slowly: the last look took 20s" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestALookTakesAMinuteAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, other := newMachine("1001"), newMachine("1002")
		m.delay = 25 * time.Second // and it takes several requests to know it
		w := start(t, nil, m, other)
		after(61 * time.Second)
		if silent := w.Silent(); len(silent) != 1 || !strings.Contains(silent[0].Error, context.DeadlineExceeded.Error()) {
			t.Errorf("got %+v", silent)
		}
		if got := len(w.kept.of("acme-1002")); got < 1 {
			t.Errorf("got %d readings of the other one", got)
		}
	})
}

func TestCountersOfADeviceThatHasJustBootedWaitUntilItHasAllItsRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		m.booted, m.sent = time.Now().Add(-time.Minute), 7
		w := start(t, nil, m)
		began := time.Now()
		after(20 * time.Minute)
		readings := w.kept.of("acme-1001")
		if !readings[0].OK || readings[0].At.Sub(wire.TimeOf(began)) > time.Minute {
			t.Errorf("got %+v first, want that it is there", readings[0])
		}
		readings = slices.DeleteFunc(readings, func(r wire.Reading) bool { return len(r.Counters) == 0 })
		if at := readings[0].At.Sub(wire.TimeOf(began)); at < 9*time.Minute || at > 11*time.Minute {
			t.Errorf("got its counters first %s after the start, want 9 to 11 minutes", at)
		}
	})
}

func TestATargetWithoutADeviceIsReportedSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n := newMachine("1001"), newMachine("1002")
		m.silent = true
		w := start(t, nil, m, n)
		after(time.Minute)
		silent := w.Silent()
		if len(silent) != 1 || silent[0].Address != "m0" || !strings.Contains(silent[0].Error, errSilent.Error()) {
			t.Errorf("got %+v", silent)
		}
		m.change(func(m *machine) { m.silent = false })
		after(5 * time.Minute)
		if got := w.Silent(); len(got) != 0 {
			t.Errorf("it answers now, got %+v", got)
		}
	})
}

func TestTheSilentDelayNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 200 {
			m := newMachine(fmt.Sprint(10_000 + i))
			m.silent = i%2 == 0
			machines = append(machines, m)
		}
		w := start(t, func(o *poll.Options) { o.Lines, o.Counters = 10*time.Second, 10*time.Second }, machines...)
		after(12 * time.Minute) // half of the targets were never there; now a quarter goes away
		for i := 1; i < 100; i += 2 {
			machines[i].change(func(m *machine) { m.silent = true })
		}
		after(10 * time.Minute)
		before := len(w.kept.of("acme-10199"))
		after(10 * time.Minute)
		for i := 101; i < 200; i += 2 {
			readings := w.kept.of(fmt.Sprintf("acme-%d", 10_000+i))
			readings = readings[len(readings)-50:]
			for j := range readings[1:] {
				if gap := readings[j+1].At.Sub(readings[j].At); gap > 11*time.Second || gap < 9*time.Second {
					t.Fatalf("m%d: %s between two looks, want 10s", i, gap)
				}
			}
		}
		if got := len(w.kept.of("acme-10199")) - before; got != 60 {
			t.Errorf("got %d readings in 10 minutes, want 60", got)
		}
	})
}

func TestWhoeverComesBackIsFoundAlsoWhereThereIsMoreToDoThanCanBeDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 60 { // 60 × 0.5 s of work every 5 s, for two
			m := newMachine(fmt.Sprint(10_000 + i))
			m.silent = i == 0
			machines = append(machines, m)
		}
		w := start(t, func(o *poll.Options) { o.Lines, o.Counters, o.AtOnce = 5*time.Second, 5*time.Second, 2 }, machines...)
		after(12 * time.Minute)
		for _, m := range machines {
			m.change(func(m *machine) { m.silent, m.delay = false, 500*time.Millisecond })
		}
		for range 20 {
			if after(time.Minute); len(w.kept.of("acme-10000")) > 0 {
				break
			}
		}
		if len(w.kept.of("acme-10000")) == 0 {
			t.Error("m0 answers since 20 minutes and has no reading")
		}
	})
}

func TestTheSlowDelayNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 40 {
			m := newMachine(fmt.Sprint(10_000 + i))
			if i%2 == 0 {
				m.delay = 5 * time.Second
			}
			machines = append(machines, m)
		}
		w := start(t, func(o *poll.Options) { o.Lines, o.Counters = 10*time.Second, 10*time.Second }, machines...)
		after(15 * time.Minute)
		for i := 1; i < 40; i += 2 {
			readings := w.kept.of(fmt.Sprintf("acme-%d", 10_000+i))
			readings = readings[len(readings)-50:]
			for j := range readings[1:] {
				if gap := readings[j+1].At.Sub(readings[j].At); gap > 11*time.Second {
					t.Fatalf("m%d: %s between two looks, want 10s", i, gap)
				}
			}
		}
	})
}

func TestAThousandDevicesKeepTheirTimesWhereAThirdAreDeadOrSlowOrBabbling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 1200 {
			m := newMachine(fmt.Sprint(20_000 + i))
			switch i % 9 {
			case 0:
				m.silent = true
			case 1:
				m.delay = 5 * time.Second
			case 2:
				m.fault, m.delay = errors.New("unreadable answer from it"), 6*time.Second
			}
			machines = append(machines, m)
		}
		w := start(t, func(o *poll.Options) { o.AtOnce = 64 }, machines...)
		after(15 * time.Minute)
		settled := wire.TimeOf(time.Now())
		after(7 * time.Minute)
		last, looks := map[string]wire.Time{}, map[string]int{}
		for _, r := range w.kept.of("") {
			if r.At < settled {
				continue
			}
			if (atoi(r.Device[len("acme-"):])-20_000)%9 < 3 {
				continue
			}
			if gap := r.At.Sub(last[r.Device]); last[r.Device] > 0 && (gap < 59*time.Second || gap > 61*time.Second) {
				t.Fatalf("%s: %s between two looks, want a minute", r.Device, gap)
			}
			last[r.Device] = r.At
			looks[r.Device]++
		}
		if len(looks) != 798 {
			t.Errorf("got readings of %d prompt devices, want 798", len(looks))
		}
		for device, n := range looks {
			if n < 7 || n > 8 {
				t.Errorf("%s: got %d readings in 7 minutes", device, n)
			}
		}
		for _, s := range w.Snapshot() {
			if i := atoi(s.Address[1:]); i%9 == 1 && (s.Failures > 0 || s.Device == "") {
				t.Errorf("slow, but got %+v", s)
			}
		}
	})
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func TestLooksAreSpreadOverTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 600 {
			machines = append(machines, newMachine(fmt.Sprint(10_000+i)))
		}
		w := start(t, nil, machines...)
		began := time.Now()
		after(13 * time.Minute)
		perSecond := map[int64]int{}
		for _, r := range w.kept.of("") {
			if at := r.At.Std(); at.Sub(began) > 10*time.Minute {
				perSecond[at.Unix()]++
			}
		}
		for at, n := range perSecond {
			if n > 30 { // 10 on average
				t.Errorf("%d looks in second %d; want about 10", n, at)
			}
		}
	})
}

func TestTheFirstLooksComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 12 {
			machines = append(machines, newMachine(fmt.Sprint(10_000+i)))
		}
		w := start(t, nil, machines...)
		after(2 * time.Second)
		if got := len(w.kept.of("")); got != 12 {
			t.Errorf("got %d readings within 2 s of the start, want 12", got)
		}
	})
}

func TestARestartedDeviceIsAskedWhoItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w := start(t, nil, m)
		after(10 * time.Minute)
		_, before := m.counted()
		m.change(func(m *machine) { m.booted = time.Now() })
		after(70 * time.Second)
		if _, now := m.counted(); now == before {
			t.Error("nobody asked for the rows of its table after it restarted")
		}
		readings := w.kept.of("acme-1001")
		if last := readings[len(readings)-1]; !last.OK || last.UptimeMS > 70_000 {
			t.Errorf("got %+v", last)
		}
	})
}

func TestARowThatMovedIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		m.sent = 10
		w := start(t, nil, m)
		after(10 * time.Minute)
		m.change(func(m *machine) { m.row, m.sent = 4, 12 })
		after(6 * time.Minute)
		readings := slices.DeleteFunc(w.kept.of(""), func(r wire.Reading) bool { return len(r.Counters) == 0 })
		last := readings[len(readings)-1].Counters[0]
		if last.Value != 12 {
			t.Errorf("got %d, want 12", last.Value)
		}
		for _, r := range readings {
			if v := r.Counters[0].Value; v != 10 && v != 12 {
				t.Errorf("got %d, which no fax counter ever said", v)
			}
		}
	})
}

func TestARowThatMovedIsSearchedAgainAtOnceWhereTheSearchFailed(t *testing.T) {
	for name, test := range map[string]struct{ silent, within time.Duration }{
		"of a machine that answered until then": {0, 9 * time.Minute},                 // its counters are due each five
		"of one that was silent":                {10 * time.Minute, 15 * time.Minute}, // and so is a look at it
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine("1001")
				m.sent = 10
				w := start(t, nil, m)
				after(10 * time.Minute)
				m.change(func(m *machine) { m.silent = test.silent > 0 })
				after(test.silent)
				m.change(func(m *machine) { m.silent, m.row, m.sent, m.fragile = false, 4, 12, 2 })
				after(test.within)
				readings := slices.DeleteFunc(w.kept.of(""), func(r wire.Reading) bool { return len(r.Counters) == 0 })
				if last := readings[len(readings)-1].Counters[0]; last.Value != 12 || m.fragile != 0 {
					t.Errorf("got %d, with %d failures to come, want 12", last.Value, m.fragile)
				}
				m.change(func(m *machine) { m.row, m.sent, m.fragile = 1, 13, 1000 })
				after(30 * time.Minute)
				if searches := 1000 - m.fragile; searches != 6 {
					t.Errorf("searched %d times in 30 minutes, want three times, and three times more when ten have passed", searches)
				}
			})
		})
	}
}

func TestARowThatIsMissingForAWhileIsSoonReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		m.sent = 10
		w := start(t, nil, m)
		after(15 * time.Minute)
		m.change(func(m *machine) { m.bare, m.booted = true, time.Now() })
		after(12 * time.Minute)
		m.change(func(m *machine) { m.bare, m.sent = false, 12 })
		after(6 * time.Minute)
		readings := slices.DeleteFunc(w.kept.of("acme-1001"), func(r wire.Reading) bool { return len(r.Counters) == 0 })
		if last := readings[len(readings)-1].Counters[0]; last.Value != 12 {
			t.Errorf("got %d six minutes after the row is back, want 12", last.Value)
		}
	})
}

func TestCountersAreSoonAskedAgainOfADeviceThatDidNotSayWhoItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 12 { // which have their looks at counters at different minutes
			machines = append(machines, newMachine(fmt.Sprint(10_000+i)))
		}
		w := start(t, func(o *poll.Options) { o.Counters = 6 * time.Minute }, machines...)
		after(time.Minute)
		for _, m := range machines {
			m.change(func(m *machine) { m.serial = "" })
		}
		after(8 * time.Minute)
		for i, m := range machines {
			m.change(func(m *machine) { m.serial, m.sent = fmt.Sprint(10_000+i), 7 })
		}
		after(2 * time.Minute)
		for i := range machines {
			if !slices.ContainsFunc(w.kept.of(fmt.Sprintf("acme-%d", 10_000+i)), func(r wire.Reading) bool {
				return len(r.Counters) > 0 && r.Counters[0].Value == 7
			}) {
				t.Errorf("m%d: its counters weren't asked within two minutes", i)
			}
		}
	})
}

func TestABootingMachineIsNotTakenForAnotherHoweverSeldomItIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, every := range []time.Duration{time.Minute, 20 * time.Minute} {
			m := newMachine("1001")
			w := start(t, func(o *poll.Options) { o.Lines, o.Counters = every, every }, m)
			after(time.Hour)
			m.change(func(m *machine) { m.serial, m.booted = "", time.Now() })
			after(every + time.Second)
			readings := w.kept.of("acme-1001")
			if last := readings[len(readings)-1]; last.OK || !strings.Contains(last.Error, "serial number") {
				t.Errorf("looked at every %s: got %+v, want a failed look at what it was", every, last)
			}
			if silent := w.Silent(); len(silent) > 0 {
				t.Errorf("looked at every %s: it is forgotten: %+v", every, silent)
			}
		}
	})
}

func TestAnotherMachineAtTheAddressIsAnotherDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		m.sent = 10
		w := start(t, nil, m)
		after(10 * time.Minute)
		old := len(w.kept.of("acme-1001"))
		m.change(func(m *machine) { m.serial, m.sent = "2002", 500 })
		after(10 * time.Minute)
		if got := len(w.kept.of("acme-1001")); got > old+1 {
			t.Errorf("acme-1001 is gone but got %d readings more", got-old)
		}
		readings := w.kept.of("acme-2002")
		if len(readings) < 9 || readings[0].Identity == nil || len(readings[0].Counters) == 0 || readings[0].Counters[0].Value != 500 {
			t.Errorf("got %+v", readings)
		}
	})
}

func TestOfTwoTargetsOfOneMachineTheFirstIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		other := newMachine("1001") // its second address
		w := start(t, nil, m, other)
		after(time.Hour)
		for _, r := range w.kept.of("") {
			if r.Identity != nil && r.Identity.Address != "m0" {
				t.Fatalf("got a reading through %s", r.Identity.Address)
			}
		}
		silent := w.Silent()
		if len(silent) != 1 || silent[0].Address != "m1" || !strings.HasPrefix(silent[0].Error, "it is acme-1001, which is polled at m0; want one target a machine") {
			t.Errorf("got %+v", silent)
		}
		m.change(func(m *machine) { m.silent = true })
		after(40 * time.Minute)
		readings := w.kept.of("acme-1001")
		if last := readings[len(readings)-1]; !last.OK {
			t.Errorf("the second address answers, but got %+v", last)
		}
		m.change(func(m *machine) { m.silent = false })
		after(40 * time.Minute)
		if silent = w.Silent(); len(silent) != 1 || silent[0].Address != "m0" {
			t.Errorf("the second address leads by now, got %+v", silent)
		}
	})
}

func TestReadingsOfASecondShareABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 100 {
			machines = append(machines, newMachine(fmt.Sprint(10_000+i)))
		}
		w := start(t, func(o *poll.Options) { o.Lines, o.Counters = 10*time.Second, 10*time.Second }, machines...)
		after(3 * time.Minute)
		if n := w.kept.batches; n > 181 {
			t.Errorf("got %d batches in 180 s", n)
		}
	})
}

func TestABatchFitsIntoAnEnvelopeHoweverManyDevicesThereAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var machines []*machine
		for i := range 2000 {
			machines = append(machines, newMachine(fmt.Sprint(10_000+i)))
		}
		w := start(t, func(o *poll.Options) { o.Lines, o.Counters = time.Second, time.Second }, machines...)
		after(5 * time.Second) // put says if one doesn't fit
		if n := len(w.kept.of("")); n < 6_000 {
			t.Errorf("got %d readings of 2000 devices in 5 s", n)
		}
	})
}

func TestPollingGoesOnWhereReadingsCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w := start(t, nil, m)
		after(5 * time.Minute)
		w.kept.mu.Lock()
		w.kept.err = errors.New("disk full")
		w.kept.mu.Unlock()
		after(10 * time.Minute)
		w.kept.mu.Lock()
		w.kept.err = nil
		w.kept.mu.Unlock()
		before := len(w.kept.of(""))
		after(5 * time.Minute)
		if got := len(w.kept.of("")) - before; got != 5 {
			t.Errorf("got %d readings in 5 minutes once there was room again, want 5", got)
		}
		if log := w.log.String(); strings.Count(log, "readings can't be kept") != 1 || strings.Count(log, "readings are kept again") != 1 {
			t.Errorf("want one line each in the log, got:\n%s", log)
		}
	})
}

func TestAClockThatJumpsDisturbsNoSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		var mu sync.Mutex
		var jump time.Duration
		w := start(t, func(o *poll.Options) {
			o.Now = func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return time.Now().Add(jump)
			}
		}, m)
		for _, to := range []time.Duration{20 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour, 0} {
			mu.Lock()
			jump = to
			mu.Unlock()
			before := len(w.kept.of(""))
			after(10 * time.Minute)
			if got := len(w.kept.of("")) - before; got < 9 || got > 12 {
				t.Errorf("got %d readings in 10 minutes with the clock off by %s, want 10", got, to)
			}
		}
	})
}
