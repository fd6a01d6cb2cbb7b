package people

import (
	"net/netip"
	"sync"
	"time"
)

// How many tries are free, and how long one must wait at most after more: each failure doubles it, from a second on. The
// limit of a name is short, since others can reach it: it slows guessers down and locks nobody out for good.
const (
	freeOfName       = 5
	longestOfName    = time.Minute
	freeOfAddress    = 20 // a hospital may have one for all
	longestOfAddress = 15 * time.Minute

	forgotten = time.Hour // after which failures don't count any more
	mostTries = 10_000    // names and addresses that are remembered
)

// limit is by what tries are counted.
type limit struct {
	key     string
	free    int
	longest time.Duration
}

// failures are tries that didn't succeed, or haven't yet.
type failures struct {
	count int
	last  time.Time
}

// tries remembers who failed. It is in memory only: a new start is worth a few guesses.
type tries struct {
	mu     sync.Mutex
	failed map[string]failures
	now    func() time.Time
}

func newTries(now func() time.Time) *tries { return &tries{failed: map[string]failures{}, now: now} }

// begin counts a try as a failure, until it is forgiven: of many at once only so many are free. Where the
// limits don't allow one, it counts nothing and tells how long to wait.
func (t *tries) begin(limits []limit) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, l := range limits {
		f := t.failed[l.key]
		wait = max(wait, f.last.Add(l.delay(f.count)).Sub(now))
	}
	if wait > 0 {
		return wait
	}
	if len(t.failed) >= mostTries {
		t.forget(now)
	}
	for _, l := range limits {
		f := t.failed[l.key]
		if now.Sub(f.last) > forgotten {
			f.count = 0
		}
		t.failed[l.key] = failures{f.count + 1, now}
	}
	return 0
}

// delay is how long to wait after so many failures.
func (l limit) delay(count int) time.Duration {
	if count < l.free {
		return 0
	}
	return min(time.Second<<min(count-l.free, 20), l.longest)
}

// forget makes room.
func (t *tries) forget(now time.Time) {
	for key, f := range t.failed {
		if now.Sub(f.last) > forgotten {
			delete(t.failed, key)
		}
	}
	for key := range t.failed {
		if len(t.failed) < mostTries {
			return
		}
		delete(t.failed, key)
	}
}

// forgive takes a try back that succeeded. What failed before from that address still counts: it may have been
// at other names.
func (t *tries) forgive(limits []limit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failed, limits[0].key)
	for _, l := range limits[1:] {
		f := t.failed[l.key]
		t.failed[l.key] = failures{max(f.count-1, 0), f.last}
	}
}

// network is by what addresses are counted: of IPv6 everybody has 2⁶⁴.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, _ := ip.Prefix(64)
	return prefix.String()
}
