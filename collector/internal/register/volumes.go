package register

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// VolumePlan is what a table of messages of MSSanté changes.
type VolumePlan struct {
	Plan
	Volumes []ledger.Volume // afterwards
}

// PlanVolumes says what a table of messages of MSSanté by month changes. A row without a service is of all of its
// establishment, or of the structure as a whole. A column that isn't there leaves things as they are; an empty cell
// makes them unknown, which is not 0. The error is Faults.
func PlanVolumes(r ledger.Register, before []ledger.Volume, t *Table, o Options) (VolumePlan, error) {
	d := &volumeDraft{draft: newDraft(r, t, o), rows: make(map[ledger.Volume]Row), volumes: slices.Clone(before), in: make(map[ledger.Volume]string)}
	for _, v := range before {
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
	plan, err := d.planOf("month", d.sights(before), d.sights(d.volumes))
	return VolumePlan{plan, d.volumes}, err
}

type volumeDraft struct {
	*draft
	rows    map[ledger.Volume]Row // by month and place
	volumes []ledger.Volume
	in      map[ledger.Volume]string // where services were in a month, see ofService
}

// ofService is what a volume is of, wherever its service was.
func ofService(v ledger.Volume) ledger.Volume {
	return ledger.Volume{Month: v.Month, Service: v.Service}
}

const firstVolume = 200001 // earlier ones are slips of the pen

func (d *volumeDraft) row(row Row) {
	var v ledger.Volume
	var err error
	text, _ := d.get(row, "month")
	this := ledger.MonthOf(d.now(), d.o.Zone)
	switch v.Month, err = ReadMonth(text); {
	case err != nil:
		d.fault(row, "month", "%v", err)
	case v.Month < firstVolume:
		d.fault(row, "month", "%q is no month of which there can be messages; %v", text, errNoMonth)
	case v.Month > this:
		d.fault(row, "month", "%q is still to come; want a month that has begun", text)
	case v.Month == this:
		d.warn(row, "month", "%s isn't over; what is declared of it is taken for all that there is so far", writtenMonth(this))
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
func (d *volumeDraft) sights(all []ledger.Volume) map[thingKey]sight {
	sights := make(map[thingKey]sight, len(all))
	for _, v := range all {
		id := writtenMonth(v.Month) + " " + cmp.Or(v.Service, v.Establishment, "(whole)")
		if v.Service == v.Establishment && v.Service != "" { // an only service is often called as its establishment
			id += " (service)"
		}
		sights[thingKey{"month", id}] = plain("received", writtenCount(v.Received), "sent", writtenCount(v.Sent))
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
func ExportVolumes(r ledger.Register, all []ledger.Volume) [][]string {
	d := newDirectory(&r)
	rows := make([][]string, 0, len(all))
	for _, v := range all {
		p := d.words(ledger.Place{Establishment: v.Establishment, Service: v.Service})
		rows = append(rows, []string{writtenMonth(v.Month), p.Establishment, p.Service, writtenCount(v.Received), writtenCount(v.Sent)})
	}
	return rows
}
