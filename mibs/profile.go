package mibs

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/agent/yamlfile"
)

// profile is one file: how a family of devices is recognised and read. Where a list says
// the same thing several times (the same row, the same measure), the first that works counts.
//
// Every OID may begin with the name of a root and hold {row} where a row's index goes. That of
// a value may end in ".?": the first of .0, .0.0 and nothing that is answered.
type profile struct {
	Name       string            `yaml:"name"`
	Vendor     string            `yaml:"vendor"` // first part of device ids
	Title      string            `yaml:"title"`
	Neutral    bool              `yaml:"neutral"`     // adds to every vendor's profile, in the order of names
	OnlyProven bool              `yaml:"only_proven"` // neutral: but only where the device answers a proof
	Roots      map[string]string `yaml:"roots"`       // short names for beginnings of OIDs
	Match      match             `yaml:"match"`
	Vendors    map[string]string `yaml:"vendors"` // neutral only: vendor by enterprise number of the sysObjectID
	Identity   identity          `yaml:"identity"`
	Rows       []row             `yaml:"rows"`
	Fax        []faxRule         `yaml:"fax"`
	Measures   []measure         `yaml:"measures"`
	FaxService []stateRule       `yaml:"fax_service"`
	Lines      *lines            `yaml:"lines"`
	Checks     []check           `yaml:"checks"`
	CannotTell []string          `yaml:"cannot_tell"` // beyond what follows from the measures it lacks
	Quirks     quirks            `yaml:"quirks"`

	file string // empty: built in
}

// match: sysObjectID below one of ObjectIDs or GuestIDs, sysDescr as Descr, both if both are given; and
// one of Proof is answered. A proof ending in ".*" is anything below.
type match struct {
	ObjectIDs   []string `yaml:"object_ids"`
	GuestIDs    []string `yaml:"guest_ids"` // of other vendors, in some of whose machines it is
	Descr       pattern  `yaml:"descr"`
	OrDescr     pattern  `yaml:"or_descr"`     // such a sysDescr is enough, whatever the sysObjectID
	ExceptDescr pattern  `yaml:"except_descr"` // who says so has borrowed the sysObjectID
	Proof       []string `yaml:"proof"`
	Row         string   `yaml:"row"` // or such a row is found
}

type identity struct {
	Serial   []textRule `yaml:"serial"`
	Model    []textRule `yaml:"model"`
	Name     []textRule `yaml:"name"`
	Location []textRule `yaml:"location"`
	MAC      []textRule `yaml:"mac"`    // where there is no serial; the interfaces' own is tried last
	Number   []textRule `yaml:"number"` // of its own fax
	Source   string     `yaml:"source"`
}

type textRule struct {
	OID  string  `yaml:"oid"`
	As   string  `yaml:"as"`
	Take pattern `yaml:"take"` // its first group is the text
}

// row finds a row of a table: by what a column says, or by reading its index somewhere.
type row struct {
	Row     string   `yaml:"row"`
	Column  string   `yaml:"column"`
	Under   string   `yaml:"under"`   // look only at indexes that begin so
	Index   pattern  `yaml:"index"`   // and fit this
	Is      []string `yaml:"is"`      // the column's value is one of these (case doesn't matter)
	Matches pattern  `yaml:"matches"` // or fits this
	Except  pattern  `yaml:"except"`  // but not this
	Below   string   `yaml:"below"`   // or is an object id at or below this one
	All     bool     `yaml:"all"`     // every row that fits; a measure of it is their sum
	Grows   bool     `yaml:"grows"`   // rows are added while the machine works: look out for the next
	Only    bool     `yaml:"only"`    // if several fit nobody knows which is meant, so none is
	Take    int      `yaml:"take"`    // keep only so many numbers of the index
	Max     int      `yaml:"max"`     // read at most so many objects of the column
	Read    string   `yaml:"read"`    // the index is the value of this object (or of each, where {row} stands for many)
}

