package mibs_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

func linesOf(r mibs.Result) string {
	var lines []string
	for _, l := range r.Reading.Lines {
		lines = append(lines, fmt.Sprintf("%s %s %s", l.Port, l.Status, l.Fax))
	}
	return strings.Join(lines, ", ")
}

func TestPortsKeepTheirNamesWhenTheirIndexesMove(t *testing.T) {
	d, before := readRecording(t, builtin(t), fixture(t, "cisco"))
	moved := fixture(t, "cisco-moved")
	again, after := readRecording(t, builtin(t), moved)
	if got, want := linesOf(after), linesOf(before); got != want || again.ID != d.ID {
		t.Errorf("got  %s %s\nwant %s %s", again.ID, got, d.ID, want)
	}
}

func TestAPortIsNamedByTheBoxIfThatTellsItApart(t *testing.T) {
	for name, test := range map[string]struct {
		says mibs.Value
		want string
	}{
		"two of one name":         {text("Fo2/1"), "2/0 idle yes, 12 busy unknown, 13 unknown unknown, 2/3 busy unknown, 2/4 idle unknown"},
		"one without a name":      {text("Foreign"), "2/0 idle yes, 2/1 busy unknown, 13 unknown unknown, 2/3 busy unknown, 2/4 idle unknown"},
		"one that doesn't answer": {mibs.Value{}, "2/0 idle yes, 2/1 busy unknown, 13 unknown unknown, 2/3 busy unknown, 2/4 idle unknown"},
	} {
		gateway := without(fixture(t, "cisco"), "1.3.6.1.2.1.2.2.1.2.13")
		gateway.Put("1.3.6.1.2.1.31.1.1.1.1.13", test.says)
		if _, r := readRecording(t, builtin(t), gateway); linesOf(r) != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, linesOf(r), test.want)
		}
	}
}

func TestAPortsNameIsNeverAnothersIndex(t *testing.T) {
	const lines = ward + `lines:
  ports: [{column: w.7}]
  names: [{oid: "w.8.{port}"}]
  status: [{what: hook, oid: "w.7.{port}", map: {0: idle, 1: busy}}]
  source: WARD-MIB
`
	gateway := wardFax()
	for i, name := range []string{"2", "A", "1"} {
		gateway.Put(fmt.Sprint("1.3.6.1.4.1.99999.7.", i+1), mibs.Value{Kind: mibs.Integer})
		gateway.Put(fmt.Sprint("1.3.6.1.4.1.99999.8.", i+1), text(name))
	}
	if _, r := readRecording(t, with(t, lines), gateway); linesOf(r) != "1 idle unknown, A idle unknown, 3 idle unknown" {
		t.Errorf("got %s", linesOf(r))
	}
}

