package poll_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// network is who is where at the moment.
type network struct {
	mu sync.Mutex
	at map[string]*machine
}

// nobody answers.
func nobody() *machine { return &machine{silent: true} }

// put changes who is where. An address without a machine is silent.
func (n *network) put(at map[string]*machine) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = at
}

// target is what the poller sees of an address.
func (n *network) target(address, source string) poll.Target {
	none := nobody()
	return poll.Target{Address: address, Source: source, Ask: func(_ context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
		n.mu.Lock()
		m := n.at[address]
		n.mu.Unlock()
		if m == nil {
			m = none
		}
		return look(m)
	}}
}

// startNetwork polls configured targets a and b.
func startNetwork(t *testing.T, at map[string]*machine) (*ward, *network) {
	n := &network{at: at}
	return start(t, func(o *poll.Options) { o.Targets = []poll.Target{n.target("a", ""), n.target("b", "")} }), n
}

// since are the readings of a device from the nth on.
func (k *kept) since(device string, n int) []wire.Reading { return k.of(device)[n:] }

func statusOf(t *testing.T, w *ward, address string) poll.Status {
	t.Helper()
	all := w.Snapshot()
	i := slices.IndexFunc(all, func(s poll.Status) bool { return s.Address == address })
	if i < 0 {
		t.Fatalf("no status of %s in %+v", address, all)
	}
	return all[i]
}

func TestTargetsComeAndGoAtRunTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{at: map[string]*machine{"a": newMachine("1001"), "c": newMachine("1003")}}
		w := start(t, func(o *poll.Options) { o.Targets = []poll.Target{n.target("a", "")} })
		after(10 * time.Minute)
		if !w.Add(n.target("c", "10.0.0.0/24")) || w.Add(n.target("c", "10.0.0.0/24")) || w.Add(n.target("a", "10.0.0.0/24")) {
			t.Error("want only a new address to be added")
		}
		after(5 * time.Second)
		if got := len(w.kept.of("acme-1003")); got != 1 || w.Targets() != 2 {
			t.Errorf("got %d readings of c and %d targets, want 1 and 2", got, w.Targets())
		}
		if s := statusOf(t, w, "c"); s.Source != "10.0.0.0/24" || s.Device != "acme-1003" {
			t.Errorf("got %+v", s)
		}
		w.Drop("c")
		w.Drop("a") // is configured
		w.Drop("nowhere")
		had := len(w.kept.of("acme-1001"))
		after(10 * time.Minute)
		if got := len(w.kept.of("acme-1003")); got != 1 || w.Targets() != 1 || len(w.Silent()) != 0 {
			t.Errorf("got %d readings of c, %d targets and %v silent; want c dropped", got, w.Targets(), w.Silent())
		}
		if got := len(w.kept.since("acme-1001", had)); got != 10 {
			t.Errorf("got %d readings of a in 10 minutes, want 10", got)
		}
	})
}

func TestATargetMayBeDroppedAndAddedWhileItIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1003")
		m.delay = 3 * time.Second
		n := &network{at: map[string]*machine{"c": m}}
		w := start(t, func(o *poll.Options) { o.Targets = nil })
		w.Add(n.target("c", "10.0.0.0/24"))
		after(time.Second)
		w.Drop("c")
		if w.Add(n.target("c", "10.0.0.0/23")); w.Add(n.target("c", "10.0.0.0/22")) {
			t.Error("added twice")
		}
		w.Drop("c")
		w.Add(n.target("c", "10.0.0.0/23"))
		after(5 * time.Minute)
		m.change(func(m *machine) {
			if m.overlaps > 0 {
				t.Errorf("%d requests came while another was under way", m.overlaps)
			}
		})
		if s := statusOf(t, w, "c"); s.Source != "10.0.0.0/23" || s.Device != "acme-1003" {
			t.Errorf("got %+v", s)
		}
		if got := len(w.kept.of("acme-1003")); got < 4 || got > 6 || w.Targets() != 1 {
			t.Errorf("got %d readings and %d targets, want about 5 and one", got, w.Targets())
		}
	})
}

func TestADeviceThatMovedIsReadThereAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w, n := startNetwork(t, map[string]*machine{"a": m})
		after(20 * time.Minute)
		had := len(w.kept.of(""))
		n.put(map[string]*machine{"b": m})
		after(7 * time.Minute) // b was silent and is looked at each five
		readings := w.kept.since("acme-1001", had)
		failed := 0
		for _, r := range readings {
			if !r.OK {
				failed++
			}
		}
		if last := readings[len(readings)-1]; !last.OK || failed > 4 {
			t.Errorf("got %d failed looks, at last %+v", failed, last)
		}
		if s := statusOf(t, w, "a"); s.DoubleOf != "b" || s.Error == "" {
			t.Errorf("a: got %+v", s)
		}
		if silent := w.Silent(); len(silent) != 1 || !strings.HasPrefix(silent[0].Error, "acme-1001, which was here, is at b by now: no answer") {
			t.Errorf("got %+v", silent)
		}
	})
}

