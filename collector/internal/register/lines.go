package register

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// PlanLines says what a table of lines changes. An absent column leaves things as they are, an
// empty cell clears them, an absent row leaves its line. The error is Faults.
func PlanLines(r ledger.Register, t *Table, o Options) (Plan, error) {
	d := newLineDraft(r, t, o)
	if !t.has("number") && !t.has("extension") {
		d.fault(Row{Number: 1}, "", "there is neither a column number (numéro) nor extension (poste): nothing says which lines these are")
		return d.plan()
	}
	for _, row := range t.Rows {
		d.row(row)
	}
	return d.finish()
}

// newLineDraft is a plan of lines by a table.
func newLineDraft(r ledger.Register, t *Table, o Options) *lineDraft {
	d := &lineDraft{draft: newDraft(r, t, o), rows: make(map[string]Row), extensions: make(map[string][]string)}
	for id, versions := range d.Lines {
		if now, ok := ledger.Present(versions); ok && !now.Removed && now.Extension != "" {
			key := now.Site + ":" + now.Extension
			d.extensions[key] = append(d.extensions[key], id)
		}
	}
	return d
}

// finish declares what all rows said.
func (d *lineDraft) finish() (Plan, error) {
	d.settle(false)
	for _, x := range d.drafted {
		d.declare(x)
	}
	if d.o.Replace {
		d.removeOthers()
	}
	d.shared()
	d.renumbered()
	return d.plan()
}

// ReviseLines is PlanLines for lines that are declared: the column number holds their ids, which stay as they are
// whatever site a row names. The error is Faults.
func ReviseLines(r ledger.Register, t *Table, o Options) (Plan, error) {
	d := newLineDraft(r, t, o)
	for _, row := range t.Rows {
		id, _ := d.get(row, "number")
		old := d.present(id)
		if old.Line == "" || len(d.Lines[id]) == 0 {
			d.fault(row, "", "there is no line %q", id)
			continue
		}
		values := make(map[string]string)
		d.rows[id] = row
		if extension, given := d.extension(row); given {
			values["extension"] = extension
		}
		d.rest(row, old, values)
		d.drafted = append(d.drafted, drafted{id, row, values})
	}
	return d.finish()
}

// RemoveLines says what it changes to remove lines: what they were stays in the books. The error is Faults.
func RemoveLines(r ledger.Register, ids []string, o Options) (Plan, error) {
	d := newLineDraft(r, &Table{}, o)
	for _, id := range ids {
		d.remove(id)
	}
	return d.plan()
}

// lineDraft is a plan of lines.
type lineDraft struct {
	*draft
	ends       map[string][]string // lines that ever ended at a machine, as it was before
	drafted    []drafted
	rows       map[string]Row      // by line
	extensions map[string][]string // lines by site:extension, as they were
}

// drafted is what a row says of a line.
type drafted struct {
	id     string
	row    Row
	values map[string]string
}

// row reads a row. What it says is declared when all rows are read.
func (d *lineDraft) row(row Row) {
	numbers, ok := d.numbers(row)
	if !ok { // look for its other faults all the same
		d.rest(row, ledger.Declaration{}, make(map[string]string))
		return
	}
	var fresh map[string]string
	for _, n := range numbers {
		values := make(map[string]string)
		id := n.Key
		if id == "" {
			if id = d.byExtension(row, n.Extension); id == "" {
				d.rest(row, ledger.Declaration{}, values)
				return
			}
		}
		if before, twice := d.rows[id]; twice {
			d.fault(row, d.keyColumn(), "line %s is in row %d too; want it once", id, before.Number)
			return
		}
		d.rows[id] = row
		old := d.present(id)
		switch {
		case d.Lines[id] != nil:
			d.rest(row, old, values)
		case fresh == nil: // of a block of numbers the first new one
			d.rest(row, old, values)
			fresh = values
		default:
			maps.Copy(values, fresh)
		}
		values["number"], values["extension"] = n.Key, n.Extension
		if n.Key == "" {
			values["number"] = old.Number
		}
		if n.Extension == "" && !d.has("extension") {
			delete(values, "extension")
		}
		d.drafted = append(d.drafted, drafted{id, row, values})
	}
}

// rest reads all cells but number and extension.
func (d *lineDraft) rest(row Row, old ledger.Declaration, values map[string]string) {
	d.place(row, old.Place, values)
	d.technology(row, old, values)
	d.dates(row, values)
}