type faxRule struct {
	Answer  string   `yaml:"answer"`
	Row     string   `yaml:"row"`    // such a row is there
	NoRow   string   `yaml:"no_row"` // its columns are answered to the end, and there is no such row
	OID     string   `yaml:"oid"`    // this object says one of Is, or fits Matches
	As      string   `yaml:"as"`
	Is      []string `yaml:"is"`
	Matches pattern  `yaml:"matches"`
	Because string   `yaml:"because"`
	Source  string   `yaml:"source"`
}

// measure: what an object counts. Several with " + " between count together; those that are
// not supported (-1) are left out. In other units only the rows of the finer are counted.
type measure struct {
	Measure   string            `yaml:"measure"`
	Rule      string            `yaml:"rule"`
	OID       string            `yaml:"oid"`
	As        string            `yaml:"as"`
	Unit      string            `yaml:"unit"`
	UnitOID   string            `yaml:"unit_oid"` // or by what this object says
	UnitMap   map[string]string `yaml:"unit_map"` // none: then it counts something else; the key "": where it tells no unit
	Network   bool              `yaml:"network"`  // may include faxes over the network: not for a machine without fax card
	Certainty string            `yaml:"certainty"`
	Note      string            `yaml:"note"`
	Source    string            `yaml:"source"`
}

// stateRule turns a value into a state; a value that Map doesn't have says nothing. A key
// of Map may be a range of numbers: 1.. is 1 or more, 2..4 is 2, 3 or 4. The key any stands
// for all others; bits are called none if none of them is set.
type stateRule struct {
	What   string            `yaml:"what"` // what the object is, for people
	OID    string            `yaml:"oid"`
	As     string            `yaml:"as"`
	Map    map[string]string `yaml:"map"`
	Words  map[string]string `yaml:"words"` // what people call a value that is a number; empty: not worth telling
	Source string            `yaml:"source"`
	ranges []numberRange     // of Map
}

// check is a sum that should close; where it doesn't there is a warning, nothing else.
type check struct {
	Total  string   `yaml:"total"`
	Parts  []string `yaml:"parts"`
	Source string   `yaml:"source"`
}

type quirks struct {
	V1      bool `yaml:"v1"`
	Bulk    bool `yaml:"bulk"` // false: GETBULK upsets it
	MaxOIDs int  `yaml:"max_oids"`
}

// pattern is a regular expression in a profile.
type pattern struct{ *regexp.Regexp }

// UnmarshalText is for yamlfile.
func (p *pattern) UnmarshalText(text []byte) error {
	re, err := regexp.Compile(string(text))
	if err != nil {
		return fmt.Errorf("%q; want a regular expression: %w", clip(string(text)), err)
	}
	p.Regexp = re
	return nil
}

func (p pattern) fits(text string) bool { return p.Regexp != nil && p.MatchString(text) }

