package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// The tables of episodes.
var (
	episodesTable = table{"episodes", "id, revision, kind, line, device, agent, anomaly, service, opened_at, first_at, last_at, noticed_at, " +
		"closed_at, closed_by, reason, lasting, count, unit, direction, certainty, sums, evidence", 1, false}
	eventsTable = table{"events", "id, kind, episode, line, device, activity, anomaly, measure, unit, from_at, to_at, error_ms, count, value, " +
		"certainty, doubt, noticed_at, counted, told, journal", 1, false}
	windowsTable = table{"test_windows", "id, line, from_at, to_at, reason, who", 1, false}
	afterTable   = table{"after_cutoff", "line, pages, faxes, noticed_at", 1, false}
)

const (
	selectEpisodes = "SELECT id, revision, kind, line, device, agent, anomaly, service, opened_at, first_at, last_at, noticed_at, " +
		"closed_at, closed_by, reason, lasting, count, unit, direction, certainty, sums, evidence FROM episodes"
	maxEvents = 100 // of an episode that are read where not the untold ones are asked for
)

// number gives changed episodes their revisions, in order.
func (b *books) number() {
	slices.SortFunc(b.changes.episodes, func(x, y *episode) int { return int(x.ID - y.ID) })
	for _, e := range b.changes.episodes {
		b.last.revision++
		e.Revision = b.last.revision
	}
}

func (s *store) writeEpisodes(ctx context.Context, b *books) error {
	b.number()
	c := &b.changes
	lines := slices.Sorted(maps.Keys(c.after))
	return errors.Join(
		s.write(ctx, episodesTable, len(c.episodes), func(i int, to []any) []any {
			e := c.episodes[i]
			e.dirty = false
			return append(to, e.ID, e.Revision, string(e.Kind), e.Line, e.Device, e.Agent, e.anomaly, e.Service,
				int64(e.OpenedAt), int64(e.FirstAt), int64(e.LastAt), int64(e.NoticedAt), int64(e.ClosedAt), e.ClosedBy, e.Reason,
				flag(e.lasting), e.Count, e.Unit, string(e.Direction), string(e.Certainty), list(e.sums), list(e.Evidence))
		}),
		s.write(ctx, eventsTable, len(c.events), func(i int, to []any) []any {
			x := c.events[i]
			return append(to, x.ID, string(x.kind), x.episode, x.Line, x.Device, x.activity, x.anomaly, string(x.Measure), x.Unit,
				int64(x.From), int64(x.To), x.slack.Milliseconds(), x.Count, x.Value, string(x.Certainty), string(x.Doubt),
				int64(x.NoticedAt), flag(x.counted), flag(x.told), x.Journal)
		}),
		s.write(ctx, windowsTable, len(c.windows), func(i int, to []any) []any {
			w := &c.windows[i]
			return append(to, w.number, w.line, int64(w.from), int64(w.to), w.reason, w.who)
		}),
		s.write(ctx, afterTable, len(lines), func(i int, to []any) []any {
			t := b.after[lines[i]]
			return append(to, lines[i], t.Pages, t.Faxes, int64(t.Noticed))
		}),
	)
}

// loadEpisodes reads what new events meet: episodes that are open, tests, and totals.
func (s *store) loadEpisodes(ctx context.Context, b *books) (err error) {
	if b.after, err = readAfterTotals(ctx, s.conn); err != nil {
		return err
	}
	return errors.Join(
		each(ctx, s.conn, selectEpisodes+" WHERE closed_at = 0 OR lasting = 1", func(read func(...any) error) error {
			e, err := readEpisode(read)
			b.episodes[e.key()] = e
			return err
		}),
		each(ctx, s.conn, "SELECT kind, line, agent, MAX(closed_at) FROM episodes WHERE closed_at > 0 AND lasting = 0 AND anomaly = 0 GROUP BY kind, line, agent",
			func(read func(...any) error) error {
				var e episode
				err := read(&e.Kind, &e.Line, &e.Agent, &e.ClosedAt)
				if e.Kind.lasts() {
					b.lately[e.key()] = max(b.lately[e.key()], e.ClosedAt)
				}
				return err
			}),
		each(ctx, s.conn, "SELECT "+windowsTable.columns+" FROM test_windows ORDER BY id", func(read func(...any) error) error {
			var w window
			err := read(&w.number, &w.line, &w.from, &w.to, &w.reason, &w.who)
			b.windows[w.line] = append(b.windows[w.line], w)
			return err
		}),
	)
}

