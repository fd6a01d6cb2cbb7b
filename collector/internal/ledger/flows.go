package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// Flows are what journals tell of the months from and to and those between, by month, unit, sender and receiver, in
// that order.
func (l *Ledger) Flows(ctx context.Context, from, to Month) (all []FlowSum, err error) {
	err = l.read(ctx, "flows", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT month, unit, from_line, to_line, done, failed, pages, paged FROM flow_months "+
			"WHERE month >= ? AND month <= ? AND (done <> 0 OR failed <> 0) ORDER BY month, unit, from_line, to_line",
			func(read func(...any) error) error {
				var x FlowSum
				err := read(&x.Month, &x.Unit, &x.From, &x.To, &x.Count, &x.Failed, &x.Pages, &x.Paged)
				all = append(all, x)
				return err
			}, int64(from), int64(to))
	})
	return all, err
}

// Correspondents are the numbers of others with which a line faxed, or any where none is named, in the months from and
// to and those between, in one unit: those with whom there was most, at most so many. Last is 0 where the rows that tell
// it are purged.
func (l *Ledger) Correspondents(ctx context.Context, from, to Month, unit wire.EventUnit, line string, most int) (all []Correspondent, err error) {
	of, args := "ours.line <> ''", []any{string(unit), int64(from), int64(to)}
	if line != "" {
		of, args = "ours.line = ?", append(args, line)
	}
	const query = "SELECT %s AS party, SUM(%s) AS sent, SUM(%s) AS received, COUNT(DISTINCT ours.line) AS lines FROM parties AS ours " +
		"JOIN pairs ON pairs.%s = ours.id JOIN pair_months ON pair = pairs.id WHERE unit = ? AND month >= ? AND month <= ? AND done <> 0 AND %s GROUP BY 1"
	sent := fmt.Sprintf(query, "to_party", "done", "0", "from_party", of)
	received := fmt.Sprintf(query, "from_party", "0", "done", "to_party", of)
	err = l.read(ctx, "correspondents", func(q querier, _ wire.Time) error {
		err := each(ctx, q, "SELECT parties.id, mask, name, SUM(sent), SUM(received) FROM ("+sent+" UNION ALL "+received+") AS sums "+
			"JOIN parties ON parties.id = party WHERE line = '' GROUP BY 1, 2, 3 ORDER BY SUM(sent) + SUM(received) DESC, 1 LIMIT ?",
			func(read func(...any) error) error {
				x := Correspondent{Unit: unit}
				err := read(&x.ID, &x.Masked, &x.Name, &x.Sent, &x.Received)
				all = append(all, x)
				return err
			}, append(slices.Concat(args, args), most)...)
		for i := range all {
			if err == nil {
				err = all[i].complete(ctx, q, from, to, line, l)
			}
		}
		return err
	})
	return all, err
}

// complete adds with how many lines it faxed, and when last.
func (c *Correspondent) complete(ctx context.Context, q querier, from, to Month, line string, l *Ledger) error {
	for _, way := range [][2]string{{"from_party", "to_party"}, {"to_party", "from_party"}} {
		query := "SELECT COALESCE(MAX((SELECT MAX(at) FROM journal_rows WHERE pair = pairs.id AND at >= ? AND at < ? AND done = 1)), 0) " +
			"FROM pairs JOIN parties ON parties.id = " + way[0] + " WHERE " + way[1] + " = ? AND unit = ? AND line <> '' AND (? = '' OR line = ?)"
		if err := each(ctx, q, query, func(read func(...any) error) error {
			var last wire.Time
			err := read(&last)
			c.Last = max(c.Last, last)
			return err
		}, int64(from.In(l.zone)), int64(to.Add(1).In(l.zone)), c.ID, string(c.Unit), line, line); err != nil {
			return err
		}
	}
	lines, half := "", "SELECT line FROM pair_months JOIN pairs ON pairs.id = pair JOIN parties ON parties.id = %s WHERE %s = ? AND unit = ? AND line <> '' AND (? = '' OR line = ?) AND month >= ? AND month <= ? AND done <> 0"
	lines = fmt.Sprintf(half, "from_party", "to_party") + " UNION " + fmt.Sprintf(half, "to_party", "from_party")
	args := []any{c.ID, string(c.Unit), line, line, int64(from), int64(to)}
	return each(ctx, q, "SELECT COUNT(*) FROM ("+lines+") AS lines", func(read func(...any) error) error { return read(&c.Lines) }, slices.Concat(args, args)...)
}

