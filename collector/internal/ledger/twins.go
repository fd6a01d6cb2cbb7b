package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// A fax between two machines of ours is written down by both, and a call also by each exchange on its way. These rows
// are twins: one fax. Nothing in them says so but who faxed whom, when, and how it ended.

// twinWindow is how far apart twins may be: clocks of machines drift by minutes, and a journal tells when a fax began,
// was queued, or ended.
const twinWindow = 10 * time.Minute

// The witnesses as bits.
const (
	bySender = 1 << iota
	byReceiver
	byExchange
)

func witnessBit(w wire.Witness) int64 {
	return map[wire.Witness]int64{wire.Sender: bySender, wire.Receiver: byReceiver, wire.Exchange: byExchange}[w]
}

// sighting is a row of the books: what one witness wrote down of one fax.
type sighting struct {
	row     int64
	digest  string
	pair    *pair
	at      wire.Time
	witness int64
	done    bool
	pages   int64
	seconds int64
	of      int64 // the import that books it
	ahead   bool  // dated in the future when it was read
}

// compare is the order in which twins are looked for; it doesn't depend on when rows were booked.
func (s *sighting) compare(other *sighting) int {
	return cmp.Or(cmp.Compare(s.at, other.at), strings.Compare(s.digest, other.digest))
}

// tally is what some faxes come to.
type faxTally struct {
	done, failed, pages, paged int64
	last                       wire.Time // of those done; never falls
}

func (t *faxTally) add(x faxTally, sign int64) {
	t.done += sign * x.done
	t.failed += sign * x.failed
	t.pages += sign * x.pages
	t.paged += sign * x.paged
	if sign > 0 {
		t.last = max(t.last, x.last)
	}
}

// fax is one fax, which is booked where its first row says.
type fax struct {
	first *sighting
	twins [2]*sighting // what other witnesses wrote down of it; nil: nothing
	pages int64        // the most that a witness tells
}

func (f *fax) add(twin *sighting) {
	if f.twins[0] != nil {
		f.twins[1] = twin
		return
	}
	f.twins[0] = twin
}

func (f fax) tally() faxTally {
	switch {
	case !f.first.done:
		return faxTally{failed: 1}
	case f.pages > 0:
		return faxTally{done: 1, pages: f.pages, paged: 1, last: f.first.at}
	}
	return faxTally{done: 1, last: f.first.at}
}

// faxes tells which rows of one pair, that ended alike, are twins. rows are in their order. The first that has no twin
// yet takes the next of each other witness within the window: so as many find one as can.
func faxes(rows []*sighting) []fax {
	found, taken := make([]fax, 0, len(rows)), make([]bool, len(rows))
	next := map[int64]int{bySender: 0, byReceiver: 0, byExchange: 0}
	for i, first := range rows {
		if taken[i] {
			continue
		}
		taken[i] = true
		f := fax{first: first, pages: first.pages}
		for witness := int64(bySender); witness <= byExchange; witness <<= 1 {
			if witness == first.witness {
				continue
			}
			k := next[witness]
			for k < len(rows) && (taken[k] || rows[k].witness != witness) {
				k++
			}
			next[witness] = k
			if k < len(rows) && rows[k].at.Sub(first.at) <= twinWindow {
				taken[k] = true
				f.add(rows[k])
				f.pages = max(f.pages, rows[k].pages)
			}
		}
		found = append(found, f)
	}
	return found
}

// whole tells whether all rows are there that one of some rows can be a twin of, or of whose twins, and so on: from the
// first of them to the last, and none for a window before and after. read are the spans of which all rows are there.
func whole(rows, some []*sighting, read []Span) bool {
	for _, x := range some {
		i, _ := slices.BinarySearchFunc(rows, x, func(a, b *sighting) int { return a.compare(b) })
		first, last := i, i
		for first > 0 && rows[first].at.Sub(rows[first-1].at) <= twinWindow {
			first--
		}
		for last < len(rows)-1 && rows[last+1].at.Sub(rows[last].at) <= twinWindow {
			last++
		}
		need := Span{rows[first].at.Add(-twinWindow), rows[last].at.Add(twinWindow)}
		if !slices.ContainsFunc(read, func(s Span) bool { return s.From <= need.From && need.To <= s.To }) {
			return false
		}
	}
	return true
}

func sortSightings(rows []*sighting) {
	slices.SortFunc(rows, func(a, b *sighting) int { return a.compare(b) })
}
