package board

// Variable is what people choose at the top of a dashboard.
type Variable struct {
	Type        string      `json:"type"`
	Name        string      `json:"name"`
	Label       string      `json:"label"`
	Description string      `json:"description,omitempty"`
	Query       any         `json:"query"`
	Datasource  *Datasource `json:"datasource,omitempty"`
	Regex       string      `json:"regex,omitempty"`
	Refresh     int         `json:"refresh,omitempty"`
	Sort        int         `json:"sort,omitempty"`
	Multi       bool        `json:"multi,omitempty"`
	IncludeAll  bool        `json:"includeAll,omitempty"`
	AllValue    string      `json:"allValue,omitempty"`
	Current     *Choice     `json:"current,omitempty"`
	Options     []Choice    `json:"options,omitempty"`
	Hide        int         `json:"hide"`
}

// Choice is a value of a variable, and what people read.
type Choice struct {
	Text     string `json:"text"`
	Value    string `json:"value"`
	Selected bool   `json:"selected,omitempty"`
}

const (
	onTimeRange    = 2 // refresh whenever the time range changes
	alphabetically = 5 // whatever the case
	hideVariable   = 2
)

// OfSource lets people choose a data source of a kind; the first or the default one stands at first.
func OfSource(s Source, label string) Variable {
	return Variable{Type: "datasource", Name: string(s), Label: label, Query: string(s), Refresh: 1}
}

// Of lets people choose among what a query of Prometheus answers. The regex takes from each series,
// written as {label="value",…}, the groups value and text.
func Of(name, label, query, regex string) Variable {
	return Variable{
		Type: "query", Name: name, Label: label, Datasource: Prometheus.datasource(), Regex: regex, Refresh: onTimeRange, Sort: alphabetically,
		Query: map[string]any{"query": "query_result(" + query + ")", "refId": name, "qryType": 3},
	}
}

// Many lets people choose several values, or all of them, which is what stands at first.
func (v Variable) Many(all string) Variable {
	v.Multi, v.IncludeAll, v.AllValue = true, true, ".*"
	v.Current = &Choice{Text: all, Value: "$__all", Selected: true}
	return v
}

// Hidden keeps the variable from being shown; value is what it is at first.
func (v Variable) Hidden(value string) Variable {
	v.Hide, v.Current = hideVariable, &Choice{Text: value, Value: value}
	return v
}

// Input is a text that people may change.
func Input(name, label, description, value string) Variable {
	c := Choice{Text: value, Value: value, Selected: true}
	return Variable{Type: "textbox", Name: name, Label: label, Description: description, Query: value, Current: &c, Options: []Choice{c}}
}
