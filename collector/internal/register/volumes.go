package register

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// VolumePlan is what a table of messages of MSSanté changes.
type VolumePlan struct {
	Plan
	Messages ledger.Correspondence // afterwards
}

// Months are those that a table of messages names, in their order. PlanVolumes needs no others, and changes none.
func (t *Table) Months() (months []ledger.Month) {
	for _, row := range t.Rows {
		text, _ := t.get(row, "month")
		if m, err := ReadMonth(text); err == nil && !slices.Contains(months, m) {
			months = append(months, m)
		}
	}
	slices.Sort(months)
	return months
}

// PlanVolumes says what a table of messages of MSSanté by month changes. A row with an address is of that mailbox, or
// with a domain, ch-exemple.mssante.fr, of all mailboxes of it together. One without is of a service; without that, too,
// of all of its establishment, or of the structure as a whole. A column that isn't there leaves things as they are; an
// empty cell makes them unknown, which is not 0. Of a month and domain whose mailboxes the table names it names all:
// of others nothing is known any more. The error is Faults.
func PlanVolumes(r ledger.Register, mailboxes []ledger.Mailbox, before ledger.Correspondence, t *Table, o Options) (VolumePlan, error) {
	d := &volumeDraft{
		draft: newDraft(r, t, o), rows: make(map[ledger.Volume]Row), volumes: slices.Clone(before.Places), in: make(map[ledger.Volume]string),
		post: newPost(mailboxes, before.Mailboxes),
	}
	for _, v := range before.Places {
		d.in[ofService(v)] = v.Establishment
	}
	if !t.has("month") || !t.has("sent") && !t.has("received") {
		d.fault(Row{Number: 1}, "", "there are no columns month (mois) and received (reçus) or sent (émis); want them")
		t.Rows = nil
	}
	for _, row := range t.Rows {
		d.row(row)
	}
	d.volumes = slices.DeleteFunc(d.volumes, func(v ledger.Volume) bool { return v.Sent == nil && v.Received == nil })
	d.compareWholes()
	after := ledger.Correspondence{Places: d.volumes, Mailboxes: d.settlePost()}
	plan, err := d.planOf("month", d.sights(before), d.sights(after))
	return VolumePlan{plan, after}, err
}

type volumeDraft struct {
	*draft
	rows    map[ledger.Volume]Row // by month and place
	volumes []ledger.Volume
	in      map[ledger.Volume]string // where services were in a month, see ofService
	post    post
}

// ofService is what a volume is of, wherever its service was.
func ofService(v ledger.Volume) ledger.Volume {
	return ledger.Volume{Month: v.Month, Service: v.Service}
}

const firstVolume = 200001 // earlier ones are slips of the pen

func (d *volumeDraft) row(row Row) {
	v := ledger.Volume{Month: d.month(row)}
	if address, _ := d.get(row, "address"); address != "" {
		d.mailbox(row, v.Month, address)
		return
	}
	v.Establishment, v.Service = d.whose(row)
	was := d.settle(row, &v)
	if before, twice := d.rows[v]; twice {
		d.fault(row, "month", "the same month and service are in row %d too; want them once", before.Number)
	}
	d.rows[v] = row
	i, found := slices.BinarySearchFunc(d.volumes, v, ledger.Volume.Compare)
	if !found {
		d.volumes = slices.Insert(d.volumes, i, ledger.Volume{Month: v.Month, Establishment: v.Establishment, Service: v.Service, Sent: was.Sent, Received: was.Received})
	}
	d.volumes[i].Sent = d.count(row, "sent", d.volumes[i].Sent)
	d.volumes[i].Received = d.count(row, "received", d.volumes[i].Received)
}

// month is that of a row, 0 where it is at fault.
func (d *volumeDraft) month(row Row) ledger.Month {
	text, _ := d.get(row, "month")
	this := ledger.MonthOf(d.now(), d.o.Zone)
	month, err := ReadMonth(text)
	switch {
	case err != nil:
		d.fault(row, "month", "%v", err)
		return 0
	case month < firstVolume:
		d.fault(row, "month", "%q is no month of which there can be messages; %v", text, errNoMonth)
		return 0
	case month > this:
		d.fault(row, "month", "%q is still to come; want a month that has begun", text)
		return 0
	case month == this:
		d.warn(row, "month", "%s isn't over; what is declared of it is taken for all that there is so far", writtenMonth(this))
	}
	return month
}

