package snmp

import (
	"fmt"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// request is a message of SNMPv1 or SNMPv2c that asks for objects (RFC 3416, section 3, and
// RFC 1157, section 4).
type request struct {
	version     gosnmp.SnmpVersion
	community   string
	kind        gosnmp.PDUType // GetRequest, GetNextRequest or GetBulkRequest
	id          uint32
	repetitions int // of a GetBulkRequest, else 0
	oids        []string
}

func (r *request) encode() ([]byte, error) {
	packet := gosnmp.SnmpPacket{
		Version: r.version, Community: r.community, PDUType: r.kind, RequestID: r.id, MaxRepetitions: uint32(r.repetitions),
		Variables: make([]gosnmp.SnmpPDU, len(r.oids)),
	}
	for i, oid := range r.oids {
		packet.Variables[i] = gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Null}
	}
	datagram, err := packet.MarshalMsg()
	if err != nil {
		return nil, fmt.Errorf("encode a request for %s: %w", strings.Join(r.oids, ", "), err)
	}
	return datagram, nil
}
