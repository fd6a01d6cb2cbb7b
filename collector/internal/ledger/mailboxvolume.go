package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// MailboxVolume is how many messages of one mailbox were declared for a month.
type MailboxVolume struct {
	Month         Month
	Address       string // lower case; @domain: of all mailboxes of that domain together
	Establishment string // ids, as the table said; empty: it didn't
	Service       string // likewise; empty: where the mailbox is declared
	Sent          *int64 // nil: not declared
	Received      *int64
}

// Compare orders volumes of mailboxes by month and address.
func (v MailboxVolume) Compare(other MailboxVolume) int {
	return cmp.Or(cmp.Compare(v.Month, other.Month), strings.Compare(v.Address, other.Address))
}

// Whole tells whether it is of a domain.
func (v MailboxVolume) Whole() bool { return strings.HasPrefix(v.Address, "@") }

// Domain is that of an address, with its @.
func Domain(address string) string { return address[max(0, strings.LastIndexByte(address, '@')):] }

// MailboxSum is what the volumes of mailboxes come to in a place.
type MailboxSum struct {
	Volume              // of the mailboxes there
	RestSent     *int64 // of domains, that none of their mailboxes has; nil: of no domain the whole was declared
	RestReceived *int64
}

// Correspondence is all messages of MSSanté that were declared.
type Correspondence struct {
	Places    []Volume        // in their order
	Mailboxes []MailboxVolume // likewise
}

var (
	mailboxVolumesTable = table{"mssante_mailbox_volumes", "month, address, establishment, service, sent, received", 2, false}
	mailboxSumsTable    = table{"mssante_mailbox_sums", "month, establishment, service, sent, received, rest_sent, rest_received", 3, false}
)

// SumMailboxes places what was declared of mailboxes: in the service that the table named, else in that in which the
// mailbox is declared at the end of the month, or was first; else in the establishment of its domain, if it has but one.
// What a domain has more than its mailboxes is of the establishment. Volumes and mailboxes are in their order.
func SumMailboxes(volumes []MailboxVolume, mailboxes []Mailbox) (sums []MailboxSum) {
	at := newPostings(mailboxes)
	for first, last := 0, 0; first < len(volumes); first = last {
		for last = first; last < len(volumes) && volumes[last].Month == volumes[first].Month; last++ {
		}
		sums = append(sums, sumMonth(volumes[first:last], at)...)
	}
	return sums
}

func sumMonth(month []MailboxVolume, at postings) []MailboxSum {
	places := make(map[Volume]*MailboxSum)
	of := func(v *MailboxVolume) *MailboxSum {
		establishment, service := at.place(v)
		key := Volume{Month: v.Month, Establishment: establishment, Service: service}
		if places[key] == nil {
			places[key] = &MailboxSum{Volume: key}
		}
		return places[key]
	}
	domains := make(map[string]Volume) // what their mailboxes have
	for i := range month {
		if v := &month[i]; !v.Whole() {
			s, d := of(v), domains[Domain(v.Address)]
			s.Sent, s.Received = plus(s.Sent, v.Sent), plus(s.Received, v.Received)
			d.Sent, d.Received = plus(d.Sent, v.Sent), plus(d.Received, v.Received)
			domains[Domain(v.Address)] = d
		}
	}
	for i := range month {
		if v := &month[i]; v.Whole() {
			s, d := of(v), domains[v.Address]
			s.RestSent = plus(s.RestSent, less(v.Sent, orZero(d.Sent)))
			s.RestReceived = plus(s.RestReceived, less(v.Received, orZero(d.Received)))
		}
	}
	sums := make([]MailboxSum, 0, len(places))
	for _, s := range places {
		sums = append(sums, *s)
	}
	slices.SortFunc(sums, func(a, b MailboxSum) int { return a.Compare(b.Volume) })
	return sums
}

// postings say where mailboxes belong.
type postings struct {
	versions map[string][]Mailbox
	domains  map[string]string // their only establishment, empty where there are several
}

func newPostings(mailboxes []Mailbox) postings {
	p := postings{make(map[string][]Mailbox), make(map[string]string)}
	for _, m := range mailboxes {
		p.versions[m.Address] = append(p.versions[m.Address], m)
		domain := Domain(m.Address)
		if in, known := p.domains[domain]; known && in != m.Establishment {
			p.domains[domain] = ""
			continue
		}
		p.domains[domain] = m.Establishment
	}
	return p
}

func (p postings) place(v *MailboxVolume) (establishment, service string) {
	versions := p.versions[v.Address]
	switch {
	case v.Service != "":
		return v.Establishment, v.Service
	case len(versions) == 0:
		return cmp.Or(v.Establishment, p.domains[Domain(v.Address)]), ""
	}
	m := versions[0]
	end := dayOf(v.Month.Add(1).In(time.UTC))
	for _, x := range versions {
		if x.From < end && x.State != NoMailbox { // what went in the month was there before
			m = x
		}
	}
	return m.Establishment, m.Service
}

