// Package boards are zerofax's Grafana dashboards, each in French and in English: what the machines
// and the books tell, for the project team, for a service, and for who keeps it running. Unknown is
// shown as unknown and never as 0.
package boards

import (
	"fmt"
	"strings"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// Language is in which language a dashboard speaks.
type Language string

// The languages.
const (
	French  Language = "fr"
	English Language = "en"
)

// Languages are all languages.
func Languages() []Language { return []Language{French, English} }

// say is what a text is in the language.
func (l Language) say(french, english string) string {
	if l == French {
		return unbroken.Replace(french)
	}
	return english
}

// unbroken are French texts with the spaces where no line may break.
var unbroken = strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " ?", "\u00a0?", " !", "\u00a0!", " %", "\u00a0%", "« ", "«\u00a0", " »", "\u00a0»")

// Board is a dashboard in a language.
type Board struct {
	Name     string // of its file, the same in all languages
	Language Language
	*board.Dashboard
}

// File is the name of the dashboard's file.
func (b Board) File() string { return fmt.Sprintf("%s.%s.json", b.Name, b.Language) }

// all are the dashboards by name, in the order in which people meet them.
var all = []struct {
	name string
	make func(Language) *board.Dashboard
}{
	{"pilotage", pilotage},
	{"service", service},
	{"apres-coupure", afterCutoff},
	{"parc", fleet},
	{"collecteur", collector},
}

// All are all dashboards in all languages.
func All() (boards []Board) {
	for _, b := range all {
		for _, l := range Languages() {
			boards = append(boards, Board{b.name, l, b.make(l)})
		}
	}
	return boards
}

// start is a dashboard with what all have: its data sources, the address of the collector's pages, and
// links to the others.
func (l Language) start(name, title, says string) *board.Dashboard {
	d := board.New(uid(name, l), "zerofax – "+title, says)
	d.Tags = []string{"zerofax", string(l)}
	d.Links = []board.Link{
		{Title: l.say("Tableaux de bord", "Dashboards"), Type: "dashboards", Icon: "dashboard", Tags: d.Tags, KeepTime: true, IncludeVars: true},
		{
			Title: l.say("Pages du collecteur", "Collector’s pages"), Type: "link", Icon: "external link", URL: "${collector}/?lang=" + string(l), Tags: []string{}, TargetBlank: true,
			Tooltip: l.say("Les machines, les lignes et leurs preuves, les alertes", "Machines, lines and their evidence, alerts"),
		},
	}
	return d.With(
		board.OfSource(board.Prometheus, "Prometheus"),
		board.OfSource(board.InfluxDB, "InfluxDB"),
		board.Input("collector", l.say("Collecteur", "Collector"), l.say("Adresse des pages du collecteur, sans / à la fin", "Address of the collector’s pages, without / at its end"), "http://127.0.0.1:8780"),
	)
}

func uid(name string, l Language) string { return "zerofax-" + name + "-" + string(l) }

func (l Language) unknown() string { return l.say("inconnu", "unknown") }
