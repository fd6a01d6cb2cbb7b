package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// mostRows is how much a list of what has happened holds at most, the newest.
const mostRows = 1000

func (s *site) devices(w http.ResponseWriter, r *http.Request) {
	books, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	list(w, books.Devices)
}

func (s *site) agents(w http.ResponseWriter, r *http.Request) {
	agents, err := s.books(r).Agents(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	list(w, agents)
}

// apiLine is a line with what its ids are called and its evidence in words.
type apiLine struct {
	ledger.Line
	Why               string    `json:"why"`
	Evidence          []apiFact `json:"evidence"`
	EstablishmentName string    `json:"establishment_name"`
	SiteName          string    `json:"site_name"`
	PoleName          string    `json:"pole_name"`
	ServiceName       string    `json:"service_name"`
}

type apiFact struct {
	ledger.Fact
	Words string `json:"words"`
}

func (s *site) lines(w http.ResponseWriter, r *http.Request) {
	books, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	speech := s.speech(r, books.At)
	data := make([]apiLine, len(books.Lines))
	for i := range books.Lines {
		l := &books.Lines[i]
		data[i] = apiLine{
			Line: *l, Evidence: make([]apiFact, len(l.Why)),
			EstablishmentName: books.Register.Establishments[l.Establishment].Name, SiteName: books.Register.Sites[l.Site].Name,
			PoleName: books.Register.Poles[l.Pole].Name, ServiceName: books.Register.Services[l.Service].Name,
		}
		facts, err := speech.Facts(*l)
		if err != nil {
			s.unreadable(w, err)
			return
		}
		for j, words := range facts {
			data[i].Evidence[j] = apiFact{l.Why[j], words}
		}
		data[i].Why = strings.Join(facts, ", ")
	}
	w.Header().Add("Vary", "Accept-Language")
	list(w, data)
}

// apiService is a service with its lines and what was faxed there, since it is known.
type apiService struct {
	ID                string                     `json:"id"` // empty: what nobody assigned
	Name              string                     `json:"name"`
	Establishment     string                     `json:"establishment"`
	EstablishmentName string                     `json:"establishment_name"`
	Pole              string                     `json:"pole"`
	PoleName          string                     `json:"pole_name"`
	Lines             map[ledger.LineState]int64 `json:"lines"`
	ActiveLines       int64                      `json:"active_lines"` // whatever was planned or allowed; see ledger.Line.Active
	Pages             map[ledger.Direction]int64 `json:"pages"`        // only directions that machines tell; all units together
	Faxes             map[ledger.Direction]int64 `json:"faxes"`        // messages
	Totals            []apiTotal                 `json:"totals"`
}

// apiTotal is what one measure counted in one unit.
type apiTotal struct {
	Measure   wire.Measure     `json:"measure"`
	Direction ledger.Direction `json:"direction"`
	Unit      string           `json:"unit"`
	Count     int64            `json:"count"`
}

func (s *site) services(w http.ResponseWriter, r *http.Request) {
	books, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	list(w, servicesOf(books))
}

// servicesOf are all services by establishment, pole and id, what is unassigned first.
func servicesOf(books ledger.Snapshot) []*apiService {
	byID := make(map[string]*apiService)
	for id := range books.Register.Services {
		serviceAt(byID, &books.Register, id)
	}
	for i := range books.Lines {
		l := &books.Lines[i]
		x := serviceAt(byID, &books.Register, l.Service)
		x.Lines[l.State]++
		if l.Active() {
			x.ActiveLines++
		}
	}
	for i := range books.Sums {
		if sum := &books.Sums[i]; !sum.Evidence {
			serviceAt(byID, &books.Register, sum.Service).add(sum)
		}
	}
	all := make([]*apiService, 0, len(byID))
	for _, x := range byID {
		slices.SortFunc(x.Totals, func(a, b apiTotal) int {
			return cmp.Or(slices.Index(wire.Measures(), a.Measure)-slices.Index(wire.Measures(), b.Measure), strings.Compare(a.Unit, b.Unit))
		})
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b *apiService) int {
		return cmp.Or(strings.Compare(a.Establishment, b.Establishment), strings.Compare(a.Pole, b.Pole), strings.Compare(a.ID, b.ID))
	})
	return all
}

