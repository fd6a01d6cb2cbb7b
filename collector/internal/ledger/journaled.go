package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/zerofax/zerofax/agent/wire"
)

// What journals prove of single lines. A journal tells the instant of a fax, and on which line it was; so one after the
// cut-off is certain, where no machine counts the line's faxes itself. All of it is found out anew by the watchdog when
// journals, or what people declared, changed: an import that is undone withdraws what it proved.

// reviewJournals has the next round of the watchdog look at all that journals tell of lines that should have ended.
func (b *books) reviewJournals() { b.journalsSeen = journalsUnseen }

const journalsUnseen = -1

// journalsChanged has them reviewed in this transaction if they changed since the last time.
func (b *books) journalsChanged(ctx context.Context, q querier) error {
	revision, err := readNumber(ctx, q, "SELECT COALESCE(MAX(revision), 0) FROM journal_state")
	if err != nil {
		return fmt.Errorf("journals: %w", err)
	}
	b.changes.review.journals = revision != b.journalsSeen
	b.journalsSeen = revision
	return nil
}

// journals judges all that they tell of lines that should have ended, as far as it is still in the books.
func (r *reviewer) journals() error {
	horizon, err := readNumber(r.ctx, r.store.conn, "SELECT COALESCE(MAX(horizon), 0) FROM journal_state")
	if err != nil {
		return err
	}
	known, err := r.known("activity < 0")
	if err != nil {
		return err
	}
	byLine := make(map[string]map[eventKey]*event)
	for key, x := range known {
		if byLine[key.line] == nil {
			byLine[key.line] = make(map[eventKey]*event)
		}
		byLine[key.line][key] = x
	}
	lines := maps.Clone(byLine)
	for line := range r.deadlines {
		lines[line] = byLine[line]
	}
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		if err := r.journaled(line, lines[line], wire.Time(horizon)); err != nil {
			return fmt.Errorf("line %s: %w", line, err)
		}
	}
	return nil
}

// journaled does so for a line, of which events are known.
func (r *reviewer) journaled(line string, known map[eventKey]*event, horizon wire.Time) error {
	ends := r.deadlines[line]
	since := earliest(ends.At(), ends.copper)
	if since > wire.TimeOf(r.now()) { // nothing can be after it yet
		since = 0
	}
	told, err := r.told(line, since)
	if err != nil {
		return err
	}
	holds := make(map[eventKey]bool)
	for i := range told {
		for _, kind := range eventKinds {
			if err := r.faxTold(kind, line, &told[i], known, holds); err != nil {
				return err
			}
		}
	}
	for _, x := range slices.SortedFunc(maps.Values(known), func(a, b *event) int { return cmp.Compare(a.ID, b.ID) }) {
		if purged := x.To <= horizon && r.deadlines[line].of(x.kind) != 0; !holds[x.key()] && !purged {
			if err := r.rejudge(x, judgement{Certainty: Withdrawn}); err != nil {
				return err
			}
		}
	}
	return nil
}

// toldFax is a fax of a line as journals tell it.
type toldFax struct {
	growth
	marks []int64 // of its witnesses' rows
	ahead bool    // dated in the future when it was read
}

// faxTold books a fax after the end of a line, or judges it again. It stays the event of whichever of its witnesses was
// heard first.
func (r *reviewer) faxTold(kind EpisodeKind, line string, f *toldFax, known map[eventKey]*event, holds map[eventKey]bool) error {
	j := r.afterTold(kind, line, f)
	if j.Certainty == "" {
		return nil
	}
	var heard *event
	for _, mark := range f.marks {
		x := known[eventKey{kind: kind, line: line, activity: mark}]
		if x != nil && (heard == nil || heard.Certainty == Withdrawn) {
			heard = x
		}
	}
	if heard == nil {
		r.event(kind, line, &f.growth, j)
		return nil
	}
	holds[heard.key()] = true
	return r.rejudge(heard, j)
}

// afterTold judges what a journal tells.
func (r *reviewer) afterTold(kind EpisodeKind, line string, f *toldFax) judgement {
	end, now := r.deadlines[line].of(kind), wire.TimeOf(r.now())
	j := f.after(end)
	switch {
	case end > now:
		return judgement{}
	case !j.proven():
	case f.ahead || f.from > now.Add(day):
		j = judgement{Unsure, ClocksOff}
	case f.unit == unitOf[wire.Call]:
		j = judgement{Unsure, OnlyCall}
	case r.countsItself(line, f):
		j = judgement{Unsure, CountedBy}
	}
	for _, w := range r.windows[line] {
		j = j.tested(&f.growth, w)
	}
	return j
}

