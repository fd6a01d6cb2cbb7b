// Package board builds Grafana dashboards: typed, laid out in rows, and written as the JSON that
// Grafana imports. It knows nothing of zerofax.
package board

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Dashboard is what Grafana imports. Its JSON is the classic model, which every Grafana since 10 reads.
type Dashboard struct {
	ID            *int     `json:"id"` // null: Grafana numbers it
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Tags          []string `json:"tags"`
	SchemaVersion int      `json:"schemaVersion"`
	Editable      bool     `json:"editable"`
	Timezone      string   `json:"timezone"`
	WeekStart     string   `json:"weekStart"`
	GraphTooltip  int      `json:"graphTooltip"`
	Time          Range    `json:"time"`
	Refresh       string   `json:"refresh"`
	Links         []Link   `json:"links"`
	Annotations   struct {
		List []struct{} `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []Variable `json:"list"`
	} `json:"templating"`
	Panels []*Panel `json:"panels"`
}

// Range is a time range as Grafana writes it, such as now-30d and now.
type Range struct {
	From string `json:"from"`
	To   string `json:"to"`
}

const (
	schemaVersion   = 39 // Grafana 11's; later ones bring it up to date when they read it
	sharedCrosshair = 1
)

// New makes an empty dashboard.
func New(uid, title, description string) *Dashboard {
	d := &Dashboard{
		UID: uid, Title: title, Description: description,
		SchemaVersion: schemaVersion, Editable: true, Timezone: "browser", WeekStart: "monday", GraphTooltip: sharedCrosshair,
		Time: Range{"now-30d", "now"}, Refresh: "5m",
	}
	d.Annotations.List = []struct{}{}
	return d
}

// With adds variables, in the order in which they are shown.
func (d *Dashboard) With(variables ...Variable) *Dashboard {
	d.Templating.List = append(d.Templating.List, variables...)
	return d
}

// columns is how wide Grafana's grid is.
const columns = 24

// Row adds a heading and panels below it, from left to right; what doesn't fit begins below the
// tallest before it. An empty title adds no heading.
func (d *Dashboard) Row(title string, panels ...*Panel) *Dashboard {
	y := d.bottom()
	if title != "" {
		d.add(&Panel{Type: "row", Title: title, Collapsed: new(bool), Panels: []*Panel{}, Grid: Grid{H: 1, W: columns, Y: y}})
		y++
	}
	x := 0
	for _, p := range panels {
		if x+p.Grid.W > columns {
			x, y = 0, d.bottom()
		}
		p.Grid.X, p.Grid.Y = x, y
		x += p.Grid.W
		d.add(p)
	}
	return d
}

func (d *Dashboard) add(p *Panel) {
	p.ID = len(d.Panels) + 1
	d.Panels = append(d.Panels, p)
}

func (d *Dashboard) bottom() (y int) {
	for _, p := range d.Panels {
		y = max(y, p.Grid.Y+p.Grid.H)
	}
	return y
}

// JSON is the dashboard as a file.
func (d *Dashboard) JSON() ([]byte, error) {
	text, err := plain(d)
	if err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", d.UID, err)
	}
	var b bytes.Buffer
	err = json.Indent(&b, text, "", "  ")
	return b.Bytes(), err
}

// Link leads from a dashboard to a page, or to the dashboards that have all of some tags.
type Link struct {
	Type        string   `json:"type"` // link or dashboards
	Title       string   `json:"title"`
	Tooltip     string   `json:"tooltip"`
	Icon        string   `json:"icon"`
	URL         string   `json:"url"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	KeepTime    bool     `json:"keepTime"`
	IncludeVars bool     `json:"includeVars"`
	TargetBlank bool     `json:"targetBlank"`
}
