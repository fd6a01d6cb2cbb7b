package status

import (
	"cmp"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// state is how a target answers: exactly one, the first that fits.
type state string

const (
	waiting   state = "waiting"   // was never looked at yet
	double    state = "double"    // its device is read at another address
	silent    state = "silent"    // the last look failed, or nobody knows what is there
	late      state = "late"      // nobody looked when it was due: what is known of it is old
	slow      state = "slow"      // the last look took long
	answering state = "answering" // all is well
)

// states are all states in the order in which people should see them.
var states = []state{silent, late, double, slow, waiting, answering}

// slowLook is a look that takes long. What is slow waits with the silent ones.
const slowLook = time.Second

// State is how the target answers.
func (t *Target) State() state {
	switch {
	case t.LastLook == 0:
		return waiting
	case t.DoubleOf != "":
		return double
	case t.Failures > 0 || t.Device == "" || t.Error != "":
		return silent
	case t.late:
		return late
	case t.Took > slowLook:
		return slow
	}
	return answering
}

// Old tells whether what is shown of the target may be so no more.
func (t *Target) Old() bool {
	s := t.State()
	return t.LastAnswer != 0 && (s == silent || s == late)
}

// counts are how many targets are in each state.
type counts map[state]int

// Of is how many are in one state, for templates.
func (c counts) Of(name string) int { return c[state(name)] }

// up is how many devices answer.
func (c counts) up() int { return c[answering] + c[slow] }

// survey is what is to be told of all targets together.
type survey struct {
	all     int
	counts  counts // each state, though it be 0
	found   counts // of those that the reader wants
	sources []source
}

// source is where targets come from: the configuration ("") or a range.
type source struct {
	Range string `json:"range,omitempty"`
	Count int    `json:"targets"`
}

func surveyOf(targets iter.Seq[Target], ranges []string, wanted func(Target) bool) survey {
	s := survey{counts: counts{}, found: counts{}, sources: []source{{}}}
	for _, state := range states {
		s.counts[state] = 0
	}
	for _, r := range ranges {
		s.sources = append(s.sources, source{Range: r})
	}
	for t := range targets {
		s.all++
		s.counts[t.State()]++
		if wanted(t) {
			s.found[t.State()]++
		}
		at := slices.IndexFunc(s.sources, func(s source) bool { return s.Range == t.Source })
		if at < 0 {
			at = len(s.sources)
			s.sources = append(s.sources, source{Range: t.Source})
		}
		s.sources[at].Count++
	}
	return s
}

func everyOne(Target) bool { return true }

// Title is how people call what is there.
func (t *Target) Title() string {
	vendor, model := t.Identity.Vendor, t.Identity.Model
	switch {
	case model == "" || vendor == "" || strings.HasPrefix(strings.ToLower(model), strings.ToLower(vendor)):
		return model
	}
	return strings.ToUpper(vendor[:1]) + vendor[1:] + " " + model
}

// Place is what helps to find it.
func (t *Target) Place() string {
	return strings.Join(slices.DeleteFunc([]string{t.Identity.Name, t.Identity.Location}, func(s string) bool { return s == "" }), " · ")
}

// fits tells whether all words of the query stand somewhere in what is known of the target.
func (t *Target) fits(query string) bool {
	if query == "" {
		return true
	}
	text := strings.ToLower(strings.Join([]string{
		t.Address, t.Source, t.Device, t.Profile, t.Error, t.Title(), t.Identity.Serial, t.Identity.Name, t.Identity.Location,
	}, " "))
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

const pageSize = 100 // rows, which make about 100 kB and cost some 20 ms, every 5 s while a page is open

// overview is the first page.
type overview struct {
	frame
	Collector string // URL
	Config    string
	Ranges    []string
	Started   wire.Time
	Central   Central

	Link     Link
	Spool    Spool
	Health   error
	Journals []Journal
	Counts   counts
	All      int // targets
	Found    int // fit query and state
	Rows     []row
	Number   int // of this page, from 1
	Last     int
	Sources  []source
}

// row is a target with what its last answers told.
type row struct {
	Target
	told
}

// told is what a target's last answers say together: counters and lines may have been asked
// at different times.
type told struct {
	Looks    []Look
	Measures []mibs.Measured
	Lines    []wire.Line
	Service  wire.FaxService
	Uptime   time.Duration // 0 = not told
	Unknown  []string      // what it can't tell
	Warnings []string
}

func toldBy(last Last) told {
	t := told{Looks: last.Looks}
	for i, look := range last.Looks {
		r := &look.Result.Reading
		if t.Measures == nil {
			t.Measures = look.Measures
		}
		if t.Lines == nil {
			t.Lines = r.Lines
		}
		t.Service = cmp.Or(t.Service, r.FaxService)
		if i == 0 {
			t.Uptime, t.Unknown = time.Duration(r.UptimeMS)*time.Millisecond, look.Result.Unknown
		}
		for _, w := range look.Result.Warnings {
			if !slices.Contains(t.Warnings, w) {
				t.Warnings = append(t.Warnings, w)
			}
		}
	}
	return t
}

func (p *Page) overview(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept, Accept-Language")
	if wantsJSON(r) {
		p.tellFacts(w)
		return
	}
	o := overview{
		frame: p.frame(r, "q", "state", "page"), Collector: p.Collector, Config: p.Config, Ranges: p.Ranges, Started: wire.TimeOf(p.Started),
		Central: p.Central(), Link: p.Link(), Spool: p.Spool(), Health: p.Health(), Journals: p.Journals(),
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	o.fill(p.targets, number, p.Last)
	p.Render(w, http.StatusOK, "overview.html", &o)
}

// tellFacts writes the overview for programs, one target after the other: ten thousand make
// five megabytes.
func (p *Page) tellFacts(w http.ResponseWriter) {
	all := surveyOf(p.targets(), p.Ranges, everyOne)
	head, err := json.Marshal(struct {
		Agent     string    `json:"agent"`
		Version   string    `json:"version"`
		At        wire.Time `json:"at"`
		Started   wire.Time `json:"started_at"`
		Collector string    `json:"collector"`
		Central   Central   `json:"central"`
		Link      Link      `json:"link"`
		Spool     Spool     `json:"spool"`
		Journals  []Journal `json:"journals,omitempty"`
		Targets   counts    `json:"targets"`
		Sources   []source  `json:"sources"`
	}{p.Agent, p.Version, p.now(), wire.TimeOf(p.Started), p.Collector, p.Central(), p.Link(), p.Spool(), p.Journals(), all.counts, all.sources})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	separator := string(head[:len(head)-1]) + `,"data":[`
	for t := range p.targets() {
		one, err := json.Marshal(&t)
		if err == nil {
			_, err = io.WriteString(w, separator+string(one))
		}
		if err != nil {
			return // the reader is gone
		}
		separator = ",\n"
	}
	if separator != ",\n" {
		_, _ = io.WriteString(w, separator)
	}
	_, _ = io.WriteString(w, "]}\n")
}

// fill counts all targets, then picks the rows of the list's page with that number: ten
// thousand are gone through twice, so that they needn't be held and sorted. If one changes its
// state in separator, a row is missing or there twice until the page is fetched anew.
func (o *overview) fill(targets func() iter.Seq[Target], number int, lastOf func(address string) (Last, bool)) {
	s := surveyOf(targets(), o.Ranges, o.wants)
	o.All, o.Counts, o.Sources = s.all, s.counts, s.sources
	place := map[state]int{} // in the list, of the next target in that state
	for _, state := range states {
		place[state] = o.Found
		o.Found += s.found[state]
	}
	o.Last = max(1, (o.Found+pageSize-1)/pageSize)
	o.Number = min(max(number, 1), o.Last)
	first := (o.Number - 1) * pageSize
	for t := range targets() {
		if !o.wants(t) {
			continue
		}
		at := place[t.State()]
		place[t.State()]++
		if at < first || at >= first+pageSize {
			continue
		}
		last, _ := lastOf(t.Address)
		o.Rows = append(o.Rows, row{t, toldBy(last)})
	}
	slices.SortStableFunc(o.Rows, func(a, b row) int {
		return cmp.Compare(slices.Index(states, a.State()), slices.Index(states, b.State()))
	})
}

// wants tells whether the reader asked for t.
func (o *overview) wants(t Target) bool {
	return (o.State == "" || t.State() == o.State) && t.fits(o.Query)
}

// fewLines is how many lines of a gateway are shown in its row.
const fewLines = 4

// FewLines are the first lines of the device.
func (r *row) FewLines() []wire.Line { return r.Lines[:min(len(r.Lines), fewLines)] }

// MoreLines is how many lines FewLines leaves out.
func (r *row) MoreLines() int { return len(r.Lines) - len(r.FewLines()) }

// Beside is the number of another page.
func (o *overview) Beside(step int) int { return o.Number + step }

// Turn is the URL of another page of the same list.
func (o *overview) Turn(number int) string {
	q := url.Values{"lang": {o.Lang()}, "page": {strconv.Itoa(number)}}
	if o.Query != "" {
		q.Set("q", o.Query)
	}
	if o.State != "" {
		q.Set("state", string(o.State))
	}
	return "/?" + q.Encode()
}

// patience is how long readings may wait while all is well.
const patience = 2 * time.Minute

// Behind tells whether readings wait longer for the collector.
func (o *overview) Behind() bool {
	return o.Spool.Oldest != 0 && o.Now.Sub(o.Spool.Oldest) > patience
}

// Mute tells whether the collector acknowledges nothing though there is a link to the broker.
func (o *overview) Mute() bool {
	return o.Link.Connected != 0 && o.Behind() && o.Now.Sub(max(o.Link.LastAck, o.Link.Connected)) > patience
}

// Up is how many devices answer.
func (o *overview) Up() int { return o.Counts.up() }
