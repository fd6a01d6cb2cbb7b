package ledger

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
)

// The books of journals against a plain model: files of rows, some in several of them, read in any order, undone,
// cancelled, with lines declared before, between or after. Whatever the order, what they tell is what the rows tell
// that are in a file which is still read.

// exchangeOf is a small telephone system: numbers of 10 digits, extensions of 4.
func shortNumbers(text string) (number, extension string) {
	if len(text) == 4 {
		return "", text
	}
	return text, ""
}

// flowModel computes flows from scratch.
type flowModel struct {
	rows  map[string]wire.Event // by key
	lines map[string]string     // by identity
	zone  *time.Location
}

func (m *flowModel) flows() map[string]FlowSum {
	type group struct{ unit, from, to, done string }
	groups := make(map[group][]wire.Event)
	end := func(text, site string) string {
		if text == "" {
			return ""
		}
		if number, extension := shortNumbers(text); number == "" {
			text = site + ":" + extension
		}
		if line := m.lines[text]; line != "" {
			return "line " + line
		}
		return "party " + text
	}
	for _, e := range m.rows {
		g := group{string(e.Unit), end(e.From, e.Site), end(e.To, e.Site), string(e.Result)}
		groups[g] = append(groups[g], e)
	}
	sums := make(map[string]FlowSum)
	for g, events := range groups {
		from, ours := strings.CutPrefix(g.from, "line ")
		to, too := strings.CutPrefix(g.to, "line ")
		if !ours && !too {
			continue
		}
		if !ours {
			from = ""
		}
		if !too {
			to = ""
		}
		for _, f := range plainTwins(events) {
			month := MonthOf(f[0].At, m.zone)
			key := fmt.Sprint(month, g.unit, from, ">", to)
			x := sums[key]
			x.Month, x.Unit, x.From, x.To = month, wire.EventUnit(g.unit), from, to
			pages := int64(0)
			for _, e := range f {
				pages = max(pages, e.Pages)
			}
			switch {
			case g.done == string(wire.Failed):
				x.Failed++
			case pages > 0:
				x.Count, x.Pages, x.Paged = x.Count+1, x.Pages+pages, x.Paged+1
			default:
				x.Count++
			}
			sums[key] = x
		}
	}
	return sums
}

// plainTwins finds twins slowly: the earliest row takes the earliest of each other witness within the window.
func plainTwins(events []wire.Event) (found [][]wire.Event) {
	slices.SortFunc(events, func(a, b wire.Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(digestOf(a.Key, 0), digestOf(b.Key, 0)))
	})
	for len(events) > 0 {
		one, rest := events[:1:1], []wire.Event(nil)
		seen := map[wire.Witness]bool{one[0].Witness: true}
		for _, e := range events[1:] {
			if !seen[e.Witness] && e.At.Sub(one[0].At) <= twinWindow {
				seen[e.Witness] = true
				one = append(one, e)
				continue
			}
			rest = append(rest, e)
		}
		found, events = append(found, one), rest
	}
	return found
}

