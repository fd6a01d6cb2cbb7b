package snmp

import (
	"slices"
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/mibs"
)

var asked = []string{"1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.43.5.1.1.17.1", "1.3.6.1.4.1.99999.1.0"}

// truth is an answer to asked.
func truth() *gosnmp.SnmpPacket {
	return &gosnmp.SnmpPacket{
		Version: gosnmp.Version2c, Community: "public", PDUType: gosnmp.GetResponse, RequestID: 1<<30 | 1,
		Variables: []gosnmp.SnmpPDU{
			{Name: asked[0], Type: gosnmp.TimeTicks, Value: uint32(4711)},
			{Name: asked[1], Type: gosnmp.OctetString, Value: "MADE0UP"},
			{Name: asked[2], Type: gosnmp.Counter64, Value: uint64(1 << 40)},
		},
	}
}

func seal(f *testing.F, packet *gosnmp.SnmpPacket) []byte {
	f.Helper()
	raw, err := packet.MarshalMsg()
	if err != nil {
		f.Fatal(err)
	}
	return raw
}

// FuzzAnswers reads any bytes as an answer of SNMPv1 or SNMPv2c: it is an error, none, or one
// that tells nothing but what was asked.
func FuzzAnswers(f *testing.F) {
	f.Add(seal(f, truth()))
	old := truth()
	old.Version, old.Error, old.ErrorIndex = gosnmp.Version1, gosnmp.NoSuchName, 2
	f.Add(seal(f, old))
	f.Add([]byte("\x30\x11\x02\x01\x03\x30\x0c\x02\x01\x01\x02\x02\x05\xdc\x04\x01\x00\x02\x01\x03"))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	s := &session{id: 1<<30 | 1}
	a := &asker{device: new(Pool).Device(Target{Host: "h"}), session: s}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		answer, err := s.plain(slices.Clone(datagram))
		if err != nil || answer == nil {
			return
		}
		_ = errorName(answer.Error)
		told := mibs.Answers{}
		_ = a.sort(answer.Variables, asked, told)
		for oid := range told {
			if !slices.Contains(asked, oid) {
				t.Errorf("%s was not asked, and is told", oid)
			}
		}
	})
}

// FuzzSNMPv3Answers reads any bytes as an answer of an engine: nothing is believed but what
// was made with its keys.
func FuzzSNMPv3Answers(f *testing.F) {
	const id = 1<<30 | 7
	type sealed struct {
		usm   *gosnmp.UsmSecurityParameters
		level gosnmp.SnmpV3MsgFlags
	}
	var users []sealed
	var genuine [][]byte
	for _, c := range []Credentials{
		{User: "u", Auth: "SHA256", AuthPassword: "password-1", Privacy: "AES", PrivacyPassword: "password-2"},
		{User: "u", Auth: "MD5", AuthPassword: "password-1", Privacy: "DES", PrivacyPassword: "password-2"},
		{User: "u", Auth: "SHA512", AuthPassword: "password-1"},
	} {
		e := engine{id: "\x80\x00\x1f\x88\x04made-up", boots: 3, seconds: 1000}
		if err := c.unlock(&e); err != nil {
			f.Fatal(err)
		}
		usm := c.usm(&e)
		usm.PrivacyParameters = []byte("saltsalt")
		for _, kind := range []gosnmp.PDUType{gosnmp.GetResponse, gosnmp.Report} {
			packet := truth()
			packet.Version, packet.MsgID, packet.MsgFlags, packet.PDUType = gosnmp.Version3, id, c.level(), kind
			packet.SecurityModel, packet.SecurityParameters, packet.ContextEngineID = gosnmp.UserSecurityModel, usm, e.id
			genuine = append(genuine, seal(f, packet))
			packet.MsgFlags = gosnmp.NoAuthNoPriv
			f.Add(seal(f, packet))
		}
		users = append(users, sealed{usm, c.level()})
	}
	s := new(session)
	for i, datagram := range genuine {
		if s.believe(datagram, users[i/2].usm, users[i/2].level, id) == nil {
			f.Fatalf("doesn't believe %x", datagram)
		}
		f.Add(datagram)
		f.Add(datagram[:len(datagram)-9])
	}
	f.Add(seal(f, truth()))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		for _, user := range users {
			believed := s.believe(slices.Clone(datagram), user.usm, user.level, id)
			if believed != nil && !slices.ContainsFunc(genuine, func(g []byte) bool { return slices.Equal(g, datagram) }) {
				t.Errorf("believes %+v", believed)
			}
		}
		if report := s.report(slices.Clone(datagram), id); report != nil {
			_ = reportName(report)
		}
	})
}
