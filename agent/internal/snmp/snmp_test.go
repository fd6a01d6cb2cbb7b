package snmp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sysDescr  = "1.3.6.1.2.1.1.1.0"
	sysUpTime = "1.3.6.1.2.1.1.3.0"
	serialOID = "1.3.6.1.2.1.43.5.1.1.17.1"
	sent      = "1.3.6.1.4.1.1347.42.3.1.3.1.1.4"
	printed   = "1.3.6.1.4.1.1347.42.3.1.1.1.1.4"
	nowhere   = "1.3.6.1.4.1.99999.1.0"
	elsewhere = "1.3.6.1.4.1.99999.2.0"
	hrDevices = "1.3.6.1.2.1.25.3.2.1"
)

var steady = []string{sysUpTime, serialOID, sent, printed}

// short suits tests in which the device doesn't answer.
var short = snmp.Options{Timeout: 50 * time.Millisecond, Retries: 2}

func startSim(t testing.TB, plan sim.Plan, machines ...string) *sim.Ward {
	t.Helper()
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if slices.Contains(machines, d.Name) {
			plan.Of = append(plan.Of, d)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	plan.First = netip.MustParseAddrPort("127.0.0.1:0")
	plan.OneAddress = true
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

func startKyocera(t testing.TB) sim.Bed {
	t.Helper()
	return startSim(t, sim.Plan{}, "kyocera-taskalfa-2554ci").Devices[0]
}

func newPool(t testing.TB, o snmp.Options) *snmp.Pool {
	t.Helper()
	pool := snmp.NewPool(o)
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

func target(at netip.AddrPort, version string) snmp.Target {
	return snmp.Target{Host: at.Addr().String(), Port: at.Port(), Credentials: snmp.Credentials{Version: version, Community: "public"}}
}

func get(d *snmp.Device, quirks mibs.Quirks, oids ...string) (answers mibs.Answers, err error) {
	err = d.Ask(context.Background(), quirks, func(a mibs.Asker) (err error) {
		answers, err = a.Get(context.Background(), oids)
		return err
	})
	return answers, err
}

func column(d *snmp.Device, quirks mibs.Quirks, root string, most int) (rows []mibs.Varbind, err error) {
	err = d.Ask(context.Background(), quirks, func(a mibs.Asker) (err error) {
		rows, err = a.Column(context.Background(), root, most)
		return err
	})
	return rows, err
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestOnePollIsOneRequestAndBringsWhatTheDeviceHas(t *testing.T) {
	for _, version := range []string{snmp.V1, snmp.V2c} {
		t.Run(version, func(t *testing.T) {
			bed := startKyocera(t)
			d := newPool(t, snmp.Options{}).Device(target(bed.Addr, version))
			for range 3 {
				bed.Fax(1, 2)
				answers, err := get(d, mibs.Quirks{}, steady...)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := bed.Recording().Get(t.Context(), steady)
				for _, oid := range []string{serialOID, sent, printed} {
					if fmt.Sprint(answers[oid]) != fmt.Sprint(want[oid]) {
						t.Errorf("%s: got %v, want %v", oid, answers[oid], want[oid])
					}
				}
				if answers[sysUpTime].Kind != mibs.TimeTicks || answers[sysUpTime].Int == 0 {
					t.Errorf("sysUpTime is %v", answers[sysUpTime])
				}
			}
			if got := bed.Requests(); got.Gets != 3 || got.All() != 3 {
				t.Errorf("three polls took %+v, want 3 GETs", got)
			}
		})
	}
}

func TestEveryKindOfValueComesAcross(t *testing.T) {
	bed := startKyocera(t)
	want := mibs.Answers{
		nowhere + ".1": {Kind: mibs.Integer, Int: -2},
		nowhere + ".2": {Kind: mibs.OctetString, Bytes: []byte{0, 0xff}},
		nowhere + ".3": {Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.99999"},
		nowhere + ".4": {Kind: mibs.IPAddress, Bytes: []byte{10, 0, 0, 7}},
		nowhere + ".5": {Kind: mibs.Counter, Int: 1<<32 - 1},
		nowhere + ".6": {Kind: mibs.Gauge, Int: 1 << 31},
		nowhere + ".7": {Kind: mibs.TimeTicks, Int: 1<<32 - 1},
		nowhere + ".8": {Kind: mibs.Counter64, Int: 1 << 62},
		nowhere + ".9": {Kind: mibs.OctetString, Bytes: []byte{}},
	}
	var oids []string
	for oid, v := range want {
		bed.Set(oid, v)
		oids = append(oids, oid)
	}
	got, err := get(newPool(t, snmp.Options{}).Device(target(bed.Addr, snmp.V2c)), mibs.Quirks{}, oids...)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v, %v\nwant %v", got, err, want)
	}
}

func TestAnAbsentObjectIsMissingAndNoError(t *testing.T) {
	bed := startKyocera(t)
	answers, err := get(newPool(t, snmp.Options{}).Device(target(bed.Addr, snmp.V2c)), mibs.Quirks{}, nowhere, serialOID, elsewhere)
	if _, there := answers[serialOID]; err != nil || !there || len(answers) != 1 {
		t.Errorf("got %v, %v, want the serial number alone", answers, err)
	}
	if got := bed.Requests().All(); got != 1 {
		t.Errorf("took %d requests, want 1", got)
	}
}

// What is missing may only be late, as rows are while a machine boots.
func TestSNMPv1LeavesOutWhatTheDeviceDoesNotHaveForLongerAndLonger(t *testing.T) {
	bed := startKyocera(t)
	now := time.Now()
	d := newPool(t, snmp.Options{Now: func() time.Time { return now }}).Device(target(bed.Addr, snmp.V2c))
	oids := []string{nowhere, sysUpTime, elsewhere, serialOID}
	for _, poll := range []struct {
		after    time.Duration
		requests int
	}{
		{0, 3},
		{29 * time.Second, 1},
		{time.Second, 3},
		{59 * time.Second, 1},
		{time.Second, 3},
		{2 * time.Minute, 3},
		{4 * time.Minute, 3},
		{8 * time.Minute, 3},
		{14 * time.Minute, 1},
		{time.Minute, 3},
		{14 * time.Minute, 1},
		{time.Minute, 3},
		{-time.Hour, 3},
		{29 * time.Second, 1},
		{time.Hour, 3},
		{29 * time.Second, 1},
		{time.Second, 3},
	} {
		now = now.Add(poll.after)
		before := bed.Requests().All()
		answers, err := get(d, mibs.Quirks{V1: true}, oids...)
		if err != nil || len(answers) != 2 {
			t.Errorf("got %v, %v, want 2 answers", answers, err)
		}
		if got := bed.Requests().All() - before; got != poll.requests {
			t.Errorf("%v later a poll took %d requests, want %d", poll.after, got, poll.requests)
		}
	}
	if answers, err := get(d, mibs.Quirks{V1: true}, nowhere); err != nil || len(answers) != 0 {
		t.Errorf("absent only: got %v, %v, want nothing", answers, err)
	}
}

func TestNoMoreIsAskedAtOnceThanTheDeviceTakes(t *testing.T) {
	bed := startKyocera(t)
	var oids []string
	for _, vb := range bed.Recording().Varbinds()[:20] {
		oids = append(oids, vb.OID)
	}
	pool := newPool(t, snmp.Options{})
	requests := func(d *snmp.Device, quirks mibs.Quirks) int {
		t.Helper()
		before := bed.Requests().All()
		if answers, err := get(d, quirks, oids...); err != nil || len(answers) != len(oids) {
			t.Errorf("got %d answers, %v, want %d", len(answers), err, len(oids))
		}
		return bed.Requests().All() - before
	}
	known := pool.Device(target(bed.Addr, snmp.V2c))
	if got := requests(known, mibs.Quirks{MaxOIDs: 8}); got != 3 {
		t.Errorf("with max_oids 8, 20 objects took %d requests, want 3", got)
	}
	bed.SetFault(sim.Fault{TooBig: 6})
	learning := pool.Device(target(bed.Addr, snmp.V2c))
	if got := requests(learning, mibs.Quirks{}); got != 6 {
		t.Errorf("finding out took %d requests, want 6: of 20, 11, 6, and then 5 with one again", got)
	}
	if got := requests(learning, mibs.Quirks{}); got != 4 {
		t.Errorf("the next poll took %d requests, want 4", got)
	}
}

func TestWhatADeviceOnceTookNoMoreOfIsTriedAgainTheNextDay(t *testing.T) {
	bed := startKyocera(t)
	var oids []string
	for _, vb := range bed.Recording().Varbinds()[:20] {
		oids = append(oids, vb.OID)
	}
	now := time.Now()
	d := newPool(t, snmp.Options{Now: func() time.Time { return now }}).Device(target(bed.Addr, snmp.V2c))
	bed.SetFault(sim.Fault{TooBig: 11})
	if _, err := get(d, mibs.Quirks{}, oids...); err != nil {
		t.Fatal(err)
	}
	bed.SetFault(sim.Fault{})
	for _, later := range []struct {
		after    time.Duration
		requests int
	}{{23 * time.Hour, 2}, {time.Hour, 1}} {
		now = now.Add(later.after)
		before := bed.Requests().All()
		if _, err := get(d, mibs.Quirks{}, oids...); err != nil {
			t.Fatal(err)
		}
		if got := bed.Requests().All() - before; got != later.requests {
			t.Errorf("%v later took %d requests, want %d", later.after, got, later.requests)
		}
	}
}

func TestABrokenObjectIsLeftOutForLongerAndLonger(t *testing.T) {
	for _, status := range []gosnmp.SNMPError{gosnmp.GenErr, gosnmp.NoAccess, gosnmp.AuthorizationError, gosnmp.ResourceUnavailable} {
		t.Run(status.String(), func(t *testing.T) {
			var requests atomic.Int32
			at := respond(t, breaks(&requests, status, nowhere, elsewhere))
			now := time.Now()
			d := newPool(t, snmp.Options{Now: func() time.Time { return now }}).Device(target(at, snmp.V2c))
			for _, poll := range []struct {
				after    time.Duration
				requests int32
			}{{0, 3}, {time.Second, 1}, {time.Minute, 3}, {time.Second, 1}, {time.Minute, 3}, {time.Minute, 1}} {
				now = now.Add(poll.after)
				requests.Store(0)
				answers, err := get(d, mibs.Quirks{}, sysUpTime, nowhere, sent, elsewhere)
				if err != nil || len(answers) != 2 || answers[sent].Int != 1 {
					t.Errorf("got %v, %v, want what isn't broken", answers, err)
				}
				if got := requests.Load(); got != poll.requests {
					t.Errorf("%v later a poll took %d requests, want %d", poll.after, got, poll.requests)
				}
			}
		})
	}
}

// A serial number that is left out is a look that proves nothing.
func TestAnObjectThatWasBrokenOnceIsReadAMinuteLater(t *testing.T) {
	var requests atomic.Int32
	var broken atomic.Bool
	breaksOne := breaks(&requests, gosnmp.GenErr, serialOID)
	at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
		if broken.Load() {
			return breaksOne(in, out)
		}
		return breaks(&requests, gosnmp.GenErr)(in, out)
	})
	now := time.Now()
	d := newPool(t, snmp.Options{Now: func() time.Time { return now }}).Device(target(at, snmp.V2c))
	for _, minute := range []struct {
		broken  bool
		answers int
	}{{false, 4}, {true, 3}, {false, 4}, {false, 4}, {true, 3}, {false, 4}} {
		broken.Store(minute.broken)
		now = now.Add(time.Minute)
		if answers, err := get(d, mibs.Quirks{}, steady...); err != nil || len(answers) != minute.answers {
			t.Errorf("got %v, %v, want %d answers", answers, err, minute.answers)
		}
	}
}

func TestWhoIsAskedAfreshIsAskedForWhatWasLeftOut(t *testing.T) {
	bed := startKyocera(t)
	d := newPool(t, snmp.Options{}).Device(target(bed.Addr, snmp.V1))
	if answers, err := get(d, mibs.Quirks{}, sysUpTime, nowhere); err != nil || len(answers) != 1 {
		t.Fatalf("got %v, %v, want sysUpTime", answers, err)
	}
	bed.Set(nowhere, mibs.Value{Kind: mibs.Integer, Int: 7}) // another machine, say
	var answers mibs.Answers
	err := d.Ask(t.Context(), mibs.Quirks{}, func(a mibs.Asker) (err error) {
		a.(interface{ Afresh() }).Afresh()
		answers, err = a.Get(t.Context(), []string{sysUpTime, nowhere})
		return err
	})
	if err != nil || answers[nowhere].Int != 7 {
		t.Errorf("got %v, %v, want 7", answers, err)
	}
}

func TestAConversationTellsOfWhatWasBrokenInIt(t *testing.T) {
	var requests atomic.Int32
	at := respond(t, breaks(&requests, gosnmp.GenErr, nowhere))
	d := newPool(t, snmp.Options{}).Device(target(at, snmp.V2c))
	for _, oids := range [][]string{{sent}, {sent, nowhere}, {sent}} {
		var trouble error
		err := d.Ask(t.Context(), mibs.Quirks{}, func(a mibs.Asker) error {
			_, err := a.Get(t.Context(), oids)
			trouble = a.(interface{ Trouble() error }).Trouble()
			return err
		})
		if err != nil || (trouble != nil) != slices.Contains(oids, nowhere) {
			t.Errorf("%v: got %v and trouble %v", oids, err, trouble)
		}
		if trouble != nil {
			wantError(t, trouble, at.String()+" can't read "+nowhere+" at present")
		}
	}
}

func TestMachinesThatAnswerByTurnsAreNotTakenForOne(t *testing.T) {
	oids := []string{sysUpTime, serialOID}
	for i := range 100 {
		oids = append(oids, fmt.Sprintf("%s.%d", nowhere, i))
	}
	serials := func(n int) string { return "MADE0UP" + fmt.Sprint(n) }
	for name, test := range map[string]struct {
		quirks  mibs.Quirks
		most    int // variables in an answer
		version string
	}{
		"more than one request takes": {mibs.Quirks{}, 60, snmp.V2c},
		"max_oids":                    {mibs.Quirks{MaxOIDs: 20}, 60, snmp.V2c},
		"tooBig":                      {mibs.Quirks{}, 31, snmp.V1},
	} {
		t.Run(name, func(t *testing.T) {
			var turn, requests atomic.Int32
			var swap atomic.Bool
			at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
				requests.Add(1)
				if len(in.Variables) > test.most {
					out.Error = gosnmp.TooBig
					return true
				}
				if swap.Load() {
					turn.Add(1)
				}
				for _, v := range in.Variables {
					v := gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.Integer, Value: 1}
					if strings.HasSuffix(v.Name, serialOID) {
						v.Type, v.Value = gosnmp.OctetString, serials(int(turn.Load()))
					}
					out.Variables = append(out.Variables, v)
				}
				return true
			})
			d := newPool(t, snmp.Options{}).Device(target(at, test.version))
			for range 2 {
				requests.Store(0)
				if answers, err := get(d, test.quirks, oids...); err != nil || len(answers) != len(oids) || answers[serialOID].Text() != serials(0) {
					t.Errorf("got %d answers, %v, want %d", len(answers), err, len(oids))
				}
			}
			limit := min(test.most, 60)
			if test.quirks.MaxOIDs > 0 {
				limit = test.quirks.MaxOIDs
			}
			if got, want := int(requests.Load()), (len(oids)-1+limit-2)/(limit-1); got != want {
				t.Errorf("took %d requests, want %d", got, want)
			}
			swap.Store(true)
			_, err := get(d, test.quirks, oids...)
			wantError(t, err, "two machines answer by turns at "+at.String()+"; want one")
		})
	}
}

