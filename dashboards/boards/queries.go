package boards

import (
	"fmt"
	"strings"
	"time"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// Query is a query of a panel.
type Query struct {
	Dashboard string // its uid
	Panel     string // its title
	Source    string // prometheus or influxdb
	Shape     string // instant, table (instant, too), or series
	Text      string
	Step      time.Duration     // the shortest step that the panel asks for; 0: any
	Last      string            // how much time the panel shows, such as 24M, whatever the dashboard does; empty: the dashboard's range
	From      string            // the dashboard's range begins there, such as now-30d; it ends now
	Defaults  map[string]string // of the dashboard's variables, as they stand in a query
}

// Queries are all queries of all dashboards.
func Queries() (queries []Query) {
	for _, b := range All() {
		for _, p := range b.Panels {
			for _, q := range p.Queries {
				queries = append(queries, Query{
					Dashboard: b.UID, Panel: p.Title, Source: string(q.Source), Shape: string(q.Shape), Text: q.Text,
					Step: stepOf(p.Interval), Last: p.TimeFrom, From: b.Time.From, Defaults: defaults(b.Templating.List),
				})
			}
		}
	}
	return queries
}

func stepOf(interval string) time.Duration {
	if days, ok := strings.CutSuffix(interval, "d"); ok {
		interval = days + "h"
		d, _ := time.ParseDuration(interval)
		return 24 * d
	}
	d, _ := time.ParseDuration(interval)
	return d
}

// defaults are the values of variables that queries name: all of what there is, where people may
// choose it, else what they would have to choose: nothing.
func defaults(variables []board.Variable) map[string]string {
	values := map[string]string{}
	for _, v := range variables {
		switch {
		case v.Type == "datasource":
		case v.IncludeAll:
			values[v.Name] = v.AllValue
		case v.Current != nil:
			values[v.Name] = v.Current.Value
		default:
			values[v.Name] = ""
		}
	}
	return values
}

// At is the query as Grafana sends it for a time range and values of variables, which stand in the
// place of the defaults. Steps are 1/400 of the range, but not shorter than the panel's or than least.
func (q Query) At(from, to time.Time, least time.Duration, values map[string]string) string {
	step := max(to.Sub(from)/400, least, q.Step).Round(time.Second)
	pairs := []string{
		"$timeFilter", fmt.Sprintf("time >= %dms and time <= %dms", from.UnixMilli(), to.UnixMilli()),
		"$__rate_interval", seconds(max(4*least, step+least)),
		"$__interval", seconds(step),
		"$__range", seconds(to.Sub(from)),
		"${__to:date:YYYY-MM}", to.Format("2006-01"),
		"${__to:date:seconds}", fmt.Sprint(to.Unix()),
	}
	for name, value := range q.Defaults {
		if v, given := values[name]; given {
			value = v
		}
		pairs = append(pairs, "${"+name+":regex}", value, "$"+name, value)
	}
	return strings.NewReplacer(pairs...).Replace(q.Text)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int64(d.Seconds())) }
