package mibs

import (
	"bytes"
	"cmp"
	"context"
	_ "embed" // words.txt
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Masked says what Mask took out of a recording.
type Masked struct {
	Counts map[string]int // by what it was: phone numbers, names, …
	// Differs is how the masked recording reads where it doesn't read as before: empty, unless
	// masking took away what a profile needs.
	Differs string
}

// String is "3 phone numbers, 2 names" or "nothing".
func (m Masked) String() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(m.Counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", m.Counts[what], what))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// Mask is the recording without what is private in it: phone numbers, network and mail
// addresses, names of people, places and hosts, serial numbers, passwords; and secrets, which
// whoever asked the device knows of. It is meant to be given away, so what isn't known to be
// harmless goes: of texts only words that machines use of themselves stay (words.txt). Numbers,
// object ids and the texts that a profile goes by stay, so that the set reads the same of it,
// but for who the machine is: serials and MAC addresses become invented ones of the same form,
// the same wherever they stand. To mask what was masked changes nothing.
func (s *Set) Mask(r *Recording, secrets ...string) (*Recording, Masked) {
	masked, what := s.mask(r, secrets)
	for range 4 { // what is left may read otherwise than it did among what was taken out: rarely more than once
		again, _ := s.mask(masked, secrets)
		if slices.EqualFunc(again.varbinds, masked.varbinds, Varbind.equal) {
			break
		}
		masked = again
	}
	return masked, what
}

func (v Varbind) equal(w Varbind) bool { return v.OID == w.OID && v.Value.equal(w.Value) }

func (s *Set) mask(r *Recording, secrets []string) (*Recording, Masked) {
	before := s.lookAt(r)
	strict := s.masker(r, before, secrets)
	masked := strict.recording(r)
	after := s.lookAt(masked).tells
	if after == before.tells {
		return masked, Masked{Counts: strict.counts}
	}
	// A profile goes by more than the words that machines use: leave it what it read.
	lenient := s.masker(r, before, secrets)
	lenient.lenient = true
	if more := lenient.recording(r); s.lookAt(more).tells == before.tells {
		return more, Masked{Counts: lenient.counts}
	}
	return masked, Masked{Counts: strict.counts, Differs: fmt.Sprintf("before: %s; masked: %s", before.tells, after)}
}

// lookedAt is what a recording reads as.
type lookedAt struct {
	device *Device
	model  string          // empty if it is only part of sysDescr: computers tell their names there
	read   map[string]bool // what was asked and answered for that
	tells  string          // all that must not change
}

func (s *Set) lookAt(r *Recording) lookedAt {
	notes := &noting{r, map[string]bool{}}
	d, err := s.Identify(context.Background(), notes)
	if err != nil { // a recording has none
		return lookedAt{device: new(Device), read: notes.read, tells: err.Error()}
	}
	model := d.Identity.Model
	if !s.knowsMake(d) && !r.hasPart(model) {
		model = ""
	}
	const all = Lines | Counters
	answers, _ := notes.Get(context.Background(), d.OIDs(all))
	told := d.Read(wire.Time(0), all, answers)
	var b strings.Builder
	fmt.Fprintf(&b, "profile %q, model %q, known by serial or MAC %t, fax %s, service %q",
		d.Profile, model, d.ID != "", told.Reading.Fax, told.Reading.FaxService)
	for _, m := range d.Measures(told.Reading) {
		fmt.Fprintf(&b, ", %s %s = %d %s", m.Rule, m.OID, m.Value, m.Unit)
	}
	for _, l := range told.Reading.Lines {
		fmt.Fprintf(&b, ", line %s %s fax %s", l.Port, l.Status, l.Fax)
	}
	return lookedAt{d, model, notes.read, b.String()}
}

func (s *Set) knowsMake(d *Device) bool {
	return slices.ContainsFunc(s.vendors, func(p *profile) bool { return p.Name == d.Profile })
}

// hasPart tells whether one of the device's parts is called by a model.
func (r *Recording) hasPart(model string) bool {
	return slices.ContainsFunc(r.varbinds, func(vb Varbind) bool { return below(hrDeviceDescr, vb.OID) && strings.Contains(vb.Value.Text(), model) })
}

// noting is an Asker that notes what was read.
type noting struct {
	Asker
	read map[string]bool
}

func (n *noting) Get(ctx context.Context, oids []string) (Answers, error) {
	answers, err := n.Asker.Get(ctx, oids)
	for oid := range answers {
		n.read[oid] = true
	}
	return answers, err
}

func (n *noting) Column(ctx context.Context, root string, max int) ([]Varbind, error) {
	column, err := n.Asker.Column(ctx, root, max)
	for _, vb := range column {
		n.read[vb.OID] = true
	}
	return column, err
}

// masker masks one recording.
type masker struct {
	counts  map[string]int
	read    map[string]bool // a profile goes by these
	lenient bool            // so leave them as they are, but for patterns
	fixed   bool            // what is masked keeps its length
	model   string
	serial  string

	names   []spot   // of texts that say who or where: wholly private
	serials []spot   // of serial numbers
	open    []string // objects, or columns, that say what the machine is, in words of its maker's own

	words   map[string]bool // that may stay
	secrets []string        // texts that may not stand anywhere
	known   map[[4]int]bool // addresses that are ones for sure
	indexes []string        // the same as they stand in OIDs, with a dot at both ends

	pseudonyms map[string]string // by serial
	inOrder    []string          // the serials that may stand inside other texts, the longest first
	given      map[string]bool   // pseudonyms
	macs       map[string]int
	ips        map[string]int
}

//go:embed words.txt
var wordList string

// spot is an object, or a column, and how to read it.
type spot struct {
	oid  string
	rule *textRule
}

const hrDeviceDescr = "1.3.6.1.2.1.25.3.2.1.3"

// Who and where any device says it is (RFC 3418, 3805, 4133).
var (
	nameOIDs   = []string{"1.3.6.1.2.1.1.4", "1.3.6.1.2.1.1.5", "1.3.6.1.2.1.1.6", "1.3.6.1.2.1.43.5.1.1.4", "1.3.6.1.2.1.43.5.1.1.5", "1.3.6.1.2.1.43.5.1.1.16"}
	serialOIDs = []string{"1.3.6.1.2.1.43.5.1.1.17", "1.3.6.1.2.1.47.1.1.1.1.11"}
	openOIDs   = []string{sysDescr, hrDeviceDescr, "1.3.6.1.2.1.47.1.1.1.1.2", "1.3.6.1.2.1.47.1.1.1.1.13"}
)

// Private are the trees that Mask leaves out whatever is in them. There is no use in asking a device for them.
func Private() []string { return slices.Clone(leftOut) }

// Trees that hold nothing but what is private, or other machines: addresses and connections, programs and their
// arguments, neighbours, SNMP's own users; journals of print jobs; Kyocera's address book.
var leftOut = []string{
	"1.3.6.1.2.1.3", "1.3.6.1.2.1.4", "1.3.6.1.2.1.6", "1.3.6.1.2.1.7", "1.3.6.1.2.1.15", "1.3.6.1.2.1.16", "1.3.6.1.2.1.17",
	"1.3.6.1.2.1.25.4", "1.3.6.1.2.1.25.5", "1.3.6.1.2.1.25.6", "1.3.6.1.2.1.25.3.8", "1.3.6.1.2.1.55", "1.0.8802", "1.3.6.1.6.3",
	"1.3.6.1.4.1.2699.1.1", "1.3.6.1.4.1.253.8.51.5", "1.3.6.1.4.1.1347.47.6",
}

func (s *Set) masker(r *Recording, before lookedAt, secrets []string) *masker {
	m := &masker{
		counts: map[string]int{}, read: before.read, model: before.model, serial: before.device.Identity.Serial,
		names: plain(nameOIDs), serials: plain(serialOIDs), open: slices.Clone(openOIDs),
		words: map[string]bool{}, known: map[[4]int]bool{},
		pseudonyms: map[string]string{}, given: map[string]bool{}, macs: map[string]int{}, ips: map[string]int{},
	}
	for line := range strings.Lines(wordList) {
		if !strings.HasPrefix(line, "#") {
			m.knowWords(line)
		}
	}
	m.knowWords(m.model)
	for _, p := range slices.Concat(s.vendors, s.neutral) {
		m.names = append(m.names, spots(slices.Concat(p.Identity.Name, p.Identity.Location))...)
		m.serials = append(m.serials, spots(p.Identity.Serial)...)
		for _, model := range spots(p.Identity.Model) {
			m.open = append(m.open, model.oid)
		}
		for i := range p.Rows {
			m.knowWords(p.Rows[i].Is...)
		}
		for i := range p.Fax {
			m.knowWords(p.Fax[i].Is...)
		}
		for _, claims := range [][]stateRule{p.FaxService, p.Lines.states()} {
			for i := range claims {
				m.knowWords(slices.Collect(maps.Keys(claims[i].Map))...)
			}
		}
	}
	m.learn(r, secrets)
	return m
}

func (l *lines) states() []stateRule {
	if l == nil {
		return nil
	}
	return l.Status
}

func plain(oids []string) []spot {
	var all []spot
	for _, oid := range oids {
		all = append(all, spot{oid, new(textRule)})
	}
	return all
}

// spots are where rules look, up to where a row would go.
func spots(rules []textRule) []spot {
	var all []spot
	for i := range rules {
		stem := strings.TrimSuffix(rules[i].OID, ".?")
		stem, _, _ = strings.Cut(stem, ".{")
		all = append(all, spot{stem, &rules[i]})
	}
	return all
}

// parts are what is to be hidden of a value, because of where it stands.
func parts(spots []spot, vb Varbind) []string {
	var texts []string
	for _, p := range spots {
		if vb.OID != p.oid && !below(p.oid, vb.OID) {
			continue
		}
		if text := p.rule.text(vb.Value); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

func (m *masker) knowWords(texts ...string) {
	for _, text := range texts {
		for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return r < 128 && !letter(byte(r)) }) {
			m.words[word] = true
		}
	}
}

// learn collects what must not stand anywhere, wherever it was found first.
func (m *masker) learn(r *Recording, secrets []string) {
	given := len(secrets) // of these not even words that machines use may stay, but for a single one such as public
	for _, vb := range r.varbinds {
		switch vb.Value.Kind {
		case IPAddress:
			m.knowAddress(vb.Value.Text())
		case OctetString:
			if len(vb.Value.Bytes) == 6 && below(ifPhysAddr, vb.OID) {
				m.indexes = append(m.indexes, dotted(vb.Value.Bytes))
			}
			for _, name := range parts(m.names, vb) {
				secrets = append(secrets, name)
				secrets = append(secrets, m.wordsOf(name)...)
			}
			for _, serial := range parts(m.serials, vb) {
				m.pseudonym(serial)
			}
		default:
			if len(parts(m.serials, vb)) > 0 {
				m.serialNumber(vb.Value.Int)
			}
		}
	}
	if m.serial != "" {
		m.pseudonym(m.serial)
	}
	for i, secret := range secrets {
		m.knowAddress(secret)
		credential := i < given && strings.ContainsFunc(secret, func(r rune) bool { return r < 128 && !letter(byte(r)) })
		if len(secret) >= 3 && !masked(secret) && (credential || !m.harmless(secret)) {
			m.secrets = append(m.secrets, secret)
		}
	}
	for serial := range m.pseudonyms {
		if len(serial) >= 5 {
			m.inOrder = append(m.inOrder, serial)
		}
	}
	for _, texts := range [][]string{m.secrets, m.inOrder} {
		slices.SortFunc(texts, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	}
}

// wordsOf are the words of a name, and hosts without their domain, that may stand in a description too.
func (m *masker) wordsOf(name string) []string {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" ,;/()", r) })
	for i, word := range words {
		words[i], _, _ = strings.Cut(word, ".")
	}
	return slices.DeleteFunc(words, func(word string) bool { return len(word) < 4 })
}

