package mibs_test

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/mibs"
)

func TestASnmprecRecordingTellsEveryKindOfValue(t *testing.T) {
	r, err := mibs.ParseSnmprec(strings.NewReader(strings.Join([]string{
		"# a comment",
		"1.3.6.1.2.1.1.3.0|67|4711",
		"1.3.6.1.2.1.1.1.0|4|Fax | 1\r",
		"",
		"1.3.6.1.2.1.1.2.0|6|.1.3.6.1.4.1.9",
		"1.3.6.1.2.1.2.10|4x|00fF20",
		"1.3.6.1.2.1.2.9|2|-2",
		"1.3.6.1.2.1.2.11|64|10.0.0.7",
		"1.3.6.1.2.1.2.12|65|4294967295",
		"1.3.6.1.2.1.2.13|66|3",
		"1.3.6.1.2.1.2.14|70|18446744073709551615",
		"1.3.6.1.2.1.2.15|5|",
		"1.3.6.1.2.1.2.16|4|",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := []mibs.Varbind{
		{OID: "1.3.6.1.2.1.1.1.0", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte("Fax | 1")}},
		{OID: "1.3.6.1.2.1.1.2.0", Value: mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.9"}},
		{OID: "1.3.6.1.2.1.1.3.0", Value: mibs.Value{Kind: mibs.TimeTicks, Int: 4711}},
		{OID: "1.3.6.1.2.1.2.9", Value: mibs.Value{Kind: mibs.Integer, Int: -2}},
		{OID: "1.3.6.1.2.1.2.10", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte{0, 0xff, 0x20}}},
		{OID: "1.3.6.1.2.1.2.11", Value: mibs.Value{Kind: mibs.IPAddress, Bytes: []byte{10, 0, 0, 7}}},
		{OID: "1.3.6.1.2.1.2.12", Value: mibs.Value{Kind: mibs.Counter, Int: 4294967295}},
		{OID: "1.3.6.1.2.1.2.13", Value: mibs.Value{Kind: mibs.Gauge, Int: 3}},
		{OID: "1.3.6.1.2.1.2.14", Value: mibs.Value{Kind: mibs.Counter64, Int: -1}},
		{OID: "1.3.6.1.2.1.2.15", Value: mibs.Value{Kind: mibs.Null}},
		{OID: "1.3.6.1.2.1.2.16", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte{}}},
	}
	if !reflect.DeepEqual(r.Varbinds(), want) {
		t.Errorf("got  %v\nwant %v", r.Varbinds(), want)
	}
	if len(r.Warnings) != 0 {
		t.Errorf("got warnings %q, want none", r.Warnings)
	}
}

func TestWhatSnmpwalkPrintsIsReadTheSameWay(t *testing.T) {
	r, err := mibs.ParseWalk(strings.NewReader(strings.Join([]string{
		`.1.3.6.1.2.1.1.1.0 = STRING: "Fax \"1\"`,
		`of the ward"`,
		`.1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.9`,
		`.1.3.6.1.2.1.1.3.0 = Timeticks: (4711) 0:00:47.11`,
		`.1.3.6.1.2.1.1.4.0 = ""`,
		`.1.3.6.1.2.1.1.5.0 = STRING: bare text`,
		`.1.3.6.1.2.1.2.1 = INTEGER: up(1)`,
		`.1.3.6.1.2.1.2.2 = INTEGER: -2`,
		`.1.3.6.1.2.1.2.3 = Hex-STRING: 00 1B 2C `,
		`3D 4E`,
		`.1.3.6.1.2.1.2.4 = Counter32: 55`,
		`.1.3.6.1.2.1.2.5 = Gauge32: 7 pages`,
		`.1.3.6.1.2.1.2.6 = IpAddress: 10.0.0.7`,
		`.1.3.6.1.2.1.2.7 = Wrong Type (should be INTEGER): Counter64: 9`,
		`.1.3.6.1.2.1.2.8 = No Such Object available on this agent at this OID`,
		`.1.3.6.1.2.1.2.9 = No more variables left in this MIB View (It is past the end of the MIB tree)`,
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := []mibs.Varbind{
		{OID: "1.3.6.1.2.1.1.1.0", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte("Fax \"1\"\nof the ward")}},
		{OID: "1.3.6.1.2.1.1.2.0", Value: mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.9"}},
		{OID: "1.3.6.1.2.1.1.3.0", Value: mibs.Value{Kind: mibs.TimeTicks, Int: 4711}},
		{OID: "1.3.6.1.2.1.1.4.0", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte{}}},
		{OID: "1.3.6.1.2.1.1.5.0", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte("bare text")}},
		{OID: "1.3.6.1.2.1.2.1", Value: mibs.Value{Kind: mibs.Integer, Int: 1}},
		{OID: "1.3.6.1.2.1.2.2", Value: mibs.Value{Kind: mibs.Integer, Int: -2}},
		{OID: "1.3.6.1.2.1.2.3", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte{0, 0x1b, 0x2c, 0x3d, 0x4e}}},
		{OID: "1.3.6.1.2.1.2.4", Value: mibs.Value{Kind: mibs.Counter, Int: 55}},
		{OID: "1.3.6.1.2.1.2.5", Value: mibs.Value{Kind: mibs.Gauge, Int: 7}},
		{OID: "1.3.6.1.2.1.2.6", Value: mibs.Value{Kind: mibs.IPAddress, Bytes: []byte{10, 0, 0, 7}}},
		{OID: "1.3.6.1.2.1.2.7", Value: mibs.Value{Kind: mibs.Counter64, Int: 9}},
	}
	if !reflect.DeepEqual(r.Varbinds(), want) {
		t.Errorf("got  %v\nwant %v", r.Varbinds(), want)
	}
}

func TestADamagedRecordingKeepsItsGoodLines(t *testing.T) {
	r, err := mibs.ParseSnmprec(strings.NewReader("1.3.6.1.9|65|6git3159\n1.3.6.1.2|2|5\n1.3.6.1.2|2|6\nrubbish\n1.x|2|1\n1.3.6.1.4|99|1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if vb := r.Varbinds(); len(vb) != 1 || vb[0].OID != "1.3.6.1.2" || vb[0].Value.Int != 5 {
		t.Errorf("got %v, want only 1.3.6.1.2 = 5", vb)
	}
	want := []string{
		`line 1: 1.3.6.1.9: "6git3159"; want a whole number, 0 or more`,
		`line 4: "rubbish"; want OID|tag|value`,
		`line 5: OID "1.x": "x"; want a number below 2^32`,
		`line 6: 1.3.6.1.4: tag "99"; want 2, 4, 4x, 5, 6, 64, 65, 66, 67 or 70`,
		"1.3.6.1.2 stands there twice; the first value counts",
	}
	if !reflect.DeepEqual(r.Warnings, want) {
		t.Errorf("got warnings\n%s\nwant\n%s", strings.Join(r.Warnings, "\n"), strings.Join(want, "\n"))
	}
}

func TestAFileWithoutAnyObjectIsNoRecording(t *testing.T) {
	for _, text := range []string{"", "hello\n", "devices:\n  - {host: h}\n"} {
		if r, err := mibs.ParseRecording(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %v, want an error", text, r.Varbinds())
		}
	}
}

func TestEitherFormOfRecordingIsRecognised(t *testing.T) {
	for _, text := range []string{
		"# captured\n1.3.6.1.2.1.1.5.0|4|ward = 3\n",
		"snmpwalk of ward 3\n.1.3.6.1.2.1.1.5.0 = STRING: \"ward = 3\"\n",
	} {
		r, err := mibs.ParseRecording(strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if vb := r.Varbinds(); len(vb) != 1 || vb[0].Value.Text() != "ward = 3" {
			t.Errorf("%q: got %v, want one object with the text ward = 3", text, vb)
		}
	}
}

func TestARecordingAnswersLikeADevice(t *testing.T) {
	r := mibs.NewRecording([]mibs.Varbind{
		{OID: "1.3.6.10.1", Value: mibs.Value{Kind: mibs.Integer, Int: 101}},
		{OID: "1.3.6.2.10", Value: mibs.Value{Kind: mibs.Integer, Int: 210}},
		{OID: "1.3.6.2.9", Value: mibs.Value{Kind: mibs.Integer, Int: 29}},
		{OID: "1.3.6.2", Value: mibs.Value{Kind: mibs.Integer, Int: 2}},
	})
	answers, err := r.Get(context.Background(), []string{"1.3.6.2.9", "1.3.6.2.8"})
	if err != nil || len(answers) != 1 || answers["1.3.6.2.9"].Int != 29 {
		t.Errorf("Get: got %v, %v; want only 1.3.6.2.9 = 29", answers, err)
	}
	column, err := r.Column(context.Background(), "1.3.6.2", 5)
	if err != nil || len(column) != 2 || column[0].Value.Int != 29 || column[1].Value.Int != 210 {
		t.Errorf("Column: got %v, %v; want 29 then 210", column, err)
	}
	if column, _ := r.Column(context.Background(), "1.3.6.2", 1); len(column) != 1 {
		t.Errorf("Column with at most 1: got %d objects", len(column))
	}
	if next, ok := r.Next("1.3.6.2.9"); !ok || next.OID != "1.3.6.2.10" {
		t.Errorf("Next(1.3.6.2.9): got %v, %v; want 1.3.6.2.10", next, ok)
	}
	if next, ok := r.Next("1.3.6.10.1"); ok {
		t.Errorf("Next of the last object: got %v, want the end", next)
	}
	r.Put("1.3.6.2.9", mibs.Value{Kind: mibs.Integer, Int: 30})
	r.Put("1.3.6.2.9.5", mibs.Value{Kind: mibs.Integer, Int: 295})
	if next, _ := r.Next("1.3.6.2.9"); next.Value.Int != 295 {
		t.Errorf("Next after Put: got %v, want 295", next)
	}
}

func FuzzParseSnmprec(f *testing.F) {
	f.Add([]byte("1.3.6.1.2.1.1.1.0|4|Fax\n1.3.6.1.2.1.2.10|4x|00fF20\n1.3|2|-1\n1.4|70|18446744073709551615\n1.5|6|1.3\n1.6|64|1.2.3.4\n"))
	f.Add([]byte("1.3.6.1.9|65|6git3159\n1.3|2|5\n1.3|2|6\n|||\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := mibs.ParseSnmprec(bytes.NewReader(data))
		if err != nil {
			return
		}
		var text bytes.Buffer
		if err := first.WriteSnmprec(&text); err != nil {
			t.Fatal(err)
		}
		again, err := mibs.ParseSnmprec(&text)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if len(again.Warnings) != 0 || !reflect.DeepEqual(first.Varbinds(), again.Varbinds()) {
			t.Errorf("written and read again:\ngot  %v %q\nwant %v", again.Varbinds(), again.Warnings, first.Varbinds())
		}
	})
}

func FuzzParseWalk(f *testing.F) {
	f.Add([]byte(".1.3.6.1 = STRING: \"a\nb\"\n.1.3.7 = Hex-STRING: 00 1B\n2C\n.1.3.8 = INTEGER: up(1)\n.1.3.9 = Timeticks: (3) x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := mibs.ParseWalk(bytes.NewReader(data))
		if err == nil && len(r.Varbinds()) == 0 {
			t.Error("got a recording without objects and no error")
		}
	})
}

func TestARecordingReadsTheSameAfterWindowsHadIt(t *testing.T) {
	const text = "# Recorded\r\n1.3.6.1.2.1.1.1.0|4|Fax 1\r\n1.3.6.1.2.1.1.3.0|67|8640000\r\n"
	var wide []byte
	for _, c := range []byte(text) {
		wide = append(wide, c, 0)
	}
	for name, data := range map[string]string{"newlines": text, "mark of UTF-8": "\ufeff" + text, "UTF-16": "\xff\xfe" + string(wide)} {
		r, err := mibs.ParseRecording(strings.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := written(t, r), strings.ReplaceAll(strings.TrimPrefix(text, "# Recorded\r\n"), "\r", ""); got != want || len(r.Warnings) > 0 {
			t.Errorf("%s: got %q, want %q; warnings %q", name, got, want, r.Warnings)
		}
	}
}
