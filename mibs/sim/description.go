// Package sim simulates fax machines and gateways that answer SNMPv1 and SNMPv2c on
// loopback addresses, for tests, benchmarks and the demo. What a machine looks like is a
// Description (devices/*.yml, or a recording of a real one); what happens to it is up to
// the caller: faxes, resets, reboots, faults. It always knows the true count, whatever it
// answers, so that a test can compare the far end with it.
package sim

import (
	"cmp"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/agent/yamlfile"
	"github.com/zerofax/zerofax/mibs"
)

//go:embed devices/*.yml
var builtin embed.FS

const sysUpTime = "1.3.6.1.2.1.1.3.0"

// Event is something that happens to a machine and that its objects may count.
type Event uint8

// The events. A fax job of 3 pages is one SentJobs and three Sent.
const (
	Sent Event = iota // pages
	SentJobs
	Received // pages; they are printed at once
	ReceivedJobs
	Printed // pages that have nothing to do with faxes
	events
)

var eventNames = [events]string{"sent", "sent_jobs", "received", "received_jobs", "printed"}

// UnmarshalText reads an event's name in a device file.
func (e *Event) UnmarshalText(text []byte) error {
	at := slices.Index(eventNames[:], string(text))
	if at < 0 {
		return fmt.Errorf("%q; want one of %s", text, strings.Join(eventNames[:], ", "))
	}
	*e = Event(at)
	return nil
}

// Description is one model of machine, shared by all devices of it. It doesn't change
// once a device was made of it.
type Description struct {
	Name   string // unique, e.g. "kyocera-taskalfa-2554ci"
	Vendor string // slug that device ids begin with; empty for a recording
	Model  string

	id      string // what follows vendor in device ids, with {serial}
	serial  string // every # stands for a digit
	uptime  time.Duration
	rows    map[string][]uint32 // placeholder in OIDs → its row at each place
	objects []object
	states  map[string][]object
	tables  []*table // one a place: what all unchanged devices share
	codec   *gosnmp.GoSNMP
}

// object is what a description says about one OID.
type object struct {
	oid     string // with {row} placeholders
	kind    gosnmp.Asn1BER
	value   any    // as gosnmp encodes it; nil if it has to be made at each request
	text    string // with {serial}, {host} or {location}
	hex     bool   // text is hexadecimal
	prefix  []byte // stands before text
	float   bool   // its number is four bytes of IEEE 754
	base    int64
	adds    []Event
	uptime  bool
	row     string // its value is this row number
	measure wire.Measure
}

// file is the form of devices/*.yml.
type file struct {
	Vendor  string                 `yaml:"vendor"`
	ID      string                 `yaml:"id"`     // what follows vendor in device ids; default {serial}
	Models  []map[string]string    `yaml:"models"` // name, model, serial, maybe another vendor, and any other placeholder
	Uptime  time.Duration          `yaml:"uptime"` // when a device starts
	Roots   map[string]string      `yaml:"roots"`  // short names for the beginnings of OIDs
	Rows    map[string][]uint32    `yaml:"rows"`   // {name} in OIDs → its row number; MoveRows goes on to the next
	Objects []fileObject           `yaml:"objects"`
	States  map[string]fileObjects `yaml:"states"` // what differs while the device is in that state
}

type fileObjects = []fileObject

type fileObject struct {
	OID     string       `yaml:"oid"`     // with {row}, or {0-7} for an object each; {n} in Value is its number
	Type    string       `yaml:"type"`    // uptime, row, or a key of kinds
	Value   string       `yaml:"value"`   // of a row: its name
	Counts  []Event      `yaml:"counts"`  // what it counts, from value on
	Measure wire.Measure `yaml:"measure"` // what the count is to a reader of this machine
}

// Builtin are the machines of devices/*.yml: first one of each kind, then another of each.
func Builtin() ([]*Description, error) { return Load(builtin, "devices") }

// Load reads all device files (*.yml) of a folder. Errors name file and line.
func Load(fsys fs.FS, dir string) ([]*Description, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.yml"))
	if err != nil {
		return nil, fmt.Errorf("find device files: %w", err)
	}
	var kinds [][]*Description
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read device file: %w", err)
		}
		models, err := Parse(name, data)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, models)
	}
	return inTurn(kinds), nil
}

func inTurn(kinds [][]*Description) (all []*Description) {
	for n := 0; ; n++ {
		before := len(all)
		for _, models := range kinds {
			if n < len(models) {
				all = append(all, models[n])
			}
		}
		if len(all) == before {
			return all
		}
	}
}