func TestADeviceThatTakesOneObjectAtATimeIsRead(t *testing.T) {
	bed := startKyocera(t)
	d := newPool(t, snmp.Options{}).Device(target(bed.Addr, snmp.V2c))
	answers, err := get(d, mibs.Quirks{MaxOIDs: 1}, steady...)
	if err != nil || len(answers) != len(steady) || bed.Requests().All() != len(steady) {
		t.Errorf("got %v, %v in %d requests, want %d answers, each with its request", answers, err, bed.Requests().All(), len(steady))
	}
}

func TestADeviceThatIsBrokenAltogetherHasFailedAndIsAskedForAllTheNextTime(t *testing.T) {
	var requests atomic.Int32
	var broken atomic.Bool
	broken.Store(true)
	breaksAll := breaks(&requests, gosnmp.GenErr, steady...)
	at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
		if broken.Load() {
			return breaksAll(in, out)
		}
		return breaks(&requests, gosnmp.GenErr)(in, out)
	})
	d := newPool(t, snmp.Options{}).Device(target(at, snmp.V2c))
	for _, oids := range [][]string{steady, append(slices.Clone(steady), nowhere, elsewhere), {sysUpTime}} {
		requests.Store(0)
		_, err := get(d, mibs.Quirks{}, oids...)
		wantError(t, err, at.String()+" answers genErr to "+sysUpTime)
		if got := requests.Load(); got > 4 {
			t.Errorf("took %d requests", got)
		}
	}
	broken.Store(false)
	if answers, err := get(d, mibs.Quirks{}, steady...); err != nil || len(answers) != len(steady) {
		t.Errorf("got %v, %v, want all", answers, err)
	}
}

