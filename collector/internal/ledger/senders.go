package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Flows are kept by sender: a row of flow_months is all that one line, or the outside, sent in a month. In it stands a
// receiver a line, in order: to, done, failed, pages and paged, with tabs between them. A big hospital's year is half a
// million flows of 15 000 senders, and to read a row takes as long as to read fifty receivers out of one.

// senderMonth is whose row it is.
type senderMonth struct {
	month      Month
	unit, line string // empty: outside
}

func (s senderMonth) compare(other senderMonth) int {
	return cmp.Or(cmp.Compare(s.month, other.month), strings.Compare(s.unit, other.unit), strings.Compare(s.line, other.line))
}

func (s senderMonth) String() string {
	return fmt.Sprintf("flows of %s, %s, from %q", s.month, s.unit, s.line)
}

// receiver is what it sent to one.
type receiver struct {
	line string // empty: outside
	sum  faxTally
}

// appendTo writes it in a row.
func (r *receiver) appendTo(row []byte) []byte {
	row = append(row, r.line...) // ids of lines have neither tabs nor ends of lines
	for _, n := range [...]int64{r.sum.done, r.sum.failed, r.sum.pages, r.sum.paged} {
		row = strconv.AppendInt(append(row, '\t'), n, 10)
	}
	return append(row, '\n')
}

// cutReceiver reads the first receiver of a row, and returns the rest of it. Half a million are read for one page: so
// no time is left for strings.Cut and strconv.
func cutReceiver(row string) (r receiver, rest string, ok bool) {
	tab := strings.IndexByte(row, '\t')
	if tab < 0 || strings.IndexByte(row[:tab], '\n') >= 0 {
		return r, row, false
	}
	r.line, rest = row[:tab], row[tab+1:]
	for _, n := range [...]struct {
		to  *int64
		end byte
	}{{&r.sum.done, '\t'}, {&r.sum.failed, '\t'}, {&r.sum.pages, '\t'}, {&r.sum.paged, '\n'}} {
		if *n.to, rest, ok = cutNumber(rest, n.end); !ok {
			return r, rest, false
		}
	}
	return r, rest, true
}

// cutNumber reads a number and what ends it.
func cutNumber(text string, end byte) (n int64, rest string, ok bool) {
	digits := text
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	i := 0
	for ; i < len(digits) && i < 19 && '0' <= digits[i] && digits[i] <= '9'; i++ {
		n = n*10 + int64(digits[i]-'0')
	}
	if i == 0 || n < 0 || i == len(digits) || digits[i] != end {
		return 0, text, false
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, digits[i+1:], true
}

// eachReceiver calls take for the receivers of a row, in order. Their lines are parts of it.
func (s senderMonth) eachReceiver(row string, take func(receiver)) error {
	before := ""
	for rest := row; rest != ""; {
		r, more, ok := cutReceiver(rest)
		switch {
		case !ok:
			return fmt.Errorf("%s: %.80q: want a receiver and four numbers, with tabs between them: %w", s, rest, ErrDamaged)
		case r.line <= before && len(rest) < len(row):
			return fmt.Errorf("%s: %q after %q: want receivers in order: %w", s, r.line, before, ErrDamaged)
		}
		take(r)
		before, rest = r.line, more
	}
	return nil
}

// changed is a row after some receivers' sums changed. Who got nothing any more isn't in it.
func (s senderMonth) changed(row string, changes []receiver) (string, error) {
	all := slices.Clone(changes)
	if err := s.eachReceiver(row, func(r receiver) { all = append(all, r) }); err != nil {
		return "", err
	}
	slices.SortFunc(all, func(a, b receiver) int { return strings.Compare(a.line, b.line) })
	next := make([]byte, 0, len(row)+32*len(changes))
	for i := 0; i < len(all); {
		r := all[i]
		for i++; i < len(all) && all[i].line == r.line; i++ {
			r.sum.add(all[i].sum, +1)
		}
		if r.sum.none() {
			continue
		}
		next = r.appendTo(next)
	}
	return string(next), nil
}

// none tells whether there was no fax.
func (t *faxTally) none() bool { return t.done == 0 && t.failed == 0 && t.pages == 0 && t.paged == 0 }

// writeSenders writes by how much what senders sent changes.
func (w *booking) writeSenders(ctx context.Context, changes map[senderMonth][]receiver) error {
	senders, rows := make([]senderMonth, 0, len(changes)), make([]string, 0, len(changes))
	for _, s := range slices.SortedFunc(maps.Keys(changes), senderMonth.compare) {
		row := ""
		if err := each(ctx, often{w.store}, "SELECT receivers FROM flow_months WHERE month = ? AND unit = ? AND from_line = ?",
			func(read func(...any) error) error { return read(&row) }, int64(s.month), s.unit, s.line); err != nil {
			return err
		}
		next, err := s.changed(row, changes[s])
		if err != nil {
			return err
		}
		if next != "" {
			senders, rows = append(senders, s), append(rows, next)
		} else if err := w.exec(ctx, "DELETE FROM flow_months WHERE month = ? AND unit = ? AND from_line = ?", int64(s.month), s.unit, s.line); err != nil {
			return err
		}
	}
	return w.write(ctx, flowMonthsTable, len(senders), func(i int, to []any) []any {
		return append(to, int64(senders[i].month), senders[i].unit, senders[i].line, rows[i])
	})
}