// harmless tells whether a text has only words that may stay anyway.
func (m *masker) harmless(text string) bool {
	return strings.Contains(m.model, text) || m.scan(text, false, true) == text
}

func (m *masker) knowAddress(text string) {
	if quad, ok := quadOf(text); ok && quad[0] != 0 && quad[0] != 127 && quad[0] != 255 {
		m.known[quad] = true
		if quad[0] < 10 {
			return // OIDs are full of such numbers
		}
		m.indexes = append(m.indexes, dotted([]byte{byte(quad[0]), byte(quad[1]), byte(quad[2]), byte(quad[3])}))
	}
}

// dotted are octets as they stand in an OID.
func dotted(raw []byte) string {
	var b strings.Builder
	for _, octet := range raw {
		fmt.Fprintf(&b, ".%d", octet)
	}
	return b.String() + "."
}

func under(roots []string, oid string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return oid == root || below(root, oid) })
}

func (m *masker) recording(r *Recording) *Recording {
	kept := make([]Varbind, 0, len(r.varbinds))
	for _, vb := range r.varbinds {
		if !m.read[vb.OID] && (under(leftOut, vb.OID) || m.privateIndex(vb.OID)) {
			m.count("objects left out")
			continue
		}
		switch vb.Value.Kind {
		case IPAddress:
			vb.Value.Bytes = m.ipBytes(vb.Value.Bytes)
		case OctetString:
			vb.Value.Bytes = m.octets(vb)
		case ObjectID:
			if !m.read[vb.OID] && m.privateIndex(vb.Value.OID) {
				vb.Value.OID = "0.0"
				m.count("object ids")
			}
		default:
			vb.Value = m.number(vb)
		}
		kept = append(kept, vb)
	}
	return NewRecording(kept)
}