// Coverage is which days journals tell of which lines, by journal, unit and first day. A journal tells of the days from
// the first event of each import to the last, and of a line since it first told of it.
func (l *Ledger) Coverage(ctx context.Context) (all []JournalSpan, err error) {
	err = l.read(ctx, "coverage", func(q querier, _ wire.Time) error {
		spans, err := l.journalSpans(ctx, q)
		if err != nil {
			return err
		}
		told := make(map[[2]string][]firstTold)
		err = each(ctx, q, "SELECT journals.name, unit, line, MIN(first_at) FROM journal_parties JOIN journals ON journals.id = journal JOIN parties ON parties.id = party "+
			"WHERE line <> '' GROUP BY 1, 2, 3 ORDER BY 1, 2, 4, 3", func(read func(...any) error) error {
			var journal, unit string
			var x firstTold
			var at wire.Time
			err := read(&journal, &unit, &x.line, &at)
			x.day = dayIn(at, l)
			told[[2]string{journal, unit}] = append(told[[2]string{journal, unit}], x)
			return err
		})
		for of, lines := range told {
			for _, s := range spans[of[0]] {
				all = append(all, s.of(of[0], wire.EventUnit(of[1]), lines)...)
			}
		}
		return err
	})
	slices.SortFunc(all, func(a, b JournalSpan) int {
		return cmp.Or(cmp.Compare(a.Journal, b.Journal), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return all, err
}

// firstTold is since when a journal tells of a line.
type firstTold struct {
	line string
	day  Day
}

type daySpan struct{ from, to Day }

func dayIn(t wire.Time, l *Ledger) Day { return Day(t.Std().In(l.zone).Format("2006-01-02")) }

// journalSpans are the days that the imports of each journal tell of.
func (l *Ledger) journalSpans(ctx context.Context, q querier) (map[string][]daySpan, error) {
	spans := make(map[string][]daySpan)
	return spans, each(ctx, q, "SELECT journal, first_at, last_at FROM journal_imports WHERE first_at > 0 AND state NOT IN (?, ?) ORDER BY journal, first_at", func(read func(...any) error) error {
		var journal string
		var first, last wire.Time
		err := read(&journal, &first, &last)
		s := daySpan{dayIn(first, l), dayIn(last, l)}
		if n := len(spans[journal]); n > 0 && spans[journal][n-1].to.Until(s.from) <= 1 {
			spans[journal][n-1].to = max(spans[journal][n-1].to, s.to)
			return err
		}
		spans[journal] = append(spans[journal], s)
		return err
	}, string(ImportUndone), string(ImportCancelled))
}

// of are the spans of the lines of which the journal told until the end of s, by when it began to. Lines are by that.
func (s daySpan) of(journal string, unit wire.EventUnit, lines []firstTold) (all []JournalSpan) {
	for _, x := range lines {
		if x.day > s.to {
			break
		}
		from := max(s.from, x.day)
		if n := len(all); n == 0 || all[n-1].From != from {
			all = append(all, JournalSpan{Journal: journal, Unit: unit, From: from, To: s.to})
		}
		last := &all[len(all)-1]
		last.Lines = append(last.Lines, x.line)
	}
	for i := range all {
		slices.Sort(all[i].Lines)
	}
	return all
}
