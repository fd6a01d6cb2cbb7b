package ledger

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// The tables as the writer fills them.
var (
	agentsTable = table{"agents", "id, online, session, started_at, sent_at, version, os, targets, poll_ms, spool, silent, " +
		"dropped, first_seen, last_seen, clock_ms, too_new, config, certificate, journals", 1, false}
	streamsTable   = table{"streams", "id, agent, stream, next, crc, last_at, overlap", 1, false}
	holesTable     = table{"holes", "id, agent, stream, first_seq, last_seq, from_at, to_at, lost, noticed_at", 0, false}
	envelopesTable = table{"envelopes", "verdict, count", 1, true}
	devicesTable   = table{"devices", "id, device, vendor, serial, model, name, location, address, profile, fax, fax_service, " +
		"faxed, agent, first_seen, failure, corrected, stale, stale_since, boots, counts_from", 1, false}
	looksTable      = table{"looks", "device, stream, at, booted, uptime_ms, look_at, read_at, counters_at, lines_at, poll_ms", 1, false}
	claimsTable     = table{"claims", "device, agent, last_at", 2, false}
	portsTable      = table{"ports", "device, port, status, evidence, fax, first_seen, since, gone_at, number", 2, false}
	countersTable   = table{"counters", "id, device, measure, unit, rule, present", 1, false}
	talliesTable    = table{"tallies", "counter, value, at, error_ms, count, total, last_at, excursions", 1, false}
	activityTable   = table{"activity", "id, counter, from_at, to_at, count, flags, value, error_ms", 0, false}
	anomaliesTable  = table{"anomalies", "id, kind, agent, device, counter, measure, unit, from_at, to_at, before, after, amount, note, opened_at, closed_at, outcome, inexact, error_ms", 0, false}
	cursorsTable    = table{"cursors", "name, at", 1, false}
	quarantineTable = table{"quarantine", "id, agent, stream, seq, reading, reason, received_at, payload", 0, false}
)

