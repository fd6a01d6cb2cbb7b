package status

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// state is how a target answers: exactly one, the first that fits.
type state string

const (
	waiting   state = "waiting"   // was never looked at yet
	silent    state = "silent"    // the last look failed, or nobody knows what is there
	double    state = "double"    // its device is read at another address
	slow      state = "slow"      // the last look took long
	answering state = "answering" // all is well
)

// states are all states in the order in which people should see them.
var states = []state{silent, double, slow, waiting, answering}

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
	case t.Took > slowLook:
		return slow
	}
	return answering
}

// counts are how many targets are in each state.
type counts map[state]int

// Of is how many are in one state, for templates.
func (c counts) Of(name string) int { return c[state(name)] }

func countsOf(all []Target) counts {
	counts := counts{}
	for i := range all {
		counts[all[i].State()]++
	}
	return counts
}

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

// source is where targets come from: the configuration ("") or a range.
type source struct {
	Range string `json:"range,omitempty"`
	Count int    `json:"targets"`
}

func sourcesOf(all []Target, ranges []string) []source {
	list := []source{{}}
	for _, r := range ranges {
		list = append(list, source{Range: r})
	}
	for i := range all {
		at := slices.IndexFunc(list, func(s source) bool { return s.Range == all[i].Source })
		if at < 0 {
			at = len(list)
			list = append(list, source{Range: all[i].Source})
		}
		list[at].Count++
	}
	return list
}

const pageSize = 200 // rows, which make about 200 kB

// overview is the first page.
type overview struct {
	frame
	Collector string // URL
	Config    string
	Ranges    []string
	Started   wire.Time

	Link    Link
	Spool   Spool
	Health  error
	Counts  counts
	All     int // targets
	Found   int // fit query and state
	Rows    []row
	Number  int // of this page, from 1
	Last    int
	Sources []source
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
	all := p.Targets()
	if wantsJSON(r) {
		page.Answer(w, "application/json", http.StatusOK, p.facts(all))
		return
	}
	o := overview{
		frame: p.frame(r, "q", "state", "page"), Collector: p.Collector, Config: p.Config, Ranges: p.Ranges, Started: wire.TimeOf(p.Started),
		Link: p.Link(), Spool: p.Spool(), Health: p.Health(), All: len(all), Counts: countsOf(all), Sources: sourcesOf(all, p.Ranges),
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	o.fill(all, number, p.Last)
	p.Render(w, http.StatusOK, "overview.html", &o)
}

// facts are the overview for programs.
func (p *Page) facts(all []Target) any {
	return struct {
		Agent     string    `json:"agent"`
		Version   string    `json:"version"`
		At        wire.Time `json:"at"`
		Started   wire.Time `json:"started_at"`
		Collector string    `json:"collector"`
		Link      Link      `json:"link"`
		Spool     Spool     `json:"spool"`
		Targets   counts    `json:"targets"`
		Sources   []source  `json:"sources"`
		Data      []Target  `json:"data"`
	}{
		p.Agent, p.Version, p.now(), wire.TimeOf(p.Started), p.Collector, p.Link(), p.Spool(), countsOf(all), sourcesOf(all, p.Ranges),
		append([]Target{}, all...),
	}
}

// fill picks the rows of the list's page with that number.
func (o *overview) fill(all []Target, number int, lastOf func(address string) (Last, bool)) {
	found := all[:0:0]
	for _, t := range all {
		if (o.State == "" || t.State() == o.State) && t.fits(o.Query) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b Target) int {
		return cmp.Compare(slices.Index(states, a.State()), slices.Index(states, b.State()))
	})
	o.Found = len(found)
	o.Last = max(1, (o.Found+pageSize-1)/pageSize)
	o.Number = min(max(number, 1), o.Last)
	first := (o.Number - 1) * pageSize
	for _, t := range found[first:min(first+pageSize, len(found))] {
		last, _ := lastOf(t.Address)
		o.Rows = append(o.Rows, row{t, toldBy(last)})
	}
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

// Up is how many devices answer.
func (o *overview) Up() int { return o.Counts[answering] + o.Counts[slow] }
