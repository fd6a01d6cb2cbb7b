package snmp

import (
	"fmt"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// request asks for objects (RFC 3416, section 3, and RFC 1157, section 4).
type request struct {
	version     gosnmp.SnmpVersion
	community   string         // of SNMPv1 and SNMPv2c
	kind        gosnmp.PDUType // GetRequest, GetNextRequest or GetBulkRequest
	id          uint32
	repetitions int // of a GetBulkRequest, else 0
	oids        []string
}

func (r *request) packet() *gosnmp.SnmpPacket {
	packet := gosnmp.SnmpPacket{
		Version: r.version, Community: r.community, PDUType: r.kind, RequestID: r.id, MaxRepetitions: uint32(r.repetitions),
		Variables: make([]gosnmp.SnmpPDU, len(r.oids)),
	}
	for i, oid := range r.oids {
		packet.Variables[i] = gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Null}
	}
	return &packet
}

// encode makes a datagram of a packet of this request.
func (r *request) encode(packet *gosnmp.SnmpPacket) ([]byte, error) {
	datagram, err := packet.MarshalMsg()
	if err != nil {
		return nil, fmt.Errorf("encode a request for %s: %w", strings.Join(r.oids, ", "), err)
	}
	return datagram, nil
}
