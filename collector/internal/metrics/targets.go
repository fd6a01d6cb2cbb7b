package metrics

import (
	"maps"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// targets tells those of a month.
func targets(out *exposition, r *ledger.Register, month ledger.Month) {
	for _, key := range slices.SortedFunc(maps.Keys(r.Targets), ledger.TargetKey.Compare) {
		if value, ok := r.TargetAt(key, month); ok {
			in := r.Complete(ledger.Place{Establishment: key.Establishment, Pole: key.Pole})
			out.gauge(target, float64(value), key.Indicator, in.Establishment, in.Pole)
		}
	}
}
