package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Devices are all devices, by id.
func (l *Ledger) Devices(ctx context.Context) (devices []Device, err error) {
	err = l.read(ctx, "devices", func(q querier, now wire.Time) error {
		known, err := readDevices(ctx, q)
		if err == nil {
			devices, err = viewDevices(ctx, q, known, now)
		}
		return err
	})
	return devices, err
}

// Lines are all lines, by id.
func (l *Ledger) Lines(ctx context.Context) ([]Line, error) {
	s, err := l.Snapshot(ctx)
	return s.Lines, err
}

// Agents are all agents, by id.
func (l *Ledger) Agents(ctx context.Context) (agents []Agent, err error) {
	err = l.read(ctx, "agents", func(q querier, now wire.Time) error {
		agents, err = readAgents(ctx, q, now)
		return err
	})
	return agents, err
}

// Snapshot is everything at one instant.
func (l *Ledger) Snapshot(ctx context.Context) (s Snapshot, err error) {
	err = l.read(ctx, "snapshot", func(q querier, now wire.Time) error {
		s.At, s.Month = now, MonthOf(now, l.zone)
		devices, err := readDevices(ctx, q)
		if err != nil {
			return err
		}
		if s.Devices, err = viewDevices(ctx, q, devices, now); err != nil {
			return err
		}
		if s.Agents, err = readAgents(ctx, q, now); err != nil {
			return err
		}
		if s.Certified, err = certifiedUntil(ctx, q, "TRUE"); err != nil {
			return err
		}
		if s.AgentAnomalies, err = readAgentAnomalies(ctx, q); err != nil {
			return err
		}
		if s.Envelopes, err = readEnvelopes(ctx, q); err != nil {
			return err
		}
		if s.Outbox, err = readOutbox(ctx, q); err != nil {
			return err
		}
		if s.Open, err = readOpen(ctx, q); err != nil {
			return err
		}
		if s.Sums, err = readSums(ctx, q); err != nil {
			return err
		}
		if s.Register, err = l.registered.read(ctx, q); err != nil {
			return err
		}
		if s.Mailboxes, err = readMailboxesNow(ctx, q); err != nil {
			return err
		}
		if s.Messages, err = readTotals(ctx, q); err != nil {
			return err
		}
		if s.Directory, err = readDirectory(ctx, q); err != nil {
			return err
		}
		gaps, err := readGaps(ctx, q)
		if err != nil {
			return err
		}
		newest, err := readJournaled(ctx, q)
		if err != nil {
			return err
		}
		s.Lines = l.lines(&s, devices, gaps, newest)
		after, err := readAfterTotals(ctx, q)
		for i := range s.Lines {
			s.Lines[i].AfterCutoff = after[s.Lines[i].ID]
		}
		return err
	})
	return s, err
}

// Anomalies are the latest anomalies, newest first, at most limit.
func (l *Ledger) Anomalies(ctx context.Context, limit int) (anomalies []Anomaly, err error) {
	err = l.read(ctx, "anomalies", func(q querier, _ wire.Time) error {
		anomalies, err = readAnomalies(ctx, q, "TRUE", limit)
		return err
	})
	return anomalies, err
}

// Watch is what a person should look at, at most limit of each kind.
func (l *Ledger) Watch(ctx context.Context, limit int) (w Watch, err error) {
	count := func(q querier, what string, n *int64) error {
		return each(ctx, q, "SELECT COUNT(*) FROM "+what, func(read func(...any) error) error { return read(n) })
	}
	err = l.read(ctx, "watch points", func(q querier, _ wire.Time) error {
		if err := errors.Join(count(q, "anomalies WHERE closed_at = 0", &w.OpenCount), count(q, "quarantine", &w.Refused)); err != nil {
			return err
		}
		if w.Open, err = readAnomalies(ctx, q, "closed_at = 0", limit); err != nil {
			return err
		}
		query := fmt.Sprintf("SELECT id, agent, stream, seq, reading, reason, received_at FROM quarantine ORDER BY id DESC LIMIT %d", limit)
		return each(ctx, q, query, func(read func(...any) error) error {
			var x Quarantine
			var seq int64
			err := read(&x.ID, &x.Agent, &x.Stream, &seq, &x.Index, &x.Reason, &x.ReceivedAt)
			x.Seq = uint64(seq)
			w.Quarantined = append(w.Quarantined, x)
			return err
		})
	})
	return w, err
}

