package mibs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// fit is the outcome of matching: the profiles that together read a device, the vendor's first.
type fit struct {
	name     string
	vendor   string
	why      string
	profiles []*profile
}

func (s *Set) fit(v *survey) fit {
	objectID, descr := v.answers[sysObjectID].Text(), cut(v.answers[sysDescr].Text(), 80)
	candidates := s.candidates(objectID, v.answers[sysDescr].Text())
	for _, p := range candidates {
		if proof, ok := v.proof(p); ok {
			return fit{p.Name, p.Vendor, p.why(objectID, descr, proof), append([]*profile{p}, s.neutral...)}
		}
	}
	lie := ""
	if len(candidates) > 0 && said(objectID, descr) != nothing {
		lie = fmt.Sprintf(" (not even that of %s, whose sysObjectID or sysDescr it has, but not the objects)", candidates[0].Title)
	}
	for _, p := range s.neutralByProof() {
		if proof, ok := v.proof(p); ok {
			why := fmt.Sprintf("no vendor's profile fits%s, but it answers %s of the %s", lie, proof, p.Title)
			return fit{p.Name, s.vendorOf(objectID, p.Name), why, s.neutral}
		}
	}
	why := fmt.Sprintf("no profile fits%s: it says %s and answers neither the Printer MIB nor the objects of a known fax machine or gateway",
		lie, said(objectID, descr))
	if vendor := s.vendorOf(objectID, ""); vendor != "" {
		return fit{vendor: vendor, why: why + ", so nothing can be told of its faxes"}
	}
	return fit{why: why + ", so it is no fax device as far as can be told"}
}

func (p *profile) why(objectID, descr, proof string) string {
	if objectID == "" && descr == "" {
		return fmt.Sprintf("it says %s, but answers %s, which only %s have", nothing, proof, p.Title)
	}
	return fmt.Sprintf("%s fits %s, and %s is answered, which proves it", said(objectID, descr), p.Title, proof)
}

const nothing = "nothing of itself"

func said(objectID, descr string) string {
	switch {
	case objectID == "" && descr == "":
		return nothing
	case objectID == "":
		return fmt.Sprintf("sysDescr %q", descr)
	case descr == "":
		return "sysObjectID " + objectID
	}
	return fmt.Sprintf("sysObjectID %s (%q)", objectID, descr)
}

// neutralByProof: a printer with a modem is a printer.
func (s *Set) neutralByProof() []*profile {
	return slices.SortedStableFunc(slices.Values(s.neutral), func(a, b *profile) int {
		switch {
		case a.OnlyProven == b.OnlyProven:
			return 0
		case a.OnlyProven:
			return 1
		}
		return -1
	})
}

// joins tells whether a profile takes part in reading the device.
func (s *survey) joins(p *profile) bool {
	if !p.OnlyProven {
		return true
	}
	proven, known := s.proven[p]
	if !known {
		_, proven = s.proof(p)
		s.proven[p] = proven
	}
	return proven
}

// proof finds the first object of the profile's proofs that the device answers.
func (s *survey) proof(p *profile) (oid string, ok bool) {
	var exact []string
	for _, proof := range p.Match.Proof {
		if !strings.HasSuffix(proof, ".*") {
			exact = append(exact, proof)
		}
	}
	s.ask(exact...)
	for _, proof := range p.Match.Proof {
		if stem, any := strings.CutSuffix(proof, ".*"); any {
			if column := s.column(stem, 1); len(column) > 0 {
				return column[0].OID, true
			}
		} else if _, ok := s.value(proof); ok {
			return proof, true
		}
	}
	if p.Match.Row != "" {
		if f := s.row(p, p.Match.Row); len(f.guards) > 0 {
			return f.guards[0].oid, true
		}
	}
	return "", false
}

// vendorOf names the vendor by the enterprise number, if that is known.
func (s *Set) vendorOf(objectID, otherwise string) string {
	number := ""
	if below(enterprises, objectID) {
		number = firstNumbers(objectID[len(enterprises)+1:], 1)
	}
	for _, p := range s.neutral {
		if vendor := p.Vendors[number]; vendor != "" {
			return vendor
		}
	}
	return otherwise
}

// fixedOIDs are all OIDs of the fitting vendor's profile that need no row, so that one GET fetches them.
func (f *fit) fixedOIDs() []string {
	var oids []string
	add := func(oid string) {
		if oid != "" && !strings.Contains(oid, "{") && !slices.Contains(oids, oid) {
			oids = append(oids, oid)
		}
	}
	for n, p := range f.profiles {
		for _, rules := range p.Identity.lists() {
			for _, rule := range *rules {
				add(rule.OID)
			}
		}
		if n > 0 || p.Neutral {
			continue
		}
		for i := range p.Measures {
			add(p.Measures[i].OID)
		}
		for i := range p.Fax {
			add(p.Fax[i].OID)
		}
		for i := range p.FaxService {
			add(p.FaxService[i].OID)
		}
		for i := range p.Checks {
			add(p.Checks[i].Total)
			for _, part := range p.Checks[i].Parts {
				add(part)
			}
		}
	}
	return oids
}

func (f *fit) quirks() Quirks {
	q := f.profiles[0].Quirks
	return Quirks{V1: q.V1, NoBulk: !q.Bulk, MaxOIDs: q.MaxOIDs}
}

// identity reads what the system group alone tells of a device that no profile fits.
func (f *fit) identity(v *survey) wire.Identity {
	id := wire.Identity{Vendor: f.vendor}
	if f.name == "" {
		var plain textRule
		id.Model = cut(plain.text(v.answers[sysDescr]), 80)
	}
	return id
}

// candidates are the vendors' profiles that the system group speaks for, the one with the longest
// sysObjectID first. If there is no system group (half a recording), the proofs alone must do.
func (s *Set) candidates(objectID, descr string) []*profile {
	if objectID == "" && descr == "" {
		return s.vendors
	}
	var fitting []*profile
	for _, p := range s.vendors {
		if p.Match.prefix(objectID) >= 0 && (p.Match.Descr.Regexp == nil || p.Match.Descr.fits(descr)) {
			fitting = append(fitting, p)
		}
	}
	slices.SortStableFunc(fitting, func(a, b *profile) int {
		return cmp.Compare(b.Match.prefix(objectID), a.Match.prefix(objectID))
	})
	return fitting
}

// prefix is the length of the longest of ObjectIDs that objectID lies at or below: 0 if the
// profile names none, -1 if none fits.
func (m *match) prefix(objectID string) int {
	if len(m.ObjectIDs) == 0 {
		return 0
	}
	longest := -1
	for _, root := range m.ObjectIDs {
		if objectID == root || below(root, objectID) {
			longest = max(longest, len(root))
		}
	}
	return longest
}
