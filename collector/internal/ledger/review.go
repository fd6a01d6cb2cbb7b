package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Review judges again what is in the books: after dates or lines were declared anew, a test was
// announced, or a reset turned out to be a glitch. It is rare, and looks at no more devices than
// it must. What it finds is what judging at once would have found.

// review is what one transaction has to judge again.
type review struct {
	devices  map[*device]bool
	declared bool    // all that may change is known: the register did
	glitches []int64 // resets that were none
	journals bool    // what journals tell of lines that should have ended
}

// reviewLines has the devices reviewed on which lines ever were, since the lines are declared anew.
func (b *books) reviewLines(lines []string) {
	b.changes.review.declared = true
	for _, line := range lines {
		b.reviewLine(line)
	}
}

func (b *books) reviewLine(line string) {
	b.reviewJournals()
	for i := range b.register.Lines[line] {
		v := &b.register.Lines[line][i]
		for _, ref := range []string{v.Device, v.Gateway} {
			for _, d := range b.where.devices[strings.ToLower(ref)] {
				b.changes.review.devices[d] = true
			}
		}
	}
}

// changedLines are those that end otherwise or hang elsewhere in another register.
func (b *books) changedLines(next *Register) []string {
	deadlines := next.deadlines(b.zones)
	changed := make(map[string]bool)
	for _, r := range []*Register{&b.register, next} {
		for line := range r.Lines {
			if !slices.Equal(next.Lines[line], b.register.Lines[line]) || deadlines[line] != b.deadlines[line] {
				changed[line] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(changed))
}

// reviewAstray has those devices reviewed of which something came to light that may give them other lines.
func (b *books) reviewAstray() {
	if len(b.changes.astray) > 0 {
		clear(b.sighted)
	}
	for _, d := range b.changes.astray {
		was := d.ends
		d.ends = b.firstDeadline(d)
		if was != 0 || d.ends != 0 {
			b.changes.review.devices[d] = true
		}
	}
}

// reviewAll judges again what this transaction asks for. All that it changed up to here is written before.
func (b *books) reviewAll(ctx context.Context, s *store) error {
	if !b.changes.review.declared {
		b.reviewAstray()
	}
	todo := b.changes.review
	todo.devices = maps.Clone(todo.devices)
	if len(todo.devices) == 0 && len(todo.glitches) == 0 && !todo.journals {
		return nil
	}
	flush := func() error { return b.flush(ctx, s) }
	if err := flush(); err != nil {
		return err
	}
	r := reviewer{books: b, ctx: ctx, store: s, touched: make(map[int64]topic), closed: make(map[int64]*episode)}
	for _, d := range slices.SortedFunc(maps.Keys(todo.devices), func(x, y *device) int { return cmp.Compare(x.number, y.number) }) {
		if err := r.device(d); err != nil {
			return fmt.Errorf("review %s: %w", d.id, err)
		}
	}
	for _, anomaly := range todo.glitches {
		if err := r.glitch(anomaly); err != nil {
			return fmt.Errorf("review reset %d: %w", anomaly, err)
		}
	}
	if todo.journals {
		if err := r.journals(); err != nil {
			return fmt.Errorf("review journals: %w", err)
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return r.conclude()
}

// flush writes what changed up to here, within the transaction.
func (b *books) flush(ctx context.Context, s *store) error {
	if err := errors.Join(s.flush(ctx, b), s.writeEpisodes(ctx, b)); err != nil {
		return err
	}
	b.changes.clear()
	return nil
}

// reviewer reviews, in one transaction.
type reviewer struct {
	*books
	ctx     context.Context
	store   *store
	touched map[int64]topic    // episodes whose events changed
	closed  map[int64]*episode // those of them that are closed, or were
}

// eventKey is what an event is about.
type eventKey struct {
	kind              EpisodeKind
	line              string
	activity, anomaly int64
}

func (x *event) key() eventKey { return eventKey{x.kind, x.Line, x.activity, x.anomaly} }

func (x *event) topic() topic { return topic{kind: x.kind, line: x.Line} }

// device judges all that the counters of a device ever did, as far as it is still in the books.
func (r *reviewer) device(d *device) error {
	known, err := r.known("device = ?", d.id)
	if err != nil {
		return err
	}
	events := slices.SortedFunc(maps.Values(known), func(x, y *event) int { return cmp.Compare(x.ID, y.ID) })
	history, err := r.history(d, events)
	if err != nil {
		return err
	}
	holds := make(map[eventKey]judgement)
	var fresh []func()
	for i := range history {
		g := &history[i]
		lines := r.linesAt(d, g.to)
		for _, kind := range eventKinds {
			line, j := r.afterEnd(kind, lines, g)
			if j.Certainty == "" {
				continue
			}
			key := eventKey{kind, line, g.activity, g.anomaly}
			if holds[key] = j; known[key] == nil {
				fresh = append(fresh, func() { r.event(kind, line, g, j) })
			}
		}
	}
	for _, x := range events {
		j, still := holds[x.key()]
		if !still {
			j = judgement{Certainty: Withdrawn}
		}
		if err := r.rejudge(x, j); err != nil {
			return err
		}
	}
	for _, book := range fresh {
		book()
	}
	return nil
}

// glitch withdraws the events of a reset that was none.
func (r *reviewer) glitch(anomaly int64) error {
	known, err := r.known("activity = 0 AND anomaly = ?", anomaly)
	for _, x := range known {
		if err := r.rejudge(x, judgement{Certainty: Withdrawn}); err != nil {
			return err
		}
	}
	return err
}

// rejudge gives an event another judgement.
func (r *reviewer) rejudge(x *event, j judgement) error {
	was := judgement{x.Certainty, x.Doubt}
	if was == j {
		return nil
	}
	x.Certainty, x.Doubt = j.Certainty, j.Doubt
	r.touched[x.episode] = x.topic()
	if x.Certainty.live() && !was.live() || x.Certainty.proven() && !was.proven() {
		if err := r.revive(x); err != nil {
			return err
		}
	}
	r.total(x)
	r.changes.events = append(r.changes.events, x)
	return nil
}

// revive finds an event that counts for more than before an open episode: its line's, or else its
// own is opened again, which tells nobody twice. What a person closed stays closed.
func (r *reviewer) revive(x *event) error {
	own, err := r.episode(x.episode, x.topic())
	if err != nil {
		return err
	}
	open := r.episodes[x.topic()]
	switch {
	case own != nil && (own == open || own.ClosedBy != ""):
		return nil
	case open == nil && own != nil:
		own.ClosedAt, own.Reason = 0, ""
		r.episodes[x.topic()] = own
		return nil
	case open == nil:
		open = r.start(x.topic(), wire.TimeOf(r.now()))
	}
	x.episode = open.ID
	r.touched[open.ID] = x.topic()
	return nil
}

// episode is an episode by its number and topic, open or not; nil for 0.
func (r *reviewer) episode(id int64, t topic) (e *episode, err error) {
	if open := r.episodes[t]; open != nil && open.ID == id {
		return open, nil
	}
	if r.closed[id] == nil && id != 0 {
		err = each(r.ctx, r.store.conn, selectEpisodes+" WHERE id = ?", func(read func(...any) error) error {
			r.closed[id], err = readEpisode(read)
			return err
		}, id)
	}
	return r.closed[id], err
}

// conclude adds up anew the episodes whose events changed. One that is open closes if nothing of it
// holds any more.
func (r *reviewer) conclude() error {
	delete(r.touched, 0)
	for _, id := range slices.Sorted(maps.Keys(r.touched)) {
		e, err := r.episode(id, r.touched[id])
		if err != nil {
			return err
		}
		if err := r.addUp(e); err != nil {
			return fmt.Errorf("add up episode %d: %w", id, err)
		}
		e.conclude()
		r.explain(e)
		r.tell(e)
		if e.ClosedAt == 0 && !e.Certainty.live() {
			reason := ClosedTest
			if slices.ContainsFunc(e.sums, func(s sum) bool { return s.Certainty == Withdrawn }) {
				reason = ClosedWithdrawn
			}
			r.shut(e, "", reason)
		}
	}
	return nil
}

// addUp reads the sums of an episode's events.
func (r *reviewer) addUp(e *episode) error {
	e.sums = nil
	err := each(r.ctx, r.store.conn, "SELECT journal, certainty, doubt, measure, unit, COUNT(*), SUM(count), MAX(value), MIN(from_at), MIN(to_at), "+
		"MAX(to_at), MAX(noticed_at) FROM events WHERE episode = ? GROUP BY journal, certainty, doubt, measure, unit",
		func(read func(...any) error) error {
			var s sum
			err := read(&s.Journal, &s.Certainty, &s.Doubt, &s.Measure, &s.Unit, &s.Events, &s.Count, &s.Value, &s.From, &s.First, &s.Last, &s.Noticed)
			e.sums = append(e.sums, s)
			return err
		}, e.ID)
	slices.SortFunc(e.sums, sum.order)
	return err
}

// known are the events that a condition holds for.
func (r *reviewer) known(where string, args ...any) (map[eventKey]*event, error) {
	known := make(map[eventKey]*event)
	err := each(r.ctx, r.store.conn, "SELECT "+eventsTable.columns+" FROM events WHERE "+where, func(read func(...any) error) error {
		x, err := readEvent(read)
		known[x.key()] = x
		return err
	}, args...)
	return known, err
}

// history is all that the counters of a device did since the first of its lines should have ended:
// what is in the books, and what events tell of activity whose rows were given up by now.
func (r *reviewer) history(d *device, events []*event) (history []growth, err error) {
	first := r.firstDeadline(d)
	if first == 0 || len(d.counters) == 0 {
		return nil, nil
	}
	since := int64(first.Add(-day)) // no error of a clock is larger
	if history, err = r.activities(d, since); err != nil {
		return nil, err
	}
	kept := make(map[int64]bool, len(history))
	for i := range history {
		kept[history[i].activity] = true
	}
	for _, x := range events {
		if x.activity != 0 && !kept[x.activity] {
			kept[x.activity] = true
			history = append(history, x.growth(d))
		}
	}
	slices.SortFunc(history, func(x, y growth) int { return cmp.Compare(x.activity, y.activity) })
	resets, err := r.resets(d, since)
	return append(history, resets...), err
}

func (r *reviewer) activities(d *device, since int64) (history []growth, err error) {
	numbers := make([]string, len(d.counters))
	counters := make(map[int64]*counter, len(d.counters))
	for i, c := range d.counters {
		numbers[i], counters[c.number] = fmt.Sprint(c.number), c
	}
	query := "SELECT id, counter, from_at, to_at, count, flags, error_ms FROM activity " +
		"WHERE counter IN (" + strings.Join(numbers, ", ") + ") AND to_at > ?"
	err = each(r.ctx, r.store.conn, query, func(read func(...any) error) error {
		var x activity
		var clockError int64
		if err := read(&x.number, &x.counter, &x.from, &x.to, &x.count, &x.flags, &clockError); err != nil {
			return err
		}
		x.error = time.Duration(clockError) * time.Millisecond
		if g, counts := r.growthOf(counters[x.counter], &x); counts {
			history = append(history, g)
		}
		return nil
	}, since)
	return history, err
}

func (r *reviewer) resets(d *device, since int64) (history []growth, err error) {
	query := fmt.Sprintf("SELECT %s FROM anomalies WHERE kind = '%s' AND outcome <> '%s' AND device = ? AND to_at > ? ORDER BY id",
		anomaliesTable.columns, Reset, Glitch)
	err = each(r.ctx, r.store.conn, query, func(read func(...any) error) error {
		x, err := readAnomaly(read)
		if err != nil {
			return err
		}
		for _, c := range d.counters {
			if g, counts := r.growthOfReset(c, &x); c.number == x.counter && counts {
				history = append(history, g)
			}
		}
		return nil
	}, d.id, since)
	return history, err
}
