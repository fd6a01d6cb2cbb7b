package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// MailboxState is how far a mailbox of MSSanté has come.
type MailboxState string

// The states of mailboxes. Used is one in which messages are sent or received.
const (
	MailboxCreated   MailboxState = "created"
	MailboxPublished MailboxState = "published" // in the national directory
	MailboxUsed      MailboxState = "used"
	MailboxInactive  MailboxState = "inactive"
	NoMailbox        MailboxState = "" // it is no more
)

// MailboxStates are those of mailboxes that are there.
func MailboxStates() []MailboxState {
	return []MailboxState{MailboxCreated, MailboxPublished, MailboxUsed, MailboxInactive}
}

// Mailbox is one of MSSanté as declared, in one of its versions. Its address may name a person.
type Mailbox struct {
	Address       string // lower case
	From          Day    // valid from that day on, until the next version
	Kind          string // PER, ORG, APP, CAB, as the national directory calls them; empty: not said
	Establishment string // ids
	Service       string
	State         MailboxState
}

// Compare orders mailboxes by address and day.
func (m Mailbox) Compare(other Mailbox) int {
	return cmp.Or(strings.Compare(m.Address, other.Address), strings.Compare(string(m.From), string(other.From)))
}

// Volume is how many messages of MSSanté were declared for a month.
type Volume struct {
	Month         Month
	Establishment string // ids
	Service       string // empty: of all of the establishment, of the structure as a whole where that is empty too
	Sent          *int64 // nil: not declared
	Received      *int64
}

// Compare orders volumes by month and place.
func (v Volume) Compare(other Volume) int {
	return cmp.Or(cmp.Compare(v.Month, other.Month), strings.Compare(v.Establishment, other.Establishment), strings.Compare(v.Service, other.Service))
}

var (
	mailboxesTable = table{"mssante_addresses", "address, from_day, kind, establishment, service, state, from_month, until_month", 2, false}
	volumesTable   = table{"mssante_volumes", "month, establishment, service, sent, received", 3, false}
	totalsTable    = table{"mssante_totals", "establishment, service, sent, received", 2, false}
)

// Mailboxes are all versions of all mailboxes, in their order.
func (l *Ledger) Mailboxes(ctx context.Context) (all []Mailbox, err error) {
	err = l.read(ctx, "mailboxes", func(q querier, _ wire.Time) error {
		all, err = readMailboxes(ctx, q)
		return err
	})
	return all, err
}

// Volumes are all that were declared, in their order.
func (l *Ledger) Volumes(ctx context.Context) (all []Volume, err error) {
	err = l.read(ctx, "volumes", func(q querier, _ wire.Time) error {
		all, err = readVolumes(ctx, q, "TRUE")
		return err
	})
	return all, err
}

// DeclareMailboxes lets change alter all mailboxes, as Declare does the register. It is handed all of
// their versions and gives them back in their order.
func (l *Ledger) DeclareMailboxes(ctx context.Context, by Author, change func(Register, []Mailbox) ([]Mailbox, error)) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readMailboxes(ctx, l.store.conn)
		if err != nil {
			return err
		}
		after, err := change(b.register.Clone(), slices.Clone(before))
		if err != nil {
			return err
		}
		addresses := altered(before, after)
		was, is := versionsOf(addresses, before), versionsOf(addresses, after)
		b.swap(mailboxRecords(was), mailboxRecords(is))
		b.auditMailboxes(by, was, is)
		months, err := moved(ctx, l.store.conn, addresses, newPostings(before), newPostings(after))
		if err != nil || len(months) == 0 {
			return err
		}
		messages, err := readCorrespondence(ctx, l.store.conn, during(months))
		if err != nil {
			return err
		}
		return b.sumMessages(ctx, l.store.conn, months, messages, after)
	})
}

// altered are the addresses of which some version isn't as it was.
func altered(before, after []Mailbox) map[string]bool {
	was, addresses := make(map[Mailbox]bool, len(before)), make(map[string]bool)
	for _, m := range before {
		was[m] = true
	}
	for _, m := range after {
		if !was[m] {
			addresses[m.Address] = true
		}
		delete(was, m)
	}
	for m := range was {
		addresses[m.Address] = true
	}
	return addresses
}

// versionsOf are all versions of some addresses, in their order.
func versionsOf(addresses map[string]bool, all []Mailbox) (versions []Mailbox) {
	for _, m := range all {
		if addresses[m.Address] {
			versions = append(versions, m)
		}
	}
	return versions
}

// DeclareVolumes lets change alter what is declared of places, likewise.
func (l *Ledger) DeclareVolumes(ctx context.Context, by Author, change func(Register, []Volume) ([]Volume, error)) error {
	return l.DeclareCorrespondence(ctx, by, func(r Register, _ []Mailbox, m Correspondence) (_ Correspondence, err error) {
		m.Places, err = change(r, m.Places)
		return m, err
	})
}