// number masks a number that is a serial number, or an address either way round.
func (m *masker) number(vb Varbind) Value {
	v := vb.Value
	pseudonym, known := m.pseudonyms[strconv.FormatInt(v.Int, 10)]
	if len(parts(m.serials, vb)) > 0 || known && len(pseudonym) >= 5 && !m.read[vb.OID] {
		v.Int = m.serialNumber(v.Int)
		return v
	}
	if m.read[vb.OID] || v.Kind == Counter || v.Kind == Counter64 || v.Kind == TimeTicks {
		return v
	}
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		raw := make([]byte, 4)
		order.PutUint32(raw, uint32(v.Int))
		if !m.known[[4]int{int(raw[0]), int(raw[1]), int(raw[2]), int(raw[3])}] {
			continue
		}
		if v.Int = int64(order.Uint32(m.ipBytes(raw))); v.Kind == Integer {
			v.Int = int64(int32(v.Int))
		}
		return v
	}
	return v
}

func (m *masker) count(what string) { m.counts[what]++ }

// privateIndex tells whether the numbers of an OID spell an address or a word.
func (m *masker) privateIndex(oid string) bool {
	for _, index := range m.indexes {
		if strings.Contains(oid+".", index) {
			return true
		}
	}
	var spelt []byte
	private := func() bool {
		text := string(spelt)
		spelt = spelt[:0]
		return len(text) >= 4 && strings.ContainsFunc(text, func(r rune) bool { return !isDigit(byte(r)) }) && m.scan(text, false, true) != text ||
			len(text) >= 6 // of digits
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(oid, enterprises), ".") {
		n := 0
		for _, digit := range part {
			n = min(n*10+int(digit-'0'), 255)
		}
		if n < 128 && alnum(byte(n)) {
			spelt = append(spelt, byte(n))
		} else if private() {
			return true
		}
	}
	return private()
}