func readOpen(ctx context.Context, q querier) (open []OpenEpisode, err error) {
	err = each(ctx, q, "SELECT kind, line, certainty, opened_at FROM episodes WHERE closed_at = 0 ORDER BY id", func(read func(...any) error) error {
		var e OpenEpisode
		err := read(&e.Kind, &e.Line, &e.Certainty, &e.OpenedAt)
		open = append(open, e)
		return err
	})
	return open, err
}

func readAfterTotals(ctx context.Context, q querier) (map[string]AfterTotals, error) {
	totals := make(map[string]AfterTotals)
	return totals, each(ctx, q, "SELECT "+afterTable.columns+" FROM after_cutoff", func(read func(...any) error) error {
		var line string
		var t AfterTotals
		err := read(&line, &t.Pages, &t.Faxes, &t.Noticed)
		totals[line] = t
		return err
	})
}

func readEpisode(read func(...any) error) (*episode, error) {
	e := new(episode)
	var sums, evidence string
	if err := read(&e.ID, &e.Revision, &e.Kind, &e.Line, &e.Device, &e.Agent, &e.anomaly, &e.Service, &e.OpenedAt, &e.FirstAt, &e.LastAt,
		&e.NoticedAt, &e.ClosedAt, &e.ClosedBy, &e.Reason, &e.lasting, &e.Count, &e.Unit, &e.Direction, &e.Certainty, &sums, &evidence); err != nil {
		return e, err
	}
	return e, errors.Join(decodeList(sums, &e.sums), decodeList(evidence, &e.Evidence))
}

func readEvent(read func(...any) error) (*event, error) {
	x := new(event)
	var clockError int64
	err := read(&x.ID, &x.kind, &x.episode, &x.Line, &x.Device, &x.activity, &x.anomaly, &x.Measure, &x.Unit, &x.From, &x.To, &clockError,
		&x.Count, &x.Value, &x.Certainty, &x.Doubt, &x.NoticedAt, &x.counted, &x.told, &x.Journal)
	x.slack = time.Duration(clockError) * time.Millisecond
	return x, err
}

// Episodes are the episodes that f means, each with the newest of its events.
func (l *Ledger) Episodes(ctx context.Context, f EpisodeFilter) (episodes []Episode, err error) {
	err = l.read(ctx, "episodes", func(q querier, _ wire.Time) error {
		query, args := f.query()
		if err := each(ctx, q, query, func(read func(...any) error) error {
			e, err := readEpisode(read)
			episodes = append(episodes, e.Episode)
			return err
		}, args...); err != nil || len(episodes) == 0 {
			return err
		}
		register, err := readRegister(ctx, q)
		if err != nil {
			return err
		}
		for i := range episodes {
			if err := episodes[i].complete(ctx, q, &register, l.zones, f.Untold); err != nil {
				return err
			}
		}
		return nil
	})
	return episodes, err
}

func (f EpisodeFilter) query() (query string, args []any) {
	where, args := []string{"revision > ?"}, []any{f.After}
	switch {
	case f.Open && f.ClosedAfter != 0:
		where, args = append(where, "(closed_at = 0 OR closed_at > ?)"), append(args, int64(f.ClosedAfter))
	case f.Open:
		where = append(where, "closed_at = 0")
	}
	if f.ID != 0 {
		where, args = append(where, "id = ?"), append(args, f.ID)
	}
	if f.Line != "" {
		where, args = append(where, "line = ?"), append(args, f.Line)
	}
	order := "revision"
	if f.Newest {
		order = "id DESC"
	}
	query = selectEpisodes + " WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return query, args
}

// complete adds what is not kept with an episode: its line's number and zone, and its newest events, or those untold.
func (e *Episode) complete(ctx context.Context, q querier, r *Register, zones *Zones, untold bool) error {
	line := lasting(r.Lines[e.Line])
	e.Number, e.Zone = line.Number, zones.Of(r.Sites[line.Site].TimeZone)
	if !e.Kind.eventful() {
		return nil
	}
	which := fmt.Sprintf("ORDER BY id DESC LIMIT %d", maxEvents)
	if untold {
		which = "AND told = 0 ORDER BY id DESC"
	}
	err := each(ctx, q, "SELECT "+eventsTable.columns+" FROM events WHERE episode = ? "+which, func(read func(...any) error) error {
		x, err := readEvent(read)
		e.Events = append(e.Events, x.Event)
		return err
	}, e.ID)
	slices.Reverse(e.Events)
	return err
}
