package mibs_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
	"pgregory.net/rapid"
)

func integer(n int64) mibs.Value { return mibs.Value{Kind: mibs.Integer, Int: n} }

func float32Of(f float64) mibs.Value {
	raw := binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(f)))
	return mibs.Value{Kind: mibs.OctetString, Bytes: raw}
}

// told is what a recording tells of a measure: "value unit rule", or nothing.
func told(t testing.TB, recording *mibs.Recording, measure wire.Measure) string {
	t.Helper()
	_, r := readRecording(t, builtin(t), recording)
	return toldOf(r, measure)
}

func toldOf(r mibs.Result, measure wire.Measure) string {
	for _, c := range r.Reading.Counters {
		if c.Measure == measure {
			return fmt.Sprintf("%d %s %s", c.Value, c.Unit, c.Rule)
		}
	}
	return "nothing"
}

const a4Total = "1.3.6.1.4.1.11.2.3.9.4.2.1.1.16.1.44.13.3.0"

func TestAFloatIsReadOnlyAsFarAsItCounts(t *testing.T) {
	for name, test := range map[string]struct {
		value mibs.Value
		want  string
	}{
		"whole":                  {float32Of(42), "42"},
		"a fraction is not full": {float32Of(42.99), "42"},
		"nothing so far":         {float32Of(0), "0"},
		"minus nothing":          {float32Of(math.Copysign(0, -1)), "0"},
		"the last one it knows":  {float32Of(1<<24 - 1), "16777215"},
		"beyond which it can't":  {float32Of(1 << 24), "nothing"},
		"negative":               {float32Of(-1), "nothing"},
		"no number":              {float32Of(math.NaN()), "nothing"},
		"infinite":               {float32Of(math.Inf(1)), "nothing"},
		"not four bytes":         {text("\x42\x28\x00"), "nothing"},
		"no float":               {integer(42), "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			recording := fixture(t, "hp-futuresmart")
			d, _ := readRecording(t, builtin(t), recording)
			recording.Put(a4Total, test.value)
			got, _, _ := strings.Cut(toldOf(poll(t, d, recording), wire.FaxPrintedPages), " ")
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAFloatThatGrowsNeverFallsAndNeverClaimsMore(t *testing.T) {
	recording := fixture(t, "hp-futuresmart-colour") // black and colour together
	d, _ := readRecording(t, builtin(t), recording)
	const black, colour = "1.3.6.1.4.1.11.2.3.9.4.2.1.1.16.1.44.1.3.0", "1.3.6.1.4.1.11.2.3.9.4.2.1.1.16.1.44.2.3.0"
	rapid.Check(t, func(rt *rapid.T) {
		counts := map[string]float64{}
		for _, oid := range []string{black, colour} {
			counts[oid] = float64(rapid.Float32Range(0, 1<<24-200).Draw(rt, "count"))
		}
		var before int64
		for range 10 {
			oid := rapid.SampledFrom([]string{black, colour}).Draw(rt, "which")
			counts[oid] = float64(float32(counts[oid] + rapid.Float64Range(0, 10).Draw(rt, "pages")))
			recording.Put(black, float32Of(counts[black]))
			recording.Put(colour, float32Of(counts[colour]))
			counters := poll(t, d, recording).Reading.Counters
			if len(counters) != 1 || counters[0].Value < before || float64(counters[0].Value) > counts[black]+counts[colour] {
				rt.Fatalf("after %d and with %v: got %v", before, counts, counters)
			}
			before = counters[0].Value
		}
	})
}

func TestASerialReadsTheSameInEveryCharacterSet(t *testing.T) {
	for _, prefix := range []string{"", "\x01\x15", "\xfd\xe8", "\x00\x0e"} {
		recording := fixture(t, "hp-5035")
		recording.Put("1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0", text(prefix+"CNH0000002"))
		if d, _ := readRecording(t, builtin(t), recording); d.ID != "hp-cnh0000002" {
			t.Errorf("behind %q: got id %s", prefix, d.ID)
		}
	}
}

func TestASuffixMoreOrLessIsTheSameObject(t *testing.T) {
	const sent = "1.3.6.1.4.1.258.402.1.4.2.1.7.8"
	for _, suffix := range []string{"", ".0", ".0.0"} {
		recording := without(fixture(t, "panasonic"), sent)
		recording.Put(sent+suffix, integer(120))
		if got, want := told(t, recording, wire.FaxSentPages), "120 pages panasonic/fax_sent_pages.function"; got != want {
			t.Errorf("with %q: got %s, want %s", suffix, got, want)
		}
	}
}

func TestAPartThatIsNotSupportedIsLeftOutOfASum(t *testing.T) {
	const first, second = "1.3.6.1.4.1.1129.2.3.50.1.3.21.6.1.223.1.4", "1.3.6.1.4.1.1129.2.3.50.1.3.21.6.1.224.1.4"
	for name, test := range map[string]struct {
		first, second int64
		want          string
	}{
		"both count":                     {512, 8, "520 pages toshiba/fax_sent_pages.scanned"},
		"one is not supported":           {512, -1, "512 pages toshiba/fax_sent_pages.scanned.without_1"},
		"none is supported":              {-1, -1, "nothing"},
		"one is unknown, so is the sum":  {512, -2, "nothing"},
		"some are left, nobody knows it": {-3, 8, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			recording := fixture(t, "toshiba")
			recording.Put(first, integer(test.first))
			recording.Put(second, integer(test.second))
			if got := told(t, recording, wire.FaxSentPages); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	recording := fixture(t, "toshiba") // the second is not supported,
	d, _ := readRecording(t, builtin(t), recording)
	recording.Put(second, integer(5000)) // until new firmware comes: no 5000 pages were sent
	if got, want := toldOf(poll(t, d, recording), wire.FaxSentPages), "512 pages toshiba/fax_sent_pages.scanned.without_1"; got != want {
		t.Errorf("before it is identified again: got %s, want %s", got, want)
	}
	if got, want := told(t, recording, wire.FaxSentPages), "5512 pages toshiba/fax_sent_pages.scanned"; got != want {
		t.Errorf("identified again: got %s, want %s, by another rule so that the books begin anew", got, want)
	}
}

func TestARowThatComesWithTheFirstPageOfItsKindIsNoticedAtOnce(t *testing.T) {
	recording := without(fixture(t, "samsung"), // the row that isn't supported
		"1.3.6.1.4.1.236.11.5.11.53.11.2.1.2.1.7", "1.3.6.1.4.1.236.11.5.11.53.11.2.1.4.1.7", "1.3.6.1.4.1.236.11.5.11.53.11.2.1.7.1.7")
	d, first := readRecording(t, builtin(t), recording)
	for column, n := range map[int]int64{2: 3, 3: 16, 4: 7, 7: 2} { // two faxes on A5
		recording.Put(fmt.Sprintf("1.3.6.1.4.1.236.11.5.11.53.11.2.1.%d.1.7", column), integer(n))
	}
	grown := poll(t, d, recording)
	const rule = " impressions samsung/fax_received_pages.jobs.impressions"
	if got := toldOf(first, wire.FaxReceivedPages); got != "216"+rule || first.Stale {
		t.Errorf("at first: got %s, stale %v; want 216%s", got, first.Stale, rule)
	}
	if got := toldOf(grown, wire.FaxReceivedPages); got != "216"+rule || !grown.Stale {
		t.Errorf("with a row more: got %s, stale %v; want 216%s and stale", got, grown.Stale, rule)
	}
	if got := told(t, recording, wire.FaxReceivedPages); got != "218"+rule {
		t.Errorf("identified again: got %s, want 218%s", got, rule)
	}
}

func TestRowsInAnotherUnitAreNotAdded(t *testing.T) {
	recording := fixture(t, "hp-laser-mfp") // 40 impressions, and 21 sheets that may be the same pages
	_, r := readRecording(t, builtin(t), recording)
	if got, want := toldOf(r, wire.FaxReceivedPages), "40 impressions samsung/fax_received_pages.jobs.impressions"; got != want || len(r.Warnings) != 1 {
		t.Errorf("got %s, warnings %q; want %s and a warning", got, r.Warnings, want)
	}
	recording.Put("1.3.6.1.4.1.236.11.5.11.53.11.2.1.4.2.3", integer(11)) // hours
	if _, r := readRecording(t, builtin(t), recording); toldOf(r, wire.FaxReceivedPages) != "nothing" || len(r.Warnings) != 1 {
		t.Errorf("in hours: got %s, warnings %q; want nothing and a warning", toldOf(r, wire.FaxReceivedPages), r.Warnings)
	}
}

func TestWhereverTheRowsOfARicohStandItReadsTheSame(t *testing.T) {
	const counter = "1.3.6.1.4.1.367.3.2.1.2.19.5.1."
	_, want := readRecording(t, builtin(t), fixture(t, "ricoh"))
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.Permutation([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 20}).Draw(rt, "rows")
		stands := map[string]string{}
		for i, row := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 20} {
			stands[fmt.Sprint(row)] = fmt.Sprint(rows[i])
		}
		var moved []mibs.Varbind
		for _, vb := range fixture(t, "ricoh").Varbinds() {
			if rest, ok := strings.CutPrefix(vb.OID, counter); ok {
				column, row, _ := strings.Cut(rest, ".")
				vb.OID = counter + column + "." + stands[row]
			}
			moved = append(moved, vb)
		}
		_, got := readRecording(t, builtin(t), mibs.NewRecording(moved))
		if !slices.Equal(got.Reading.Counters, want.Reading.Counters) {
			rt.Errorf("got %v\nwant %v", got.Reading.Counters, want.Reading.Counters)
		}
	})
}

func TestATableOfLabelsIsReadAnewWhenALabelChanges(t *testing.T) {
	recording := fixture(t, "sharp")
	d, _ := readRecording(t, builtin(t), recording)
	recording.Put("1.3.6.1.4.1.2385.1.1.19.2.1.4.9.4.50", text("Internet Fax Send"))
	if r := poll(t, d, recording); !r.Stale || toldOf(r, wire.FaxSentPages) != "nothing" {
		t.Errorf("got stale %v, %s; want stale and nothing of what is another row now", r.Stale, toldOf(r, wire.FaxSentPages))
	}
}

func TestWhatIsNotReadySaysSo(t *testing.T) {
	for name, test := range map[string]struct {
		receive, send string
		want          wire.FaxService
	}{
		"ready, empty and zero": {"\x00\x00", "", wire.ServiceReady},
		"can't receive":         {"\x00\x04", "", wire.ServiceAttention},
		"can't send":            {"", "\x80", wire.ServiceAttention},
	} {
		recording := fixture(t, "hp-3300")
		recording.Put("1.3.6.1.4.1.11.2.3.9.4.2.1.2.3.2.1.0", text(test.receive))
		recording.Put("1.3.6.1.4.1.11.2.3.9.4.2.1.4.2.2.1.0", text(test.send))
		if _, r := readRecording(t, builtin(t), recording); r.Reading.FaxService != test.want {
			t.Errorf("%s: got %s, want %s", name, r.Reading.FaxService, test.want)
		}
	}
}

func TestAnAlertAboutTheFaxIsItsState(t *testing.T) {
	for code, want := range map[int64]wire.FaxService{207: wire.ServiceUnknown, 702: wire.ServiceAttention, 708: wire.ServiceUnavailable} {
		recording := fixture(t, "lexmark")
		d, _ := readRecording(t, builtin(t), recording)
		recording.Put("1.3.6.1.4.1.641.6.5.1.1.5.1.2", integer(code))
		if r := poll(t, d, recording); r.Reading.FaxService != want || r.Reading.Lines[0].Status != wire.LineUnknown {
			t.Errorf("alert %d: got service %s, line %s; want %s and unknown", code, r.Reading.FaxService, r.Reading.Lines[0].Status, want)
		}
	}
}

func TestASessionThatIsIdleSaysNothingOfTheLine(t *testing.T) {
	recording := fixture(t, "hp-3300")
	for send, want := range map[int64]wire.LineStatus{1: wire.LineUnknown, 2: wire.LineBusy, 4: wire.LineBusy} {
		recording.Put("1.3.6.1.4.1.11.2.3.9.4.2.1.1.6.3.3.3.1.0", integer(send))
		_, r := readRecording(t, builtin(t), recording)
		if len(r.Reading.Lines) != 1 || r.Reading.Lines[0].Status != want {
			t.Errorf("sending %d: got %+v, want %s", send, r.Reading.Lines, want)
		}
	}
}

func uptime(recording *mibs.Recording, d time.Duration) {
	recording.Put("1.3.6.1.2.1.1.3.0", mibs.Value{Kind: mibs.TimeTicks, Int: d.Milliseconds() / 10})
}

func TestAMachineThatBootsIsNotTakenForAnother(t *testing.T) {
	whole := fixture(t, "toshiba-cs") // of Lexmark's make, with another serial in the Printer MIB
	known, _ := readRecording(t, builtin(t), whole)
	booting := mibs.NewRecording(slices.DeleteFunc(slices.Clone(whole.Varbinds()), func(vb mibs.Varbind) bool {
		return strings.HasPrefix(vb.OID, "1.3.6.1.4.1.641.6.")
	}))
	uptime(booting, time.Minute)
	d, _ := readRecording(t, builtin(t), booting)
	if d.ID != "" || !strings.Contains(d.Unnamed, "just booted") {
		t.Errorf("seen for the first time: got id %q, %q; want none yet", d.ID, d.Unnamed)
	}
	if after := d.After(known); after.ID != known.ID {
		t.Errorf("known before: got id %q, want %q as before", after.ID, known.ID)
	} else if r := poll(t, after, booting); r.Reading.OK || !r.Stale {
		t.Error("known before: a reading is made though it doesn't say who it is")
	}
	uptime(booting, time.Hour)
	if d, _ := readRecording(t, builtin(t), booting); d.ID != "lexmark-cxtos00003" {
		t.Errorf("if it stays so: got id %q, want lexmark-cxtos00003", d.ID)
	}
	uptime(whole, time.Minute)
	if d, _ := readRecording(t, builtin(t), whole); d.ID != known.ID {
		t.Errorf("booting, but complete: got id %q, want %q at once", d.ID, known.ID)
	}
}

// Whatever a machine doesn't answer yet while it boots, it has its own id or none.
func TestWhileItBootsAMachineHasItsOwnIDOrNone(t *testing.T) {
	files := []string{
		"brother", "canon", "dell-samsung", "dell-xerox", "epson", "fujixerox", "hp-5035", "hp-futuresmart", "hp-laser-mfp", "hp-officejet",
		"konica", "kyocera", "lexmark", "oki", "oki-toshiba", "panasonic", "pantum", "printer", "ricoh", "sagemcom", "samsung", "sharp",
		"toshiba", "toshiba-cs", "xerox", "xerox-moved", "jetdirect-lie", "grandstream-ht8xx",
	}
	set := builtin(t)
	rapid.Check(t, func(rt *rapid.T) {
		whole := fixture(t, rapid.SampledFrom(files).Draw(rt, "machine"))
		d, _ := readRecording(t, set, whole)
		want := d.ID
		trees := []string{"1.3.6.1.2.1.25.", "1.3.6.1.2.1.43.5.", "1.3.6.1.2.1.43.", "1.3.6.1.2.1.2."}
		for _, vb := range whole.Varbinds() {
			if strings.HasPrefix(vb.OID, "1.3.6.1.4.1.") {
				trees = append(trees, vb.OID, vb.OID[:len("1.3.6.1.4.1.")+strings.IndexByte(vb.OID[len("1.3.6.1.4.1."):], '.')+1])
			}
		}
		slices.Sort(trees)
		missing := rapid.SliceOfN(rapid.SampledFrom(slices.Compact(trees)), 1, 6).Draw(rt, "missing")
		booting := mibs.NewRecording(slices.DeleteFunc(slices.Clone(whole.Varbinds()), func(vb mibs.Varbind) bool {
			return slices.ContainsFunc(missing, func(tree string) bool { return strings.HasPrefix(vb.OID, tree) })
		}))
		booting.Put("1.3.6.1.2.1.2.2.1.6.1", text("\x00\x1b\x2c\x3d\x4e\x5f"))
		uptime(booting, time.Minute)
		if d, _ := readRecording(t, set, booting); d.ID != "" && d.ID != want {
			rt.Errorf("without %v: got id %s (%s), want %s or none", missing, d.ID, d.Why, want)
		}
	})
}

// A machine that counted nothing has proved nothing, whatever rows it has.
func TestCountersAtZeroDoNotMakeAFaxMachine(t *testing.T) {
	for _, name := range []string{"ricoh-mono", "hp-5035", "hp-futuresmart", "hp-laser-mfp", "brother-no-total", "panasonic", "toshiba", "canon", "epson", "dell-samsung"} {
		recording := fixture(t, name)
		d, r := readRecording(t, builtin(t), recording)
		for _, m := range d.Measures(r.Reading) {
			for oid := range strings.SplitSeq(m.OID, " + ") {
				zero := integer(0)
				if m.Unit == "a4_equivalents" {
					zero = float32Of(0)
				}
				recording.Put(oid, zero)
			}
		}
		if d, r := readRecording(t, builtin(t), recording); r.Reading.Fax != wire.Unknown {
			t.Errorf("%s with all at 0: got fax %s (%s), want unknown", name, r.Reading.Fax, d.FaxWhy)
		}
	}
}

func TestAMonoMFPOfFutureSmartCountsItsBlackPages(t *testing.T) {
	recording := without(fixture(t, "hp-futuresmart"), a4Total) // 41.5 black ones, and no row of colour
	if got, want := told(t, recording, wire.FaxPrintedPages), "41 a4_equivalents hp/fax_printed_pages.a4_black"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The first fax brings the row that counts it.
func TestARowThatComesWithTheFirstFaxIsNoticedAtOnce(t *testing.T) {
	recording := fixture(t, "samsung-no-fax")
	d, first := readRecording(t, builtin(t), recording)
	if first.Stale || !d.Has(mibs.Counters) {
		t.Errorf("before: got stale %v, counters to ask for: %v; want a device that isn't stale and is asked", first.Stale, d.Has(mibs.Counters))
	}
	const jobs = "1.3.6.1.4.1.236.11.5.11.53.11.2.1."
	column, err := recording.Column(t.Context(), jobs+"2", 256)
	if err != nil || len(column) == 0 {
		t.Fatal("the recording has no jobs")
	}
	last := column[len(column)-1].OID
	row := fmt.Sprintf("1.%d", len(column)+1)
	if !strings.HasSuffix(last, fmt.Sprintf(".1.%d", len(column))) {
		t.Fatalf("the last row is %s; want one of device 1", last)
	}
	for column, n := range map[string]int64{"2.": 4, "4.": 7, "7.": 3} {
		recording.Put(jobs+column+row, integer(n))
	}
	if r := poll(t, d, recording); !r.Stale {
		t.Error("after the first fax: not stale, so it goes unnoticed until the next day")
	}
	if got, want := told(t, recording, wire.FaxSentPages), "3 impressions samsung/fax_sent_pages.jobs.impressions"; got != want {
		t.Errorf("identified again: got %s, want %s", got, want)
	}
}

func TestEachPartThatComesIntoASumBeginsAnotherEpoch(t *testing.T) {
	const colours = "1.3.6.1.4.1.1129.2.3.50.1.3.21.6.1.7.1."
	recording := fixture(t, "toshiba")
	for oid, n := range map[string]int64{"1": -1, "2": -1, "3": 640, "4": -1} {
		recording.Put(colours+oid, integer(n))
	}
	rule := func() string {
		_, rule, _ := strings.Cut(told(t, recording, wire.FaxPrintedPages), "pages ")
		return rule
	}
	one := rule()
	recording.Put(colours+"1", integer(5000)) // new firmware knows colour pages: they are no activity
	two := rule()
	recording.Put(colours+"2", integer(7000))
	if three := rule(); one == two || two == three || one == three {
		t.Errorf("with one, two and three parts: got %s, %s and %s, want three rules", one, two, three)
	}
}

// A unit, or a part that isn't told for once, must not begin another epoch: what is counted at both changes would be lost.
func TestAUnitThatIsMissingForOnceChangesNothing(t *testing.T) {
	const unit = "1.3.6.1.4.1.367.3.2.1.2.19.5.1.4.6"
	whole := fixture(t, "ricoh")
	before, want := readRecording(t, builtin(t), whole)
	less := without(whole, unit)
	d, _ := readRecording(t, builtin(t), less)
	if got := toldOf(poll(t, d.After(before), less), wire.FaxPrintedPages); got != toldOf(want, wire.FaxPrintedPages) {
		t.Errorf("got %s, want %s as before", got, toldOf(want, wire.FaxPrintedPages))
	}
}

func TestAMachineThatTellsNoUnitsCountsPages(t *testing.T) {
	recording := fixture(t, "ricoh")
	for _, vb := range recording.Varbinds() {
		if strings.HasPrefix(vb.OID, "1.3.6.1.4.1.367.3.2.1.2.19.5.1.4.") {
			recording = without(recording, vb.OID)
		}
	}
	if got, want := told(t, recording, wire.FaxPrintedPages), "1210 pages ricoh/fax_printed_pages.total.pages"; got != want {
		t.Errorf("printed: got %s, want %s", got, want)
	}
	if got := told(t, recording, wire.FaxSentPages) + told(t, recording, wire.FaxSent); got != "nothingnothing" {
		t.Errorf("sent: got %s, want nothing, as it may count faxes or pages", got)
	}
}

// Its maker's objects may be silent also long after it booted; then another serial is told than its own.
func TestAMachineWhoseOwnSerialIsSilentIsNotTakenForAnother(t *testing.T) {
	whole := fixture(t, "toshiba-cs")
	known, _ := readRecording(t, builtin(t), whole)
	silent := mibs.NewRecording(slices.DeleteFunc(slices.Clone(whole.Varbinds()), func(vb mibs.Varbind) bool {
		return strings.HasPrefix(vb.OID, "1.3.6.1.4.1.641.6.")
	}))
	uptime(silent, 5*time.Hour)
	d, _ := readRecording(t, builtin(t), silent)
	after := d.After(known)
	if after.ID != known.ID {
		t.Errorf("got id %s, want %s as before", after.ID, known.ID)
	}
	for range 10 {
		after = d.After(after)
	}
	if after.ID != d.ID {
		t.Errorf("if it lasts: got id %s, want %s", after.ID, d.ID)
	}
	other := fixture(t, "toshiba-cs")
	other.Put("1.3.6.1.4.1.641.6.2.3.1.5.1", text("7500000000099"))
	if d, _ := readRecording(t, builtin(t), other); d.After(known).ID != "lexmark-7500000000099" {
		t.Errorf("another machine in its place: got id %s, want its own at once", d.After(known).ID)
	}
}

func TestAFaxWithoutFirmwareIsNoFax(t *testing.T) {
	for firmware, want := range map[string]wire.Answer{"\x01\x15V1.05": wire.Yes, "\x01\x15": wire.Unknown, "\x01\x15None": wire.Unknown, "\xfd\xe80": wire.Unknown} {
		recording := fixture(t, "hp-futuresmart")
		recording.Put(a4Total, float32Of(0))
		recording.Put("1.3.6.1.4.1.11.2.3.9.4.2.1.3.7.2.8.0", text(firmware))
		if d, _ := readRecording(t, builtin(t), recording); d.Fax != want {
			t.Errorf("firmware %q: got fax %s, want %s", firmware, d.Fax, want)
		}
	}
}
