package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// What a sheet may hold, so that it prints on one page.
const (
	longText   = 500 // characters
	shortText  = 160
	mostPoints = 5
	morePoints = 2 // empty ones in the form
)

var errNotYours = errors.New("it is of another establishment than yours")

// sheetForm is the form in which somebody says how a service stands.
type sheetForm struct {
	frame
	Service  ledger.Service
	Revision string
	Day      string
	Weather  []option
	Fields   map[string]field
	Points   []pointFields
}

// pointFields are those of one watch point.
type pointFields struct {
	Legend                 string
	Text, Risk, Mitigation field
}

func (s *site) sheetEdit(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "sheet.edit")
	p := sheetForm{frame: f}
	if !s.mayEditService(w, r, &p.frame, &p.Service, &books) {
		return
	}
	sheet, err := s.sheetOf(r, p.Service.ID, s.today(books.At))
	if err != nil {
		s.Log.Error("read the books for the page", "error", err)
		p.Fault = true
	}
	p.fill(sheet, sheet, s.today(books.At))
	s.Render(w, p.status(), "sheetform.html", p)
}

// sheetOf is a service's sheet as of a day, as DeclareSheet hands it over.
func (s *site) sheetOf(r *http.Request, service string, day ledger.Day) (ledger.Sheet, error) {
	versions, err := s.books(r).SheetHistory(r.Context(), service)
	for _, v := range versions {
		if v.Day <= day {
			return v, err
		}
	}
	return ledger.Sheet{Service: service}, err
}

func (s *site) saveSheet(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "sheet.edit")
	p := sheetForm{frame: f}
	if !s.mayEditService(w, r, &p.frame, &p.Service, &books) {
		return
	}
	today := s.today(books.At)
	typed := p.read(r)
	if p.Faults != nil {
		p.fill(typed, ledger.Sheet{}, today)
		p.Revision = r.PostFormValue("revision")
		s.Render(w, p.status(), "sheetform.html", p)
		return
	}
	var standing ledger.Sheet
	err := s.books(r).DeclareSheet(r.Context(), author(r), p.Service.ID, today, func(_ ledger.Register, sheet ledger.Sheet) (ledger.Sheet, error) {
		standing = sheet
		return typed, unchanged(r, sheet)
	})
	switch {
	case errors.Is(err, errChanged) && p.differs(typed, standing):
		p.fill(typed, standing, today)
		s.Render(w, p.status(), "sheetform.html", p)
	case err == nil, errors.Is(err, errChanged): // somebody else said the very same
		s.done(w, r, "/services/"+p.Service.ID+"?done=saved")
	default:
		s.refused(w, r, err)
	}
}

// refused answers where the books didn't take what somebody sent.
func (s *site) refused(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, ledger.ErrNoService), errors.Is(err, errNoSuch), errors.Is(err, ledger.ErrNoEpisode), errors.Is(err, ledger.ErrNoUpload):
		http.NotFound(w, r)
	case errors.Is(err, errNotYours):
		http.Error(w, "you may not change this: "+errNotYours.Error(), http.StatusForbidden)
	default:
		s.Log.Error("write the books for the page", "path", r.URL.Path, "error", err)
		http.Error(w, "nothing is saved: the books can't be written; the log says why", http.StatusInternalServerError)
	}
}

// say is a text of the page that is known to be there.
func (f frame) say(key string, args ...any) string {
	text, err := f.T(key, args...)
	if err != nil {
		panic(err)
	}
	return text
}

// sayOf says key.one or key.other of so many.
func (f frame) sayOf(key string, n int, args ...any) string {
	return f.say(key+f.form(float64(n)), args...)
}

// wrong notes a fault of a field.
func (f *frame) wrong(name, key string, args ...any) {
	if f.Faults == nil {
		f.Faults = faults{}
	}
	f.Faults[name] = f.say(key, args...)
}

// oneLine is a text without what nobody sees: controls, and spaces around and doubled.
func oneLine(text string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(visible), " ")
}