// octets masks a value that is a text, or bytes.
func (m *masker) octets(vb Varbind) []byte {
	raw, oid := vb.Value.Bytes, vb.OID
	text, ok := textOf(raw)
	names, serials := parts(m.names, vb), parts(m.serials, vb)
	switch {
	case len(raw) == 0:
		return raw
	case len(raw) == 6 && (oid == ifPhysAddr || below(ifPhysAddr, oid)):
		return m.macBytes(raw)
	case !ok && len(names) > 0:
		m.count("names")
		return []byte("<masked>")
	case !ok && m.serial != "" && bytes.Contains(raw, []byte(m.serial)):
		m.count("serial numbers")
		return bytes.ReplaceAll(raw, []byte(m.serial), []byte(m.pseudonym(m.serial)))
	case !ok && m.read[oid]:
		return m.readBytes(raw)
	case !ok:
		return m.binary(raw)
	}
	whole := cleanText([]byte(text.plain))
	switch {
	case slices.Contains(names, whole) || len(names) > 0 && text.wide > 0:
		text.plain = m.name(text.plain)
	case slices.Contains(serials, whole) || whole == m.serial && whole != "":
		text.plain = m.serialText(text.plain, whole)
	case len(serials) > 0: // and something else around it
		text.plain = m.text(m.serialText(text.plain, serials[0]), true)
	case slices.Contains(m.secrets, whole) && !m.read[oid]:
		text.plain = m.name(text.plain)
	default:
		text.plain = m.text(text.plain, under(m.open, oid) || m.lenient && m.read[oid])
	}
	return text.octets()
}

