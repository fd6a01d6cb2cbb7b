package discover

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Known is a machine that was found in a range, and is polled where it was seen last.
type Known struct {
	Device      string         `json:"device"`
	At          netip.AddrPort `json:"at"` // none: another machine is there now
	Range       netip.Prefix   `json:"range"`
	Credentials string         `json:"credentials"`
	Model       string         `json:"model,omitempty"`
	Plan        string         `json:"plan,omitempty"`   // of the sweep that found it: another one may have better credentials
	Since       time.Time      `json:"since"`            // when it was found first
	Seen        time.Time      `json:"seen"`             // when it answered last, to a sweep or to polls
	Missed      int            `json:"missed,omitempty"` // sweeps in a row that didn't see it
}

// event is what a machine's answer says of it.
type event string

const (
	same     event = "device still there" // as nearly always
	found    event = "device found in range"
	moved    event = "device moved"
	returned event = "device returned"
	double   event = "device answers at a second address"
)

// How long a machine stays known that nobody sees. A clock that is set forward by years is no reason
// to forget, hence the sweeps.
const (
	forgetAfter  = 30 * 24 * time.Hour
	forgetMisses = 3
)

// book is what is known of machines in ranges, by device id. Machines are followed by their
// identity; addresses change hands.
type book map[string]*Known

// saw books that a machine answered at f.At. still tells whether it answers at the address
// where it was known before as well; that only matters if it is another one.
func (b book) saw(f Found, now time.Time, still bool) event {
	k := b[f.Device]
	if k != nil && k.At != f.At && still {
		k.Seen, k.Missed = now, 0
		return double
	}
	b.vacate(f.At, f.Device)
	fresh := &Known{
		Device: f.Device, At: f.At, Range: f.Range, Credentials: f.Credentials, Model: f.Model, Since: now, Seen: now,
	}
	b[f.Device] = fresh
	if k == nil {
		return found
	}
	fresh.Since = k.Since
	switch {
	case k.At != f.At:
		return moved
	case k.Missed > 0:
		return returned
	}
	return same
}

// vacate takes an address from whoever was there before device.
func (b book) vacate(at netip.AddrPort, device string) {
	for _, k := range b {
		if k.At == at && k.Device != device {
			k.leave()
		}
	}
}

// leave books that another machine than k is at k's address.
func (k *Known) leave() { k.At = netip.AddrPort{} }

// confirm books that a machine answers polls where it is known to be.
func (b book) confirm(at netip.AddrPort, device string, now time.Time) bool {
	k := b[device]
	if k == nil || k.At != at {
		return false
	}
	k.Seen, k.Missed = now, 0
	return true
}

// swept is the end of a sweep that began at start: it tells the machines that this one was
// the first not to see, and takes those out that nobody has seen for too long.
func (b book) swept(start, now time.Time) (missing, forgotten []Known) {
	for _, k := range b.sorted() {
		if !k.Seen.Before(start) {
			continue
		}
		k.Missed++
		if k.Missed == 1 {
			missing = append(missing, *k)
		}
		if k.Missed >= forgetMisses && now.Sub(k.Seen) >= forgetAfter {
			forgotten = append(forgotten, *k)
			delete(b, k.Device)
		}
	}
	return missing, forgotten
}

// prune takes out what may no longer be polled: keep says what may.
func (b book) prune(keep func(*Known) bool) (dropped []Known) {
	for _, k := range b.sorted() {
		if !keep(k) {
			dropped = append(dropped, *k)
			delete(b, k.Device)
		}
	}
	return dropped
}

// targets are the addresses to poll.
func (b book) targets() map[netip.AddrPort]*Known {
	targets := make(map[netip.AddrPort]*Known, len(b))
	for _, k := range b {
		if k.At.IsValid() {
			targets[k.At] = k
		}
	}
	return targets
}

func (b book) sorted() []*Known {
	return slices.SortedFunc(maps.Values(b), func(x, y *Known) int { return cmp.Compare(x.Device, y.Device) })
}
