package mibs_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// witness is what proves, apart from the profiles, that an object counts what it is said to: what another
// column of the same row says, or that the object stands where only that is counted.
type witness struct {
	values, says string // columns; says may be several, joined by blanks
	measure      string // a pattern
	fits         string // what says says
}

var witnesses = []witness{
	{"1.3.6.1.4.1.253.8.53.13.2.1.6", "1.3.6.1.4.1.253.8.53.13.2.1.8", "fax_sent_pages", `(?i)^(embedded )?fax images sent$`},
	{"1.3.6.1.4.1.253.8.53.13.2.1.6", "1.3.6.1.4.1.253.8.53.13.2.1.8", "fax_received_pages", `(?i)^(embedded )?fax images received$`},
	{"1.3.6.1.4.1.253.8.53.13.2.1.6", "1.3.6.1.4.1.253.8.53.13.2.1.8", "fax_printed_pages", `(?i)^(embedded )?fax(ed)? impressions$`},
	{"1.3.6.1.4.1.641.6.4.1.1.1.4", "1.3.6.1.4.1.641.6.4.1.1.1.2", "fax_sent", `^96$`},
	{"1.3.6.1.4.1.641.6.4.2.1.1.4", "1.3.6.1.4.1.641.6.4.2.1.1.2", "fax_printed_pages", `^(48|49|50)$`},
	{"1.3.6.1.4.1.641.6.4.3.1.1.4", "1.3.6.1.4.1.641.6.4.3.1.1.2", "fax_sent_pages", `^(2|258|770)$`},
	{"1.3.6.1.4.1.367.3.2.1.2.19.5.1.9", "1.3.6.1.4.1.367.3.2.1.2.19.5.1.2 1.3.6.1.4.1.367.3.2.1.2.19.5.1.5", "fax_sent(_pages)?", `(?i)^872 |transmission:\s*fax`},
	{"1.3.6.1.4.1.367.3.2.1.2.19.5.1.9", "1.3.6.1.4.1.367.3.2.1.2.19.5.1.2 1.3.6.1.4.1.367.3.2.1.2.19.5.1.5", "fax_printed_pages", `(?i)^30[0-3] |counter:\s*fax`},
	{"1.3.6.1.4.1.236.11.5.11.53.11.2.1.7", "1.3.6.1.4.1.236.11.5.11.53.11.2.1.2", "fax_sent_pages", `^4$`},
	{"1.3.6.1.4.1.236.11.5.11.53.11.2.1.7", "1.3.6.1.4.1.236.11.5.11.53.11.2.1.2", "fax_received_pages", `^3$`},
	{"1.3.6.1.4.1.236.11.5.11.55.20.2.1.9", "1.3.6.1.4.1.236.11.5.11.55.20.2.1.3", "fax_sent_pages", `^5$`},
	{"1.3.6.1.4.1.236.11.5.11.55.20.2.1.9", "1.3.6.1.4.1.236.11.5.11.55.20.2.1.3", "fax_received_pages", `^4$`},
	{"1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.52.21.1.3", "1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.52.21.1.2", "fax_printed_pages", `^(2|6|8)$`},
	{"1.3.6.1.4.1.2385.1.1.19.2.1.3", "1.3.6.1.4.1.2385.1.1.19.2.1.4", "fax_sent_pages", `(?i)^(.*fax.*(sen|trans|tx).*|.*(sen|trans).*fax.*)$`},
	{"1.3.6.1.4.1.2385.1.1.19.2.1.3", "1.3.6.1.4.1.2385.1.1.19.2.1.4", "fax_received_pages", `(?i)^(.*fax.*(rec|rx).*|.*rec.*fax.*)$`},
	{"1.3.6.1.4.1.2385.1.1.19.2.1.3", "1.3.6.1.4.1.2385.1.1.19.2.1.4", "fax_printed_pages", `(?i)fax`},
	{"1.3.6.1.4.1.1602.1.11.2.1.1.3", "1.3.6.1.4.1.1602.1.11.2.1.1.2", "fax_sent_pages", `(?i)fax`},
	{"1.3.6.1.4.1.1602.1.11.2.1.1.3", "1.3.6.1.4.1.1602.1.11.2.1.1.2", "fax_(received|printed)_pages", `(?i)fax|rec\w*\s*print`},
	{"1.3.6.1.4.1.1248.1.2.2.27.6.1.4", "1.3.6.1.4.1.1248.1.2.2.27.6.1.2", "fax_printed_pages", `(?i)fax`},
	// Where a place alone says it.
	{"1.3.6.1.4.1.1347.42.3.1.3.1.1.4", "", "fax_sent_pages", ""},
	{"1.3.6.1.4.1.1347.42.3.1.1.1.1.4", "", "fax_printed_pages", ""},
	{"1.3.6.1.4.1.258.402.1.4.2.1.7.8", "", "fax_sent_pages", ""},
	{"1.3.6.1.4.1.258.402.1.4.2.1.7.9", "", "fax_received_pages", ""},
	{"1.3.6.1.4.1.1129.2.3.50.1.3.21.6.1.223", "", "fax_sent_pages", ""},
	{"1.3.6.1.4.1.1129.2.3.50.1.3.21.6.1.224", "", "fax_sent_pages", ""},
	{"1.3.6.1.4.1.1129.2.3.50.1.3.21.6.1.7", "", "fax_printed_pages", ""},
	{"1.3.6.1.4.1.13191.10.3.5.2.1.3.2.1.57", "", "fax_sent", ""},
	{"1.3.6.1.4.1.13191.10.3.5.2.1.3.2.1.58", "", "fax_received", ""},
}

