package web

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const (
	// recentFor is how old an answer may be: pages ask again each 5 s.
	recentFor = 5 * time.Second
	// prepareEvery is how often answers are renewed for those who look.
	prepareEvery = 2 * time.Second
	// wantedFor is how long somebody looks on who asked once.
	wantedFor = 20 * time.Second
	// idleEvery is how often what all pages need is renewed while nobody looks, so that who comes back doesn't wait: the
	// first answer says of when it is, and is followed by a newer one within seconds.
	idleEvery = 30 * time.Second
	// idleFor is how old that first answer may be.
	idleFor = idleEvery + 15*time.Second
	// keptFor is how long what seldom changes is kept after somebody asked for it.
	keptFor = time.Hour
	// readingShare is how many times as long as a reading took its answer holds, so that books of tens of millions of
	// faxes aren't read all the time.
	readingShare = 10
	// monthsFor is how long sums of months are: over a long weekend.
	monthsFor = 7 * 24 * time.Hour
)

// MarkedBooks are books that tell whether there is something new in them.
type MarkedBooks interface {
	Books
	Marks(ctx context.Context) (ledger.Marks, error)
	ChangedSince(ctx context.Context, m ledger.Marks) (first, last ledger.Month, err error)
	FlowsChangedSince(ctx context.Context, m ledger.Marks) (first, last ledger.Month, err error)
}

// Recent are books that answer from what they read a moment ago, so that many who look cost no more than one, and
// nobody waits. An answer is a few seconds old at most, the first one after nobody looked for a while three quarters of a
// minute, and never older than the last change by a person: whoever changes something sees it on the next page. What
// only people change is kept as long as they don't, and what is made of flows as long as neither they nor these do; what
// takes long to read is a little older. Programs that ask the API, and forms that are handed in, are answered from the
// books as they are now. What is answered is shared: nobody may change it.
type Recent struct {
	MarkedBooks
	now func() time.Time
	log *slog.Logger

	snapshots memo[struct{}, ledger.Snapshot]
	agents    memo[struct{}, []ledger.Agent]
	watches   memo[int, ledger.Watch]
	episodes  memo[ledger.EpisodeFilter, []ledger.Episode]
	months    memo[period, []ledger.MonthSum]
	periods   memo[period, []ledger.MonthSum]
	mssante   memo[period, ledger.MSSante]
	displaced displaced
	sums      monthly[ledger.MonthSum]
	flows     monthly[ledger.FlowSum]
	messages  monthly[ledger.LineMessages]
	traffic   monthly[indicators.Flow]
	coverage  memo[struct{}, []ledger.JournalSpan]
	partners  memo[acquaintance, []ledger.Correspondent]
	known     memo[acquaintance, map[string][]int64]

	// These only people change.
	mailboxes memo[struct{}, []ledger.Mailbox]
	volumes   memo[period, []ledger.MailboxVolume]
	listing   memo[struct{}, ledger.Listing]
}

// period are the months from one to another, both included.
type period struct{ from, to ledger.Month }

