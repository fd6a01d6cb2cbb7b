package register

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// kind is a kind of thing of which hospitals are made. It is the name of their columns too.
type kind string

const (
	establishment kind = "establishment"
	site          kind = "site"
	pole          kind = "pole"
	service       kind = "service"
)

// directory finds the things of a register by what people call them, and takes in new ones.
type directory struct {
	*ledger.Register
	byName map[string][]string // ids by kind and folded name
}

func newDirectory(r *ledger.Register) directory {
	d := directory{r, make(map[string][]string)}
	for _, k := range []kind{establishment, site, pole, service} {
		for _, id := range d.ids(k) {
			name, _, _ := d.thing(k, id)
			d.index(k, id, name)
		}
	}
	return d
}

func (d directory) index(k kind, id, name string) {
	key := string(k) + " " + fold(name)
	d.byName[key] = append(d.byName[key], id)
}

// ids are all ids of a kind, in order.
func (d directory) ids(k kind) []string {
	switch k {
	case establishment:
		return slices.Sorted(maps.Keys(d.Establishments))
	case site:
		return slices.Sorted(maps.Keys(d.Sites))
	case pole:
		return slices.Sorted(maps.Keys(d.Poles))
	}
	return slices.Sorted(maps.Keys(d.Services))
}

// thing is what is known by an id; of is its establishment, "" for establishments themselves.
func (d directory) thing(k kind, id string) (name, of string, ok bool) {
	switch k {
	case establishment:
		x, ok := d.Establishments[id]
		return x.Name, "", ok
	case site:
		x, ok := d.Sites[id]
		return x.Name, x.Establishment, ok
	case pole:
		x, ok := d.Poles[id]
		return x.Name, x.Establishment, ok
	}
	x, ok := d.Services[id]
	return x.Name, x.Establishment, ok
}

// name is how people call a thing, its id if it isn't known.
func (d directory) name(k kind, id string) string {
	if name, _, ok := d.thing(k, id); ok && name != "" {
		return name
	}
	return id
}

// find are the ids that a text may mean within an establishment: its id, else its name. Within
// none ("") it may be anywhere, but those of no establishment come first.
func (d directory) find(k kind, in, text string) []string {
	if _, of, ok := d.thing(k, text); ok && (in == "" || of == in) {
		return []string{text}
	}
	all := d.byName[string(k)+" "+fold(text)]
	if k == establishment {
		return append(slices.Clone(all), d.byFINESS(text)...)
	}
	within := func(in string) (ids []string) {
		for _, id := range all {
			if _, of, _ := d.thing(k, id); of == in {
				ids = append(ids, id)
			}
		}
		return ids
	}
	if ids := within(in); in != "" || len(ids) > 0 {
		return ids
	}
	return all
}

func (d directory) byFINESS(text string) (ids []string) {
	for _, id := range d.ids(establishment) {
		if finess := d.Establishments[id].FINESS; finess != "" && finess == text {
			ids = append(ids, id)
		}
	}
	return ids
}

// ref is how a table names a thing within an establishment: its name where that finds it again,
// else its id.
func (d directory) ref(k kind, in, id string) string {
	name, _, ok := d.thing(k, id)
	if found := d.find(k, in, name); ok && name != "" && len(found) == 1 && found[0] == id {
		return name
	}
	return id
}

// add takes in a new thing and returns its id, which is made of its name unless one is given.
func (d directory) add(k kind, in, name, id string) string {
	if id == "" {
		id = d.free(k, in, name)
	}
	switch k {
	case establishment:
		d.Establishments[id] = ledger.Establishment{ID: id, Name: name}
	case site:
		d.Sites[id] = ledger.Site{ID: id, Establishment: in, Name: name}
	case pole:
		d.Poles[id] = ledger.Pole{ID: id, Establishment: in, Name: name}
	case service:
		d.Services[id] = ledger.Service{ID: id, Establishment: in, Name: name}
	}
	d.index(k, id, name)
	return id
}

// free is an id for a name that nothing of its kind has.
func (d directory) free(k kind, in, name string) string {
	id := slug(name)
	if id == "" {
		id = string(k)
	}
	taken := func(id string) bool { _, _, taken := d.thing(k, id); return taken }
	if taken(id) && in != "" {
		id = strings.Trim((id + "-" + in)[:min(maxSlug, len(id)+1+len(in))], "-")
	}
	for n, first := 2, id; taken(id); n++ {
		id = fmt.Sprintf("%s-%d", first, n)
	}
	return id
}

// rename gives a thing another name; its id stays.
func (d directory) rename(k kind, id, name string) {
	switch k {
	case establishment:
		x := d.Establishments[id]
		x.Name = name
		d.Establishments[id] = x
	case site:
		x := d.Sites[id]
		x.Name = name
		d.Sites[id] = x
	case pole:
		x := d.Poles[id]
		x.Name = name
		d.Poles[id] = x
	case service:
		x := d.Services[id]
		x.Name = name
		d.Services[id] = x
	}
	d.index(k, id, name)
}
