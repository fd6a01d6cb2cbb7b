package mibs

import (
	"fmt"
	"slices"
)

// Use says what the device's answer to one of its OIDs is for, in a few words, for people who
// look into what it said; empty if it isn't one of them.
func (d *Device) Use(oid string) string {
	switch oid {
	case sysUpTime:
		return "sysUpTime"
	case d.self.oid:
		return "identity"
	}
	for i := range d.counters {
		c := &d.counters[i]
		if slices.Contains(c.oids, oid) {
			return c.measure.Measure
		}
		if slices.Contains(guarded(c.guards), oid) {
			return "label of " + c.measure.Measure
		}
	}
	if slices.Contains(d.next, oid) {
		return "whether there is a row more to count"
	}
	for i := range d.service {
		if d.service[i].oid == oid || slices.Contains(guarded(d.service[i].guards), oid) {
			return "fax service"
		}
	}
	for i := range d.lines {
		l := &d.lines[i]
		if slices.Contains(l.alertOIDs, oid) {
			return "alerts"
		}
		for j := range l.states {
			if l.states[j].oid == oid {
				return fmt.Sprintf("line %s", l.port)
			}
		}
	}
	return ""
}
