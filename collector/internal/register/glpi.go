package register

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Inventory is what comparing GLPI's printers with the machines that were seen brings to light.
type Inventory struct {
	Matched int
	Unknown []Printer       // in GLPI, never seen
	Missing []ledger.Device // can fax, not in GLPI
}

// Printer is a printer of GLPI's list.
type Printer struct {
	Row                               int
	Name, Serial, Inventory, Location string
}

// PlanGLPI takes name, inventory number and location of the machines that were seen from GLPI's
// list of printers. They are matched by serial number; where a printer has none that is known, by
// name, then by address, with a warning. The error is Faults.
func PlanGLPI(r ledger.Register, t *Table, o Options) (Plan, Inventory, error) {
	d := &glpiDraft{draft: newDraft(r, t, o), taken: make(map[string]Row)}
	if !t.has("serial") && !t.has("name") {
		d.fault(Row{Number: 1}, "", "there is neither serial number (numéro de série) nor name (nom): nothing says which machines these are")
		plan, err := d.plan()
		return plan, Inventory{}, err
	}
	var found Inventory
	for _, row := range t.Rows {
		p := d.printer(row)
		device := d.match(row, p)
		if device == nil {
			found.Unknown = append(found.Unknown, p)
			continue
		}
		if before, twice := d.taken[device.ID]; twice {
			d.warn(row, "serial", "machine %s is in row %d too; that one is taken", device.ID, before.Number)
			continue
		}
		d.taken[device.ID] = row
		found.Matched++
		d.describeMachine(device, p)
	}
	for _, device := range o.Devices {
		if _, listed := d.taken[device.ID]; !listed && device.FaxCapable {
			found.Missing = append(found.Missing, device)
		}
	}
	plan, err := d.plan()
	return plan, found, err
}

type glpiDraft struct {
	*draft
	taken map[string]Row // by device
}

func (d *glpiDraft) printer(row Row) Printer {
	p := Printer{Row: row.Number}
	for column, to := range map[string]*string{"name": &p.Name, "serial": &p.Serial, "inventory": &p.Inventory, "location": &p.Location} {
		*to, _ = d.get(row, column)
	}
	return p
}

// match is the machine that a printer is.
func (d *glpiDraft) match(row Row, p Printer) *ledger.Device {
	if found := d.only(func(x *ledger.Device) bool { return p.Serial != "" && strings.EqualFold(x.Serial, p.Serial) }); found != nil {
		return found
	}
	if found := d.only(func(x *ledger.Device) bool { return p.Name != "" && strings.EqualFold(x.Name, p.Name) }); found != nil {
		d.warn(row, "name", "%s was found by its name: its serial number is %s, not %q", found.ID, cmp.Or(found.Serial, "unknown"), p.Serial)
		return found
	}
	text, _ := d.get(row, "address")
	found := d.only(func(x *ledger.Device) bool {
		return slices.ContainsFunc(addresses(x.Address), func(a string) bool { return slices.Contains(addresses(text), a) })
	})
	if found != nil {
		d.warn(row, "address", "%s was found by its address: its serial number is %s, not %q", found.ID, cmp.Or(found.Serial, "unknown"), p.Serial)
	}
	return found
}

// addresses are those in a text, without ports.
func addresses(text string) (all []string) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;<>", r) }) {
		if a, err := netip.ParseAddrPort(word); err == nil {
			all = append(all, a.Addr().String())
		} else if a, err := netip.ParseAddr(word); err == nil {
			all = append(all, a.String())
		}
	}
	return all
}

// only is the one machine that fits, nil if there are none or several.
func (d *glpiDraft) only(fits func(*ledger.Device) bool) (found *ledger.Device) {
	for i := range d.o.Devices {
		if x := &d.o.Devices[i]; fits(x) {
			if found != nil {
				return nil
			}
			found = x
		}
	}
	return found
}

// describeMachine takes over what GLPI says of a machine; of what it doesn't know, what was known stays.
func (d *glpiDraft) describeMachine(device *ledger.Device, p Printer) {
	values := make(map[string]string)
	for field, value := range map[string]string{"name": p.Name, "inventory": p.Inventory, "location": p.Location} {
		if value != "" {
			values[field] = value
		}
	}
	key := strings.ToLower(device.ID)
	for _, other := range []string{device.ID, device.Serial} { // as it is declared already
		if _, declared := d.r.Devices[strings.ToLower(other)]; declared {
			key = strings.ToLower(other)
		}
	}
	if d.r.Devices[key] == nil {
		if len(values) == 0 {
			return
		}
		d.r.Devices[key] = []ledger.DeclaredDevice{{Device: device.ID}}
	}
	d.stands(key, values)
}