// flush writes what a transaction changed.
func (s *store) flush(ctx context.Context, b *books) error {
	b.locateAll()
	c := &b.changes
	c.sort()
	for _, write := range []func(context.Context, *changes) error{
		s.writeAgents, s.writeStreams, s.writeDevices, s.writeLines, s.writeCounters, s.writeActivity, s.writeAnomalies, s.writeQuarantine, s.writeRegister, s.writeAgentConfigs, s.writeCopper, s.writeCursors,
	} {
		if err := write(ctx, c); err != nil {
			return err
		}
	}
	for _, write := range []func(context.Context, *books) error{s.redoMonths, s.writePostings, s.writeStatuses, s.postAll, s.repost} {
		if err := write(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) writeStatuses(ctx context.Context, b *books) error {
	return s.write(ctx, statusesTable, len(b.changes.statuses), func(i int, to []any) []any {
		x := &b.changes.statuses[i]
		if x.Kind == LineStatus { // only now all that the device told of its ports is known
			x.Line = b.where.lineAt(x.device, x.Port, x.At)
		}
		return append(to, x.ID, int64(x.At), x.number, x.Port, string(x.Kind), x.Line, x.Value, x.Agent)
	})
}

func (s *store) writeAgents(ctx context.Context, c *changes) error {
	return s.write(ctx, agentsTable, len(c.agents), func(i int, to []any) []any {
		a := c.agents[i]
		a.dirty = false
		st := &a.state
		return append(to, a.id, flag(st.Online), st.Session, int64(st.StartedAt), int64(st.SentAt), st.Version, st.OS,
			int64(st.Targets), st.PollMS, encode(st.Spool), list(st.Silent), a.dropped, int64(a.firstSeen), int64(a.lastSeen),
			a.offset.Milliseconds(), a.tooNew, optional(st.Config), optional(st.Certificate), list(st.Journals))
	})
}

func (s *store) writeStreams(ctx context.Context, c *changes) error {
	if err := s.write(ctx, streamsTable, len(c.streams), func(i int, to []any) []any {
		x := c.streams[i]
		x.dirty = false
		return append(to, x.number, x.agent, x.id, int64(x.next), int64(x.crc), int64(x.lastAt), flag(x.overlap))
	}); err != nil {
		return err
	}
	for _, x := range c.forgotten {
		if err := s.exec(ctx, "DELETE FROM streams WHERE id = ?", x.number); err != nil {
			return fmt.Errorf("forget stream: %w", err)
		}
	}
	if err := s.write(ctx, holesTable, len(c.holes), func(i int, to []any) []any {
		h := &c.holes[i]
		return append(to, h.number, h.agent, h.id, int64(h.First), int64(h.Last), int64(h.from), int64(h.to), h.lost, int64(h.noticed))
	}); err != nil {
		return err
	}
	verdicts := make([]Verdict, 0, len(c.envelopes))
	for v := range c.envelopes {
		verdicts = append(verdicts, v)
	}
	return s.write(ctx, envelopesTable, len(verdicts), func(i int, to []any) []any {
		return append(to, string(verdicts[i]), c.envelopes[verdicts[i]])
	})
}

func (s *store) writeDevices(ctx context.Context, c *changes) error {
	if err := s.write(ctx, devicesTable, len(c.devices), func(i int, to []any) []any {
		d := c.devices[i]
		d.dirty = false
		return append(to, d.number, d.id, d.identity.Vendor, d.identity.Serial, d.identity.Model, d.identity.Name, d.identity.Location,
			d.identity.Address, d.profile, string(d.fax), string(d.service), flag(d.faxed), d.lead, int64(d.firstSeen), d.failure,
			flag(d.corrected), d.stale, int64(d.staleSince), list(d.order.Past), int64(d.countsFrom))
	}); err != nil {
		return err
	}
	return s.write(ctx, looksTable, len(c.looks), func(i int, to []any) []any {
		d := c.looks[i]
		d.looked = false
		return append(to, d.number, d.order.Stream, int64(d.order.At), int64(d.order.Started), d.order.Uptime.Milliseconds(),
			int64(d.lookAt), int64(d.readAt), int64(d.countersAt), int64(d.linesAt), d.poll.Milliseconds())
	})
}

func (s *store) writeLines(ctx context.Context, c *changes) error {
	if err := s.write(ctx, portsTable, len(c.ports), func(i int, to []any) []any {
		p := c.ports[i]
		p.port.dirty = false
		return append(to, p.number, p.Port, string(p.Status), p.Evidence, string(p.Fax),
			int64(p.port.firstSeen), int64(p.since), int64(p.goneAt), string(p.Number))
	}); err != nil {
		return err
	}
	keys := make([]claimKey, 0, len(c.claims))
	for key := range c.claims {
		keys = append(keys, key)
	}
	return s.write(ctx, claimsTable, len(keys), func(i int, to []any) []any {
		return append(to, keys[i].device, keys[i].agent, int64(c.claims[keys[i]]))
	})
}

func (s *store) writeCounters(ctx context.Context, c *changes) error {
	if err := s.write(ctx, countersTable, len(c.counters), func(i int, to []any) []any {
		x := c.counters[i]
		x.defined = false
		return append(to, x.number, x.device.number, string(x.measure), x.unit, x.rule, flag(x.present))
	}); err != nil {
		return err
	}
	return s.write(ctx, talliesTable, len(c.tallies), func(i int, to []any) []any {
		x := c.tallies[i]
		x.dirty = false
		at := x.tally.At
		if x.inStep {
			at = 0
		}
		return append(to, x.number, x.tally.Value, int64(at), x.tally.Error.Milliseconds(), x.tally.Count, x.tally.Total, int64(x.lastAt), list(x.tally.Open))
	})
}

func (s *store) writeActivity(ctx context.Context, c *changes) error {
	return s.write(ctx, activityTable, len(c.activities), func(i int, to []any) []any {
		x := &c.activities[i]
		return append(to, x.number, x.counter, int64(x.from), int64(x.to), x.count, x.flags, x.value, x.error.Milliseconds())
	})
}

func (s *store) writeAnomalies(ctx context.Context, c *changes) error {
	if err := s.write(ctx, anomaliesTable, len(c.anomalies), func(i int, to []any) []any {
		x := c.anomalies[i]
		return append(to, x.ID, string(x.Kind), x.Agent, x.Device, x.counter, string(x.Measure), x.Unit, int64(x.From), int64(x.To),
			x.Before, x.After, x.Amount, x.Note, int64(x.OpenedAt), int64(x.ClosedAt), string(x.Outcome), flag(x.inexact), x.error.Milliseconds())
	}); err != nil {
		return err
	}
	for _, x := range c.closings {
		err := s.exec(ctx, "UPDATE anomalies SET closed_at = ?, outcome = ? WHERE id = ? AND closed_at = 0",
			int64(x.at), string(x.outcome), x.anomaly)
		if err != nil {
			return fmt.Errorf("close anomaly: %w", err)
		}
	}
	return nil
}

// What is kept in quarantine for each agent: the newest, so many and at most so many bytes.
const (
	maxQuarantine      = 1000
	maxQuarantineBytes = 4 << 20
)

func (s *store) writeQuarantine(ctx context.Context, c *changes) error {
	if err := s.write(ctx, quarantineTable, len(c.quarantine), func(i int, to []any) []any {
		q := &c.quarantine[i]
		return append(to, q.ID, q.Agent, q.Stream, int64(q.Seq), int64(q.Index), q.Reason, int64(q.ReceivedAt),
			base64.StdEncoding.EncodeToString(q.Payload))
	}); err != nil {
		return err
	}
	trimmed := make(map[string]bool)
	for i := range c.quarantine {
		agent := c.quarantine[i].Agent
		if trimmed[agent] {
			continue
		}
		trimmed[agent] = true
		err := s.exec(ctx, "DELETE FROM quarantine WHERE agent = ? AND id IN (SELECT id FROM (SELECT id, COUNT(*) OVER newer AS held, "+
			"SUM(OCTET_LENGTH(payload)) OVER newer AS size FROM quarantine WHERE agent = ? WINDOW newer AS (ORDER BY id DESC)) AS sizes "+
			"WHERE held > ? OR size > ?)", agent, agent, maxQuarantine, maxQuarantineBytes)
		if err != nil {
			return fmt.Errorf("trim quarantine: %w", err)
		}
	}
	return nil
}

func (s *store) writeCursors(ctx context.Context, c *changes) error {
	names := slices.Sorted(maps.Keys(c.cursors))
	return s.write(ctx, cursorsTable, len(names), func(i int, to []any) []any { return append(to, names[i], c.cursors[names[i]]) })
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// list is a list as JSON, "" if it is empty.
func list[T any](items []T) string {
	if len(items) == 0 {
		return ""
	}
	return encode(items)
}

// optional is a thing as JSON, "" if there is none.
func optional[T any](thing *T) string {
	if thing == nil {
		return ""
	}
	return encode(thing)
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err)) // only our own types come here; they always encode
	}
	return string(text)
}

