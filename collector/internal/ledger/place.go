package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Where activity belongs follows from what people declared and what is known of the devices, and
// not from when either was found out: declared today or last year, with the same validity, it is
// the same. Nothing here reads a clock or a disk.

// whereabouts are all that decides on it. A device's names are its id and its serial, in lower case.
type whereabouts struct {
	register Register
	lines    map[string][]string  // by name: ids of the lines that ever hang on what is called so
	devices  map[string][]*device // by name
}

// stay is where a device's activity belongs from an instant on, until its next stay.
type stay struct {
	from    wire.Time
	account Account
	booked  [2]*account // the same in the books: as it is, and as evidence; nil = not looked up yet
}

// wired is a line that hangs on a device.
type wired struct {
	line, port string
	declared   *Declaration // nil: nobody did
}

func newWhereabouts(r Register, devices map[string]*device) *whereabouts {
	w := &whereabouts{register: r, lines: make(map[string][]string), devices: make(map[string][]*device)}
	for _, d := range devices {
		w.name(d)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Lines)) {
		refs := make(map[string]bool)
		for i := range r.Lines[id] {
			refs[strings.ToLower(r.Lines[id][i].Device)] = true
			refs[strings.ToLower(r.Lines[id][i].Gateway)] = true
		}
		delete(refs, "")
		for ref := range refs {
			w.lines[ref] = append(w.lines[ref], id)
		}
	}
	return w
}

// name makes a device known by its names.
func (w *whereabouts) name(d *device) {
	for _, name := range d.names() {
		w.devices[name] = append(w.devices[name], d)
	}
}

// unname forgets a device's names.
func (w *whereabouts) unname(d *device) {
	for _, name := range d.names() {
		w.devices[name] = slices.DeleteFunc(w.devices[name], func(other *device) bool { return other == d })
	}
}

func (d *device) names() []string {
	id, serial := strings.ToLower(d.id), strings.ToLower(d.identity.Serial)
	if serial == "" || serial == id {
		return []string{id}
	}
	return []string{id, serial}
}

// device is the one that is declared by ref; nil if none is called so, or two are.
func (w *whereabouts) device(ref string) *device {
	if called := w.devices[strings.ToLower(ref)]; ref != "" && len(called) == 1 {
		return called[0]
	}
	return nil
}

// affected are the devices whose whereabouts may change with what is known of d: those called like
// it, and those that share a line with it.
func (w *whereabouts) affected(d *device) []*device {
	var all []*device
	for _, name := range d.names() {
		all = append(all, w.devices[name]...)
		for _, line := range w.lines[name] {
			for _, v := range w.register.Lines[line] {
				all = append(all, w.devices[strings.ToLower(v.Device)]...)
				all = append(all, w.devices[strings.ToLower(v.Gateway)]...)
			}
		}
	}
	return all
}

// stays are where a device's activity belongs, by time; the first from always.
func (w *whereabouts) stays(d *device) []stay {
	var stays []stay
	for _, at := range w.instants(d) {
		a := w.account(d, at)
		if n := len(stays); n == 0 || stays[n-1].account != a {
			stays = append(stays, stay{from: at, account: a})
		}
	}
	return stays
}

// movedSince is from when on two lists of stays differ, and whether they do. Before the first there are none.
func movedSince(before, after []stay) (since wire.Time, moved bool) {
	if before == nil {
		return 0, false
	}
	for len(before) > 0 && len(after) > 0 {
		if b, a := before[0], after[0]; b.from != a.from || b.account != a.account {
			return min(b.from, a.from), true
		}
		before, after = before[1:], after[1:]
	}
	for _, rest := range [][]stay{before, after} {
		if len(rest) > 0 {
			return rest[0].from, true
		}
	}
	return 0, false
}

// instants are when it may change, in order; the first is always.
func (w *whereabouts) instants(d *device) []wire.Time {
	instants := []wire.Time{0}
	for _, name := range d.names() {
		for _, line := range w.lines[name] {
			for i := range w.register.Lines[line] {
				v := &w.register.Lines[line][i]
				instants = append(instants, v.From)
				if m := w.device(v.Device); m != nil && m != d {
					instants = append(instants, m.countsFrom)
				}
			}
		}
		for _, v := range w.register.Devices[name] {
			instants = append(instants, v.From)
		}
	}
	slices.Sort(instants)
	return slices.Compact(instants)
}