func serviceAt(byID map[string]*apiService, r *ledger.Register, id string) *apiService {
	x := byID[id]
	if x == nil {
		place := r.Complete(ledger.Place{Service: id})
		x = &apiService{
			ID: id, Name: r.Services[id].Name, Establishment: place.Establishment, Pole: place.Pole,
			EstablishmentName: r.Establishments[place.Establishment].Name, PoleName: r.Poles[place.Pole].Name,
			Lines: map[ledger.LineState]int64{}, Pages: map[ledger.Direction]int64{}, Faxes: map[ledger.Direction]int64{}, Totals: []apiTotal{},
		}
		for _, state := range ledger.LineStates() {
			x.Lines[state] = 0
		}
		byID[id] = x
	}
	return x
}

func (x *apiService) add(s *ledger.Sum) {
	way := ledger.DirectionOf(s.Measure)
	if ledger.IsPages(s.Measure) {
		x.Pages[way] += s.Count
	} else {
		x.Faxes[way] += s.Count
	}
	for i := range x.Totals {
		if t := &x.Totals[i]; t.Measure == s.Measure && t.Unit == s.Unit {
			t.Count += s.Count
			return
		}
	}
	x.Totals = append(x.Totals, apiTotal{s.Measure, way, s.Unit, s.Count})
}

// apiAlert is an episode with its evidence in words.
type apiAlert struct {
	ledger.Episode
	What     string   `json:"what"` // its kind in words
	Evidence []string `json:"evidence"`
}

func (s *site) alerts(w http.ResponseWriter, r *http.Request) {
	q := asked(r)
	open, stated := q.truth("open")
	kind, line := q.oneOf("kind", words(ledger.EpisodeKinds())), q.Get("line")
	if q.fault != "" {
		page.Problem(w, http.StatusBadRequest, q.fault)
		return
	}
	episodes, err := s.books(r).Episodes(r.Context(), ledger.EpisodeFilter{Open: stated && open, Newest: true})
	if err != nil {
		s.unreadable(w, err)
		return
	}
	speech := s.speech(r, wire.TimeOf(time.Now()))
	data := []apiAlert{}
	for i := range episodes {
		e := &episodes[i]
		if kind != "" && string(e.Kind) != kind || line != "" && e.Line != line && e.Number != line || stated && open != (e.ClosedAt == 0) {
			continue
		}
		what, err := speech.T("alert." + string(e.Kind))
		if err != nil {
			s.unreadable(w, err)
			return
		}
		data = append(data, apiAlert{*e, what, e.Texts(speech.language())})
	}
	w.Header().Add("Vary", "Accept-Language")
	list(w, data[:min(len(data), mostRows)])
}

func (s *site) anomalies(w http.ResponseWriter, r *http.Request) {
	q := asked(r)
	open, stated := q.truth("open")
	if q.fault != "" {
		page.Problem(w, http.StatusBadRequest, q.fault)
		return
	}
	watch, err := s.books(r).Watch(r.Context(), mostRows)
	anomalies := watch.Open
	if err == nil && !(stated && open) {
		anomalies, err = s.books(r).Anomalies(r.Context(), mostRows)
	}
	if err != nil {
		s.unreadable(w, err)
		return
	}
	if stated && !open {
		anomalies = slices.DeleteFunc(anomalies, func(x ledger.Anomaly) bool { return x.ClosedAt == 0 })
	}
	list(w, anomalies)
}

// apiFigure is a figure with the months that it is of.
type apiFigure struct {
	From string `json:"from"`
	To   string `json:"to"`
	indicators.Figure
	Closed *apiClosed `json:"closed,omitempty"` // of a closed month that is asked for alone; value and all else are those of now
}

// apiClosed is a figure as it was frozen when its month was closed.
type apiClosed struct {
	Version int       `json:"version"`
	At      wire.Time `json:"at"`
	By      string    `json:"by"`
	Value   *int64    `json:"value"`  // nil: it was unknown
	Target  *int64    `json:"target"` // nil: there was none
}

// closedFigures are those of a month that is closed, as they were frozen, by what tells them apart; nil where it is open.
func (s *site) closedFigures(r *http.Request, month ledger.Month, level indicators.Level) (func(*indicators.Figure) *apiClosed, error) {
	c, ok, err := s.books(r).ClosingAs(r.Context(), month, 0)
	if err != nil || !ok {
		return func(*indicators.Figure) *apiClosed { return nil }, err
	}
	frozen := indicators.Thaw(&c, level)
	return func(now *indicators.Figure) *apiClosed {
		then := sameFigure(frozen, now)
		if then == nil {
			return nil
		}
		return &apiClosed{c.Version, c.At, c.By, then.Value, then.Target}
	}, nil
}

