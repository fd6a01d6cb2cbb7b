package web

import "math"

// chart is a drawing of figures over time, with the same figures as a table for who doesn't see it or has no
// script. A page shows it by
//
//	{{template "chart" .Trend}}
//
// Made in Go:
//
//	trend := chart{speech: p.speech, ID: "trend", Title: "…", Unit: "pages", Across: "Mois", Labels: months}
//	trend.Series = []series{{Name: "Reçus", Kind: lineSeries, Values: received}}
//
// All texts are for people, in their language. A value that is nil is unknown: a gap in the drawing, a word in the
// table, never 0. Figures of different units have different charts.
type chart struct {
	speech
	ID     string // in the page, unique there
	Title  string
	Unit   string // behind the title
	Note   string // where the figures come from, what they leave out
	Across string // what the labels are, as "Mois"
	Size   string // empty: 16 rem high; "low": 9 rem
	Labels []string
	Series []series
	Target *float64 // a line across all labels
	Aim    string   // what the target is called
	Band   *band
}

// seriesKind is how values are drawn.
type seriesKind string

// The kinds.
const (
	lineSeries seriesKind = "line"
	barSeries  seriesKind = "bar" // those of one label side by side
	stepSeries seriesKind = "step"
)

// series are values, one for each label of the chart.
type series struct {
	Name   string
	Kind   seriesKind
	Values []*float64 // nil: unknown
}

// band is a range in which values are expected, one for each label of the chart, nil where there is none.
type band struct {
	Name      string
	Low, High []*float64
}

// known is a value of a chart.
func known(n int64) *float64 {
	v := float64(n)
	return &v
}

// knownIf is a value of a chart, unknown if n is nil.
func knownIf(n *int64) *float64 {
	if n == nil {
		return nil
	}
	return known(*n)
}

// Known tells whether there is anything to draw.
func (c chart) Known() bool {
	for _, s := range c.Series {
		for _, v := range s.Values {
			if v != nil {
				return true
			}
		}
	}
	return false
}

// key is an entry of a chart's legend: Look tells apart what is drawn, by colour, dashes and hatching.
type key struct {
	Name string
	Kind seriesKind
	Look string
}

// Legend is what is drawn how.
func (c chart) Legend() (list []key) {
	for i, s := range c.Series {
		list = append(list, key{s.Name, s.Kind, string(rune('1' + i))})
	}
	if c.Target != nil {
		list = append(list, key{c.Aim, lineSeries, "target"})
	}
	if c.Band != nil {
		list = append(list, key{c.Band.Name, "band", "band"})
	}
	return list
}

// Data is what the script draws.
func (c chart) Data() any {
	type drawn struct {
		Name   string     `json:"name"`
		Kind   seriesKind `json:"kind"`
		Values []*float64 `json:"values"`
	}
	data := struct {
		Labels []string   `json:"labels"`
		Series []drawn    `json:"series"`
		Target *float64   `json:"target"`
		Aim    string     `json:"aim"`
		Band   string     `json:"band,omitempty"`
		Low    []*float64 `json:"low,omitempty"`
		High   []*float64 `json:"high,omitempty"`
	}{Labels: c.Labels, Target: c.Target, Aim: c.Aim}
	for _, s := range c.Series {
		data.Series = append(data.Series, drawn{s.Name, s.Kind, s.fitted(len(c.Labels))})
	}
	if c.Band != nil {
		data.Band, data.Low, data.High = c.Band.Name, c.Band.Low, c.Band.High
	}
	return data
}

// fitted are n values, unknown where the series has none.
func (s series) fitted(n int) []*float64 {
	values := make([]*float64, n)
	copy(values, s.Values)
	return values
}

// columns are all values of the chart, for its table.
func (c chart) columns() (list []series, err error) {
	list = append(list, c.Series...)
	if c.Target != nil {
		aim := series{Name: c.Aim}
		for range c.Labels {
			aim.Values = append(aim.Values, c.Target)
		}
		list = append(list, aim)
	}
	if c.Band == nil {
		return list, nil
	}
	low, err := c.T("chart.low", c.Band.Name)
	if err != nil {
		return nil, err
	}
	high, err := c.T("chart.high", c.Band.Name)
	return append(list, series{Name: low, Values: c.Band.Low}, series{Name: high, Values: c.Band.High}), err
}

// Columns are the heads of the table.
func (c chart) Columns() (names []string, err error) {
	columns, err := c.columns()
	for _, s := range columns {
		names = append(names, s.Name)
	}
	return names, err
}

// chartRow is a row of the table.
type chartRow struct {
	Label string
	Cells []string
}

// Rows are those of the table, one for each label.
func (c chart) Rows() (rows []chartRow, err error) {
	columns, err := c.columns()
	if err != nil {
		return nil, err
	}
	for i, label := range c.Labels {
		row := chartRow{Label: label, Cells: make([]string, len(columns))}
		for j, s := range columns {
			if row.Cells[j], err = c.value(s.fitted(len(c.Labels))[i]); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// value words a value, to a tenth where it isn't whole.
func (s speech) value(v *float64) (string, error) {
	switch {
	case v == nil:
		return s.T("unknown")
	case *v == math.Trunc(*v):
		return s.T("chart.whole", int64(*v))
	}
	return s.T("chart.tenth", *v)
}