// contradicted says why an object doesn't count what it is said to, empty if nothing speaks against it.
// Tables that no witness knows of (those of a new profile) are let pass.
func contradicted(values map[string]mibs.Value, oid string, m wire.Measure) string {
	why := ""
	for _, w := range witnesses {
		index, here := strings.CutPrefix(oid+".", w.values+".")
		if !here {
			continue
		}
		if !regexp.MustCompile("^" + w.measure + "$").MatchString(string(m)) {
			if why == "" {
				why = fmt.Sprintf("%s stands where %s isn't counted", oid, m)
			}
			continue
		}
		var said []string
		for _, column := range strings.Fields(w.says) {
			said = append(said, values[strings.TrimSuffix(column+"."+index, ".")].Text())
		}
		if text := strings.Join(said, " "); w.says != "" && !regexp.MustCompile(w.fits).MatchString(text) {
			why = fmt.Sprintf("%s is claimed as %s, but its row says %q", oid, m, text)
			continue
		}
		return ""
	}
	return why
}

// unfounded are the claims of a reading that the recording doesn't bear out.
func unfounded(r *mibs.Recording, d *mibs.Device, reading wire.Reading) (faults []string) {
	values := map[string]mibs.Value{}
	for _, vb := range r.Varbinds() {
		values[vb.OID] = vb.Value
	}
	for _, m := range d.Measures(reading) {
		sum, plain := int64(0), true
		for oid := range strings.SplitSeq(m.OID, " + ") {
			value, there := values[oid]
			if !there {
				faults = append(faults, fmt.Sprintf("%s: %s isn't in the recording", m.Rule, oid))
			}
			n, isNumber := value.Number()
			plain = plain && isNumber
			sum += max(n, 0)
			if why := contradicted(values, oid, m.Measure); why != "" {
				faults = append(faults, m.Rule+": "+why)
			}
		}
		if plain && sum != m.Value {
			faults = append(faults, fmt.Sprintf("%s = %d, but the recording says %d", m.Rule, m.Value, sum))
		}
		if m.Value < 0 || m.Unit == "" || (m.Unit == "faxes") != (m.Measure == wire.FaxSent || m.Measure == wire.FaxReceived) {
			faults = append(faults, fmt.Sprintf("%s = %d %s can't be", m.Rule, m.Value, m.Unit))
		}
	}
	return faults
}

// goldens are the recordings of testdata by name, and their names in order.
func goldens(t *testing.T) (names []string, recordings map[string][]mibs.Varbind) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d recordings, %v", len(files), err)
	}
	recordings = map[string][]mibs.Varbind{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".snmprec")
		names, recordings[name] = append(names, name), fixture(t, name).Varbinds()
	}
	return names, recordings
}

// column is an OID without its last numbers: a table's column, roughly.
func columnOf(oid string, numbers int) string {
	parts := strings.Split(oid, ".")
	return strings.Join(parts[:max(len(parts)-numbers, 1)], ".")
}

// cutUp takes a subtree or some objects away.
func cutUp(t *rapid.T, varbinds []mibs.Varbind) []mibs.Varbind {
	if len(varbinds) == 0 {
		return varbinds
	}
	at := rapid.IntRange(0, len(varbinds)-1).Draw(t, "at")
	if rapid.Bool().Draw(t, "a subtree") {
		stem := columnOf(varbinds[at].OID, rapid.IntRange(0, 4).Draw(t, "depth")) + "."
		return slices.DeleteFunc(slices.Clone(varbinds), func(vb mibs.Varbind) bool { return strings.HasPrefix(vb.OID+".", stem) })
	}
	return slices.Delete(slices.Clone(varbinds), at, min(at+rapid.IntRange(1, 5).Draw(t, "so many"), len(varbinds)))
}

