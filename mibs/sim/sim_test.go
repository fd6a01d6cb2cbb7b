package sim_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosnmp/gosnmp"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sysDescr     = "1.3.6.1.2.1.1.1.0"
	sysUpTime    = "1.3.6.1.2.1.1.3.0"
	serialOID    = "1.3.6.1.2.1.43.5.1.1.17.1"
	kyoceraSent  = "1.3.6.1.4.1.1347.42.3.1.3.1.1.4"
	kyoceraTotal = "1.3.6.1.4.1.1347.43.10.1.1.12.1.1"
	xeroxLabels  = "1.3.6.1.4.1.253.8.53.13.2.1.8"
	ifHCInOctets = "1.3.6.1.2.1.31.1.1.1.6.1" // Counter64 of the plain printer
)

func described(t testing.TB, name string) *sim.Description {
	t.Helper()
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no description %q", name)
	return nil
}

// serve lets one device of a description answer until the test ends.
func serve(t testing.TB, d *sim.Description) sim.Bed {
	t.Helper()
	return ward(t, sim.Plan{Of: []*sim.Description{d}}).Devices[0]
}

func ward(t testing.TB, plan sim.Plan) *sim.Ward {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if !plan.First.IsValid() {
		plan.First = netip.MustParseAddrPort("127.0.0.1:0")
	}
	w, err := sim.Start(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := w.Wait(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func client(t testing.TB, at netip.AddrPort, version gosnmp.SnmpVersion) *gosnmp.GoSNMP {
	t.Helper()
	g := &gosnmp.GoSNMP{
		Target: at.Addr().String(), Port: at.Port(), Community: "public", Version: version,
		Timeout: 2 * time.Second, MaxRepetitions: 10,
	}
	if err := g.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func get(t testing.TB, g *gosnmp.GoSNMP, oids ...string) *gosnmp.SnmpPacket {
	t.Helper()
	packet, err := g.Get(oids)
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func number(t testing.TB, g *gosnmp.GoSNMP, oid string) int64 {
	t.Helper()
	v := get(t, g, oid).Variables[0]
	if v.Value == nil {
		t.Fatalf("%s: got %v, want a number", oid, v.Type)
	}
	return gosnmp.ToBigInt(v.Value).Int64()
}

func TestThereAreADozenDifferentMachinesAndAllOfThemCanBeWalked(t *testing.T) {
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 12 {
		t.Errorf("got %d machines, want 12 or more", len(all))
	}
	models := map[string]bool{}
	for _, bed := range ward(t, sim.Plan{Of: all}).Devices {
		d := bed.Description()
		models[d.Model] = true
		var bulk, single []gosnmp.SnmpPDU
		g := client(t, bed.Addr, gosnmp.Version2c)
		if bulk, err = g.BulkWalkAll(".1.3"); err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		if single, err = g.WalkAll(".1.3"); err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		if want := len(bed.Recording().Varbinds()); len(bulk) != want || len(single) != want {
			t.Errorf("%s: GETBULK walked %d objects and GETNEXT %d, want %d", d.Name, len(bulk), len(single), want)
		}
		for _, v := range bulk {
			if text, ok := v.Value.([]byte); ok && bytes.ContainsAny(text, "{}") {
				t.Errorf("%s: %s is %q, with a placeholder left", d.Name, v.Name, text)
			}
		}
	}
	if len(models) != len(all) {
		t.Errorf("got %d different models of %d machines", len(models), len(all))
	}
}

func TestAFaxMovesWhatTheMachineSaysOfIt(t *testing.T) {
	for _, test := range []struct {
		machine string
		moves   map[string]int64 // by 3 pages sent in one job and 5 received
		truth   map[wire.Measure]int64
	}{
		{
			"kyocera-taskalfa-2554ci",
			map[string]int64{kyoceraSent: 3, "1.3.6.1.4.1.1347.42.3.1.1.1.1.4": 5, kyoceraTotal: 5 + 2, "1.3.6.1.2.1.43.10.2.1.4.1.1": 5 + 2},
			map[wire.Measure]int64{wire.FaxSentPages: 3, wire.FaxPrintedPages: 5},
		},
		{
			"xerox-workcentre-7855",
			map[string]int64{
				"1.3.6.1.4.1.253.8.53.13.2.1.6.12.20.13": 3, "1.3.6.1.4.1.253.8.53.13.2.1.6.12.20.19": 5,
				"1.3.6.1.4.1.253.8.53.13.2.1.6.12.20.14": 5, "1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.1": 5 + 2,
			},
			map[wire.Measure]int64{wire.FaxSentPages: 3, wire.FaxPrintedPages: 5, wire.FaxReceivedPages: 5},
		},
		{
			"lexmark-mx622ade",
			map[string]int64{"1.3.6.1.4.1.641.6.4.1.1.1.4.1.20": 1, "1.3.6.1.4.1.641.6.4.2.1.1.4.1.15": 5, "1.3.6.1.4.1.641.6.4.3.1.1.4.1.2": 3},
			map[wire.Measure]int64{wire.FaxSent: 1, wire.FaxSentPages: 3, wire.FaxPrintedPages: 5},
		},
		{"lexmark-xc9235", map[string]int64{"1.3.6.1.4.1.641.6.4.2.1.1.4.1.15": 0}, nil},
	} {
		t.Run(test.machine, func(t *testing.T) {
			bed := serve(t, described(t, test.machine))
			g := client(t, bed.Addr, gosnmp.Version2c)
			before := map[string]int64{}
			for oid := range test.moves {
				before[oid] = number(t, g, oid)
			}
			bed.Fax(3, 5)
			bed.Print(2)
			for oid, want := range test.moves {
				if got := number(t, g, oid) - before[oid]; got != want {
					t.Errorf("%s moved by %d, want %d", oid, got, want)
				}
			}
			for _, measure := range wire.Measures() {
				if got, want := bed.Count(measure), test.truth[measure]; got != want {
					t.Errorf("true count of %s is %d, want %d", measure, got, want)
				}
			}
			if got, want := len(bed.Description().Measures()), len(test.truth); got != want {
				t.Errorf("tells %d measures, want %d", got, want)
			}
		})
	}
}

func TestAbsentObjectsAreToldAsTheVersionDoes(t *testing.T) {
	bed := serve(t, described(t, "hp-laserjet-m507"))
	v2 := get(t, client(t, bed.Addr, gosnmp.Version2c), sysDescr, "1.3.6.1.2.1.43.5.1.1.17.9", "1.3.6.1.4.1.99999.1.0")
	for i, want := range []gosnmp.Asn1BER{gosnmp.OctetString, gosnmp.NoSuchInstance, gosnmp.NoSuchObject} {
		if got := v2.Variables[i].Type; got != want {
			t.Errorf("v2c: object %d is %v, want %v", i, got, want)
		}
	}
	g := client(t, bed.Addr, gosnmp.Version1)
	v1 := get(t, g, sysDescr, "1.3.6.1.4.1.99999.1.0", serialOID)
	if v1.Error != gosnmp.NoSuchName || v1.ErrorIndex != 2 {
		t.Errorf("v1: got %v at %d, want NoSuchName at 2", v1.Error, v1.ErrorIndex)
	}
	if got := get(t, g, ifHCInOctets); got.Error != gosnmp.NoSuchName {
		t.Errorf("v1: a Counter64 gives %v, want NoSuchName", got.Error)
	}
	end, err := client(t, bed.Addr, gosnmp.Version2c).GetNext([]string{"1.3.6.1.9"})
	if err != nil || end.Variables[0].Type != gosnmp.EndOfMibView {
		t.Errorf("v2c: got %v, %v, want EndOfMibView", end, err)
	}
	if end, err = g.GetNext([]string{"1.3.6.1.9"}); err != nil || end.Error != gosnmp.NoSuchName {
		t.Errorf("v1: got %v, %v, want NoSuchName", end, err)
	}
}

func TestASetIsRefusedAndCounted(t *testing.T) {
	bed := serve(t, described(t, "hp-laserjet-m507"))
	set := []gosnmp.SnmpPDU{{Name: "1.3.6.1.2.1.1.6.0", Type: gosnmp.OctetString, Value: "elsewhere"}}
	for version, want := range map[gosnmp.SnmpVersion]gosnmp.SNMPError{gosnmp.Version1: gosnmp.NoSuchName, gosnmp.Version2c: gosnmp.NotWritable} {
		got, err := client(t, bed.Addr, version).Set(set)
		if err != nil || got.Error != want {
			t.Errorf("v%v: got %v, %v, want %v", version, got, err, want)
		}
	}
	if got := bed.Requests(); got.Sets != 2 || got.All() != 2 {
		t.Errorf("counted %+v, want 2 sets", got)
	}
}

func TestAWrongCommunityIsMetWithSilence(t *testing.T) {
	bed := serve(t, described(t, "hp-laserjet-m507"))
	g := client(t, bed.Addr, gosnmp.Version2c)
	g.Community, g.Timeout = "private", 20*time.Millisecond
	if got, err := g.Get([]string{sysDescr}); err == nil {
		t.Errorf("got %v, want no answer", got)
	}
	if got := bed.Requests().Refused; got == 0 {
		t.Error("the request was not counted as refused")
	}
}

func TestFaultsShowInTheAnswer(t *testing.T) {
	device := sim.New(described(t, "kyocera-taskalfa-2554ci"), sim.Options{})
	request, id := encode(t, gosnmp.Version2c, gosnmp.GetRequest, sysDescr, kyoceraSent)
	for name, test := range map[string]struct {
		fault sim.Fault
		good  func(reply *gosnmp.SnmpPacket, raw []byte, after time.Duration) bool
	}{
		"healthy":         {sim.Fault{}, func(r *gosnmp.SnmpPacket, _ []byte, _ time.Duration) bool { return r.RequestID == id && r.Error == 0 }},
		"silent":          {sim.Fault{Silent: true}, func(_ *gosnmp.SnmpPacket, raw []byte, _ time.Duration) bool { return raw == nil }},
		"speaks v1 only":  {sim.Fault{OnlyV1: true}, func(_ *gosnmp.SnmpPacket, raw []byte, _ time.Duration) bool { return raw == nil }},
		"late":            {sim.Fault{Delay: time.Minute}, func(_ *gosnmp.SnmpPacket, _ []byte, d time.Duration) bool { return d == time.Minute }},
		"wrong id":        {sim.Fault{WrongID: true}, func(r *gosnmp.SnmpPacket, _ []byte, _ time.Duration) bool { return r.RequestID != id }},
		"garbage":         {sim.Fault{Garbage: []byte("rubbish")}, func(_ *gosnmp.SnmpPacket, raw []byte, _ time.Duration) bool { return string(raw) == "rubbish" }},
		"too big":         {sim.Fault{TooBig: 1}, func(r *gosnmp.SnmpPacket, _ []byte, _ time.Duration) bool { return r.Error == gosnmp.TooBig }},
		"not yet too big": {sim.Fault{TooBig: 2}, func(r *gosnmp.SnmpPacket, _ []byte, _ time.Duration) bool { return r.Error == gosnmp.NoError }},
		"breaks at one OID": {sim.Fault{GenErr: kyoceraSent}, func(r *gosnmp.SnmpPacket, _ []byte, _ time.Duration) bool {
			return r.Error == gosnmp.GenErr && r.ErrorIndex == 2
		}},
		"breaks at all": {sim.Fault{GenErr: "*"}, func(r *gosnmp.SnmpPacket, _ []byte, _ time.Duration) bool {
			return r.Error == gosnmp.GenErr && r.ErrorIndex == 1
		}},
	} {
		device.SetFault(test.fault)
		raw, after := device.Answer(request)
		reply, _ := new(gosnmp.GoSNMP).SnmpDecodePacket(append([]byte(nil), raw...))
		if !test.good(reply, raw, after) {
			t.Errorf("%s: got %q after %v: %+v", name, raw, after, reply)
		}
	}
}

func encode(t testing.TB, version gosnmp.SnmpVersion, kind gosnmp.PDUType, oids ...string) ([]byte, uint32) {
	t.Helper()
	packet := &gosnmp.SnmpPacket{Version: version, Community: "public", PDUType: kind, RequestID: 4711, MaxRepetitions: 10}
	for _, oid := range oids {
		packet.Variables = append(packet.Variables, gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Null})
	}
	raw, err := packet.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	return raw, packet.RequestID
}

func TestAResetStartsAtZeroAndUndoingItLosesNothing(t *testing.T) {
	device := sim.New(described(t, "kyocera-taskalfa-2554ci"), sim.Options{})
	before := value(t, device, kyoceraSent)
	undo := device.Reset()
	device.Fax(4, 0)
	if got := value(t, device, kyoceraSent); got != 4 {
		t.Errorf("after a reset and 4 pages the counter is %d, want 4", got)
	}
	undo()
	if got := value(t, device, kyoceraSent); got != before+4 {
		t.Errorf("after undoing it is %d, want %d", got, before+4)
	}
	if got := device.Count(wire.FaxSentPages); got != 4 {
		t.Errorf("the true count is %d, want 4", got)
	}
}

func TestCountersWrap(t *testing.T) {
	device := sim.New(described(t, "kyocera-taskalfa-2554ci"), sim.Options{})
	device.SetCounter(kyoceraSent, 1<<31-2) // Integer
	device.SetCounter("1.3.6.1.2.1.43.10.2.1.4.1.1", 1<<32-2)
	device.Fax(3, 3)
	if got := value(t, device, kyoceraSent); got != 1 {
		t.Errorf("the integer is %d, want 1", got)
	}
	if got := value(t, device, "1.3.6.1.2.1.43.10.2.1.4.1.1"); got != 1 {
		t.Errorf("the counter is %d, want 1", got)
	}
}

func TestRowsMoveTogetherAndCountOn(t *testing.T) {
	device := sim.New(described(t, "xerox-altalink-c8055"), sim.Options{})
	device.SetCounter("1.3.6.1.4.1.253.8.53.13.2.1.6.12.20.13", 100)
	device.Fax(1, 0)
	device.MoveRows()
	if _, still := find(device, xeroxLabels+".12.20.13"); still {
		t.Error("the row is still at 12")
	}
	if got, _ := find(device, xeroxLabels+".9.20.13"); got.Text() != "Embedded Fax Images Sent" {
		t.Errorf("label at 9 is %q", got.Text())
	}
	if got := value(t, device, "1.3.6.1.4.1.253.8.53.13.2.1.6.9.20.13"); got != 101 {
		t.Errorf("the counter at 9 is %d, want 101", got)
	}
	if got := value(t, device, "1.3.6.1.4.1.253.8.74.5.2.1.8.8"); got != 9 {
		t.Errorf("the service table points to device %d, want 9", got)
	}
	device.MoveRows()
	if got := value(t, device, "1.3.6.1.4.1.253.8.53.13.2.1.6.12.20.13"); got != 101 {
		t.Errorf("back at 12 the counter is %d, want 101", got)
	}
}

func TestStatesLieOverTheOrdinaryObjects(t *testing.T) {
	device := sim.New(described(t, "lexmark-mx622ade"), sim.Options{})
	const code = "1.3.6.1.4.1.641.6.5.1.1.5.1.2"
	if device.Enter("no-such-state") {
		t.Error("an unknown state was entered")
	}
	if !device.Enter("line-down") || value(t, device, code) != 707 {
		t.Error("line-down doesn't show alert 707")
	}
	device.Enter("")
	if _, still := find(device, code); still {
		t.Error("the alert is still there")
	}
}

func TestObjectsCanBeSetAddedAndRemoved(t *testing.T) {
	device := sim.New(described(t, "hp-laserjet-m507"), sim.Options{})
	other := sim.New(device.Description(), sim.Options{})
	device.Set(sysDescr, mibs.Value{Kind: mibs.OctetString, Bytes: []byte("changed")})
	device.Set("1.3.6.1.4.1.99999.1.0", mibs.Value{Kind: mibs.Integer, Int: 7})
	device.Remove(serialOID)
	if got, _ := find(device, sysDescr); got.Text() != "changed" {
		t.Errorf("sysDescr is %q, want changed", got.Text())
	}
	if got := value(t, device, "1.3.6.1.4.1.99999.1.0"); got != 7 {
		t.Errorf("the new object is %d, want 7", got)
	}
	if _, still := find(device, serialOID); still {
		t.Error("the serial number is still there")
	}
	if got, _ := find(other, sysDescr); got.Text() == "changed" {
		t.Error("another device of the same description changed too")
	}
}

func TestUptimeGoesOnAndFallsWithAReboot(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	device := sim.New(described(t, "kyocera-taskalfa-2554ci"), sim.Options{Now: func() time.Time { return now }})
	before := value(t, device, sysUpTime)
	now = now.Add(time.Minute)
	if got := value(t, device, sysUpTime) - before; got != 6000 {
		t.Errorf("a minute later sysUpTime grew by %d, want 6000", got)
	}
	device.Reboot()
	now = now.Add(2 * time.Second)
	if got := value(t, device, sysUpTime); got != 200 {
		t.Errorf("two seconds after a reboot it is %d, want 200", got)
	}
}

func TestEveryDeviceOfAWardIsItsOwnAtItsOwnAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only 127.0.0.1 here")
	}
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	w := ward(t, sim.Plan{Of: all, Devices: 300, First: netip.MustParseAddrPort("127.31.0.1:0")})
	addrs, ids := map[netip.Addr]bool{}, map[string]bool{}
	for _, bed := range w.Devices {
		addrs[bed.Addr.Addr()], ids[bed.ID()] = true, true
		if bed.Addr.Port() != w.Devices[0].Addr.Port() {
			t.Errorf("%v: want port %d like the first", bed.Addr, w.Devices[0].Addr.Port())
		}
		if id := bed.ID(); !strings.HasPrefix(id, bed.Description().Vendor+"-") || !strings.HasSuffix(id, strings.ToLower(bed.Serial())) {
			t.Errorf("%s %s has the id %q", bed.Description().Vendor, bed.Serial(), id)
		}
	}
	if len(addrs) != 300 || len(ids) != 300 {
		t.Errorf("got %d addresses and %d ids, want 300 each", len(addrs), len(ids))
	}
	some := w.Devices[slices.IndexFunc(w.Devices, func(bed sim.Bed) bool { return bed.Description().Vendor == "xerox" })]
	some.SetSerial("SWAPPED1")
	g := client(t, some.Addr, gosnmp.Version2c)
	if got := fmt.Sprintf("%s", get(t, g, serialOID).Variables[0].Value); got != "SWAPPED1" {
		t.Errorf("got serial %q, want SWAPPED1", got)
	}
}

func TestOneAddressServesWhereLoopbackIsNarrow(t *testing.T) {
	d := described(t, "grandstream-ht802")
	w := ward(t, sim.Plan{Of: []*sim.Description{d}, Devices: 3, OneAddress: true})
	for _, bed := range w.Devices {
		if bed.Addr.Addr() != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("got %v, want 127.0.0.1", bed.Addr)
		}
		get(t, client(t, bed.Addr, gosnmp.Version2c), sysDescr)
	}
}

func TestATakenPortIsAnError(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	taken := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	if _, err := sim.Start(t.Context(), sim.Plan{Of: []*sim.Description{described(t, "grandstream-ht802")}, First: taken}); err == nil {
		t.Error("got no error")
	}
}

func TestABustlingWardFaxesAndSumsItsTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, err := sim.Builtin()
		if err != nil {
			t.Fatal(err)
		}
		w := &sim.Ward{}
		for i, d := range all {
			w.Devices = append(w.Devices, sim.Bed{Device: sim.New(d, sim.Options{Number: i})})
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.Bustle(ctx, rand.New(rand.NewPCG(1, 2)), time.Second) }()
		time.Sleep(500 * time.Second)
		cancel()
		<-done
		if w.Count(wire.FaxSentPages) == 0 || w.Count(wire.FaxPrintedPages) == 0 || w.Count(wire.FaxSent) == 0 {
			t.Errorf("after 500 ticks: sent %d pages, printed %d, sent %d faxes", w.Count(wire.FaxSentPages), w.Count(wire.FaxPrintedPages), w.Count(wire.FaxSent))
		}
	})
}