func TestADeviceThatDiscoveryFindsElsewhereHasNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		n := &network{at: map[string]*machine{"a": m}}
		w := start(t, func(o *poll.Options) { o.Targets = nil })
		w.Add(n.target("a", "10.0.0.0/24"))
		after(20 * time.Minute)
		n.put(map[string]*machine{"b": m})
		w.Add(n.target("b", "10.0.0.0/24"))
		after(20 * time.Second)
		w.Drop("a")
		after(5 * time.Minute)
		readings := w.kept.of("acme-1001")
		for i, r := range readings[1:] {
			if gap := r.At.Sub(readings[i].At); !r.OK || gap > 90*time.Second {
				t.Errorf("%s after the one before: %+v", gap, r)
			}
		}
		if silent := w.Silent(); len(silent) != 0 {
			t.Errorf("got %+v", silent)
		}
	})
}

func TestMachinesThatSwapAddressesAreEachBookedToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := newMachine("1001"), newMachine("1002")
		x.sent, y.sent = 10, 5000
		w, n := startNetwork(t, map[string]*machine{"a": x, "b": y})
		after(20 * time.Minute)
		hadX, hadY := len(w.kept.of("acme-1001")), len(w.kept.of("acme-1002"))
		n.put(map[string]*machine{"a": y, "b": x})
		after(61 * time.Second)
		for device, had := range map[string]int{"acme-1001": hadX, "acme-1002": hadY} {
			if got := w.kept.since(device, had); len(got) == 0 || !got[0].OK {
				t.Errorf("%s: got %+v within a poll of the swap", device, got)
			}
		}
		after(10 * time.Minute)
		for device, want := range map[string]int64{"acme-1001": 10, "acme-1002": 5000} {
			for _, r := range w.kept.of(device) {
				if !r.OK || len(r.Counters) > 0 && r.Counters[0].Value != want {
					t.Errorf("%s: got %+v, want %d pages", device, r, want)
				}
			}
		}
		if a, b := statusOf(t, w, "a"), statusOf(t, w, "b"); a.Device != "acme-1002" || b.Device != "acme-1001" || a.DoubleOf+b.DoubleOf != "" {
			t.Errorf("got %+v, %+v", a, b)
		}
	})
}

func TestTheSnapshotTellsHowTargetsStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		w, _ := startNetwork(t, map[string]*machine{"a": m})
		after(20 * time.Minute)
		now := time.Now()
		a, b := statusOf(t, w, "a"), statusOf(t, w, "b")
		if a.Profile != "acme" || a.Why == "" || a.Fax != wire.Yes || a.Identity.Model != "Acme 100" || a.Error+a.Waits != "" ||
			a.LastAnswer != a.LastLook || now.Sub(a.LastLook) > time.Minute || a.Next.Sub(now) > time.Minute {
			t.Errorf("a: got %+v", a)
		}
		if b.Device != "" || !strings.Contains(b.Error, "no answer") || b.Failures < 5 || b.Waits != "looked at every 5m0s until it answers" ||
			!b.LastAnswer.IsZero() || now.Sub(b.LastLook) > 6*time.Minute || !b.Next.After(now) {
			t.Errorf("b: got %+v", b)
		}
		if age := now.Sub(w.Alive()); age > time.Second {
			t.Errorf("alive %s ago", age)
		}
	})
}

func TestTheLastAnswersAreKeptRawAndWithWhatWasMadeOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		m.sent = 77
		w, _ := startNetwork(t, map[string]*machine{"a": m})
		after(20 * time.Minute)
		last, ok := w.Last("a")
		if !ok || len(last.Looks) == 0 {
			t.Fatalf("got %+v, %v", last, ok)
		}
		counted := last.Looks[len(last.Looks)-1]
		if len(counted.Measures) != 1 || counted.Measures[0].Value != 77 || !counted.Result.Reading.OK || len(counted.Result.Unknown) == 0 {
			t.Errorf("got %+v", counted)
		}
		said := map[string]string{}
		for _, a := range counted.Answers {
			if a.Told {
				said[a.OID] = a.Value.Text()
			}
		}
		const acme = "1.3.6.1.4.1.99999."
		if said[acme+"2.0"] != "1001" || said[acme+"4.1.1"] != "pages sent" || said[acme+"4.2.1"] != "77" || counted.Answers[1].OID != acme+"2.0" {
			t.Errorf("got %v", counted.Answers)
		}
		if last, ok := w.Last("b"); !ok || len(last.Looks) != 0 {
			t.Errorf("b never answered: got %+v, %v", last, ok)
		}
		if _, ok := w.Last("c"); ok {
			t.Error("there is no target c")
		}
	})
}