// breaks answers status to what asks for one of oids, and else 1.
func breaks(requests *atomic.Int32, status gosnmp.SNMPError, oids ...string) func(in, out *gosnmp.SnmpPacket) bool {
	return func(in, out *gosnmp.SnmpPacket) bool {
		requests.Add(1)
		for i, v := range in.Variables {
			out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.Integer, Value: 1})
			if slices.Contains(oids, strings.TrimPrefix(v.Name, ".")) && out.Error == gosnmp.NoError {
				out.Error, out.ErrorIndex = status, uint8(i+1)
			}
		}
		return true
	}
}

func TestAColumnIsReadWithGETBULKOrWithGETNEXT(t *testing.T) {
	for name, test := range map[string]struct {
		version string
		quirks  mibs.Quirks
		bulks   int
		nexts   int
	}{
		"v2c":         {snmp.V2c, mibs.Quirks{}, 3, 0},
		"v2c no bulk": {snmp.V2c, mibs.Quirks{NoBulk: true}, 0, 21},
		"v1":          {snmp.V1, mibs.Quirks{}, 0, 21},
	} {
		t.Run(name, func(t *testing.T) {
			bed := startKyocera(t)
			d := newPool(t, snmp.Options{}).Device(target(bed.Addr, test.version))
			want, _ := bed.Recording().Column(t.Context(), hrDevices, 100)
			rows, err := column(d, test.quirks, hrDevices, 100)
			if err != nil || fmt.Sprint(rows) != fmt.Sprint(want) {
				t.Errorf("got %v, %v, want %v", rows, err, want)
			}
			if got := bed.Requests(); got.Bulks != test.bulks || got.Nexts != test.nexts {
				t.Errorf("took %+v, want %d GETBULK and %d GETNEXT", got, test.bulks, test.nexts)
			}
			if rows, err = column(d, test.quirks, hrDevices, 7); err != nil || fmt.Sprint(rows) != fmt.Sprint(want[:7]) {
				t.Errorf("at most 7: got %v, %v", rows, err)
			}
			if rows, err = column(d, test.quirks, nowhere, 7); err != nil || len(rows) != 0 {
				t.Errorf("nothing there: got %v, %v", rows, err)
			}
			if rows, err = column(d, test.quirks, "2.9", 7); err != nil || len(rows) != 0 {
				t.Errorf("behind the end: got %v, %v", rows, err)
			}
		})
	}
}

