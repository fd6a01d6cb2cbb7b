package mibs_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// ward is a whole profile, line by line as small as can be.
const ward = `name: ward
vendor: ward
title: Ward Fax
roots: {w: 1.3.6.1.4.1.99999}
match:
  object_ids: [w.1]
  proof: [w.2.0]
identity:
  serial: [{oid: w.3.0, take: 'SN:(\w+)'}]
rows:
  - {row: fax, column: w.4, is: [Fax]}
measures:
  - measure: fax_sent_pages
    rule: total
    oid: w.5.{fax}
    unit: pages
    certainty: mib
    source: WARD-MIB
fax_service:
  - {oid: w.6.0, map: {1: ready, "not OK": unavailable}, source: WARD-MIB}
`

func TestFaultsOfAProfileNameFileLineAndWhatWouldBeRight(t *testing.T) {
	if err := mibs.CheckProfile("ward.yml", []byte(ward)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"unknown key":           {"title: Ward Fax", "titel: Ward Fax", `ward.yml:1: title: missing; want the family's name for people` + "\n" + `ward.yml:3: unknown key "titel"; known here: name, vendor, title, neutral, only_proven, roots, match, vendors, identity, rows, fax, measures, fax_service, lines, checks, cannot_tell, quirks`},
		"malformed OID":         {"proof: [w.2.0]", "proof: [1.3.6.x.2]", `ward.yml:7: proof: "1.3.6.x.2"; want an OID such as 1.3.6.1.2.1.1.1.0, or one that begins with a root: w`},
		"malformed root":        {"w: 1.3.6.1.4.1.99999", "w: 1.3.-6", `ward.yml:4: w: OID "1.3.-6": "-6"; want a number below 2^32`},
		"unknown root":          {"oid: w.6.0", "oid: v.6.0", `ward.yml:20: oid: "v.6.0"; want an OID such as 1.3.6.1.2.1.1.1.0, or one that begins with a root: w`},
		"unknown row":           {"w.5.{fax}", "w.5.{fex}", `ward.yml:15: oid: "1.3.6.1.4.1.99999.5.{fex}": no row {fex} here; known: fax`},
		"no proof":              {"  proof: [w.2.0]\n", "", `ward.yml:6: proof: missing; want OIDs that only such a device answers, since sysObjectID can lie`},
		"nothing to match":      {"  object_ids: [w.1]\n", "", `ward.yml:6: match: want object_ids, descr or both, or or_descr`},
		"vendor no slug":        {"vendor: ward", "vendor: Ward & Co", `ward.yml:2: vendor: "Ward & Co"; want lower-case letters, digits and -`},
		"unknown measure":       {"fax_sent_pages", "faxes_sent", `ward.yml:13: measure: "faxes_sent"; want one of: fax_sent_pages, fax_received_pages, fax_printed_pages, fax_sent, fax_received, fax_pages`},
		"unknown unit":          {"unit: pages", "unit: sheep", `ward.yml:16: unit: "sheep"; want one of: pages, images, impressions, sides, sheets, a4_equivalents, faxes`},
		"no unit":               {"    unit: pages\n", "", `ward.yml:13: unit: want either unit, or unit_oid with unit_map`},
		"unit told, but unread": {"    unit: pages\n", "    unit_oid: w.6.0\n", `ward.yml:13: unit_map: want it beside unit_oid, and only there`},
		"unit map for nothing":  {"    unit: pages\n", "    unit: pages\n    unit_map: {7: images}\n", `ward.yml:17: unit_map: want it beside unit_oid, and only there`},
		"one unit of a sum":     {"w.5.{fax}\n    unit: pages\n", "w.5.1 + w.5.2\n    unit_oid: w.6.0\n    unit_map: {7: images}\n", `ward.yml:16: unit_oid: want unit: what is added with + is told in one unit`},
		"unknown certainty":     {"certainty: mib", "certainty: sure", `ward.yml:17: certainty: "sure"; want one of: mib+walk, mib, walk, tool, unverified`},
		"no source":             {"    source: WARD-MIB\n", "", `ward.yml:13: source: missing; want where the OID is known from`},
		"rule no name":          {"rule: total", "rule: 5.6", `ward.yml:14: rule: "5.6"; want a name of lower-case letters, digits and _ that never changes`},
		"unknown state":         {"1: ready", "1: idle", `ward.yml:20: 1: "idle"; want one of: unknown, ready, attention, unavailable`},
		"row without a test":    {", is: [Fax]", "", `ward.yml:11: column: want is, matches or below, which say what the row's value is`},
		"row both ways":         {"column: w.4", "column: w.4, read: w.4.0", `ward.yml:11: row: want either column or read`},
		"row that reads itself": {"column: w.4, is: [Fax]", `read: "w.4.{fax}"`, `ward.yml:11: read: "1.3.6.1.4.1.99999.4.{fax}": no row {fax} here; known: none`},
		"no regular expression": {`SN:(\w+)`, `SN:(\w+`, "ward.yml:9: take: \"SN:(\\\\w+\"; want a regular expression: error parsing regexp: missing closing ): `SN:(\\w+`"},
		"nothing to take":       {`SN:(\w+)`, `SN:\w+`, `ward.yml:9: take: want a group (…) around what is to be taken`},
		"unknown encoding":      {"{oid: w.6.0,", "{oid: w.6.0, as: float,", `ward.yml:20: as: "float"; want mask, bits, bits_or_number, subunit or nothing`},
		"faults all at once":    {"certainty: mib", "certainty: sure\n    note: x\n    colour: red", "ward.yml:17: certainty: \"sure\"; want one of: mib+walk, mib, walk, tool, unverified\nward.yml:19: unknown key \"colour\"; known here: measure, rule, oid, as, unit, unit_oid, unit_map, network, certainty, note, source"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(ward, test.old) {
				t.Fatalf("the profile has no %q", test.old)
			}
			err := mibs.CheckProfile("ward.yml", []byte(strings.Replace(ward, test.old, test.new, 1)))
			if got := fmt.Sprint(err); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestFaultsOfAllFilesAreToldAtOnce(t *testing.T) {
	_, err := builtin(t).With(fstest.MapFS{
		"a.yml":    {Data: []byte("name: A\n")},
		"b.yml":    {Data: []byte("nome: b\n")},
		"c.yml":    {Data: []byte(ward)},
		"d.yml":    {Data: []byte(ward)},
		"notes.md": {Data: []byte("not a profile")},
	})
	got := fmt.Sprint(err)
	for _, want := range []string{`a.yml:1: name: "A"`, `b.yml:1: unknown key "nome"`, `d.yml:1: name: "ward" is also that of c.yml; want another`} {
		if !strings.Contains(got, want) {
			t.Errorf("got:\n%s\nwant in it: %s", got, want)
		}
	}
}

// wardFax answers as the profile wants.
func wardFax() *mibs.Recording {
	const w = "1.3.6.1.4.1.99999."
	return mibs.NewRecording([]mibs.Varbind{
		{OID: "1.3.6.1.2.1.1.2.0", Value: mibs.Value{Kind: mibs.ObjectID, OID: w + "1.7"}},
		{OID: "1.3.6.1.2.1.1.3.0", Value: mibs.Value{Kind: mibs.TimeTicks, Int: 4711}},
		{OID: w + "2.0", Value: text("yes")},
		{OID: w + "3.0", Value: text("PN:1 SN:A77 X")},
		{OID: w + "4.1", Value: text("Copy")},
		{OID: w + "4.2", Value: text("FAX ")},
		{OID: w + "5.1", Value: mibs.Value{Kind: mibs.Counter, Int: 11}},
		{OID: w + "5.2", Value: mibs.Value{Kind: mibs.Counter, Int: 22}},
		{OID: w + "6.0", Value: text("Not ok")},
	})
}

func with(t *testing.T, profile string) *mibs.Set {
	t.Helper()
	set, err := builtin(t).With(fstest.MapFS{"ward.yml": {Data: []byte(profile)}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestAProfileOfOnesOwnReadsItsDevice(t *testing.T) {
	d, r := readRecording(t, with(t, ward), wardFax())
	measures := d.Measures(r.Reading)
	if d.ID != "ward-a77" || d.Profile != "ward" || len(measures) != 1 || measures[0].Value != 22 ||
		measures[0].Rule != "ward/fax_sent_pages.total" || r.Reading.FaxService != wire.ServiceUnavailable {
		t.Errorf("got id %q, profile %q, measures %+v, service %q", d.ID, d.Profile, measures, r.Reading.FaxService)
	}
}

func TestAProfileOfOnesOwnTakesThePlaceOfABuiltinOne(t *testing.T) {
	mine := strings.NewReplacer("name: ward", "name: kyocera", "w: 1.3.6.1.4.1.99999", "w: 1.3.6.1.4.1.1347",
		"w.1]", "w.41]", "[w.2.0]", "[w.43.5.1.1.1.1]", "Ward Fax", "my own").Replace(ward)
	d, _ := readRecording(t, with(t, mine), fixture(t, "kyocera"))
	if d.Profile != "kyocera" || !strings.Contains(d.Why, "my own") {
		t.Errorf("got profile %q because %s", d.Profile, d.Why)
	}
}

func TestBitsAreReadInEveryFormDevicesSendThem(t *testing.T) {
	for name, test := range map[string]struct {
		as    string
		value mibs.Value
		want  wire.FaxService
	}{
		"mask, bit set":                {"mask", mibs.Value{Kind: mibs.Integer, Int: 8192 + 4}, wire.ServiceUnavailable},
		"mask, the worst bit counts":   {"mask", mibs.Value{Kind: mibs.Integer, Int: 4 + 1}, wire.ServiceUnavailable},
		"mask, only unknown bits":      {"mask", mibs.Value{Kind: mibs.Integer, Int: 8192}, wire.ServiceUnknown},
		"mask, negative":               {"mask", mibs.Value{Kind: mibs.Integer, Int: -1}, wire.ServiceUnknown},
		"mask, a text":                 {"mask", text("4"), wire.ServiceUnknown},
		"bits, first byte":             {"bits", text("\x08"), wire.ServiceUnavailable},
		"bits, second byte":            {"bits", text("\x00\x80"), wire.ServiceReady},
		"bits, none":                   {"bits", text(""), wire.ServiceUnknown},
		"a number in one byte":         {"bits_or_number", text("\x2a"), wire.ServiceAttention},
		"the same bit as bits":         {"bits_or_number", text("\x00\x00\x00\x00\x00\x20"), wire.ServiceAttention},
		"one byte, no number known":    {"bits_or_number", text("\x07"), wire.ServiceUnknown},
		"plain number":                 {"", mibs.Value{Kind: mibs.Gauge, Int: 42}, wire.ServiceAttention},
		"plain number as text":         {"", text(" 42 "), wire.ServiceAttention},
		"nothing the profile knows of": {"", text("what?"), wire.ServiceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			as := ""
			if test.as != "" {
				as = "as: " + test.as + ", "
			}
			profile := strings.Replace(ward, `map: {1: ready, "not OK": unavailable}`, as+"map: {1: ready, 4: unavailable, 8: ready, 42: attention}", 1)
			recording := wardFax()
			recording.Put("1.3.6.1.4.1.99999.6.0", test.value)
			if _, r := readRecording(t, with(t, profile), recording); r.Reading.FaxService != test.want {
				t.Errorf("got %q, want %q", r.Reading.FaxService, test.want)
			}
		})
	}
}

func TestTheProfilesAreListed(t *testing.T) {
	var names []string
	for _, p := range builtin(t).Profiles() {
		names = append(names, p.Name)
		if p.Title == "" {
			t.Errorf("%s has no title", p.Name)
		}
	}
	want := "alcatel-oxe audiocodes bintec-elmeg brother canon cisco epson grandstream-gxw42xx grandstream-ht8xx hp konica-minolta " +
		"kyocera lexmark mediatrix oki oneaccess panasonic pantum patton ricoh sagemcom samsung sharp toshiba xerox " +
		"gateway host-resources modem printer pwg"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