func TestTargetsMayComeAndGoAndBeLookedAtFromAnyGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := map[string]*machine{}
		for i := range 40 {
			m := newMachine(fmt.Sprint(1001 + i/2)) // each has two addresses
			m.delay = time.Duration(i) * 10 * time.Millisecond
			at[address(i)] = m
		}
		n := &network{at: at}
		w := start(t, func(o *poll.Options) { o.Targets, o.Lines, o.Counters = nil, time.Second, time.Second })
		var all sync.WaitGroup
		for i := range at {
			all.Go(func() {
				for range 50 {
					w.Add(n.target(i, "10.0.0.0/24"))
					time.Sleep(time.Duration(len(w.Snapshot())) * 37 * time.Millisecond)
					w.Last(i)
					w.Silent()
					w.Drop(i)
				}
			})
		}
		all.Wait()
		after(10 * time.Second)
		had := len(w.kept.of(""))
		after(time.Minute)
		if w.Targets() != 0 || len(w.Snapshot()) != 0 || len(w.kept.of("")) != had {
			t.Errorf("all are dropped, but got %d targets, %v, and %d readings more", w.Targets(), w.Snapshot(), len(w.kept.of(""))-had)
		}
		w.Add(n.target(address(0), "10.0.0.0/24"))
		after(10 * time.Second)
		if got := len(w.kept.of("acme-1001")); got < 5 {
			t.Errorf("got %d readings of a device that was added again ten seconds ago", got)
		}
	})
}

// Addresses of discovered machines change hands, also into those of machines that nobody wants.
func TestAMachineThatIsNotWantedIsNotReadWhereverItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{at: map[string]*machine{"c": newMachine("1001")}}
		w := start(t, func(o *poll.Options) { o.Targets = nil })
		c := n.target("c", "10.0.0.0/24")
		c.Refuses = func(is *mibs.Device) string {
			if is.ID == "acme-1002" {
				return "it can't fax"
			}
			return ""
		}
		w.Add(c)
		after(10 * time.Minute)
		n.put(map[string]*machine{"c": newMachine("1002")})
		after(time.Hour)
		if s := statusOf(t, w, "c"); len(w.kept.of("acme-1002")) > 0 || s.Error != "not polled: it can't fax" {
			t.Errorf("got %d readings of it, %+v, want none, and why", len(w.kept.of("acme-1002")), s)
		}
		n.put(map[string]*machine{"c": newMachine("1003")})
		after(10 * time.Minute)
		if len(w.kept.of("acme-1003")) == 0 {
			t.Error("got no reading of the one that came then")
		}
	})
}

func TestAMachineThatIsNotWantedAnyMoreAfterARestartIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		n := &network{at: map[string]*machine{"c": m}}
		w := start(t, func(o *poll.Options) { o.Targets = nil })
		c := n.target("c", "10.0.0.0/24")
		var unwanted atomic.Bool
		c.Refuses = func(*mibs.Device) string {
			if unwanted.Load() {
				return "it can't fax any more"
			}
			return ""
		}
		w.Add(c)
		after(20 * time.Minute)
		unwanted.Store(true) // its fax card was taken out
		m.change(func(m *machine) { m.booted = time.Now() })
		after(10 * time.Minute)
		if s := statusOf(t, w, "c"); s.Device != "" || s.Error != "not polled: it can't fax any more" {
			t.Errorf("got %+v, want no device, and why", s)
		}
	})
}

func TestTargetsThatComeTogetherAreNotAskedAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{at: map[string]*machine{}}
		w := start(t, func(o *poll.Options) { o.Targets = nil })
		for i := range 100 {
			address := fmt.Sprint("c", i)
			n.at[address] = newMachine(fmt.Sprint(1000 + i))
			w.Add(n.target(address, "10.0.0.0/24"))
		}
		asked := func() (n int) {
			for _, s := range w.Snapshot() {
				if !s.LastLook.IsZero() {
					n++
				}
			}
			return n
		}
		after(1100 * time.Millisecond)
		if got := asked(); got < 40 || got > 60 {
			t.Errorf("got %d of 100 asked after a second, want about 50", got)
		}
		after(2 * time.Second)
		if got := asked(); got != 100 {
			t.Errorf("got %d of 100 asked after 3 s", got)
		}
	})
}