// keyColumn is the column that says which line a row is about.
func (d *lineDraft) keyColumn() string {
	if d.has("number") {
		return "number"
	}
	return "extension"
}

// numbers are the numbers of a row: one, or a block of them.
func (d *lineDraft) numbers(row Row) ([]Number, bool) {
	text, _ := d.get(row, "number")
	faults := len(d.faults)
	extension, _ := d.extension(row)
	switch {
	case len(d.faults) > faults:
		return nil, false
	case text == "" && extension == "":
		d.fault(row, d.keyColumn(), "is empty; want a number, or an extension and its site")
		return nil, false
	case text == "":
		return []Number{{Extension: extension}}, true
	}
	numbers, rest, err := d.o.Dialling.Read(text)
	switch {
	case err != nil:
		d.fault(row, "number", "%v", err)
		return nil, false
	case rest != "":
		d.warn(row, "number", "%q is read as %s, without %q; another number wants a row of its own", text, numbers[0].Key, rest)
	case strings.HasPrefix(numbers[0].Key, "+"):
		d.warn(row, "number", "%q is read as the foreign number %s", text, numbers[0].Key)
	}
	switch {
	case extension != "" && len(numbers) > 1:
		d.fault(row, "extension", "%q can't be the extension of %d numbers; want a row for each, or none", extension, len(numbers))
		return nil, false
	case extension != "":
		numbers[0].Extension = extension
	}
	return numbers, true
}

// extension is a row's, its digits alone.
func (d *lineDraft) extension(row Row) (digits string, given bool) {
	text, given := d.get(row, "extension")
	digits = written.Replace(text)
	if digits != "" && (!onlyDigits(digits) || len(digits) > 8) {
		d.fault(row, "extension", "%q is no extension; want its digits", digits)
	}
	return digits, given
}

// byExtension is the id of the line with an extension at a row's site.
func (d *lineDraft) byExtension(row Row, extension string) string {
	text, given := d.get(row, "site")
	if !given || text == "" {
		column := "extension"
		if !d.has(column) {
			column = "number"
		}
		d.fault(row, column, "an extension alone says nothing of where it is; want the column site, or a number")
		return ""
	}
	in := ""
	if name, _ := d.get(row, "establishment"); name != "" {
		in = d.member(row, establishment, "", name)
	}
	at := d.member(row, site, in, text)
	id := at + ":" + extension
	if others := d.extensions[id]; d.Lines[id] == nil && len(others) == 1 {
		return others[0]
	}
	return id
}

// present is a line as it is now; one that was removed begins anew.
func (d *lineDraft) present(id string) ledger.Declaration {
	now, _ := ledger.Present(d.Lines[id])
	if now.Removed {
		return ledger.Declaration{Line: id}
	}
	return now
}

var supports = []string{"analogique", "T0", "T2", "sip", "serveur"}

var supportWords = map[string]string{
	"analogique": "analogique", "analogiquedirecte": "analogique", "ligneanalogique": "analogique", "ligneanalogiquedirecte": "analogique",
	"analogiquedirectertc": "analogique", "ligneanalogiquedirectertc": "analogique", "rtc": "analogique", "analog": "analogique", "analogue": "analogique", "pstn": "analogique", "cuivre": "analogique",
	"t0": "T0", "numeris": "T0", "numerist0": "T0", "bri": "T0", "rnist0": "T0",
	"t2": "T2", "pri": "T2", "numerist2": "T2", "rnist2": "T2",
	"sip": "sip", "trunksip": "sip", "siptrunk": "sip", "trunksipt38": "sip", "t38": "sip", "ip": "sip", "voip": "sip",
	"serveur": "serveur", "serveurdefax": "serveur", "faxserver": "serveur", "server": "serveur",
}

// technology reads what a line hangs on.
func (d *lineDraft) technology(row Row, old ledger.Declaration, values map[string]string) {
	if text, given := d.get(row, "device"); given {
		values["device"] = d.machine(row, "device", text, old.Device)
	}
	if text, given := d.get(row, "gateway"); given {
		values["gateway"] = d.machine(row, "gateway", text, old.Gateway)
	}
	for _, column := range []string{"port", "gateway_port", "contact", "kept_reason"} {
		if text, given := d.get(row, column); given {
			values[column] = text
		}
	}
	if text, given := d.get(row, "support"); given {
		support, ok := supportWords[letters(text)]
		if !ok && text != "" {
			d.fault(row, "support", "%q is no support; want one of %s (of a line behind a PABX: that of the PABX)", text, strings.Join(supports, ", "))
		}
		values["support"] = support
	}
}

