package sim

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

var noContext = context.Background()

// Options are what makes a device one of its kind.
type Options struct {
	Number    int              // makes up the serial, host name and location that aren't given, and how old it is
	Serial    string           // default: the description's pattern with Number
	Host      string           // sysName
	Location  string           // sysLocation
	Community string           // default "public"
	Now       func() time.Time // default time.Now
}

// Device is one simulated machine. Its methods may be called from any goroutine.
type Device struct {
	desc      *Description
	host      string
	location  string
	community string
	now       func() time.Time

	mu      sync.Mutex
	table   *table
	own     []object // the objects once they differ from the description's
	place   int      // which row numbers are in use
	state   string
	serial  string
	boot    time.Time
	tally   [events]int64 // the truth
	fault   Fault
	counted Requests
}

// Fault is how a device misbehaves; the zero value is healthy.
type Fault struct {
	Silent  bool          // answers nothing
	Delay   time.Duration // answers late, and one request after the other
	OnlyV1  bool          // answers SNMPv1 only
	WrongID bool          // answers with another request id
	Garbage []byte        // answers this
	TooBig  int           // answers tooBig to more objects in one request; 0 = takes all
	GenErr  string        // answers genErr to requests for this OID; "*" = to all
}

// Requests are what a device was asked so far.
type Requests struct {
	Gets, Nexts, Bulks, Sets int
	Varbinds                 int // in all of them
	Refused                  int // unreadable, of an unknown version or community: not answered
}

// All is the number of requests of a known kind.
func (r Requests) All() int { return r.Gets + r.Nexts + r.Bulks + r.Sets }

// New makes a device. It answers once Serve is called.
func New(d *Description, o Options) *Device {
	if o.Serial == "" {
		o.Serial = serialOf(d.serial, o.Number)
	}
	if o.Host == "" {
		o.Host = fmt.Sprintf("fax-%03d", o.Number)
	}
	if o.Location == "" {
		o.Location = fmt.Sprintf("Building %c, floor %d", 'A'+rune(o.Number%5), o.Number%4)
	}
	if o.Community == "" {
		o.Community = "public"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Device{
		desc: d, table: d.tables[0], serial: o.Serial, host: o.Host, location: o.Location, community: o.Community,
		now: o.Now, boot: o.Now().Add(-d.uptime - time.Duration(o.Number%97)*time.Hour),
	}
}

// serialOf puts the digits of n in the places of pattern's #, from the right.
func serialOf(pattern string, n int) string {
	serial := []byte(pattern)
	for i := len(serial) - 1; i >= 0; i-- {
		if serial[i] == '#' {
			serial[i] = '0' + byte(n%10)
			n /= 10
		}
	}
	return string(serial)
}

// Description is what the device was made of.
func (d *Device) Description() *Description { return d.desc }

// Serial is the serial number that it answers now; empty for a recording.
func (d *Device) Serial() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.serial
}

// ID is what zerofax should call it: vendor-serial (or vendor-mac-…) in lower case; empty for a recording.
func (d *Device) ID() string {
	if d.desc.Vendor == "" {
		return ""
	}
	return d.desc.Vendor + "-" + strings.ToLower(strings.ReplaceAll(d.desc.id, "{serial}", d.Serial()))
}

// Fax lets the machine send and receive pages: one job each if there are any.
func (d *Device) Fax(sent, received int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sent > 0 {
		d.tally[Sent] += int64(sent)
		d.tally[SentJobs]++
	}
	if received > 0 {
		d.tally[Received] += int64(received)
		d.tally[ReceivedJobs]++
	}
}

// Print lets the machine print pages that are no faxes.
func (d *Device) Print(pages int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tally[Printed] += int64(pages)
}

// Count is the truth: what happened since the device was made, whatever it answers. It is
// 0 for a measure that this machine doesn't tell.
func (d *Device) Count(measure wire.Measure) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sum(d.desc.counts(measure))
}

func (d *Device) sum(counts []Event) (n int64) {
	for _, event := range counts {
		n += d.tally[event]
	}
	return n
}

// Reset sets all counters that the machine answers to 0, as a new controller board does.
// undo brings the old ones back with all that was counted meanwhile, as machines do that
// say 0 while they boot.
func (d *Device) Reset() (undo func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := slices.Clone(d.objects())
	for i, o := range d.objects() {
		if len(o.adds) > 0 {
			d.own[i].base = -d.sum(o.adds)
		}
	}
	d.rebuild()
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.own = before
		d.rebuild()
	}
}