// Parse reads one device file, which may describe several models.
func Parse(name string, data []byte) ([]*Description, error) {
	f := file{ID: "{serial}"}
	doc := yamlfile.Decode(name, data, &f)
	if len(f.Models) == 0 {
		doc.Fault([]any{"models"}, "missing; want at least one {name: …, model: …, serial: …}")
	}
	places := f.places(doc)
	models := make([]*Description, len(f.Models))
	for i, model := range f.Models {
		for _, key := range []string{"name", "model", "serial"} {
			if model[key] == "" {
				doc.Fault([]any{"models", i, key}, "missing")
			}
		}
		vendor := cmp.Or(model["vendor"], f.Vendor)
		d := &Description{
			Name: vendor + "-" + model["name"], Vendor: vendor, Model: model["model"],
			id: f.ID, serial: model["serial"], uptime: f.Uptime, rows: f.Rows, states: map[string][]object{},
		}
		c := compiler{doc: doc, file: &f, words: wordsOf(model), quiet: i > 0}
		d.objects = c.objects(f.Objects, "objects")
		for state := range f.States {
			d.states[state] = c.objects(f.States[state], "states", state)
		}
		models[i] = d
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	for _, d := range models {
		d.finish(places)
	}
	return models, nil
}

// FromRecording describes the machine that a recording was made of. Nothing in it counts
// until Drive says so; its sysUpTime goes on from the recorded one.
func FromRecording(name string, rec *mibs.Recording) *Description {
	d := &Description{Name: name}
	for _, vb := range rec.Varbinds() {
		o := object{oid: vb.OID, kind: ber[vb.Value.Kind], value: encodable(vb.Value), base: vb.Value.Int}
		if vb.OID == sysUpTime {
			o.uptime, o.value = true, nil
			d.uptime = time.Duration(vb.Value.Int) * 10 * time.Millisecond
		}
		d.objects = append(d.objects, o)
	}
	d.finish(1)
	return d
}

// Drive makes a recording's object count events from its recorded value on. To be called
// before devices are made of the description.
func (d *Description) Drive(oid string, measure wire.Measure, counts ...Event) error {
	at := slices.IndexFunc(d.objects, func(o object) bool { return o.oid == oid })
	if at < 0 || !numeric(d.objects[at].kind) {
		return fmt.Errorf("drive %s: %s has no number there", oid, d.Name)
	}
	o := &d.objects[at]
	o.adds, o.measure, o.value = counts, measure, nil
	d.finish(1)
	return nil
}

// Measures are what a reader can learn from this machine, in the order in which people read them.
func (d *Description) Measures() []wire.Measure {
	var measures []wire.Measure
	for _, measure := range wire.Measures() {
		if d.counts(measure) != nil {
			measures = append(measures, measure)
		}
	}
	return measures
}

func (d *Description) counts(measure wire.Measure) []Event {
	for _, o := range d.objects {
		if o.measure == measure {
			return o.adds
		}
	}
	return nil
}

func (d *Description) finish(places int) {
	// Filled in here, so that decoding changes nothing and all devices can share it.
	d.codec = &gosnmp.GoSNMP{Transport: "udp", MaxOids: gosnmp.MaxOids, Context: noContext}
	d.tables = make([]*table, places)
	for place := range places {
		d.tables[place] = newTable(d.objects, d.rows, place)
	}
}

// places is how many sets of row numbers the file gives.
func (f *file) places(doc *yamlfile.Doc) int {
	places := 1
	for _, rows := range f.Rows {
		places = max(places, len(rows))
	}
	for name, rows := range f.Rows {
		if len(rows) != places {
			doc.Fault([]any{"rows", name}, "%d row numbers; want %d like the others", len(rows), places)
		}
	}
	return places
}

func wordsOf(model map[string]string) *strings.Replacer {
	var pairs []string
	for key, word := range model {
		if key != "serial" { // its own of every device
			pairs = append(pairs, "{"+key+"}", word)
		}
	}
	return strings.NewReplacer(pairs...)
}

// compiler turns the file's objects into those of one model.
type compiler struct {
	doc   *yamlfile.Doc
	file  *file
	words *strings.Replacer
	quiet bool // faults were told for the first model
}

func (c *compiler) objects(list []fileObject, where ...any) []object {
	var objects []object
	for i, given := range list {
		for _, from := range each(given) {
			o, key, err := c.object(from)
			if err != nil && !c.quiet {
				c.doc.Fault(append(slices.Clone(where), i, key), "%v", err)
			}
			objects = append(objects, o)
			if err != nil {
				break
			}
		}
	}
	return objects
}

var span = regexp.MustCompile(`\{(\d{1,3})-(\d{1,3})\}`)

// each is one object for every number of a {0-7} in the OID.
func each(given fileObject) (all []fileObject) {
	ends := span.FindStringSubmatch(given.OID)
	if ends == nil {
		return []fileObject{given}
	}
	first, _ := strconv.Atoi(ends[1]) // digits, as span has it
	last, _ := strconv.Atoi(ends[2])
	for n := first; n <= max(first, last); n++ {
		one := given
		one.OID = strings.Replace(given.OID, ends[0], strconv.Itoa(n), 1)
		one.Value = strings.ReplaceAll(given.Value, "{n}", strconv.Itoa(n))
		all = append(all, one)
	}
	return all
}

// object also tells which key is wrong if there is an error.
func (c *compiler) object(from fileObject) (o object, key string, err error) {
	o = object{adds: from.Counts, measure: from.Measure}
	if o.oid, err = c.oid(from.OID); err != nil {
		return o, "oid", err
	}
	switch from.Type {
	case "uptime":
		o.kind, o.uptime = gosnmp.TimeTicks, true
		return o, "", nil
	case "row":
		if _, known := c.file.Rows[from.Value]; !known {
			return o, "value", fmt.Errorf("%q; want a name of rows", from.Value)
		}
		o.kind, o.row = gosnmp.Integer, from.Value
		return o, "", nil
	}
	kind, known := kinds[from.Type]
	if !known {
		return o, "type", fmt.Errorf("%q; want uptime, row or one of %s", from.Type, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	o.kind = kind
	value := c.words.Replace(from.Value)
	if from.Type == "roman8" {
		o.prefix = romanEight
	}
	if kind == gosnmp.OctetString && strings.Contains(value, "{") || value == "{serial}" && numeric(kind) {
		o.text, o.hex = value, from.Type == "hex"
		return o, "", nil
	}
	if o.value, o.base, err = parseValue(from.Type, kind, value); err != nil {
		return o, "value", err
	}
	o.float = from.Type == "float"
	switch {
	case len(o.adds) > 0 && !numeric(kind) && !o.float:
		return o, "counts", fmt.Errorf("a %s can't count", from.Type)
	case len(o.adds) > 0:
		o.value = nil
	}
	return o, "", nil
}

func (c *compiler) oid(text string) (string, error) {
	first, rest, _ := strings.Cut(text, ".")
	if root, ok := c.file.Roots[first]; ok {
		text = root + "." + rest
	}
	text = c.words.Replace(text)
	plain := text
	for name := range c.file.Rows {
		plain = strings.ReplaceAll(plain, "{"+name+"}", "1")
	}
	if _, err := mibs.ParseOID(plain); err != nil {
		return "", err
	}
	return text, nil
}

var kinds = map[string]gosnmp.Asn1BER{
	"integer": gosnmp.Integer, "text": gosnmp.OctetString, "hex": gosnmp.OctetString, "oid": gosnmp.ObjectIdentifier,
	"roman8": gosnmp.OctetString, "float": gosnmp.OctetString, "ip": gosnmp.IPAddress, "counter": gosnmp.Counter32, "gauge": gosnmp.Gauge32, "timeticks": gosnmp.TimeTicks,
	"counter64": gosnmp.Counter64,
}

var ber = [...]gosnmp.Asn1BER{
	mibs.Null: gosnmp.Null, mibs.Integer: gosnmp.Integer, mibs.OctetString: gosnmp.OctetString,
	mibs.ObjectID: gosnmp.ObjectIdentifier, mibs.IPAddress: gosnmp.IPAddress, mibs.Counter: gosnmp.Counter32,
	mibs.Gauge: gosnmp.Gauge32, mibs.TimeTicks: gosnmp.TimeTicks, mibs.Counter64: gosnmp.Counter64,
}

func numeric(kind gosnmp.Asn1BER) bool {
	switch kind {
	case gosnmp.Integer, gosnmp.Counter32, gosnmp.Gauge32, gosnmp.TimeTicks, gosnmp.Counter64:
		return true
	}
	return false
}

func parseValue(name string, kind gosnmp.Asn1BER, text string) (value any, n int64, err error) {
	switch {
	case name == "text":
		return []byte(text), 0, nil
	case name == "roman8":
		return slices.Concat(romanEight, []byte(text)), 0, nil
	case name == "hex":
		raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		return raw, 0, err
	case name == "oid":
		oid, err := mibs.ParseOID(text)
		return oid, 0, err
	case name == "ip":
		ip, err := netip.ParseAddr(text)
		if err != nil || !ip.Is4() {
			return nil, 0, fmt.Errorf("%q; want an IPv4 address", text)
		}
		return ip.AsSlice(), 0, nil
	}
	if n, err = strconv.ParseInt(text, 10, 64); err != nil {
		return nil, 0, fmt.Errorf("%q; want a whole number", text)
	}
	if name == "float" {
		return float(n), n, nil
	}
	return number(kind, n), n, nil
}

// romanEight is what HP's texts begin with: the character set that they are in.
var romanEight = []byte{0x01, 0x15}

// float is n as HP's machines answer counts of pages.
func float(n int64) []byte {
	return binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(n)))
}

// number is n as gosnmp encodes it, wrapped as the kind wraps.
func number(kind gosnmp.Asn1BER, n int64) any {
	switch kind {
	case gosnmp.Integer:
		if n > math.MaxInt32 {
			n &= math.MaxInt32
		}
		return int(n)
	case gosnmp.Counter64:
		return uint64(n)
	}
	return uint32(n)
}

func encodable(v mibs.Value) any {
	switch v.Kind {
	case mibs.OctetString, mibs.IPAddress:
		return v.Bytes
	case mibs.ObjectID:
		return v.OID
	case mibs.Null:
		return nil
	}
	return number(ber[v.Kind], v.Int)
}
