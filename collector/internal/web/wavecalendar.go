package web

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/waves"
)

// calendarPage is the plan by days, for the screen and for paper.
type calendarPage struct {
	planning
	Only    int64 // the wave that is shown alone; 0: all
	Waves   []pageLink
	Entries []calendarEntry
	File    string // link
	Chosen  *ledger.Wave
	Edits   bool // the chosen wave
}

// calendarEntry is a day of the plan: a milestone, or a wave's cut-off.
type calendarEntry struct {
	Day      ledger.Day
	Month    string // said with the first of its month
	Title    string
	Wave     string
	Services string // of a cut-off
	Cut      bool
	Done     ledger.Day
	Late     bool
	Edit     string // link; empty: the reader may not

	wave int64
	ledger.Appointment
}

func (s *site) calendarPage(w http.ResponseWriter, r *http.Request) {
	p := s.calendar(r)
	s.Render(w, p.status(), "calendar.html", p)
}

func (s *site) calendar(r *http.Request) calendarPage {
	p := calendarPage{planning: s.planning(r, "calendar.title", "wave")}
	if p.Fault {
		return p
	}
	p.Only, _ = strconv.ParseInt(r.URL.Query().Get("wave"), 10, 64)
	if x, known := p.wave(p.Only); known {
		p.Chosen, p.Edits = &x, p.mayEditWave(x)
	} else {
		p.Only = 0
	}
	p.tabs()
	p.entries()
	p.File = p.link("/waves/planning.ics", "wave", strings.TrimPrefix(strconv.FormatInt(p.Only, 10), "0"))
	return p
}

func (p *calendarPage) tabs() {
	add := func(number int64, name string) {
		x := pageLink{Path: p.link("/waves/planning", "wave", strings.TrimPrefix(strconv.FormatInt(number, 10), "0")), Name: name}
		if number == p.Only {
			x.Current = "page"
		}
		p.Waves = append(p.Waves, x)
	}
	add(0, p.say("calendar.all"))
	for _, x := range p.Plan.Waves {
		add(x.Number, p.WaveName(x))
	}
}

// entries are the days in their order. Of one wave those of the structure as a whole are shown, too.
func (p *calendarPage) entries() {
	names := map[int64]string{ledger.WholeStructure: p.say("places.structure")}
	for _, x := range p.Plan.Waves {
		names[x.Number] = p.WaveName(x)
		if x.Cutoff == "" || p.Only != 0 && p.Only != x.Number {
			continue
		}
		e := calendarEntry{Day: x.Cutoff, Title: p.say("calendar.cut", p.WaveName(x)), Wave: names[x.Number], Services: p.servicesOf(x), Cut: true, wave: x.Number, Appointment: x.Appointment}
		if p.mayEditWave(x) {
			e.Edit = p.link("/waves/" + strconv.FormatInt(x.Number, 10) + "/edit")
		}
		p.Entries = append(p.Entries, e)
	}
	for _, m := range p.Plan.Milestones {
		if p.Only != 0 && m.Wave != p.Only && m.Wave != ledger.WholeStructure {
			continue
		}
		e := calendarEntry{Day: m.Day, Title: p.Milestone(m), Wave: names[m.Wave], Done: m.Done, Late: m.Done == "" && m.Day < p.Today, wave: m.Wave, Appointment: m.Appointment}
		if p.mayEditMilestone(m) {
			e.Edit = p.link("/milestones/" + strconv.FormatInt(m.ID, 10))
		}
		p.Entries = append(p.Entries, e)
	}
	slices.SortStableFunc(p.Entries, func(a, b calendarEntry) int {
		return cmp.Or(strings.Compare(string(a.Day), string(b.Day)), cmp.Compare(a.wave, b.wave))
	})
	for i := range p.Entries {
		if e := &p.Entries[i]; i == 0 || p.Entries[i-1].Day[:7] != e.Day[:7] {
			e.Month, _ = p.monthName(monthOfDay(e.Day))
		}
	}
}

func (p *planning) servicesOf(x ledger.Wave) string {
	var names []string
	for _, id := range x.Services {
		names = append(names, p.ServiceName(id))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// calendarFile is the plan for people's calendars.
func (s *site) calendarFile(w http.ResponseWriter, r *http.Request) {
	p := s.calendar(r)
	if p.Fault {
		http.Error(w, "the books can't be read; the log says why", http.StatusInternalServerError)
		return
	}
	var events []waves.Event
	for _, e := range p.Entries {
		x := waves.Event{Appointment: e.Appointment, Day: e.Day, Title: "Zéro fax – " + e.Title, Note: e.Services}
		if !e.Cut {
			x.Note = e.Wave
			if e.Done != "" {
				x.Note += "\n" + p.say("calendar.done", p.Date(e.Done))
			}
		}
		events = append(events, x)
	}
	var file bytes.Buffer
	if err := waves.WriteCalendar(&file, p.say("calendar.name"), events); err != nil {
		s.Log.Error("make the calendar's file", "error", err)
		http.Error(w, "the file can't be made; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8; method=PUBLISH")
	w.Header().Set("Content-Disposition", `attachment; filename="zerofax-planning.ics"`)
	_, _ = file.WriteTo(w)
}
