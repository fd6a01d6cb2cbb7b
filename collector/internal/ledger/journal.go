package ledger

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Import is one reading of a journal into the books: of a file, or of what an agent follows.
type Import struct {
	ID        int64       `json:"id"`
	Journal   string      `json:"journal"` // as people named it
	Profile   string      `json:"profile"` // how it is read
	Source    string      `json:"source"`  // the file's name, or the agent
	Who       string      `json:"who"`
	StartedAt wire.Time   `json:"started_at"`
	EndedAt   wire.Time   `json:"ended_at,omitempty"` // 0: it goes on
	State     ImportState `json:"state"`
	Rows      int64       `json:"rows"`     // read so far; the sum of those below
	New       int64       `json:"new"`      // events booked
	Known     int64       `json:"known"`    // events that the books had already
	Skipped   int64       `json:"skipped"`  // rows that are none of ours: other calls, other types
	Rejected  int64       `json:"rejected"` // rows that can't be read, or are dated in the future
	First     wire.Time   `json:"first,omitempty"`
	Last      wire.Time   `json:"last,omitempty"` // of its events

	Ahead []int `json:"-"` // which of the events that were booked last are dated in the future
}

// ImportState is what became of an import.
type ImportState string

// The states of imports.
const (
	ImportRunning   ImportState = "running"
	ImportDone      ImportState = "done"
	ImportCancelled ImportState = "cancelled" // and what it had booked is undone
	ImportBroken    ImportState = "broken"    // its program ended before it did; what it had booked holds
	ImportUndone    ImportState = "undone"
)

// FlowSum is what journals tell of a month between two lines, each fax counted once whoever saw it.
type FlowSum struct {
	Month  Month          `json:"month"` // in the collector's time zone
	Unit   wire.EventUnit `json:"unit"`  // messages and calls are never added to one another
	From   string         `json:"from"`  // line id; empty: outside, or not told. Never both
	To     string         `json:"to"`    // likewise
	Count  int64          `json:"count"` // done
	Failed int64          `json:"failed"`
	Pages  int64          `json:"pages"` // of those that say so
	Paged  int64          `json:"paged"` // how many of Count those are
}

// Correspondent is a number that isn't ours, with what journals tell of it. The number itself is kept nowhere.
type Correspondent struct {
	ID       int64          `json:"id"`
	Masked   string         `json:"masked"` // 02 41 •• •• 12
	Name     string         `json:"name"`   // as a public directory or the team names it; empty: unknown
	Unit     wire.EventUnit `json:"unit"`
	Sent     int64          `json:"sent"`     // by us to it
	Received int64          `json:"received"` // by us from it
	Lines    int64          `json:"lines"`    // of ours that faxed with it
	Last     wire.Time      `json:"last"`
}

// JournalSpan is which days a journal tells of some lines: those of no event among them are days without a fax. A journal
// with a hole, or with lines that it tells of since another day, has several.
type JournalSpan struct {
	Journal string         `json:"journal"`
	Unit    wire.EventUnit `json:"unit"`
	From    Day            `json:"from"`  // the first of them, in the collector's time zone
	To      Day            `json:"to"`    // the last of them
	Lines   []string       `json:"lines"` // ids, in order
}

// LineMessages are the messages of a line in a month, as journals tell of them. An internal fax is one of the line that
// sent it and one of the line that got it, and neither sent nor received.
type LineMessages struct {
	Month            Month
	Line             string
	Sent             int64 // to numbers that aren't ours, or aren't told
	Received         int64 // from those
	InternalSent     int64
	InternalReceived int64
}

// Journals is what journals tell of the messages of lines: how many, and in which days none would have been missed.
type Journals struct {
	Messages []LineMessages // by month, then by line
	Coverage []JournalSpan
}

// ByLine are the messages of each line out of flows.
func ByLine(flows []FlowSum) (list []LineMessages) {
	months := make(map[Month]map[string]*LineMessages)
	var month Month
	var at map[string]*LineMessages // of the month: they mostly come month by month
	of := func(line string) *LineMessages {
		m := at[line]
		if m == nil {
			m = &LineMessages{Month: month, Line: line}
			at[line] = m
		}
		return m
	}
	for i := range flows {
		f := &flows[i]
		if f.Month != month {
			month = f.Month
			if at = months[month]; at == nil {
				at = make(map[string]*LineMessages)
				months[month] = at
			}
		}
		switch {
		case f.Unit != wire.Message:
		case f.To == "":
			of(f.From).Sent += f.Count
		case f.From == "":
			of(f.To).Received += f.Count
		default:
			of(f.From).InternalSent += f.Count
			of(f.To).InternalReceived += f.Count
		}
	}
	for _, lines := range months {
		for _, m := range lines {
			list = append(list, *m)
		}
	}
	slices.SortFunc(list, func(a, b LineMessages) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), strings.Compare(a.Line, b.Line))
	})
	return list
}