// dates reads a row's days.
func (d *lineDraft) dates(row Row, values map[string]string) {
	for _, column := range []string{"cutoff", "cut_on", "kept_until"} {
		if !d.has(column) {
			continue
		}
		day := d.day(row, column)
		if day != "" && (day < "1990" || day > "2100") {
			d.fault(row, column, "%s is in a year far away; want one between 1990 and 2100", day)
		}
		values[column] = string(day)
	}
}

// declare gives a line what its row says.
func (d *lineDraft) declare(x drafted) {
	if id := x.values["service"]; id != "" {
		x.values["pole"] = d.Services[id].Pole
	} else if _, given := x.values["service"]; !given {
		if id := d.present(x.id).Service; id != "" {
			x.values["pole"] = d.Services[id].Pole
		}
	}
	since := d.since(cmp.Or(x.values["site"], d.present(x.id).Site))
	versions, known := d.Lines[x.id]
	if !known {
		versions = []ledger.Declaration{{Line: x.id}}
	} else if last := versions[len(versions)-1]; last.Removed {
		since = max(since, last.From)
		versions = lineFields.put(versions, since, func(v *ledger.Declaration) { *v = ledger.Declaration{Line: v.Line, From: v.From} })
	}
	versions, values := d.leavePast(x, versions, since)
	d.Lines[x.id] = lineFields.revise(versions, since, d.now(), values)
	d.check(x)
}

// end is where a line ends: on a machine or a gateway, at one of its ports if one is named.
type end struct{ device, port string }

func endsOf(v *ledger.Declaration) [2]end {
	return [2]end{{v.Device, v.Port}, {v.Gateway, v.GatewayPort}}
}

// leavePast gives a line its machine and gateway from since on only, where another line had them before: what
// they did until then stays that one's. It returns the values that are left to give.
func (d *lineDraft) leavePast(x drafted, versions []ledger.Declaration, since wire.Time) ([]ledger.Declaration, map[string]string) {
	values := maps.Clone(x.values)
	for i, columns := range [2][2]string{{"device", "port"}, {"gateway", "gateway_port"}} {
		to := end{values[columns[0]], values[columns[1]]}
		had := slices.ContainsFunc(versions, func(v ledger.Declaration) bool { return endsOf(&v)[i].device != "" })
		if to.device == "" || had || len(d.hadBefore(x.id, to)) == 0 {
			continue
		}
		versions = lineFields.put(versions, since, func(v *ledger.Declaration) {
			if i == 0 {
				v.Device, v.Port = to.device, to.port
			} else {
				v.Gateway, v.GatewayPort = to.device, to.port
			}
		})
		delete(values, columns[0])
		delete(values, columns[1])
	}
	return versions, values
}

// hadBefore are the other lines that ever ended there, as it was before.
func (d *lineDraft) hadBefore(id string, at end) (lines []string) {
	if d.ends == nil {
		d.ends = make(map[string][]string)
		for _, line := range slices.Sorted(maps.Keys(d.before.Lines)) {
			for i := range d.before.Lines[line] {
				for _, e := range endsOf(&d.before.Lines[line][i]) {
					if key := d.machines.id(e.device); e.device != "" && !slices.Contains(d.ends[key], line) {
						d.ends[key] = append(d.ends[key], line)
					}
				}
			}
		}
	}
	for _, line := range d.ends[d.machines.id(at.device)] {
		if line != id && slices.ContainsFunc(d.before.Lines[line], func(v ledger.Declaration) bool { return d.meets(endsOf(&v), at) }) {
			lines = append(lines, line)
		}
	}
	return lines
}

// meets tells whether one of a line's ends may be the one given: no port may be any.
func (d *lineDraft) meets(ends [2]end, at end) bool {
	return slices.ContainsFunc(ends[:], func(e end) bool {
		return e.device != "" && d.machines.same(e.device, at.device) && (e.port == at.port || e.port == "" || at.port == "")
	})
}

