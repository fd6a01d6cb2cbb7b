package ledger

import "context"

// Journals is what journals tell of messages in the months from and to and in those between.
func (l *Ledger) Journals(ctx context.Context, from, to Month) (j Journals, err error) {
	if j.Coverage, err = l.Coverage(ctx); err != nil || len(j.Coverage) == 0 {
		return j, err
	}
	flows, err := l.Flows(ctx, from, to)
	j.Messages = ByLine(flows)
	return j, err
}
