package poll_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zerofax/zerofax/agent/internal/poll"
)

func TestADeviceThatRestartsWhenItIsAskedIsLeftAlone(t *testing.T) {
	for name, change := range map[string]func(*machine){
		"after it answered":          func(m *machine) { m.crash = 90 * time.Second },
		"at once, booting quickly":   func(m *machine) { m.crash = 8 * time.Second },
		"slowly":                     func(m *machine) { m.crash = 4 * time.Minute },
		"of whatever asks for a lot": func(m *machine) { m.crash, m.picky = 90*time.Second, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMachine("1001")
				w := start(t, nil, m)
				after(time.Hour)
				m.change(change)
				after(3 * time.Hour)
				before, _ := m.counted()
				had := len(w.kept.of("acme-1001"))
				after(5 * time.Hour)
				if now, _ := m.counted(); now != before {
					t.Fatalf("it was asked %d times more", now-before)
				}
				if s := w.Snapshot()[0]; !s.Rests {
					t.Errorf("got %+v, want it shown as left alone", s)
				}
				readings := w.kept.since("acme-1001", had)
				if len(readings) != 5 {
					t.Errorf("got %d readings in 5 hours, want one an hour", len(readings))
				}
				for _, r := range readings {
					if r.OK || !strings.HasPrefix(r.Error, "left alone until 2000-01-02 0") || !strings.Contains(r.Error, "restarted 4 times") {
						t.Fatalf("got %+v", r)
					}
				}
				if s := statusOf(t, w, "m0"); s.Error != readings[0].Error || s.Waits != s.Error {
					t.Errorf("got %+v", s)
				}
			})
		})
	}
}

// It may have been mended meanwhile.
func TestADeviceThatWasLeftAloneIsTriedAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		m.crash = 90 * time.Second
		w := start(t, nil, m)
		after(3 * time.Hour)
		before, _ := m.counted()
		after(25 * time.Hour) // the day is over
		if now, _ := m.counted(); now == before || now > before+8 {
			t.Errorf("it was asked %d times more after a day, want one try", now-before)
		}
		now, _ := m.counted()
		after(42 * time.Hour)
		if again, _ := m.counted(); again != now {
			t.Errorf("it was asked %d times more within two days", again-now)
		}
		m.change(func(m *machine) { m.crash = 0 })
		after(10 * time.Hour)
		readings := w.kept.of("acme-1001")
		if last := readings[len(readings)-1]; !last.OK || last.At.Std().Before(time.Now().Add(-time.Minute)) {
			t.Errorf("it is mended, but got %+v", last)
		}
		if log := w.log.String(); strings.Count(log, "device restarts") != 2 {
			t.Errorf("want two lines in the log, got:\n%s", log)
		}
	})
}

func TestADeviceThatRestartsWhileItIsAskedWhoItIsIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMachine("1001")
		m.crash, m.picky = 30*time.Second, true
		w := start(t, nil, m)
		after(2 * time.Hour)
		before, _ := m.counted()
		after(20 * time.Hour)
		if now, _ := m.counted(); now != before {
			t.Errorf("it was asked %d times more", now-before)
		}
		if silent := w.Silent(); len(silent) != 1 || !strings.Contains(silent[0].Error, "left alone until") {
			t.Errorf("got %+v", silent)
		}
	})
}

func TestADeviceThatRestartsForOtherReasonsGoesOnBeingPolled(t *testing.T) {
	for name, plan := range map[string]struct{ every, boot time.Duration }{
		"each hour":                      {time.Hour, 30 * time.Second},
		"each hour, quickly":             {time.Hour, 2 * time.Second},
		"each 137 s, in its own rhythm":  {137 * time.Second, 20 * time.Second},
		"off for some minutes each hour": {time.Hour, 10 * time.Minute},
	} {
		for _, interval := range []time.Duration{10 * time.Second, time.Minute} {
			t.Run(name+", polled each "+interval.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					m := newMachine("1001")
					w := start(t, func(o *poll.Options) { o.Lines, o.Counters = interval, interval }, m)
					after(12*time.Minute + 17*time.Second)
					for range 5 {
						m.change(func(m *machine) { m.booted = time.Now().Add(plan.boot) })
						after(plan.every)
					}
					if log := w.log.String(); strings.Contains(log, "device restarts") {
						t.Errorf("got:\n%s", log)
					}
				})
			})
		}
	}
}

// Many a machine that is asked while it sleeps counts its uptime from when that woke it: it
// seems to restart always as long after it was asked as it takes it to fall asleep.
func TestADeviceThatWakesWhenItIsAskedGoesOnBeingPolled(t *testing.T) {
	for name, test := range map[string]struct{ interval, sleeps, wakes time.Duration }{
		"sleeps at once":               {time.Minute, 10 * time.Second, 3 * time.Second},
		"sleeps nearly an interval":    {time.Minute, 55 * time.Second, 4 * time.Second},
		"wakes slowly":                 {time.Minute, 65 * time.Second, 9 * time.Second},
		"polled each 5 minutes":        {5 * time.Minute, 4 * time.Minute, 5 * time.Second},
		"polled each 5 minutes, awake": {5 * time.Minute, 6 * time.Minute, 5 * time.Second},
		"polled each 10 s":             {10 * time.Second, 8 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMachine("1001")
				m.asked = time.Now()
				w := start(t, func(o *poll.Options) { o.Lines, o.Counters = test.interval, test.interval }, m)
				after(time.Hour)
				_, columns := m.counted()
				m.change(func(m *machine) { m.sleeps, m.wakes = test.sleeps, test.wakes })
				looks := min(1000, 16*time.Hour/test.interval)
				after(looks * test.interval)
				if log := w.log.String(); strings.Contains(log, "device restarts") {
					t.Errorf("got:\n%s", log)
				}
				ok := 0
				for _, r := range w.kept.of("acme-1001") {
					if r.OK {
						ok++
					}
				}
				if ok < int(looks)/2-10 {
					t.Errorf("got %d readings in %d looks, want at least every other", ok, int(looks))
				}
				most := int(looks * test.interval / (10 * time.Minute))
				if _, now := m.counted(); now-columns > most+5 {
					t.Errorf("it was asked %d times who it is, want once in 10 minutes at most: %d", now-columns, most)
				}
			})
		})
	}
}

func TestRestartsAtAnyTimeAreHardlyEverTakenForOurDoing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		var machines []*machine
		for range 50 {
			machines = append(machines, newMachine(time.Now().String()+string(rune('a'+len(machines)))))
		}
		w := start(t, nil, machines...)
		after(10 * time.Minute)
		for range 500 { // ten each
			m := machines[rng.IntN(len(machines))]
			m.change(func(m *machine) { m.booted = time.Now().Add(90 * time.Second) })
			after(time.Duration(rng.IntN(60_000)) * time.Millisecond)
		}
		if n := strings.Count(w.log.String(), "device restarts"); n > 1 {
			t.Errorf("%d of 50 devices were left alone; want hardly any", n)
		}
	})
}
