package register

import (
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// field is a field of something that has versions. It is called as its column is.
type field[T any] struct {
	name string
	at   func(*T) *string
	// of is the field to which this one belongs, as a port belongs to its device: a value holds
	// only where that one is the same
	of string
	// timeless: the newest value holds for all times, the versions only keep what it was before
	timeless bool
}

// fields are those of a kind of thing, each after the one to which it belongs.
type fields[T comparable] struct {
	all  []field[T]
	from func(*T) *wire.Time
}

// lineFields are the fields of a line that change with time. What its id is made of doesn't.
var lineFields = fields[ledger.Declaration]{
	from: func(x *ledger.Declaration) *wire.Time { return &x.From },
	all: []field[ledger.Declaration]{
		{name: "number", at: func(x *ledger.Declaration) *string { return &x.Number }},
		{name: "extension", at: func(x *ledger.Declaration) *string { return &x.Extension }},
		{name: "device", at: func(x *ledger.Declaration) *string { return &x.Device }},
		{name: "port", of: "device", at: func(x *ledger.Declaration) *string { return &x.Port }},
		{name: "gateway", at: func(x *ledger.Declaration) *string { return &x.Gateway }},
		{name: "gateway_port", of: "gateway", at: func(x *ledger.Declaration) *string { return &x.GatewayPort }},
		{name: "service", at: func(x *ledger.Declaration) *string { return &x.Service }},
		{name: "establishment", of: "service", at: func(x *ledger.Declaration) *string { return &x.Establishment }},
		{name: "site", of: "establishment", at: func(x *ledger.Declaration) *string { return &x.Site }},
		{name: "pole", of: "service", at: func(x *ledger.Declaration) *string { return &x.Pole }},
		{name: "uf", of: "service", at: func(x *ledger.Declaration) *string { return &x.UF }},
		{name: "support", at: func(x *ledger.Declaration) *string { return &x.Support }},
		{name: "cutoff", timeless: true, at: func(x *ledger.Declaration) *string { return (*string)(&x.Cutoff) }},
		{name: "cut_on", timeless: true, at: func(x *ledger.Declaration) *string { return (*string)(&x.CutOn) }},
		{name: "kept_reason", timeless: true, at: func(x *ledger.Declaration) *string { return &x.KeptReason }},
		{name: "kept_until", timeless: true, at: func(x *ledger.Declaration) *string { return (*string)(&x.KeptUntil) }},
		{name: "contact", timeless: true, at: func(x *ledger.Declaration) *string { return &x.Contact }},
	},
}

// deviceFields are the fields of a machine's place.
var deviceFields = fields[ledger.DeclaredDevice]{
	from: func(x *ledger.DeclaredDevice) *wire.Time { return &x.From },
	all: []field[ledger.DeclaredDevice]{
		{name: "service", at: func(x *ledger.DeclaredDevice) *string { return &x.Service }},
		{name: "establishment", of: "service", at: func(x *ledger.DeclaredDevice) *string { return &x.Establishment }},
		{name: "site", of: "establishment", at: func(x *ledger.DeclaredDevice) *string { return &x.Site }},
		{name: "pole", of: "service", at: func(x *ledger.DeclaredDevice) *string { return &x.Pole }},
		{name: "uf", of: "service", at: func(x *ledger.DeclaredDevice) *string { return &x.UF }},
		{name: "name", timeless: true, at: func(x *ledger.DeclaredDevice) *string { return &x.Name }},
		{name: "location", at: func(x *ledger.DeclaredDevice) *string { return &x.Location }},
		{name: "inventory", timeless: true, at: func(x *ledger.DeclaredDevice) *string { return &x.Inventory }},
	},
}

// revise gives a thing values: dated ones from since on, in all versions that are valid then or
// later; timeless ones from now on. The first value of what was always empty reaches back to the
// beginning. There is at least one version; versions itself stays as it is.
func (f fields[T]) revise(versions []T, since, now wire.Time, values map[string]string) []T {
	revised := f.split(f.split(versions, since), now)
	for _, field := range f.all {
		value, given := values[field.name]
		if !given {
			continue
		}
		from := since
		if field.timeless {
			from = now
		}
		first := value != "" && !slices.ContainsFunc(versions, func(v T) bool { return *field.at(&v) != "" })
		newest := revised[len(revised)-1]
		for i := range revised {
			v := &revised[i]
			if (first || *f.from(v) >= from) && f.together(field, v, &newest) {
				*field.at(v) = value
			}
		}
	}
	return f.merged(revised)
}

// put changes all versions from since on.
func (f fields[T]) put(versions []T, since wire.Time, change func(*T)) []T {
	changed := f.split(versions, since)
	for i := range changed {
		if *f.from(&changed[i]) >= since {
			change(&changed[i])
		}
	}
	return f.merged(changed)
}

// together tells whether what a field belongs to is the same in two versions.
func (f fields[T]) together(field field[T], a, b *T) bool {
	for _, owner := range f.all {
		if owner.name == field.of {
			return *owner.at(a) == *owner.at(b)
		}
	}
	return true
}

// split begins a version at a time, if none does.
func (f fields[T]) split(versions []T, since wire.Time) []T {
	i, found := slices.BinarySearchFunc(versions, since, func(v T, t wire.Time) int { return int(min(1, max(-1, *f.from(&v)-t))) })
	if found || i == 0 {
		return slices.Clone(versions)
	}
	begins := versions[i-1]
	*f.from(&begins) = since
	return slices.Insert(slices.Clone(versions), i, begins)
}

// merged leaves out versions that say the same as the one before.
func (f fields[T]) merged(versions []T) []T {
	return slices.CompactFunc(versions, func(a, b T) bool {
		*f.from(&b) = *f.from(&a)
		return a == b
	})
}

// unitFields are the fields of a functional unit.
var unitFields = fields[ledger.UF]{
	from: func(x *ledger.UF) *wire.Time { return &x.From },
	all: []field[ledger.UF]{
		{name: "service", at: func(x *ledger.UF) *string { return &x.Service }},
		{name: "name", at: func(x *ledger.UF) *string { return &x.Name }},
	},
}