// SetCounter lets a counter go on from value: to bring it near its limit, say.
func (d *Device) SetCounter(oid string, value int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.find(oid); o != nil && len(o.adds) > 0 {
		o.base = value - d.sum(o.adds)
		d.rebuild()
	}
}

// Set gives an object another value; it stops counting. An OID that the device doesn't
// have is added.
func (d *Device) Set(oid string, v mibs.Value) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := object{oid: oid, kind: ber[v.Kind], value: encodable(v)}
	if o := d.find(oid); o != nil {
		set.oid = o.oid // keep its {row}
		*o = set
	} else {
		d.own = append(d.own, set)
	}
	d.rebuild()
}

// Remove takes an object away.
func (d *Device) Remove(oid string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fill := fillRows(d.desc.rows, d.place)
	d.own = slices.DeleteFunc(d.objects(), func(o object) bool { return fill.Replace(o.oid) == oid })
	d.rebuild()
}

// MoveRows gives all rows that the description has placeholders for other numbers, as
// machines do when an option is installed. It is the first set again after the last.
func (d *Device) MoveRows() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.place = (d.place + 1) % len(d.desc.tables)
	d.rebuild()
}

// Enter puts the device in a state of its description ("busy", "line-down"); "" is the
// ordinary one. It tells whether the description knows it.
func (d *Device) Enter(state string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.desc.states[state]; !known && state != "" {
		return false
	}
	d.state = state
	d.rebuild()
	return true
}

// Reboot lets sysUpTime begin again at 0.
func (d *Device) Reboot() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.boot = d.now()
}

// SetSerial makes it another machine at the same address.
func (d *Device) SetSerial(serial string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serial = serial
}

// SetFault makes the device misbehave from the next request on, only in the way given.
func (d *Device) SetFault(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// Requests tells what the device was asked so far.
func (d *Device) Requests() Requests {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counted
}

// Recording is what a walk of the device would bring now.
func (d *Device) Recording() *mibs.Recording {
	d.mu.Lock()
	defer d.mu.Unlock()
	varbinds := make([]mibs.Varbind, len(d.table.objects))
	for i := range d.table.objects {
		o := &d.table.objects[i]
		varbinds[i] = mibs.Varbind{OID: o.oid, Value: readable(o.kind, d.value(o))}
	}
	return mibs.NewRecording(varbinds)
}

func readable(kind gosnmp.Asn1BER, value any) mibs.Value {
	v := mibs.Value{Kind: mibs.Kind(slices.Index(ber[:], kind))}
	switch value := value.(type) {
	case int:
		v.Int = int64(value)
	case uint32:
		v.Int = int64(value)
	case uint64:
		v.Int = int64(value)
	case []byte:
		v.Bytes = value
	case string:
		v.OID = value
	}
	return v
}

// value is what an object answers now, as gosnmp encodes it.
func (d *Device) value(o *object) any {
	switch {
	case o.uptime:
		return uint32(d.now().Sub(d.boot) / (10 * time.Millisecond))
	case o.text != "":
		text := strings.ReplaceAll(o.text, "{serial}", d.serial)
		text = strings.ReplaceAll(text, "{host}", d.host)
		text = strings.ReplaceAll(text, "{location}", d.location)
		if raw, err := hex.DecodeString(text); o.hex && err == nil {
			return raw
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && o.kind != gosnmp.OctetString {
			return number(o.kind, n)
		}
		return slices.Concat(o.prefix, []byte(text))
	case len(o.adds) > 0 && o.float:
		return float(o.base + d.sum(o.adds))
	case len(o.adds) > 0:
		return number(o.kind, o.base+d.sum(o.adds))
	}
	return o.value
}

// objects are the device's own from now on.
func (d *Device) objects() []object {
	if d.own == nil {
		d.own = slices.Clone(d.desc.objects)
	}
	return d.own
}

// find is the own object that stands at oid now, nil if there is none.
func (d *Device) find(oid string) *object {
	fill := fillRows(d.desc.rows, d.place)
	at := slices.IndexFunc(d.objects(), func(o object) bool { return fill.Replace(o.oid) == oid })
	if at < 0 {
		return nil
	}
	return &d.own[at]
}

func (d *Device) rebuild() {
	if d.own == nil && d.state == "" {
		d.table = d.desc.tables[d.place]
		return
	}
	objects := d.desc.objects
	if d.own != nil {
		objects = d.own
	}
	d.table = newTable(slices.Concat(objects, d.desc.states[d.state]), d.desc.rows, d.place)
}