// sort puts rows in the order of their keys, which is how the file likes them.
func (c *changes) sort() {
	slices.SortFunc(c.looks, func(a, b *device) int { return cmp.Compare(a.number, b.number) })
	slices.SortFunc(c.tallies, func(a, b *counter) int { return cmp.Compare(a.number, b.number) })
}

// clear forgets what was written.
func (c *changes) clear() {
	c.agents, c.streams = c.agents[:0], c.streams[:0]
	c.devices, c.looks, c.ports = c.devices[:0], c.looks[:0], c.ports[:0]
	c.counters, c.tallies = c.counters[:0], c.tallies[:0]
	c.activities, c.anomalies, c.closings = c.activities[:0], c.anomalies[:0], c.closings[:0]
	c.quarantine, c.holes, c.forgotten = nil, nil, nil
	c.declared, c.undeclared, c.audit, c.copper = nil, nil, nil, nil
	c.episodes, c.events, c.windows, c.review.glitches = nil, nil, nil, nil
	c.review.declared, c.review.journals = false, false
	c.configs, c.followed = nil, nil
	clear(c.outrun)
	clear(c.after)
	clear(c.review.devices)
	clear(c.claims)
	c.astray, c.accounts, c.postings, c.crowd = c.astray[:0], c.accounts[:0], c.postings[:0], c.crowd[:0]
	c.statuses, c.unposted = c.statuses[:0], 0
	clear(c.posted)
	clear(c.hours)
	clear(c.months)
	clear(c.moved)
	clear(c.rezoned)
	clear(c.envelopes)
	clear(c.cursors)
}
