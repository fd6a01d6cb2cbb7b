package register

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Whatever is said from whatever time on: then and later it holds; before, only what was never
// known before becomes known; and no version says what the one before says.
func TestAValueHoldsFromItsTimeOnAndThePastStays(t *testing.T) {
	words := rapid.SampledFrom([]string{"", "a", "b"})
	rapid.Check(t, func(t *rapid.T) {
		versions := []ledger.Declaration{{Line: "1", Device: words.Draw(t, "device"), Port: words.Draw(t, "port"), Support: words.Draw(t, "support")}}
		for range rapid.IntRange(0, 6).Draw(t, "changes") {
			since := wire.Time(rapid.Int64Range(0, 9).Draw(t, "since"))
			values := map[string]string{}
			for _, name := range []string{"device", "port", "support", "cutoff"} {
				if rapid.Bool().Draw(t, name+" given") {
					values[name] = words.Draw(t, name)
				}
			}
			before := versions
			versions = lineFields.revise(before, since, 9, values)
			if versions[0].From != 0 {
				t.Fatalf("the first version begins at %d", versions[0].From)
			}
			for at := wire.Time(0); at < 12; at++ {
				old, _ := ledger.ValidAt(before, at)
				now, _ := ledger.ValidAt(versions, at)
				for _, f := range lineFields.all {
					value, given := values[f.name]
					from := since
					if f.timeless {
						from = 9
					}
					was, is := *f.at(&old), *f.at(&now)
					switch {
					case !given && was != is:
						t.Fatalf("%s wasn't said, but is %q at %d instead of %q", f.name, is, at, was)
					case given && at >= from && is != value && f.of == "":
						t.Fatalf("%s is %q at %d, want %q", f.name, is, at, value)
					case given && at < from && was != is && (was != "" || is != value || everSaid(before, f)):
						t.Fatalf("%s became %q at %d, was %q", f.name, is, at, was)
					}
				}
			}
			for i := 1; i < len(versions); i++ {
				a, b := versions[i-1], versions[i]
				if a.From = b.From; a == b || versions[i-1].From >= b.From {
					t.Fatalf("versions %+v", versions)
				}
			}
		}
	})
}

func everSaid(versions []ledger.Declaration, f field[ledger.Declaration]) bool {
	for i := range versions {
		if *f.at(&versions[i]) != "" {
			return true
		}
	}
	return false
}