// NewRecent makes books that answer from what they read a moment ago.
func NewRecent(books MarkedBooks, now func() time.Time, log *slog.Logger) *Recent {
	r := &Recent{MarkedBooks: books, now: now, log: log}
	r.sums = monthly[ledger.MonthSum]{
		books: books, now: now, kept: make(map[ledger.Month][]ledger.MonthSum),
		read: books.Months, month: func(m *ledger.MonthSum) ledger.Month { return m.Month }, changed: books.ChangedSince,
	}
	r.flows = monthly[ledger.FlowSum]{
		books: books, now: now, kept: make(map[ledger.Month][]ledger.FlowSum),
		read: books.Flows, month: func(f *ledger.FlowSum) ledger.Month { return f.Month }, changed: books.FlowsChangedSince,
	}
	r.messages = monthly[ledger.LineMessages]{
		books: books, now: now, kept: make(map[ledger.Month][]ledger.LineMessages),
		read: func(ctx context.Context, from, to ledger.Month) ([]ledger.LineMessages, error) {
			j, err := books.Journals(ctx, from, to)
			return j.Messages, err
		},
		month: func(m *ledger.LineMessages) ledger.Month { return m.Month }, changed: books.FlowsChangedSince,
	}
	r.traffic = monthly[indicators.Flow]{
		books: books, now: now, kept: make(map[ledger.Month][]indicators.Flow),
		read: func(ctx context.Context, from, to ledger.Month) ([]indicators.Flow, error) {
			return trafficIn(ctx, r, from, to)
		},
		month: func(f *indicators.Flow) ledger.Month { return f.From }, changed: r.trafficChanged,
	}
	r.coverage.read = func(ctx context.Context, _ struct{}) ([]ledger.JournalSpan, error) { return books.Coverage(ctx) }
	r.partners.read = func(ctx context.Context, a acquaintance) ([]ledger.Correspondent, error) {
		return books.Correspondents(ctx, a.from, a.to, a.unit, a.line, a.most)
	}
	r.known = memo[acquaintance, map[string][]int64]{
		lasts: true, of: func(a acquaintance) period { return a.period },
		read: func(ctx context.Context, a acquaintance) (map[string][]int64, error) {
			return books.Acquainted(ctx, a.from, a.to, a.unit)
		},
	}
	r.snapshots = memo[struct{}, ledger.Snapshot]{ready: true, read: func(ctx context.Context, _ struct{}) (ledger.Snapshot, error) { return books.Snapshot(ctx) }}
	r.agents = memo[struct{}, []ledger.Agent]{ready: true, read: func(ctx context.Context, _ struct{}) ([]ledger.Agent, error) { return books.Agents(ctx) }}
	r.watches = memo[int, ledger.Watch]{ready: true, read: books.Watch}
	r.episodes.read = books.Episodes
	r.months.read = r.sums.of
	r.periods.read = func(ctx context.Context, p period) ([]ledger.MonthSum, error) { return books.Period(ctx, p.from, p.to) }
	r.mssante.read = func(ctx context.Context, p period) (ledger.MSSante, error) { return books.MSSante(ctx, p.from, p.to) }
	r.mailboxes = memo[struct{}, []ledger.Mailbox]{lasts: true, read: func(ctx context.Context, _ struct{}) ([]ledger.Mailbox, error) { return books.Mailboxes(ctx) }}
	r.volumes = memo[period, []ledger.MailboxVolume]{lasts: true, read: func(ctx context.Context, p period) ([]ledger.MailboxVolume, error) {
		return books.MailboxVolumes(ctx, p.from, p.to)
	}}
	r.listing = memo[struct{}, ledger.Listing]{lasts: true, read: func(ctx context.Context, _ struct{}) (ledger.Listing, error) { return books.Listing(ctx) }}
	return r
}

type nowKey struct{}

// nowOnly has what programs ask, and what changes something, answered from the books as they are now.
func nowOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || r.Method != http.MethodGet && r.Method != http.MethodHead {
			r = r.WithContext(context.WithValue(r.Context(), nowKey{}, true))
		}
		next.ServeHTTP(w, r)
	})
}

func asksNow(ctx context.Context) bool { return ctx.Value(nowKey{}) != nil }

// Run renews what is asked for, until ctx ends.
func (r *Recent) Run(ctx context.Context) {
	ticker := time.NewTicker(prepareEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := r.prepare(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("prepare the pages", "error", err)
		}
	}
}

// prepare renews what somebody asked for lately, and forgets the rest.
func (r *Recent) prepare(ctx context.Context) error {
	for _, renew := range []func(context.Context, *Recent) error{
		r.snapshots.renew, r.agents.renew, r.watches.renew, r.episodes.renew, r.months.renew, r.periods.renew, r.mssante.renew,
		r.coverage.renew, r.partners.renew, r.known.renew,
		r.mailboxes.renew, r.volumes.renew, r.listing.renew,
	} {
		if err := renew(ctx, r); err != nil {
			return err
		}
	}
	since := r.now().Add(-monthsFor)
	r.sums.forget(since)
	r.flows.forget(since)
	r.messages.forget(since)
	r.traffic.forget(since)
	if err := errors.Join(r.sums.keepUp(ctx), r.flows.keepUp(ctx), r.messages.keepUp(ctx), r.traffic.keepUp(ctx)); err != nil {
		return err
	}
	return r.displaced.renew(ctx, r)
}

