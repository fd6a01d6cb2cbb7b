package board

import "slices"

// Column is a column of a table: what a query answers, or a label of it.
type Column struct {
	Title string
	Label string // the label that is shown; the value, if empty
	Query Query  // none: the label is another column's or the key
	Unit  string
	Width int
	Looks []Property
}

// Value is a column of a query's values.
func Value(title, unit, ref, expr string, looks ...Property) Column {
	return Column{Title: title, Unit: unit, Query: Query{Source: Prometheus, Shape: Table, Text: expr, Ref: ref}, Looks: looks}
}

// Label is a column of a label of another column's query.
func Label(title, label string, looks ...Property) Column {
	return Column{Title: title, Label: label, Looks: looks}
}

// LabelOf is a column of a label of a query's answer.
func LabelOf(title, label, ref, expr string, looks ...Property) Column {
	c := Value(title, "", ref, expr, looks...)
	c.Label = label
	return c
}

// Wide sets the width of a column in pixels.
func (c Column) Wide(pixels int) Column {
	c.Width = pixels
	return c
}

func (c Column) field() string {
	if c.Label != "" {
		return c.Label
	}
	if c.Query.Source == InfluxDB {
		return c.Query.Legend
	}
	return "Value #" + c.Query.Ref
}

// TableOptions are those of tables.
type TableOptions struct {
	CellHeight string   `json:"cellHeight"`
	FrameIndex int      `json:"frameIndex"`
	ShowHeader bool     `json:"showHeader"`
	SortBy     []SortBy `json:"sortBy"`
}

// SortBy is by which column a table is sorted.
type SortBy struct {
	Column     string `json:"displayName"`
	Descending bool   `json:"desc"`
}

// Cells is how the cells of a table look.
type Cells struct {
	Align      string   `json:"align"`
	Cell       CellType `json:"cellOptions"`
	Filterable bool     `json:"filterable"`
	Inspect    bool     `json:"inspect"`
}

// CellType is what a cell is.
type CellType struct {
	Type  string `json:"type"`
	Mode  string `json:"mode,omitempty"`
	Value string `json:"valueDisplayMode,omitempty"`
}

// Tabled is a table of a row for each value of the label key, by which the answers of all columns'
// queries are joined.
func Tabled(title, says, key string, columns ...Column) *Panel {
	var queries []Query
	order, names, include := map[string]int{}, map[string]string{}, []string{}
	for i, c := range columns {
		if c.Query.Text != "" {
			queries = append(queries, c.Query)
		}
		order[c.field()], names[c.field()] = i, c.Title
		include = append(include, c.field())
	}
	if len(queries) == 1 { // Grafana's name for the values of a table's only query
		replace(order, "Value #"+queries[0].Ref, "Value")
		replace(names, "Value #"+queries[0].Ref, "Value")
		if i := slices.Index(include, "Value #"+queries[0].Ref); i >= 0 {
			include[i] = "Value"
		}
	}
	p := newPanel("table", title, says, &TableOptions{CellHeight: "sm", ShowHeader: true, SortBy: []SortBy{}}, queries).Size(24, 9)
	p.Fields.Defaults.Custom = Cells{Align: "auto", Cell: CellType{Type: "auto"}}
	if len(queries) > 1 {
		p.Then(Transformation{"joinByField", map[string]any{"byField": key, "mode": "outer"}})
	}
	p.Then(
		Transformation{"filterFieldsByName", map[string]any{"include": map[string]any{"names": include}}},
		Transformation{"organize", map[string]any{"indexByName": order, "renameByName": names, "excludeByName": map[string]bool{}}},
	)
	for _, c := range columns {
		if looks := c.looks(); len(looks) > 0 {
			p.Override(Named(c.Title), looks...)
		}
	}
	return p
}

func (c Column) looks() (looks []Property) {
	if c.Unit != "" {
		looks = append(looks, Property{"unit", c.Unit})
	}
	if c.Width != 0 {
		looks = append(looks, Property{"custom.width", c.Width})
	}
	return append(looks, c.Looks...)
}

// Sorted sorts a table by a column.
func (p *Panel) Sorted(column string, descending bool) *Panel {
	p.Options.(*TableOptions).SortBy = []SortBy{{column, descending}}
	return p
}

func replace[V any](m map[string]V, old, new string) {
	if v, ok := m[old]; ok {
		delete(m, old)
		m[new] = v
	}
}
