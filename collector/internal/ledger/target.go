package ledger

import (
	"cmp"
	"context"
	"database/sql"
)

// Target is what an indicator is to come to in each month, from one on until the next target of the same scope.
type Target struct {
	Indicator     string // as the API calls it
	Establishment string // id; empty: the structure as a whole, or that of the pôle
	Pole          string // id; empty: not of a pôle
	From          Month  // 0: always
	Value         int64  // lines, addresses, messages; of faxes sent and received pages
	None          bool   // there is none any more
}

// TargetKey tells apart what targets are of.
type TargetKey struct{ Indicator, Establishment, Pole string }

// Key is what the target is of.
func (t Target) Key() TargetKey { return TargetKey{t.Indicator, t.Establishment, t.Pole} }

// Compare orders targets by what they are of and month.
func (t Target) Compare(other Target) int {
	return cmp.Or(t.Key().Compare(other.Key()), cmp.Compare(t.From, other.From))
}

// Compare orders what targets are of.
func (k TargetKey) Compare(other TargetKey) int {
	return cmp.Or(cmp.Compare(k.Indicator, other.Indicator), cmp.Compare(k.Establishment, other.Establishment), cmp.Compare(k.Pole, other.Pole))
}

// TargetAt is what is to be reached in a month; ok is false where there is no target.
func (r *Register) TargetAt(key TargetKey, month Month) (value int64, ok bool) {
	for _, t := range r.Targets[key] {
		if t.From <= month {
			value, ok = t.Value, !t.None
		}
	}
	return value, ok
}

var targetsTable = table{"targets", "indicator, establishment, pole, from_month, value", 4, false}

func (t *Target) values() []any {
	if t.None {
		return []any{t.Indicator, t.Establishment, t.Pole, int64(t.From), nil}
	}
	return []any{t.Indicator, t.Establishment, t.Pole, int64(t.From), amount(t.Value)}
}

// amount is a number of which 0 is one like any other, and is told in the audit log.
type amount int64

func amountOf(n *int64) any {
	if n == nil {
		return nil
	}
	return amount(*n)
}

func (r *Register) readTargets(ctx context.Context, q querier) error {
	return each(ctx, q, "SELECT "+targetsTable.columns+" FROM targets ORDER BY indicator, establishment, pole, from_month", func(read func(...any) error) error {
		var t Target
		var value sql.NullInt64
		err := read(&t.Indicator, &t.Establishment, &t.Pole, &t.From, &value)
		t.Value, t.None = value.Int64, !value.Valid
		r.Targets[t.Key()] = append(r.Targets[t.Key()], t)
		return err
	})
}
