// Package capture records what one device answers, for a support case or a new profile. It is
// the only part of zerofax that walks a vendor's own tree, within bounds, and only when a
// person asks for it. What it brings is as the device said it: mask it before it is given away.
package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/mibs"
)

// Options of a capture.
type Options struct {
	Profiles   *mibs.Set
	Roots      []string                       // walk these alone; empty: what the device may have
	MaxObjects int                            // 0 = no limit, as below
	MaxBytes   int                            // of OIDs and values
	Progress   func(root string, objects int) // is told after each subtree, and now and then within
}

// Taken is what a capture brought.
type Taken struct {
	Recording *mibs.Recording
	Notes     []string // what isn't in it, and why
}

// walker is an Asker that can walk a subtree.
type walker interface {
	Walk(ctx context.Context, root string, without []string, max int, each func(mibs.Varbind) error) error
}

// Of records a device: first all that the profiles read of it, so that a recording that was
// cut short reads as the device does, then whole subtrees. When ctx ends it brings what it has
// so far; there is an error only if that is nothing.
func Of(ctx context.Context, asker mibs.Asker, o Options) (Taken, error) {
	walks, ok := asker.(walker)
	if !ok {
		return Taken{}, errors.New("capture: this device can't be walked")
	}
	t := &taking{Options: o, asker: asker, walks: walks, seen: map[string]bool{}}
	vendor, err := t.profiles(ctx)
	if len(t.varbinds) == 0 {
		return Taken{}, cmp.Or(err, errors.New("capture: the device answers nothing that could be recorded"))
	}
	if err != nil {
		t.note("%v", err)
	} else {
		t.subtrees(ctx, vendor)
	}
	return Taken{mibs.NewRecording(t.varbinds), t.notes}, nil
}

// taking is a capture going on.
type taking struct {
	Options
	asker    mibs.Asker
	walks    walker
	varbinds []mibs.Varbind
	seen     map[string]bool
	bytes    int
	uptime   int64
	notes    []string
}

func (t *taking) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

const (
	sysObjectID = "1.3.6.1.2.1.1.2.0"
	sysUpTime   = "1.3.6.1.2.1.1.3.0"
	enterprises = "1.3.6.1.4.1"
)

// profiles asks what poll and probe would ask. It tells the vendor's tree.
func (t *taking) profiles(ctx context.Context) (vendor string, err error) {
	device, err := t.Profiles.Identify(ctx, t)
	if err != nil {
		return "", err
	}
	if _, err := t.Get(ctx, device.OIDs(mibs.Lines|mibs.Counters)); err != nil {
		return "", err
	}
	said, err := t.Get(ctx, []string{sysObjectID})
	return enterprise(said[sysObjectID].OID), err
}

// Get notes what is answered, for Identify.
func (t *taking) Get(ctx context.Context, oids []string) (mibs.Answers, error) {
	answers, err := t.asker.Get(ctx, oids)
	for _, oid := range oids {
		if value, ok := answers[oid]; ok {
			t.add(mibs.Varbind{OID: oid, Value: value})
		}
	}
	return answers, err
}

// Column notes what is answered, for Identify.
func (t *taking) Column(ctx context.Context, root string, max int) ([]mibs.Varbind, error) {
	column, err := t.asker.Column(ctx, root, max)
	for _, vb := range column {
		t.add(vb)
	}
	return column, err
}

func (t *taking) add(vb mibs.Varbind) {
	if t.seen[vb.OID] {
		return
	}
	vb.Value.Bytes = slices.Clone(vb.Value.Bytes)
	t.seen[vb.OID] = true
	t.varbinds = append(t.varbinds, vb)
	t.bytes += len(vb.OID) + len(vb.Value.Bytes) + len(vb.Value.OID)
}

// What every device may have: the system group, interfaces, entities, its devices, the printer, a modem, counters by the PWG.
// Left out: addresses, connections, programs, and whatever else tells more of the network than of the machine.
var standard = []string{
	"1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1", "1.3.6.1.2.1.47.1.1.1", "1.3.6.1.2.1.25.3.2", "1.3.6.1.2.1.25.3.5",
	"1.3.6.1.2.1.43", "1.3.6.1.2.1.38", "1.3.6.1.4.1.2699.1.3",
}