func TestARecordingAnswersAsItWasRecordedAndCountsOn(t *testing.T) {
	rec, err := mibs.ParseSnmprec(strings.NewReader(strings.Join([]string{
		sysDescr + "|4|An old fax", sysUpTime + "|67|8640000", "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99999",
		"1.3.6.1.4.1.99999.1.0|65|41", "1.3.6.1.4.1.99999.2.0|64|10.0.0.7", "1.3.6.1.4.1.99999.3.0|70|18446744073709551615",
		"1.3.6.1.4.1.99999.4.0|4x|00ff", "1.3.6.1.4.1.99999.5.0|2|-2",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	d := sim.FromRecording("old-fax", rec)
	if err := d.Drive("1.3.6.1.4.1.99999.1.0", wire.FaxPages, sim.Sent, sim.Received); err != nil {
		t.Fatal(err)
	}
	if err := d.Drive(sysDescr, wire.FaxPages, sim.Sent); err == nil {
		t.Error("a text can be made to count")
	}
	bed := serve(t, d)
	bed.Fax(1, 2)
	g := client(t, bed.Addr, gosnmp.Version2c)
	if got := number(t, g, "1.3.6.1.4.1.99999.1.0"); got != 44 {
		t.Errorf("the counter is %d, want 44", got)
	}
	if got := bed.Count(wire.FaxPages); got != 3 {
		t.Errorf("the true count is %d, want 3", got)
	}
	if got := number(t, g, sysUpTime); got < 8640000 {
		t.Errorf("sysUpTime is %d, want at least the recorded one", got)
	}
	var want, got strings.Builder
	for _, vb := range rec.Varbinds() {
		if vb.OID != sysUpTime && vb.OID != "1.3.6.1.4.1.99999.1.0" {
			fmt.Fprintln(&want, vb.OID, vb.Value)
			fmt.Fprintln(&got, vb.OID, must(find(bed.Device, vb.OID)))
		}
	}
	if got.String() != want.String() {
		t.Errorf("got:\n%swant:\n%s", &got, &want)
	}
}

func TestFaultsInADeviceFileNameTheLine(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no models":     {"vendor: x\n", "a.yml:1: models: missing; want at least one {name: …, model: …, serial: …}"},
		"no serial":     {"models: [{name: a, model: b}]\n", "a.yml:1: serial: missing"},
		"bad OID":       {"models: [{name: a, model: b, serial: c}]\nobjects:\n  - {oid: 1.x, type: text}\n", `a.yml:3: oid: OID "1.x": "x"; want a number below 2^32`},
		"bad type":      {"models: [{name: a, model: b, serial: c}]\nobjects:\n  - {oid: 1.3, type: double}\n", `a.yml:3: type: "double"; want uptime, row or one of counter, counter64, float, gauge, hex, integer, ip, oid, roman8, text, timeticks`},
		"no number":     {"models: [{name: a, model: b, serial: c}]\nobjects:\n  - {oid: 1.3, type: counter, value: x}\n", `a.yml:3: value: "x"; want a whole number`},
		"text counts":   {"models: [{name: a, model: b, serial: c}]\nobjects:\n  - {oid: 1.3, type: text, counts: [sent]}\n", "a.yml:3: counts: a text can't count"},
		"unknown event": {"models: [{name: a, model: b, serial: c}]\nobjects:\n  - {oid: 1.3, type: counter, value: 0, counts: [lost]}\n", `a.yml:3: counts: "lost"; want one of sent, sent_jobs, received, received_jobs, printed`},
		"unknown row":   {"models: [{name: a, model: b, serial: c}]\nobjects:\n  - {oid: 1.3, type: row, value: fax}\n", `a.yml:3: value: "fax"; want a name of rows`},
		"uneven rows":   {"models: [{name: a, model: b, serial: c}]\nrows: {a: [1, 2], b: [1]}\n", "a.yml:2: b: 1 row numbers; want 2 like the others"},
	} {
		if _, err := sim.Parse("a.yml", []byte(test.text)); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

func FuzzAnswerNeverBreaks(f *testing.F) {
	for _, kind := range []gosnmp.PDUType{gosnmp.GetRequest, gosnmp.GetNextRequest, gosnmp.GetBulkRequest} {
		raw, _ := encode(f, gosnmp.Version2c, kind, sysDescr, kyoceraSent)
		f.Add(raw)
	}
	device := sim.New(described(f, "kyocera-taskalfa-2554ci"), sim.Options{})
	f.Fuzz(func(t *testing.T, request []byte) { device.Answer(request) })
}

func find(device *sim.Device, oid string) (mibs.Value, bool) {
	answers, _ := device.Recording().Get(context.Background(), []string{oid})
	v, ok := answers[oid]
	return v, ok
}

func value(t testing.TB, device *sim.Device, oid string) int64 {
	t.Helper()
	v, ok := find(device, oid)
	if !ok {
		t.Fatalf("%s: no such object", oid)
	}
	return v.Int
}

func must(v mibs.Value, _ bool) mibs.Value { return v }

func BenchmarkAnswerToAGetOf10Objects(b *testing.B) {
	device := sim.New(described(b, "xerox-workcentre-7855"), sim.Options{})
	var oids []string
	for _, vb := range device.Recording().Varbinds()[:10] {
		oids = append(oids, vb.OID)
	}
	request, _ := encode(b, gosnmp.Version2c, gosnmp.GetRequest, oids...)
	b.ReportAllocs()
	for b.Loop() {
		device.Answer(request)
	}
}

func TestAWardOf1000NeedsFewMegabytes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only 127.0.0.1 here")
	}
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	before := inUse()
	w := ward(t, sim.Plan{Of: all, Devices: 1000, First: netip.MustParseAddrPort("127.32.0.1:0")})
	for _, bed := range w.Devices {
		bed.Fax(1, 1)
	}
	got := (inUse() - before) >> 20
	t.Logf("%d MB", got)
	if got > 16 {
		t.Errorf("1000 devices take %d MB, want at most 16", got)
	}
}

func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
