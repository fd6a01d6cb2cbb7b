package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
	"github.com/zerofax/zerofax/collector/internal/report"
)

// committeeBooks is what the committee's page needs of the ledger, beside what others do.
type committeeBooks interface {
	FirstMonth(ctx context.Context) (ledger.Month, error)
	AfterDates(ctx context.Context, month ledger.Month) ([]ledger.AfterSum, error)
	Closed(ctx context.Context, from, to ledger.Month, level string) ([]ledger.Closing, error)
	Sheets(ctx context.Context, at ledger.Day) ([]ledger.Sheet, error)
}

func (s scope) AfterDates(ctx context.Context, month ledger.Month) ([]ledger.AfterSum, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	sums, err := s.all.AfterDates(ctx, month)
	return keep(sums, func(x *ledger.AfterSum) bool { return view.lines[x.Line] }), err
}

// Closed leaves out what was frozen of the whole: it is not the sum of what the reader sees.
func (s scope) Closed(ctx context.Context, from, to ledger.Month, level string) ([]ledger.Closing, error) {
	all, err := s.all.Closed(ctx, from, to, level)
	all = slices.Clone(all)
	for i := range all {
		all[i].Figures = keep(all[i].Figures, func(x *ledger.ClosedFigure) bool {
			return x.Level != string(indicators.Whole) && s.who.Sees(x.Establishment)
		})
	}
	return all, err
}

// committeePage is what the committee looks at, for the screen and for paper.
type committeePage struct {
	frame
	Words   report.Words
	Report  *report.Report // nil: there is none
	Choices []field
	Problem string // why there is no report
	XLSX    string // link
	Flows   chart

	Waves     []comingWave // the next ones
	MoreWaves int

	Most, MostSheets int // rows of long lists
}

// How many rows of long lists, and of the services' sheets, stand on the page: it is to be printed on two sheets of A4.
const (
	committeeRows   = 8
	committeeSheets = 12
)

func (s *site) committeePage(w http.ResponseWriter, r *http.Request) {
	f, snapshot := s.frame(r, "title.committee", "month", "establishment")
	p := committeePage{frame: f, Words: report.In(f.language(), s.Location, snapshot.At), Most: committeeRows, MostSheets: committeeSheets}
	status := p.status()
	if !p.Fault {
		books, err := s.committee(r, &p, snapshot)
		if err == nil && p.Problem == "" {
			err = p.fill(books)
		}
		if err == nil && p.Problem == "" {
			err = s.committeeWaves(r, &p, snapshot)
		}
		if err != nil {
			s.Log.Error("read the books for the committee's page", "error", err)
			p.Fault = true
			status = p.status()
		}
		if p.Problem != "" {
			status = http.StatusBadRequest
		}
	}
	s.Render(w, status, "committee.html", p)
}

func (s *site) committeeXLSX(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.books(r).Snapshot(r.Context())
	speech := s.speech(r, snapshot.At)
	p := committeePage{frame: frame{speech: speech}, Words: report.In(speech.language(), s.Location, snapshot.At)}
	var file bytes.Buffer
	if err == nil {
		_, err = s.committee(r, &p, snapshot)
	}
	if err == nil && p.Problem != "" {
		http.Error(w, p.Problem, http.StatusBadRequest)
		return
	}
	if err == nil {
		err = p.Report.WriteXLSX(&file, p.Words)
	}
	if err != nil {
		s.Log.Error("make the committee's file", "error", err)
		http.Error(w, "the file can't be made; the log says why", http.StatusInternalServerError)
		return
	}
	name := joined("-", "copil", report.Text(p.Report.Month), p.Report.Establishment)
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name+".xlsx"))
	_, _ = file.WriteTo(w)
}

// committee makes the report that is asked for, or says what is wrong with what is asked. It gives the months
// to choose from.
func (s *site) committee(r *http.Request, p *committeePage, snapshot ledger.Snapshot) (known report.Known, err error) {
	books, q := s.books(r), r.URL.Query()
	if known, err = report.Find(r.Context(), books, snapshot, s.Location); err != nil {
		return known, err
	}
	month, establishment := known.Usual(), q.Get("establishment")
	if only := readerOf(r).Establishments; establishment == "" && len(only) == 1 {
		establishment = only[0] // what was frozen of it is known, of "all that the reader sees" it isn't
	}
	if text := q.Get("month"); text != "" {
		month, err = register.ReadMonth(text)
		if err != nil || known.Check(month) != nil {
			p.Problem, err = p.T("committee.no.month", report.Text(known.First), report.Text(known.Last))
			return known, err
		}
	}
	if _, declared := snapshot.Register.Establishments[establishment]; establishment != "" && !declared {
		p.Problem, err = p.T("committee.no.establishment")
		return known, err
	}
	read, err := report.Read(r.Context(), books, snapshot, month, establishment, s.Location)
	if err == nil {
		var made report.Report
		made, err = report.New(read, month, establishment)
		p.Report = &made
	}
	return known, err
}

