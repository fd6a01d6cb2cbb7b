package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls scan for every row of a query; scan reads it with the function that it is given.
func each(ctx context.Context, q querier, query string, scan func(read func(...any) error) error, args ...any) (err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// load reads the whole present state.
func (s *store) load(ctx context.Context) (*books, error) {
	b := &books{
		agents: make(map[string]*agent), streams: make(map[[2]string]*stream), begun: make(map[string][]*stream), devices: make(map[string]*device),
		addresses: make(map[[2]string]*device), texts: make(map[string]string), accounts: make(map[Account]*account), calendars: make(map[string]*calendar),
		windows: make(map[string][]window), episodes: make(map[topic]*episode), lately: make(map[topic]wire.Time), after: make(map[string]AfterTotals), sighted: make(map[string]wire.Time),
		revisions: make(map[string]int64), journalsSeen: journalsUnseen,
		changes: changes{
			claims: make(map[claimKey]wire.Time), posted: make(map[postedKey]int64), hours: make(map[hourKey]int64),
			months: make(map[monthKey]monthCount), moved: make(map[*device]wire.Time), rezoned: make(map[*account]string), envelopes: make(map[Verdict]int64), cursors: make(map[string]int64),
			after: make(map[string]bool), outrun: make(map[string]int64), review: review{devices: make(map[*device]bool)},
		},
	}
	for _, load := range []func(context.Context, *books) error{s.loadAgents, s.loadStreams, s.loadDevices, s.loadRegister, s.loadAccounts, s.loadEpisodes, s.loadRevisions, s.loadNumbers} {
		if err := load(ctx, b); err != nil {
			return nil, err
		}
	}
	b.where = newWhereabouts(b.register, b.devices)
	for _, d := range b.devices {
		d.stays = b.where.stays(d)
	}
	return b, nil
}

func (s *store) loadAccounts(ctx context.Context, b *books) error {
	const query = "SELECT id, zone, " + accountColumns + " FROM accounts ORDER BY id"
	return each(ctx, s.conn, query, func(read func(...any) error) error {
		a := new(account)
		if err := read(append([]any{&a.number, &a.zone}, a.fields()...)...); err != nil {
			return err
		}
		if b.devices[a.Device] == nil {
			return fmt.Errorf("account %d has no device", a.number)
		}
		for _, text := range []*string{&a.Establishment, &a.Site, &a.Pole, &a.Service, &a.Device, &a.Line, &a.zone} {
			*text = b.text(*text)
		}
		b.last.account = a.number
		b.accounts[a.Account] = a
		return nil
	})
}

func (s *store) loadRegister(ctx context.Context, b *books) (err error) {
	b.register, err = readRegister(ctx, s.conn)
	return err
}

func (s *store) loadAgents(ctx context.Context, b *books) error {
	return each(ctx, s.conn, "SELECT "+agentsTable.columns+" FROM agents", func(read func(...any) error) error {
		a, err := readAgent(read)
		b.agents[a.id] = a
		return err
	})
}

func readAgent(read func(...any) error) (*agent, error) {
	a := new(agent)
	var spool, silent, config, certificate, journals string
	var clock int64
	st := &a.state
	if err := read(&a.id, &st.Online, &st.Session, &st.StartedAt, &st.SentAt, &st.Version, &st.OS, &st.Targets, &st.PollMS,
		&spool, &silent, &a.dropped, &a.firstSeen, &a.lastSeen, &clock, &a.tooNew, &config, &certificate, &journals); err != nil {
		return a, err
	}
	a.offset = time.Duration(clock) * time.Millisecond
	if err := json.Unmarshal([]byte(spool), &st.Spool); err != nil {
		return a, fmt.Errorf("spool of %s: %w", a.id, err)
	}
	return a, errors.Join(decodeList(silent, &st.Silent), decodeOptional(config, &st.Config), decodeOptional(certificate, &st.Certificate), decodeList(journals, &st.Journals))
}

func (s *store) loadStreams(ctx context.Context, b *books) error {
	return each(ctx, s.conn, "SELECT "+streamsTable.columns+" FROM streams ORDER BY id", func(read func(...any) error) error {
		x := new(stream)
		var next int64
		if err := read(&x.number, &x.agent, &x.id, &next, &x.crc, &x.lastAt, &x.overlap); err != nil {
			return err
		}
		x.next = uint64(next)
		b.last.stream = max(b.last.stream, x.number)
		b.keep(x)
		return nil
	})
}

const selectDevices = "SELECT id, devices.device, vendor, serial, model, name, location, address, profile, fax, fax_service, faxed, agent, " +
	"first_seen, failure, corrected, stale, stale_since, boots, counts_from, " +
	"stream, at, booted, uptime_ms, look_at, read_at, counters_at, lines_at, poll_ms " +
	"FROM devices JOIN looks ON looks.device = devices.id"

func readDevice(read func(...any) error) (*device, error) {
	d := new(device)
	var boots string
	var uptime, poll int64
	n := &d.identity
	if err := read(&d.number, &d.id, &n.Vendor, &n.Serial, &n.Model, &n.Name, &n.Location, &n.Address, &d.profile, &d.fax, &d.service,
		&d.faxed, &d.lead, &d.firstSeen, &d.failure, &d.corrected, &d.stale, &d.staleSince, &boots, &d.countsFrom,
		&d.order.Stream, &d.order.At, &d.order.Started, &uptime, &d.lookAt, &d.readAt, &d.countersAt, &d.linesAt, &poll); err != nil {
		return nil, err
	}
	d.order.Uptime = time.Duration(uptime) * time.Millisecond
	d.poll = time.Duration(poll) * time.Millisecond
	return d, decodeList(boots, &d.order.Past)
}

func (s *store) loadDevices(ctx context.Context, b *books) error {
	devices, err := allDevices(ctx, s.conn)
	for _, d := range devices {
		d.lead, d.profile = b.text(d.lead), b.text(d.profile)
		b.last.device = max(b.last.device, d.number)
		b.devices[d.id] = d
		key := [2]string{d.lead, d.identity.Address}
		if other := b.addresses[key]; key[1] != "" && (other == nil || other.lookAt < d.lookAt) {
			b.addresses[key] = d
		}
		for _, c := range d.counters {
			c.unit, c.rule, c.measure = b.text(c.unit), b.text(c.rule), wire.Measure(b.text(string(c.measure)))
			b.last.counter = max(b.last.counter, c.number)
		}
	}
	return err
}

// allDevices are all devices with their ports and counters.
func allDevices(ctx context.Context, q querier) ([]*device, error) {
	var all []*device
	byNumber := make(map[int64]*device)
	err := each(ctx, q, selectDevices, func(read func(...any) error) error {
		d, err := readDevice(read)
		if err == nil {
			all = append(all, d)
			byNumber[d.number] = d
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, q, "SELECT "+portsTable.columns+" FROM ports", func(read func(...any) error) error {
		return readPort(read, byNumber)
	})
	if err != nil {
		return nil, err
	}
	return all, each(ctx, q, selectCounters, func(read func(...any) error) error {
		return readCounter(read, byNumber)
	})
}

func readPort(read func(...any) error, byNumber map[int64]*device) error {
	p := new(port)
	var number int64
	if err := read(&number, &p.Port, &p.Status, &p.Evidence, &p.Fax, &p.firstSeen, &p.since, &p.goneAt, &p.Number); err != nil {
		return err
	}
	d := byNumber[number]
	if d == nil {
		return fmt.Errorf("port %q has no device", p.Port)
	}
	d.ports = append(d.ports, p)
	return nil
}

const selectCounters = "SELECT id, device, measure, unit, rule, present, value, at, error_ms, count, total, last_at, excursions " +
	"FROM counters JOIN tallies ON tallies.counter = counters.id"

func readCounter(read func(...any) error, byNumber map[int64]*device) error {
	c := new(counter)
	var number int64
	var open string
	var clockError int64
	if err := read(&c.number, &number, &c.measure, &c.unit, &c.rule, &c.present, &c.tally.Value, &c.tally.At,
		&clockError, &c.tally.Count, &c.tally.Total, &c.lastAt, &open); err != nil {
		return err
	}
	d := byNumber[number]
	if d == nil {
		return fmt.Errorf("counter %d has no device", c.number)
	}
	if c.tally.At == 0 {
		c.tally.At, c.inStep = d.countersAt, true
	}
	c.device, c.tally.Error = d, time.Duration(clockError)*time.Millisecond
	d.counters = append(d.counters, c)
	return decodeList(open, &c.tally.Open)
}

func (s *store) loadNumbers(ctx context.Context, b *books) (err error) {
	n := &b.last
	for _, of := range []struct {
		table string
		last  *int64
	}{
		{"activity", &n.activity},
		{"anomalies", &n.anomaly},
		{"quarantine", &n.quarantine},
		{"holes", &n.hole},
		{"audit", &n.audit},
		{"postings", &n.posting},
		{"statuses", &n.status},
		{"episodes", &n.episode},
		{"events", &n.event},
		{"test_windows", &n.window},
	} {
		if *of.last, err = newest(ctx, s.conn, of.table); err != nil {
			return err
		}
	}
	n.revision, err = readNumber(ctx, s.conn, "SELECT COALESCE(MAX(revision), 0) FROM episodes")
	return err
}

func decodeOptional[T any](text string, thing **T) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), thing)
}

func decodeList[T any](text string, items *[]T) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), items)
}