// Snapshot is everything at one instant, a moment ago.
func (r *Recent) Snapshot(ctx context.Context) (ledger.Snapshot, error) {
	return r.snapshots.get(ctx, r, struct{}{})
}

// Agents are all agents.
func (r *Recent) Agents(ctx context.Context) ([]ledger.Agent, error) {
	all, err := r.agents.get(ctx, r, struct{}{})
	return slices.Clone(all), err
}

// Watch is what a person should look at.
func (r *Recent) Watch(ctx context.Context, limit int) (ledger.Watch, error) {
	return r.watches.get(ctx, r, limit)
}

// Episodes are those that a filter lets through.
func (r *Recent) Episodes(ctx context.Context, f ledger.EpisodeFilter) ([]ledger.Episode, error) {
	all, err := r.episodes.get(ctx, r, f)
	return slices.Clone(all), err
}

// Months are the sums of some months.
func (r *Recent) Months(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error) {
	return r.months.get(ctx, r, period{from, to})
}

// Period is the same, all months together.
func (r *Recent) Period(ctx context.Context, from, to ledger.Month) ([]ledger.MonthSum, error) {
	return r.periods.get(ctx, r, period{from, to})
}

// MSSante is what is known of MSSanté in some months.
func (r *Recent) MSSante(ctx context.Context, from, to ledger.Month) (ledger.MSSante, error) {
	return r.mssante.get(ctx, r, period{from, to})
}

// acquaintance is of whom correspondents are asked for.
type acquaintance struct {
	period
	unit wire.EventUnit
	line string
	most int
}

// Flows are what journals tell of some months.
func (r *Recent) Flows(ctx context.Context, from, to ledger.Month) ([]ledger.FlowSum, error) {
	return r.flows.of(ctx, period{from, to})
}

// Traffic is what services faxed each other in each of some months. Where lines stood in those before the present one
// changes only when a person changes something; in the present one they may come to another service any time.
func (r *Recent) Traffic(ctx context.Context, from, to, present ledger.Month) ([]indicators.Flow, error) {
	past, err := r.traffic.of(ctx, period{from, min(to, present.Add(-1))})
	if err != nil || to < present {
		return past, err
	}
	now, err := trafficIn(ctx, r, max(from, present), to)
	return append(past, now...), err
}

func (r *Recent) trafficChanged(ctx context.Context, since ledger.Marks) (first, last ledger.Month, err error) {
	marks, err := r.Marks(ctx)
	if err != nil || marks.Change != since.Change {
		return 0, math.MaxInt64, err
	}
	return r.FlowsChangedSince(ctx, since)
}

// trafficIn is what services faxed each other in each of some months, by some books.
func trafficIn(ctx context.Context, from Books, first, last ledger.Month) ([]indicators.Flow, error) {
	books, err := from.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	sums, err := from.Flows(ctx, first, last)
	return indicators.Traffic(&books.Register, books.Lines, sums, indicators.Service, true), err
}

// Journals are what they tell of the messages of lines in some months.
func (r *Recent) Journals(ctx context.Context, from, to ledger.Month) (j ledger.Journals, err error) {
	if j.Coverage, err = r.Coverage(ctx); err != nil || len(j.Coverage) == 0 {
		return j, err
	}
	j.Messages, err = r.messages.of(ctx, period{from, to})
	return j, err
}

// Coverage is which days journals tell of which lines.
func (r *Recent) Coverage(ctx context.Context) ([]ledger.JournalSpan, error) {
	return r.coverage.get(ctx, r, struct{}{})
}

// Correspondents are the numbers of others.
func (r *Recent) Correspondents(ctx context.Context, from, to ledger.Month, unit wire.EventUnit, line string, most int) ([]ledger.Correspondent, error) {
	return r.partners.get(ctx, r, acquaintance{period{from, to}, unit, line, most})
}

