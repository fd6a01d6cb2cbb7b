package mibs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
	"pgregory.net/rapid"
)

const all = mibs.Lines | mibs.Counters

var now = wire.TimeOf(time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC))

// builtinOnce is for all tests: reading the profiles is slow under the race detector, and a Set doesn't change.
var builtinOnce = sync.OnceValues(mibs.Builtin)

func builtin(t testing.TB) *mibs.Set {
	t.Helper()
	set, err := builtinOnce()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// readRecording identifies a recorded device and polls it once.
func readRecording(t testing.TB, set *mibs.Set, asker mibs.Asker) (*mibs.Device, mibs.Result) {
	t.Helper()
	d, err := set.Identify(context.Background(), asker)
	if err != nil {
		t.Fatal(err)
	}
	return d, poll(t, d, asker)
}

// poll asks a device in one request for all it can tell, and checks that a reading of it may be sent.
func poll(t testing.TB, d *mibs.Device, asker mibs.Asker) mibs.Result {
	t.Helper()
	answers, err := asker.Get(context.Background(), d.OIDs(all))
	if err != nil {
		t.Fatal(err)
	}
	r := d.Read(now, all, answers)
	if d.ID != "" && !r.Stranger {
		if err := r.Reading.Check(); err != nil {
			t.Errorf("the reading can't be sent: %v", err)
		}
	}
	return r
}

func expectedOf(d *mibs.Device, r mibs.Result) expected {
	e := expected{profile: d.Profile, id: d.ID, fax: r.Reading.Fax, service: r.Reading.FaxService}
	for _, c := range r.Reading.Counters {
		e.counters = append(e.counters, fmt.Sprintf("%s %d %s", c.Measure, c.Value, c.Unit))
	}
	for _, l := range r.Reading.Lines {
		e.lines = append(e.lines, fmt.Sprintf("%s %s", l.Port, l.Status))
	}
	slices.Sort(e.lines)
	return e
}

// counting notes what a device is asked.
type counting struct {
	mibs.Asker
	gets, columns []string
}

func (c *counting) Get(ctx context.Context, oids []string) (mibs.Answers, error) {
	c.gets = append(c.gets, fmt.Sprint(len(oids)))
	return c.Asker.Get(ctx, oids)
}

func (c *counting) Column(ctx context.Context, root string, max int) ([]mibs.Varbind, error) {
	c.columns = append(c.columns, root)
	return c.Asker.Column(ctx, root, max)
}

func TestASteadyPollIsOneSmallRequestWithUptimeAndSerialFirst(t *testing.T) {
	for name, serial := range map[string]string{
		"xerox":             "1.3.6.1.4.1.253.8.53.3.2.1.3.1",
		"kyocera":           "1.3.6.1.4.1.1347.43.5.1.1.28.1",
		"lexmark":           "1.3.6.1.4.1.641.6.2.3.1.5.1",
		"printer":           "1.3.6.1.2.1.43.5.1.1.17.1",
		"grandstream-ht8xx": "1.3.6.1.4.1.42397.1.2.4.7.0",
		"ricoh":             "1.3.6.1.4.1.367.3.2.1.2.1.4.0",
		"hp-3300":           "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0",
		"hp-futuresmart":    "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0",
		"samsung":           "1.3.6.1.4.1.236.11.5.1.1.1.4.0",
		"brother":           "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0",
		"panasonic":         "1.3.6.1.4.1.258.405.1.1.1.5.0",
		"toshiba":           "1.3.6.1.2.1.43.5.1.1.17.1",
		"sharp":             "1.3.6.1.2.1.43.5.1.1.17.1",
	} {
		d, _ := readRecording(t, builtin(t), fixture(t, name))
		for _, due := range []mibs.Due{mibs.Lines, mibs.Counters, all} {
			oids := d.OIDs(due)
			if len(oids) < 2 || oids[0] != "1.3.6.1.2.1.1.3.0" || oids[1] != serial {
				t.Errorf("%s: OIDs(%d) begin with %v, want sysUpTime and %s", name, due, oids[:min(2, len(oids))], serial)
			}
			if len(oids) > 25 {
				t.Errorf("%s: OIDs(%d) are %d, want at most 25", name, due, len(oids))
			}
		}
		if len(d.OIDs(all)) > len(d.OIDs(mibs.Lines))+len(d.OIDs(mibs.Counters))-2 {
			t.Errorf("%s: lines and counters due together don't share uptime and serial", name)
		}
	}
}

func TestIdentifyingAsksLittleAndNoTreeAsAWhole(t *testing.T) {
	for name, most := range map[string]int{"xerox": 14, "kyocera": 8, "lexmark": 14, "printer": 10, "grandstream-ht8xx": 9, "ricoh": 13, "hp-futuresmart": 12, "samsung": 13, "brother": 12, "panasonic": 9, "toshiba": 9, "sharp": 12, "linux": 6} {
		asker := &counting{Asker: fixture(t, name)}
		if _, err := builtin(t).Identify(t.Context(), asker); err != nil {
			t.Fatal(err)
		}
		if n := len(asker.gets) + len(asker.columns); n > most {
			t.Errorf("%s: %d requests, want at most %d: GETs of %v objects, columns %v", name, n, most, asker.gets, asker.columns)
		}
	}
}

func TestAMovedRowIsNoticedAndKeepsRuleAndValue(t *testing.T) {
	before, moved := fixture(t, "xerox"), fixture(t, "xerox-moved")
	d, first := readRecording(t, builtin(t), before)
	stale := poll(t, d, moved)
	if !stale.Stale || len(stale.Reading.Counters) != 0 || stale.Reading.FaxService != wire.ServiceUnknown || stale.Stranger {
		t.Errorf("after the move: got stale %v, counters %v, service %q; want stale and nothing used",
			stale.Stale, stale.Reading.Counters, stale.Reading.FaxService)
	}
	again, second := readRecording(t, builtin(t), moved)
	if again.ID != d.ID || second.Stale || !slices.Equal(first.Reading.Counters, second.Reading.Counters) {
		t.Errorf("identified again: got %s %v\nwant %s %v", again.ID, second.Reading.Counters, d.ID, first.Reading.Counters)
	}
}

func TestADeviceThatTellsLessForAWhileKeepsItsRules(t *testing.T) {
	const printed = "1.3.6.1.4.1.253.8.53.13.2.1.%d.10.20.14" // of the fixture's embedded fax
	const machine = "1.3.6.1.4.1.253.8.53.13.2.1.%d.1.20.71"
	whole := fixture(t, "xerox")
	whole.Put(fmt.Sprintf(machine, 6), mibs.Value{Kind: mibs.Integer, Int: 500})
	whole.Put(fmt.Sprintf(machine, 8), text("Fax Impressions"))
	less := without(whole, fmt.Sprintf(printed, 6), fmt.Sprintf(printed, 8))
	identify := func(asker mibs.Asker, before *mibs.Device) *mibs.Device {
		t.Helper()
		d, err := builtin(t).Identify(t.Context(), asker)
		if err != nil {
			t.Fatal(err)
		}
		return d.After(before)
	}
	rules := func(d *mibs.Device, asker mibs.Asker) (rules []string, stale bool) {
		t.Helper()
		r := poll(t, d, asker)
		for _, c := range r.Reading.Counters {
			rules = append(rules, strings.TrimPrefix(c.Rule, "xerox/"))
		}
		return rules, r.Stale
	}
	all := []string{"fax_sent_pages.embedded", "fax_received_pages.embedded", "fax_printed_pages.embedded"}

	first := identify(whole, nil)
	booting := identify(less, first)
	if got, stale := rules(booting, less); !slices.Equal(got, all[:2]) || !stale {
		t.Errorf("while a row is missing: got %v, stale %v; want %v and stale, so that it is identified again", got, stale, all[:2])
	}
	if got, stale := rules(booting, whole); !slices.Equal(got, all) || stale {
		t.Errorf("as soon as it is back: got %v, stale %v; want %v", got, stale, all)
	}
	if got, stale := rules(identify(whole, booting), whole); !slices.Equal(got, all) || stale {
		t.Errorf("identified again: got %v, stale %v; want %v", got, stale, all)
	}

	lasting, times := first, 0
	for got := all; len(got) == 0 || got[len(got)-1] != "fax_printed_pages.machine"; times++ {
		if times == 20 {
			t.Fatal("a row that is gone for good is never believed to be")
		}
		lasting = identify(less, lasting)
		got, _ = rules(lasting, less)
	}
	if times < 3 {
		t.Errorf("a row was believed to be gone for good after %d identifications, want at least 3", times)
	}
	if got, _ := rules(identify(whole, lasting), whole); !slices.Equal(got, all) {
		t.Errorf("a better row that comes: got %v, want %v at once", got, all)
	}
	whole.Put("1.3.6.1.4.1.253.8.53.3.2.1.3.1", text("3900000077"))
	if d := identify(without(whole, fmt.Sprintf(printed, 8)), first); d.ID != "xerox-3900000077" {
		t.Errorf("another device: got %s, want xerox-3900000077", d.ID)
	}
}

func without(r *mibs.Recording, oids ...string) *mibs.Recording {
	return mibs.NewRecording(slices.DeleteFunc(slices.Clone(r.Varbinds()), func(vb mibs.Varbind) bool { return slices.Contains(oids, vb.OID) }))
}

func TestWhereverTheFaxDeviceStandsItReadsTheSame(t *testing.T) {
	_, want := readRecording(t, builtin(t), fixture(t, "xerox"))
	rapid.Check(t, func(rt *rapid.T) {
		device := rapid.IntRange(21, 65535).Draw(rt, "device")
		service := rapid.IntRange(12, 65535).Draw(rt, "service")
		meters := rapid.Permutation([]int{13, 14, 15, 19, 40}).Draw(rt, "meters")
		recording := moveFax(fixture(t, "xerox"), device, service, meters)
		d, got := readRecording(t, builtin(t), recording)
		if !slices.Equal(got.Reading.Counters, want.Reading.Counters) || got.Reading.FaxService != want.Reading.FaxService {
			rt.Errorf("got %v, service %q\nwant %v, service %q",
				got.Reading.Counters, got.Reading.FaxService, want.Reading.Counters, want.Reading.FaxService)
		}
		if d.ID != "xerox-3900000001" {
			rt.Errorf("got id %s", d.ID)
		}
	})
}

// moveFax gives the embedded fax of the fixture (device 10, service row 11) other numbers.
func moveFax(r *mibs.Recording, device, service int, meters []int) *mibs.Recording {
	renumber := map[string]string{}
	for i, meter := range []int{13, 14, 15, 19} {
		for _, column := range []string{"5", "6", "8"} {
			renumber[fmt.Sprintf("1.3.6.1.4.1.253.8.53.13.2.1.%s.10.20.%d", column, meter)] = fmt.Sprintf("1.3.6.1.4.1.253.8.53.13.2.1.%s.%d.20.%d", column, device, meters[i])
		}
	}
	for _, column := range []string{"4", "6", "8", "15", "16"} {
		renumber["1.3.6.1.4.1.253.8.74.5.2.1."+column+".11"] = fmt.Sprintf("1.3.6.1.4.1.253.8.74.5.2.1.%s.%d", column, service)
	}
	var moved []mibs.Varbind
	for _, vb := range r.Varbinds() {
		if vb.OID == "1.3.6.1.4.1.253.8.74.5.2.1.8.11" {
			vb.Value.Int = int64(device)
		}
		if oid, ok := renumber[vb.OID]; ok {
			vb.OID = oid
		}
		moved = append(moved, vb)
	}
	return mibs.NewRecording(moved)
}

func TestAnotherDeviceAtTheAddressIsNotReadAsThisOne(t *testing.T) {
	recording := fixture(t, "kyocera")
	d, _ := readRecording(t, builtin(t), recording)
	recording.Put("1.3.6.1.4.1.1347.43.5.1.1.28.1", text("RH9999999"))
	r := poll(t, d, recording)
	if !r.Stranger || len(r.Reading.Counters) != 0 || r.Reading.OK {
		t.Errorf("got stranger %v, reading %+v; want a stranger and no reading", r.Stranger, r.Reading)
	}
}

func TestWithoutItsSerialNothingOfADeviceIsUsed(t *testing.T) {
	recording := fixture(t, "kyocera")
	d, _ := readRecording(t, builtin(t), recording)
	recording.Put("1.3.6.1.4.1.1347.43.5.1.1.28.1", text("0000"))
	r := poll(t, d, recording)
	if r.Stranger || !r.Stale || r.Reading.OK || r.Reading.Error == "" || len(r.Reading.Counters) != 0 {
		t.Errorf("got stranger %v, stale %v, reading %+v; want stale and a failed look, since who knows who answered",
			r.Stranger, r.Stale, r.Reading)
	}
}

func TestOnlyWhatIsDueIsRead(t *testing.T) {
	recording := fixture(t, "lexmark")
	d, _ := readRecording(t, builtin(t), recording)
	answers, err := recording.Get(t.Context(), d.OIDs(all))
	if err != nil {
		t.Fatal(err)
	}
	if r := d.Read(now, mibs.Counters, answers); len(r.Reading.Counters) == 0 || len(r.Reading.Lines) != 0 {
		t.Errorf("counters due: got %d counters and %d lines", len(r.Reading.Counters), len(r.Reading.Lines))
	}
	if r := d.Read(now, mibs.Lines, answers); len(r.Reading.Counters) != 0 || len(r.Reading.Lines) != 1 {
		t.Errorf("lines due: got %d counters and %d lines", len(r.Reading.Counters), len(r.Reading.Lines))
	}
	gateway, _ := readRecording(t, builtin(t), fixture(t, "grandstream-ht8xx"))
	noCard, _ := readRecording(t, builtin(t), fixture(t, "lexmark-no-card"))
	if !d.Has(mibs.Lines) || !d.Has(mibs.Counters) || gateway.Has(mibs.Counters) || !gateway.Has(all) || noCard.Has(mibs.Lines) {
		t.Error("Has doesn't say what can be asked")
	}
}

func TestANegativeValueIsNotTold(t *testing.T) {
	recording := fixture(t, "kyocera")
	d, _ := readRecording(t, builtin(t), recording)
	recording.Put("1.3.6.1.4.1.1347.42.3.1.3.1.1.4", mibs.Value{Kind: mibs.Integer, Int: -3})
	r := poll(t, d, recording)
	if len(r.Reading.Counters) != 1 || r.Reading.Counters[0].Measure != wire.FaxPrintedPages || len(r.Warnings) != 1 {
		t.Errorf("got %v, warnings %q; want only fax_printed_pages and a warning", r.Reading.Counters, r.Warnings)
	}
}

func TestADeviceIdentifiedWhileItBootsIsIdentifiedAgainOnceItHasSettled(t *testing.T) {
	recording := fixture(t, "kyocera")
	uptime := func(d time.Duration) {
		recording.Put("1.3.6.1.2.1.1.3.0", mibs.Value{Kind: mibs.TimeTicks, Int: d.Milliseconds() / 10})
	}
	uptime(time.Minute)
	d, first := readRecording(t, builtin(t), recording)
	uptime(9 * time.Minute)
	second := poll(t, d, recording)
	uptime(11 * time.Minute)
	third := poll(t, d, recording)
	if first.Stale || second.Stale || !third.Stale || len(third.Reading.Counters) != 2 {
		t.Errorf("stale after 1, 9 and 11 minutes: got %v, %v, %v with %d counters; want only the last, with 2 counters",
			first.Stale, second.Stale, third.Stale, len(third.Reading.Counters))
	}
	if _, r := readRecording(t, builtin(t), recording); r.Stale {
		t.Error("stale again right after it was identified")
	}
}

func TestAnAlertThatComesAndGoesIsSeen(t *testing.T) {
	recording := fixture(t, "lexmark")
	d, _ := readRecording(t, builtin(t), recording)
	status := func() wire.Line {
		t.Helper()
		lines := poll(t, d, recording).Reading.Lines
		if len(lines) != 1 {
			t.Fatalf("got %d lines, want 1", len(lines))
		}
		return lines[0]
	}
	if line := status(); line.Status != wire.LineUnknown {
		t.Errorf("without an alert: got %s, want unknown, since silence proves nothing", line.Status)
	}
	recording.Put("1.3.6.1.4.1.641.6.5.1.1.5.1.5", mibs.Value{Kind: mibs.Integer, Int: 707})
	if line := status(); line.Status != wire.LineDown || line.Evidence != "alert 707" {
		t.Errorf("with alert 707: got %s (%s), want down", line.Status, line.Evidence)
	}
	recording.Put("1.3.6.1.4.1.641.6.5.1.1.5.1.5", mibs.Value{Kind: mibs.Integer, Int: 207})
	if line := status(); line.Status != wire.LineUnknown {
		t.Errorf("with another alert: got %s, want unknown", line.Status)
	}
}

func TestAXeroxWithAnAnalogFaxServiceIsNotSaidToHaveNone(t *testing.T) {
	recording := fixture(t, "xerox")
	number := func(oid string, n int64) {
		recording.Put(oid, mibs.Value{Kind: mibs.Integer, Int: n})
	}
	for _, meter := range []string{"13", "14", "19"} {
		number("1.3.6.1.4.1.253.8.53.13.2.1.6.10.20."+meter, 0)
	}
	number("1.3.6.1.4.1.253.8.74.5.2.1.8.11", 0) // the service doesn't say which device it has
	recording.Put("1.3.6.1.2.1.25.3.2.1.2.1", mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.2.1.25.3.1.5"})
	if d, _ := readRecording(t, builtin(t), recording); d.Fax != wire.Unknown {
		t.Errorf("with a service, but no device: got fax %s, since %s; want unknown", d.Fax, d.FaxWhy)
	}
	number("1.3.6.1.4.1.253.8.74.5.2.1.15.11", 115)
	if d, _ := readRecording(t, builtin(t), recording); d.Fax != wire.No {
		t.Errorf("without an analog fax service: got fax %s, want no", d.Fax)
	}
}

func TestAServiceThatNamesAnotherDeviceDoesNotHideTheMeters(t *testing.T) {
	_, want := readRecording(t, builtin(t), fixture(t, "xerox"))
	recording := fixture(t, "xerox")
	recording.Put("1.3.6.1.4.1.253.8.74.5.2.1.8.11", mibs.Value{Kind: mibs.Integer, Int: 1})
	if _, got := readRecording(t, builtin(t), recording); !slices.Equal(got.Reading.Counters, want.Reading.Counters) {
		t.Errorf("got %v\nwant %v", got.Reading.Counters, want.Reading.Counters)
	}
}

func TestFaxesOverTheNetworkAreNotTakenForThoseOfALine(t *testing.T) {
	recording := fixture(t, "xerox-no-card")
	for oid, label := range map[string]string{"102.20.66": "Fax Images Sent", "1.20.71": "Fax Impressions"} {
		recording.Put("1.3.6.1.4.1.253.8.53.13.2.1.8."+oid, text(label))
		recording.Put("1.3.6.1.4.1.253.8.53.13.2.1.6."+oid, mibs.Value{Kind: mibs.Integer, Int: 4711})
	}
	d, r := readRecording(t, builtin(t), recording)
	if r.Reading.Fax != wire.No || len(r.Reading.Counters) != 0 {
		t.Errorf("got fax %s (%s), counters %v; want no and none", r.Reading.Fax, d.FaxWhy, r.Reading.Counters)
	}
}

func TestSidesAreReadBeforeSheetsAndAnUnknownUnitIsNotGuessed(t *testing.T) {
	recording := fixture(t, "lexmark") // 21 sheets, 25 sides in black and 2 in colour
	printed := func() string {
		t.Helper()
		_, r := readRecording(t, builtin(t), recording)
		for _, c := range r.Reading.Counters {
			if c.Measure == wire.FaxPrintedPages {
				return fmt.Sprintf("%d %s by %s, %d warnings", c.Value, c.Unit, c.Rule, len(r.Warnings))
			}
		}
		return "nothing"
	}
	if got, want := printed(), "27 sides by lexmark/fax_printed_pages.mono_and_colour.sides, 0 warnings"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	recording.Put("1.3.6.1.4.1.641.6.4.2.1.1.3.1.16", mibs.Value{Kind: mibs.Integer, Int: 99})
	if got, want := printed(), "21 sheets by lexmark/fax_printed_pages.total.sheets, 1 warnings"; got != want {
		t.Errorf("of sides in an unknown unit: got %s, want %s", got, want)
	}
}

func TestASerialBecomesAnIDOnlyIfItTellsMachinesApart(t *testing.T) {
	for serial, want := range map[string]string{
		"AC-0001":        "printer-ac-0001",
		" ac 00/01_é ":   "printer-ac-00-01",
		"7XQ1R92-132-13": "printer-7xq1r92-132-13",
		"":               "",
		"0":              "",
		"000000000":      "",
		"XXXXXXXXXX":     "",
		"-----":          "",
		"<private>":      "",
		"masked":         "",
		"N/A":            "",
		"漢字":             "",
	} {
		recording := fixture(t, "printer")
		recording.Put("1.3.6.1.2.1.43.5.1.1.17.1", text(serial))
		d, _ := readRecording(t, builtin(t), recording)
		if d.ID != want {
			t.Errorf("serial %q: got id %q, want %q", serial, d.ID, want)
		}
	}
}

func TestWithoutASerialTheFirstBurntInAddressNamesTheDevice(t *testing.T) {
	recording := fixture(t, "printer")
	recording.Put("1.3.6.1.2.1.43.5.1.1.17.1", text("000000"))
	for i, mac := range []string{"", "\x00\x00\x00\x00\x00\x00", "\x02\x42\xac\x11\x00\x02", "\xff\xff\xff\xff\xff\xff", "\x00\x1b\x2c\x3d\x4e\x5f", "\x00\x1b\x2c\x3d\x4e\x60"} {
		recording.Put(fmt.Sprintf("1.3.6.1.2.1.2.2.1.6.%d", i+1), text(mac))
	}
	d, _ := readRecording(t, builtin(t), recording)
	if d.ID != "printer-mac-001b2c3d4e5f" || d.Identity.Serial != "" {
		t.Errorf("got id %q, serial %q; want the address of interface 5 and no serial", d.ID, d.Identity.Serial)
	}
	recording.Put("1.3.6.1.2.1.2.2.1.6.5", text("\x00\x1b\x2c\x00\x00\x01"))
	if r := poll(t, d, recording); !r.Stranger {
		t.Error("another address answers: got a reading, want a stranger")
	}
}

func TestHalfARecordingIsRecognisedByItsProofAlone(t *testing.T) {
	var half []mibs.Varbind
	for _, vb := range fixture(t, "xerox").Varbinds() {
		if !strings.HasPrefix(vb.OID, "1.3.6.1.2.1.1.") {
			half = append(half, vb)
		}
	}
	d, r := readRecording(t, builtin(t), mibs.NewRecording(half))
	want := "it says nothing of itself, but answers 1.3.6.1.4.1.253.8.53.13.2.1.6.1.20.1, which only Xerox, Fuji Xerox and FUJIFILM have"
	if d.ID != "xerox-3900000001" || len(r.Reading.Counters) != 3 || d.Why != want {
		t.Errorf("got id %q, %d counters, because %s\nwant xerox-3900000001, 3 counters, because %s", d.ID, len(r.Reading.Counters), d.Why, want)
	}
}

func TestTheAskersErrorIsToldWithWhatWasBeingDone(t *testing.T) {
	silent := errors.New("no answer within 2s")
	if _, err := builtin(t).Identify(t.Context(), mute{silent}); !errors.Is(err, silent) || err.Error() != "identify: no answer within 2s" {
		t.Errorf("got %v", err)
	}
}

type mute struct{ err error }

func (m mute) Get(context.Context, []string) (mibs.Answers, error)         { return nil, m.err }
func (m mute) Column(context.Context, string, int) ([]mibs.Varbind, error) { return nil, m.err }

func text(s string) mibs.Value { return mibs.Value{Kind: mibs.OctetString, Bytes: []byte(s)} }

// FuzzReadAnswers lets every known device answer anything to a poll: nothing may panic, no
// reading may be one that can't be sent, no value may be negative.
func FuzzReadAnswers(f *testing.F) {
	files, err := filepath.Glob("testdata/*.snmprec")
	if err != nil {
		f.Fatal(err)
	}
	var devices []*mibs.Device
	var serials []mibs.Answers // or every reading would be a stranger's
	for _, file := range files {
		recording := fixture(f, strings.TrimSuffix(filepath.Base(file), ".snmprec"))
		d, _ := readRecording(f, builtin(f), recording)
		if d.ID == "" {
			continue
		}
		serial, err := recording.Get(f.Context(), d.OIDs(all)[1:2])
		if err != nil {
			f.Fatal(err)
		}
		devices, serials = append(devices, d), append(serials, serial)
	}
	f.Add(uint8(0), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add(uint8(9), []byte("\x02\xff\xff\x04\x05Embedded Fax Images Sent\x06\x05"))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		d := devices[int(which)%len(devices)]
		answers := mibs.Answers{}
		for _, oid := range d.OIDs(all) {
			answers[oid], data = anyValue(data)
		}
		if int(which) < len(devices) {
			maps.Copy(answers, serials[which])
		}
		r := d.Read(now, all, answers)
		if r.Stranger {
			return
		}
		if err := r.Reading.Check(); err != nil {
			t.Errorf("%s: %v", d.ID, err)
		}
	})
}

// anyValue takes a value off data: a kind, then 8 bytes of number or up to 32 of text.
func anyValue(data []byte) (v mibs.Value, rest []byte) {
	if len(data) == 0 {
		return mibs.Value{}, nil
	}
	v.Kind, rest = mibs.Kind(data[0]%9), data[1:]
	n := min(len(rest), int(data[0]>>3))
	v.Bytes, rest = rest[:n], rest[n:]
	for _, b := range v.Bytes[:min(n, 8)] {
		v.Int = v.Int<<8 | int64(b)
	}
	v.OID = "1.3." + fmt.Sprint(v.Int)
	return v, rest
}

func BenchmarkRead(b *testing.B) {
	recording := fixture(b, "xerox")
	d, _ := readRecording(b, builtin(b), recording)
	answers, err := recording.Get(b.Context(), d.OIDs(all))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Read(now, all, answers)
	}
}
