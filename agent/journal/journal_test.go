package journal_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

// followed are the rows of data as a reader finds them that is ended and started anew behind each row, while the
// file grows by step bytes at a time.
func (r recording) followed(t testing.TB, data []byte, step int) []journal.Row {
	t.Helper()
	reader := r.reader(t)
	var rows []journal.Row
	for from, there := 0, 0; there < len(data); {
		there = min(there+step, len(data))
		for {
			n, record := reader.Next(data[from:there], there == len(data))
			if n == 0 {
				break
			}
			from += n
			rows = append(rows, reader.Row(record))
			state := reader.State()
			reader = r.reader(t)
			if err := reader.Resume(state); err != nil {
				t.Fatal(err)
			}
		}
	}
	return rows
}

func TestAFileThatGrowsTellsWhatTheWholeOneDoesWhereverItsReaderIsStartedAnew(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		if strings.HasSuffix(r.file, ".Z") {
			continue
		}
		want := r.rows(t)
		for _, step := range []int{1, 7, 100, 772, 1 << 20} {
			if got := r.followed(t, read(t, r.file), step); !slices.Equal(got, want) {
				t.Errorf("%s, growing by %d bytes: got\n%swant\n%s", r.file, step, told(got), told(want))
			}
		}
	}
}

func TestKeysAreTheSameWheneverARowIsReadAndNoTwoRowsShareOne(t *testing.T) {
	t.Parallel()
	all := map[string]string{}
	for _, r := range recordings(t) {
		keys := keysOf(r.rows(t))
		if again := keysOf(r.rows(t)); !slices.Equal(keys, again) {
			t.Errorf("%s: read again, got keys %v, want %v", r.file, again, keys)
		}
		if strings.HasSuffix(r.file, ".Z") || r.file == "oxe.stream" {
			continue // the same tickets as in the file
		}
		for _, key := range keys {
			if before := all[key]; before != "" {
				t.Errorf("key %s: in %s and in %s", key, before, r.file)
			}
			all[key] = r.file
		}
	}
}

func keysOf(rows []journal.Row) (keys []string) {
	for _, row := range rows {
		if row.Verdict == journal.Taken {
			keys = append(keys, row.Event.Key)
		}
	}
	return keys
}

func TestTheSameTicketHasTheSameKeyInTheFileAndInTheStream(t *testing.T) {
	t.Parallel()
	var file, stream []string
	for _, r := range recordings(t) {
		switch r.file {
		case "TAXA1B2C.DAT":
			file = keysOf(r.rows(t))
		case "oxe.stream":
			stream = keysOf(r.rows(t))
		}
	}
	if !slices.Equal(stream, file[:len(stream)]) {
		t.Errorf("got %v of the stream, want %v", stream, file[:len(stream)])
	}
}

func TestKeysDontDependOnLineEndsEncodingOrTheJournalsName(t *testing.T) {
	t.Parallel()
	p := load(t, "ricoh.yml")
	row := "N°;Date;Heure;Sens;Boîte;Correspondant;Pages;Durée;Résultat\n1;03/11/2026;09:03;Émission;Cardiologie;0241354000;3;01:10;OK"
	head := "a\nb\nc\n"
	texts := map[string]string{
		"as it is":      head + row,
		"CRLF":          strings.ReplaceAll(head+row+"\n", "\n", "\r\n"),
		"BOM":           "\ufeff" + head + row,
		"quoted":        head + strings.ReplaceAll(row, "Cardiologie", `"Cardiologie"`),
		"empty columns": head + row + ";;;",
		"Windows-1252":  windows1252(head + row),
	}
	keys := map[string]string{}
	for name, text := range texts {
		rows := readAll(t, p, journal.Place{Journal: "j" + fmt.Sprint(len(keys)), Zone: paris(t)}, text)
		got := keysOf(rows)
		if len(got) != 1 {
			t.Fatalf("%s: got %d events, want 1:\n%s", name, len(got), told(rows))
		}
		keys[got[0]] = name
	}
	if len(keys) != 1 {
		t.Errorf("got %d keys, want one: %v", len(keys), slices.Collect(maps.Values(keys)))
	}
}