// Acquainted are the numbers of others with which each line faxed.
func (r *Recent) Acquainted(ctx context.Context, from, to ledger.Month, unit wire.EventUnit) (map[string][]int64, error) {
	return r.known.get(ctx, r, acquaintance{period: period{from, to}, unit: unit})
}

// Mailboxes are those of MSSanté.
func (r *Recent) Mailboxes(ctx context.Context) ([]ledger.Mailbox, error) {
	return r.mailboxes.get(ctx, r, struct{}{})
}

// MailboxVolumes are the messages of mailboxes in some months.
func (r *Recent) MailboxVolumes(ctx context.Context, from, to ledger.Month) ([]ledger.MailboxVolume, error) {
	return r.volumes.get(ctx, r, period{from, to})
}

// Listing is what the national directory has of them.
func (r *Recent) Listing(ctx context.Context) (ledger.Listing, error) {
	return r.listing.get(ctx, r, struct{}{})
}

// memo keeps the answers to one kind of question.
type memo[K comparable, V any] struct {
	read  func(context.Context, K) (V, error)
	lasts bool           // an answer holds until a person changes something
	of    func(K) period // or until the flows of these months change; nil: it isn't made of any
	ready bool           // it is renewed also while nobody looks

	mu   sync.Mutex
	kept map[K]*answer[V]
}

// answer is what was read last. A new one is read by one at a time, while others may still take the old one.
type answer[V any] struct {
	reading sync.Mutex

	mu     sync.Mutex
	value  V
	readAt time.Time     // when its reading began; zero: never
	took   time.Duration // its reading
	marks  ledger.Marks  // of then
	asked  time.Time
}

// get is the answer to a question.
func (m *memo[K, V]) get(ctx context.Context, r *Recent, question K) (V, error) {
	a, now := m.answer(question), r.now()
	marks, err := r.Marks(ctx)
	if err != nil {
		var none V
		return none, err
	}
	if m.of != nil {
		if err := a.outdate(ctx, r, m.of(question), marks); err != nil {
			var none V
			return none, err
		}
	}
	a.mu.Lock()
	back := m.ready && a.asked.Before(now.Add(-wantedFor))
	a.asked = now
	age := max(recentFor, readingShare*a.took+prepareEvery)
	a.mu.Unlock()
	switch {
	case asksNow(ctx):
		age = 0
	case back:
		age = idleFor
	}
	since := now.Add(-age)
	if m.lasts {
		since = time.Time{}
	}
	return m.fresh(ctx, r, question, a, since, marks.Change)
}

// fresh is an answer that was read since, and knows of a change.
func (m *memo[K, V]) fresh(ctx context.Context, r *Recent, question K, a *answer[V], since time.Time, change int64) (V, error) {
	if value, ok := a.recent(since, change); ok {
		return value, nil
	}
	a.reading.Lock()
	defer a.reading.Unlock()
	if value, ok := a.recent(since, change); ok { // somebody else read it meanwhile
		return value, nil
	}
	var none V
	at := r.now()
	marks, err := r.Marks(ctx) // before the reading: what changes meanwhile may not be in it
	if err != nil {
		return none, err
	}
	value, err := m.read(ctx, question)
	if err != nil {
		return none, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.value, a.readAt, a.took, a.marks = value, at, r.now().Sub(at), marks
	return value, nil
}

// recent is the answer if it was read at that time or later and knows of a change.
func (a *answer[V]) recent(since time.Time, change int64) (value V, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.readAt.IsZero() || a.readAt.Before(since) || a.marks.Change < change {
		return value, false
	}
	return a.value, true
}

// outdate forgets an answer that was made of flows of which some changed since.
func (a *answer[V]) outdate(ctx context.Context, r *Recent, made period, now ledger.Marks) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.readAt.IsZero() || a.marks.Journal == now.Journal {
		return nil
	}
	first, last, err := r.FlowsChangedSince(ctx, a.marks)
	if err != nil {
		return err
	}
	if first <= made.to && made.from <= last {
		a.readAt = time.Time{}
	}
	a.marks.Journal = now.Journal
	return nil
}

func (m *memo[K, V]) answer(question K) *answer[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = make(map[K]*answer[V])
	}
	if m.kept[question] == nil {
		m.kept[question] = new(answer[V])
	}
	return m.kept[question]
}

