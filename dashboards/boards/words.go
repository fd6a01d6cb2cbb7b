package boards

import (
	"fmt"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// day is the unit of days.
func (l Language) day() string { return l.say("time:DD/MM/YYYY", "time:YYYY-MM-DD") }

// minute is the unit of instants.
func (l Language) minute() string { return l.say("time:DD/MM/YYYY HH:mm", "time:YYYY-MM-DD HH:mm") }

const ago = "dateTimeFromNow"

// word is what an id is called. A sign stands before words that are coloured: colour alone tells nothing.
type word struct{ id, french, english, color string }

func (l Language) words(list ...word) board.Mapping {
	words := map[string]board.Word{}
	for i, w := range list {
		words[w.id] = board.Word{Text: l.say(w.french, w.english), Color: w.color, Index: i}
	}
	return board.Words(words)
}

var (
	states = []word{ // from alive to gone
		{"active", "● active", "● active", board.Blue},
		{"quiet", "○ calme", "○ quiet", board.Plain},
		{"dormant", "◌ dormante", "◌ dormant", board.Plain},
		{"blind", "? sans lecture", "? blind", board.Purple},
		{"overdue", "▲ coupure dépassée", "▲ overdue", board.Vermillion},
		{"kept", "■ maintenue", "■ kept", board.Plain},
		{"cut", "✓ coupée", "✓ cut", board.Green},
	}
	statuses = []word{
		{"idle", "libre", "idle", ""},
		{"busy", "● occupée", "● busy", board.Blue},
		{"down", "✕ hors service", "✕ down", board.Vermillion},
		{"unknown", "inconnu", "unknown", ""},
	}
	faxServices = []word{
		{"ready", "✓ prête", "✓ ready", board.Green},
		{"attention", "▲ attention", "▲ attention", board.Vermillion},
		{"unavailable", "✕ indisponible", "✕ unavailable", board.Vermillion},
		{"unknown", "inconnue", "unknown", ""},
	}
	certainties = []word{
		{"certain", "● certain", "● certain", board.Vermillion},
		{"probable", "◐ probable", "◐ probable", board.Vermillion},
		{"unsure", "? incertain", "? unsure", board.Purple},
	}
	answers  = []word{{"1", "✓ répond", "✓ answers", board.Green}, {"0", "✕ ne répond pas", "✕ doesn’t answer", board.Vermillion}, {"2", "? agent muet", "? agent silent", board.Purple}}
	presence = []word{{"1", "✓ en ligne", "✓ online", board.Green}, {"0", "✕ muet", "✕ silent", board.Vermillion}}
	currency = []word{{"1", "✓ à jour", "✓ current", board.Green}, {"0", "▲ pas encore prise", "▲ not taken yet", board.Vermillion}}
	kit      = []word{
		{"active_lines", "Lignes de fax actives", "Active fax lines", ""},
		{"mssante_addresses", "Adresses MSSanté utilisées", "MSSanté addresses used", ""},
		{"fax_received", "Pages de fax reçues", "Fax pages received", ""},
		{"mssante_received", "Messages MSSanté reçus", "MSSanté messages received", ""},
		{"fax_sent", "Pages de fax émises", "Fax pages sent", ""},
		{"fax_direction_unknown", "Pages de fax de sens inconnu", "Fax pages of unknown direction", ""},
		{"mssante_sent", "Messages MSSanté émis", "MSSanté messages sent", ""},
		{"fax_internal", "Messages fax internes", "Internal fax messages", ""},
	}
)

// called are properties by which a column shows words for ids, coloured where they are.
func (l Language) called(list []word) []board.Property { return l.calledOr(l.unknown(), list) }

// calledOr says another word than unknown where there is none.
func (l Language) calledOr(otherwise string, list []word) []board.Property {
	return []board.Property{
		{ID: "mappings", Value: append([]board.Mapping{l.words(list...)}, board.Absent(otherwise)...)},
		{ID: "custom.align", Value: "left"},
		{ID: "custom.cellOptions", Value: board.CellType{Type: "color-text"}},
	}
}

// unnamed are properties of a column of names, of what may belong to nobody.
func (l Language) unnamed() board.Property {
	return board.Property{ID: "mappings", Value: board.Absent(l.say("non affecté", "unassigned"))}
}

// attention colours numbers above 0.
var attention = []board.Property{
	{ID: "thresholds", Value: board.Thresholds{Mode: "absolute", Steps: []board.Step{{Color: board.Plain}, board.From(1, board.Vermillion)}}},
	{ID: "color", Value: board.Color{Mode: "thresholds"}},
	{ID: "custom.cellOptions", Value: board.CellType{Type: "color-text"}},
}

// hidden keeps a column that only links need; the first is Grafana 13's word for it, the second that of those before.
var hidden = []board.Property{
	{ID: "custom.hideFrom", Value: map[string]bool{"viz": true, "legend": true, "tooltip": true}},
	{ID: "custom.hidden", Value: true},
}

// toService leads from a row to its service's dashboard.
func (l Language) toService() board.Property {
	return board.Linked(board.DataLink{
		Title: l.say("Voir ce service", "See this department"),
		URL:   fmt.Sprintf("/d/%s?${__url_time_range}&${prometheus:queryparam}&${influxdb:queryparam}&${collector:queryparam}&var-service=${__data.fields.service}", uid("service", l)),
	})
}

// toLine leads from a line's number to its evidence in the collector's pages.
func (l Language) toLine() board.Property {
	return board.Linked(board.DataLink{
		Title: l.say("Voir les preuves", "See the evidence"), TargetBlank: true,
		URL: "${collector}/lines?lang=" + string(l) + "&q=${__value.raw}",
	})
}
