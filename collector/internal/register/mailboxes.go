package register

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// MailboxPlan is what a table of MSSanté addresses changes.
type MailboxPlan struct {
	Plan
	Mailboxes []ledger.Mailbox // afterwards, all versions
}

// PlanMailboxes says what a table of MSSanté addresses changes. A row says how an address is from a day on, until
// the next one that says so; without a day from now on. Only since then anything is known of it. The error is Faults.
func PlanMailboxes(r ledger.Register, before []ledger.Mailbox, t *Table, o Options) (MailboxPlan, error) {
	d := &mailboxDraft{draft: newDraft(r, t, o), rows: make(map[ledger.Mailbox]Row), versions: make(map[string][]ledger.Mailbox)}
	for _, x := range before {
		d.versions[x.Address] = append(d.versions[x.Address], x)
	}
	if !t.has("address") {
		d.fault(Row{Number: 1}, "", "there is no column address (adresse): nothing says which mailboxes these are")
		t.Rows = nil
	}
	var said []saidMailbox
	for _, row := range t.Rows {
		if x, ok := d.row(row); ok {
			said = append(said, x)
		}
	}
	slices.SortStableFunc(said, func(a, b saidMailbox) int { return cmp.Compare(a.since, b.since) })
	for _, x := range said {
		d.take(x)
	}
	if o.Replace {
		d.removeOthers()
	}
	after := d.all()
	plan, err := d.planOf("address", mailboxSights(before), mailboxSights(after))
	return MailboxPlan{plan, after}, err
}

type mailboxDraft struct {
	*draft
	rows     map[ledger.Mailbox]Row // by address and day
	versions map[string][]ledger.Mailbox
}

// saidMailbox is what a row says of an address from a day on.
type saidMailbox struct {
	row     Row
	address string
	since   ledger.Day
}

var addressForm = regexp.MustCompile(`^[^@\s,;<>"]+@[a-z0-9-]+(\.[a-z0-9-]+)+$`)

func (d *mailboxDraft) row(row Row) (x saidMailbox, ok bool) {
	text, _ := d.get(row, "address")
	x = saidMailbox{row, strings.ToLower(text), d.day(row, "since")}
	today := dayOf(d.o.Now, d.o.Zone)
	key := ledger.Mailbox{Address: x.address, From: cmp.Or(x.since, today)}
	before, twice := d.rows[key]
	d.rows[key] = row
	switch {
	case !addressForm.MatchString(x.address):
		d.fault(row, "address", "%q is no address; want one such as secretariat.cardiologie@chu-exemple.mssante.fr", text)
	case twice:
		d.fault(row, "address", "%s is in row %d too, for the same day; want it once", x.address, before.Number)
	case x.since > today:
		d.fault(row, "since", "%s lies in the future; want a day until today", x.since)
	default:
		x.since = key.From
		return x, true
	}
	return x, false
}

// take takes over what a row says: columns that aren't there leave the mailbox as it was by that day.
func (d *mailboxDraft) take(x saidMailbox) {
	versions := d.versions[x.address]
	i, found := slices.BinarySearchFunc(versions, x.since, func(v ledger.Mailbox, day ledger.Day) int { return cmp.Compare(v.From, day) })
	v := ledger.Mailbox{Address: x.address, State: ledger.MailboxCreated}
	switch {
	case found:
		v = versions[i]
	case i > 0:
		v = versions[i-1]
	case len(versions) > 0: // earlier than anything that was known
		v = versions[0]
	}
	v.From = x.since
	if d.has("service") || d.has("establishment") {
		v.Establishment, v.Service = d.whose(x.row)
	}
	v.State = ledger.MailboxState(d.word(x.row, "state", mailboxStateWords, string(v.State)))
	v.Kind = d.word(x.row, "kind", mailboxKindWords, v.Kind)
	if !found {
		versions = slices.Insert(versions, i, v)
	}
	versions[i] = v
	for i := range versions {
		versions[i].Kind = v.Kind // what kind it is never changes
	}
	if i == 0 && v.State == ledger.NoMailbox && len(versions) == 1 {
		d.fault(x.row, "state", "is empty, as if the mailbox were no more, but nothing is known of it yet; want one of %s", mailboxStateWords)
	}
	d.versions[x.address] = versions
}