// renew reads anew what was asked for lately, and forgets the rest.
func (m *memo[K, V]) renew(ctx context.Context, r *Recent) error {
	now := r.now()
	if m.lasts {
		m.wanted(now.Add(-keptFor))
		return nil
	}
	watched := now.Add(-wantedFor)
	forget := watched
	if m.ready {
		forget = time.Time{}
	}
	for question, a := range m.wanted(forget) {
		marks, err := r.Marks(ctx)
		if err != nil {
			return err
		}
		since := now.Add(-max(prepareEvery/2, a.held()))
		if a.askedBefore(watched) {
			since, marks.Change = now.Add(-idleEvery), 0
		}
		if _, err := m.fresh(ctx, r, question, a, since, marks.Change); err != nil {
			return err
		}
	}
	return nil
}

// held is how long the answer holds because its reading took long.
func (a *answer[V]) held() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return readingShare * a.took
}

func (a *answer[V]) askedBefore(t time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked.Before(t)
}

// wanted are the questions that were asked since; the others are forgotten.
func (m *memo[K, V]) wanted(since time.Time) map[K]*answer[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := make(map[K]*answer[V], len(m.kept))
	for question, a := range m.kept {
		if !a.askedBefore(since) {
			wanted[question] = a
		} else {
			delete(m.kept, question)
		}
	}
	return wanted
}

// monthly keeps what is known of months: little of those past ever changes.
type monthly[T any] struct {
	books   MarkedBooks
	now     func() time.Time
	read    func(ctx context.Context, from, to ledger.Month) ([]T, error)                       // by month
	month   func(*T) ledger.Month                                                               // of which something is
	changed func(ctx context.Context, since ledger.Marks) (first, last ledger.Month, err error) // which months' did

	mu    sync.Mutex
	asked time.Time
	marks ledger.Marks // of kept
	kept  map[ledger.Month][]T
}

// of is what is known of some months, by month.
func (s *monthly[T]) of(ctx context.Context, p period) (all []T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = s.now()
	if err := s.drop(ctx); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, p); err != nil {
		return nil, err
	}
	size := 0
	for month := p.from; month <= p.to; month = month.Add(1) {
		size += len(s.kept[month])
	}
	all = make([]T, 0, size)
	for month := p.from; month <= p.to; month = month.Add(1) {
		all = append(all, s.kept[month]...)
	}
	return all, nil
}

// fill reads the months that aren't kept, those that follow each other at once.
func (s *monthly[T]) fill(ctx context.Context, p period) error {
	for from := p.from; from <= p.to; from = from.Add(1) {
		if s.kept[from] != nil {
			continue
		}
		to := from
		for to < p.to && s.kept[to.Add(1)] == nil {
			to = to.Add(1)
		}
		all, err := s.read(ctx, from, to)
		if err != nil {
			return err
		}
		for month, begin := from, 0; month <= to; month = month.Add(1) {
			end := begin
			for end < len(all) && s.month(&all[end]) == month {
				end++
			}
			s.kept[month] = append([]T{}, all[begin:end]...)
			begin = end
		}
		from = to
	}
	return nil
}

// keepUp forgets what has changed since it last did: to find that out is quick as long as it is little.
func (s *monthly[T]) keepUp(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == 0 {
		return nil
	}
	return s.drop(ctx)
}

// drop forgets the months that may have changed.
func (s *monthly[T]) drop(ctx context.Context) error {
	marks, err := s.books.Marks(ctx)
	if err != nil || marks == s.marks {
		return err
	}
	if len(s.kept) == 0 { // to look through all postings takes as long as to read a year
		s.marks = marks
		return nil
	}
	first, last, err := s.changed(ctx, s.marks)
	if err != nil {
		return err
	}
	for month := range s.kept {
		if first <= month && month <= last {
			delete(s.kept, month)
		}
	}
	s.marks = marks
	return nil
}

// forget gives the memory back where nobody has asked since.
func (s *monthly[T]) forget(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked.Before(since) {
		clear(s.kept)
	}
}
