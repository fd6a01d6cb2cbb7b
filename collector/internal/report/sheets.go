package report

import (
	"cmp"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// columns is where a chart finds the months of each figure.
type columns struct {
	*sheet
	first, last int         // rows
	of          map[Key]int // columns
}

// indicators writes a row for each month: figures that charts are drawn from, so that unknown ones are blank.
func (b *book) indicators(r *Report) columns {
	s := b.sheet("report.sheet.indicators", 14)
	s.write("title", b.title(r))
	s.write("note", b.say("report.blank"))
	head := []any{b.say("report.column.month")}
	c := columns{sheet: s, of: map[Key]int{}}
	for i, key := range r.Keys() {
		name, err := b.Indicator(key)
		b.check(err)
		head = append(head, name)
		c.of[key] = i + 2
		column, err := excelize.ColumnNumberToName(i + 2)
		b.check(err)
		b.check(b.SetColWidth(s.name, column, column, 15))
	}
	b.check(b.SetRowHeight(s.name, s.row, 45))
	s.write("head", head...)
	s.freeze(1)
	c.first = s.row
	for _, past := range r.Trend {
		month, err := b.MonthShort(past.Month)
		b.check(err)
		row := []any{month}
		for _, key := range r.Keys() {
			row = append(row, orBlank(past.At(key)))
		}
		s.write("", row...)
	}
	c.last = s.row - 1
	c.chart(s, s.at(1, s.row+1), "report.axis.flows", "report.part.flows", flows(), r)
	c.chart(s, s.at(7, s.row+1), "report.axis.lines", "report.axis.lines", []Key{{indicators.ActiveLines, "lines"}, {indicators.MSSanteAddresses, "addresses"}}, r)
	return c
}

// flows are what goes in and out, by fax and by MSSanté.
func flows() []Key {
	return []Key{
		{indicators.FaxReceived, "pages"},
		{indicators.FaxSent, "pages"},
		{indicators.FaxInternal, "faxes"},
		{indicators.MSSanteReceived, "messages"},
		{indicators.MSSanteSent, "messages"},
	}
}

// Flows are those of them of which any month of the trend is known.
func (r *Report) Flows() (known []Key) {
	for _, key := range flows() {
		if r.known(key) {
			known = append(known, key)
		}
	}
	return known
}

// known tells whether any month of the trend has a figure.
func (r *Report) known(key Key) bool {
	for _, past := range r.Trend {
		if past.At(key).Value != nil {
			return true
		}
	}
	return false
}

// chart draws figures over the months; those of which nothing is known have no line.
func (c columns) chart(on *sheet, at, axis, title string, keys []Key, r *Report) {
	colours := map[indicators.Indicator]string{
		indicators.FaxReceived: "B3261E", indicators.FaxSent: "E08A1E", indicators.FaxInternal: "7B5EA7", indicators.ActiveLines: "B3261E",
		indicators.MSSanteReceived: "1F6FB2", indicators.MSSanteSent: "0B8F6A", indicators.MSSanteAddresses: "0B8F6A",
	}
	chart := &excelize.Chart{
		Type: excelize.Line, ShowBlanksAs: "gap", Dimension: excelize.ChartDimension{Width: 620, Height: 300},
		Title:  excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: on.say(title)}}},
		Legend: excelize.ChartLegend{Position: "bottom"},
		XAxis:  excelize.ChartAxis{Font: excelize.Font{Color: ink, Size: 9}},
		YAxis: excelize.ChartAxis{
			MajorGridLines: true, Minimum: new(float64), Font: excelize.Font{Color: ink, Size: 9},
			Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: on.say(axis)}}},
		},
	}
	for _, key := range keys {
		column, shown := c.of[key]
		if !shown || !r.known(key) {
			continue
		}
		chart.Series = append(chart.Series, excelize.ChartSeries{
			Name: c.one(column, c.first-1), Categories: c.cells(1, c.first, c.last), Values: c.cells(column, c.first, c.last),
			Fill: plain(colours[key.Indicator]), Line: excelize.LineOptions{Width: 2, Fill: plain(colours[key.Indicator])},
			Marker: excelize.ChartMarker{Symbol: "circle", Size: 5, Fill: plain(colours[key.Indicator])},
		})
	}
	if len(chart.Series) > 0 {
		on.check(on.AddChart(on.name, at, chart))
	}
}

// ink is the colour of what stands at axes.
const ink = "374151"

func plain(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}