// swap writes the rows that are other than before, and removes those that are no more.
func (b *books) swap(before, after map[string]record) {
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[key]; !still {
			b.changes.undeclared = append(b.changes.undeclared, before[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if !slices.Equal(before[key].values, after[key].values) {
			b.changes.declared = append(b.changes.declared, after[key])
		}
	}
}

// auditMailboxes notes what changed, a new version beside the one before it.
func (b *books) auditMailboxes(by Author, before, after []Mailbox) {
	note := func(was, is Mailbox) {
		key, noted := cmp.Or(is, was), b.last.audit
		subject := mailboxesTable.name + " " + key.Address + " " + string(key.From)
		b.log(by, subject, "kind", was.Kind, is.Kind)
		b.log(by, subject, "establishment", was.Establishment, is.Establishment)
		b.log(by, subject, "service", was.Service, is.Service)
		b.log(by, subject, "state", string(was.State), string(is.State))
		if b.last.audit == noted && was != is { // a version that says the same as the one before
			b.log(by, subject, "confirmed", "", "1")
		}
	}
	for _, was := range before {
		if _, still := slices.BinarySearchFunc(after, was, Mailbox.Compare); !still {
			note(was, Mailbox{})
		}
	}
	for i, is := range after {
		at, known := slices.BinarySearchFunc(before, is, Mailbox.Compare)
		switch {
		case known:
			note(before[at], is)
		case i > 0 && after[i-1].Address == is.Address:
			note(after[i-1], is)
		default:
			note(Mailbox{}, is)
		}
	}
}

func (b *books) auditVolumes(by Author, before, after []Volume) {
	note := func(key, was, is Volume) {
		subject := fmt.Sprintf("%s %s %d", volumesTable.name, strings.TrimSpace(key.Establishment+" "+key.Service), key.Month)
		b.log(by, subject, "sent", numberText(was.Sent), numberText(is.Sent))
		b.log(by, subject, "received", numberText(was.Received), numberText(is.Received))
	}
	for _, was := range before {
		if _, still := slices.BinarySearchFunc(after, was, Volume.Compare); !still {
			note(was, was, Volume{})
		}
	}
	for _, is := range after {
		if at, known := slices.BinarySearchFunc(before, is, Volume.Compare); known {
			note(is, before[at], is)
		} else {
			note(is, Volume{}, is)
		}
	}
}

func mailboxRecords(all []Mailbox) map[string]record {
	records := make(map[string]record, len(all))
	month := func(d Day) int64 { return int64(MonthOf(d.In(time.UTC), time.UTC)) }
	for i, x := range all {
		until := int64(0)
		if i+1 < len(all) && all[i+1].Address == x.Address {
			until = month(all[i+1].From)
		}
		keyed(&mailboxesTable, records, x.Address, string(x.From), x.Kind, x.Establishment, x.Service, string(x.State), month(x.From), until)
	}
	return records
}

func volumeRecords(all []Volume) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&volumesTable, records, int64(x.Month), x.Establishment, x.Service, amountOf(x.Sent), amountOf(x.Received))
	}
	return records
}

func totalRecords(all []Volume) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&totalsTable, records, x.Establishment, x.Service, amountOf(x.Sent), amountOf(x.Received))
	}
	return records
}

func readMailboxes(ctx context.Context, q querier) (all []Mailbox, err error) {
	err = each(ctx, q, "SELECT address, from_day, kind, establishment, service, state FROM mssante_addresses ORDER BY address, from_day", func(read func(...any) error) error {
		var x Mailbox
		err := read(&x.Address, &x.From, &x.Kind, &x.Establishment, &x.Service, &x.State)
		all = append(all, x)
		return err
	})
	slices.SortFunc(all, Mailbox.Compare) // databases have orders of their own
	return all, err
}

func readVolumes(ctx context.Context, q querier, where string) (all []Volume, err error) {
	err = each(ctx, q, "SELECT "+volumesTable.columns+" FROM mssante_volumes WHERE "+where, func(read func(...any) error) error {
		var x Volume
		var sent, received sql.NullInt64
		err := read(&x.Month, &x.Establishment, &x.Service, &sent, &received)
		x.Sent, x.Received = known(sent), known(received)
		all = append(all, x)
		return err
	})
	slices.SortFunc(all, Volume.Compare)
	return all, err
}

// known is a number that may not be.
func known(n sql.NullInt64) *int64 {
	if !n.Valid {
		return nil
	}
	return &n.Int64
}

func sameRecords(a, b map[string]record) bool {
	return maps.EqualFunc(a, b, func(a, b record) bool { return slices.Equal(a.values, b.values) })
}

// mssante compares what is kept of MSSanté twice: sums, and until when versions are valid.
func (a *auditor) mssante() error {
	messages, err := readCorrespondence(a.ctx, a.conn, "TRUE")
	if err != nil {
		return err
	}
	mailboxes, err := readMailboxes(a.ctx, a.conn)
	if err != nil {
		return err
	}
	sums, err := readMailboxSums(a.ctx, a.conn, "TRUE")
	if err != nil {
		return err
	}
	kept, err := readTotals(a.ctx, a.conn)
	if err != nil {
		return err
	}
	after := SumMailboxes(messages.Mailboxes, mailboxes)
	if !sameRecords(mailboxSumRecords(sums), mailboxSumRecords(after)) {
		a.disagree("MSSanté: the messages of its services aren't the sums of those of their mailboxes; import any month of them again")
	}
	if !sameRecords(totalRecords(kept), totalRecords(Totals(messages.Places, after))) {
		a.disagree("MSSanté: the totals of its messages aren't the sums of its months; import any of them again")
	}
	return a.agree("its version of an earlier day isn't valid until the next one",
		"SELECT address FROM (SELECT address, until_month, COALESCE(LEAD(from_month) OVER (PARTITION BY address ORDER BY from_day), 0) AS next "+
			"FROM mssante_addresses) AS versions WHERE until_month <> next")
}