func readAnomalies(ctx context.Context, q querier, where string, limit int) (anomalies []Anomaly, err error) {
	query := fmt.Sprintf("SELECT %s FROM anomalies WHERE %s ORDER BY id DESC LIMIT %d", anomaliesTable.columns, where, limit)
	err = each(ctx, q, query, func(read func(...any) error) error {
		x, err := readAnomaly(read)
		anomalies = append(anomalies, x)
		return err
	})
	return anomalies, err
}

func readAnomaly(read func(...any) error) (x Anomaly, err error) {
	var clockError int64
	err = read(&x.ID, &x.Kind, &x.Agent, &x.Device, &x.counter, &x.Measure, &x.Unit, &x.From, &x.To,
		&x.Before, &x.After, &x.Amount, &x.Note, &x.OpenedAt, &x.ClosedAt, &x.Outcome, &x.inexact, &clockError)
	x.error = time.Duration(clockError) * time.Millisecond
	return x, err
}

// Quarantined is what was quarantined last, newest first, at most limit. Of each agent the newest
// 1000 are kept, at most 4 MB.
func (l *Ledger) Quarantined(ctx context.Context, limit int) (kept []Quarantine, err error) {
	err = l.read(ctx, "quarantine", func(q querier, _ wire.Time) error {
		kept, err = readQuarantine(ctx, q, "TRUE", limit)
		return err
	})
	return kept, err
}

// QuarantinedAs is what was quarantined under a number; ok is false where there is nothing, or not any more.
func (l *Ledger) QuarantinedAs(ctx context.Context, id int64) (x Quarantine, ok bool, err error) {
	err = l.read(ctx, "quarantine", func(q querier, _ wire.Time) error {
		found, err := readQuarantine(ctx, q, fmt.Sprintf("id = %d", id), 1)
		if ok = len(found) > 0; ok {
			x = found[0]
		}
		return err
	})
	return x, ok, err
}

func readQuarantine(ctx context.Context, q querier, where string, limit int) (kept []Quarantine, err error) {
	query := fmt.Sprintf("SELECT %s FROM quarantine WHERE %s ORDER BY id DESC LIMIT %d", quarantineTable.columns, where, limit)
	err = each(ctx, q, query, func(read func(...any) error) error {
		var x Quarantine
		var seq int64
		var payload string
		if err := read(&x.ID, &x.Agent, &x.Stream, &seq, &x.Index, &x.Reason, &x.ReceivedAt, &payload); err != nil {
			return err
		}
		x.Seq = uint64(seq)
		x.Payload, err = base64.StdEncoding.DecodeString(payload)
		kept = append(kept, x)
		return err
	})
	return kept, err
}

// read lets f read the books as they are at one instant.
func (l *Ledger) read(ctx context.Context, what string, f func(q querier, now wire.Time) error) error {
	tx, err := l.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if err := errors.Join(f(tx, wire.TimeOf(l.now())), tx.Rollback()); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

func (l *Ledger) lines(s *Snapshot, devices []*device, gaps map[string][]Span, newest map[lineUnit]lastFaxes) []Line {
	lines := newPark(s, devices, l.zone, gaps, newest).lines()
	byID := make(map[string]*Line, len(lines))
	for i := range lines {
		lines[i].stand(s.At, windows{l.activeWindow, l.blindAfter})
		byID[lines[i].ID] = &lines[i]
	}
	for i := range s.Sums {
		sum := &s.Sums[i]
		if line := byID[sum.Line]; line != nil && !sum.Evidence {
			line.Totals[sum.Measure] += sum.Count
		}
	}
	return lines
}

// readGaps are the times, by device, in which its counters can't prove what happened: around a
// reset that was none of a glitch, where another rule took over, and where growth waits for a person.
func readGaps(ctx context.Context, q querier) (map[string][]Span, error) {
	gaps := make(map[string][]Span)
	query := fmt.Sprintf("SELECT device, from_at, to_at FROM anomalies WHERE kind = '%s' AND outcome <> '%s' OR kind = '%s' "+
		"OR kind = '%s' AND closed_at = 0", Reset, Glitch, RuleChanged, Jump)
	err := each(ctx, q, query, func(read func(...any) error) error {
		var device string
		var gap Span
		err := read(&device, &gap.From, &gap.To)
		gaps[device] = append(gaps[device], gap)
		return err
	})
	for _, spans := range gaps {
		sortSpans(spans)
	}
	return gaps, err
}

// readDevices are all devices, by id.
func readDevices(ctx context.Context, q querier) ([]*device, error) {
	all, err := allDevices(ctx, q)
	slices.SortFunc(all, func(a, b *device) int { return cmp.Compare(a.id, b.id) })
	return all, err
}

// viewDevices are devices as projections see them at now.
func viewDevices(ctx context.Context, q querier, all []*device, now wire.Time) ([]Device, error) {
	held, err := readHeld(ctx, q)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, len(all))
	byID := make(map[string]*Device, len(all))
	byNumber := make(map[int64]*Device, len(all))
	for i, d := range all {
		devices[i] = d.view(now, held)
		byID[d.id], byNumber[d.number] = &devices[i], &devices[i]
	}
	if err := readClaims(ctx, q, byNumber); err != nil {
		return nil, err
	}
	return devices, readDeviceAnomalies(ctx, q, byID)
}

