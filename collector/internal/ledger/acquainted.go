package ledger

import (
	"context"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
)

// Acquainted are the numbers of others, by id, with which each line of ours faxed in the months from and to and those
// between, in one unit. Lines that faxed with none are left out.
func (l *Ledger) Acquainted(ctx context.Context, from, to Month, unit wire.EventUnit) (map[string][]int64, error) {
	const half = "SELECT ours.line, theirs.id FROM pair_months JOIN pairs ON pairs.id = pair_months.id %% 4294967296 JOIN parties AS ours ON ours.id = %s JOIN parties AS theirs ON theirs.id = %s " +
		"WHERE unit = ? AND pair_months.id >= ? AND pair_months.id < ? AND done <> 0 AND ours.line <> '' AND theirs.line = ''"
	query := fmt.Sprintf(half, "from_party", "to_party") + " UNION " + fmt.Sprintf(half, "to_party", "from_party")
	args := []any{string(unit), monthID(from, 0), monthID(to.Add(1), 0)}
	known := make(map[string][]int64)
	err := l.read(ctx, "acquainted numbers", func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			var line string
			var id int64
			err := read(&line, &id)
			known[line] = append(known[line], id)
			return err
		}, append(args, args...)...)
	})
	return known, err
}
