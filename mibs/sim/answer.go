package sim

import (
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"
)

// maxVarbinds bounds an answer to GETBULK, as the size of a datagram does.
const maxVarbinds = 64

// Answer is what the device says to one datagram, nil if it stays silent, and how long it
// takes its time.
func (d *Device) Answer(request []byte) (reply []byte, after time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	in, err := d.desc.codec.SnmpDecodePacket(request)
	if err != nil || in.Community != d.community || !d.speaks(in.Version) {
		d.counted.Refused++
		return nil, 0
	}
	out := &gosnmp.SnmpPacket{
		Version: in.Version, Community: in.Community, PDUType: gosnmp.GetResponse, RequestID: in.RequestID,
	}
	if !d.dispatch(in, out) {
		d.counted.Refused++
		return nil, 0
	}
	switch {
	case d.fault.Silent:
		return nil, 0
	case d.fault.Garbage != nil:
		return d.fault.Garbage, d.fault.Delay
	case d.fault.WrongID:
		out.RequestID ^= 0x5555
	}
	if reply, err = out.MarshalMsg(); err != nil {
		return nil, 0 // an object that SNMP can't carry; the tests encode all
	}
	return reply, d.fault.Delay
}

func (d *Device) speaks(version gosnmp.SnmpVersion) bool {
	return version == gosnmp.Version1 || version == gosnmp.Version2c && !d.fault.OnlyV1
}

// dispatch counts and answers a request; false if it isn't one.
func (d *Device) dispatch(in, out *gosnmp.SnmpPacket) bool {
	switch in.PDUType {
	case gosnmp.GetRequest:
		d.counted.Gets++
		d.counted.Varbinds += len(in.Variables)
		if !d.broken(in, out) {
			d.get(in, out)
		}
	case gosnmp.GetNextRequest:
		d.counted.Nexts++
		d.counted.Varbinds += len(in.Variables)
		if !d.broken(in, out) {
			d.getNext(in, out)
		}
	case gosnmp.GetBulkRequest:
		if in.Version == gosnmp.Version1 {
			return false
		}
		d.counted.Bulks++
		d.counted.Varbinds += len(in.Variables)
		if !d.broken(in, out) {
			d.getBulk(in, out)
		}
	case gosnmp.SetRequest:
		d.counted.Sets++
		refuse(in, out, 1, notWritable(in.Version))
	default:
		return false
	}
	return true
}

// broken answers with the fault that the device has, if it has one.
func (d *Device) broken(in, out *gosnmp.SnmpPacket) bool {
	if d.fault.TooBig > 0 && len(in.Variables) > d.fault.TooBig {
		refuse(in, out, 0, gosnmp.TooBig)
		return true
	}
	for i, v := range in.Variables {
		if d.fault.GenErr == "*" || d.fault.GenErr != "" && strings.TrimPrefix(v.Name, ".") == d.fault.GenErr {
			refuse(in, out, i+1, gosnmp.GenErr)
			return true
		}
	}
	return false
}

func (d *Device) get(in, out *gosnmp.SnmpPacket) {
	out.Variables = make([]gosnmp.SnmpPDU, len(in.Variables))
	for i, v := range in.Variables {
		oid := strings.TrimPrefix(v.Name, ".")
		o := d.table.get(oid)
		switch {
		case o != nil && carries(in.Version, o):
			out.Variables[i] = d.pdu(o)
		case in.Version == gosnmp.Version1:
			refuse(in, out, i+1, gosnmp.NoSuchName)
			return
		case d.table.hasColumn(oid):
			out.Variables[i] = gosnmp.SnmpPDU{Name: oid, Type: gosnmp.NoSuchInstance}
		default:
			out.Variables[i] = gosnmp.SnmpPDU{Name: oid, Type: gosnmp.NoSuchObject}
		}
	}
}

func (d *Device) getNext(in, out *gosnmp.SnmpPacket) {
	out.Variables = make([]gosnmp.SnmpPDU, len(in.Variables))
	for i, v := range in.Variables {
		out.Variables[i] = d.next(in.Version, strings.TrimPrefix(v.Name, "."))
		if in.Version == gosnmp.Version1 && out.Variables[i].Type == gosnmp.EndOfMibView {
			refuse(in, out, i+1, gosnmp.NoSuchName)
			return
		}
	}
}

func (d *Device) getBulk(in, out *gosnmp.SnmpPacket) {
	once := min(int(in.NonRepeaters), len(in.Variables))
	for _, v := range in.Variables[:once] {
		out.Variables = append(out.Variables, d.next(in.Version, strings.TrimPrefix(v.Name, ".")))
	}
	repeated := make([]string, 0, len(in.Variables)-once)
	for _, v := range in.Variables[once:] {
		repeated = append(repeated, strings.TrimPrefix(v.Name, "."))
	}
	ended := len(repeated) == 0
	for n := uint32(0); n < in.MaxRepetitions && !ended; n++ {
		ended = true
		for i, oid := range repeated {
			if len(out.Variables) == maxVarbinds {
				return
			}
			next := d.next(in.Version, oid)
			out.Variables = append(out.Variables, next)
			repeated[i] = next.Name
			ended = ended && next.Type == gosnmp.EndOfMibView
		}
	}
}

// next is the first object behind oid, or oid with endOfMibView.
func (d *Device) next(version gosnmp.SnmpVersion, oid string) gosnmp.SnmpPDU {
	for o := d.table.next(oid); o != nil; o = d.table.next(o.oid) {
		if carries(version, o) {
			return d.pdu(o)
		}
	}
	return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.EndOfMibView}
}

func (d *Device) pdu(o *object) gosnmp.SnmpPDU {
	return gosnmp.SnmpPDU{Name: o.oid, Type: o.kind, Value: d.value(o)}
}

// carries tells whether a version knows the type of an object (RFC 2576, section 4.1.2.1).
func carries(version gosnmp.SnmpVersion, o *object) bool {
	return version != gosnmp.Version1 || o.kind != gosnmp.Counter64
}

// refuse answers with an error and the variables as they were asked.
func refuse(in, out *gosnmp.SnmpPacket, index int, why gosnmp.SNMPError) {
	out.Error, out.ErrorIndex = why, uint8(min(index, 255))
	out.Variables = make([]gosnmp.SnmpPDU, len(in.Variables))
	for i, v := range in.Variables {
		out.Variables[i] = gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.Null}
	}
}

func notWritable(version gosnmp.SnmpVersion) gosnmp.SNMPError {
	if version == gosnmp.Version1 {
		return gosnmp.NoSuchName
	}
	return gosnmp.NotWritable
}
