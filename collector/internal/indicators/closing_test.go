package indicators_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// closed is a month of the hospital as a closing keeps it.
func closed(b indicators.Books, month ledger.Month) *ledger.Closing {
	of := ledger.MonthBooks{Snapshot: ledger.Snapshot{At: b.At, Register: *b.Register, Lines: b.Lines}, Closed: month, Months: b.Months, MSSante: b.MSSante}
	return &ledger.Closing{Month: month, Figures: indicators.Freeze(of)}
}

func TestFiguresComeOutOfAClosingAsTheyWentIn(t *testing.T) {
	b := hospital(t)
	aims(b.Register, indicators.FaxSent, "", "urgences", map[ledger.Month]int64{0: 80})
	c := closed(b, 202609)
	for _, level := range indicators.Levels() {
		got, want := indicators.Thaw(c, level), indicators.Compute(b, 202609, 202609, level)
		for i := range want {
			if i >= len(got) || !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("%s: got %+v, want %+v", level, got[min(i, len(got)-1)], want[i])
			}
		}
		if differences := indicators.Compare(got, want); len(differences) != 0 {
			t.Errorf("%s: got the differences %+v, want none", level, differences)
		}
	}
}

func TestWhatIsOtherThanItWasFrozenIsSaid(t *testing.T) {
	for _, c := range []struct {
		name   string
		level  indicators.Level
		change func(*indicators.Books)
		want   string
	}{
		{"more pages came in", indicators.Whole, func(b *indicators.Books) { b.Months[1].Count += 12 }, "fax_sent pages +12 [corrected]"},
		{"fewer", indicators.Structure, func(b *indicators.Books) { b.Months[1].Count -= 3 }, "CHU Nord fax_sent pages -3 [corrected]"},
		{"what was unknown is declared", indicators.Whole, func(b *indicators.Books) {
			n := int64(0)
			b.MSSante.Messages = []ledger.Volume{{Month: 202609, Sent: &n}}
		}, "mssante_sent messages [learned basis]"},
		{"a service came", indicators.Service, func(b *indicators.Books) {
			b.Register.Services["pharmacie"] = ledger.Service{ID: "pharmacie", Establishment: "nord", Name: "Pharmacie"}
		}, "Pharmacie active_lines lines [appeared], Pharmacie fax_received pages [appeared], Pharmacie fax_sent pages [appeared], " +
			"Pharmacie fax_internal faxes [appeared], Pharmacie mssante_addresses addresses [appeared], " +
			"Pharmacie mssante_received messages [appeared], Pharmacie mssante_sent messages [appeared]"},
		{
			"a service went", indicators.Service, func(b *indicators.Books) { delete(b.Register.Services, "archives") },
			"Archives active_lines lines [gone], Archives fax_received pages [gone], Archives fax_sent pages [gone], " +
				"Archives fax_internal faxes [gone], Archives mssante_addresses addresses [gone], " +
				"Archives mssante_received messages [gone], Archives mssante_sent messages [gone]",
		},
		{"a service belongs to another pole", indicators.Service, func(b *indicators.Books) {
			b.Register.Services["archives"] = ledger.Service{ID: "archives", Establishment: "nord", Pole: "urgences", Name: "Archives"}
		}, "Archives active_lines lines +0 [moved], Archives fax_received pages [moved], Archives fax_sent pages [moved], " +
			"Archives fax_internal faxes [moved], Archives mssante_addresses addresses [moved], " +
			"Archives mssante_received messages [moved], Archives mssante_sent messages [moved]"},
		{"a target was set for the past", indicators.Whole, func(b *indicators.Books) {
			aims(b.Register, indicators.FaxSent, "", "", map[ledger.Month]int64{0: 80})
		}, "fax_sent pages +0 [target]"},
		{"more pages came in, of a machine that calls them otherwise", indicators.Whole, func(b *indicators.Books) {
			b.Months[1].Count += 12
			for i := range b.Months {
				if b.Months[i].Measure == wire.FaxSentPages {
					b.Months[i].Unit = "images"
				}
			}
		}, "fax_sent pages [unit]"},
		{"a machine calls its pages otherwise", indicators.Whole, func(b *indicators.Books) {
			for i := range b.Months {
				if b.Months[i].Measure == wire.FaxSentPages {
					b.Months[i].Unit = "images"
				}
			}
		}, "fax_sent pages [unit]"},
	} {
		before := closed(hospital(t), 202609)
		b := hospital(t)
		c.change(&b)
		var words []string
		for _, d := range indicators.Compare(indicators.Thaw(before, c.level), indicators.Compute(b, 202609, 202609, c.level)) {
			text := strings.TrimSpace(fmt.Sprint(d.Figure().Scope.Name, " ", d.Figure().Indicator, " ", d.Figure().Of))
			if n := d.Correction(); n != nil {
				text += fmt.Sprintf(" %+d", *n)
			}
			words = append(words, fmt.Sprint(text, " ", d.Changes))
		}
		if got := strings.Join(words, ", "); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}
