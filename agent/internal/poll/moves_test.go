package poll_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/internal/poll"
)

// A step is who is at each address, which of the two discovered addresses are targets, and
// for how long.
type step struct {
	at       []int // by address: a machine, -1 for nobody
	targets  []bool
	lasts    time.Duration
	counting []int // pages that each machine sends
}

const (
	machines   = 4
	configured = 4 // addresses, and
	discovered = 2
)

func steps(t *rapid.T) []step {
	one := rapid.Custom(func(t *rapid.T) step {
		return step{
			at:       rapid.SliceOfN(rapid.IntRange(-1, machines-1), configured+discovered, configured+discovered).Draw(t, "at"),
			targets:  rapid.SliceOfN(rapid.Bool(), discovered, discovered).Draw(t, "targets"),
			lasts:    time.Duration(rapid.IntRange(1, 1500).Draw(t, "lasts")) * time.Second,
			counting: rapid.SliceOfN(rapid.IntRange(0, 3), machines, machines).Draw(t, "counting"),
		}
	})
	return rapid.SliceOfN(one, 1, 8).Draw(t, "steps")
}

func address(i int) string { return fmt.Sprintf("address-%d", i) }

// polled tells whether machine answers at a target.
func (s *step) polled(machine int) bool {
	for i, there := range s.at {
		if there == machine && (i < configured || s.targets[i-configured]) {
			return true
		}
	}
	return false
}

func TestWhateverMovesEachDeviceIsReadOnceAndAsItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plan := steps(rt)
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = live(t, plan) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// live lets a plan happen and says what went wrong.
func live(t *testing.T, plan []step) (wrong string) {
	n := &network{}
	var all []*machine
	for i := range machines {
		m := newMachine(fmt.Sprint(1001 + i))
		m.sent = int64(i+1) * 1_000_000
		all = append(all, m)
	}
	w := start(t, func(o *poll.Options) {
		for i := range configured {
			o.Targets = append(o.Targets, n.target(address(i), ""))
		}
	})
	for i := range plan {
		s := &plan[i]
		at := map[string]*machine{}
		for i, m := range s.at {
			if m >= 0 {
				at[address(i)] = all[m]
			}
		}
		n.put(at)
		for i, wanted := range s.targets {
			if wanted {
				w.Add(n.target(address(configured+i), "10.0.0.0/24"))
			} else {
				w.Drop(address(configured + i))
			}
		}
		for i, pages := range s.counting {
			all[i].change(func(m *machine) { m.sent += int64(pages) })
		}
		after(s.lasts)
		if wrong = s.wrong(w); wrong != "" {
			return fmt.Sprintf("step %d: %s\n%s", i, wrong, w.log.String())
		}
	}
	return ""
}

// wrong is what the readings up to now say that isn't so.
func (s *step) wrong(w *ward) string {
	const found = 7 * time.Minute // a look at a silent address, which comes each five, and then one at the device
	for i := range machines {
		device := fmt.Sprintf("acme-%d", 1001+i)
		last, looks := time.Now().Add(found-s.lasts), 0
		began := last
		for _, r := range w.kept.of(device) {
			for _, c := range r.Counters {
				if c.Value/1_000_000 != int64(i+1) {
					return fmt.Sprintf("%s got another's counter %d", device, c.Value)
				}
			}
			at := r.At.Std()
			if !s.polled(i) || at.Before(began) {
				continue
			}
			if gap := at.Sub(last); !r.OK || gap > 70*time.Second {
				return fmt.Sprintf("%s at %s, %s after the one before: %+v", device, at, gap, r)
			}
			last = at
			looks++
		}
		if gap := time.Since(last); s.polled(i) && gap > 70*time.Second {
			return fmt.Sprintf("%s: no reading for %s", device, gap)
		}
		if most := int((s.lasts - found) / time.Minute); looks > most+2 && looks > 2 {
			return fmt.Sprintf("%s: %d readings in %s", device, looks, s.lasts-found)
		}
	}
	return ""
}