// someLines are those of a text that aren't empty. What stands before them as a list's mark is left out.
func someLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = oneLine(line)
		for _, mark := range []string{"- ", "• ", "* "} {
			line = strings.TrimPrefix(line, mark)
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// limited is a text of a form; one that is too long is a fault.
func (f *frame) limited(name, text string, most int) string {
	if len([]rune(text)) > most {
		f.wrong(name, "fault.long", most)
	}
	return text
}

// day is a day of a form, in either of the ways in which people write it.
func (f *frame) day(name, text string) ledger.Day {
	day, err := register.ReadDay(strings.TrimSpace(text))
	if err != nil {
		f.wrong(name, "fault.day")
		return ledger.Day(text)
	}
	return day
}

// read is the sheet that a form says.
func (p *sheetForm) read(r *http.Request) ledger.Sheet {
	sheet := ledger.Sheet{
		Service:     p.Service.ID,
		Weather:     ledger.Weather(r.PostFormValue("weather")),
		Highlights:  p.limited("highlights", someLines(r.PostFormValue("highlights")), longText),
		Referent:    p.limited("referent", oneLine(r.PostFormValue("referent")), shortText),
		QuestionsOn: p.day("questions_on", r.PostFormValue("questions_on")),
		NextSteps:   p.limited("next_steps", someLines(r.PostFormValue("next_steps")), longText),
	}
	if sheet.Weather != "" && !slices.Contains(ledger.Weathers(), sheet.Weather) {
		p.wrong("weather", "fault.choice")
	}
	for i := range mostPoints {
		if point, said := p.point(r, i, len(sheet.Points)); said {
			sheet.Points = append(sheet.Points, point)
		}
	}
	return sheet
}

// point is one watch point of the form, shown again in another place if there are empty ones before it; said is false
// where it is empty itself.
func (p *sheetForm) point(r *http.Request, i, shown int) (x ledger.WatchPoint, said bool) {
	typed := func(part string) string { return r.PostFormValue(fmt.Sprintf("%s-%d", part, i)) }
	name := func(part string) string { return fmt.Sprintf("%s-%d", part, shown) }
	x = ledger.WatchPoint{
		Text:       p.limited(name("point"), oneLine(typed("point")), shortText),
		Risk:       ledger.Risk(typed("risk")),
		Mitigation: p.limited(name("mitigation"), oneLine(typed("mitigation")), shortText),
	}
	switch {
	case x.Text == "" && x.Mitigation == "":
		return x, false
	case x.Text == "":
		p.wrong(name("point"), "fault.point.text")
	case !slices.Contains(ledger.Risks(), x.Risk):
		p.wrong(name("risk"), "fault.risk")
	}
	return x, true
}

// fill fills the form in with a sheet; its revision is that of what stands.
func (p *sheetForm) fill(sheet, standing ledger.Sheet, today ledger.Day) {
	p.Title = p.say("sheet.edit.of", p.ServiceName(p.Service.ID))
	p.Day, p.Revision = p.Date(today), revision(standing)
	for _, w := range append(ledger.Weathers(), ledger.UnsaidWeather) {
		p.Weather = append(p.Weather, option{string(w), p.say("weather." + string(w)), w == sheet.Weather})
	}
	p.Fields = make(map[string]field)
	for _, f := range []field{
		{Name: "highlights", Label: p.say("sheet.highlights"), Value: sheet.Highlights, Type: "textarea", Hint: p.say("sheet.lines.hint")},
		{Name: "next_steps", Label: p.say("sheet.next"), Value: sheet.NextSteps, Type: "textarea", Hint: p.say("sheet.lines.hint")},
		{Name: "referent", Label: p.say("sheet.referent"), Value: sheet.Referent},
		{Name: "questions_on", Label: p.say("sheet.questions"), Value: string(sheet.QuestionsOn), Type: "date"},
	} {
		f.Fault = p.Faults[f.Name]
		p.Fields[f.Name] = f
	}
	for i := range min(len(sheet.Points)+morePoints, mostPoints) {
		point := ledger.WatchPoint{}
		if i < len(sheet.Points) {
			point = sheet.Points[i]
		}
		p.Points = append(p.Points, p.pointFields(i, point))
	}
}

func (p *sheetForm) pointFields(i int, x ledger.WatchPoint) pointFields {
	of := func(name string, f field) field {
		f.Name = fmt.Sprintf("%s-%d", name, i)
		f.Fault = p.Faults[f.Name]
		return f
	}
	risks := []option{{}}
	for _, risk := range ledger.Risks() {
		risks = append(risks, option{string(risk), p.say("risk." + string(risk)), risk == x.Risk})
	}
	return pointFields{
		Legend:     p.say("sheet.point.n", i+1),
		Text:       of("point", field{Label: p.say("sheet.point"), Value: x.Text, Hint: p.say("sheet.point.hint")}),
		Risk:       of("risk", field{Label: p.say("risk"), Type: "select", Options: risks}),
		Mitigation: of("mitigation", field{Label: p.say("sheet.mitigation"), Value: x.Mitigation}),
	}
}

// differs notes what of a sheet is other than what stands by now, and tells whether anything is.
func (p *sheetForm) differs(typed, standing ledger.Sheet) bool {
	compare := func(label, yours, now string) { p.Conflicts = differ(p.Conflicts, p.say(label), yours, now) }
	compare("weather", p.say("weather."+string(typed.Weather)), p.say("weather."+string(standing.Weather)))
	compare("sheet.highlights", typed.Highlights, standing.Highlights)
	compare("sheet.referent", typed.Referent, standing.Referent)
	compare("sheet.questions", p.Date(typed.QuestionsOn), p.Date(standing.QuestionsOn))
	compare("sheet.next", typed.NextSteps, standing.NextSteps)
	compare("sheet.points", p.pointsSaid(typed.Points), p.pointsSaid(standing.Points))
	return p.Conflicts != nil
}

// pointsSaid are watch points in words, a line each.
func (f frame) pointsSaid(points []ledger.WatchPoint) string {
	lines := make([]string, len(points))
	for i, p := range points {
		lines[i] = fmt.Sprintf("%s (%s) → %s", p.Text, f.say("risk."+string(p.Risk)), p.Mitigation)
	}
	return strings.Join(lines, "\n")
}
