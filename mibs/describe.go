package mibs

import (
	"maps"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Profile is what a profile promises, for lists that people read.
type Profile struct {
	Name, Title string
	Vendor      string // empty: neutral, adds to the profiles of all vendors
	File        string // where it was read; empty: built in

	ObjectIDs []string // sysObjectID is at or below one of these,
	Descr     string   // sysDescr fits this (either may be left out),
	OrDescr   string   // or sysDescr fits this, whatever the sysObjectID,
	Proof     []string // and one of these is answered,
	Row       string   // or such a row found

	Identity   string // where serial, model, name and location are known from
	Fax        []Claim
	Measures   []Claim // by measure; where one stands twice the first that the device answers counts
	FaxService []Claim
	Lines      []Claim
	CannotTell []string
}

// Claim is one thing that a profile says, and how it is known.
type Claim struct {
	What      string   // the measure, the state's name, yes or no
	Units     []string // of a measure: more than one where the device says which
	States    []string // that it can tell, the best first
	OID       string   // with {row} where the row is looked for
	Certainty string   // of a measure: mib+walk, mib, walk, tool or unverified
	Note      string
	Source    string
}

// Profiles lists the set, vendors first.
func (s *Set) Profiles() []Profile {
	var known []Profile
	for _, p := range slices.Concat(s.vendors, s.neutral) {
		known = append(known, p.describe())
	}
	return known
}

func (p *profile) describe() Profile {
	d := Profile{
		Name: p.Name, Title: p.Title, Vendor: p.Vendor, File: p.file, ObjectIDs: p.Match.ObjectIDs, Proof: p.Match.Proof, Row: p.Match.Row,
		Identity: p.Identity.Source, CannotTell: p.CannotTell,
	}
	if p.Match.Descr.Regexp != nil {
		d.Descr = p.Match.Descr.String()
	}
	if p.Match.OrDescr.Regexp != nil {
		d.OrDescr = p.Match.OrDescr.String()
	}
	for i := range p.Fax {
		f := &p.Fax[i]
		d.Fax = append(d.Fax, Claim{What: f.Answer, OID: f.OID, Note: f.Because, Source: f.Source})
	}
	for _, m := range wire.Measures() {
		for i := range p.Measures {
			if p.Measures[i].Measure == string(m) {
				d.Measures = append(d.Measures, p.Measures[i].claim())
			}
		}
	}
	for i := range p.FaxService {
		d.FaxService = append(d.FaxService, p.FaxService[i].claim(serviceRank))
	}
	d.Lines = p.Lines.claims()
	if p.Lines != nil && p.Lines.Alerts != nil && len(p.Lines.Alerts.Service) > 0 {
		d.FaxService = append(d.FaxService, Claim{What: "alert", OID: p.Lines.Alerts.Column, States: told(serviceRank, p.Lines.Alerts.Service), Source: p.Lines.Source})
	}
	return d
}

func (m *measure) claim() Claim {
	units := slices.Compact(slices.Sorted(maps.Values(m.UnitMap)))
	units = slices.DeleteFunc(units, func(unit string) bool { return unit == noUnit })
	if m.Unit != "" {
		units = []string{m.Unit}
	}
	return Claim{What: m.Measure, Units: units, OID: m.OID, Certainty: m.Certainty, Note: m.Note, Source: m.Source}
}

func (s *stateRule) claim(rank []string) Claim {
	return Claim{What: s.What, OID: s.OID, States: told(rank, s.Map), Source: s.Source}
}

func (l *lines) claims() []Claim {
	if l == nil {
		return nil
	}
	if l.Alerts != nil {
		return []Claim{{What: "alert", OID: l.Alerts.Column, States: told(lineRank, l.Alerts.Map), Source: l.Source}}
	}
	var claims []Claim
	for i := range l.Status {
		claim := l.Status[i].claim(lineRank)
		if claim.Source == "" {
			claim.Source = l.Source
		}
		claims = append(claims, claim)
	}
	for i := range l.About {
		if a := &l.About[i]; a.Fax.Regexp != nil {
			claims = append(claims, Claim{What: a.What, OID: a.OID, Note: "may say that a fax hangs on the port", Source: l.Source})
		}
	}
	return claims
}

// told are the states that a map leads to, without unknown.
func told(rank []string, states map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(rank), func(state string) bool {
		return state == rank[0] || !slices.Contains(slices.Collect(maps.Values(states)), state)
	})
}

// Fits says which devices a profile is for.
func (p *Profile) Fits() string {
	var says []string
	if len(p.ObjectIDs) > 0 {
		says = append(says, "sysObjectID at or below "+strings.Join(p.ObjectIDs, " or "))
	}
	if p.Descr != "" {
		says = append(says, "sysDescr like "+p.Descr)
	}
	if p.OrDescr != "" {
		said := strings.Join(append(says, "sysDescr like "+p.OrDescr), ", or else ")
		says = []string{said}
	}
	if len(p.Proof) > 0 {
		says = append(says, "an answer to "+strings.Join(p.Proof, " or "))
	}
	if p.Row != "" {
		says = append(says, "a row "+p.Row)
	}
	if len(says) == 0 {
		return "adds to every other profile"
	}
	return strings.Join(says, ", and ")
}
