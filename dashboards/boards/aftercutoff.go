package boards

import (
	"fmt"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// afterCutoff is what should not be: faxes on lines that are cut, what isn't sure, what nobody can
// see, and what is late; and the exceptions.
func afterCutoff(l Language) *board.Dashboard {
	d := l.start("apres-coupure", l.say("Après coupure", "After cut-off"), l.say(
		"Fax constatés après une coupure, doutes, lignes que personne ne voit, coupures en retard, exceptions.",
		"Faxes noticed after a cut-off, doubts, lines that nobody sees, late cut-offs, exceptions."))
	d.Time.From = "now-90d"
	d.With(l.establishments(), l.poles(), l.services("{"+inEstablishment+`,pole=~"$pole"}`).Many(l.say("Tous", "All")))
	d.Row(l.say("Aujourd’hui", "Today"),
		l.faxedAfter(inPlace),
		l.openAlerts(l.say("Alertes ouvertes", "Open alerts"), `kind="after_cutoff",certainty!="unsure"`, board.Vermillion, l.say(
			"Lignes avec un fax certain ou probable après leur coupure, tant que l’alerte n’est pas close.", "Lines with a certain or probable fax after their cut-off, until the alert is closed.")),
		l.openAlerts(l.say("Incertains", "Unsure"), `kind="after_cutoff",certainty="unsure"`, board.Purple, l.say(
			"Lignes avec un fax qui peut dater d’avant la coupure : personne n’a pu regarder au bon moment. À vérifier.", "Lines with a fax that may be of before the cut-off: nobody could look at the right moment. To be checked.")),
		l.openAlerts(l.say("Coupées et non vues", "Cut and unseen"), `kind="blind"`, board.Purple, l.say(
			"Lignes dont la coupure est passée et que personne ne voit : rien ne prouve leur silence.", "Lines past their cut-off that nobody sees: nothing proves their silence.")),
		l.overdue(inPlace),
		board.Stat(l.say("Maintenues", "Kept"), l.say("Exceptions : lignes gardées pour une raison donnée, jusqu’à leur révision.", "Exceptions: lines that stay for a reason, until they are reviewed."),
			board.Now(ifLines(`sum(zerofax_lines{`+inPlace+`,state="kept"})`, inPlace), "")).Unit("locale").NoValue(l.unknown()))
	d.Row(l.say("Fax après la coupure", "Faxes after the cut-off"), l.after(), l.afterOverTime())
	d.Row(l.say("À vérifier", "To be checked"),
		l.alertsOf(l.say("Fax incertains", "Unsure faxes"), l.say(
			"Un fax a été compté, mais il peut dater d’avant la coupure. Les preuves sont dans les pages du collecteur.",
			"A fax was counted, but it may be of before the cut-off. The evidence is in the collector’s pages."), `kind="after_cutoff",certainty="unsure"`, false),
		l.alertsOf(l.say("Coupées, et personne ne les voit", "Cut, and nobody sees them"), l.say(
			"La coupure est passée et la machine ne répond plus : un fax passerait inaperçu.",
			"The cut-off has passed and the machine doesn’t answer: a fax would go unnoticed."), `kind="blind"`, true))
	d.Row(l.say("En retard et maintenues", "Late and kept"), l.late(), l.kept())
	return d
}

func (l Language) openAlerts(title, which, color, says string) *board.Panel {
	return board.Stat(title, says,
		board.Now(ifLines(fmt.Sprintf(`sum(%s)`, ofLines(fmt.Sprintf(`zerofax_line_alert_opened_timestamp_seconds{%s} >= bool 0 or zerofax_line_info * 0`, which), inPlace)), inPlace), "")).
		Unit("locale").NoValue(l.unknown()).Steps(board.Plain, board.From(1, color)).
		Link(board.DataLink{Title: l.say("Voir les alertes", "See the alerts"), URL: "${collector}/alerts?lang=" + string(l), TargetBlank: true})
}

// number is the columns of a line: its number, and its service's name where some lines have more than that.
func (l Language) number(of string) []board.Column {
	return []board.Column{
		board.LabelOf(l.say("Ligne", "Line"), "line", "info", fmt.Sprintf(`(%s) and on (line) (%s)`, linesWithName(inPlace), of), l.toLine()).Wide(130),
		board.Label(l.say("Service", "Department"), "name", l.unnamed(), l.toService()),
		board.Label("id", "service", hidden...),
	}
}

func (l Language) after() *board.Panel {
	of := `zerofax_line_after_cutoff_noticed_timestamp_seconds`
	at := func(metric string) string {
		return fmt.Sprintf(`(%s and on (line) %s) * 1000`, ofLines(metric, inPlace), of)
	}
	columns := append(l.number(of),
		board.LabelOf(l.say("Alerte ouverte", "Open alert"), "certainty", "alert", ofLabels("certainty", `zerofax_line_alert_opened_timestamp_seconds{kind="after_cutoff",certainty!="unsure"}`), l.calledOr(l.say("✓ close", "✓ closed"), certainties)...).Wide(140),
		board.Value(l.say("Constaté", "Noticed"), l.minute(), "noticed", at(of)).Wide(170),
		board.Value(l.say("Coupure", "Cut-off"), l.day(), "cutoff", at("zerofax_line_cutoff_timestamp_seconds")).Wide(120),
		board.Value(l.say("Combien", "How much"), "locale", "count", fmt.Sprintf(
			`label_replace(%s, "unit", "pages", "", "") or on (line) label_replace(%s, "unit", "messages", "", "")`,
			ofLines("zerofax_line_pages_after_cutoff_total > 0", inPlace), ofLines("zerofax_line_faxes_after_cutoff_total > 0", inPlace))).Wide(120),
		board.Label(l.say("Unité", "Unit"), "unit"),
	)
	return board.Tabled(l.say("Lignes faxées après leur coupure", "Lines faxed on after their cut-off"), l.say(
		"Certain : le fax est entièrement postérieur à la coupure. Probable : imprimé dans les 24 h qui suivent. Constaté : quand le collecteur l’a inscrit. Une alerte close ne change rien aux totaux. Combien : en pages, ou en messages quand la machine ne compte qu’eux.",
		"Certain: the fax is wholly after the cut-off. Probable: printed within 24 h after it. Noticed: when the collector booked it. That an alert is closed changes no total. How much: in pages, or in messages where the machine counts only those."),
		"line", columns...).Sorted(l.say("Constaté", "Noticed"), true).Size(24, 8).NoValue(l.say("aucun fax après coupure", "no fax after a cut-off"))
}

// ofLabels is a metric of lines by another of its labels, too.
func ofLabels(label, metric string) string {
	return fmt.Sprintf(`max by (line, %s) (%s) and on (line) zerofax_line_info{%s}`, label, metric, inPlace)
}

func (l Language) afterOverTime() *board.Panel {
	sum := func(metric string) string { return fmt.Sprintf(`sum(%s)`, ofLines(metric, inPlace)) }
	return board.Lines(l.say("Total après coupure", "Total after cut-off"), l.say(
		"Tout ce qui a été faxé après une coupure depuis le début. Une courbe plate est ce qu’il faut : chaque marche est un fax de trop.",
		"All that was faxed after a cut-off since the beginning. A flat curve is what is wanted: each step is a fax too many."),
		board.Over(sum("zerofax_line_pages_after_cutoff_total"), "pages"), board.Over(sum("zerofax_line_faxes_after_cutoff_total"), "messages")).
		Unit("locale").Decimals(0).Steplike().NoValue(l.unknown()).Size(24, 6).
		Override(board.Named("pages"), board.Fixed(board.Vermillion)).
		Override(board.Named("messages"), board.Fixed(board.Blue))
}

// alertsOf are the lines with open alerts of a kind: since when, or with since when nobody has seen them.
func (l Language) alertsOf(title, says, which string, unseen bool) *board.Panel {
	of := fmt.Sprintf(`zerofax_line_alert_opened_timestamp_seconds{%s}`, which)
	at := func(metric string) string {
		return fmt.Sprintf(`(%s and on (line) %s) * 1000`, ofLines(metric, inPlace), of)
	}
	last := board.Value(l.say("Depuis", "Since"), l.minute(), "since", at(of)).Wide(155)
	if unseen {
		last = board.Value(l.say("Dernière lecture", "Last reading"), ago, "reading", at("zerofax_line_last_reading_timestamp_seconds")).Wide(155)
	}
	columns := append(l.number(of), board.Value(l.say("Coupure", "Cut-off"), l.day(), "cutoff", at("zerofax_line_cutoff_timestamp_seconds")).Wide(115), last)
	return board.Tabled(title, says, "line", columns...).Sorted(last.Title, !unseen).Size(12, 8).NoValue(l.say("rien à vérifier", "nothing to check"))
}

// instantsOf makes queries for the instants, in milliseconds, that a metric gives of those lines.
func instantsOf(lines string) func(metric string) string {
	return func(metric string) string {
		return fmt.Sprintf(`(%s and on (line) (%s)) * 1000`, ofLines(metric, inPlace), lines)
	}
}

func (l Language) late() *board.Panel {
	of := `zerofax_line_state{state="overdue"} == 1`
	at := instantsOf(of)
	columns := append(l.number(of),
		board.Value(l.say("Coupure prévue", "Planned cut-off"), l.day(), "cutoff", at("zerofax_line_cutoff_timestamp_seconds")),
		board.Value(l.say("Dernier fax", "Last fax"), ago, "fax", at("zerofax_line_last_fax_timestamp_seconds")))
	return board.Tabled(l.say("Lignes en retard", "Late lines"), l.say(
		"La date est passée, personne n’a déclaré la coupure faite. Dernier fax vide : inconnu pour cette ligne seule.",
		"The date has passed, nobody declared it done. An empty last fax: unknown for this line alone."),
		"line", columns...).Sorted(l.say("Coupure prévue", "Planned cut-off"), false).Size(12, 8).NoValue(l.say("aucune ligne en retard", "no line is late"))
}

func (l Language) kept() *board.Panel {
	of := `zerofax_line_state{state="kept"} == 1`
	at := instantsOf(of)
	columns := append(l.number(of),
		board.Value(l.say("À revoir le", "To be reviewed"), l.day(), "review", at("zerofax_line_kept_until_timestamp_seconds")),
		board.Value(l.say("Dernier fax", "Last fax"), ago, "fax", at("zerofax_line_last_fax_timestamp_seconds")))
	return board.Tabled(l.say("Lignes maintenues", "Lines kept"), l.say(
		"Les exceptions, avec leur date de révision. Le motif est dans les pages du collecteur. Dernier fax vide : inconnu pour cette ligne seule.",
		"The exceptions, with the date of their review. The reason is in the collector’s pages. An empty last fax: unknown for this line alone."),
		"line", columns...).Sorted(l.say("À revoir le", "To be reviewed"), false).Size(12, 8).NoValue(l.say("aucune exception", "no exception"))
}