func TestAColumnThatGoesRoundInCirclesEnds(t *testing.T) {
	at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
		row := map[string]string{".1.3.9": "1.3.9.1", ".1.3.9.1": "1.3.9.5", ".1.3.9.5": "1.3.9.2", ".1.3.9.2": "1.3.9.1"}[in.Variables[0].Name]
		out.Variables = []gosnmp.SnmpPDU{{Name: row, Type: gosnmp.Integer, Value: 1}}
		return true
	})
	for _, quirks := range []mibs.Quirks{{}, {NoBulk: true}} {
		rows, err := column(newPool(t, short).Device(target(at, snmp.V2c)), quirks, "1.3.9", 100)
		if err != nil || len(rows) != 3 || rows[2].OID != "1.3.9.2" {
			t.Errorf("got %v, %v, want 3 rows", rows, err)
		}
	}
}

func TestAColumnOfNothingEnds(t *testing.T) {
	var rows atomic.Int32
	at := respond(t, func(_, out *gosnmp.SnmpPacket) bool {
		out.Variables = []gosnmp.SnmpPDU{{Name: fmt.Sprintf("1.3.9.%d", rows.Add(1)), Type: gosnmp.NoSuchInstance}}
		if rows.Load() > 100 {
			out.Variables[0].Type = gosnmp.EndOfMibView
		}
		return true
	})
	got, err := column(newPool(t, short).Device(target(at, snmp.V2c)), mibs.Quirks{}, "1.3.9", 10)
	if err != nil || len(got) != 0 || rows.Load() != 10 {
		t.Errorf("got %v, %v after %d objects; want nothing after 10", got, err, rows.Load())
	}
}

