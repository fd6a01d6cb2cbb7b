package register

import (
	"strings"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// place puts what a row is about where the row says, and takes in what is new. values gets the
// fields of the place that the row gives, or that follow from it. The pole of a service that moves
// to another one is known after all rows: see settle.
func (d *draft) place(row Row, old ledger.Place, values map[string]string) {
	p := old
	if text, given := d.get(row, "establishment"); given {
		p.Establishment = d.member(row, establishment, "", text)
	}
	d.site(row, &p)
	d.service(row, &p)
	d.pole(row, &p)
	for _, k := range []kind{site, service, pole} {
		d.within(row, k, &p)
	}
	for _, f := range []struct {
		field, was, is string
		given          bool
	}{
		{"establishment", old.Establishment, p.Establishment, d.has("establishment")},
		{"site", old.Site, p.Site, d.has("site")},
		{"pole", old.Pole, p.Pole, d.has("pole") || d.has("service")},
		{"service", old.Service, p.Service, d.has("service")},
		{"uf", old.UF, p.UF, d.has("uf")},
	} {
		if f.given || f.was != f.is {
			values[f.field] = f.is
		}
	}
}

// of is the id of what a place says of a kind.
func (k kind) of(p *ledger.Place) string {
	switch k {
	case establishment:
		return p.Establishment
	case site:
		return p.Site
	case pole:
		return p.Pole
	}
	return p.Service
}

// within sees to it that a place is in one establishment.
func (d *draft) within(row Row, k kind, p *ledger.Place) {
	_, in, ok := d.thing(k, k.of(p))
	switch {
	case !ok || in == p.Establishment:
	case p.Establishment == "":
		p.Establishment = in
	default:
		d.fault(row, string(k), "%s %q belongs to %q, not to %q; want the columns establishment and %[1]s to agree",
			k, d.name(k, k.of(p)), d.name(establishment, in), d.name(establishment, p.Establishment))
	}
}

func (d *draft) site(row Row, p *ledger.Place) {
	if text, given := d.get(row, "site"); given {
		p.Site = d.member(row, site, p.Establishment, text)
		d.adopt(site, p.Site, p)
	}
	d.describe(row, p)
}

// describe reads what a row says of its site.
func (d *draft) describe(row Row, p *ledger.Place) {
	for _, column := range []string{"commune", "time_zone"} {
		text, given := d.get(row, column)
		switch {
		case given && p.Site != "":
			d.tell(row, column, site, p.Site, d.checked(row, column, text))
		case text != "":
			d.fault(row, column, "%q belongs to a site; want the column site", text)
		}
	}
}

// checked is what a cell says of a site, as it is kept.
func (d *draft) checked(row Row, column, text string) string {
	if column == "commune" {
		code, doubt := commune(text)
		if doubt != "" {
			d.warn(row, column, "%s", doubt)
		}
		return code
	}
	if _, err := time.LoadLocation(text); text != "" && (err != nil || !strings.Contains(text, "/")) {
		d.fault(row, column, "%q is no time zone; want one such as Europe/Paris, Indian/Reunion or America/Guadeloupe", text)
	}
	return text
}

func (d *draft) service(row Row, p *ledger.Place) {
	text, given := d.get(row, "service")
	if given {
		p.Service = d.member(row, service, p.Establishment, text)
	}
	d.uf(row, p, given, text)
	d.adopt(service, p.Service, p)
}

// uf reads a row's functional unit. A row that gives no service has its unit's at that time.
func (d *draft) uf(row Row, p *ledger.Place, serviceGiven bool, serviceText string) {
	text, given := d.get(row, "uf")
	if !given {
		return
	}
	was := p.UF
	versions := d.unit(row, p.Establishment, text)
	p.UF = text
	if len(versions) == 0 {
		if text != "" && len(d.UFs) > 0 {
			d.warn(row, "uf", "no functional unit %q is known", text)
		}
		return
	}
	p.UF = versions[0].Code
	valid, ok := ledger.ValidAt(versions, d.since(p.Site))
	if !ok {
		valid = versions[0]
	}
	switch {
	case valid.Service == "":
	case serviceText != "" && p.Service != valid.Service:
		d.warn(row, "uf", "functional unit %s belongs to %s, not to %s; the service that the row gives is taken", p.UF, d.shown("service", valid.Service), d.shown("service", p.Service))
	case serviceText == "" && (serviceGiven || p.UF != was):
		p.Service = valid.Service
	}
	if valid.To != 0 && valid.To <= d.now() {
		d.warn(row, "uf", "functional unit %s is closed since %s", p.UF, dayOf(valid.To.Std(), d.o.Zone))
	}
}

// unit are the versions of a functional unit of an establishment, of any if that is "". Excel may
// have eaten the zeros with which its code begins.
func (d *draft) unit(row Row, in, code string) []ledger.UF {
	var found, padded [][]ledger.UF
	for _, key := range d.units[strings.TrimLeft(code, "0")] {
		versions := d.UFs[key]
		switch uf := versions[0]; {
		case in != "" && uf.Establishment != in:
		case uf.Code == code:
			found = append(found, versions)
		default:
			padded = append(padded, versions)
		}
	}
	if len(found) == 0 && len(padded) == 1 {
		d.warn(row, "uf", "%q is read as %q", code, padded[0][0].Code)
		found = padded
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0]
	}
	d.fault(row, "uf", "functional unit %q is in %q and in %q; want the column establishment", code,
		d.name(establishment, found[0][0].Establishment), d.name(establishment, found[1][0].Establishment))
	return nil
}

