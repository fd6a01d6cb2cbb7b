package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// account is an account in the books.
type account struct {
	number int64
	Account
	zone     string // in which its months are cut
	calendar *calendar
	dirty    bool
}

// series is what shares a curve: the same direction and unit, in one account.
type series struct {
	direction Direction
	unit      string
}

type seriesEnd struct {
	series
	at wire.Time
}

// crowdedFor is how much later than its interval's end a posting may stand, where many end at one instant.
const crowdedFor = wire.Time(10_000)

// follows tells whether t is later than all that is posted of a device in a direction and unit, and
// makes it the last. Where that isn't known for sure the answer is no: what ended shortly before may stand later.
func (d *device) follows(s series, t wire.Time) bool {
	for i := range d.curves {
		if e := &d.curves[i]; e.series == s {
			last := e.at
			e.at = max(e.at, t)
			return t > last+crowdedFor
		}
	}
	last := -crowdedFor
	for _, c := range d.counters {
		if c.lastAt != 0 && c.series() == s {
			last = max(last, c.lastAt)
		}
	}
	d.curves = append(d.curves, seriesEnd{s, max(t, last)})
	return t > last+crowdedFor
}

func (c *counter) series() series { return series{DirectionOf(c.measure), c.unit} }

// posting is one that is to be written.
type posting struct {
	activity int64
	account  *account
	series   series
	at       wire.Time
	count    int64
}

type postedKey struct{ account, counter int64 }

type hourKey struct {
	hour wire.Time
	postedKey
}

type monthKey struct {
	month Month
	postedKey
}

type monthCount struct{ count, straddling int64 }

// relocate notes that something has changed which may decide where a device's activity belongs.
func (b *books) relocate(d *device) { mark(&d.astray, &b.changes.astray, d) }

// relocateAll does so for all whose whereabouts hang on d's.
func (b *books) relocateAll(d *device) {
	b.relocate(d)
	for _, other := range b.where.affected(d) {
		b.relocate(other)
	}
}

// locate finds out anew where a device's activity belongs, if need be.
func (b *books) locate(d *device) {
	if !d.astray {
		return
	}
	d.astray = false
	before := d.stays
	d.stays = b.where.stays(d)
	since, moved := movedSince(before, d.stays)
	if !moved || !slices.ContainsFunc(d.counters, func(c *counter) bool { return c.lastAt >= max(since, 1) }) {
		return
	}
	if earlier, known := b.changes.moved[d]; known {
		since = min(since, earlier)
	}
	b.changes.moved[d] = since
}

// locateAll ends a transaction: all are located, and the accounts in which they count from now on
// are opened, so that a counter is born at 0.
func (b *books) locateAll() {
	now := wire.TimeOf(b.now())
	for i := 0; i < len(b.changes.astray); i++ {
		d := b.changes.astray[i]
		b.locate(d)
		for j := range d.stays {
			if j+1 < len(d.stays) && d.stays[j+1].from <= now {
				continue // that is over
			}
			for _, c := range d.counters {
				if c.present {
					b.changes.posted[postedKey{b.stayAccount(d, j, b.twice(c)).number, c.number}] += 0
				}
			}
		}
	}
}

// twice tells whether what a counter counts is also counted as received: machines that tell both
// print what they receive.
func (b *books) twice(c *counter) bool {
	return c.measure == wire.FaxPrintedPages && c.device.present(wire.FaxReceivedPages) != nil
}

// accountOf is the account of activity of a device whose interval ends at an instant.
func (b *books) accountOf(d *device, at wire.Time, flags int64) *account {
	b.locate(d)
	return b.stayAccount(d, d.stayAt(at), flags&alsoReceived != 0)
}

// stayAt is the number of the stay in which an instant lies.
func (d *device) stayAt(at wire.Time) int {
	i := len(d.stays) - 1
	for i > 0 && at < d.stays[i].from {
		i--
	}
	return i
}

func (b *books) stayAccount(d *device, i int, evidence bool) *account {
	s := &d.stays[i]
	n := flag(evidence)
	if s.booked[n] == nil {
		a := s.account
		a.Evidence = a.Evidence || evidence
		s.booked[n] = b.account(a)
	}
	return s.booked[n]
}