func walk(d *snmp.Device, quirks mibs.Quirks, root string, without []string, most int, each func(mibs.Varbind) error) error {
	return d.Ask(context.Background(), quirks, func(a mibs.Asker) error {
		return a.(interface {
			Walk(ctx context.Context, root string, without []string, max int, each func(mibs.Varbind) error) error
		}).Walk(context.Background(), root, without, most, each)
	})
}

func TestAWalkHandsOnAllUnderARootAndNoMoreThanItMay(t *testing.T) {
	for _, quirks := range []mibs.Quirks{{}, {NoBulk: true}, {V1: true}} {
		bed := startKyocera(t)
		want := bed.Recording().Varbinds()
		d := newPool(t, snmp.Options{Pause: time.Microsecond}).Device(target(bed.Addr, snmp.V2c))
		var got []mibs.Varbind
		collect := func(v mibs.Varbind) error {
			got = append(got, v)
			return nil
		}
		err := walk(d, quirks, "1.3", nil, 10_000, collect)
		if err != nil || len(got) != len(want) || got[len(got)-1].OID != want[len(want)-1].OID {
			t.Errorf("%+v: got %d objects, %v, want all %d", quirks, len(got), err, len(want))
		}
		got = nil
		if err := walk(d, quirks, "1.3", nil, 13, collect); err != nil || len(got) != 13 {
			t.Errorf("%+v: got %d objects, %v, want 13", quirks, len(got), err)
		}
		enough := errors.New("enough")
		if err := walk(d, quirks, "1.3", nil, 13, func(mibs.Varbind) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("%+v: got %v, want what the caller said", quirks, err)
		}
	}
}

func TestAWalkJumpsOverWhatItIsToLeaveOut(t *testing.T) {
	for name, quirks := range map[string]mibs.Quirks{"v2c": {}, "v2c without GETBULK": {NoBulk: true}, "v1": {V1: true}} {
		t.Run(name, func(t *testing.T) {
			all := mibs.NewRecording(nil)
			for _, column := range []string{"1.3.9.1", "1.3.9.2", "1.3.9.10"} {
				for row := range 400 {
					all.Put(fmt.Sprintf("%s.%d", column, row), mibs.Value{Kind: mibs.Integer, Int: 1})
				}
			}
			var within atomic.Int32
			at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
				oid := strings.TrimPrefix(in.Variables[0].Name, ".")
				if strings.HasPrefix(oid, "1.3.9.2.") {
					within.Add(1)
				}
				for range max(1, int(in.MaxRepetitions)) {
					next, ok := all.Next(oid)
					if !ok && in.Version == gosnmp.Version1 {
						out.Error, out.Variables = gosnmp.NoSuchName, in.Variables
						return true
					}
					if oid = next.OID; !ok {
						out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: "1.3.9.10.399", Type: gosnmp.EndOfMibView})
						return true
					}
					out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Integer, Value: 1})
				}
				return true
			})
			told := map[string]int{}
			err := walk(newPool(t, short).Device(target(at, snmp.V2c)), quirks, "1.3.9", []string{"1.3.9.2"}, 10_000, func(v mibs.Varbind) error {
				told[v.OID[:strings.LastIndex(v.OID, ".")]]++
				return nil
			})
			if err != nil || told["1.3.9.1"] != 400 || told["1.3.9.2"] != 0 || told["1.3.9.10"] != 400 {
				t.Errorf("got %v, %v, want all of both columns at the sides and nothing of that between", told, err)
			}
			if n := within.Load(); n > 0 {
				t.Errorf("it asked %d times for what comes behind an object of it", n)
			}
		})
	}
}

func TestAWalkInCirclesEndsAndSaysWhere(t *testing.T) {
	at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
		row := map[string]string{".1.3.9": "1.3.9.1", ".1.3.9.1": "1.3.9.5", ".1.3.9.5": "1.3.9.1"}[in.Variables[0].Name]
		out.Variables = []gosnmp.SnmpPDU{{Name: row, Type: gosnmp.Integer, Value: 1}}
		return true
	})
	told := 0
	err := walk(newPool(t, short).Device(target(at, snmp.V2c)), mibs.Quirks{}, "1.3.9", nil, 100, func(mibs.Varbind) error {
		told++
		return nil
	})
	wantError(t, err, at.String()+" goes round in circles: 1.3.9.1 comes behind 1.3.9.5")
	if !errors.Is(err, snmp.ErrCircle) || told != 2 {
		t.Errorf("got %v after %d objects, want ErrCircle after 2", err, told)
	}
}