// Trees of programs that run on any computer.
var nobodys = []string{"1.3.6.1.4.1.8072", "1.3.6.1.4.1.2021", "1.3.6.1.4.1.2699"}

var errEnough = errors.New("enough")

func (t *taking) subtrees(ctx context.Context, vendor string) {
	roots := t.Roots
	if len(roots) == 0 {
		roots = append(slices.Clone(standard), t.vendors(ctx, vendor)...)
	}
	silent := 0
	t.restarted(ctx) // from here on
	for _, root := range roots {
		before := len(t.varbinds)
		err := t.walk(ctx, root)
		t.tell(root)
		switch {
		case t.restarted(ctx):
			t.note("stopped: the device restarted in %s, maybe because of what it was asked; leave that out next time, with --roots", root)
			return
		case ctx.Err() != nil:
			t.note("stopped in %s", root)
			return
		case errors.Is(err, errEnough):
			t.note("stopped in %s: %d objects, %d KB are enough; --max and --roots change that", root, len(t.varbinds), t.bytes>>10)
			return
		case err == nil:
			silent = 0
			continue
		}
		t.note("%s: after %d objects: %v", root, len(t.varbinds)-before, err)
		if silent++; silent == 3 {
			t.note("stopped: it failed %d times in a row", silent)
			return
		}
	}
}

func (t *taking) tell(root string) {
	if t.Progress != nil {
		t.Progress(root, len(t.varbinds))
	}
}

// walk records a subtree.
func (t *taking) walk(ctx context.Context, root string) error {
	left := t.MaxObjects - len(t.varbinds)
	if t.MaxObjects == 0 {
		left = 1 << 30
	}
	if left <= 0 {
		return errEnough
	}
	told := 0
	err := t.walks.Walk(ctx, root, leftOut(root), left+1, func(vb mibs.Varbind) error { // known ones count too
		if t.MaxObjects > 0 && len(t.varbinds) >= t.MaxObjects || t.MaxBytes > 0 && t.bytes >= t.MaxBytes {
			return errEnough
		}
		t.add(vb)
		if told++; told%1000 == 0 {
			t.tell(root)
		}
		return ctx.Err()
	})
	if err == nil && told > left {
		return errEnough
	}
	return err
}

// leftOut are the private trees within one that is walked; what a person names is walked all the same.
func leftOut(root string) []string {
	return slices.DeleteFunc(mibs.Private(), func(tree string) bool { return !strings.HasPrefix(tree, root+".") })
}

// restarted tells whether the device's clock has fallen since it was asked last.
func (t *taking) restarted(ctx context.Context) bool {
	answers, err := t.asker.Get(ctx, []string{sysUpTime})
	uptime, told := answers[sysUpTime]
	if err != nil || !told {
		return false
	}
	fell := uptime.Int < t.uptime
	t.uptime = uptime.Int
	return fell
}

// vendors are the vendors' trees that the device has: by its sysObjectID first, then those that profiles know of.
func (t *taking) vendors(ctx context.Context, own string) []string {
	candidates := []string{own}
	for _, p := range t.Profiles.Profiles() {
		for _, oid := range slices.Concat(p.ObjectIDs, p.Proof) {
			candidates = append(candidates, enterprise(oid))
		}
	}
	var has, asked []string
	for _, root := range candidates {
		if root == "" || slices.Contains(nobodys, root) || slices.Contains(asked, root) || ctx.Err() != nil {
			continue
		}
		asked = append(asked, root)
		if t.has(root) {
			has = append(has, root)
			continue
		}
		_ = t.walks.Walk(ctx, root, nil, 1, func(mibs.Varbind) error {
			has = append(has, root)
			return nil
		})
	}
	return has
}

func (t *taking) has(root string) bool {
	return slices.ContainsFunc(t.varbinds, func(vb mibs.Varbind) bool { return strings.HasPrefix(vb.OID, root+".") })
}

// enterprise is the vendor's tree that an OID lies in, empty if it lies in none.
func enterprise(oid string) string {
	rest, ok := strings.CutPrefix(oid, enterprises+".")
	if !ok {
		return ""
	}
	number, _, _ := strings.Cut(rest, ".")
	if _, err := strconv.ParseUint(number, 10, 32); err != nil {
		return ""
	}
	return enterprises + "." + number
}