// fill words what the report says.
func (p *committeePage) fill(known report.Known) error {
	month, err := p.Words.MonthName(p.Report.Month)
	if err == nil {
		p.Title, err = p.T("report.title", month)
	}
	if err == nil {
		err = p.choices(known)
	}
	if err == nil {
		p.XLSX = p.link("/committee.xlsx", "month", report.Text(p.Report.Month), "establishment", p.Report.Establishment)
		err = p.flows()
	}
	return err
}

// choices are the fields by which another month or establishment is shown.
func (p *committeePage) choices(known report.Known) (err error) {
	months := field{Name: "month", Type: "select", Value: report.Text(p.Report.Month)}
	if months.Label, err = p.T("report.column.month"); err != nil {
		return err
	}
	for m := known.Last; m >= known.First; m = m.Add(-1) {
		name, err := p.Words.MonthName(m)
		if err != nil {
			return err
		}
		months.Options = append(months.Options, option{Value: report.Text(m), Name: name})
	}
	p.Choices = []field{months}
	if len(p.register.Establishments) < 2 {
		return nil
	}
	where := field{Name: "establishment", Type: "select", Value: p.Report.Establishment}
	if where.Label, err = p.T("report.column.establishment"); err != nil {
		return err
	}
	whole, err := p.T("report.whole")
	for id := range p.register.Establishments {
		where.Options = append(where.Options, option{Value: id, Name: p.Report.EstablishmentName(id)})
	}
	slices.SortFunc(where.Options, func(a, b option) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	where.Options = append([]option{{Value: "", Name: whole}}, where.Options...)
	p.Choices = append(p.Choices, where)
	return err
}

// flows is the chart of what goes in and out, by fax and by MSSanté. Units differ and nothing is added up: each
// line says its own.
func (p *committeePage) flows() (err error) {
	c := chart{speech: p.speech, ID: "flows", Size: "low"}
	if c.Title, err = p.T("report.part.flows"); err != nil {
		return err
	}
	if c.Note, err = p.T("report.axis.flows"); err != nil {
		return err
	}
	if c.Across, err = p.T("report.column.month"); err != nil {
		return err
	}
	for _, past := range p.Report.Trend {
		label, err := p.Words.MonthShort(past.Month)
		if err != nil {
			return err
		}
		c.Labels = append(c.Labels, label)
	}
	for _, key := range p.Report.Flows() {
		line := series{Kind: lineSeries}
		if line.Name, err = p.Words.Indicator(key); err != nil {
			return err
		}
		for _, past := range p.Report.Trend {
			line.Values = append(line.Values, knownIf(past.At(key).Value))
		}
		c.Series = append(c.Series, line)
	}
	p.Flows = c
	return nil
}

// Number says a figure, unknown where it isn't known.
func (p committeePage) Number(n *int64) (string, error) { return p.value(knownIf(n)) }

// Whole says a number.
func (p committeePage) Whole(n int64) (string, error) { return p.T("chart.whole", n) }

// Signed says how far something is from something else, with its sign; empty where that isn't known.
func (p committeePage) Signed(n *int64) (string, error) {
	if n == nil {
		return "", nil
	}
	text, err := p.Whole(*n)
	if *n > 0 {
		text = "+" + text
	}
	return strings.Replace(text, "-", "−", 1), err
}

// Percent says the part of the lines, empty where there are none.
func (p committeePage) Percent(part int64) (string, error) {
	share, ok := p.Report.Progress.Share(part)
	if !ok {
		return p.T("unknown")
	}
	return p.T("committee.percent", share)
}

// Days says a number of days to a tenth.
func (p committeePage) Days(n float64) (string, error) { return p.days(n) }

// Sums says what was faxed on a line so surely, each measure in its own unit.
func (p committeePage) Sums(sums []ledger.AfterSum) (texts []string, err error) {
	for _, sum := range sums {
		text, err := p.T("unknown")
		if n := report.Counted(sum); n != nil {
			text, err = p.Amount(*n, sum.Unit)
		}
		if err != nil {
			return nil, err
		}
		way, err := p.T("report.way." + string(ledger.DirectionOf(sum.Measure)))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text+" "+way)
	}
	return texts, nil
}