func TestWhatGoesWrongIsSaidInFewWords(t *testing.T) {
	bed := startKyocera(t)
	at := bed.Addr.String()
	for name, test := range map[string]struct {
		fault sim.Fault
		want  string
	}{
		"silent":         {sim.Fault{Silent: true}, "no answer from " + at + " (3 tries of 50ms)"},
		"wrong id":       {sim.Fault{WrongID: true}, "no answer from " + at + " (3 tries of 50ms)"},
		"speaks v1 only": {sim.Fault{OnlyV1: true}, "no answer from " + at + " (3 tries of 50ms)"},
		"garbage":        {sim.Fault{Garbage: []byte("rubbish")}, "unreadable answer from " + at},
		"cut short":      {sim.Fault{Garbage: []byte{0x30, 0x20, 2, 1, 1, 4}}, "unreadable answer from " + at},
		"of version 3":   {sim.Fault{Garbage: []byte("\x30\x11\x02\x01\x03\x30\x0c\x02\x01\x01\x02\x02\x05\xdc\x04\x01\x00\x02\x01\x03")}, "unreadable answer from " + at},
		"genErr":         {sim.Fault{GenErr: "*"}, at + " answers genErr to " + sysUpTime},
	} {
		t.Run(name, func(t *testing.T) {
			bed.SetFault(test.fault)
			_, err := get(newPool(t, short).Device(target(bed.Addr, snmp.V2c)), mibs.Quirks{}, steady...)
			wantError(t, err, test.want)
		})
	}
	bed.SetFault(sim.Fault{GenErr: "*"})
	_, err := column(newPool(t, short).Device(target(bed.Addr, snmp.V2c)), mibs.Quirks{}, hrDevices, 9)
	wantError(t, err, at+" answers genErr behind "+hrDevices)
	_, err = get(newPool(t, short).Device(target(bed.Addr, snmp.V2c)), mibs.Quirks{}, "not.an.oid")
	wantError(t, err, "ask "+at+": encode a request for not.an.oid: marshalPDU: unable to marshal varbind list: unable to marshal OID: Invalid object identifier")
}

func TestStrangeAnswersAreErrorsOrIgnored(t *testing.T) {
	integer := func(oid string) gosnmp.SnmpPDU {
		return gosnmp.SnmpPDU{Name: oid, Type: gosnmp.Integer, Value: 1}
	}
	for name, test := range map[string]struct {
		answer func(in, out *gosnmp.SnmpPacket)
		want   string // error; %s is the address
	}{
		"fewer objects": {func(_, out *gosnmp.SnmpPacket) { out.Variables = []gosnmp.SnmpPDU{integer(sysUpTime)} }, "%s answers only 1 of 2 objects; a profile's quirk max_oids may help"},
		"other objects": {func(_, out *gosnmp.SnmpPacket) {
			out.Variables = []gosnmp.SnmpPDU{integer(nowhere), integer(elsewhere)}
		}, "%s answers only 0 of 2 objects; a profile's quirk max_oids may help"},
		"one twice": {func(_, out *gosnmp.SnmpPacket) {
			out.Variables = []gosnmp.SnmpPDU{integer(sysUpTime), integer(sysUpTime)}
		}, "%s answers only 1 of 2 objects; a profile's quirk max_oids may help"},
		"more than asked": {func(_, out *gosnmp.SnmpPacket) {
			out.Variables = []gosnmp.SnmpPDU{integer(nowhere), integer(sysUpTime), integer(elsewhere), integer(sent)}
		}, ""},
		"other order": {func(_, out *gosnmp.SnmpPacket) {
			out.Variables = []gosnmp.SnmpPDU{integer(sent), integer(sysUpTime)}
		}, ""},
		"none":                   {func(_, out *gosnmp.SnmpPacket) { out.Variables = nil }, "%s sends what is no answer to the request"},
		"request sent back":      {func(in, out *gosnmp.SnmpPacket) { out.PDUType, out.Variables = gosnmp.GetRequest, in.Variables }, "%s sends what is no answer to the request"},
		"id 0":                   {func(in, out *gosnmp.SnmpPacket) { out.RequestID, out.Variables = 0, in.Variables }, "%s sends what is no answer to the request"},
		"tooBig for one":         {func(_, out *gosnmp.SnmpPacket) { out.Error = gosnmp.TooBig }, "%s answers tooBig to a GET of 1 objects from " + sysUpTime + " on"},
		"genErr without index":   {func(_, out *gosnmp.SnmpPacket) { out.Error = gosnmp.GenErr }, "%s answers genErr to a GET of 2 objects from " + sysUpTime + " on"},
		"authorizationError":     {func(_, out *gosnmp.SnmpPacket) { out.Error = gosnmp.AuthorizationError }, "%s lets its community read nothing; correct its rights there"},
		"index out of range":     {func(_, out *gosnmp.SnmpPacket) { out.Error, out.ErrorIndex = gosnmp.GenErr, 9 }, "%s answers genErr to a GET of 2 objects from " + sysUpTime + " on"},
		"noSuchName, no index":   {func(_, out *gosnmp.SnmpPacket) { out.Error = gosnmp.NoSuchName }, ""},
		"noSuchName, wild index": {func(_, out *gosnmp.SnmpPacket) { out.Error, out.ErrorIndex = gosnmp.NoSuchName, 77 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
				test.answer(in, out)
				return true
			})
			_, err := get(newPool(t, short).Device(target(at, snmp.V2c)), mibs.Quirks{}, sysUpTime, sent)
			if test.want != "" {
				wantError(t, err, fmt.Sprintf(test.want, at))
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnAnswerFromAnotherAddressIsIgnored(t *testing.T) {
	stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	defer done.Wait()
	defer conn.Close()
	done.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			stranger.WriteToUDPAddrPort(answer(buf[:n], 666), from)
			conn.WriteToUDPAddrPort(answer(buf[:n], 1), from)
		}
	})
	at := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	answers, err := get(newPool(t, short).Device(target(at, snmp.V2c)), mibs.Quirks{}, sent)
	if err != nil || answers[sent].Int != 1 {
		t.Errorf("got %v, %v, want the device's own answer, 1", answers, err)
	}
}

// answer answers all objects of a request with value.
func answer(request []byte, value int) []byte {
	in, err := new(gosnmp.GoSNMP).SnmpDecodePacket(request)
	if err != nil {
		return nil
	}
	out := &gosnmp.SnmpPacket{Version: in.Version, Community: in.Community, PDUType: gosnmp.GetResponse, RequestID: in.RequestID}
	for _, v := range in.Variables {
		out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.Integer, Value: value})
	}
	raw, _ := out.MarshalMsg()
	return raw
}