// account is where activity belongs whose interval ends at an instant.
func (w *whereabouts) account(d *device, at wire.Time) Account {
	lines := w.linesOf(d, at)
	a := Account{Device: d.id, Evidence: w.countedElsewhere(d, lines, at)}
	p := w.placeOf(d, at)
	switch {
	case len(lines) == 1:
		a.Line = lines[0].line
		if lines[0].declared != nil {
			p = w.place(lines[0])
		}
	case len(lines) > 1:
		p = orElse(p, w.common(lines))
	}
	a.Establishment, a.Site, a.Pole, a.Service = p.Establishment, p.Site, p.Pole, p.Service
	return a
}

// linesOf are the lines that hang on a device at a time: those declared, and of its own those that
// no declaration speaks of.
func (w *whereabouts) linesOf(d *device, at wire.Time) []wired {
	var lines []wired
	for _, name := range d.names() {
		for _, id := range w.lines[name] {
			known := slices.ContainsFunc(lines, func(l wired) bool { return l.line == id })
			v, ok := ValidAt(w.register.Lines[id], at)
			if known || !ok || v.Removed {
				continue
			}
			switch d {
			case w.device(v.Device):
				lines = append(lines, wired{id, v.Port, &v})
			case w.device(v.Gateway):
				lines = append(lines, wired{id, v.GatewayPort, &v})
			}
		}
	}
	return append(lines, leftOver(d.ownLines(), lines)...)
}

// ownLines are the lines of a device as long as nobody declares any; see linesOf.
func (d *device) ownLines() []wired {
	var lines []wired
	ports := make([]Port, 0, len(d.ports))
	for _, p := range d.ports {
		ports = append(ports, p.view(d.linesAt))
		if p.Fax == wire.Yes && p.Port != "" {
			lines = append(lines, wired{line: d.id + ":" + p.Port, port: p.Port})
		}
	}
	if len(lines) == 0 && faxCapable(d.fax, d.faxed, ports) {
		lines = append(lines, wired{line: d.id})
	}
	return lines
}

// leftOver are those of a device's own lines that are none of the declared ones. A declaration
// that names no port speaks of the only line that there is.
func leftOver(own, declared []wired) []wired {
	if len(declared) == 0 {
		return own
	}
	return slices.DeleteFunc(own, func(o wired) bool {
		return slices.ContainsFunc(declared, func(l wired) bool {
			return o.port == "" || l.port == o.port || l.port == "" && len(own) == 1
		})
	})
}

// lineAt is the line that a device's port is at a time, "" where it can't be known.
func (w *whereabouts) lineAt(d *device, port string, at wire.Time) string {
	lines := w.linesOf(d, at)
	for _, l := range lines {
		if port != "" && l.port == port {
			return l.line
		}
	}
	if len(lines) == 1 && lines[0].port == "" && (port == "" || len(d.ports) == 1) {
		return lines[0].line
	}
	return ""
}

// countedElsewhere tells whether each of a gateway's lines ends at a machine that counts itself: then
// what the gateway counts are the same faxes.
func (w *whereabouts) countedElsewhere(d *device, lines []wired, at wire.Time) bool {
	for _, l := range lines {
		if l.declared == nil {
			return false
		}
		if m := w.device(l.declared.Device); m == nil || m == d || m.countsFrom == 0 || m.countsFrom > at {
			return false
		}
	}
	return len(lines) > 0
}

// place is where a line is; nothing is known of one that nobody declared.
func (w *whereabouts) place(l wired) Place {
	if l.declared == nil {
		return Place{}
	}
	return w.register.Complete(l.declared.Place)
}

// placeOf is what is declared of a device itself, by its id or its serial.
func (w *whereabouts) placeOf(d *device, at wire.Time) Place {
	for _, name := range d.names() {
		if w.device(name) != d {
			continue
		}
		if v, ok := ValidAt(w.register.Devices[name], at); ok {
			return w.register.Complete(v.Place)
		}
	}
	return Place{}
}

// common is what the places of several lines have in common.
func (w *whereabouts) common(lines []wired) Place {
	p := w.place(lines[0])
	for _, l := range lines[1:] {
		other := w.place(l)
		p.Establishment = same(p.Establishment, other.Establishment)
		p.Site = same(p.Site, other.Site)
		p.Pole = same(p.Pole, other.Pole)
		p.Service = same(p.Service, other.Service)
	}
	return p
}

func same(a, b string) string {
	if a != b {
		return ""
	}
	return a
}

// orElse is p with what it leaves open taken from q.
func orElse(p, q Place) Place {
	return Place{
		Establishment: cmp.Or(p.Establishment, q.Establishment), Site: cmp.Or(p.Site, q.Site),
		Pole: cmp.Or(p.Pole, q.Pole), Service: cmp.Or(p.Service, q.Service),
	}
}