func windows1252(text string) string {
	var b []byte
	for _, c := range text {
		b = append(b, byte(c))
	}
	return string(b)
}

// Files that overlap give together what was really faxed: of equal rows as many as the file has that has most.
func TestOverlappingFilesGiveTheirUnion(t *testing.T) {
	t.Parallel()
	row := func(minute int) string {
		return fmt.Sprintf("03/01/09 10:%02d\tSEND\tsam\t\"0241354000\"\t9600\t1-D MR\t2\t0:55\t\"\"\n", minute)
	}
	first := row(1) + row(2) + row(2) + row(2) + row(3)
	second := row(2) + row(2) + row(3) + row(4)
	place := journal.Place{Journal: "old", Zone: paris(t), Line: "4512"}
	union := map[string]bool{}
	for _, text := range []string{first, second, first} {
		for _, key := range keysOf(readAll(t, builtin(t, "hylafax"), place, text)) {
			union[key] = true
		}
	}
	if len(union) != 6 {
		t.Errorf("got %d faxes, want 6: one at 10:01, three at 10:02, one at 10:03, one at 10:04", len(union))
	}
}

// A clock that was wrong once must not make a restart forget which rows were seen.
func TestEqualRowsAroundARestartAreTwoFaxesEvenBehindARowOfAWrongYear(t *testing.T) {
	t.Parallel()
	const row = "\tSEND\tsam\t\"0241354000\"\t9600\t1-D MR\t2\t0:55\t\"\"\n"
	place := journal.Place{Journal: "old", Zone: paris(t), Line: "4512"}
	r := reader(t, builtin(t, "hylafax"), place)
	r.Row([]byte("03/01/56 10:00" + row))
	before := r.Row([]byte("03/01/26 10:02" + row))
	later := reader(t, builtin(t, "hylafax"), place)
	if err := later.Resume(r.State()); err != nil {
		t.Fatal(err)
	}
	if behind := later.Row([]byte("03/01/26 10:02" + row)); behind.Event.Key == before.Event.Key {
		t.Errorf("got key %s for both, want another key", behind.Event.Key)
	}
}

func TestAJobThatFailedAndThenWentOutIsBoth(t *testing.T) {
	t.Parallel()
	const rows = "Job\tStarted\tTo\tState\n9\t1793695500\t0241354000\tError\n9\t1793695500\t0241354000\tSent\n9\t1793695500\t0241354000\tSent\n"
	got := readAll(t, load(t, "sent.yml"), journal.Place{Journal: "sent"}, rows)[1:]
	if got[0].Event.Result != wire.Failed || got[1].Event.Result != wire.Done || got[2].Why != journal.SameID {
		t.Errorf("got\n%swant one that failed, one done, and nothing of the row that stands there twice", told(got))
	}
}

func TestAClockThatWasNeverSetTellsNoTime(t *testing.T) {
	t.Parallel()
	const row = " 10:02\tSEND\tsam\t\"0241354000\"\t9600\t1-D MR\t2\t0:55\t\"\"\n"
	r := reader(t, builtin(t, "hylafax"), journal.Place{Journal: "fax", Zone: paris(t), Line: "4512"})
	for date, want := range map[string]journal.Why{"01/01/70": journal.BadDate, "01/01/80": journal.BadDate, "01/01/01": journal.BadDate, "12/31/04": journal.BadDate, "01/02/05": ""} {
		if got := r.Row([]byte(date + row)); got.Why != want {
			t.Errorf("%s: got %+v, want %q", date, got, want)
		}
	}
	rows := readAll(t, load(t, "sent.yml"), journal.Place{Journal: "sent"}, "Job\tStarted\tTo\tState\n9\t86400\t0241354000\tSent\n")
	if rows[1].Why != journal.BadDate {
		t.Errorf("a second of 1970: got %+v, want its date refused", rows[1])
	}
}

