// Package series writes what the ledger knows to InfluxDB, or to anything that takes InfluxDB's line
// protocol by the v2 API (InfluxDB 1.8, VictoriaMetrics). It reads the ledger's logs of postings and of
// statuses behind cursors that move when InfluxDB has taken what lies before them: so nothing is lost
// however long InfluxDB is away, nothing is kept in memory for it, and booking never waits for it. What is
// written twice is the same twice, since every point's time and value follow from the ledger alone.
//
//	ledger ─ postings ─┬▶ points ─▶ bucket.write ─▶ InfluxDB
//	       ─ statuses ─┘     ▲           └ refused ─▶ ledger's quarantine
//	       ─ looks ──────▶ hours
//	       ─ months ─▶ indicators, computed again now and then: see monthly
package series

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Outbox is what there is to write, by numbers that rise.
type Outbox interface {
	Postings(ctx context.Context, after int64, limit int) ([]ledger.Posting, error)
	Statuses(ctx context.Context, after int64, limit int) ([]ledger.Status, error)
	Newest(ctx context.Context) (posting, status int64, err error)
}

// Watched is what was known when.
type Watched interface {
	Standing(ctx context.Context, status int64) ([]ledger.Status, error)
	Looks(ctx context.Context) (map[string]wire.Time, error)
}

// Progress is what has been written.
type Progress interface {
	Cursor(ctx context.Context, name string) (int64, error)
	SetCursor(ctx context.Context, name string, at int64) error
	Quarantine(ctx context.Context, refused []ledger.Quarantine) error
}

// Books is what series needs of the ledger.
type Books interface {
	Outbox
	Watched
	Progress
}

// Options of a Series.
type Options struct {
	URL    string // http://host:8086 or https://…
	Org    string // empty for InfluxDB 1.8 and VictoriaMetrics
	Bucket string // for InfluxDB 1.8 database or database/retention-policy
	Token  secret.Text
	Books  Books
	Log    *slog.Logger
	Now    func() time.Time

	Figures Figures        // nil: none are written
	Zone    *time.Location // in which their months begin

	Timeout time.Duration // of one request; default 20 s
}

// Series is the way from the books to one bucket. Its rounds are made by one goroutine.
type Series struct {
	options  Options
	bucket   *bucket
	batch    int // points in one request
	rows     int // of the ledger, read at once
	postings feed
	statuses feed
	hours    *hours   // nil: to be loaded
	hourly   progress // up to which all hours are written
	monthly  monthly
	seenAt   time.Time
	pause    time.Duration
	retryAt  time.Time
	failed   error // why there is a pause

	// Of a replay.
	from     wire.Time // what happened before it isn't written
	sums     feed
	readSums func(context.Context, *feed) (int, error) // nil: not those by the hour

	written atomic.Int64 // points
	refused atomic.Int64
	olds    atomic.Int64 // of refused: beyond the bucket's retention
	success atomic.Int64 // Unix milliseconds
}

// feed is one of the ledger's logs on its way into the bucket.
type feed struct {
	progress
	read   int64 // the last row whose points are made
	points []*write.Point
}

// progress is a cursor: where it is, and where the ledger was told that it is.
type progress struct {
	name    string
	at      atomic.Int64
	saved   int64
	savedAt time.Time
}

const (
	firstWait = 2 * time.Second
	longWait  = time.Minute
	askedWait = 10 * time.Minute // at most, where InfluxDB asks to be left alone
	seenEvery = 5 * time.Minute
	// A cursor is kept seldom, as each time is a commit that booking waits for. What lies beyond it is
	// written again after a restart.
	saveEvery = 30 * time.Second
	saveRows  = 50_000
	// A device that nobody looked at for so long holds back no cursor.
	forgetDevice = 7 * 24 * time.Hour
)

