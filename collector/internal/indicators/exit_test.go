package indicators_test

import (
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestNoFaxIsReceivedAnyMoreOnlyWhereThatWasWatchedForThirtyDays(t *testing.T) {
	const day = 24 * time.Hour
	now := at(t, time.UTC, "2026-10-10")
	ago := func(days float64) wire.Time { return now.Add(-time.Duration(days * float64(day))) }
	received := []wire.Measure{wire.FaxSentPages, wire.FaxReceivedPages}
	// line is one that was watched from so many days ago until now, but for a gap between two days, and may have
	// received a fax so many days ago (0: never).
	line := func(since, gapFrom, gapTo, last float64, measures []wire.Measure) ledger.Line {
		l := ledger.Line{State: ledger.Active, Observed: ledger.Active, FirstSeen: ago(since), History: []ledger.Stretch{{
			Span: ledger.Span{To: now}, Measures: measures, Watched: []ledger.Span{{From: ago(since), To: ago(gapFrom)}, {From: ago(gapTo), To: now}},
		}}}
		if last != 0 {
			l.MayReceived = ago(last)
		}
		return l
	}
	silent := line(60, 0, 0, 0, received)
	blind := line(60, 4, 0, 0, received)
	blind.Observed = ledger.Blind
	cutBlind := blind
	cutBlind.State = ledger.Cut
	moved := line(60, 0, 0, 0, []wire.Measure{wire.FaxSentPages})
	moved.History = append([]ledger.Stretch{silent.History[0]}, moved.History...)
	for name, c := range map[string]struct {
		lines []ledger.Line
		want  indicators.Proof
	}{
		"watched for 60 days, nothing came":       {[]ledger.Line{silent}, indicators.Proof{Answer: wire.Yes, Why: indicators.SilenceProven, Count: 1, Of: 1}},
		"the last one came 31 days ago":           {[]ledger.Line{line(60, 0, 0, 31, received)}, indicators.Proof{Answer: wire.Yes, Why: indicators.SilenceProven, Count: 1, Of: 1}},
		"the last one came exactly 30 days ago":   {[]ledger.Line{line(60, 0, 0, 30, received)}, indicators.Proof{Answer: wire.Yes, Why: indicators.SilenceProven, Count: 1, Of: 1}},
		"one came 10 days ago":                    {[]ledger.Line{silent, line(60, 0, 0, 10, received)}, indicators.Proof{Answer: wire.No, Why: indicators.FaxReceived30, Count: 1, Of: 2, Last: ago(10), ToGo: 20}},
		"one came 10 days ago, 2 weren't watched": {[]ledger.Line{line(60, 5, 3, 10, received)}, indicators.Proof{Answer: wire.No, Why: indicators.FaxReceived30, Count: 1, Of: 1, Last: ago(10), ToGo: 22}},
		"known for 12 days":                       {[]ledger.Line{silent, line(12, 0, 0, 0, received)}, indicators.Proof{Answer: wire.Unknown, Why: indicators.WatchedTooShort, Count: 1, Of: 2, ToGo: 18}},
		"31 days, of which 3 weren't watched":     {[]ledger.Line{line(31, 10, 7, 0, received)}, indicators.Proof{Answer: wire.Unknown, Why: indicators.WatchedTooShort, Count: 1, Of: 1, ToGo: 2}},
		"nobody can see one of them":              {[]ledger.Line{silent, blind}, indicators.Proof{Answer: wire.Unknown, Why: indicators.LinesBlind, Count: 1, Of: 2}},
		"a cut one that nobody can see":           {[]ledger.Line{cutBlind}, indicators.Proof{Answer: wire.Unknown, Why: indicators.LinesBlind, Count: 1, Of: 1}},
		"blind, but one came on another":          {[]ledger.Line{blind, line(60, 0, 0, 1, received)}, indicators.Proof{Answer: wire.No, Why: indicators.FaxReceived30, Count: 1, Of: 2, Last: ago(1)}},
		"its machine counts only what it sends":   {[]ledger.Line{line(60, 0, 0, 0, []wire.Measure{wire.FaxSentPages})}, indicators.Proof{Answer: wire.Unknown, Why: indicators.LinesUncounted, Count: 1, Of: 1}},
		"nothing counts its faxes":                {[]ledger.Line{line(60, 0, 0, 0, nil)}, indicators.Proof{Answer: wire.Unknown, Why: indicators.LinesUncounted, Count: 1, Of: 1}},
		"now on a machine that counts no more":    {[]ledger.Line{moved}, indicators.Proof{Answer: wire.Unknown, Why: indicators.LinesUncounted, Count: 1, Of: 1}},
		"in whichever direction, none went":       {[]ledger.Line{line(60, 0, 0, 0, []wire.Measure{wire.FaxPages})}, indicators.Proof{Answer: wire.Yes, Why: indicators.SilenceProven, Count: 1, Of: 1}},
		"no line at all":                          {nil, indicators.Proof{Answer: wire.Unknown, Why: indicators.NoLines}},
	} {
		if got := indicators.NoFaxReceived(c.lines, now); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAnAddressThatIsNotListedIsNoPlainNo(t *testing.T) {
	box := func(address, kind string, state ledger.MailboxState) ledger.Mailbox {
		return ledger.Mailbox{Address: address, Kind: kind, State: state}
	}
	in := box("in@chu.mssante.fr", "ORG", ledger.MailboxCreated)
	red := box("red@chu.mssante.fr", "PER", ledger.MailboxUsed)
	app := box("app@chu.mssante.fr", "APP", ledger.MailboxCreated)
	raw := box("raw@chu.mssante.fr", "ORG", ledger.MailboxCreated)
	for name, c := range map[string]struct {
		mailboxes []ledger.Mailbox
		of        ledger.Day
		want      indicators.Proof
	}{
		"all are listed":                         {[]ledger.Mailbox{in}, "2026-10-09", indicators.Proof{Answer: wire.Yes, Why: indicators.AllListed, Count: 1, Of: 1}},
		"one may be on the red list":             {[]ledger.Mailbox{in, red}, "2026-10-09", indicators.Proof{Answer: wire.Unknown, Why: indicators.NotListed, Count: 1, Of: 2}},
		"an applicative one is never listed":     {[]ledger.Mailbox{in, app}, "2026-10-09", indicators.Proof{Answer: wire.Unknown, Why: indicators.NotListed, Count: 1, Of: 2}},
		"people, too, say that it isn't":         {[]ledger.Mailbox{in, red, raw}, "2026-10-09", indicators.Proof{Answer: wire.No, Why: indicators.NotPublished, Count: 1, Of: 3}},
		"no extraction was read":                 {[]ledger.Mailbox{in}, "", indicators.Proof{Answer: wire.Unknown, Why: indicators.NoExtraction, Count: 1, Of: 1}},
		"the extraction is of two months before": {[]ledger.Mailbox{in}, "2026-08-10", indicators.Proof{Answer: wire.Unknown, Why: indicators.OldExtraction, Count: 1, Of: 1}},
		"no address is declared":                 {nil, "2026-10-09", indicators.Proof{Answer: wire.Unknown, Why: indicators.NoAddresses}},
	} {
		listed := func(address string) bool { return strings.HasPrefix(address, "in@") }
		if got := indicators.AddressesPublished(c.mailboxes, listed, c.of, "2026-10-10"); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
