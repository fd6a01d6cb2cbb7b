package series

import (
	"context"
	"errors"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Past is what isn't there posting by posting any more.
type Past interface {
	Gone(ctx context.Context) (ledger.Gone, error)
	GoneHours(ctx context.Context, from, to wire.Time) ([]ledger.HourSum, error)
}

// ReplayOptions say what to write again.
type ReplayOptions struct {
	From  wire.Time // what happened then or later; 0 = all
	Past  Past
	Hours bool // also what is gone, by the hour
	Wait  func(ctx context.Context, d time.Duration) error
	Tell  func(Replayed) // how far it is, from time to time; may be nil
}

// Replayed is what a replay wrote.
type Replayed struct {
	Posting, Status int64     // the last one
	Of, OfStatus    int64     // the last ones there are
	Points          int64     // taken by InfluxDB
	Old             int64     // refused since they are beyond the bucket's retention
	Refused         []Refused // for another reason: the first of them
	RefusedInAll    int64
}

// Refused is a point that InfluxDB won't take.
type Refused struct{ Line, Reason string }

const manyRefused = 10

// Replay writes to a bucket what the ledger holds, from a time on, and returns when all that was there
// when it began is written. It moves no cursor, so that it may run beside a collector. What can't be
// reached is tried again; what a person must see to ends it. So does ErrGone.
func Replay(ctx context.Context, o Options, r ReplayOptions) (Replayed, error) {
	h := &history{Books: o.Books}
	o.Books = h
	s := New(o)
	defer s.Close()
	s.from = r.From
	var done Replayed
	var err error
	if done.Of, done.OfStatus, err = h.Newest(ctx); err != nil {
		return done, err
	}
	gone, err := r.Past.Gone(ctx)
	if err != nil {
		return done, err
	}
	if err := s.fromMonthOf(ctx, r.From); err != nil {
		return done, err
	}
	h.round = func() {
		done.Posting, done.Status = s.postings.at.Load(), s.statuses.at.Load()
		done.Points, done.Old = s.written.Load(), s.olds.Load()
		done.Refused, done.RefusedInAll = h.refused, s.refused.Load()
		if r.Tell != nil {
			r.Tell(done)
		}
	}
	if r.Hours {
		s.sums.read = int64(r.From - r.From%hour)
		s.readSums = func(ctx context.Context, f *feed) (int, error) { return r.readSums(ctx, s, f, gone.Before) }
	}
	for {
		err := s.Round(ctx)
		h.round()
		if err == nil {
			return done, r.stillThere(ctx, gone)
		}
		if t := new(trouble); !errors.As(err, &t) || t.configured {
			return done, err
		}
		s.options.Log.Warn("InfluxDB doesn't take it for now; trying on", "error", err)
		if err := r.Wait(ctx, s.retryAt.Sub(s.options.Now())); err != nil {
			return done, err
		}
	}
}

// fromMonthOf makes all months due from that on in which an instant lies.
func (s *Series) fromMonthOf(ctx context.Context, from wire.Time) error {
	s.monthly.given = true
	if s.options.Figures == nil {
		return nil
	}
	first, err := s.options.Figures.FirstMonth(ctx)
	last := ledger.MonthOf(wire.TimeOf(s.options.Now()), s.options.Zone)
	for m := last; first != 0 && m >= max(first, ledger.MonthOf(from, s.options.Zone)); m = m.Add(-1) {
		s.monthly.due = append(s.monthly.due, m)
	}
	return err
}

// ErrGone is that something was given up while it was written again: it may lack now, or count twice.
var ErrGone = errors.New("the ledger gave up old details meanwhile; empty the bucket and replay again")

func (r *ReplayOptions) stillThere(ctx context.Context, before ledger.Gone) error {
	now, err := r.Past.Gone(ctx)
	if err == nil && now != before && r.From < now.Before {
		err = ErrGone
	}
	return err
}

// readSums makes points of what is gone before an instant: all that was counted in an hour, at its
// last millisecond, so that the hours, days and months of a dashboard have what happened in them.
func (r *ReplayOptions) readSums(ctx context.Context, s *Series, f *feed, before wire.Time) (n int, err error) {
	const span = 30 * 24 * hour
	from := wire.Time(f.read)
	if from >= before {
		return 0, nil
	}
	to := min(from+span, before)
	sums, err := r.Past.GoneHours(ctx, from, to)
	if err != nil {
		return 0, err
	}
	for _, p := range ofHours(sums) {
		s.add(f, p)
	}
	f.read = int64(to)
	return s.rows, nil
}

// history is the ledger for a replay: read from the beginning, and nothing kept in it.
type history struct {
	Books
	refused []Refused
	round   func()
}

func (*history) Cursor(context.Context, string) (int64, error) { return 0, nil }

// SetCursor is a chance to tell how far it is.
func (h *history) SetCursor(context.Context, string, int64) error {
	h.round()
	return nil
}

func (h *history) Quarantine(_ context.Context, refused []ledger.Quarantine) error {
	for _, x := range refused {
		if len(h.refused) < manyRefused {
			h.refused = append(h.refused, Refused{Line: string(x.Payload), Reason: x.Reason})
		}
	}
	return nil
}
