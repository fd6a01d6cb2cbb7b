package board

// Column is a column of a table: what a query answers, a label of it, or what two others make.
type Column struct {
	Title string
	Label string // the label that is shown; the value, if empty
	Query Query  // none: the label is another column's or the key
	Less  *Less
	Unit  string
	Width int
	Looks []Property
}

// Less is the difference of two columns, named by the names of their queries.
type Less struct{ Name, Left, Right string }

// Value is a column of a query's values.
func Value(title, unit, ref, expr string, looks ...Property) Column {
	return Column{Title: title, Unit: unit, Query: Query{Source: Prometheus, Shape: Table, Text: expr, Ref: ref}, Looks: looks}
}

// Rows is a column of what InfluxDB answers: the query names it ref.
func Rows(title, unit, ref, influxql string, looks ...Property) Column {
	return Column{Title: title, Unit: unit, Query: Query{Source: InfluxDB, Shape: Table, Text: influxql, Ref: ref}, Looks: looks}
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

// Difference is a column of what is left of one column less another; unknown where one of them is.
func Difference(title, unit string, less Less, looks ...Property) Column {
	return Column{Title: title, Unit: unit, Less: &less, Looks: looks}
}

// Wide sets the width of a column in pixels.
func (c Column) Wide(pixels int) Column {
	c.Width = pixels
	return c
}

// fieldNames are Grafana's names for what columns show. Prometheus' values have the name of their
// query where a panel has several.
type fieldNames map[string]string

func namesOf(columns []Column) fieldNames {
	names, single := fieldNames{}, 0
	for _, c := range columns {
		if c.Query.Text != "" && c.Query.Source == Prometheus {
			names[c.Query.Ref] = "Value #" + c.Query.Ref
			single++
		} else if c.Query.Text != "" {
			names[c.Query.Ref] = c.Query.Ref
		}
	}
	if single == 1 {
		for ref, name := range names {
			if name != ref {
				names[ref] = "Value"
			}
		}
	}
	return names
}

func (n fieldNames) of(c Column) string {
	switch {
	case c.Label != "":
		return c.Label
	case c.Less != nil:
		return c.Less.Name
	}
	return n[c.Query.Ref]
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
	for _, c := range columns {
		if c.Query.Text != "" {
			queries = append(queries, c.Query)
		}
	}
	p := newPanel("table", title, says, &TableOptions{CellHeight: "sm", ShowHeader: true, SortBy: []SortBy{}}, queries).Size(24, 9)
	p.Fields.Defaults.Custom = Cells{Align: "auto", Cell: CellType{Type: "auto"}}
	p.Missing("—").Transformations = joined(key, columns, len(queries))
	for _, c := range columns {
		if looks := c.looks(); len(looks) > 0 {
			p.Override(Named(c.Title), looks...)
		}
	}
	return p
}

// joined makes one table of the answers, with the columns in their order.
func joined(key string, columns []Column, queries int) (steps []Transformation) {
	names := namesOf(columns)
	if queries > 1 {
		steps = append(steps, Transformation{"joinByField", map[string]any{"byField": key, "mode": "outer"}})
	}
	order, titles, kept := map[string]int{}, map[string]string{}, []string{}
	for i, c := range columns {
		if c.Less != nil {
			steps = append(steps, Transformation{"calculateField", map[string]any{
				"mode": "binary", "alias": c.Less.Name, "replaceFields": false,
				"binary": map[string]string{"left": names[c.Less.Left], "operator": "-", "right": names[c.Less.Right]},
			}})
		}
		field := names.of(c)
		order[field], titles[field] = i, c.Title
		kept = append(kept, field)
	}
	return append(steps,
		Transformation{"filterFieldsByName", map[string]any{"include": map[string]any{"names": kept}}},
		Transformation{"organize", map[string]any{"indexByName": order, "renameByName": titles, "excludeByName": map[string]bool{}}})
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
