package poll

import (
	"encoding/binary"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// heard is what is kept of a target's answers.
type heard struct {
	latest   *packed
	counters *packed // the last with counters
}

func (l *heard) add(p *packed) {
	l.latest = p
	if p.due&mibs.Counters != 0 {
		l.counters = p
	}
}

// packed is the answer to one GET, in some ten bytes an object: it is kept of ten thousand
// devices for a page that is seldom looked at. It never changes.
type packed struct {
	is     *mibs.Device
	due    mibs.Due
	at     wire.Time
	values []byte // of is.OIDs(due), each: its kind, then a number, or a length and bytes
}

const (
	absent        = 0xff // in the place of a kind
	maxPackedText = 1 << 10
)

func pack(is *mibs.Device, due mibs.Due, at wire.Time, answers mibs.Answers) *packed {
	oids := is.OIDs(due)
	values := make([]byte, 0, 16*len(oids))
	for _, oid := range oids {
		v, told := answers[oid]
		if !told {
			values = append(values, absent)
			continue
		}
		values = append(values, byte(v.Kind))
		switch v.Kind {
		case mibs.Null:
		case mibs.OctetString, mibs.IPAddress:
			text := v.Bytes[:min(len(v.Bytes), maxPackedText)]
			values = append(binary.AppendUvarint(values, uint64(len(text))), text...)
		case mibs.ObjectID:
			values = append(binary.AppendUvarint(values, uint64(len(v.OID))), v.OID...)
		default:
			values = binary.AppendVarint(values, v.Int)
		}
	}
	return &packed{is: is, due: due, at: at, values: values}
}

// unpack makes the reading anew.
func (p *packed) unpack() Look {
	look := Look{At: p.at.Std()}
	answers := mibs.Answers{}
	rest := p.values
	for _, oid := range p.is.OIDs(p.due) {
		answer := Answer{OID: oid, Use: p.is.Use(oid)}
		answer.Value, answer.Told, rest = unpackOne(rest)
		if answer.Told {
			answers[oid] = answer.Value
		}
		look.Answers = append(look.Answers, answer)
	}
	look.Result = p.is.Read(p.at, p.due, answers)
	look.Measures = p.is.Measures(look.Result.Reading)
	return look
}

func unpackOne(from []byte) (v mibs.Value, told bool, rest []byte) {
	if from[0] == absent {
		return mibs.Value{}, false, from[1:]
	}
	v.Kind, rest = mibs.Kind(from[0]), from[1:]
	switch v.Kind {
	case mibs.Null:
	case mibs.OctetString, mibs.IPAddress, mibs.ObjectID:
		size, n := binary.Uvarint(rest)
		text := rest[n : n+int(size)]
		rest = rest[n+int(size):]
		if v.Kind == mibs.ObjectID {
			v.OID = string(text)
		} else {
			v.Bytes = text
		}
	default:
		var n int
		v.Int, n = binary.Varint(rest)
		rest = rest[n:]
	}
	return v, true, rest
}