// countsItself tells whether a machine of the line counted faxes that way then: the same fax must not count twice.
func (r *reviewer) countsItself(line string, f *toldFax) bool {
	v, ok := ValidAt(r.register.Lines[line], f.to)
	if !ok || v.Removed {
		return false
	}
	for _, ref := range []string{v.Device, v.Gateway} {
		if d := r.where.device(ref); d != nil && d.present(f.measure) != nil {
			return true
		}
	}
	return false
}

// unitOf is what events of machines and of journals are called alike.
var unitOf = map[wire.EventUnit]string{wire.Message: "faxes", wire.Call: "calls"}

// told are the faxes of a line that ended well, from a while before an instant on; none where that is 0.
func (r *reviewer) told(line string, since wire.Time) (told []toldFax, err error) {
	if since == 0 {
		return nil, nil
	}
	type group struct {
		unit, from, to string
		ahead          bool
	}
	rows := make(map[group][]*sighting)
	journals := make(map[int64]string)
	for _, way := range [][2]string{{"from_party", "to_party"}, {"to_party", "from_party"}} {
		query := "SELECT journal_rows.id, digest, at, witness, ahead, unit, journal_imports.journal, COALESCE(other.line, ''), " + way[1] + " FROM parties AS ours " +
			"JOIN pairs ON pairs." + way[0] + " = ours.id JOIN journal_rows ON pair = pairs.id JOIN journal_imports ON journal_imports.id = journal_rows.import " +
			"LEFT JOIN parties AS other ON other.id = pairs." + way[1] + " WHERE ours.line = ? AND at >= ? AND done = 1"
		if err := each(r.ctx, r.store.conn, query, func(read func(...any) error) error {
			x := &sighting{done: true}
			var g group
			var journal, other string
			var number int64
			if err := read(&x.row, &x.digest, &x.at, &x.witness, &g.ahead, &g.unit, &journal, &other, &number); err != nil {
				return err
			}
			journals[x.row] = journal
			g.from, g.to = line, cmp.Or(other, fmt.Sprint("#", number))
			if way[0] == "to_party" {
				g.from, g.to = g.to, g.from
			}
			rows[g] = append(rows[g], x)
			return nil
		}, line, int64(since.Add(-2*twinWindow))); err != nil {
			return nil, err
		}
	}
	for g, rows := range rows {
		sortSightings(rows)
		measure := wire.FaxReceived
		if g.from == line {
			measure = wire.FaxSent
		}
		for _, f := range faxes(rows) {
			x := toldOn(f, measure, unitOf[wire.EventUnit(g.unit)], journals)
			x.ahead = g.ahead
			told = append(told, x)
		}
	}
	slices.SortFunc(told, func(a, b toldFax) int { return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(b.activity, a.activity)) })
	return told, nil
}

// toldOn is a fax as it is judged: its witnesses' clocks may differ.
func toldOn(f fax, measure wire.Measure, unit string, journals map[int64]string) toldFax {
	x := toldFax{growth: growth{activity: f.first.mark(), journal: journals[f.first.row], measure: measure, unit: unit, from: f.first.at, to: f.first.at + 1, count: 1}}
	x.marks = append(x.marks, f.first.mark())
	for _, twin := range f.twins {
		if twin != nil {
			x.marks = append(x.marks, twin.mark())
			x.to = max(x.to, twin.at+1)
		}
	}
	return x
}

// mark is what an event knows a row by, less than 0: the same when it is imported again.
func (s *sighting) mark() int64 {
	n, err := strconv.ParseInt(s.digest[:min(len(s.digest), 15)], 16, 64)
	if err != nil || n == 0 {
		return -s.row
	}
	return -n
}

// lineUnit is a line by a unit of its journals.
type lineUnit struct{ line, unit string }

// lastFaxes are when journals told of a fax last.
type lastFaxes struct{ sent, received wire.Time }

// newestIn finds in rows when each line faxed last.
func newestIn(rows []*sighting) map[lineUnit]lastFaxes {
	newest := make(map[lineUnit]lastFaxes)
	for _, x := range rows {
		if !x.done || x.ahead {
			continue
		}
		if from, to := x.pair.lines(); from != "" || to != "" {
			sender, receiver := lineUnit{from, x.pair.unit}, lineUnit{to, x.pair.unit}
			if last := newest[sender]; from != "" && last.sent < x.at {
				last.sent = x.at
				newest[sender] = last
			}
			if last := newest[receiver]; to != "" && last.received < x.at {
				last.received = x.at
				newest[receiver] = last
			}
		}
	}
	return newest
}

