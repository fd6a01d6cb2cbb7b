package metrics

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Label is how a line is called in labels. Where numbers are to be hidden it is a keyed hash of its
// id: always the same, and no one without the key can try all numbers until one fits. The id of a
// line that nobody declared is its machine's, and holds no number.
func (x *Exporter) Label(l *ledger.Line) string {
	if x.LineKey == nil || !l.Declared {
		return l.ID
	}
	hash := hmac.New(sha256.New, x.LineKey)
	hash.Write([]byte(l.ID))
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// ways is how much went each way; what isn't there is unknown, and never 0.
type ways map[ledger.Direction]int64

// lines tells what is known of each line.
func lines(out *exposition, books ledger.Snapshot, label func(*ledger.Line) string) {
	pages := make(map[string]ways, len(books.Lines))
	for i := range books.Sums {
		if s := &books.Sums[i]; s.Line != "" && !s.Evidence && ledger.IsPages(s.Measure) {
			if pages[s.Line] == nil {
				pages[s.Line] = ways{}
			}
			pages[s.Line][ledger.DirectionOf(s.Measure)] += s.Count
		}
	}
	for i := range books.Lines {
		l := &books.Lines[i]
		line(out, l, label(l), pages[l.ID])
	}
}

func line(out *exposition, l *ledger.Line, id string, pages ways) {
	out.gauge(lineInfo, 1, id, l.Device, l.Establishment, l.Site, l.Pole, l.Service)
	for _, status := range wire.LineStatuses() {
		out.truth(lineStatus, l.Status == status, id, string(status))
	}
	for _, state := range ledger.LineStates() {
		out.truth(lineState, l.State == state, id, string(state))
	}
	out.instant(lineLastFax, l.LastFax, id)
	out.instant(lineLastReading, l.LastReading, id)
	out.instant(lineCutoff, l.CutoffAt, id)
	out.instant(lineCut, l.CutOn.End(l.Zone), id)
	if l.State == ledger.Kept {
		out.instant(lineKeptUntil, l.KeptUntil.In(l.Zone), id)
	}
	for _, way := range ledger.Directions() {
		if count, known := pages[way]; known {
			out.counter(lineFaxPages, count, id, string(way))
		}
	}
	out.counter(linePagesAfter, l.AfterCutoff.Pages, id)
	out.counter(lineFaxesAfter, l.AfterCutoff.Faxes, id)
	out.instant(lineAfterAt, l.AfterCutoff.Noticed, id)
}
