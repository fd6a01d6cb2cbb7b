package metrics

import (
	"cmp"
	"maps"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type alert struct {
	kind      ledger.EpisodeKind
	certainty ledger.Certainty
}

// alerts tells what is open: of every kind how much, also where that is 0, and of each line since when.
func (x *Exporter) alerts(out *exposition, books ledger.Snapshot) {
	open := map[alert]int{}
	for _, kind := range ledger.EpisodeKinds() {
		for _, certainty := range certaintiesOf(kind) {
			open[alert{kind, certainty}] = 0
		}
	}
	lines := make(map[string]*ledger.Line, len(books.Lines))
	for i := range books.Lines {
		lines[books.Lines[i].ID] = &books.Lines[i]
	}
	for _, e := range books.Open {
		open[alert{e.Kind, e.Certainty}]++
		if line := lines[e.Line]; line != nil && isOfLine(e.Kind) {
			out.instant(lineAlertOpened, e.OpenedAt, x.Label(line), string(e.Kind), string(e.Certainty))
		}
	}
	byKind := func(a, b alert) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.certainty, b.certainty))
	}
	for _, a := range slices.SortedFunc(maps.Keys(open), byKind) {
		out.gauge(openAlerts, float64(open[a]), string(a.kind), string(a.certainty))
	}
}

// isOfLine tells whether episodes of the kind are about lines, of which each has one at most that is open.
func isOfLine(kind ledger.EpisodeKind) bool {
	return kind == ledger.AfterCutoff || kind == ledger.AfterCopper || kind == ledger.BlindLine || kind == ledger.LineReappeared
}

// certaintiesOf are those that open episodes of the kind have.
func certaintiesOf(kind ledger.EpisodeKind) []ledger.Certainty {
	if kind == ledger.AfterCutoff || kind == ledger.AfterCopper {
		return []ledger.Certainty{ledger.Certain, ledger.Probable, ledger.Unsure}
	}
	return []ledger.Certainty{""}
}
