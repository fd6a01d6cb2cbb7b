package journal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

// recording is a journal in testdata; what its rows tell stands in FILE.truth, which was made by hand.
type recording struct {
	file    string
	profile string // built in, or a file of testdata
	place   journal.Place
	zone    string // the profile's
}

// truth is the file of what it tells: that of the unpacked one.
func (r recording) truth() string { return strings.TrimSuffix(r.file, ".Z") + ".truth" }

func recordings(t testing.TB) []recording {
	t.Helper()
	numbers, err := journal.NewNumbers([]string{"4512", "4513", "45 14", "02 41 35 45 99", "DAHDI/fax*", "an0a1b2c3d4e0*"})
	if err != nil {
		t.Fatal(err)
	}
	fax := journal.Place{Zone: paris(t), Line: "0241354512", Lines: map[string]string{"ttyS1": "0241354513"}}
	calls := journal.Place{Zone: paris(t), Numbers: numbers, Line: "0241354599"}
	return []recording{
		{file: "xferfaxlog", profile: "hylafax", place: fax},
		{file: "xferfaxlog-old", profile: "hylafax", place: fax},
		{file: "master21.csv", profile: "asterisk", place: calls},
		{file: "master16-utc.csv", profile: "asterisk", place: calls, zone: "UTC"},
		{file: "cdr_StandAloneCluster_01_202611030800_1", profile: "cucm", place: calls},
		{file: "cdr_StandAloneCluster_02_202611030801_2", profile: "cucm", place: calls},
		{file: "TAXA1B2C.DAT", profile: "oxe", place: calls},
		{file: "TAXA1B2C.DAT.Z", profile: "oxe", place: calls},
		{file: "oxe.stream", profile: "oxe", place: calls},
		{file: "ricoh.csv", profile: "ricoh.yml", place: journal.Place{Zone: paris(t)}},
		{file: "pabx.csv", profile: "pabx.yml", place: calls},
		{file: "sent.tsv", profile: "sent.yml", place: journal.Place{Zone: paris(t)}},
	}
}

func (r recording) reader(t testing.TB) *journal.Reader {
	t.Helper()
	text := []byte("name: of-the-test\nformat: " + r.profile + "\nzone: " + r.zone + "\n")
	if strings.HasSuffix(r.profile, ".yml") {
		text = read(t, r.profile)
	}
	p, err := journal.Load(r.profile, text)
	if err != nil {
		t.Fatal(err)
	}
	r.place.Journal = "of-the-test"
	reader, err := p.Reader(r.place)
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rows are those of the recording, read as a whole.
func (r recording) rows(t testing.TB) []journal.Row {
	t.Helper()
	var rows []journal.Row
	err := r.reader(t).Read(iotest.HalfReader(bytes.NewReader(read(t, r.file))), func(row journal.Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatalf("read %s: %v", r.file, err)
	}
	return rows
}

// told is what rows tell, in the form of the truth.
func told(rows []journal.Row) string {
	var b strings.Builder
	var done, failed, skipped, rejected, pages int64
	for _, row := range rows {
		switch e := row.Event; row.Verdict {
		case journal.Taken:
			fmt.Fprintf(&b, "%d %s %s %s %s>%s %dp %ds\n", row.Line, e.Result, e.Witness, e.At.Std().Format(time.RFC3339), e.From, e.To, e.Pages, e.Seconds)
			if e.Result == wire.Done {
				done, pages = done+1, pages+e.Pages
			} else {
				failed++
			}
		case journal.Skipped:
			skipped++
			fmt.Fprintf(&b, "%d skipped %s\n", row.Line, row.Reason())
		case journal.Rejected:
			rejected++
			fmt.Fprintf(&b, "%d rejected %s\n", row.Line, row.Reason())
		}
	}
	fmt.Fprintf(&b, "= %d done, %d failed, %d skipped, %d rejected; %d pages done\n", done, failed, skipped, rejected, pages)
	return b.String()
}

func TestRecordingsTellTheirHandMadeTruth(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		t.Run(r.file, func(t *testing.T) {
			t.Parallel()
			if got, want := told(r.rows(t)), string(read(t, r.truth())); got != want {
				t.Errorf("got\n%swant\n%s%s", got, want, firstDifference(got, want))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("first difference:\n got %s\nwant %s", g[i], w[i])
		}
	}
	return "one has more rows"
}