func TestARestartThatMovesPortsAndStillLacksOneMixesNoneUp(t *testing.T) {
	before, _ := readRecording(t, builtin(t), fixture(t, "cisco"))
	moved := mibs.NewRecording(nil) // by one: what was the second port's index is the first's
	for _, vb := range fixture(t, "cisco").Varbinds() {
		at := strings.LastIndexByte(vb.OID, '.') + 1
		if n, _ := strconv.Atoi(vb.OID[at:]); n >= 11 && n <= 14 {
			vb.OID = fmt.Sprint(vb.OID[:at], n+1)
		} else if n == 15 {
			continue
		}
		moved.Put(vb.OID, vb.Value)
	}
	d, err := builtin(t).Identify(t.Context(), moved)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := linesOf(poll(t, d.After(before), moved)), "2/0 idle yes, 2/1 busy unknown, 2/2 unknown unknown, 2/3 busy unknown"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestACiscoWithLinesToTheExchangeOnlyNamesThemAsTheBoxDoes(t *testing.T) {
	gateway := mibs.NewRecording(nil)
	for _, vb := range fixture(t, "cisco").Varbinds() {
		oid := strings.Replace(vb.OID, ".9.62.1.4.2.1.1.", ".9.62.1.3.2.1.1.", 1)
		if strings.Contains(oid, ".9.62.1.4.2.1.2.") {
			continue
		}
		gateway.Put(oid, vb.Value)
	}
	if _, r := readRecording(t, builtin(t), gateway); linesOf(r) != "2/0 idle yes, 2/1 busy unknown, 2/2 unknown unknown, 2/3 idle unknown, 2/4 idle unknown" {
		t.Errorf("got %s", linesOf(r))
	}
}

func TestALabelSaysFaxInManyWays(t *testing.T) {
	for label, want := range map[string]wire.Answer{
		"Fax": wire.Yes, "CARDIO_FAX": wire.Yes, "Téléfax 2": wire.Yes, "TELEFAX": wire.Yes, "Telecopieur": wire.Yes, "fax2": wire.Yes,
		"No fax 4512": wire.Yes, "N° fax": wire.Yes, "Accueil plus fax": wire.Yes, "Fax sans fil": wire.Yes,
		"No fax": wire.No, "Sans fax": wire.No, "pas de fax": wire.No, "SANS_FAX": wire.No, "not a fax": wire.No, "kein Fax": wire.No,
		"Faxgerät": wire.Yes, "Poste sans fil, fax": wire.Yes, "plus de fax": wire.No, "Sans télécopie": wire.No, "Halifax": wire.Unknown, "Interphone": wire.Unknown, "": wire.Unknown,
	} {
		for name, oid := range map[string]string{
			"audiocodes": "1.3.6.1.4.1.5003.9.10.3.1.1.4.13.21.1.5.0", "cisco": "1.3.6.1.2.1.31.1.1.1.18.11", "gateway": "1.3.6.1.2.1.31.1.1.1.18.2",
		} {
			gateway := fixture(t, name)
			gateway.Put(oid, text(label))
			if _, r := readRecording(t, builtin(t), gateway); r.Reading.Lines[0].Fax != want {
				t.Errorf("%s, %q: got %s, want %s", name, label, r.Reading.Lines[0].Fax, want)
			}
		}
	}
}

func TestAPortThatDoesNotTellWhetherItIsRegisteredAtPresentIsNotIdle(t *testing.T) {
	gateway := fixture(t, "grandstream-ht8xx")
	d, _ := readRecording(t, builtin(t), gateway)
	if got, want := linesOf(poll(t, d, without(gateway, "1.3.6.1.4.1.42397.1.2.2.2.1.0", "1.3.6.1.4.1.42397.1.2.2.2.2.0"))), "1 busy unknown, 2 unknown unknown"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestATrunkGroupIsIdleOnlyWhileAChannelOfItIsFree(t *testing.T) {
	const trunk = "1.3.6.1.4.1.637.64.4400.1.9.1."
	pbx := fixture(t, "alcatel-oxe")
	for column, n := range map[string]int64{"7": 0, "8": 0, "9": 4, "10": 1} { // all its channels are out of service
		pbx.Put(trunk+column+".3", mibs.Value{Kind: mibs.Integer, Int: n})
	}
	if _, r := readRecording(t, builtin(t), pbx); r.Reading.Lines[2].Status != wire.LineUnknown {
		t.Errorf("got %s (%s), want unknown", r.Reading.Lines[2].Status, r.Reading.Lines[2].Evidence)
	}
}

func TestKeysOfCountersThatStandAtZeroProveNoFax(t *testing.T) {
	machine := mibs.NewRecording(nil)
	for _, vb := range fixture(t, "pwg-keys-only").Varbinds() {
		if strings.HasPrefix(vb.OID, "1.3.6.1.4.1.2699.1.3.1.") && !strings.HasPrefix(vb.OID, "1.3.6.1.4.1.2699.1.3.1.2.") {
			vb.Value.Int = 0
		}
		machine.Put(vb.OID, vb.Value)
	}
	if _, r := readRecording(t, builtin(t), machine); r.Reading.Fax != wire.Unknown {
		t.Errorf("got %s, want unknown", r.Reading.Fax)
	}
}

func TestAnAddressThatRoutersShareNamesNone(t *testing.T) {
	for _, shared := range []string{"\x00\x00\x5e\x00\x01\x07", "\x00\x00\x5e\x00\x02\x07", "\x00\x00\x0c\x07\xac\x01"} {
		router := fixture(t, "bintec-elmeg")
		router.Put("1.3.6.1.2.1.2.2.1.6.1", text(shared))
		if d, _ := readRecording(t, builtin(t), router); d.ID != "bintec-elmeg-mac-00a0f9123456" {
			t.Errorf("%x: got %s", shared, d.ID)
		}
	}
}

func TestAGatewayThatForgetsItsPortsForAWhileKeepsThem(t *testing.T) {
	whole := fixture(t, "audiocodes")
	first, _ := readRecording(t, builtin(t), whole)
	booting := mibs.NewRecording(nil)
	for _, vb := range whole.Varbinds() {
		if !strings.HasPrefix(vb.OID, "1.3.6.1.4.1.5003.9.10.8.2.20.") && !strings.HasSuffix(vb.OID, ".4.1.1.18.3") {
			booting.Put(vb.OID, vb.Value)
		}
	}
	d, err := builtin(t).Identify(context.Background(), booting)
	if err != nil {
		t.Fatal(err)
	}
	if got := linesOf(poll(t, d.After(first), whole)); got != "1 idle yes, 2 busy no, 3 idle unknown, 4 busy unknown" {
		t.Errorf("got %s", got)
	}
	if got := linesOf(poll(t, first, booting)); got != "1 unknown yes, 2 unknown no, 3 unknown unknown, 4 unknown unknown" {
		t.Errorf("meanwhile: got %s, want nothing known of any port", got)
	}
}

func TestALargeGatewayIsReadWholeAndPortsBeyondTheLimitAreLeftOut(t *testing.T) {
	for _, test := range []struct{ ports, lines, oids int }{{24, 24, 26}, {58, 58, 60}, {400, 300, 302}} {
		gateway := without(fixture(t, "audiocodes-old"), "1.3.6.1.4.1.5003.9.10.1.4.1.1.18.3", "1.3.6.1.4.1.5003.9.10.1.4.1.1.18.4")
		for i := range test.ports {
			gateway.Put(fmt.Sprintf("1.3.6.1.4.1.5003.9.10.1.4.1.1.18.%d", i), mibs.Value{Kind: mibs.Integer, Int: 1})
		}
		d, r := readRecording(t, builtin(t), gateway)
		if len(r.Reading.Lines) != test.lines || len(d.OIDs(mibs.Lines)) != test.oids {
			t.Errorf("%d ports: got %d lines by %d objects, want %d by %d", test.ports, len(r.Reading.Lines), len(d.OIDs(mibs.Lines)), test.lines, test.oids)
		}
	}
}

func TestWhatHasNoVoicePortHasNoLine(t *testing.T) {
	for _, name := range []string{"cisco-switch", "linux", "printer", "patton", "kyocera-printer", "pwg-network-only", "fax-channel", "printer-modem"} {
		if _, r := readRecording(t, builtin(t), fixture(t, name)); len(r.Reading.Lines) > 0 {
			t.Errorf("%s: got lines %s", name, linesOf(r))
		}
	}
}

func TestWhatAVendorTellsGoesBeforeTheStandard(t *testing.T) {
	machine := fixture(t, "kyocera")
	for _, vb := range fixture(t, "pwg").Varbinds() {
		if strings.HasPrefix(vb.OID, "1.3.6.1.4.1.2699.") {
			machine.Put(vb.OID, vb.Value)
		}
	}
	_, alone := readRecording(t, builtin(t), fixture(t, "kyocera"))
	_, both := readRecording(t, builtin(t), machine)
	got := map[wire.Measure]string{}
	for _, c := range both.Reading.Counters {
		got[c.Measure] = fmt.Sprint(c.Rule, " ", c.Value)
	}
	for _, c := range alone.Reading.Counters {
		if want := fmt.Sprint(c.Rule, " ", c.Value); got[c.Measure] != want {
			t.Errorf("%s: got %s, want %s", c.Measure, got[c.Measure], want)
		}
	}
	if got[wire.FaxReceivedPages] != "pwg/fax_received_pages.images 130" || got[wire.FaxSent] != "pwg/fax_sent.jobs 25" {
		t.Errorf("got %v, want the standard's counters for what the vendor doesn't tell", got)
	}
	if both.Reading.FaxService != alone.Reading.FaxService {
		t.Errorf("fax service: got %s, want %s", both.Reading.FaxService, alone.Reading.FaxService)
	}
}

func TestAPeerThatComesIsCountedOnceTheRouterIsIdentifiedAgain(t *testing.T) {
	const out = "1.3.6.1.4.1.13191.10.3.5.2.1.3.2.1.57."
	router := fixture(t, "oneaccess")
	d, _ := readRecording(t, builtin(t), router)
	router.Put(out+"13", mibs.Value{Kind: mibs.Integer, Int: 6})
	if _, sum := sent(poll(t, d, router)); sum != 124 {
		t.Errorf("before: got %d, want 124", sum)
	}
	again, _ := readRecording(t, builtin(t), router)
	if rule, sum := sent(poll(t, again.After(d), router)); sum != 130 || rule != "oneaccess/fax_sent.dial_peers" {
		t.Errorf("identified again: got %s %d, want 130 by the same rule", rule, sum)
	}
	r := poll(t, d, without(router, out+"12"))
	if rule, _ := sent(r); rule != "" || !r.Stale {
		t.Errorf("a peer that is gone: got a sum of the others by %s, stale %v; want none, and to be identified again", rule, r.Stale)
	}
}

func sent(r mibs.Result) (rule string, value int64) {
	for _, c := range r.Reading.Counters {
		if c.Measure == wire.FaxSent {
			return c.Rule, c.Value
		}
	}
	return "", 0
}

func TestAChannelsStatusIsTakenApart(t *testing.T) {
	for status, want := range map[int64]wire.FaxService{
		0: wire.ServiceReady, 2: wire.ServiceReady, 4: wire.ServiceReady, 6: wire.ServiceReady, 5: wire.ServiceUnknown,
		1: wire.ServiceUnavailable, 3: wire.ServiceUnavailable, 8: wire.ServiceAttention, 12: wire.ServiceAttention,
		16: wire.ServiceUnavailable, 34: wire.ServiceUnavailable, 64: wire.ServiceAttention, 7: wire.ServiceUnknown, -1: wire.ServiceUnknown,
	} {
		machine := fixture(t, "modem")
		machine.Put("1.3.6.1.2.1.43.14.1.1.8.1.2", mibs.Value{Kind: mibs.Integer, Int: status})
		if _, r := readRecording(t, builtin(t), machine); r.Reading.FaxService != want {
			t.Errorf("status %d: got %s, want %s", status, r.Reading.FaxService, want)
		}
	}
}

func TestFaultsOfLinesNameLineAndWhatWouldBeRight(t *testing.T) {
	const lines = ward + `lines:
  ports: [{column: w.7, is: [1], numbers: 1}]
  names: [{oid: "w.8.{port}", take: '(\d+)'}]
  status:
    - {what: hook, oid: "w.9.{port}", map: {0: idle, 1..: busy}}
  about:
    - {what: label, oid: "w.10.{port}", fax: fax}
  source: WARD-MIB
`
	if err := mibs.CheckProfile("ward.yml", []byte(lines)); err != nil {
		t.Fatal(err)
	}
	for old, test := range map[string]struct{ new, want string }{
		"1..: busy":        {"x..: busy", `ward.yml:25: x..: "x.."; want a value, or numbers such as 1.. or 2..4`},
		"0: idle":          {"4..2: idle", `ward.yml:25: 4..2: "4..2"; want a value, or numbers such as 1.. or 2..4`},
		"w.9.{port}":       {"w.9.{fax}", `ward.yml:25: oid: "1.3.6.1.4.1.99999.9.{fax}": no row {fax} here; known: port`},
		"numbers: 1":       {"max: 400", `ward.yml:22: column: numbers, plus and max are 0 or more, and max is at most 300`},
		`'(\d+)'`:          {`'\d+'`, `ward.yml:23: take: want a group (…) around what is to be taken`},
		"what: label, ":    {"", `ward.yml:27: what: missing; want what the object is, such as label`},
		"name: ward\n":     {"name: ward\nonly_proven: true\n", `ward.yml:2: only_proven: want it in a neutral profile, with a proof or row in match`},
		"  proof: [w.2.0]": {"  proof: [w.2.0]\n  row: fex", `ward.yml:8: row: "fex"; want one of the rows: fax`},
	} {
		err := mibs.CheckProfile("ward.yml", []byte(strings.Replace(lines, old, test.new, 1)))
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.new, got, test.want)
		}
	}
}