// pole reads a row's pole. What has a service is in the service's pole, which moves there with all
// that is its.
func (d *draft) pole(row Row, p *ledger.Place) {
	text, given := d.get(row, "pole")
	if given {
		p.Pole = d.member(row, pole, p.Establishment, text)
		d.adopt(pole, p.Pole, p)
	}
	if p.Service == "" {
		return
	}
	present := d.Services[p.Service].Pole
	switch {
	case !given:
	case !d.has("service") && p.Pole != "" && p.Pole != present:
		d.fault(row, "pole", "its service %s is in pole %s; want the column service too", d.shown("service", p.Service), d.shown("pole", present))
	default:
		d.tell(row, "pole", service, p.Service, p.Pole)
	}
	p.Pole = present
}

// adopt gives a thing of no establishment that of the row which names it, and the other way round.
func (d *draft) adopt(k kind, id string, p *ledger.Place) {
	_, in, ok := d.thing(k, id)
	switch {
	case !ok:
	case p.Establishment == "":
		p.Establishment = in
	case in == "":
		d.belong(k, id, p.Establishment)
	}
}

func (d *draft) belong(k kind, id, in string) {
	switch k {
	case site:
		x := d.Sites[id]
		x.Establishment = in
		d.Sites[id] = x
	case pole:
		x := d.Poles[id]
		x.Establishment = in
		d.Poles[id] = x
	case service:
		x := d.Services[id]
		x.Establishment = in
		d.Services[id] = x
		if of, ok := d.Poles[x.Pole]; ok && of.Establishment == "" {
			d.belong(pole, x.Pole, in)
		}
	}
}

// settle does what rows said of sites and services together. Where all rows of a service leave its
// pole empty, clear takes it out of its pole.
func (d *draft) settle(clear bool) {
	for key, said := range d.told {
		switch key.field {
		case "commune", "time_zone":
			x := d.Sites[key.id]
			if key.field == "commune" {
				x.Commune = said.value
			} else {
				x.TimeZone = said.value
			}
			d.Sites[key.id] = x
		case "finess":
			x := d.Establishments[key.id]
			x.FINESS = said.value
			d.Establishments[key.id] = x
		}
	}
	for key, said := range d.told {
		if key.field == "pole" && (said.value != "" || clear) {
			d.move(key.id, said.value)
		}
	}
	d.settleAdopted()
	d.checkZones()
}

// move puts a service into a pole, with all its lines and machines.
func (d *draft) move(id, to string) {
	x := d.Services[id]
	if x.Pole == to {
		return
	}
	x.Pole = to
	d.Services[id] = x
	d.follow(func(p ledger.Place) bool { return p.Service == id }, map[string]string{"pole": to})
}

// follow gives values to the lines and machines whose present place fits.
func (d *draft) follow(fits func(ledger.Place) bool, values map[string]string) {
	for id, versions := range d.Lines {
		if present, ok := ledger.Present(versions); ok && fits(present.Place) {
			d.Lines[id] = lineFields.revise(versions, d.since(present.Site), d.now(), values)
		}
	}
	for id, versions := range d.r.Devices {
		if present, ok := ledger.Present(versions); ok && fits(present.Place) {
			d.r.Devices[id] = deviceFields.revise(versions, d.since(present.Site), d.now(), values)
		}
	}
}

// settleAdopted gives what stands in a site, pole or service the establishment that it has got.
func (d *draft) settleAdopted() {
	mend := func(p *ledger.Place) {
		for _, k := range []kind{site, service, pole} {
			if _, in, ok := d.thing(k, k.of(p)); ok && p.Establishment == "" {
				p.Establishment = in
			}
		}
	}
	for _, versions := range d.Lines {
		for i := range versions {
			mend(&versions[i].Place)
		}
	}
	for _, versions := range d.r.Devices {
		for i := range versions {
			mend(&versions[i].Place)
		}
	}
}

// overseas are the time zones of departments by the beginning of their communes' codes.
var overseas = map[string]string{
	"971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne",
	"974": "Indian/Reunion", "975": "America/Miquelon", "976": "Indian/Mayotte",
}

// checkZones warns of sites overseas for which no time zone is given: their days begin at another hour.
func (d *draft) checkZones() {
	for key, said := range d.told {
		x := d.Sites[key.id]
		if want := overseas[x.Commune[:min(3, len(x.Commune))]]; key.field == "commune" && want != "" && x.TimeZone == "" && d.o.Zone.String() != want {
			d.warn(said.row, "commune", "site %q lies overseas, but its days are those of %s; want %s in the column time_zone", x.Name, d.o.Zone, want)
		}
	}
}