// settle has a service's messages of a month in one establishment only, or they would count twice once the service
// belongs to another one: there where they were, unless the row names where. Then it gives those it took from there.
func (d *volumeDraft) settle(row Row, v *ledger.Volume) (taken ledger.Volume) {
	was, known := d.in[ofService(*v)]
	if text, _ := d.get(row, "establishment"); v.Service != "" && known && was != v.Establishment {
		if text == "" {
			v.Establishment = was
			return taken
		}
		i, _ := slices.BinarySearchFunc(d.volumes, ledger.Volume{Month: v.Month, Establishment: was, Service: v.Service}, ledger.Volume.Compare)
		taken = d.volumes[i]
		d.volumes = slices.Delete(d.volumes, i, i+1)
	}
	d.in[ofService(*v)] = v.Establishment
	return taken
}

// count is a cell's number, nil where it is empty, and as it was where there is none.
func (d *draft) count(row Row, column string, before *int64) *int64 {
	text, given := d.get(row, column)
	switch {
	case !given:
		return before
	case text == "":
		return nil
	}
	n, err := readCount(text)
	if err != nil {
		d.fault(row, column, "%v, or nothing where it isn't known", err)
	}
	return &n
}

// compareWholes warns where services have more than what is said of all of their establishment.
func (d *volumeDraft) compareWholes() {
	type month struct {
		ledger.Month
		in string
	}
	type sums struct{ sent, received int64 }
	parts := make(map[month]sums)
	orZero := func(n *int64) int64 {
		if n == nil {
			return 0
		}
		return *n
	}
	for _, v := range d.volumes {
		if v.Service != "" {
			of := parts[month{v.Month, v.Establishment}]
			parts[month{v.Month, v.Establishment}] = sums{of.sent + orZero(v.Sent), of.received + orZero(v.Received)}
		}
	}
	for _, v := range d.volumes {
		of := parts[month{v.Month, v.Establishment}]
		row, said := d.rows[ledger.Volume{Month: v.Month, Establishment: v.Establishment}]
		if v.Service == "" && said && (v.Sent != nil && *v.Sent < of.sent || v.Received != nil && *v.Received < of.received) {
			d.warn(row, "month", "the services have more messages in %s than the whole that this row gives; the sum of the services holds", writtenMonth(v.Month))
		}
	}
}

// sights are volumes as people see them.
func (d *volumeDraft) sights(all ledger.Correspondence) map[thingKey]sight {
	sights := make(map[thingKey]sight, len(all.Places)+len(all.Mailboxes))
	for _, v := range all.Places {
		id := writtenMonth(v.Month) + " " + cmp.Or(v.Service, v.Establishment, "(whole)")
		if v.Service == v.Establishment && v.Service != "" { // an only service is often called as its establishment
			id += " (service)"
		}
		sights[thingKey{"month", id}] = plain("received", writtenCount(v.Received), "sent", writtenCount(v.Sent))
	}
	for _, v := range all.Mailboxes {
		sights[thingKey{"month", writtenMonth(v.Month) + " " + v.Address}] = plain("received", writtenCount(v.Received), "sent", writtenCount(v.Sent), "service", v.Service)
	}
	return sights
}

func writtenCount(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// ExportVolumes are the rows of the table of messages.
func ExportVolumes(r ledger.Register, all ledger.Correspondence) [][]string {
	d := newDirectory(&r)
	rows := make([][]string, 0, len(all.Places)+len(all.Mailboxes))
	for _, v := range all.Places {
		p := d.words(ledger.Place{Establishment: v.Establishment, Service: v.Service})
		rows = append(rows, []string{writtenMonth(v.Month), p.Establishment, p.Service, "", writtenCount(v.Received), writtenCount(v.Sent)})
	}
	for _, v := range all.Mailboxes {
		p := d.words(ledger.Place{Establishment: v.Establishment, Service: v.Service})
		address := strings.TrimPrefix(v.Address, "@")
		rows = append(rows, []string{writtenMonth(v.Month), p.Establishment, p.Service, address, writtenCount(v.Received), writtenCount(v.Sent)})
	}
	return rows
}

// VolumesTemplate are the rows of a table of messages for people to fill in: the mailboxes there are, for a month.
func VolumesTemplate(r ledger.Register, mailboxes []ledger.Mailbox, month ledger.Month) [][]string {
	d := newDirectory(&r)
	var rows [][]string
	for i, x := range mailboxes {
		if x.State == ledger.NoMailbox || i+1 < len(mailboxes) && mailboxes[i+1].Address == x.Address {
			continue
		}
		p := d.words(ledger.Place{Establishment: x.Establishment, Service: x.Service})
		rows = append(rows, []string{writtenMonth(month), p.Establishment, p.Service, x.Address, "", ""})
	}
	return rows
}