func TestAsteriskWritesSixteenToTwentyOneColumns(t *testing.T) {
	t.Parallel()
	const base = `"","4512","0241354000","","","","","Dial","","2026-11-03 09:00:00","","",60,54,"ANSWERED","DOCUMENTATION"`
	place := journal.Place{Journal: "calls", Numbers: numbers(t, "4512"), Zone: time.UTC}
	for _, c := range []struct {
		name, first, second string
		calls               int
	}{
		{"nothing more: equal rows are two calls", "", "", 2},
		{"uniqueid", `,"1793692805.1"`, `,"1793692805.2"`, 2},
		{"uniqueid, twice the same", `,"1793692805.1"`, `,"1793692805.1"`, 1},
		{"uniqueid with the system's name", `,"pbx1-1793692805.1"`, `,"pbx1-1793692805.1"`, 1},
		{"userfield", `,"urgent"`, `,"urgent"`, 2},
		{"both", `,"1793692805.1","x"`, `,"1793692805.1","y"`, 1},
		{"new columns", `,"",1793692805.1,1`, `,"",1793692805.1,2`, 1},
		{"uniqueid and new columns", `,1793692805.2,"",1793692805.1,1`, `,1793692805.3,"",1793692805.1,2`, 1},
		{"all", `,1793692805.2,"x","",1793692805.1,1`, `,1793692805.3,"x","",1793692806.1,2`, 2},
	} {
		rows := readAll(t, builtin(t, "asterisk"), place, base+c.first+"\n"+base+c.second+"\n")
		if got := len(keysOf(rows)); got != c.calls {
			t.Errorf("%s: got %d calls, want %d:\n%s", c.name, got, c.calls, told(rows))
		}
	}
}

func TestACallThatRangInVainElsewhereFirstIsStillDone(t *testing.T) {
	t.Parallel()
	const rows = `"","0241720000","4512","","","","","Dial","","2026-11-03 09:00:00","","",20,0,"NO ANSWER","D",1793692805.1,"","",1793692805.1,1
"","0241720000","4513","","","","","Dial","","2026-11-03 09:00:20","","",60,54,"ANSWERED","D",1793692805.1,"","",1793692805.1,2
`
	got := readAll(t, builtin(t, "asterisk"), journal.Place{Journal: "calls", Numbers: numbers(t, "451*")}, rows)
	if len(got) != 2 || got[1].Event.Result != wire.Done {
		t.Errorf("got\n%swant the second done", told(got))
	}
}

func TestOtherPeoplesCallsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		for _, row := range r.rows(t) {
			if row.Verdict != journal.Taken && row.Event != (wire.Event{}) {
				t.Errorf("%s:%d: got %+v with a row that is none of ours, want nothing", r.file, row.Line, row.Event)
			}
			if strings.Contains(row.Event.From+row.Event.To+row.Value, "4250") || row.Event.From == "4110" {
				t.Errorf("%s:%d: got %+v, want no number of other people", r.file, row.Line, row)
			}
		}
	}
	if _, err := builtin(t, "cucm").Reader(journal.Place{Journal: "calls"}); err == nil || !strings.Contains(err.Error(), "name the fax lines") {
		t.Errorf("call records without fax lines: got error %v, want to be asked for them", err)
	}
}

func TestFilesOfAnotherKindAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	calls := journal.Place{Journal: "calls", Numbers: numbers(t, "4512")}
	for _, c := range []struct {
		name    string
		profile *journal.Profile
		text    string
		want    string
	}{
		{"quality records", builtin(t, "cucm"), string(read(t, "cmr_StandAloneCluster_01_202611030800_1")), "line 1: file holds quality records (cmr_…); call records are in the files cdr_…"},
		{"Asterisk's for CUCM's", builtin(t, "cucm"), string(read(t, "master16-utc.csv")), "line 1: file is of another format"},
		{"HylaFAX's for OXE's", builtin(t, "oxe"), string(read(t, "xferfaxlog")), "line 1: file is of another format"},
		{"CUCM's without a column", builtin(t, "cucm"), "pkid,dateTimeOrigination,duration\n", `line 1: column is missing: "callingPartyNumber"`},
		{"a table without a column", load(t, "sent.yml"), "Job\tStarted\tState\n", `line 1: column is missing: "To"`},
		{"UTF-16", load(t, "sent.yml"), "\xff\xfeJ\x00o\x00", "line 1: file is UTF-16; save it as UTF-8"},
		{"a PDF", builtin(t, "asterisk"), "%PDF-1.7\n1 0 obj << ,,,,,,,,,,,,,,,, >>\n", "line 1: file is no text"},
		{"a workbook", builtin(t, "asterisk"), "PK\x03\x04\x14\x00\x06\x00,,,,,,,,,,,,,,,,\n", "line 1: file is no text"},
		{"a workbook for OXE's", builtin(t, "oxe"), "PK\x03\x04\x14\x00\x06\x00\n", "line 1: file is no text"},
		{"a picture", builtin(t, "hylafax"), "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\n", "line 1: file is no text"},
	} {
		r := reader(t, c.profile, calls)
		err := r.Read(strings.NewReader(c.text), func(row journal.Row) error {
			t.Errorf("%s: got %+v, want no row", c.name, row)
			return nil
		})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %s", c.name, err, c.want)
		}
	}
}

