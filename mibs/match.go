package mibs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// fit is the outcome of matching: the profiles that together read a device, the vendor's first.
type fit struct {
	name     string
	vendor   string
	why      string
	doubted  bool // a vendor's profile should have fitted better, and its proof is missing
	profiles []*profile
}

func (s *Set) fit(v *survey) fit {
	objectID, descr := v.answers[sysObjectID].Text(), cut(v.answers[sysDescr].Text(), 80)
	candidates := s.candidates(objectID, v.answers[sysDescr].Text())
	for i, p := range candidates {
		if proof, ok := v.proof(p); ok {
			return fit{doubted: i > 0 && said(objectID, descr) != nothing, name: p.Name, vendor: p.Vendor, why: p.why(objectID, descr, proof), profiles: append([]*profile{p}, s.neutral...)}
		}
	}
	lie := ""
	doubted := len(candidates) > 0 && said(objectID, descr) != nothing
	if doubted {
		lie = fmt.Sprintf(" (not even that of %s, whose sysObjectID or sysDescr it has, but not the objects)", candidates[0].Title)
	}
	for _, p := range s.neutralByProof() {
		if proof, ok := v.proof(p); ok {
			why := fmt.Sprintf("no vendor's profile fits%s, but it answers %s of the %s", lie, proof, p.Title)
			vendor := cmp.Or(family(candidates, objectID, v.answers[sysDescr].Text()), s.maker(objectID, v.answers[sysDescr].Text()), p.Name)
			return fit{name: p.Name, vendor: vendor, why: why, doubted: doubted, profiles: s.neutral}
		}
	}
	why := fmt.Sprintf("no profile fits%s: it says %s and answers neither the Printer MIB nor the objects of a known fax machine or gateway",
		lie, said(objectID, descr))
	if vendor := s.maker(objectID, v.answers[sysDescr].Text()); vendor != "" {
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

// family is the vendor by which the profile would call the device that should have read it, so
// that its id stays should it read it after all.
func family(candidates []*profile, objectID, descr string) string {
	for _, p := range candidates {
		if p.Match.OrDescr.fits(descr) || longest(p.Match.ObjectIDs, objectID) > 0 {
			return p.Vendor
		}
	}
	return ""
}

// maker is the vendor by the enterprise number, if that is known and not borrowed.
func (s *Set) maker(objectID, descr string) string {
	for _, p := range s.vendors {
		if p.Match.ExceptDescr.fits(descr) && longest(p.Match.ObjectIDs, objectID) > 0 {
			return ""
		}
	}
	number := ""
	if below(enterprises, objectID) {
		number = firstNumbers(objectID[len(enterprises)+1:], 1)
	}
	for _, p := range s.neutral {
		if vendor := p.Vendors[number]; vendor != "" {
			return vendor
		}
	}
	return ""
}

// fixedOIDs are all OIDs of the fitting vendor's profile that need no row, so that one GET fetches them.
func (f *fit) fixedOIDs() []string {
	var oids []string
	add := func(texts ...string) {
		for _, text := range texts {
			for _, oid := range spell(text) {
				if oid != "" && !strings.Contains(oid, "{") && !slices.Contains(oids, oid) {
					oids = append(oids, oid)
				}
			}
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
			add(strings.Split(p.Measures[i].OID, plus)...)
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

// candidates are the vendors' profiles that the system group speaks for: first those that sysDescr
// alone is enough for, then the one with the longest sysObjectID. If there is no system group (half
// a recording), the proofs alone must do; where they are objects that many makes have they don't.
func (s *Set) candidates(objectID, descr string) []*profile {
	var fitting []*profile
	if objectID == "" && descr == "" {
		for _, p := range s.vendors {
			if !slices.ContainsFunc(p.Match.Proof, func(proof string) bool { return !below(enterprises, proof) }) {
				fitting = append(fitting, p)
			}
		}
		return fitting
	}
	for _, p := range s.vendors {
		if p.Match.rank(objectID, descr) >= 0 {
			fitting = append(fitting, p)
		}
	}
	slices.SortStableFunc(fitting, func(a, b *profile) int {
		return cmp.Compare(b.Match.rank(objectID, descr), a.Match.rank(objectID, descr))
	})
	return fitting
}

// rank is how well the system group fits, -1 if it doesn't.
func (m *match) rank(objectID, descr string) int {
	byID, byDescr := len(m.ObjectIDs)+len(m.GuestIDs) > 0, m.Descr.Regexp != nil
	switch {
	case m.OrDescr.fits(descr):
		return math.MaxInt
	case m.ExceptDescr.fits(descr) || byDescr && !m.Descr.fits(descr) || !byID && !byDescr:
		return -1
	case !byID:
		return 0
	}
	return max(longest(m.ObjectIDs, objectID), longest(m.GuestIDs, objectID))
}

// longest is the length of the longest root that objectID lies at or below, -1 if there is none.
func longest(roots []string, objectID string) int {
	longest := -1
	for _, root := range roots {
		if objectID == root || below(root, objectID) {
			longest = max(longest, len(root))
		}
	}
	return longest
}