// scramble lets objects of a column change their values.
func scramble(t *rapid.T, varbinds []mibs.Varbind) []mibs.Varbind {
	if len(varbinds) == 0 {
		return varbinds
	}
	column := columnOf(rapid.SampledFrom(varbinds).Draw(t, "in the column of").OID, rapid.IntRange(1, 3).Draw(t, "numbers")) + "."
	out := slices.Clone(varbinds)
	var at []int
	for i, vb := range out {
		if strings.HasPrefix(vb.OID, column) {
			at = append(at, i)
		}
	}
	for i, from := range rapid.Permutation(at).Draw(t, "order") {
		out[at[i]].Value = varbinds[from].Value
	}
	return out
}

// spoil gives an object another value: sentinels, texts, enormous numbers.
func spoil(t *rapid.T, varbinds []mibs.Varbind) []mibs.Varbind {
	if len(varbinds) == 0 {
		return varbinds
	}
	out := slices.Clone(varbinds)
	vb := &out[rapid.IntRange(0, len(out)-1).Draw(t, "at")]
	vb.Value = rapid.SampledFrom([]mibs.Value{
		{Kind: mibs.Integer, Int: -1},
		{Kind: mibs.Integer, Int: -2},
		{Kind: mibs.Integer, Int: 0},
		{Kind: mibs.Counter, Int: 1<<32 - 1},
		{Kind: mibs.Counter64, Int: -1},
		{Kind: mibs.Null},
		text(""),
		text("fax"),
		text("17"),
		{Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.1347.45"},
	}).Draw(t, "value")
	return out
}

func TestNoClaimIsUnfoundedWhateverARecordingLooksLike(t *testing.T) {
	set := builtin(t)
	names, recordings := goldens(t)
	rapid.Check(t, func(t *rapid.T) {
		varbinds := recordings[rapid.SampledFrom(names).Draw(t, "recording")]
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			switch rapid.IntRange(0, 4).Draw(t, "change") {
			case 0:
				varbinds = slices.Concat(recordings[rapid.SampledFrom(names).Draw(t, "mixed in")], varbinds)
			case 1:
				varbinds = slices.Concat(varbinds, recordings[rapid.SampledFrom(names).Draw(t, "mixed in behind")])
			case 2:
				varbinds = cutUp(t, varbinds)
			case 3:
				varbinds = scramble(t, varbinds)
			case 4:
				varbinds = spoil(t, varbinds)
			}
		}
		r := mibs.NewRecording(varbinds)
		d, err := set.Identify(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		result := pollOf(t, d, r)
		for _, fault := range unfounded(r, d, result.Reading) {
			t.Errorf("%s: %s", d.Profile, fault)
		}
	})
}

// Rows move, vanish and change between two looks too, without anybody telling the poller.
func TestNoClaimIsUnfoundedAfterRowsHaveChanged(t *testing.T) {
	set := builtin(t)
	names, recordings := goldens(t)
	rapid.Check(t, func(t *rapid.T) {
		varbinds := recordings[rapid.SampledFrom(names).Draw(t, "recording")]
		d, err := set.Identify(t.Context(), mibs.NewRecording(varbinds))
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				varbinds = cutUp(t, varbinds)
			case 1:
				varbinds = scramble(t, varbinds)
			case 2:
				varbinds = spoil(t, varbinds)
			case 3:
				tb := rapid.SampledFrom(movable).Draw(t, "table")
				varbinds = tb.move(varbinds, rapid.IntRange(-3, 3).Draw(t, "by"))
			}
		}
		r := mibs.NewRecording(varbinds)
		for _, fault := range unfounded(r, d, pollOf(t, d, r).Reading) {
			t.Errorf("%s: %s", d.Profile, fault)
		}
	})
}

func pollOf(t *rapid.T, d *mibs.Device, r *mibs.Recording) mibs.Result {
	answers, err := r.Get(t.Context(), d.OIDs(all))
	if err != nil {
		t.Fatal(err)
	}
	result := d.Read(now, all, answers)
	if d.ID != "" && !result.Stranger {
		if err := result.Reading.Check(); err != nil {
			t.Errorf("the reading can't be sent: %v", err)
		}
	}
	return result
}