// writeNewest notes of new rows when each line faxed last.
func (w *booking) writeNewest(ctx context.Context) error {
	const query = "INSERT INTO journaled_lines (line, unit, sent, received) VALUES (?, ?, ?, ?) ON CONFLICT (line, unit) DO UPDATE SET " +
		"sent = CASE WHEN journaled_lines.sent > excluded.sent THEN journaled_lines.sent ELSE excluded.sent END, " +
		"received = CASE WHEN journaled_lines.received > excluded.received THEN journaled_lines.received ELSE excluded.received END"
	for of, last := range newestIn(w.rows) {
		if err := (often{w.store}).exec(ctx, query, of.line, of.unit, int64(last.sent), int64(last.received)); err != nil {
			return err
		}
	}
	return nil
}

// findNewest finds anew when some lines faxed last: by rows, and where these are purged by the months of their pairs.
func (w *booking) findNewest(ctx context.Context, lines map[string]bool) error {
	delete(lines, "")
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		newest := make(map[string]lastFaxes) // by unit
		if err := errors.Join(
			w.newestOf(ctx, line, "from_party", func(unit string, at wire.Time) { newest[unit] = lastFaxes{sent: at} }),
			w.newestOf(ctx, line, "to_party", func(unit string, at wire.Time) { newest[unit] = lastFaxes{newest[unit].sent, at} }),
			w.exec(ctx, "DELETE FROM journaled_lines WHERE line = ?", line),
		); err != nil {
			return err
		}
		for _, unit := range slices.Sorted(maps.Keys(newest)) {
			if x := newest[unit]; x != (lastFaxes{}) {
				if err := w.exec(ctx, "INSERT INTO journaled_lines (line, unit, sent, received) VALUES (?, ?, ?, ?)", line, unit, int64(x.sent), int64(x.received)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// newestOf tells take, for each unit, when a line was last at that end of a fax.
func (w *booking) newestOf(ctx context.Context, line, end string, take func(unit string, at wire.Time)) error {
	const byRows = "SELECT unit, COALESCE(MAX((SELECT MAX(at) FROM journal_rows WHERE pair = pairs.id AND done = 1 AND ahead = 0)), 0) FROM parties JOIN pairs ON %s = parties.id WHERE line = ? GROUP BY unit"
	const byMonths = "SELECT COALESCE(MAX(last_at), 0) FROM parties JOIN pairs ON %s = parties.id" + theirMonths + "WHERE line = ? AND unit = ? AND done <> 0"
	found := make(map[string]wire.Time)
	if err := each(ctx, w.conn, fmt.Sprintf(byRows, end), func(read func(...any) error) error {
		var unit string
		var at wire.Time
		err := read(&unit, &at)
		found[unit] = at
		return err
	}, line); err != nil {
		return err
	}
	for unit, at := range found {
		if at == 0 && w.horizon > 0 {
			if err := each(ctx, w.conn, fmt.Sprintf(byMonths, end), func(read func(...any) error) error { return read(&at) },
				0, int64(keptFrom(wire.Time(w.horizon), w.calendar.zone)), line, unit); err != nil {
				return err
			}
		}
		take(unit, at)
	}
	return nil
}

func readJournaled(ctx context.Context, q querier) (map[lineUnit]lastFaxes, error) {
	newest := make(map[lineUnit]lastFaxes)
	err := each(ctx, q, "SELECT line, unit, sent, received FROM journaled_lines", func(read func(...any) error) error {
		var of lineUnit
		var x lastFaxes
		err := read(&of.line, &of.unit, &x.sent, &x.received)
		newest[of] = x
		return err
	})
	return newest, err
}

// journaled takes over what journals tell of a line. A call is a sign of life, but may have been none of fax. By a
// clock that is ahead it was now; what lies further in the future tells nothing.
func (l *Line) journaled(newest map[lineUnit]lastFaxes, now wire.Time) {
	if len(newest) == 0 {
		return
	}
	until := func(x lastFaxes) lastFaxes {
		for _, at := range []*wire.Time{&x.sent, &x.received} {
			if *at > now.Add(day) {
				*at = 0
			}
			*at = min(*at, now)
		}
		return x
	}
	messages, calls := until(newest[lineUnit{l.ID, string(wire.Message)}]), until(newest[lineUnit{l.ID, string(wire.Call)}])
	l.LastSent, l.LastReceived = max(l.LastSent, messages.sent), max(l.LastReceived, messages.received)
	l.MayReceived = max(l.MayReceived, messages.received, calls.received)
	l.LastFax = max(l.LastFax, messages.sent, messages.received)
	l.journal = max(messages.sent, messages.received, calls.sent, calls.received)
}