// summary is the sheet that is printed for the committee.
func (b *book) summary(r *Report, figures columns) {
	s := b.sheet("report.sheet.summary", 36, 12, 13, 40, 12, 12, 11, 11, 12, 11)
	s.write("title", b.title(r))
	scope, err := b.Scope(r)
	b.check(err)
	s.write("note", scope)
	s.part("report.part.progress")
	s.head("state", "lines", "share")
	for _, row := range []struct {
		key   string
		lines int64
	}{
		{"cut", r.Progress.Cut}, {"planned", r.Progress.Planned}, {"late", r.Progress.Late}, {"kept", r.Progress.Kept}, {"lines", r.Progress.Lines},
	} {
		s.write("", b.say("report.progress."+row.key), row.lines, nil)
		if percent, ok := r.Progress.Share(row.lines); ok {
			s.cell(s.at(3, s.row-1), "share", percent/100)
		}
	}
	s.figures(r)
	s.corrections(r)
	s.part("report.part.forecast")
	forecast, err := b.Forecast(r.Forecast)
	b.check(err)
	s.write("note", forecast)
	s.part("report.part.flows")
	figures.chart(s, s.at(1, s.row), "report.axis.flows", "report.part.flows", flows(), r)
	beside := s.at(6, s.row)
	s.row += 16
	s.states(r, beside)
	s.activities(r)
	s.late(r)
	s.ranking("report.part.senders", r.Senders)
	s.ranking("report.part.receivers", r.Receivers)
	s.cuts(r)
	s.gains(r)
}

// figures is the table of the indicators.
func (s *sheet) figures(r *Report) {
	s.part("report.part.indicators")
	s.head("indicator", "value", "unit", "certainty", "before", "baseline", "target", "gap", "watched", "days")
	for i := range r.Indicators {
		x := &r.Indicators[i]
		name, err := s.Indicator(x.Key)
		s.check(err)
		unit, err := s.Unit(x.Now.Unit)
		s.check(err)
		sure, err := s.Certainty(x.Now)
		s.check(err)
		s.write("", name, orUnknown(x.Now), unit, sure, orUnknown(x.Before), orUnknown(x.Base), orEmpty(x.Now.Target), orEmpty(x.Now.Gap),
			x.Now.Completeness.Watched, int64(x.Now.Completeness.Days))
		if x.Now.Gap != nil {
			s.cell(s.at(8, s.row-1), "gap", *x.Now.Gap)
		}
	}
}

// states is the table of them, with its chart.
func (s *sheet) states(r *Report, chart string) {
	s.part("report.part.states", s.Day(r.At))
	s.head("state", "lines")
	first := s.row
	for _, state := range r.States {
		s.write("", s.say("report.state."+string(state.State)), state.Lines)
	}
	s.bars(chart, s.say("report.part.states", s.Day(r.At)), excelize.Col, first, bar{2, "1F6FB2"})
}

// corrections are what the figures of a closed month would be now.
func (s *sheet) corrections(r *Report) {
	if len(r.Corrections) == 0 {
		return
	}
	s.part("report.part.corrections")
	s.head("indicator", "frozen", "today")
	for i := range r.Corrections {
		x := &r.Corrections[i]
		name, err := s.Indicator(KeyOf(x.Figure()))
		s.check(err)
		s.write("", name, ValueOf(x.Then), ValueOf(x.Now))
	}
}

// ValueOf is a figure's; unknown where there is none.
func ValueOf(f *indicators.Figure) *int64 {
	if f == nil {
		return nil
	}
	return f.Value
}

// bar is a series of a chart: a column, and its colour.
type bar struct {
	column int
	colour string
}

// bars is a chart of the rows from first until now, which are named in the first column.
func (s *sheet) bars(at, title string, kind excelize.ChartType, first int, series ...bar) {
	if s.row == first {
		return
	}
	one := false
	chart := &excelize.Chart{
		Type: kind, Dimension: excelize.ChartDimension{Width: 480, Height: 300}, VaryColors: &one,
		Legend: excelize.ChartLegend{Position: "bottom"}, Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title}}},
		XAxis: excelize.ChartAxis{Font: excelize.Font{Color: ink, Size: 9}, ReverseOrder: kind == excelize.BarStacked},
		YAxis: excelize.ChartAxis{Font: excelize.Font{Color: ink, Size: 9}, MajorGridLines: true},
	}
	if len(series) == 1 {
		chart.Legend.Position = "none"
	}
	for _, x := range series {
		chart.Series = append(chart.Series, excelize.ChartSeries{
			Name: s.one(x.column, first-1), Categories: s.cells(1, first, s.row-1), Values: s.cells(x.column, first, s.row-1), Fill: plain(x.colour),
		})
	}
	s.check(s.AddChart(s.name, at, chart))
}

