package board

import "time"

// Reduce says which value of a series is shown.
type Reduce struct {
	Calcs  []string `json:"calcs"`
	Fields string   `json:"fields"`
	Values bool     `json:"values"`
}

var last = Reduce{Calcs: []string{"lastNotNull"}}

// StatOptions are those of big numbers.
type StatOptions struct {
	ColorMode              string `json:"colorMode"`
	GraphMode              string `json:"graphMode"`
	JustifyMode            string `json:"justifyMode"`
	Orientation            string `json:"orientation"`
	PercentChangeColorMode string `json:"percentChangeColorMode"`
	ReduceOptions          Reduce `json:"reduceOptions"`
	ShowPercentChange      bool   `json:"showPercentChange"`
	TextMode               string `json:"textMode"`
	WideLayout             bool   `json:"wideLayout"`
}

// Stat is a big number for each series.
func Stat(title, says string, queries ...Query) *Panel {
	return newPanel("stat", title, says, &StatOptions{
		ColorMode: "value", GraphMode: "none", JustifyMode: "auto", Orientation: "auto", PercentChangeColorMode: "standard",
		ReduceOptions: last, TextMode: "auto", WideLayout: true,
	}, queries).Size(4, 4)
}

// BarGaugeOptions are those of bars with a value each.
type BarGaugeOptions struct {
	DisplayMode   string `json:"displayMode"`
	MaxVizHeight  int    `json:"maxVizHeight"`
	MinVizHeight  int    `json:"minVizHeight"`
	MinVizWidth   int    `json:"minVizWidth"`
	NamePlacement string `json:"namePlacement"`
	Orientation   string `json:"orientation"`
	ReduceOptions Reduce `json:"reduceOptions"`
	ShowUnfilled  bool   `json:"showUnfilled"`
	Sizing        string `json:"sizing"`
	ValueMode     string `json:"valueMode"`
	Legend        Legend `json:"legend"`
	Text          Sizes  `json:"text"`
}

// Sizes are those of texts in pixels.
type Sizes struct {
	Title int `json:"titleSize"`
	Value int `json:"valueSize"`
}

// BarGauge is a bar for each series.
func BarGauge(title, says string, queries ...Query) *Panel {
	return newPanel("bargauge", title, says, &BarGaugeOptions{
		DisplayMode: "basic", MaxVizHeight: 32, MinVizHeight: 16, MinVizWidth: 8, NamePlacement: "left", Orientation: "horizontal",
		ReduceOptions: last, ShowUnfilled: true, Sizing: "manual", ValueMode: "text", Legend: legend(), Text: Sizes{12, 15},
	}, queries).FromZero().Size(8, 8)
}

// Legend names the series of a graph.
type Legend struct {
	Calcs       []string `json:"calcs"`
	DisplayMode string   `json:"displayMode"`
	Placement   string   `json:"placement"`
	ShowLegend  bool     `json:"showLegend"`
}

func legend() Legend {
	return Legend{Calcs: []string{}, DisplayMode: "list", Placement: "bottom", ShowLegend: true}
}

// Tooltip is what the pointer shows.
type Tooltip struct {
	Mode string `json:"mode"`
	Sort string `json:"sort"`
}

// GraphOptions are those of graphs over time.
type GraphOptions struct {
	Legend  Legend  `json:"legend"`
	Tooltip Tooltip `json:"tooltip"`
}

// Graph is how a series is drawn.
type Graph struct {
	DrawStyle         string   `json:"drawStyle"`
	LineInterpolation string   `json:"lineInterpolation"`
	LineWidth         int      `json:"lineWidth"`
	FillOpacity       int      `json:"fillOpacity"`
	ShowPoints        string   `json:"showPoints"`
	PointSize         int      `json:"pointSize"`
	SpanNulls         bool     `json:"spanNulls"`
	BarAlignment      int      `json:"barAlignment"`
	BarWidthFactor    float64  `json:"barWidthFactor"`
	Stacking          Stacking `json:"stacking"`
	InsertNulls       any      `json:"insertNulls"` // false, or after how many milliseconds without a value a line breaks
}

// Stacking says whether series stand on each other.
type Stacking struct {
	Mode  string `json:"mode"`
	Group string `json:"group"`
}

// Lines is a graph of lines over time.
func Lines(title, says string, queries ...Query) *Panel {
	return graph(title, says, Graph{
		DrawStyle: "line", LineInterpolation: "linear", LineWidth: 2, FillOpacity: 8, ShowPoints: "auto", PointSize: 5, BarWidthFactor: 0.8, InsertNulls: false, Stacking: Stacking{"none", "A"},
	}, queries)
}

// Bars is a graph of bars over time.
func Bars(title, says string, queries ...Query) *Panel {
	return graph(title, says, Graph{
		DrawStyle: "bars", LineInterpolation: "linear", LineWidth: 1, FillOpacity: 70, ShowPoints: "never", PointSize: 5, BarWidthFactor: 0.8, InsertNulls: false, Stacking: Stacking{"none", "A"},
	}, queries)
}

// Dashed draws a series as a dashed line.
func Dashed() Property {
	return Property{"custom.lineStyle", map[string]any{"fill": "dash", "dash": []int{8, 6}}}
}

// Apart breaks lines where there is no value for so long; values are no further apart than that.
func (p *Panel) Apart(gap time.Duration) *Panel {
	g := p.Fields.Defaults.Custom.(Graph)
	g.InsertNulls = gap.Milliseconds()
	p.Fields.Defaults.Custom = g
	return p
}

// Dotted shows each value, and breaks lines as Apart does.
func (p *Panel) Dotted(gap time.Duration) *Panel {
	g := p.Fields.Defaults.Custom.(Graph)
	g.ShowPoints = "always"
	p.Fields.Defaults.Custom = g
	return p.Apart(gap)
}

// Line draws one series of bars as a line.
func Line() []Property {
	return []Property{{"custom.drawStyle", "line"}, {"custom.lineWidth", 2}, {"custom.fillOpacity", 0}}
}

// Steplike draws lines that stay until the next value.
func (p *Panel) Steplike() *Panel {
	g := p.Fields.Defaults.Custom.(Graph)
	g.LineInterpolation = "stepAfter"
	p.Fields.Defaults.Custom = g
	return p
}

func graph(title, says string, g Graph, queries []Query) *Panel {
	p := newPanel("timeseries", title, says, &GraphOptions{legend(), Tooltip{"multi", "desc"}}, queries).Size(12, 8).FromZero()
	p.Fields.Defaults.Custom = g
	p.Fields.Defaults.Color = &Color{Mode: "palette-classic"}
	return p
}

// TextOptions are those of a text.
type TextOptions struct {
	Content string `json:"content"`
	Mode    string `json:"mode"`
}

// Text is a text in Markdown.
func Text(title, markdown string) *Panel {
	return &Panel{Type: "text", Title: title, Options: &TextOptions{markdown, "markdown"}}
}