// New is a Series that does nothing yet. Another URL, organisation or bucket is another way: it begins
// with all that the ledger holds.
func New(o Options) *Series {
	s := &Series{options: o, bucket: openBucket(&o), batch: 5000, rows: 2500} // half a MB, a tenth of it on the wire
	s.monthly.written = make(map[ledger.Month]month)
	id := sha256.Sum256([]byte(o.URL + "\n" + o.Org + "\n" + o.Bucket))
	name := "series/" + hex.EncodeToString(id[:4])
	s.postings.name, s.statuses.name, s.hourly.name = name+"/postings", name+"/statuses", name+"/hours"
	return s
}

// Outlets are the names under which the ledger keeps how far it has come.
func (s *Series) Outlets() ledger.Outlets {
	return ledger.Outlets{Postings: []string{s.postings.name}, Statuses: []string{s.statuses.name}}
}

// Close lets go of idle connections.
func (s *Series) Close() { s.bucket.close() }

// Round writes all that is new. After a failure it does nothing for a while, longer each time, and
// returns the same error again.
func (s *Series) Round(ctx context.Context) error {
	now := s.options.Now()
	if s.failed != nil && now.Before(s.retryAt) && s.retryAt.Sub(now) <= askedWait { // else the clock was set back
		return s.failed
	}
	err := s.load(ctx)
	if err == nil && s.readSums != nil {
		err = s.forward(ctx, &s.sums, s.readSums)
	}
	if err == nil { // whatever is the matter with one of them need not be with the others
		err = errors.Join(s.forward(ctx, &s.postings, s.readPostings), s.watch(ctx), s.months(ctx))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.rest(err)
	return err
}

// rest decides when to try again.
func (s *Series) rest(err error) {
	before := s.failed
	s.failed = err
	if err == nil {
		s.pause = 0
		return
	}
	s.pause = min(max(2*s.pause, firstWait), longWait)
	wait := s.pause/2 + rand.N(s.pause/2)
	if t := new(trouble); errors.As(err, &t) {
		wait = max(wait, min(t.after, askedWait))
		if t.configured && (before == nil || before.Error() != err.Error()) {
			s.options.Log.Error("InfluxDB won't take what it is sent; see influxdb in the configuration. Nothing is lost meanwhile", "error", err)
		}
	}
	s.retryAt = s.options.Now().Add(wait)
}

// load finds out where it was when the program ended.
func (s *Series) load(ctx context.Context) error {
	if s.hours != nil {
		return nil
	}
	for _, p := range []*progress{&s.postings.progress, &s.statuses.progress, &s.hourly} {
		at, err := s.options.Books.Cursor(ctx, p.name)
		if err != nil {
			return err
		}
		p.at.Store(at)
		p.saved = at
	}
	s.postings.read, s.statuses.read = s.postings.at.Load(), s.statuses.at.Load()
	looks, err := s.options.Books.Looks(ctx)
	if err != nil {
		return err
	}
	standing, err := s.options.Books.Standing(ctx, s.statuses.read)
	if err != nil {
		return err
	}
	s.hours = resume(standing, looks, wire.Time(s.hourly.at.Load()), s.from)
	return nil
}

// forward brings a feed to the end of its log.
func (s *Series) forward(ctx context.Context, f *feed, read func(context.Context, *feed) (n int, err error)) error {
	for {
		n, err := s.rows, error(nil)
		for n == s.rows && len(f.points) < s.batch && err == nil {
			n, err = read(ctx, f)
		}
		if err == nil {
			err = s.flush(ctx, f)
		}
		if err != nil || n < s.rows {
			return err
		}
	}
}

func (s *Series) readPostings(ctx context.Context, f *feed) (int, error) {
	postings, err := s.options.Books.Postings(ctx, f.read, s.rows)
	for i := range postings {
		f.read = postings[i].ID
		for _, p := range ofPosting(&postings[i]) {
			s.add(f, p)
		}
	}
	return len(postings), err
}

func (s *Series) readStatuses(ctx context.Context, f *feed) (int, error) {
	statuses, err := s.options.Books.Statuses(ctx, f.read, s.rows)
	for i := range statuses {
		if len(f.points) >= s.batch { // the hours of a quiet year; the rest is read again
			return s.rows, nil
		}
		f.read = statuses[i].ID
		s.hours.take(&statuses[i], func(p *write.Point) { s.add(f, p) })
		if p := ofStatus(&statuses[i]); p != nil {
			s.add(f, p)
		}
	}
	return len(statuses), err
}

func (s *Series) add(f *feed, p *write.Point) {
	if !p.Time().Before(s.from.Std()) {
		f.points = append(f.points, p)
	}
}

// watch brings the statuses to the end of their log, and from time to time says again what goes on.
func (s *Series) watch(ctx context.Context) error {
	f := &s.statuses
	since := s.options.Now().Sub(s.seenAt)
	if 0 <= since && since < seenEvery {
		return s.forward(ctx, f, s.readStatuses)
	}
	// The looks first: whatever the log will say of the time before them is in it by then.
	looks, err := s.options.Books.Looks(ctx)
	if err != nil {
		return err
	}
	if err := s.forward(ctx, f, s.readStatuses); err != nil {
		return err
	}
	now := wire.TimeOf(s.options.Now())
	done := now
	for device, at := range looks {
		s.hours.seen(device, min(at, now), func(p *write.Point) { s.add(f, p) })
		if now.Sub(at) < forgetDevice {
			done = min(done, at)
		}
		if len(f.points) >= s.batch {
			if err := s.flush(ctx, f); err != nil {
				return err
			}
		}
	}
	if err := s.flush(ctx, f); err != nil {
		return err
	}
	s.seenAt = s.options.Now()
	s.hourly.at.Store(int64(done - done%hour))
	return s.save(ctx, &s.hourly)
}

// flush writes a feed's points, and moves its cursor.
func (s *Series) flush(ctx context.Context, f *feed) (err error) {
	if f.points, err = s.send(ctx, f.points); err != nil {
		return err
	}
	f.at.Store(f.read)
	return s.save(ctx, &f.progress)
}

// send writes points, and returns those that are left to write.
func (s *Series) send(ctx context.Context, points []*write.Point) ([]*write.Point, error) {
	for len(points) > 0 {
		n := min(len(points), s.batch)
		refused, err := s.bucket.write(ctx, points[:n])
		if err != nil {
			return points, fmt.Errorf("write to InfluxDB: %w", err)
		}
		if err := s.refuse(ctx, refused); err != nil {
			return points, err
		}
		s.success.Store(s.options.Now().UnixMilli())
		s.written.Add(int64(n - len(refused)))
		points = points[n:]
	}
	return nil, nil
}

// refuse keeps the points that InfluxDB won't take, except those that are too old for the bucket.
func (s *Series) refuse(ctx context.Context, refused []refusal) error {
	var kept []ledger.Quarantine
	for _, r := range refused {
		if !r.old {
			kept = append(kept, ledger.Quarantine{
				Stream: "influxdb", Index: -1, Reason: r.reason,
				ReceivedAt: wire.TimeOf(s.options.Now()), Payload: []byte(lineOf(r.point)),
			})
		}
	}
	if len(kept) > 0 {
		s.options.Log.Error("InfluxDB refuses points, they are in quarantine", "points", len(kept), "first", string(kept[0].Payload), "reason", kept[0].Reason)
		if err := s.options.Books.Quarantine(ctx, kept); err != nil {
			return err
		}
	}
	s.refused.Add(int64(len(kept)))
	s.olds.Add(int64(len(refused) - len(kept)))
	return nil
}

// save keeps a cursor if that is due.
func (s *Series) save(ctx context.Context, p *progress) error {
	at, now := p.at.Load(), s.options.Now()
	since := now.Sub(p.savedAt)
	if at == p.saved || at-p.saved < saveRows && 0 <= since && since < saveEvery {
		return nil
	}
	if err := s.options.Books.SetCursor(ctx, p.name, at); err != nil {
		return err
	}
	p.saved, p.savedAt = at, now
	return nil
}

// Backlog is how many postings and statuses are not written yet.
func (s *Series) Backlog(ctx context.Context) (int64, error) {
	posting, status, err := s.options.Books.Newest(ctx)
	return max(0, posting-s.postings.at.Load()) + max(0, status-s.statuses.at.Load()), err
}