// activities is the kit's table.
func (s *sheet) activities(r *Report) {
	s.part("report.part.activities")
	s.head("activity", "faxes", "cut", "left")
	first := s.row
	for _, a := range r.Activities {
		s.write("", cmp.Or(r.ActivityName(a.ID), s.say("report.unassigned")), a.Lines, a.Cut)
		s.cell(s.at(4, s.row-1), "number", a.Lines-a.Cut)
	}
	s.bars(s.at(6, first-1), s.say("report.part.activities"), excelize.BarStacked, first, bar{3, "0B8F6A"}, bar{4, "C8CDD3"})
	s.write("total", s.say("report.total"), r.Progress.Lines, r.Progress.Cut, r.Progress.Lines-r.Progress.Cut)
	s.row = max(s.row, first+14)
}

func (s *sheet) late(r *Report) {
	s.part("report.part.late")
	s.head("service", "late", "active", "since", "days.late")
	for _, x := range r.Late {
		s.write("", s.service(r, x.Service), x.Lines, x.Active, x.Since, int64(x.Days))
	}
	s.ifNone(len(r.Late))
}

// ifNone says that a table has no rows.
func (s *sheet) ifNone(rows int) {
	if rows == 0 {
		s.write("note", s.say("report.none"))
	}
}

func (s *sheet) ranking(part string, ranking Ranking) {
	s.part(part)
	s.head("service", "count", "unit", "certainty")
	for _, rank := range ranking.Largest {
		unit, err := s.Unit(rank.Unit)
		s.check(err)
		sure, err := s.Certainty(rank.Figure)
		s.check(err)
		s.write("", cmp.Or(rank.Scope.Name, s.say("report.unassigned")), rank.Value, unit, sure)
	}
	s.ifNone(len(ranking.Largest))
}

func (s *sheet) cuts(r *Report) {
	s.part("report.part.cuts")
	s.head("day", "lines", "service")
	for _, cut := range r.Cuts[:min(len(r.Cuts), most)] {
		s.write("", cut.Day, cut.Lines, r.ServiceNames(cut.Services, s.say("report.unassigned")))
	}
	s.ifNone(len(r.Cuts))
}

func (s *sheet) gains(r *Report) {
	s.part("report.part.gains")
	s.head("indicator", "baseline", "value", "unit", "avoided")
	for _, gain := range r.Gains {
		name, err := s.Indicator(gain.Key)
		s.check(err)
		unit, err := s.Unit(gain.Unit)
		s.check(err)
		s.write("", name, gain.Base, gain.Now, unit, gain.Avoided)
	}
	if len(r.Gains) == 0 {
		s.write("note", s.say("report.unknown"))
	}
	for _, gain := range []string{"ecology", "time", "security", "traceability"} {
		s.write("note", s.say("report.gain."+gain))
	}
}

// service is what a service is called.
func (s *sheet) service(r *Report, id string) string {
	return cmp.Or(r.ServiceName(id), s.say("report.unassigned"))
}

func (b *book) services(r *Report) {
	s := b.sheet("report.sheet.services", 30, 24, 26, 9, 12, 10, 11, 12, 12, 14, 12, 12, 12, 12)
	keys := []Key{{indicators.ActiveLines, "lines"}, {indicators.FaxSent, "pages"}, {indicators.FaxReceived, "pages"}, {indicators.MSSanteAddresses, "addresses"}, {indicators.MSSanteSent, "messages"}, {indicators.MSSanteReceived, "messages"}}
	head := []any{}
	for _, key := range []string{"service", "pole", "establishment", "lines", "cut", "late", "kept"} {
		head = append(head, b.say("report.column."+key))
	}
	for _, key := range keys {
		name, err := b.Indicator(key)
		b.check(err)
		head = append(head, name)
	}
	b.check(b.SetRowHeight(s.name, s.row, 45))
	s.write("head", append(head, b.say("report.column.watched"))...)
	s.freeze(1)
	for i := range r.Services {
		x := &r.Services[i]
		row := []any{cmp.Or(x.Name, b.say("report.unassigned")), r.PoleName(x.Pole), r.EstablishmentName(x.Establishment), x.Lines, x.Cut, x.Late, x.Kept}
		for _, key := range keys {
			row = append(row, orUnknown(x.At(key)))
		}
		s.write("", append(row, x.At(keys[1]).Completeness.Watched)...)
	}
	s.filter(len(head) + 1)
}

// filter lets readers filter a table that fills a sheet.
func (s *sheet) filter(columns int) {
	s.check(s.AutoFilter(s.name, "A1:"+s.at(columns, max(s.row-1, 2)), nil))
}