func dayOf(t wire.Time) Day { return Day(t.Std().UTC().Format(time.DateOnly)) }

// Correspondence is that of some months, or all of it where none is named, in its order.
func (l *Ledger) Correspondence(ctx context.Context, months ...Month) (m Correspondence, err error) {
	err = l.read(ctx, "correspondence", func(q querier, _ wire.Time) error {
		m, err = readCorrespondence(ctx, q, during(months))
		return err
	})
	return m, err
}

// MailboxVolumes are what was declared of mailboxes for the months from and to and those between.
func (l *Ledger) MailboxVolumes(ctx context.Context, from, to Month) (all []MailboxVolume, err error) {
	err = l.read(ctx, "volumes of mailboxes", func(q querier, _ wire.Time) error {
		all, err = readMailboxVolumes(ctx, q, fmt.Sprintf("month >= %d AND month <= %d", from, to))
		return err
	})
	return all, err
}

// errOtherMonth is what a change of some months' messages must not bring about.
var errOtherMonth = errors.New("messages of a month that wasn't to be changed")

// DeclareCorrespondence lets change alter the messages of some months, as Declare does the register: those of all
// months where none is named. It is handed these only.
func (l *Ledger) DeclareCorrespondence(ctx context.Context, by Author, change func(Register, []Mailbox, Correspondence) (Correspondence, error), months ...Month) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readCorrespondence(ctx, l.store.conn, during(months))
		if err != nil {
			return err
		}
		mailboxes, err := readMailboxes(ctx, l.store.conn)
		if err != nil {
			return err
		}
		after, err := change(b.register.Clone(), mailboxes, Correspondence{slices.Clone(before.Places), slices.Clone(before.Mailboxes)})
		if err != nil {
			return err
		}
		if !after.within(months) {
			return errOtherMonth
		}
		b.swap(volumeRecords(before.Places), volumeRecords(after.Places))
		b.swap(mailboxVolumeRecords(before.Mailboxes), mailboxVolumeRecords(after.Mailboxes))
		b.auditVolumes(by, before.Places, after.Places)
		b.auditMailboxVolumes(by, before.Mailboxes, after.Mailboxes)
		return b.sumMessages(ctx, l.store.conn, months, after, mailboxes)
	})
}

// during is the condition that a row is of one of some months, or of any where none is named.
func during(months []Month) string {
	if len(months) == 0 {
		return "TRUE"
	}
	list := make([]string, len(months))
	for i, m := range months {
		list[i] = fmt.Sprint(int64(m))
	}
	return "month IN (" + strings.Join(list, ", ") + ")"
}

// within tells whether all of it is of some months; it is where none is named.
func (m *Correspondence) within(months []Month) bool {
	other := func(x Month) bool { return len(months) > 0 && !slices.Contains(months, x) }
	return !slices.ContainsFunc(m.Places, func(v Volume) bool { return other(v.Month) }) &&
		!slices.ContainsFunc(m.Mailboxes, func(v MailboxVolume) bool { return other(v.Month) })
}

// sumMessages writes anew what the messages of some months, or of all, add up to. Those of the others are taken as they
// were added up.
func (b *books) sumMessages(ctx context.Context, q querier, months []Month, m Correspondence, mailboxes []Mailbox) error {
	before, err := readMailboxSums(ctx, q, during(months))
	if err != nil {
		return err
	}
	sums, err := readMailboxSums(ctx, q, "NOT ("+during(months)+")")
	if err != nil {
		return err
	}
	places, err := readVolumes(ctx, q, "NOT ("+during(months)+")")
	if err != nil {
		return err
	}
	totals, err := readTotals(ctx, q)
	if err != nil {
		return err
	}
	after := SumMailboxes(m.Mailboxes, mailboxes)
	b.swap(mailboxSumRecords(before), mailboxSumRecords(after))
	places, sums = append(places, m.Places...), append(sums, after...)
	slices.SortFunc(places, Volume.Compare)
	slices.SortFunc(sums, func(a, b MailboxSum) int { return a.Compare(b.Volume) })
	b.swap(totalRecords(totals), totalRecords(Totals(places, sums)))
	return nil
}