// account is the account in the books, a new one if need be.
func (b *books) account(a Account) *account {
	if known := b.accounts[a]; known != nil {
		return known
	}
	b.last.account++
	x := &account{number: b.last.account, Account: a, zone: b.zoneOf(a.Site)}
	x.calendar = b.calendar(x.zone)
	b.accounts[a] = x
	mark(&x.dirty, &b.changes.accounts, x)
	return x
}

// zoneOf is the name of a site's time zone; ours where none is declared that can be.
func (b *books) zoneOf(site string) string {
	if name := b.where.register.Sites[site].TimeZone; name != "" && b.calendar(name) != nil {
		return name
	}
	return b.location.String()
}

// calendar is that of a zone, nil if there is none called so.
func (b *books) calendar(zone string) *calendar {
	c, known := b.calendars[zone]
	if known {
		return c
	}
	location := b.location
	if zone != location.String() {
		location, _ = time.LoadLocation(zone)
	}
	if location != nil {
		c = &calendar{zone: location}
	}
	b.calendars[zone] = c
	return c
}

// adjust makes ready books that were just loaded: what lacks since they were kept before there were
// postings, or with another time zone, is made up for by this transaction. zone is ours, nil if it
// isn't known now.
func (b *books) adjust(zone *time.Location) {
	if b.last.posting == 0 {
		b.changes.unposted = b.last.activity
	}
	b.location = zone
	if zone == nil {
		b.location = time.UTC
		return
	}
	b.rezone()
	if len(b.changes.rezoned) > 0 { // then the days of cut-offs begin at other instants, too
		for line := range b.deadlines {
			b.reviewLine(line)
		}
	}
}

// rezone gives the accounts the time zones of their sites.
func (b *books) rezone() {
	for _, a := range b.accounts {
		zone := b.zoneOf(a.Site)
		before := b.calendar(a.zone)
		a.calendar = b.calendar(zone)
		if a.zone != zone && before != nil {
			if _, known := b.changes.rezoned[a]; !known {
				b.changes.rezoned[a] = a.zone
			}
			a.zone = zone
			mark(&a.dirty, &b.changes.accounts, a)
		}
	}
}

// post puts activity into an account, or takes it out where count is negative. Unless its end is
// free in its series, the posting goes to the crowd, which find their places when they are written.
func (b *books) post(x activity, c *counter, a *account, count int64) {
	s := c.series()
	list := &b.changes.postings
	if !c.device.follows(s, x.to) {
		list = &b.changes.crowd
	}
	*list = append(*list, posting{x.number, a, s, x.to, count})
	b.sum(x, a, count)
}

// sum adds what is posted to the sums of its account.
func (b *books) sum(x activity, a *account, count int64) {
	key := postedKey{a.number, x.counter}
	b.changes.posted[key] += count
	b.changes.hours[hourKey{x.to - x.to%hour, key}] += count
	b.changes.addMonth(key, monthSum(a.calendar, x), count)
}

// inMonth is where activity lies in the calendar.
type inMonth struct {
	Month
	straddling bool // its beginning may be in the month before
}

func monthSum(c *calendar, x activity) inMonth {
	month, begin := c.monthOf(x.to)
	return inMonth{month, x.from < begin}
}

func (c *changes) addMonth(key postedKey, m inMonth, count int64) {
	sum := c.months[monthKey{m.Month, key}]
	sum.count += count
	if m.straddling {
		sum.straddling += count
	}
	c.months[monthKey{m.Month, key}] = sum
}

const hour = wire.Time(3_600_000)

var (
	accountsTable = table{"accounts", "id, establishment, site, pole, service, device, line, evidence, zone", 1, false}
	postingsTable = table{"postings", "id, activity, account, at, count", 0, false}
	postedTable   = table{"posted", "account, counter, count", 2, true}
	hoursTable    = table{"posted_hours", "hour, account, counter, count", 3, true}
	monthsTable   = table{"posted_months", "month, account, counter, count, straddling", 3, true}
	statusesTable = table{"statuses", "id, at, device, port, kind, line, value, agent", 0, false}
)