func (b *book) lines(r *Report) {
	s := b.sheet("report.sheet.lines", 18, 28, 22, 24, 16, 14, 22, 13, 13, 17, 17)
	s.head("line", "service", "pole", "establishment", "state", "observed", "device", "cutoff", "cut.on", "last.fax", "last.reading")
	s.freeze(1)
	for i := range r.Lines {
		l := &r.Lines[i]
		s.write("", called(l), s.service(r, l.Service), r.PoleName(l.Pole), r.EstablishmentName(l.Establishment), b.say("report.state."+string(l.State)),
			b.say("report.state."+string(l.Observed)), l.Device, l.Cutoff, l.CutOn, l.LastFax, l.LastReading)
	}
	s.filter(11)
}

// called is what people know a line by.
func called(l *ledger.Line) string { return cmp.Or(l.Number, l.ID) }

func (b *book) after(r *Report) {
	s := b.sheet("report.sheet.after", 18, 28, 28, 14, 12, 12, 14, 17, 13, 13)
	s.head("line", "service", "kind", "certainty", "count", "unit", "way", "last", "cutoff", "cut.on")
	s.freeze(1)
	for i := range r.After {
		x := &r.After[i]
		for _, sum := range x.Sums {
			unit, err := b.Unit(sum.Unit)
			b.check(err)
			s.write("", called(&x.Line), s.service(r, x.Service), b.say("report.kind."+string(x.Kind)), b.say("report.event."+string(sum.Certainty)),
				Counted(sum), unit, b.say("report.way."+string(ledger.DirectionOf(sum.Measure))), sum.Last, x.Cutoff, x.CutOn)
		}
	}
	s.ifNone(len(r.After))
}

// Counted is how much it was; nil where a counter began anew, and nobody knows.
func Counted(s ledger.AfterSum) *int64 {
	if s.Count == 0 {
		return nil
	}
	return &s.Count
}

func (b *book) exceptions(r *Report) {
	s := b.sheet("report.sheet.exceptions", 18, 28, 24, 50, 14, 14, 16)
	s.head("line", "service", "establishment", "reason", "review", "due", "observed")
	s.freeze(1)
	for i := range r.Exceptions {
		x := &r.Exceptions[i]
		due := ""
		if x.Due {
			due = b.say("report.yes")
		}
		s.write("", called(&x.Line), s.service(r, x.Service), r.EstablishmentName(x.Establishment), x.KeptReason, x.KeptUntil, due, b.say("report.state."+string(x.Observed)))
	}
	s.ifNone(len(r.Exceptions))
}

// weather is what the services' sheets say.
func (b *book) weather(r *Report) {
	s := b.sheet("report.sheet.weather", 28, 14, 14, 14, 40, 50, 40, 24)
	s.head("service", "situation", "weather", "risk", "highlights", "points", "steps", "referent")
	s.freeze(1)
	for i := range r.Weather {
		x := &r.Weather[i]
		points, err := b.Points(*x)
		b.check(err)
		s.write("", s.service(r, x.Service), x.Day, b.say("report.weather."+string(x.Weather)), b.say("report.risk."+string(x.Worst)),
			x.Highlights, strings.Join(points, "\n"), x.NextSteps, x.Referent)
	}
	s.ifNone(len(r.Weather))
	if unsaid, err := b.Count("report.unsaid", int64(r.Unsaid)); r.Unsaid > 0 {
		b.check(err)
		s.write("note", unsaid)
	}
}

// completeness is how many days of each month were watched or declared, and who wasn't seen.
func (b *book) completeness(r *Report) {
	s := b.sheet("report.sheet.completeness", 18, 28, 16, 16, 16, 16, 16, 16, 16, 16)
	head := []any{b.say("report.column.month"), b.say("report.column.days")}
	for _, key := range r.Keys() {
		name, err := b.Indicator(key)
		b.check(err)
		head = append(head, name)
	}
	b.check(b.SetRowHeight(s.name, s.row, 45))
	s.write("head", head...)
	s.freeze(1)
	for _, past := range r.Trend {
		month, err := b.MonthShort(past.Month)
		b.check(err)
		row := []any{month, int64(past.At(Key{indicators.ActiveLines, "lines"}).Completeness.Days)}
		for _, key := range r.Keys() {
			f := past.At(key)
			if f.Value == nil && f.Completeness.Watched == 0 {
				row = append(row, blank{})
				continue
			}
			row = append(row, f.Completeness.Watched)
		}
		s.write("", row...)
	}
	s.part("report.part.blind")
	s.head("line", "service", "last.reading")
	for i := range r.Blind {
		s.write("", called(&r.Blind[i]), s.service(r, r.Blind[i].Service), r.Blind[i].LastReading)
	}
	s.ifNone(len(r.Blind))
}