func TestAnAnswerLargerThanMostIsAskedAgainAndRead(t *testing.T) {
	texts := make([]string, 60)
	for i := range texts {
		texts[i] = fmt.Sprintf("1.3.6.1.4.1.99999.1.%d", i)
	}
	at := respond(t, func(in, out *gosnmp.SnmpPacket) bool {
		for _, v := range in.Variables {
			out.Variables = append(out.Variables, gosnmp.SnmpPDU{Name: v.Name, Type: gosnmp.OctetString, Value: strings.Repeat("x", 255)})
		}
		return true
	})
	pool := newPool(t, snmp.Options{Sessions: 1}) // no retries
	for looks := range 2 {
		answers, err := get(pool.Device(target(at, snmp.V2c)), mibs.Quirks{}, texts...)
		if err != nil || len(answers) != 60 || len(answers[texts[59]].Bytes) != 255 {
			t.Fatalf("got %d answers, %v", len(answers), err)
		}
		if requests, retries := pool.Traffic(); requests != int64(looks)+2 || retries != 0 {
			t.Errorf("after look %d: got %d requests, %d retries; want one more than looks, once", looks+1, requests, retries)
		}
	}
}

func TestRequestsAndRetriesAreCounted(t *testing.T) {
	bed := startKyocera(t)
	pool := newPool(t, short)
	if _, err := get(pool.Device(target(bed.Addr, snmp.V2c)), mibs.Quirks{}, sent); err != nil {
		t.Fatal(err)
	}
	bed.SetFault(sim.Fault{Silent: true})
	if _, err := get(pool.Device(target(bed.Addr, snmp.V2c)), mibs.Quirks{}, sent); err == nil {
		t.Fatal("a silent device answers")
	}
	if requests, retries := pool.Traffic(); requests != 4 || retries != 2 {
		t.Errorf("got %d requests, %d retries; want 4 and 2", requests, retries)
	}
}

func TestALateAnswerIsTakenAndTheOneBehindItIsNotMistakenForTheNext(t *testing.T) {
	bed := startKyocera(t)
	bed.SetFault(sim.Fault{Delay: 70 * time.Millisecond}) // longer than a try, shorter than two
	d := newPool(t, snmp.Options{Sessions: 1, Timeout: 50 * time.Millisecond, Retries: 9}).Device(target(bed.Addr, snmp.V2c))
	for range 2 {
		bed.Fax(1, 0)
		answers, err := get(d, mibs.Quirks{}, sent)
		want, _ := bed.Recording().Get(t.Context(), []string{sent})
		if err != nil || answers[sent].Int != want[sent].Int {
			t.Errorf("got %v, %v, want %v", answers, err, want)
		}
	}
}

func TestCancelEndsAConversationAtOnce(t *testing.T) {
	bed := startKyocera(t)
	bed.SetFault(sim.Fault{Silent: true})
	pool := newPool(t, snmp.Options{Sessions: 1, Timeout: time.Hour})
	d := pool.Device(target(bed.Addr, snmp.V2c))
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error)
	go func() {
		asked <- d.Ask(ctx, mibs.Quirks{}, func(a mibs.Asker) error {
			_, err := a.Get(ctx, steady)
			return err
		})
	}()
	for bed.Requests().All() == 0 {
		runtime.Gosched()
	}
	waiting, stopWaiting := context.WithCancel(t.Context())
	waited := make(chan error)
	go func() {
		waited <- d.Ask(waiting, mibs.Quirks{}, func(mibs.Asker) error { return errors.New("had its turn") })
	}()
	stopWaiting()
	wantError(t, <-waited, "ask "+bed.Addr.String()+": context canceled")
	cancel()
	wantError(t, <-asked, "ask "+bed.Addr.String()+": context canceled")

	bed.SetFault(sim.Fault{})
	if _, err := get(d, mibs.Quirks{}, steady...); err != nil {
		t.Errorf("the next conversation: %v", err)
	}
}

func TestADeadlineBoundsAllThatIsAsked(t *testing.T) {
	bed := startKyocera(t)
	bed.SetFault(sim.Fault{Silent: true})
	d := newPool(t, snmp.Options{Timeout: time.Hour, Retries: 5}).Device(target(bed.Addr, snmp.V2c))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err := d.Ask(ctx, mibs.Quirks{}, func(a mibs.Asker) error {
		_, err := a.Get(ctx, steady)
		_, again := a.Column(ctx, hrDevices, 10)
		return errors.Join(err, again)
	})
	text := "no answer from " + bed.Addr.String() + " in the time it was given: context deadline exceeded"
	wantError(t, err, text+"\n"+text)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("it is no DeadlineExceeded")
	}
	if got := bed.Requests().All(); got != 1 {
		t.Errorf("%d requests were sent, want 1", got)
	}
}

