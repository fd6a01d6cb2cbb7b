//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerofax/zerofax/mibs/sim"
)

// An hour compressed: lines each second instead of each minute, counters each five seconds
// instead of each five minutes, for a minute. ZEROFAX_SOAK=1h makes it as long as you like.
func TestAnHourOfTwoThousandMachinesATenthOfThemFaulty(t *testing.T) {
	const devices, faulty = 2000, 200
	span := time.Minute
	if text := os.Getenv("ZEROFAX_SOAK"); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatalf("ZEROFAX_SOAK: %v", err)
		}
	}
	h := newHospital(t, setUp{devices: devices, counters: "5s"})
	h.open()
	var before vitals
	h.soak(span, faulty, func() { before = h.vitals(t) })
	after := h.vitals(t)

	h.wantTotals(2 * time.Minute)
	h.stays(5 * time.Second)
	if lost := h.metric(`zerofax_agent_dropped_readings_total{agent="ps-01"}`); lost != 0 {
		t.Errorf("got %v readings given up, want none", lost)
	}
	eventually(t, 30*time.Second, "the spool runs empty", func() string {
		if n := h.metric(`zerofax_agent_spool_envelopes{agent="ps-01"}`); n > 5 {
			return fmt.Sprintf("%v envelopes", n)
		}
		return ""
	})
	t.Logf("%d requests, %.0f µs CPU each; memory %.1f MB early, %.1f MB late; %d and %d goroutines, %d and %d files",
		after.requests-before.requests, float64((after.cpu-before.cpu).Microseconds())/float64(after.requests-before.requests), float64(before.rss)/1e6, float64(after.rss)/1e6, before.goroutines, after.goroutines, before.files, after.files)
	if after.rss > before.rss+before.rss/5 {
		t.Errorf("memory grew from %d to %d bytes, want it flat", before.rss, after.rss)
	}
	if after.goroutines > before.goroutines+before.goroutines/4+10 || after.files > before.files+20 {
		t.Errorf("goroutines grew from %d to %d, open files from %d to %d; want them steady", before.goroutines, after.goroutines, before.files, after.files)
	}
}

// soak lets machines fax, and a tenth of them, chosen anew again and again, misbehave. All are
// well again when it returns. After a quarter of the time it says that the agent has warmed up.
func (h *hospital) soak(span time.Duration, faulty int, warm func()) {
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(h.t.Context(), span)
	defer cancel()
	all.Go(func() {
		rng := rand.New(rand.NewPCG(3, 3))
		for ctx.Err() == nil {
			h.ward.Devices[rng.IntN(len(h.ward.Devices))].Fax(rng.IntN(4), rng.IntN(4))
			pause(ctx, 5*time.Millisecond)
		}
	})
	for i := range faulty {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 4))
			moved := map[*sim.Device]time.Time{}
			for ctx.Err() == nil {
				bed := h.ward.Devices[i+faulty*rng.IntN(len(h.ward.Devices)/faulty)] // of each goroutine's own
				ail(ctx, rng, bed, moved)
			}
		})
	}
	pause(ctx, span/4)
	warm()
	all.Wait()
}

// ail lets a machine be ill in one way for some seconds. Its rows move at most each ten
// minutes, since an agent doesn't look for them more often.
func ail(ctx context.Context, rng *rand.Rand, bed sim.Bed, moved map[*sim.Device]time.Time) {
	faults := []sim.Fault{
		{Silent: true},
		{Delay: time.Duration(rng.IntN(500)) * time.Millisecond},
		{WrongID: true},
		{Garbage: []byte("\x30\x82\xff\xff\x02\x01")},
		{TooBig: 3},
		{GenErr: "*"},
	}
	undo := func() { bed.SetFault(sim.Fault{}) }
	switch n := rng.IntN(len(faults) + 3); n {
	default:
		bed.SetFault(faults[n])
	case len(faults):
		bed.Reboot()
	case len(faults) + 1:
		undo = bed.Reset() // says 0 while it boots
	case len(faults) + 2:
		if time.Since(moved[bed.Device]) > 11*time.Minute {
			bed.MoveRows()
			moved[bed.Device] = time.Now()
			pause(ctx, time.Duration(rng.IntN(4000))*time.Millisecond) // then it falls ill, perhaps while it is being searched
			bed.SetFault(faults[rng.IntN(len(faults))])
		}
	}
	pause(ctx, time.Duration(rng.IntN(4000))*time.Millisecond)
	undo()
	pause(ctx, time.Duration(rng.IntN(2000))*time.Millisecond)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (h *hospital) requests() (n int) {
	for _, bed := range h.ward.Devices {
		n += bed.Requests().All()
	}
	return n
}

// vitals are what must not grow as long as an agent runs.
type vitals struct {
	rss        int64
	cpu        time.Duration
	requests   int // that the machines got
	goroutines int
	files      int
}

func (h *hospital) vitals(t *testing.T) (v vitals) {
	t.Helper()
	pid := h.agent.cmd.Process.Pid
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	const schedClock = 2 // clock_getcpuclockid(3)
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &ts); err != nil {
		t.Fatal(err)
	}
	v = vitals{rss: h.agent.rss(), cpu: time.Duration(ts.Nano()), requests: h.requests(), files: len(files)}
	v.goroutines = int(number(get(h.status+"/metrics"), "go_goroutines"))
	if v.goroutines < 0 {
		t.Fatalf("%s/metrics doesn't tell go_goroutines", h.status)
	}
	return v
}