// word is what a cell says in the words of its column; as it was where there is none.
func (d *draft) word(row Row, column string, words vocabulary, before string) string {
	text, given := d.get(row, column)
	switch {
	case !given:
		return before
	case text == "":
		return ""
	}
	name, err := words.find(text)
	if err != nil {
		d.fault(row, column, "%v", err)
		return before
	}
	return name
}

// whose is the establishment and the service that a row names, both of which must be known. What names neither is of
// the only establishment, where there is but one.
func (d *draft) whose(row Row) (in, department string) {
	text, _ := d.get(row, "establishment")
	in = d.one(row, establishment, "", text)
	if text, _ = d.get(row, "service"); wholeWords.has(text) {
		text = ""
	}
	if department = d.one(row, service, in, text); department != "" {
		in = cmp.Or(in, d.Complete(ledger.Place{Service: department}).Establishment)
	}
	if all := d.ids(establishment); in == "" && department == "" && len(all) == 1 {
		in = all[0]
	}
	return in, department
}

// removeOthers says of the mailboxes that the table doesn't name that they are no more.
func (d *mailboxDraft) removeOthers() {
	if len(d.Rows) == 0 {
		d.fault(Row{}, "", "has no addresses, and all others would be removed; want at least one")
	}
	named := make(map[string]bool)
	for key := range d.rows {
		named[key.Address] = true
	}
	for address, versions := range d.versions {
		if last := versions[len(versions)-1]; !named[address] && last.State != ledger.NoMailbox {
			last.From, last.State = dayOf(d.o.Now, d.o.Zone), ledger.NoMailbox
			if versions[len(versions)-1].From == last.From {
				versions = versions[:len(versions)-1]
			}
			d.versions[address] = append(slices.Clone(versions), last)
		}
	}
}

// all are the versions of all mailboxes, without those that say the same as the one before.
func (d *mailboxDraft) all() (all []ledger.Mailbox) {
	for _, versions := range d.versions {
		versions = slices.CompactFunc(slices.Clone(versions), func(a, b ledger.Mailbox) bool {
			b.From = a.From
			return a == b
		})
		for len(versions) > 0 && versions[0].State == ledger.NoMailbox {
			versions = versions[1:]
		}
		all = append(all, versions...)
	}
	slices.SortFunc(all, ledger.Mailbox.Compare)
	return all
}

// mailboxSights are the versions, each a thing of its own.
func mailboxSights(all []ledger.Mailbox) map[thingKey]sight {
	sights := make(map[thingKey]sight, len(all))
	for _, x := range all {
		state := cmp.Or(string(x.State), "no more")
		sights[thingKey{"address", x.Address + " since " + string(x.From)}] = plain("state", state, "kind", x.Kind, "establishment", x.Establishment, "service", x.Service)
	}
	return sights
}

// ExportMailboxes are the rows of the table of MSSanté addresses: all that was ever said of each.
func ExportMailboxes(r ledger.Register, all []ledger.Mailbox) [][]string {
	d := newDirectory(&r)
	rows := make([][]string, 0, len(all))
	for _, x := range all {
		p := d.words(ledger.Place{Establishment: x.Establishment, Service: x.Service})
		rows = append(rows, []string{x.Address, x.Kind, p.Establishment, p.Service, string(x.State), string(x.From)})
	}
	return rows
}

// UseMailboxes declares mailboxes used from the month on in which messages show that they are: the last one with any, or
// the day on which they were last declared where that is later. It leaves those alone that are used or no more. Both lists
// are in their order.
func UseMailboxes(before []ledger.Mailbox, shows func(ledger.Mailbox) (ledger.Month, bool)) []ledger.Mailbox {
	after := make([]ledger.Mailbox, 0, len(before))
	for i, m := range before {
		after = append(after, m)
		if m.State == ledger.NoMailbox || m.State == ledger.MailboxUsed || i+1 < len(before) && before[i+1].Address == m.Address {
			continue
		}
		month, used := shows(m)
		if !used {
			continue
		}
		since := ledger.Day(writtenMonth(month) + "-01")
		if since <= m.From { // it was declared otherwise in that month, which holds until somebody says more
			after[len(after)-1].State = ledger.MailboxUsed
			continue
		}
		m.From, m.State = since, ledger.MailboxUsed
		after = append(after, m)
	}
	return after
}