func TestManyDevicesShareFewSessions(t *testing.T) {
	w := startSim(t, sim.Plan{Devices: 40}, "kyocera-taskalfa-2554ci", "lexmark-mx622ade")
	pool := newPool(t, snmp.Options{Sessions: 4})
	var mu sync.Mutex
	var talking, most int
	var all sync.WaitGroup
	for _, bed := range w.Devices {
		d := pool.Device(target(bed.Addr, snmp.V2c))
		all.Go(func() {
			for range 20 {
				err := d.Ask(t.Context(), mibs.Quirks{}, func(a mibs.Asker) error {
					mu.Lock()
					talking++
					most = max(most, talking)
					mu.Unlock()
					answers, err := a.Get(t.Context(), []string{serialOID, sysUpTime})
					if got := answers[serialOID].Text(); got != bed.Serial() {
						t.Errorf("asked %s and got the serial of %s", bed.Serial(), got)
					}
					mu.Lock()
					talking--
					mu.Unlock()
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if most > 4 {
		t.Errorf("%d conversations at the same time, want at most 4", most)
	}
	for _, bed := range w.Devices {
		if got := bed.Requests(); got.All() != 20 || got.Sets != 0 {
			t.Errorf("device was asked %+v, want 20 GETs", got)
		}
	}
}

func TestTheProfilesFindOutOverTheNetworkWhatEveryMachineIs(t *testing.T) {
	profiles, err := mibs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, snmp.Options{Sessions: 2})
	for _, bed := range startSim(t, sim.Plan{Of: all}).Devices {
		for _, version := range []string{snmp.V1, snmp.V2c} {
			d := pool.Device(target(bed.Addr, version))
			var is *mibs.Device
			err := d.Ask(t.Context(), mibs.Quirks{}, func(a mibs.Asker) (err error) {
				is, err = profiles.Identify(t.Context(), a)
				return err
			})
			if err != nil || is.ID != bed.ID() {
				t.Fatalf("%s, version %s: got %v, %v, want %s", bed.Description().Name, version, is, err, bed.ID())
			}
			oids := is.OIDs(mibs.Lines | mibs.Counters)
			if _, err := get(d, is.Quirks(), oids...); err != nil { // finds out what SNMPv1 doesn't have
				t.Fatal(err)
			}
			before := bed.Requests().All()
			if _, err := get(d, is.Quirks(), oids...); err != nil {
				t.Fatal(err)
			}
			if got := bed.Requests().All() - before; got != 1 {
				t.Errorf("%s, version %s: a steady poll takes %d requests, want 1", bed.Description().Name, version, got)
			}
		}
	}
}

func TestAClosedPoolAsksNobody(t *testing.T) {
	pool := snmp.NewPool(snmp.Options{})
	d := pool.Device(target(netip.MustParseAddrPort("127.0.0.1:9"), snmp.V2c))
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := get(d, mibs.Quirks{}, sysDescr)
	wantError(t, err, "ask 127.0.0.1:9: SNMP sessions are closed")
}

func TestBadTargetsSayWhatIsWrong(t *testing.T) {
	pool := newPool(t, short)
	for name, test := range map[string]struct {
		target snmp.Target
		want   string
	}{
		"version 3": {snmp.Target{Host: "127.0.0.1", Credentials: snmp.Credentials{Version: snmp.V3}}, "ask 127.0.0.1:161: SNMPv3 user of 0 bytes; want 1 to 32"},
		"version 4": {snmp.Target{Host: "127.0.0.1", Credentials: snmp.Credentials{Version: "4"}}, `ask 127.0.0.1:161: SNMP version "4"; want 1, 2c or 3`},
		"no community": {
			snmp.Target{Host: "::1", Port: 1161, Credentials: snmp.Credentials{Version: snmp.V1}},
			"ask [::1]:1161: SNMP community of 0 bytes; want 1 to 127",
		},
		"long community": {
			snmp.Target{Host: "h", Credentials: snmp.Credentials{Version: snmp.V2c, Community: secret.Text(strings.Repeat("x", 128))}},
			"ask h:161: SNMP community of 128 bytes; want 1 to 127",
		},
	} {
		_, err := get(pool.Device(test.target), mibs.Quirks{}, sysDescr)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	unknown := snmp.Target{Host: "no such host", Credentials: snmp.Credentials{Version: snmp.V2c, Community: "public"}}
	if _, err := get(pool.Device(unknown), mibs.Quirks{}, sysDescr); err == nil || !strings.HasPrefix(err.Error(), `resolve "no such host": `) {
		t.Errorf("a name that doesn't resolve: got %v", err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c := snmp.Credentials{Version: snmp.V2c, Community: "s3cret", AuthPassword: "s3cret", PrivacyPassword: "s3cret"}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s %q %x", c, c, c, c.Community, c.Community), string(encoded)} {
		if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%x", "s3cret")) {
			t.Errorf("the community shows in %s", text)
		}
	}
}

// respond answers as handle says: false = not at all.
func respond(t testing.TB, handle func(in, out *gosnmp.SnmpPacket) bool) netip.AddrPort {
	t.Helper()
	return serveRaw(t, func(request []byte) []byte {
		in, err := new(gosnmp.GoSNMP).SnmpDecodePacket(request)
		if err != nil {
			return nil
		}
		out := &gosnmp.SnmpPacket{Version: in.Version, Community: in.Community, PDUType: gosnmp.GetResponse, RequestID: in.RequestID}
		if !handle(in, out) {
			return nil
		}
		raw, _ := out.MarshalMsg()
		return raw
	})
}

// serveRaw answers each request with one datagram, or none where that is nil.
func serveRaw(t testing.TB, handle func(request []byte) []byte) netip.AddrPort {
	t.Helper()
	return serveAll(t, func(request []byte) [][]byte {
		if reply := handle(slices.Clone(request)); reply != nil {
			return [][]byte{reply}
		}
		return nil
	})
}