var (
	slugPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	rowPattern  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	rootPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// certainties, best first: in a public MIB file and seen on a device; only in a MIB file; only
// seen, and checked by sums or against the machine's own page; from another tool; a guess.
var certainties = []string{"mib+walk", "mib", "walk", "tool", "unverified"}

// units, the finer first: of a page printed on both sides there are two impressions, and one sheet.
var units = []string{"pages", "images", "impressions", "sides", "sheets", "a4_equivalents", "faxes"}

const noUnit = "none"

// The values of `as`.
const (
	asFloat        = "float"          // of a measure: four bytes of IEEE 754, the highest first
	asSymbolSet    = "symbol_set"     // of a text: two bytes in front say in which character set it is
	asMask         = "mask"           // a number; keys are the values of its bits (1, 2, 4, …)
	asBits         = "bits"           // BITS of RFC 2578; keys are bit numbers, 0 is the first byte's highest
	asBitsOrNumber = "bits_or_number" // the same, but a single byte is the number of the only bit set
	asSubunit      = "subunit"        // a number: its lowest three bits are one key (0 to 7), each higher bit set is another (8, 16, …); RFC 3805 PrtSubUnitStatusTC
)

// parseProfile reads a profile. All its faults are told at once, with file and line.
func parseProfile(file string, data []byte) (*profile, error) {
	p := &profile{Quirks: quirks{Bulk: true}, file: file}
	c := &checker{doc: yamlfile.Decode(file, data, p), p: p}
	c.profile()
	if err := c.doc.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// CheckProfile says what is wrong with a profile: nil, or every fault as "FILE:LINE: what, what would be right".
func CheckProfile(file string, data []byte) error {
	_, err := parseProfile(file, data)
	return err
}

// checker goes through a profile that was decoded, reports faults and brings OIDs, lists
// and maps into the form in which they are used.
type checker struct {
	doc  *yamlfile.Doc
	p    *profile
	rows []string // known so far
}

func (c *checker) profile() {
	p := c.p
	if !slugPattern.MatchString(p.Name) {
		c.doc.Fault(place("name"), "%q; want lower-case letters, digits and -", p.Name)
	}
	if p.Title == "" {
		c.doc.Fault(place("title"), "missing; want the family's name for people")
	}
	c.roots()
	c.match()
	c.identity()
	for i := range p.Rows {
		c.row(i)
	}
	for i := range p.Fax {
		c.fax(i)
	}
	for i := range p.Measures {
		c.measure(i)
	}
	for i := range p.FaxService {
		c.state(place("fax_service", i), &p.FaxService[i], serviceRank, c.rows)
		c.source(place("fax_service", i), p.FaxService[i].Source)
	}
	c.lines()
	if p.OnlyProven && (!p.Neutral || len(p.Match.Proof) == 0 && p.Match.Row == "") {
		c.doc.Fault(place("only_proven"), "want it in a neutral profile, with a proof or row in match")
	}
	if p.Match.Row != "" && !slices.Contains(c.rows, p.Match.Row) {
		c.doc.Fault(place("match", "row"), "%q; want one of the rows: %s", p.Match.Row, list(c.rows))
	}
	for i := range p.Checks {
		c.check(i)
	}
	if p.Quirks.MaxOIDs < 0 {
		c.doc.Fault(place("quirks", "max_oids"), "%d; want 1 or more, or nothing", p.Quirks.MaxOIDs)
	}
}

func (c *checker) roots() {
	for _, name := range slices.Sorted(maps.Keys(c.p.Roots)) {
		oid, err := ParseOID(c.p.Roots[name])
		if err != nil {
			c.doc.Fault(place("roots", name), "%v", err)
			oid = "1.3" // one fault is enough, not one at each use
		}
		if !rootPattern.MatchString(name) {
			c.doc.Fault(place("roots", name), "want a name of letters and digits")
		}
		c.p.Roots[name] = oid
	}
}

func (c *checker) match() {
	p := c.p
	switch fits := len(p.Match.ObjectIDs) > 0 || p.Match.Descr.Regexp != nil || p.Match.OrDescr.Regexp != nil; {
	case p.Neutral && (fits || p.Vendor != ""):
		c.doc.Fault(place("neutral"), "a neutral profile has no vendor, no object_ids and no descr")
	case !p.Neutral && !slugPattern.MatchString(p.Vendor):
		c.doc.Fault(place("vendor"), "%q; want lower-case letters, digits and -", p.Vendor)
	case !p.Neutral && !fits:
		c.doc.Fault(place("match"), "want object_ids, descr or both, or or_descr")
	}
	if !p.Neutral && len(p.Match.Proof) == 0 {
		c.doc.Fault(place("match", "proof"), "missing; want OIDs that only such a device answers, since sysObjectID can lie")
	}
	for i := range p.Match.ObjectIDs {
		c.plainOID(place("match", "object_ids", i), &p.Match.ObjectIDs[i])
	}
	for i := range p.Match.GuestIDs {
		c.plainOID(place("match", "guest_ids", i), &p.Match.GuestIDs[i])
	}
	for i := range p.Match.Proof {
		proof := &p.Match.Proof[i]
		stem, any := strings.CutSuffix(*proof, ".*")
		c.plainOID(place("match", "proof", i), &stem)
		if *proof = stem; any {
			*proof += ".*"
		}
	}
	for number, slug := range p.Vendors {
		if _, err := strconv.ParseUint(number, 10, 32); err != nil || !slugPattern.MatchString(slug) || !p.Neutral {
			c.doc.Fault(place("vendors", number), "want, in a neutral profile, an enterprise number and a vendor of lower-case letters")
		}
	}
}

func (c *checker) identity() {
	known := []string{"serial", "model", "name", "location", "mac", "number"}
	for n, rules := range c.p.Identity.lists() {
		for i := range *rules {
			c.text(place("identity", known[n], i), &(*rules)[i], c.allRows())
		}
	}
}

func (c *checker) text(at []any, t *textRule, rows []string) {
	c.oid(append(at, "oid"), &t.OID, rows)
	c.only(at, t.As, asSymbolSet)
	if t.Take.Regexp != nil && t.Take.NumSubexp() < 1 {
		c.doc.Fault(append(at, "take"), "want a group (…) around what is to be taken")
	}
}

func (id *identity) lists() []*[]textRule {
	return []*[]textRule{&id.Serial, &id.Model, &id.Name, &id.Location, &id.MAC, &id.Number}
}

func (c *checker) allRows() []string {
	var names []string
	for i := range c.p.Rows {
		names = append(names, c.p.Rows[i].Row)
	}
	return names
}

const defaultMax = 256 // objects of a column, and rows: Xerox has some 100 meters, most tables fewer than 40

func (c *checker) row(i int) {
	r, at := &c.p.Rows[i], place("rows", i)
	if !rowPattern.MatchString(r.Row) || r.Row == "port" {
		c.doc.Fault(append(at, "row"), "%q; want a name of lower-case letters, digits and _, but not port", r.Row)
	}
	again := i > 0 && c.p.Rows[i-1].Row == r.Row
	if !again && slices.Contains(c.rows, r.Row) {
		c.doc.Fault(append(at, "row"), "%q stands further above too; want all ways to find it together", r.Row)
	}
	if again { // or a row could be looked for by itself, for ever
		c.rows = c.rows[:len(c.rows)-1]
	}
	tests := len(r.Is) > 0 || r.Matches.Regexp != nil || r.Below != ""
	switch {
	case (r.Column == "") == (r.Read == ""):
		c.doc.Fault(append(at, "row"), "want either column or read")
	case r.Read != "" && (tests || r.Under != "" || r.Index.Regexp != nil || r.All || r.Only || r.Take != 0 || r.Except.Regexp != nil):
		c.doc.Fault(append(at, "read"), "an index that is read needs nothing else")
	case r.Only && r.All, r.Grows && !r.All:
		c.doc.Fault(append(at, "row"), "only is for one row, and grows for all: true")
	case r.Read != "":
		c.oid(append(at, "read"), &r.Read, c.rows)
	default:
		c.plainOID(append(at, "column"), &r.Column)
		if !tests {
			c.doc.Fault(append(at, "column"), "want is, matches or below, which say what the row's value is")
		}
	}
	if r.Under != "" {
		c.index(append(at, "under"), r.Under)
	}
	if r.Below != "" {
		c.plainOID(append(at, "below"), &r.Below)
	}
	c.values(r.Is)
	if r.Max < 0 || r.Take < 0 || r.Max > 4096 {
		c.doc.Fault(append(at, "row"), "max is at most 4096, and neither max nor take is negative")
	}
	if r.Max == 0 {
		r.Max = defaultMax
	}
	c.rows = append(c.rows, r.Row)
}

func (c *checker) fax(i int) {
	f, at := &c.p.Fax[i], place("fax", i)
	if f.Answer != string(wire.Yes) && f.Answer != string(wire.No) {
		c.doc.Fault(append(at, "answer"), "%q; want yes or no", f.Answer)
	}
	if f.Row == "" && f.NoRow == "" && f.OID == "" {
		c.doc.Fault(append(at, "answer"), "want also row, no_row or oid with is")
	}
	for key, name := range map[string]string{"row": f.Row, "no_row": f.NoRow} {
		if name != "" && !slices.Contains(c.rows, name) {
			c.doc.Fault(append(slices.Clone(at), key), "%q; want one of the rows: %s", name, list(c.rows))
		}
	}
	if f.OID != "" {
		c.oid(append(at, "oid"), &f.OID, c.rows)
		if len(f.Is) == 0 && f.Matches.Regexp == nil {
			c.doc.Fault(append(at, "oid"), "want is, the values that count, or matches")
		}
	}
	c.values(f.Is)
	c.as(at, f.As)
	if f.Because == "" {
		c.doc.Fault(append(at, "because"), "missing; want half an English sentence")
	}
	c.source(at, f.Source)
}

func (c *checker) measure(i int) {
	m, at := &c.p.Measures[i], place("measures", i)
	if !slices.Contains(wire.Measures(), wire.Measure(m.Measure)) {
		c.doc.Fault(append(at, "measure"), "%q; want one of: %s", m.Measure, list(wire.Measures()))
	}
	if !rowPattern.MatchString(m.Rule) {
		c.doc.Fault(append(at, "rule"), "%q; want a name of lower-case letters, digits and _ that never changes", m.Rule)
	}
	c.sum(append(at, "oid"), &m.OID)
	c.only(at, m.As, asFloat)
	if !slices.Contains(certainties, m.Certainty) {
		c.doc.Fault(append(at, "certainty"), "%q; want one of: %s", m.Certainty, list(certainties))
	}
	if (m.Unit == "") == (m.UnitOID == "") {
		c.doc.Fault(append(at, "unit"), "want either unit, or unit_oid with unit_map")
	}
	if (m.UnitOID == "") != (len(m.UnitMap) == 0) {
		c.doc.Fault(append(at, "unit_map"), "want it beside unit_oid, and only there")
	}
	if m.UnitOID != "" && strings.Contains(m.OID, plus) {
		c.doc.Fault(append(at, "unit_oid"), "want unit: what is added with + is told in one unit")
	}
	if m.UnitOID != "" {
		c.oid(append(at, "unit_oid"), &m.UnitOID, c.rows)
	}
	for _, unit := range append(slices.Collect(maps.Values(m.UnitMap)), m.Unit) {
		if unit != "" && !slices.Contains(units, unit) && (unit != noUnit || m.Unit == noUnit) {
			c.doc.Fault(append(at, "unit"), "%q; want one of: %s", unit, list(units))
		}
	}
	c.source(at, m.Source)
}

func (c *checker) state(at []any, s *stateRule, rank, rows []string) {
	c.oid(append(at, "oid"), &s.OID, rows)
	c.as(at, s.As)
	if len(s.Map) == 0 {
		c.doc.Fault(append(at, "map"), "missing; want what each value means")
	}
	s.Map = c.states(append(at, "map"), s.Map, rank)
	s.Words = lowerKeys(s.Words)
	s.ranges = c.ranges(append(at, "map"), s.Map)
}

// states checks a map of values to states. Its keys become lower case.
func (c *checker) states(at []any, given map[string]string, rank []string) map[string]string {
	lower := make(map[string]string, len(given))
	for key, state := range given {
		if !slices.Contains(rank, state) {
			c.doc.Fault(append(slices.Clone(at), key), "%q; want one of: %s", state, list(rank))
		}
		lower[strings.ToLower(key)] = state
	}
	return lower
}

func (c *checker) check(i int) {
	k, at := &c.p.Checks[i], place("checks", i)
	c.oid(append(at, "total"), &k.Total, c.rows)
	if len(k.Parts) == 0 {
		c.doc.Fault(append(at, "parts"), "missing; want the OIDs whose sum is total")
	}
	for j := range k.Parts {
		c.oid(append(slices.Clone(at), "parts", j), &k.Parts[j], c.rows)
	}
	c.source(at, k.Source)
}

func (c *checker) as(at []any, as string) {
	if as != "" && as != asMask && as != asBits && as != asBitsOrNumber && as != asSubunit {
		c.doc.Fault(append(slices.Clone(at), "as"), "%q; want %s, %s, %s, %s or nothing", as, asMask, asBits, asBitsOrNumber, asSubunit)
	}
}

// only reports an encoding other than the one that makes sense here.
func (c *checker) only(at []any, as, want string) {
	if as != "" && as != want {
		c.doc.Fault(append(slices.Clone(at), "as"), "%q; want %s or nothing", as, want)
	}
}

func (c *checker) source(at []any, source string) {
	if source == "" {
		c.doc.Fault(append(slices.Clone(at), "source"), "missing; want where the OID is known from")
	}
}

// values makes values comparable: lower case, OIDs written out.
func (c *checker) values(is []string) {
	for i, value := range is {
		if oid, err := c.expand(value, nil); err == nil && strings.Contains(oid, ".") {
			value = oid
		}
		is[i] = strings.ToLower(strings.TrimSpace(value))
	}
}

// plainOID checks an OID without rows in it and writes it out.
func (c *checker) plainOID(at []any, oid *string) {
	if strings.HasSuffix(*oid, anySuffix) {
		c.doc.Fault(at, "%q; want an OID that ends in a number", *oid)
		return
	}
	c.oid(at, oid, nil)
}

const plus = " + "

// sum checks one or several OIDs with " + " between.
func (c *checker) sum(at []any, oids *string) {
	parts := strings.Split(*oids, plus)
	for i := range parts {
		c.oid(at, &parts[i], c.rows)
	}
	*oids = strings.Join(parts, plus)
}

// oid checks an OID in which {row} may stand for one of rows, and writes its root out.
func (c *checker) oid(at []any, oid *string, rows []string) {
	full, err := c.expand(*oid, rows)
	if err != nil {
		c.doc.Fault(at, "%v", err)
		return
	}
	*oid = full
}

// anySuffix at the end of an OID stands for the first of suffixes that the device answers.
const anySuffix = ".?"

var suffixes = []string{".0", ".0.0", ""}

func (c *checker) expand(text string, rows []string) (string, error) {
	if text == "" {
		return "", fmt.Errorf("missing; want an OID")
	}
	if stem, any := strings.CutSuffix(text, anySuffix); any {
		if slices.Contains(rows, portRow[0]) {
			return "", fmt.Errorf("%q; want a port's OID to end in a number or {port}", text)
		}
		stem, err := c.expand(stem, rows)
		return stem + anySuffix, err
	}
	name, rest, _ := strings.Cut(text, ".")
	if root, ok := c.p.Roots[name]; ok {
		if text = root; rest != "" {
			text += "." + rest
		}
	}
	sample := placeholder.ReplaceAllStringFunc(text, func(ref string) string {
		if slices.Contains(rows, strings.Trim(ref, "{}")) {
			return "1"
		}
		return ref
	})
	if ref := placeholder.FindString(sample); ref != "" {
		return "", fmt.Errorf("%q: no row %s here; known: %s", text, ref, list(rows))
	}
	if _, err := ParseOID(sample); err != nil {
		return "", fmt.Errorf("%q; want an OID such as 1.3.6.1.2.1.1.1.0, or one that begins with a root: %s", text, list(slices.Sorted(maps.Keys(c.p.Roots))))
	}
	if !strings.Contains(text, "{") {
		return ParseOID(text)
	}
	return strings.TrimPrefix(text, "."), nil
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// index checks the beginning of an index, such as "{fax}.20".
func (c *checker) index(at []any, text string) {
	if _, err := c.expand("1.3."+text, c.rows); err != nil || strings.HasSuffix(text, anySuffix) {
		c.doc.Fault(at, "%q; want numbers and rows known above, such as {fax}.20", text)
	}
}

func place(steps ...any) []any { return slices.Clip(steps) }

func list[T ~string](names []T) string {
	if len(names) == 0 {
		return "none"
	}
	texts := make([]string, 0, len(names))
	for _, name := range names {
		if !slices.Contains(texts, string(name)) {
			texts = append(texts, string(name))
		}
	}
	return strings.Join(texts, ", ")
}
