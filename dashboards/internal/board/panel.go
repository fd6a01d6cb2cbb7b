package board

// Panel is one picture, table or text.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description,omitempty"`
	Grid            Grid             `json:"gridPos"`
	Datasource      *Datasource      `json:"datasource,omitempty"`
	Interval        string           `json:"interval,omitempty"` // the shortest that a step may be
	TimeFrom        string           `json:"timeFrom,omitempty"` // instead of the dashboard's time range
	HideTime        bool             `json:"hideTimeOverride,omitempty"`
	Queries         []Query          `json:"targets,omitempty"`
	Transformations []Transformation `json:"transformations,omitempty"`
	Fields          *Fields          `json:"fieldConfig,omitempty"`
	Options         any              `json:"options,omitempty"`
	Collapsed       *bool            `json:"collapsed,omitempty"` // of a row
	Panels          []*Panel         `json:"panels,omitzero"`     // of a row that is collapsed
}

// Grid is where a panel stands: 24 columns, rows of 38 pixels.
type Grid struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

func newPanel(kind, title, says string, options any, queries []Query) *Panel {
	return &Panel{
		Type: kind, Title: title, Description: says, Options: options, Queries: named(queries), Datasource: sourceOf(queries),
		Fields: &Fields{Defaults: Field{Thresholds: &Thresholds{Mode: "absolute", Steps: []Step{{Color: Plain}}}}, Overrides: []Override{}},
	}
}

// Size sets how wide and how high the panel is.
func (p *Panel) Size(w, h int) *Panel {
	p.Grid.W, p.Grid.H = w, h
	return p
}

// Unit sets in what values are told, by Grafana's name for it.
func (p *Panel) Unit(unit string) *Panel {
	p.Fields.Defaults.Unit = unit
	return p
}

// Decimals sets how many decimals values have.
func (p *Panel) Decimals(n int) *Panel {
	p.Fields.Defaults.Decimals = &n
	return p
}

// Between sets the least and the greatest value of scales.
func (p *Panel) Between(least, most float64) *Panel {
	p.Fields.Defaults.Min, p.Fields.Defaults.Max = &least, &most
	return p
}

// FromZero lets scales begin at 0.
func (p *Panel) FromZero() *Panel {
	p.Fields.Defaults.Min = new(float64)
	return p
}

// NoValue sets what stands where a query answers nothing; in tables, where there is no row.
func (p *Panel) NoValue(text string) *Panel {
	p.Fields.Defaults.NoValue = text
	return p
}

// Steps sets the colours of values: base, then from each step on another.
func (p *Panel) Steps(base string, steps ...Step) *Panel {
	p.Fields.Defaults.Thresholds = &Thresholds{Mode: "absolute", Steps: append([]Step{{Color: base}}, steps...)}
	p.Fields.Defaults.Color = &Color{Mode: "thresholds"}
	return p
}

// Missing sets what stands in the cells of a table that have no value.
func (p *Panel) Missing(text string) *Panel {
	p.Fields.Defaults.Mappings = Absent(text)
	return p
}

// Link adds links that are offered on values.
func (p *Panel) Link(links ...DataLink) *Panel {
	p.Fields.Defaults.Links = append(p.Fields.Defaults.Links, links...)
	return p
}

// Override sets properties of the fields that a matcher finds.
func (p *Panel) Override(m Matcher, properties ...Property) *Panel {
	p.Fields.Overrides = append(p.Fields.Overrides, Override{m, properties})
	return p
}

// Step sets the shortest step of its queries, such as 1d.
func (p *Panel) Step(interval string) *Panel {
	p.Interval = interval
	return p
}

// Last shows this much time, such as 24M, whatever the dashboard shows.
func (p *Panel) Last(span string) *Panel {
	p.TimeFrom, p.HideTime = span, true
	return p
}

// Then adds transformations.
func (p *Panel) Then(t ...Transformation) *Panel {
	p.Transformations = append(p.Transformations, t...)
	return p
}

// Transformation changes what queries answered before it is shown.
type Transformation struct {
	ID      string `json:"id"`
	Options any    `json:"options"`
}
