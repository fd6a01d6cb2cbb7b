package ledger

import (
	"context"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
)

// Journals is what journals tell of messages in the months from and to and in those between.
func (l *Ledger) Journals(ctx context.Context, from, to Month) (j Journals, err error) {
	if j.Coverage, err = l.Coverage(ctx); err != nil || len(j.Coverage) == 0 {
		return j, err
	}
	flows, err := l.Flows(ctx, from, to)
	j.Messages = ByLine(flows)
	return j, err
}

// FlowsOf are those that begin or end at a line, in the months from and to and those between, in the order of Flows.
func (l *Ledger) FlowsOf(ctx context.Context, line string, from, to Month) (all []FlowSum, err error) {
	const query = "SELECT month, unit, COALESCE(senders.line, '') AS sender, COALESCE(receivers.line, '') AS receiver, SUM(done), SUM(failed), SUM(pages), SUM(paged) " +
		"FROM parties AS ours JOIN pairs ON pairs.%s = ours.id AND ours.line = ?" + theirMonths +
		"LEFT JOIN parties AS senders ON senders.id = from_party LEFT JOIN parties AS receivers ON receivers.id = to_party " +
		"WHERE (done <> 0 OR failed <> 0)%s GROUP BY 1, 2, 3, 4"
	sent := fmt.Sprintf(query, "from_party", "")
	received := fmt.Sprintf(query, "to_party", " AND COALESCE(senders.line, '') <> ours.line") // what it faxed to itself is in sent
	args := []any{line, int64(from), int64(to)}
	err = l.read(ctx, "flows of a line", func(q querier, _ wire.Time) error {
		return each(ctx, q, sent+" UNION ALL "+received+" ORDER BY 1, 2, 3, 4", func(read func(...any) error) error {
			var x FlowSum
			err := read(&x.Month, &x.Unit, &x.From, &x.To, &x.Count, &x.Failed, &x.Pages, &x.Paged)
			all = append(all, x)
			return err
		}, append(args, args...)...)
	})
	return all, err
}

// FirstFlow is the first month in which a journal tells of a fax, endOfTime if none does.
func (l *Ledger) FirstFlow(ctx context.Context) (month Month, err error) {
	err = l.read(ctx, "first flow", func(q querier, _ wire.Time) error {
		return each(ctx, q, fmt.Sprintf("SELECT COALESCE(MIN(month), %d) FROM flow_months", endOfTime),
			func(read func(...any) error) error { return read(&month) })
	})
	return month, err
}