// At the end of summer time the hour from 2 to 3 comes twice.
func TestTheHourThatComesTwiceIsToldApartByTheRowsAround(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, rows, want string }{
		{"a busy night", "01:50 02:20 02:50 02:10 02:40 03:05", "23:50 00:20 00:50 01:10 01:40 02:05"},
		{"a long fax is written later than a short one", "02:40 02:35 02:50", "00:40 00:35 00:50"},
		{"newest first", "06:00 04:00 03:05 02:40 02:10 02:50 02:20 01:50", "05:00 03:00 02:05 01:40 01:10 00:50 00:20 23:50"},
		{"nothing before", "02:30", "00:30"},
	} {
		var log strings.Builder
		for _, hour := range strings.Fields(c.rows) {
			fmt.Fprintf(&log, "10/25/26 %s\tSEND\tsam\t\"0241354000\"\t9600\t1-D MR\t2\t0:55\t\"\"\n", hour)
		}
		var got []string
		for _, row := range readAll(t, builtin(t, "hylafax"), journal.Place{Journal: "night", Zone: paris(t)}, log.String()) {
			got = append(got, row.Event.At.Std().Format("15:04"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v UTC, want %s", c.name, got, c.want)
		}
	}
}

func TestAStrayQuoteSpoilsItsOwnRowOnly(t *testing.T) {
	t.Parallel()
	text := "Job\tStarted\tTo\tState\n1\t1793695500\t\"0241354000\tSent\n" + strings.Repeat("2\t1793695600\t0241354000\tSent\n", 100)
	rows := readAll(t, load(t, "sent.yml"), journal.Place{Journal: "sent"}, text)
	if rows[1].Why != journal.OpenQuote || rows[2].Verdict != journal.Taken || rows[2].Line != 3 {
		t.Errorf("got %+v and %+v, want the first rejected and the second, of line 3, taken", rows[1], rows[2])
	}
	text = "Job\tStarted\tTo\tState\n1\t\"\n" + strings.Repeat("x", 200<<10) + "\n2\t1793695600\t0241354000\tSent\n"
	rows = readAll(t, load(t, "sent.yml"), journal.Place{Journal: "sent"}, text)
	if last := rows[len(rows)-1]; last.Verdict != journal.Taken {
		t.Errorf("behind a row of 200 KB: got %+v, want it taken", last)
	}
}

func TestPackedFilesAreRead(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(read(t, "xferfaxlog")); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	rows := readAll(t, builtin(t, "hylafax"), journal.Place{Journal: "j", Zone: paris(t), Line: "0241354512", Lines: map[string]string{"ttyS1": "0241354513"}}, packed.String())
	if got, want := told(rows), string(read(t, "xferfaxlog.truth")); got != want {
		t.Errorf("gzip: got\n%swant\n%s", got, want)
	}
	whole := read(t, "TAXA1B2C.DAT.Z")
	for cut := 0; cut < len(whole); cut += 17 {
		r := reader(t, builtin(t, "oxe"), journal.Place{Journal: "calls", Numbers: numbers(t, "4512")})
		_ = r.Read(bytes.NewReader(whole[:cut]), func(journal.Row) error { return nil }) // it ends, and doesn't panic
	}
}

func TestFaxLinesAreFoundHoweverTheExchangeWritesThem(t *testing.T) {
	t.Parallel()
	n := numbers(t, "02 41 35 45 12", "4513", "024172*", "SEP00*", "PJSIP/Fax-1")
	for text, want := range map[string]bool{
		"0241354512": true, "+33241354512": true, "0033 2 41 35 45 12": true, "+33 (0)2 41 35 45 12": true, "00241354512": true,
		"241354512": true, "33241354512": true, "00033241354512": true, "+241354512": false, "+336241354512": false,
		"4513": true, "45130": false, "0241720099": true, "+33241720099": true, "sep001122": true, "PJSIP/fax-1": true, "": false, "4512": false,
	} {
		if got := n.Has(text); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
	for _, wrong := range []string{"", "*", "45*2", " - "} {
		if _, err := journal.NewNumbers([]string{"4512", wrong}); err == nil || !strings.Contains(err.Error(), "numbers[1]") {
			t.Errorf("%q: got error %v, want numbers[1] at fault", wrong, err)
		}
	}
}

func TestFaxLinesOverseasAreFoundToo(t *testing.T) {
	t.Parallel()
	for line, same := range map[string][]string{
		"0262 90 50 00":     {"0262905000", "+262 262 90 50 00", "+262 (0)262 90 50 00", "00262262905000", "262262905000", "00262905000", "000262262905000"},
		"+262 269 61 80 00": {"0269618000"},
		"0590 89 10 10":     {"+590590891010"},
		"+594594395050":     {"0594 39 50 50"},
		"0596552000":        {"+596 596 55 20 00"},
		"0508 41 14 00":     {"+508411400", "00508411400", "+508508411400", "508411400"},
		"+689 40 48 62 62":  {"0068940486262", "+68940486262"},
		"+687 25 66 66":     {"+687256666"},
		"+262262*":          {"0262905000", "+262262905000"},
		"00262 262*":        {"0262905000"},
		"+50841*":           {"0508411400"},
	} {
		n := numbers(t, line)
		for _, text := range same {
			if !n.Has(text) {
				t.Errorf("%s: %q isn't found", line, text)
			}
		}
		for _, other := range []string{"0241354512", "+33241354512", "4512", "+262693000000", "+508999999", "+68940486263"} {
			if n.Has(other) {
				t.Errorf("%s: %q is taken for it", line, other)
			}
		}
	}
}

func TestNamesBesideANumberAreLeftOut(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"Dr Martin 02 41 72 00 00": "02 41 72 00 00", "0241720000 (Dr Martin)": "0241720000", "02 41 72 00 00 poste 12": "02 41 72 00 00",
		"sip:0241720000@trunk": "0241720000", "+33 (0)2 41 72 00 00": "+33 (0)2 41 72 00 00", "Dr Martin": "", "CHU 49": "", "CHU 49 Cardiologie 0241720000": "0241720000", "'0241720000": "0241720000", "anonymous": "", "0241\u00a072\u00a000\u00a000": "0241\u00a072\u00a000\u00a000",
	} {
		rows := readAll(t, load(t, "sent.yml"), journal.Place{Journal: "sent"}, "Job\tStarted\tTo\tState\n1\t1793695500\t"+cell+"\tSent\n")
		if got := rows[1].Event.To; got != want {
			t.Errorf("%q: got %q, want %q", cell, got, want)
		}
	}
}

func TestPagesAndDurationsAreReadAsMachinesWriteThem(t *testing.T) {
	t.Parallel()
	p, err := journal.Load("x.yml", []byte("name: x\nheader: false\ndirection: sent\ndate: unix\ncolumns: {at: 1, remote: 2, pages: 3, duration: 4}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for cells, want := range map[string]string{
		"3;70": "3p 70s", "003;1:10": "3p 70s", "2/5;0:01:10": "2p 70s", "3,0;1'10\"": "3p 70s", ";": "0p 0s", "0;00'48": "0p 48s",
		"three;1": "BadCount", "3;1m10": "BadCount", "-1;1": "BadCount", "3;:10": "BadCount", "99999999999999999999;1": "BadCount",
		"100000;10000000": "100000p 10000000s", "100001;1": "BadCount", "1;10000001": "BadCount",
	} {
		row := readAll(t, p, journal.Place{Journal: "x"}, "1793695500;0241354000;"+cells)[0]
		got := fmt.Sprintf("%dp %ds", row.Event.Pages, row.Event.Seconds)
		if row.Why == journal.BadCount {
			got = "BadCount"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", cells, got, want)
		}
	}
}

func TestNoNumberIsShownOfARowThatCannotBeRead(t *testing.T) {
	t.Parallel()
	r := reader(t, builtin(t, "hylafax"), journal.Place{Journal: "fax", Zone: paris(t), Line: "4512"})
	for date, want := range map[string]string{
		"13/11/26 07:05":       "13/11/26 07:05",
		"02 41 35 40 00":       "02 •• •• •• ••",
		"Martin: +33241354000": "Martin: +33•••••••••",
		"one":                  "one",
	} {
		row := r.Row([]byte(date + "\tSEND\tsam\t\"0241354000\"\t9600\t1-D MR\t2\t0:55\t\"\"\n"))
		if row.Verdict != journal.Rejected || row.Value != want {
			t.Errorf("%s: got %v of %q, want %q", date, row.Verdict, row.Value, want)
		}
	}
}

func TestADamagedStateIsToldAndLeavesAFreshReader(t *testing.T) {
	t.Parallel()
	r := reader(t, builtin(t, "hylafax"), journal.Place{Journal: "j", Zone: paris(t), Line: "4512"})
	for _, state := range []string{"", "{", `{"seen":"AAAA"}`, `{"seen":"////////////////////////"}`} {
		if err := r.Resume([]byte(state)); err == nil || !strings.HasPrefix(err.Error(), "resume journal: ") {
			t.Errorf("%s: got error %v", state, err)
		}
	}
	rows := 0
	err := r.Read(bytes.NewReader(read(t, "xferfaxlog")), func(row journal.Row) error {
		if row.Verdict == journal.Taken {
			rows++
		}
		return nil
	})
	if rows != 13 || err != nil {
		t.Errorf("got %d events, %v; want 13", rows, err)
	}
}

func builtin(t testing.TB, name string) *journal.Profile {
	t.Helper()
	p, ok := journal.Builtin(name)
	if !ok {
		t.Fatalf("no built-in profile %q", name)
	}
	return p
}

func load(t testing.TB, file string) *journal.Profile {
	t.Helper()
	p, err := journal.Load(file, read(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func reader(t testing.TB, p *journal.Profile, place journal.Place) *journal.Reader {
	t.Helper()
	r, err := p.Reader(place)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func numbers(t testing.TB, list ...string) journal.Numbers {
	t.Helper()
	n, err := journal.NewNumbers(list)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func readAll(t testing.TB, p *journal.Profile, place journal.Place, text string) []journal.Row {
	t.Helper()
	var rows []journal.Row
	err := reader(t, p, place).Read(strings.NewReader(text), func(row journal.Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func paris(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