// moved are the months in which messages belong elsewhere once the mailboxes of some addresses are others.
func moved(ctx context.Context, q querier, addresses map[string]bool, before, after postings) (months []Month, err error) {
	where, of := "TRUE", []any(nil)
	if len(addresses) <= fewAddresses && maps.Equal(before.domains, after.domains) {
		where = "address IN (''" + strings.Repeat(", ?", len(addresses)) + ")"
		for address := range addresses {
			of = append(of, address)
		}
	}
	all, err := readMailboxVolumes(ctx, q, where, of...)
	for i := range all {
		v := &all[i]
		if n := len(months); n > 0 && months[n-1] == v.Month { // they are in their order
			continue
		}
		wasIn, was := before.place(v)
		if isIn, is := after.place(v); isIn != wasIn || is != was {
			months = append(months, v.Month)
		}
	}
	return months, err
}

// fewAddresses are found by the index; more are looked for in all that there is.
const fewAddresses = 500

// auditMailboxVolumes notes what each month came to, and each figure that was another before.
func (b *books) auditMailboxVolumes(by Author, before, after []MailboxVolume) {
	months := make(map[Month][2]mailboxMonth)
	for which, all := range [][]MailboxVolume{before, after} {
		for i := range all {
			m := months[all[i].Month]
			m[which].add(&all[i])
			months[all[i].Month] = m
		}
	}
	for _, month := range slices.Sorted(maps.Keys(months)) {
		was, is := months[month][0], months[month][1]
		subject := fmt.Sprintf("%s %d", mailboxVolumesTable.name, month)
		b.log(by, subject, "addresses", countText(was.addresses), countText(is.addresses))
		b.log(by, subject, "sent", numberText(was.sent), numberText(is.sent))
		b.log(by, subject, "received", numberText(was.received), numberText(is.received))
	}
	for _, was := range before {
		is := MailboxVolume{}
		if i, still := slices.BinarySearchFunc(after, was, MailboxVolume.Compare); still {
			is = after[i]
		}
		subject := fmt.Sprintf("%s %s %d", mailboxVolumesTable.name, was.Address, was.Month)
		b.log(by, subject, "sent", numberText(was.Sent), numberText(is.Sent))
		b.log(by, subject, "received", numberText(was.Received), numberText(is.Received))
		if is.Address != "" {
			b.log(by, subject, "service", was.Service, is.Service)
		}
	}
}

// mailboxMonth is what a month comes to.
type mailboxMonth struct {
	addresses      int
	sent, received *int64
}

func (m *mailboxMonth) add(v *MailboxVolume) {
	m.addresses++
	m.sent, m.received = plus(m.sent, v.Sent), plus(m.received, v.Received)
}

func countText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// numberText is a number that may not be known.
func numberText(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func mailboxVolumeRecords(all []MailboxVolume) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&mailboxVolumesTable, records, int64(x.Month), x.Address, x.Establishment, x.Service, amountOf(x.Sent), amountOf(x.Received))
	}
	return records
}

func mailboxSumRecords(all []MailboxSum) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&mailboxSumsTable, records, int64(x.Month), x.Establishment, x.Service, amountOf(x.Sent), amountOf(x.Received), amountOf(x.RestSent), amountOf(x.RestReceived))
	}
	return records
}

func readCorrespondence(ctx context.Context, q querier, where string) (m Correspondence, err error) {
	if m.Places, err = readVolumes(ctx, q, where); err != nil {
		return m, err
	}
	m.Mailboxes, err = readMailboxVolumes(ctx, q, where)
	return m, err
}

func readMailboxVolumes(ctx context.Context, q querier, where string, args ...any) (all []MailboxVolume, err error) {
	err = each(ctx, q, "SELECT "+mailboxVolumesTable.columns+" FROM mssante_mailbox_volumes WHERE "+where+" ORDER BY month, address", func(read func(...any) error) error {
		var x MailboxVolume
		var sent, received sql.NullInt64
		err := read(&x.Month, &x.Address, &x.Establishment, &x.Service, &sent, &received)
		x.Sent, x.Received = known(sent), known(received)
		all = append(all, x)
		return err
	}, args...)
	slices.SortFunc(all, MailboxVolume.Compare) // databases have orders of their own
	return all, err
}

func readMailboxSums(ctx context.Context, q querier, where string) (all []MailboxSum, err error) {
	err = each(ctx, q, "SELECT "+mailboxSumsTable.columns+" FROM mssante_mailbox_sums WHERE "+where, func(read func(...any) error) error {
		var x MailboxSum
		var sent, received, restSent, restReceived sql.NullInt64
		err := read(&x.Month, &x.Establishment, &x.Service, &sent, &received, &restSent, &restReceived)
		x.Sent, x.Received, x.RestSent, x.RestReceived = known(sent), known(received), known(restSent), known(restReceived)
		all = append(all, x)
		return err
	})
	slices.SortFunc(all, func(a, b MailboxSum) int { return a.Compare(b.Volume) })
	return all, err
}