func TestMachinesWithoutFaxClaimNothingWhateverIsMissingOrMixed(t *testing.T) {
	set := builtin(t)
	names, recordings := goldens(t)
	var without []string
	for _, name := range names {
		d, r := readRecording(t, set, mibs.NewRecording(recordings[name]))
		if d.Fax != wire.Yes && len(r.Reading.Lines) == 0 && !slices.ContainsFunc(r.Reading.Counters, func(c wire.Counter) bool { return c.Value > 0 }) {
			without = append(without, name)
		}
	}
	if len(without) < 5 {
		t.Fatalf("only %q have no fax", without)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(without).Draw(t, "recording")
		varbinds := recordings[name]
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			if rapid.Bool().Draw(t, "mix") {
				varbinds = slices.Concat(varbinds, recordings[rapid.SampledFrom(without).Draw(t, "mixed in")])
			} else {
				varbinds = cutUp(t, varbinds)
			}
		}
		r := mibs.NewRecording(varbinds)
		d, err := set.Identify(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		result := pollOf(t, d, r)
		if result.Reading.Fax == wire.Yes || len(result.Reading.Lines) > 0 || result.Reading.FaxService != "" {
			t.Errorf("%s: fax %s (%s), lines %v, service %q", d.Profile, result.Reading.Fax, d.FaxWhy, result.Reading.Lines, result.Reading.FaxService)
		}
		for _, c := range result.Reading.Counters {
			if c.Value > 0 {
				t.Errorf("%s = %d %s", c.Rule, c.Value, c.Unit)
			}
		}
	})
}

// table is one whose rows may stand anywhere: the number that moves is the place-th behind the column.
type table struct {
	root  string
	place int
}

var movable = []table{
	{"1.3.6.1.4.1.253.8.53.13.2.1", 3},              // Xerox meters
	{"1.3.6.1.4.1.253.8.74.5.2.1", 1},               // Xerox services
	{"1.3.6.1.4.1.641.6.4.1.1.1", 2},                // Lexmark
	{"1.3.6.1.4.1.641.6.4.2.1.1", 2},                //
	{"1.3.6.1.4.1.641.6.4.3.1.1", 2},                //
	{"1.3.6.1.4.1.641.6.3.1.1", 2},                  // inventory
	{"1.3.6.1.4.1.367.3.2.1.2.19.5.1", 1},           // Ricoh
	{"1.3.6.1.4.1.236.11.5.11.53.11.2.1", 2},        // Samsung
	{"1.3.6.1.4.1.236.11.5.11.55.20.2.1", 1},        //
	{"1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.52.21.1", 1}, // Brother
	{"1.3.6.1.4.1.2385.1.1.19.2.1", 3},              // Sharp
	{"1.3.6.1.4.1.1602.1.11.2.1.1", 1},              // Canon
	{"1.3.6.1.4.1.13191.10.3.5.2.1.3.2.1", 1},       // OneAccess dial peers
}

// move adds to the row numbers of a table.
func (tb table) move(varbinds []mibs.Varbind, by int) []mibs.Varbind {
	out := slices.Clone(varbinds)
	for i, vb := range out {
		rest, inside := strings.CutPrefix(vb.OID, tb.root+".")
		if !inside {
			continue
		}
		numbers := strings.Split(rest, ".")
		if len(numbers) <= tb.place {
			continue
		}
		n, _ := strconv.Atoi(numbers[tb.place])
		numbers[tb.place] = strconv.Itoa(max(n+by, 0))
		out[i].OID = tb.root + "." + strings.Join(numbers, ".")
	}
	return out
}

func TestWhereRowsStandChangesNeitherTotalNorUnitNorDirection(t *testing.T) {
	set := builtin(t)
	names, recordings := goldens(t)
	moved := 0
	for _, name := range names {
		before, was := readRecording(t, set, mibs.NewRecording(recordings[name]))
		for _, tb := range movable {
			if !slices.ContainsFunc(recordings[name], func(vb mibs.Varbind) bool { return strings.HasPrefix(vb.OID, tb.root+".") }) {
				continue
			}
			for _, by := range []int{1, 7, 1000} {
				after, is := readRecording(t, set, mibs.NewRecording(tb.move(recordings[name], by)))
				if got, want := fmt.Sprint(after.ID, is.Reading.Fax, is.Reading.FaxService, is.Reading.Counters), fmt.Sprint(before.ID, was.Reading.Fax, was.Reading.FaxService, was.Reading.Counters); got != want {
					t.Errorf("%s, rows of %s moved by %d:\ngot  %s\nwant %s", name, tb.root, by, got, want)
				}
				moved++
			}
		}
	}
	if moved < 30 {
		t.Errorf("only %d moves were tried", moved)
	}
}