// name blanks a text that says who or where.
func (m *masker) name(text string) string {
	word := strings.TrimSpace(text)
	if word == "" || masked(word) || word == m.model {
		return text
	}
	m.count("names")
	if m.model != "" && strings.Contains(word, m.model) {
		return m.model // some profiles take the model from the name
	}
	return "<masked>"
}

// serialText replaces a serial number in a text.
func (m *masker) serialText(text, serial string) string {
	if pseudonym := m.pseudonym(serial); pseudonym != serial {
		m.count("serial numbers")
		if !strings.Contains(text, serial) {
			return pseudonym // around characters that were taken out of it
		}
		return strings.Replace(text, serial, pseudonym, 1)
	}
	return text
}

// serialNumber is the pseudonym of a serial that is told as a number, of nine digits at most.
func (m *masker) serialNumber(n int64) int64 {
	text := strconv.FormatInt(n, 10)
	pseudonym, err := strconv.ParseInt(m.pseudonym(text[:min(len(text), 9)]), 10, 64)
	if err != nil || pseudonym == n {
		return n
	}
	m.count("serial numbers")
	m.pseudonyms[text] = strconv.FormatInt(pseudonym, 10)
	return pseudonym
}

// pseudonym is an invented serial number of the same form. Its last two places tell two machines of
// one model apart, and not more: one serial number in a hundred gets the same. An invented one stays.
func (m *masker) pseudonym(serial string) string {
	serial = strings.TrimSpace(serial)
	if serialSlug(serial) == "" {
		return serial
	}
	if known, ok := m.pseudonyms[serial]; ok {
		return known
	}
	invented := serial
	if !isInvented(serial) {
		for n := range uint32(100) { // those of one recording differ
			if invented = shaped(serial, mark(serial)+n); !m.given[invented] {
				break
			}
		}
	}
	m.given[invented] = true
	m.pseudonyms[serial] = invented
	return invented
}

// mark is a number below 100 that says nearly nothing of a text, but mostly differs from another's.
func mark[T string | []byte](text T) uint32 {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(text))
	return sum.Sum32() % 100
}

func isInvented(serial string) bool {
	for n := range uint32(100) {
		if shaped(serial, n) == serial {
			return true
		}
	}
	return false
}

// shaped counts up in the places of letters and digits; the last two are n's.
func shaped(text string, n uint32) string {
	out := []byte(text)
	places := 0
	for i, c := range out {
		switch {
		case c >= '0' && c <= '9':
			out[i] = '1' + byte(places%9)
		case c >= 'a' && c <= 'z':
			out[i] = 'a' + byte(places%26)
		case c >= 'A' && c <= 'Z':
			out[i] = 'A' + byte(places%26)
		default:
			continue
		}
		places++
	}
	for i, left := len(out)-1, 2; i >= 0 && left > 0; i-- {
		if c := out[i]; c >= 0x80 || !alnum(c) {
			continue
		} else if isDigit(c) {
			out[i] = '0' + byte(n%10)
		} else {
			out[i] = c&^0x1f + 1 + byte(n%10)
		}
		n /= 10
		left--
	}
	return string(out)
}