// view is a device as projections see it at now.
func (d *device) view(now wire.Time, held map[int64]int64) Device {
	v := Device{
		ID: d.id, Serial: d.identity.Serial, Vendor: d.identity.Vendor, Model: d.identity.Model, Name: d.identity.Name,
		Location: d.identity.Location, Address: d.identity.Address, Agent: d.lead, Profile: d.profile, Fax: d.fax,
		FaxService: d.service, Up: up(now, d.lookAt, d.poll, d.failure), Error: d.failure, FirstSeen: d.firstSeen,
		LastReading: d.readAt, LastCount: d.countersAt, LastLook: d.lookAt, Clock: d.corrected, Stale: d.stale,
		Totals: make(map[wire.Measure]int64, len(d.counters)), Counters: make([]Counter, 0, len(d.counters)),
		Anomalies: make(map[AnomalyKind]int64),
	}
	if v.Vendor == "" { // not told yet; the id says it too
		v.Vendor, _, _ = strings.Cut(d.id, "-")
	}
	for _, c := range d.counters {
		v.LastFax = max(v.LastFax, c.lastAt)
		v.Counters = append(v.Counters, c.view(held[c.number]))
		if c.present {
			v.Totals[c.measure] = d.total(c)
		}
	}
	for _, p := range d.ports {
		v.Ports = append(v.Ports, p.view(d.linesAt))
	}
	slices.SortFunc(v.Ports, func(a, b Port) int { return cmp.Compare(a.Port, b.Port) })
	v.FaxCapable = faxCapable(d.fax, d.faxed, v.Ports)
	return v
}

func (c *counter) view(held int64) Counter {
	return Counter{
		Measure: c.measure, Unit: c.unit, Rule: c.rule, Current: c.present, Value: c.tally.Value, At: c.tally.At,
		Total: c.tally.Total, Last: c.lastAt, Held: held,
	}
}

func (p *port) view(linesAt wire.Time) Port {
	return Port{
		Port: p.Port, Status: p.Status, Evidence: p.Evidence, Fax: p.Fax, FirstSeen: p.firstSeen, Since: p.since,
		Last: cmp.Or(p.goneAt, linesAt), Gone: p.goneAt != 0, Number: string(p.Number),
	}
}

// total is what c's measure counted in c's unit, under whatever rules.
func (d *device) total(c *counter) (sum int64) {
	for _, other := range d.counters {
		if other.measure == c.measure && other.unit == c.unit {
			sum += other.tally.Total
		}
	}
	return sum
}

// readHeld is the growth that waits for a person, by counter.
func readHeld(ctx context.Context, q querier) (map[int64]int64, error) {
	held := make(map[int64]int64)
	query := fmt.Sprintf("SELECT counter, amount FROM anomalies WHERE kind = '%s' AND closed_at = 0", Jump)
	err := each(ctx, q, query, func(read func(...any) error) error {
		var number, amount int64
		err := read(&number, &amount)
		held[number] += min(amount, math.MaxInt64-held[number]) // nonsense must not overflow; SUM would fail
		return err
	})
	return held, err
}

func readClaims(ctx context.Context, q querier, devices map[int64]*Device) error {
	return each(ctx, q, "SELECT "+claimsTable.columns+" FROM claims ORDER BY device, agent", func(read func(...any) error) error {
		var number int64
		var c Claim
		if err := read(&number, &c.Agent, &c.Last); err != nil {
			return err
		}
		if d := devices[number]; d != nil && d.Agent != c.Agent {
			d.Claims = append(d.Claims, c)
		}
		return nil
	})
}

func readDeviceAnomalies(ctx context.Context, q querier, devices map[string]*Device) error {
	return each(ctx, q, "SELECT device, kind, COUNT(*) FROM anomalies WHERE device <> '' GROUP BY device, kind",
		func(read func(...any) error) error {
			var id string
			var kind AnomalyKind
			var count int64
			if err := read(&id, &kind, &count); err != nil {
				return err
			}
			if d := devices[id]; d != nil {
				d.Anomalies[kind] = count
			}
			return nil
		})
}

