package board

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Source is a kind of data source.
type Source string

// The kinds of data sources. Each is the name of the variable, too, by which a dashboard lets people
// choose among those that they have.
const (
	Prometheus Source = "prometheus"
	InfluxDB   Source = "influxdb"
	mixed      Source = "mixed"
)

// Datasource names a data source.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

func (s Source) datasource() *Datasource {
	if s == mixed {
		return &Datasource{Type: "datasource", UID: "-- Mixed --"}
	}
	return &Datasource{Type: string(s), UID: "${" + string(s) + "}"}
}

// Shape is what a query's answer is asked for as.
type Shape string

// The shapes.
const (
	Instant Shape = "instant" // the values at the end of the time range
	Table   Shape = "table"   // the same with labels as columns; of InfluxDB: rows
	Series  Shape = "series"  // values over the time range
)

// Query asks a data source. Its text is PromQL or InfluxQL.
type Query struct {
	Source Source
	Shape  Shape
	Text   string
	Legend string // of its series: {{label}} in Prometheus, $tag_label in InfluxDB
	Ref    string // its name in the panel; A, B, C… if empty
}

// Now asks Prometheus for values at the end of the time range.
func Now(expr, legend string) Query {
	return Query{Source: Prometheus, Shape: Instant, Text: expr, Legend: legend}
}

// Over asks Prometheus for series over the time range.
func Over(expr, legend string) Query {
	return Query{Source: Prometheus, Shape: Series, Text: expr, Legend: legend}
}

// History asks InfluxDB for series.
func History(influxql, legend string) Query {
	return Query{Source: InfluxDB, Shape: Series, Text: influxql, Legend: legend}
}

// MarshalJSON writes the query as Grafana's plugin for its data source wants it.
func (q Query) MarshalJSON() ([]byte, error) {
	switch q.Source {
	case Prometheus:
		return plain(struct {
			Ref        string      `json:"refId"`
			Datasource *Datasource `json:"datasource"`
			Expr       string      `json:"expr"`
			Legend     string      `json:"legendFormat"`
			Format     string      `json:"format"`
			Instant    bool        `json:"instant"`
			Range      bool        `json:"range"`
			Editor     string      `json:"editorMode"`
		}{q.Ref, q.Source.datasource(), q.Text, q.Legend, q.format(), q.Shape != Series, q.Shape == Series, "code"})
	case InfluxDB:
		return plain(struct {
			Ref        string      `json:"refId"`
			Datasource *Datasource `json:"datasource"`
			Query      string      `json:"query"`
			Alias      string      `json:"alias"`
			Format     string      `json:"resultFormat"`
			Raw        bool        `json:"rawQuery"`
		}{q.Ref, q.Source.datasource(), q.Text, q.Legend, q.format(), true})
	}
	return nil, fmt.Errorf("query %s: no such source %q", q.Ref, q.Source)
}

// plain is v as JSON in which < and > stand as they are.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// sourceOf is the data source of a panel with these queries.
func sourceOf(queries []Query) *Datasource {
	if len(queries) == 0 {
		return nil
	}
	for _, q := range queries {
		if q.Source != queries[0].Source {
			return mixed.datasource()
		}
	}
	return queries[0].Source.datasource()
}

// named are queries that all have a name.
func named(queries []Query) []Query {
	for i := range queries {
		if queries[i].Ref == "" {
			queries[i].Ref = string(rune('A' + i))
		}
	}
	return queries
}

// format is what both plugins call the shape of their answer.
func (q Query) format() string {
	if q.Shape == Table {
		return "table"
	}
	return "time_series"
}
