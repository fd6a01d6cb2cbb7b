package indicators

import (
	"math"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Proof is what the books tell of a point of a service's exit checklist. It is a yes only where that is proven.
type Proof struct {
	Answer wire.Answer // yes, no, unknown
	Why    Why
	Count  int64 // of the lines or addresses that Why speaks of
	Of     int64 // of all of the service
	Last   wire.Time
	ToGo   int // days until it may be a yes, if nothing happens; 0: nobody can say
}

// Why is what a proof rests on, or what is missing for one.
type Why string

// The reasons, with the values that they have.
const (
	SilenceProven   Why = "silent"      // Count: lines, all watched for 30 days without a fax received
	FaxReceived30   Why = "received"    // Count: lines that may have received one; Last: when; ToGo
	LinesBlind      Why = "blind"       // Count: lines that nobody can see now
	LinesUncounted  Why = "uncounted"   // Count: lines on which nothing counts what is received
	WatchedTooShort Why = "short"       // Count: lines; ToGo
	NoLines         Why = "no_lines"    // none is known
	AllListed       Why = "listed"      // Count: addresses
	NotListed       Why = "not_listed"  // Count: addresses; they may be on the red list, or applicative
	NotPublished    Why = "unpublished" // Count: addresses of which people, too, only say that they were created
	NoExtraction    Why = "no_extract"  // none was read
	OldExtraction   Why = "old_extract" // the newest is too old to say
	NoAddresses     Why = "no_address"  // none is declared
)

const (
	silentFor = 30 * day
	day       = 24 * time.Hour
	staleFrom = 45 // days; the directory is published daily, but gaps of weeks were seen
)

// counting are the measures that grow when a fax comes in.
func counting() []wire.Measure {
	return []wire.Measure{wire.FaxReceivedPages, wire.FaxPrintedPages, wire.FaxReceived, wire.FaxPages}
}

// NoFaxReceived tells whether no fax is received any more on the lines of a service: each of them was watched for 30
// days since the last one that may have come in, and can still be seen. A line that nobody can see is never a yes.
func NoFaxReceived(lines []ledger.Line, now wire.Time) Proof {
	var received, blind, uncounted, short, toGo int64
	var last wire.Time
	for i := range lines {
		l := &lines[i]
		watched, counted := receptionWatched(l, now)
		missing := int64(math.Ceil(float64(silentFor-watched) / float64(day)))
		switch {
		case l.MayReceived != 0 && now.Sub(l.MayReceived) < silentFor:
			received++
			last = max(last, l.MayReceived)
		case l.Observed == ledger.Blind:
			blind++
			continue
		case !counted:
			uncounted++
			continue
		case watched < silentFor:
			short++
		}
		toGo = max(toGo, missing)
	}
	all := int64(len(lines))
	if blind+uncounted > 0 {
		toGo = 0
	}
	switch {
	case received > 0:
		return Proof{Answer: wire.No, Why: FaxReceived30, Count: received, Of: all, Last: last, ToGo: int(toGo)}
	case all == 0:
		return Proof{Answer: wire.Unknown, Why: NoLines}
	case blind > 0:
		return Proof{Answer: wire.Unknown, Why: LinesBlind, Count: blind, Of: all}
	case uncounted > 0:
		return Proof{Answer: wire.Unknown, Why: LinesUncounted, Count: uncounted, Of: all}
	case short > 0:
		return Proof{Answer: wire.Unknown, Why: WatchedTooShort, Count: short, Of: all, ToGo: int(toGo)}
	}
	return Proof{Answer: wire.Yes, Why: SilenceProven, Count: all, Of: all}
}

// receptionWatched is how long what a line receives was watched since the last fax that may have come in, and
// whether its machine counts such faxes at all.
func receptionWatched(l *ledger.Line, now wire.Time) (watched time.Duration, counted bool) {
	since := ledger.Span{From: max(l.MayReceived, l.FirstSeen), To: now}
	for _, s := range l.History {
		counts := slices.ContainsFunc(s.Measures, func(m wire.Measure) bool { return slices.Contains(counting(), m) })
		if counts {
			watched += ledger.Watched(s.Watched, since)
		}
		counted = counts // by the machine that it hangs on now, the last one
	}
	return watched, counted
}

// AddressesPublished tells whether all of a service's mailboxes are in the national directory, by its extraction of
// a day; an empty one is none. An address that isn't in it may be on the red list or an applicative one, which are
// never in it: that is a no only where people, too, say no more than that it was created.
func AddressesPublished(mailboxes []ledger.Mailbox, listed func(address string) bool, of, today ledger.Day) Proof {
	var missing, unpublished int64
	for _, m := range mailboxes {
		if listed(m.Address) {
			continue
		}
		if missing++; m.State == ledger.MailboxCreated && m.Kind != "APP" {
			unpublished++
		}
	}
	all := int64(len(mailboxes))
	switch {
	case all == 0:
		return Proof{Answer: wire.Unknown, Why: NoAddresses}
	case of == "":
		return Proof{Answer: wire.Unknown, Why: NoExtraction, Count: all, Of: all}
	case of.Until(today) > staleFrom:
		return Proof{Answer: wire.Unknown, Why: OldExtraction, Count: all, Of: all}
	case unpublished > 0:
		return Proof{Answer: wire.No, Why: NotPublished, Count: unpublished, Of: all}
	case missing > 0:
		return Proof{Answer: wire.Unknown, Why: NotListed, Count: missing, Of: all}
	}
	return Proof{Answer: wire.Yes, Why: AllListed, Count: all, Of: all}
}