// writePostings writes what was posted, and forgets it.
func (s *store) writePostings(ctx context.Context, b *books) error {
	c := &b.changes
	if err := s.write(ctx, accountsTable, len(c.accounts), func(i int, to []any) []any {
		a := c.accounts[i]
		a.dirty = false
		return append(to, a.number, a.Establishment, a.Site, a.Pole, a.Service, a.Device, a.Line, flag(a.Evidence), a.zone)
	}); err != nil {
		return err
	}
	c.accounts = c.accounts[:0]
	// By account, which is how the index likes them: they are numbered only now.
	slices.SortStableFunc(c.postings, func(x, y posting) int { return cmp.Compare(x.account.number, y.account.number) })
	if err := s.writeRows(ctx, b, c.postings); err != nil {
		return err
	}
	c.postings = c.postings[:0]
	for i := range c.crowd {
		p := &c.crowd[i]
		var err error
		if p.at, err = s.free(ctx, p); err != nil {
			return err
		}
		if err := s.writeRows(ctx, b, c.crowd[i:i+1]); err != nil {
			return err
		}
	}
	c.crowd = c.crowd[:0]
	return s.writeSums(ctx, c)
}

func (s *store) writeRows(ctx context.Context, b *books, postings []posting) error {
	return s.write(ctx, postingsTable, len(postings), func(i int, to []any) []any {
		p := &postings[i]
		b.last.posting++
		return append(to, b.last.posting, p.activity, p.account.number, int64(p.at), p.count)
	})
}

// free is the first instant from p's on that is not taken in its series.
func (s *store) free(ctx context.Context, p *posting) (wire.Time, error) {
	taken := make(map[wire.Time]bool)
	const query = "SELECT postings.at, measure, unit FROM postings JOIN activity ON activity.id = activity " +
		"JOIN counters ON counters.id = counter WHERE postings.at >= ? AND postings.at <= ? AND account = ?"
	if err := each(ctx, s.conn, query, func(read func(...any) error) error {
		var at wire.Time
		var measure wire.Measure
		var unit string
		err := read(&at, &measure, &unit)
		if p.series == (series{DirectionOf(measure), unit}) {
			taken[at] = true
		}
		return err
	}, int64(p.at), int64(p.at+crowdedFor), p.account.number); err != nil {
		return 0, fmt.Errorf("read postings: %w", err)
	}
	at := p.at
	for taken[at] {
		at++
	}
	return at, nil
}

func (s *store) writeSums(ctx context.Context, c *changes) error {
	posted := sortedKeys(c.posted, postedKey.compare)
	if err := s.write(ctx, postedTable, len(posted), func(i int, to []any) []any {
		return append(to, posted[i].account, posted[i].counter, c.posted[posted[i]])
	}); err != nil {
		return err
	}
	hours := sortedKeys(c.hours, func(x, y hourKey) int { return cmp.Or(cmp.Compare(x.hour, y.hour), x.postedKey.compare(y.postedKey)) })
	if err := s.write(ctx, hoursTable, len(hours), func(i int, to []any) []any {
		return append(to, int64(hours[i].hour), hours[i].account, hours[i].counter, c.hours[hours[i]])
	}); err != nil {
		return err
	}
	months := sortedKeys(c.months, func(x, y monthKey) int {
		return cmp.Or(cmp.Compare(x.month, y.month), x.postedKey.compare(y.postedKey))
	})
	if err := s.write(ctx, monthsTable, len(months), func(i int, to []any) []any {
		sum := c.months[months[i]]
		return append(to, int64(months[i].month), months[i].account, months[i].counter, sum.count, sum.straddling)
	}); err != nil {
		return err
	}
	clear(c.posted)
	clear(c.hours)
	clear(c.months)
	return nil
}

func (k postedKey) compare(other postedKey) int {
	return cmp.Or(cmp.Compare(k.account, other.account), cmp.Compare(k.counter, other.counter))
}

// sortedKeys are a map's keys in the order of the table, which is how the file likes them.
func sortedKeys[K comparable, V any](m map[K]V, compare func(x, y K) int) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compare)
	return keys
}
