package mibs

import (
	"context"
	"fmt"
	"slices"
	"sort"
)

// Recording is what a device once answered, sorted by OID. It is an Asker, so that
// everything that reads devices can read recordings. Safe for use by many goroutines at
// once unless one of them calls Put.
type Recording struct {
	varbinds []Varbind
	Warnings []string // lines that could not be read, OIDs that stood there twice
}

// NewRecording makes a recording of varbinds in any order; of an OID given twice the first counts.
func NewRecording(varbinds []Varbind) *Recording {
	r := &Recording{varbinds: slices.Clone(varbinds)}
	slices.SortStableFunc(r.varbinds, func(a, b Varbind) int { return CompareOIDs(a.OID, b.OID) })
	r.varbinds = slices.CompactFunc(r.varbinds, func(a, b Varbind) bool {
		if a.OID != b.OID {
			return false
		}
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s stands there twice; the first value counts", a.OID))
		return true
	})
	return r
}

// Varbinds are all objects in the order of a walk. Not to be changed.
func (r *Recording) Varbinds() []Varbind { return r.varbinds }

// Put adds an object or replaces its value.
func (r *Recording) Put(oid string, value Value) {
	at, found := r.find(oid)
	if found {
		r.varbinds[at].Value = value
		return
	}
	r.varbinds = slices.Insert(r.varbinds, at, Varbind{OID: oid, Value: value})
}

// Get is part of Asker.
func (r *Recording) Get(ctx context.Context, oids []string) (Answers, error) {
	answers := make(Answers, len(oids))
	for _, oid := range oids {
		if at, found := r.find(oid); found {
			answers[oid] = r.varbinds[at].Value
		}
	}
	return answers, ctx.Err()
}

// Column is part of Asker.
func (r *Recording) Column(ctx context.Context, root string, max int) ([]Varbind, error) {
	at, _ := r.find(root)
	var column []Varbind
	for ; at < len(r.varbinds) && len(column) < max; at++ {
		switch {
		case below(root, r.varbinds[at].OID):
			column = append(column, r.varbinds[at])
		case r.varbinds[at].OID != root:
			return column, ctx.Err()
		}
	}
	return column, ctx.Err()
}

// Next is the first object behind oid, as GETNEXT tells it; ok is false at the end.
func (r *Recording) Next(oid string) (next Varbind, ok bool) {
	at, found := r.find(oid)
	if found {
		at++
	}
	if at == len(r.varbinds) {
		return Varbind{}, false
	}
	return r.varbinds[at], true
}

func (r *Recording) find(oid string) (at int, found bool) {
	return sort.Find(len(r.varbinds), func(i int) int { return CompareOIDs(oid, r.varbinds[i].OID) })
}