// check looks at a line as it has become.
func (d *lineDraft) check(x drafted) {
	now := d.present(x.id)
	today := dayOf(d.o.Now, d.zone(now.Site))
	switch {
	case now.KeptUntil != "" && now.KeptReason == "":
		d.fault(x.row, "kept_until", "a day of review without a reason; want kept_reason (motif de maintien) too, or neither")
	case now.KeptReason != "" && now.KeptUntil == "":
		d.warn(x.row, "kept_reason", "line %s is kept for good; want kept_until (à revoir le), so that it is looked at again", x.id)
	}
	if now.CutOn > today && d.has("cut_on") {
		d.fault(x.row, "cut_on", "%s lies in the future; want the day on which the line was really cut, or cutoff (coupure prévue)", now.CutOn)
	}
	if now.Port != "" && now.Device == "" {
		d.fault(x.row, "port", "a port %q of no machine; want device (machine) too", now.Port)
	}
	if now.GatewayPort != "" && now.Gateway == "" {
		d.fault(x.row, "gateway_port", "a port %q of no gateway; want gateway (passerelle) too", now.GatewayPort)
	}
	copper := d.r.Copper[d.Sites[now.Site].Commune]
	onCopper := slices.Contains([]string{"analogique", "T0", "T2"}, now.Support)
	if onCopper && copper.Technical != "" && now.Cutoff >= copper.Technical && now.CutOn == "" {
		d.warn(x.row, "cutoff", "line %s is to be cut on %s, but copper closes in %s on %s already", x.id, now.Cutoff, copper.Name, copper.Technical)
	}
	if others := d.extensions[now.Site+":"+now.Extension]; now.Number != "" && slices.Contains(others, now.Site+":"+now.Extension) && x.id != now.Site+":"+now.Extension {
		d.warn(x.row, "number", "extension %s of %s is a line without a number already; one of them is too many", now.Extension, d.name(site, now.Site))
	}
}

// removeOthers removes the lines that the table doesn't name.
func (d *lineDraft) removeOthers() {
	if len(d.Rows) == 0 {
		d.fault(Row{}, "", "has no lines, and all others would be removed; want at least one")
	}
	for _, id := range slices.Sorted(maps.Keys(d.Lines)) {
		if _, named := d.rows[id]; !named {
			d.remove(id)
		}
	}
}

// remove removes a line, if it is there.
func (d *lineDraft) remove(id string) {
	now, ok := ledger.Present(d.Lines[id])
	if !ok || now.Removed {
		return
	}
	since := d.since(now.Site)
	if since == 0 {
		delete(d.Lines, id)
		return
	}
	d.Lines[id] = lineFields.put(d.Lines[id], since, func(v *ledger.Declaration) { v.Removed = true })
}

// shared warns of lines on one and the same port.
func (d *lineDraft) shared() {
	ports := make(map[string]string)
	for _, id := range slices.Sorted(maps.Keys(d.Lines)) {
		now, _ := ledger.Present(d.Lines[id])
		for _, at := range [][2]string{{now.Device, now.Port}, {now.Gateway, now.GatewayPort}} {
			if at[1] == "" || now.Removed {
				continue
			}
			key := strings.ToLower(at[0]) + " port " + at[1]
			if found := d.machines[strings.ToLower(at[0])]; len(found) == 1 {
				key = found[0] + " port " + at[1]
			}
			other, taken := ports[key]
			ports[key] = id
			row, here := d.rows[id]
			if !here {
				row, here = d.rows[other]
			}
			if taken && here {
				d.warn(row, "", "lines %s and %s are both on %s", other, id, key)
			}
		}
	}
}

// renumbered warns of new lines where another line still is: its number may have changed, but a new
// number is a new line.
func (d *lineDraft) renumbered() {
	for _, x := range d.drafted {
		if old, known := ledger.Present(d.before.Lines[x.id]); known && !old.Removed {
			continue
		}
		now := d.present(x.id)
		for _, at := range endsOf(&now) {
			for _, other := range d.hadBefore(x.id, at) {
				if there := d.present(other); there.CutOn == "" && d.meets(endsOf(&there), at) {
					d.warn(x.row, "", "line %s is new on %s, which is line %[3]s's; if only its number has changed, %[3]s wants a cut_on (coupure réelle) or to be removed",
						x.id, at.device, other)
				}
			}
		}
	}
}