func TestLinesThatCannotWorkAreFaults(t *testing.T) {
	for lines, want := range map[string]string{
		"{ports: [{column: w.7}]}": `lines: want status with ports or own: true, or else alerts`,
		"{own: true}":              `lines: want status with ports or own: true, or else alerts`,
		"{own: true, status: [{what: a, oid: 'w.9.{port}', map: {1: idle}}]}":                      `oid: "1.3.6.1.4.1.99999.9.{port}"; want {port} only with ports`,
		"{own: true, status: [{what: a, oid: 'w.9.?', map: {1: idle}}]}":                           `oid: "w.9.?"; want a port's OID to end in a number or {port}`,
		"{own: true, status: [{what: a, oid: w.9, map: {1: idle}}], names: [{oid: w.8}]}":          `lines: want names and about only with ports`,
		"{alerts: {column: w.9, map: {707: down}}, own: true}":                                     `lines: want alerts alone, or else status with ports or own: true`,
		"{alerts: {column: w.9, map: {707: down}}, status: [{what: a, oid: w.9, map: {1: idle}}]}": `lines: want alerts alone, or else status with ports or own: true`,
		"{alerts: {column: w.9}}": `map: missing; want what each code means`,
		"{ports: [{column: w.7}], status: [{what: a, oid: w.9, map: {1: idle}}]}":                                                             `oid: "1.3.6.1.4.1.99999.9"; want {port} in it, else it tells the same of every port`,
		"{ports: [{column: w.7}], status: [{what: a, oid: 'w.9.{port}', map: {1: idle}}], about: [{what: a, oid: 'w.8.{port}', only: true}]}": `only: want words too, else it is never told`,
	} {
		lines = strings.TrimSuffix(lines, "}") + ", source: WARD-MIB}\n"
		got := fmt.Sprint(mibs.CheckProfile("ward.yml", []byte(ward+"lines: "+lines)))
		if got != "ward.yml:21: "+want {
			t.Errorf("%s\ngot  %s\nwant ward.yml:21: %s", lines, got, want)
		}
	}
}