func readAgentAnomalies(ctx context.Context, q querier) (counts []AnomalyCount, err error) {
	err = each(ctx, q, "SELECT agent, kind, COUNT(*) FROM anomalies WHERE device = '' GROUP BY agent, kind ORDER BY agent, kind",
		func(read func(...any) error) error {
			var c AnomalyCount
			err := read(&c.Agent, &c.Kind, &c.Count)
			counts = append(counts, c)
			return err
		})
	return counts, err
}

func readEnvelopes(ctx context.Context, q querier) (map[Verdict]int64, error) {
	counts := make(map[Verdict]int64)
	for _, v := range Verdicts() {
		counts[v] = 0
	}
	err := each(ctx, q, "SELECT verdict, count FROM envelopes", func(read func(...any) error) error {
		var v Verdict
		var count int64
		err := read(&v, &count)
		counts[v] = count
		return err
	})
	return counts, err
}

func readAgents(ctx context.Context, q querier, now wire.Time) ([]Agent, error) {
	devices, err := countByAgent(ctx, q, "devices")
	if err != nil {
		return nil, err
	}
	holes, err := countByAgent(ctx, q, "holes")
	if err != nil {
		return nil, err
	}
	configs, err := readRevisions(ctx, q)
	if err != nil {
		return nil, err
	}
	enrolled, err := certifiedUntil(ctx, q, "not_after > ? AND agent NOT IN ('zerofax-collector', 'zerofax-broker')", int64(now))
	if err != nil {
		return nil, err
	}
	agents := []Agent{}
	err = each(ctx, q, "SELECT "+agentsTable.columns+" FROM agents ORDER BY id", func(read func(...any) error) error {
		a, err := readAgent(read)
		v := a.view(now)
		v.Devices, v.Holes = devices[a.id], holes[a.id]
		v.Config, v.EnrolledUntil = standing(configs[a.id], a.state.Config, true), enrolled[a.id]
		agents = append(agents, v)
		delete(configs, a.id)
		delete(enrolled, a.id)
		return err
	})
	for id, c := range configs { // never heard
		if c.Config != "" {
			enrolled[id] = max(enrolled[id], 0)
		}
	}
	for id, until := range enrolled {
		agents = append(agents, Agent{ID: id, EnrolledUntil: until, Config: standing(configs[id], nil, false)})
	}
	slices.SortFunc(agents, func(a, b Agent) int { return strings.Compare(a.ID, b.ID) })
	return agents, err
}

// certifiedUntil is, by name, when the newest certificate ends of those that weren't revoked.
func certifiedUntil(ctx context.Context, q querier, where string, args ...any) (map[string]wire.Time, error) {
	all := make(map[string]wire.Time)
	query := "SELECT agent, MAX(not_after) FROM certificates WHERE revoked_at = 0 AND " + where + " GROUP BY agent"
	return all, each(ctx, q, query, func(read func(...any) error) error {
		var agent string
		var until wire.Time
		err := read(&agent, &until)
		all[agent] = until
		return err
	}, args...)
}

func countByAgent(ctx context.Context, q querier, table string) (map[string]int, error) {
	counts := make(map[string]int)
	return counts, each(ctx, q, "SELECT agent, COUNT(*) FROM "+table+" GROUP BY agent", func(read func(...any) error) error {
		var id string
		var n int
		err := read(&id, &n)
		counts[id] = n
		return err
	})
}

// view is an agent as projections see it at now. One that sent readings but whose state never came
// is believed to be online: presence is a hint.
func (a *agent) view(now wire.Time) Agent {
	s := &a.state
	online := s.Online || s.Session == ""
	return Agent{
		ID: a.id, Up: online && a.lastSeen != 0 && now.Sub(a.lastSeen) <= agentSilence, Online: online, Session: s.Session, StartedAt: s.StartedAt,
		FirstSeen: a.firstSeen, LastSeen: a.lastSeen, Version: s.Version, OS: s.OS, Targets: s.Targets, PollMS: s.PollMS,
		Spool: s.Spool, Silent: s.Silent, Certificate: s.Certificate, Journals: s.Journals, Dropped: a.dropped, ClockMS: a.offset.Milliseconds(),
		ClockWrong: a.offset.Abs() > clockShown, ClockFixed: a.offset.Abs() > clockTrusted, TooNew: a.tooNew != 0,
	}
}