// Certainties are how sure it may be that a fax came after a date, the surest first.
func (p committeePage) Certainties() []ledger.Certainty {
	return []ledger.Certainty{ledger.Certain, ledger.Probable, ledger.Unsure}
}

// Sure is how many lines faxed after their date beyond doubt, or nearly.
func (p committeePage) Sure() (n int64) {
	seen := map[string]bool{}
	for i := range p.Report.After {
		if a := &p.Report.After[i]; a.Kind == ledger.AfterCutoff && a.Sure() && !seen[a.Line.ID] {
			seen[a.Line.ID] = true
			n++
		}
	}
	return n
}

// Active is the figure of active lines.
func (p committeePage) Active() indicators.Figure {
	for i := range p.Report.Indicators {
		if x := &p.Report.Indicators[i]; x.Indicator == indicators.ActiveLines {
			return x.Now
		}
	}
	return indicators.Figure{}
}

// Department is what a service is called.
func (p committeePage) Department(id string) (string, error) {
	if id == "" {
		return p.T("unassigned")
	}
	return p.ServiceName(id), nil
}

// ranked is a ranking in words.
type ranked struct {
	Service, Count string // heads
	Rows           []rankedRow
	Silent         string // of whom nothing is known
}

type rankedRow struct{ Name, Amount, Certainty string }

// Ranked words a ranking.
func (p committeePage) Ranked(ranking report.Ranking) (r ranked, err error) {
	if r.Service, err = p.T("report.column.service"); err != nil {
		return r, err
	}
	if r.Count, err = p.T("report.column.count"); err != nil {
		return r, err
	}
	for _, x := range ranking.Largest {
		row := rankedRow{}
		if row.Name, err = p.Department(x.Scope.Service); err != nil {
			return r, err
		}
		if row.Amount, err = p.Amount(*x.Value, x.Unit); err != nil {
			return r, err
		}
		if x.Basis.Certainty != indicators.Certain {
			if row.Certainty, err = p.Words.Certainty(x.Figure); err != nil {
				return r, err
			}
		}
		r.Rows = append(r.Rows, row)
	}
	if ranking.Silent > 0 {
		r.Silent, err = p.Count("committee.silent", int64(ranking.Silent))
	}
	return r, err
}

// Corrections say what the figures of a closed month would be now.
func (p committeePage) Corrections() (texts []string, err error) {
	for i := range p.Report.Corrections {
		x := &p.Report.Corrections[i]
		name, err := p.Words.Indicator(report.KeyOf(x.Figure()))
		if err != nil {
			return nil, err
		}
		then, err := p.Number(report.ValueOf(x.Then))
		if err != nil {
			return nil, err
		}
		now, err := p.Number(report.ValueOf(x.Now))
		if err != nil {
			return nil, err
		}
		text, err := p.T("committee.correction", name, then, now)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// Gain says what was avoided, with both figures that it is the difference of.
func (p committeePage) Gain(g report.Gain) (string, error) {
	name, err := p.Words.Indicator(g.Key)
	if err != nil {
		return "", err
	}
	base, err := p.Amount(g.Base, g.Unit)
	if err != nil {
		return "", err
	}
	now, err := p.Amount(g.Now, g.Unit)
	if err != nil {
		return "", err
	}
	month, err := p.Words.MonthName(p.Report.Baseline)
	if err != nil {
		return "", err
	}
	key, size := "committee.avoided", g.Avoided
	if size < 0 {
		key, size = "committee.more.paper", -size
	}
	pages, err := p.Amount(size, g.Unit)
	if err != nil {
		return "", err
	}
	difference, err := p.T(key, pages)
	if err != nil {
		return "", err
	}
	return p.T("committee.gain", name, base, month, now, difference)
}

// More is how many rows of a list don't stand on the page.
func (p committeePage) More(rows int) int64 { return int64(max(0, rows-p.Most)) }
