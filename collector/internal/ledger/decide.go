package ledger

import (
	"context"
	"fmt"

	"github.com/zerofax/zerofax/agent/wire"
)

// mostAccepted is more than any machine can fax: a counter that says so is broken, and sums of it
// would overflow for good.
const mostAccepted = 1 << 40

// Accept books the amount of an implausible jump that a person knows to be true, over the interval in
// which it happened. It returns the anomaly as it was, and how much was booked: less than its amount
// where a glitch had brought the books ahead of the counter.
func (l *Ledger) Accept(ctx context.Context, by Author, id int64, reason string) (x Anomaly, booked int64, err error) {
	err = l.decide(ctx, by, id, Accepted, reason, func(b *books, open *Anomaly) error {
		x = *open
		booked, err = b.accept(open)
		return err
	})
	return x, booked, err
}

// Reject closes an implausible jump that a person knows to be false. Nothing is booked.
func (l *Ledger) Reject(ctx context.Context, by Author, id int64, reason string) (x Anomaly, err error) {
	err = l.decide(ctx, by, id, Rejected, reason, func(_ *books, open *Anomaly) error {
		x = *open
		return nil
	})
	return x, err
}

func (l *Ledger) decide(ctx context.Context, by Author, id int64, outcome Outcome, reason string, follow func(*books, *Anomaly) error) error {
	return l.transact(ctx, func(b *books) error {
		found, err := readAnomalies(ctx, l.store.conn, fmt.Sprintf("id = %d", id), 1)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("there is no anomaly %d", id)
		}
		x := &found[0]
		if err := x.undecided(); err != nil {
			return err
		}
		if err := follow(b, x); err != nil {
			return err
		}
		b.close(id, outcome, wire.TimeOf(b.now()))
		subject := fmt.Sprintf("anomalies %d", id)
		b.log(by, subject, "outcome", "", string(outcome))
		b.log(by, subject, "reason", "", reason)
		return nil
	})
}

// undecided is an error where a person has nothing to decide, or not any more.
func (x *Anomaly) undecided() error {
	switch {
	case x.Outcome == Glitch:
		return fmt.Errorf("anomaly %d needs no decision any more: the counter came back at %s, it was a glitch", x.ID, x.ClosedAt)
	case x.ClosedAt != 0:
		return fmt.Errorf("anomaly %d was closed at %s: %s", x.ID, x.ClosedAt, x.Outcome)
	case x.Kind == Reset:
		return fmt.Errorf("anomaly %d is a fall: whether it was a glitch the counter itself shows within a day", x.ID)
	case x.Kind != Jump:
		return fmt.Errorf("anomaly %d (%s) closes by itself once its cause is gone", x.ID, x.Kind)
	}
	return nil
}

// accept counts the amount of a held jump.
func (b *books) accept(x *Anomaly) (booked int64, err error) {
	c := b.numbered(x.Device, x.counter)
	if c == nil {
		return 0, fmt.Errorf("anomaly %d is about a counter of %s that isn't in the books", x.ID, x.Device)
	}
	if x.Amount <= 0 || x.Amount > mostAccepted || c.tally.Count > mostAccepted {
		return 0, fmt.Errorf("anomaly %d: no machine faxes %d %s; reject it", x.ID, x.Amount, x.Unit)
	}
	var e effect
	c.tally, e = c.tally.accept(x.ID, x.Amount)
	e.From, e.To, e.Clock, e.Error = x.From, x.To, x.inexact, x.error
	for _, settled := range e.Closed {
		b.close(settled.Anomaly, settled.Outcome, wire.TimeOf(b.now()))
	}
	if e.Booked > 0 {
		b.book(c, e, x.After, b.twice(c))
	}
	b.note(c)
	return e.Booked, nil
}

// numbered is a counter of a device, nil if there is none.
func (b *books) numbered(device string, number int64) *counter {
	if d := b.devices[device]; d != nil {
		for _, c := range d.counters {
			if c.number == number {
				return c
			}
		}
	}
	return nil
}