func (s *site) indicators(w http.ResponseWriter, r *http.Request) {
	q := asked(r)
	level := indicators.Level(cmp.Or(q.oneOf("by", words(indicators.Levels())), string(indicators.Structure)))
	each := q.oneOf("per", []string{"month"}) != ""
	from, to := q.months()
	if q.fault != "" {
		page.Problem(w, http.StatusBadRequest, q.fault)
		return
	}
	b, err := figuresOf(r.Context(), s.books(r), from, to, each)
	if err != nil {
		s.unreadable(w, err)
		return
	}
	closed, err := s.closedFigures(r, from, level)
	if err != nil {
		s.unreadable(w, err)
		return
	}
	b = b.Heard(from, to)
	data := []apiFigure{}
	for first, last := from, to; first <= to; first = last.Add(1) {
		if each {
			last = first
		}
		for _, f := range indicators.Compute(b, first, last, level) {
			x := apiFigure{From: monthText(first), To: monthText(last), Figure: f}
			if from == to {
				x.Closed = closed(&f)
			}
			data = append(data, x)
		}
	}
	list(w, data)
}

// figuresOf reads what indicators are computed from: the present and the months, side by side.
func figuresOf(ctx context.Context, from Books, first, last ledger.Month, each bool) (b indicators.Books, err error) {
	if b.Journals, err = from.Journals(ctx, first, last); err != nil {
		return b, err
	}
	read := from.Period
	if each || len(b.Journals.Coverage) > 0 { // of each month it is decided by itself who tells of a line's messages
		read = from.Months
	}
	var books ledger.Snapshot
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { books, err = from.Snapshot(ctx); return err })
	group.Go(func() (err error) { b.Months, err = read(ctx, first, last); return err })
	group.Go(func() (err error) { b.MSSante, err = from.MSSante(ctx, first, last); return err })
	err = group.Wait()
	b.At, b.Register, b.Lines = books.At, &books.Register, books.Lines
	return b, err
}

func monthText(m ledger.Month) string { return fmt.Sprintf("%04d-%02d", int(m)/100, int(m)%100) }

// query is what a request asks for. Its fault is the first thing that is wrong with it, and says what
// would be right.
type query struct {
	url.Values
	fault string
}

// asked is the query of a request. One that can't be read is no query for everything.
func asked(r *http.Request) query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{values, "query: " + err.Error()}
	}
	return query{Values: values}
}

func (q *query) wrong(key, want string) {
	if q.fault == "" {
		q.fault = fmt.Sprintf("%s=%s; want %s", key, q.Get(key), want)
	}
}

func (q *query) truth(key string) (yes, stated bool) {
	if !q.Has(key) {
		return false, false
	}
	yes, err := strconv.ParseBool(q.Get(key))
	if err != nil {
		q.wrong(key, "true or false")
	}
	return yes, true
}

func (q *query) oneOf(key string, values []string) string {
	if q.Has(key) && !slices.Contains(values, q.Get(key)) {
		q.wrong(key, strings.Join(values, ", "))
	}
	return q.Get(key)
}

// mostMonths is how long a time figures may be asked for at once.
const mostMonths = 120

// months are the months asked for: one, or from one to another, both included.
func (q *query) months() (from, to ledger.Month) {
	switch {
	case q.Has("month") && (q.Has("from") || q.Has("to")):
		q.wrong("month", "either month or from and to")
	case q.Has("month"):
		from = q.month("month")
		to = from
	default:
		from, to = q.month("from"), q.month("to")
	}
	switch {
	case q.fault != "":
	case from > to:
		q.wrong("from", "a month that is not after to="+q.Get("to"))
	case from.Add(mostMonths-1) < to:
		q.wrong("from", fmt.Sprintf("at most %d months", mostMonths))
	}
	return from, to
}

func (q *query) month(key string) ledger.Month {
	t, err := time.Parse("2006-01", q.Get(key))
	if err != nil {
		q.wrong(key, "a month such as 2026-10 (month=2026-10, or from=2026-01&to=2026-12)")
		return 0
	}
	return ledger.MonthOf(wire.TimeOf(t), time.UTC)
}

// words are values as text.
func words[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

func (s *site) unreadable(w http.ResponseWriter, err error) {
	s.Log.Error("read the books for the API", "error", err)
	page.Problem(w, http.StatusInternalServerError, "the books can't be read; the log says why")
}

// list answers {"data":[…]}, an empty list rather than null.
func list[T any](w http.ResponseWriter, items []T) {
	if items == nil {
		items = []T{}
	}
	page.Answer(w, "application/json", http.StatusOK, map[string][]T{"data": items})
}
