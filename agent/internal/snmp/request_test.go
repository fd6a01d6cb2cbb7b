package snmp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
	"pgregory.net/rapid"
)

func TestARequestReadsAsItWasMeant(t *testing.T) {
	oid := rapid.Custom(func(t *rapid.T) string {
		numbers := rapid.SliceOfN(rapid.Uint32(), 1, 127).Draw(t, "numbers")
		first := rapid.Uint32Range(0, 2).Draw(t, "first")
		numbers[0] %= 40
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(append([]uint32{first}, numbers...)), " ", "."), "[]")
	})
	rapid.Check(t, func(t *rapid.T) {
		sent := request{
			version:     rapid.SampledFrom([]gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c}).Draw(t, "version"),
			community:   rapid.StringN(1, -1, maxCommunity).Draw(t, "community"),
			kind:        rapid.SampledFrom([]gosnmp.PDUType{gosnmp.GetRequest, gosnmp.GetNextRequest, gosnmp.GetBulkRequest}).Draw(t, "kind"),
			id:          rapid.Uint32Range(1<<24, 1<<31-1).Draw(t, "id"),
			repetitions: rapid.IntRange(0, 127).Draw(t, "repetitions"),
			oids:        rapid.SliceOfN(oid, 1, maxOIDs).Draw(t, "oids"),
		}
		if sent.kind != gosnmp.GetBulkRequest {
			sent.repetitions = 0
		}
		raw, err := sent.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := new(gosnmp.GoSNMP).SnmpDecodePacket(raw)
		if err != nil {
			t.Fatalf("%v of %x", err, raw)
		}
		var oids []string
		for _, v := range got.Variables {
			if v.Type != gosnmp.Null {
				t.Errorf("got %v with %s, want null", v.Type, v.Name)
			}
			oids = append(oids, strings.TrimPrefix(v.Name, "."))
		}
		if got.Version != sent.version || got.Community != sent.community || got.PDUType != sent.kind || got.RequestID != sent.id ||
			int(got.MaxRepetitions) != sent.repetitions || !slices.Equal(oids, sent.oids) {
			t.Errorf("got %+v\nwant %+v", got, sent)
		}
	})
}
