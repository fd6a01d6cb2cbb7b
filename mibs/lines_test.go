package mibs_test

import (
	"context"
	"fmt"
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

func TestPortsAreNamedByTheBoxOnlyIfItTellsThemApart(t *testing.T) {
	for name, twin := range map[string]mibs.Value{"two of one name": text("Fo2/1"), "one without a name": text("Foreign")} {
		gateway := without(fixture(t, "cisco"), "1.3.6.1.2.1.2.2.1.2.13")
		gateway.Put("1.3.6.1.2.1.31.1.1.1.1.13", twin)
		_, r := readRecording(t, builtin(t), gateway)
		if got := linesOf(r); !strings.HasPrefix(got, "11 idle yes, 12 busy unknown, 13 ") {
			t.Errorf("%s: got %s, want the ports by their index", name, got)
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
