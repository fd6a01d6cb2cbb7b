package register

import (
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// PlanDevices says what a table of machines and their places changes. Cells, columns and rows mean
// what they mean in the table of lines. The error is Faults.
func PlanDevices(r ledger.Register, t *Table, o Options) (Plan, error) {
	d := &deviceDraft{draft: newDraft(r, t, o), rows: make(map[string]Row), names: make(map[string]string)}
	if !t.has("device") {
		d.fault(Row{Number: 1}, "", "there is no column device (machine): nothing says which machines these are")
		return d.plan()
	}
	for _, key := range slices.Sorted(maps.Keys(d.r.Devices)) {
		d.names[d.machines.id(key)] = key
	}
	var drafts []drafted
	for _, row := range t.Rows {
		if x, ok := d.row(row); ok {
			drafts = append(drafts, x)
		}
	}
	d.settle(false)
	for _, x := range drafts {
		if id := x.values["service"]; id != "" {
			x.values["pole"] = d.Services[id].Pole
		}
		d.stands(x.id, x.values)
	}
	if o.Replace {
		d.removeOthers()
	}
	return d.plan()
}

type deviceDraft struct {
	*draft
	rows  map[string]Row    // by key in the register
	names map[string]string // keys in the register by the id of the machine that they mean
}

// id is the id of the machine that a name means, the name itself where none is known.
func (m machines) id(name string) string {
	if found := m[strings.ToLower(name)]; len(found) == 1 {
		return found[0]
	}
	return strings.ToLower(name)
}

func (d *deviceDraft) row(row Row) (drafted, bool) {
	text, _ := d.get(row, "device")
	if text == "" {
		d.fault(row, "device", "is empty; want an id or a serial number")
		return drafted{}, false
	}
	name := d.machine(row, "device", text, d.names[d.machines.id(text)])
	key := strings.ToLower(name)
	if before, twice := d.rows[key]; twice {
		d.fault(row, "device", "machine %s is in row %d too; want it once", text, before.Number)
		return drafted{}, false
	}
	d.rows[key] = row
	d.names[d.machines.id(text)] = key
	x := drafted{id: key, row: row, values: make(map[string]string)}
	old, known := ledger.Present(d.r.Devices[key])
	if !known {
		d.r.Devices[key] = []ledger.DeclaredDevice{{Device: name}}
	}
	d.place(row, old.Place, x.values)
	for _, column := range []string{"name", "location", "inventory"} {
		if text, given := d.get(row, column); given {
			x.values[column] = text
		}
	}
	return x, true
}

// stands gives a machine's place values.
func (d *draft) stands(key string, values map[string]string) {
	versions := d.r.Devices[key]
	at, given := values["site"]
	if now, ok := ledger.Present(versions); ok && !given {
		at = now.Site
	}
	d.r.Devices[key] = deviceFields.revise(versions, d.since(at), d.now(), values)
}

// removeOthers removes the machines that the table doesn't name; where they stood is in the audit log.
func (d *deviceDraft) removeOthers() {
	if len(d.Rows) == 0 {
		d.fault(Row{}, "", "has no machines, and all others would be removed; want at least one")
	}
	for key := range d.r.Devices {
		if _, named := d.rows[key]; !named {
			delete(d.r.Devices, key)
		}
	}
}

// ExportDevices are the rows of the table of machines, by name.
func ExportDevices(r ledger.Register) [][]string {
	d := newDirectory(&r)
	var rows [][]string
	for _, key := range slices.Sorted(maps.Keys(r.Devices)) {
		x, ok := ledger.Present(r.Devices[key])
		if !ok {
			continue
		}
		p := d.words(x.Place)
		rows = append(rows, []string{x.Device, p.Establishment, p.Site, p.Pole, p.Service, p.UF, x.Name, x.Location, x.Inventory})
	}
	return rows
}
