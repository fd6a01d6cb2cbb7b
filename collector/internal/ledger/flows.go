package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Flows are what journals tell of the months from and to and those between, by month, unit, sender and receiver, in
// that order.
func (l *Ledger) Flows(ctx context.Context, from, to Month) (all []FlowSum, err error) {
	var senders []senderMonth
	var rows []string
	n := 0
	err = l.read(ctx, "flows", func(q querier, _ wire.Time) error {
		return each(ctx, q, "SELECT month, unit, from_line, receivers FROM flow_months WHERE month >= ? AND month <= ? ORDER BY month, unit, from_line",
			func(read func(...any) error) error {
				var s senderMonth
				var row string
				err := read(&s.month, &s.unit, &s.line, &row)
				senders, rows, n = append(senders, s), append(rows, row), n+strings.Count(row, "\n")
				return err
			}, int64(from), int64(to))
	})
	if err != nil || n == 0 {
		return nil, err
	}
	all = make([]FlowSum, 0, n)
	names := make(map[string]string) // else each flow would keep the whole row that its receiver stands in
	for i, s := range senders {
		from, unit := s.line, wire.EventUnit(s.unit)
		err = errors.Join(err, s.eachReceiver(rows[i], func(r receiver) {
			to, known := names[r.line]
			if !known {
				to = strings.Clone(r.line)
				names[to] = to
			}
			all = append(all, FlowSum{s.month, unit, from, to, r.sum.done, r.sum.failed, r.sum.pages, r.sum.paged})
		}))
	}
	return all, err
}

// Correspondents are the numbers of others with which a line faxed, or any where none is named, in the months from and
// to and those between, in one unit: those with whom there was most, at most so many.
func (l *Ledger) Correspondents(ctx context.Context, from, to Month, unit wire.EventUnit, line string, most int) (all []Correspondent, err error) {
	sums, args := "SELECT party, SUM(sent) AS sent, SUM(received) AS received FROM party_months WHERE month >= ? AND month <= ? AND unit = ? GROUP BY party",
		[]any{int64(from), int64(to), string(unit)}
	if line != "" {
		sums, args = sumsOfLine, slices.Repeat([]any{line, string(unit), int64(from), int64(to)}, 2)
	}
	err = l.read(ctx, "correspondents", func(q querier, _ wire.Time) error {
		err := each(ctx, q, "SELECT id, mask, name, sent, received FROM ("+sums+") AS sums JOIN parties ON parties.id = party "+
			"WHERE line = '' AND sent + received > 0 ORDER BY sent + received DESC, id LIMIT ?",
			func(read func(...any) error) error {
				x := Correspondent{Unit: unit}
				err := read(&x.ID, &x.Masked, &x.Name, &x.Sent, &x.Received)
				all = append(all, x)
				return err
			}, append(args, most)...)
		for some := range slices.Chunk(all, readAtOnce) {
			err = errors.Join(err, complete(ctx, q, some, from, to, line))
		}
		return err
	})
	return all, err
}

// theirMonths are the months of pairs, which stand by month.
const theirMonths = " JOIN flow_changes ON month >= ? AND month <= ? JOIN pair_months ON pair_months.id = month * 4294967296 + pairs.id "

// sumsOfLine is what one line sent to others, and received of them.
const sumsOfLine = "SELECT party, SUM(sent) AS sent, SUM(received) AS received FROM (" +
	"SELECT to_party AS party, done AS sent, 0 AS received FROM parties AS ours JOIN pairs ON from_party = ours.id AND ours.line = ? AND unit = ? " + theirMonths +
	" UNION ALL SELECT from_party, 0, done FROM parties AS ours JOIN pairs ON to_party = ours.id AND ours.line = ? AND unit = ? " + theirMonths +
	") AS ways GROUP BY party"

// complete adds to some others with how many lines each faxed, and when last.
func complete(ctx context.Context, q querier, all []Correspondent, from, to Month, line string) error {
	byID, ids := make(map[int64]*Correspondent, len(all)), make([]int64, len(all))
	for i := range all {
		ids[i], byID[all[i].ID] = all[i].ID, &all[i]
	}
	half := "SELECT %[1]s AS party, line, last_at FROM pairs JOIN parties ON parties.id = %[2]s AND %[1]s IN (" + numberList(ids) + ") " +
		"AND unit = ? AND line <> '' AND (? = '' OR line = ?)" + theirMonths + "WHERE done <> 0"
	query := "SELECT party, COUNT(DISTINCT line), MAX(last_at) FROM (" + fmt.Sprintf(half, "to_party", "from_party") + " UNION ALL " +
		fmt.Sprintf(half, "from_party", "to_party") + ") AS ways GROUP BY party"
	return each(ctx, q, query, func(read func(...any) error) error {
		var id int64
		var c Correspondent
		err := read(&id, &c.Lines, &c.Last)
		byID[id].Lines, byID[id].Last = c.Lines, c.Last
		return err
	}, slices.Repeat([]any{string(all[0].Unit), line, line, int64(from), int64(to)}, 2)...)
}

// Coverage is which days journals tell of which lines, by journal, unit and first day. A journal tells of the days from
// the first event of each import to the last, but where it is silent for long, and of a line since it first told of it.
func (l *Ledger) Coverage(ctx context.Context) (all []JournalSpan, err error) {
	err = l.read(ctx, "coverage", func(q querier, _ wire.Time) error {
		spans, err := l.journalSpans(ctx, q)
		if err != nil {
			return err
		}
		told := make(map[[2]string][]firstTold)
		err = each(ctx, q, "SELECT journal, unit, line, MIN(first_at) FROM journal_parties JOIN parties ON parties.id = party "+
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
	return spans, each(ctx, q, "SELECT journal, import_spans.first_at, import_spans.last_at FROM journal_imports JOIN import_spans ON import = journal_imports.id WHERE state NOT IN (?, ?) ORDER BY 1, 2", func(read func(...any) error) error {
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