func TestFlowsAreThoseOfTheRowsWhateverTheOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		ctx := context.Background()
		zone, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
		l, err := Open(ctx, filepath.Join(dir, fmt.Sprint("ledger-", run, ".db")), Options{Zone: zone, Now: func() time.Time { return now }, Numbers: shortNumbers})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		numbers := []string{"0241354001", "0241354002", "4001", "4002", "0144000001", "0144000002", ""}
		events := make([]wire.Event, rapid.IntRange(1, 40).Draw(t, "events"))
		for i := range events {
			e := &events[i]
			*e = wire.Event{
				Journal: "j", Key: fmt.Sprint("key ", i), Unit: rapid.SampledFrom([]wire.EventUnit{wire.Message, wire.Message, wire.Call}).Draw(t, "unit"),
				Witness: rapid.SampledFrom([]wire.Witness{wire.Sender, wire.Receiver, wire.Exchange}).Draw(t, "witness"),
				At:      wire.TimeOf(time.Date(2026, 10, 31, 22, 30, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "minute")) * time.Minute)),
				From:    rapid.SampledFrom(numbers).Draw(t, "from"), To: rapid.SampledFrom(numbers[:6]).Draw(t, "to"), Site: "main",
				Pages: rapid.Int64Range(0, 3).Draw(t, "pages"), Result: rapid.SampledFrom([]wire.Result{wire.Done, wire.Done, wire.Failed}).Draw(t, "result"),
			}
		}
		containing := make(map[int64]map[string]bool)
		declared := make(map[string]bool)
		declarations := map[string]Declaration{
			"0241354001": {Line: "0241354001", Number: "0241354001", Extension: "4001", Place: Place{Site: "main"}},
			"main:4002":  {Line: "main:4002", Extension: "4002", Place: Place{Site: "main"}},
			"0241354002": {Line: "0241354002", Number: "0241354002"},
		}
		check := func() {
			m := flowModel{rows: make(map[string]wire.Event), lines: make(map[string]string), zone: zone}
			for _, keys := range containing {
				for _, e := range events {
					if keys[e.Key] {
						m.rows[e.Key] = e
					}
				}
			}
			for line := range declared {
				d := declarations[line]
				if d.Number != "" {
					m.lines[d.Number] = line
				}
				if d.Extension != "" {
					m.lines[d.Site+":"+d.Extension] = line
				}
			}
			want := m.flows()
			got := make(map[string]FlowSum)
			flows, err := l.Flows(ctx, 1, endOfTime)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range flows {
				got[fmt.Sprint(x.Month, x.Unit, x.From, ">", x.To)] = x
			}
			for key := range want {
				if got[key] != want[key] {
					t.Errorf("%s: got %+v, want %+v", key, got[key], want[key])
				}
			}
			for key := range got {
				if _, wanted := want[key]; !wanted {
					t.Errorf("%s: got %+v, want none", key, got[key])
				}
			}
			if t.Failed() {
				t.FailNow()
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"import": func(t *rapid.T) {
				id, err := l.BeginImport(ctx, Author{Who: "anne"}, Import{Journal: "j", Source: "file"})
				if err != nil {
					t.Fatal(err)
				}
				containing[id] = make(map[string]bool)
				for range rapid.IntRange(1, 3).Draw(t, "chunks") {
					some := rapid.SliceOfN(rapid.SampledFrom(events), 0, 10).Draw(t, "rows")
					for _, e := range some {
						containing[id][e.Key] = true
					}
					if _, err := l.BookEvents(ctx, id, some, 0, 0); err != nil {
						t.Fatal(err)
					}
				}
			},
			"undo": func(t *rapid.T) {
				if len(containing) == 0 {
					t.Skip("nothing to undo")
				}
				id := rapid.SampledFrom(slices.Sorted(maps.Keys(containing))).Draw(t, "import")
				if x, err := l.UndoImport(ctx, Author{Who: "anne"}, id); err != nil || x.State != ImportUndone {
					t.Fatalf("undo: got %v, %v", x, err)
				}
				delete(containing, id)
			},
			"declare": func(t *rapid.T) {
				line := rapid.SampledFrom(slices.Sorted(maps.Keys(declarations))).Draw(t, "line")
				declared[line] = true
				if err := l.Declare(ctx, Author{}, func(r Register) (Register, error) { r.Lines[line] = []Declaration{declarations[line]}; return r, nil }); err != nil {
					t.Fatal(err)
				}
			},
			"take back a declaration": func(t *rapid.T) {
				line := rapid.SampledFrom(slices.Sorted(maps.Keys(declarations))).Draw(t, "line")
				delete(declared, line)
				if err := l.Declare(ctx, Author{}, func(r Register) (Register, error) { delete(r.Lines, line); return r, nil }); err != nil {
					t.Fatal(err)
				}
			},
			"": func(*rapid.T) { check() },
		})
		if b, err := balance(ctx, l.readers); err != nil || b.Err() != nil {
			t.Fatalf("books: %v, %v", err, b.Err())
		}
	})
}
