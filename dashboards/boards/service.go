package boards

import (
	"fmt"
	"time"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// service is one department: its lines, its machines, what it faxes, and when it is cut.
func service(l Language) *board.Dashboard {
	d := l.start("service", l.say("Service", "Department"), l.say(
		"Un service : ses lignes, ses machines, ses volumes, ses dates de coupure, et ce qui a été faxé après.",
		"One department: its lines, its machines, its volumes, its cut-off dates, and what was faxed after them."))
	d.Time.From = "now-90d"
	d.With(l.services(""))
	d.Row(l.say("Aujourd’hui", "Today"),
		l.activeLines(inService), l.nextCutoff(), l.overdue(inService), l.faxedAfter(inService),
		l.pages("sent", l.say("Pages émises, 30 j", "Pages sent, 30 d")), l.pages("received", l.say("Pages reçues, 30 j", "Pages received, 30 d")))
	d.Row(l.say("Lignes", "Lines"), l.linesOfService())
	d.Row(l.say("Volumes", "Volumes"), l.volumes("sent"), l.volumes("received"), l.volumes("unknown"), l.messages())
	d.Row(l.say("Machines", "Machines"), l.machines(`on (device) zerofax_line_info{`+inService+`}`).Size(24, 8))
	return d
}

func (l Language) nextCutoff() *board.Panel {
	return board.Stat(l.say("Prochaine coupure", "Next cut-off"), l.say(
		"La première date de coupure à venir d’une ligne du service.", "The first cut-off date ahead of a line of the department."),
		board.Now(fmt.Sprintf(`min(%s) * 1000`, ofLines("zerofax_line_cutoff_timestamp_seconds > time()", inService)), "")).
		Unit(l.day()).NoValue(l.say("aucune prévue", "none planned"))
}

// pages are told only where a machine of the service counts them: else they are unknown, not 0.
func (l Language) pages(direction, title string) *board.Panel {
	measures := "fax_sent_pages"
	if direction == "received" {
		measures = "fax_received_pages|fax_printed_pages"
	}
	return board.Stat(title, l.say(
		"Pages de fax des 30 derniers jours. Reçues : celles que la machine compte à la réception, sinon celles qu’elle imprime. Inconnu : aucune machine du service ne les compte.",
		"Fax pages of the last 30 days. Received: those that a machine counts as they come in, else those that it prints. Unknown: no machine of the department counts them."),
		board.Now(fmt.Sprintf(`%s and on () count(max by (device) (zerofax_device_counted_total{measure=~"%s"}) and on (device) zerofax_line_info{%s}) > 0`,
			growth("", fmt.Sprintf(`zerofax_fax_pages_total{%s,direction="%s"}`, inService, direction), month), measures, inService), "")).
		Unit("locale").Decimals(0).NoValue(l.unknown())
}

func (l Language) linesOfService() *board.Panel {
	one := func(metric, label string) string {
		return fmt.Sprintf(`max by (line, %s) (%s == 1) and on (line) zerofax_line_info{%s}`, label, metric, inService)
	}
	at := func(metric string) string { return "(" + ofLines(metric, inService) + ") * 1000" }
	return board.Tabled(l.say("Lignes du service", "Lines of the department"), l.say(
		"Chaque ligne, son état sur le chemin de la coupure, et ce que dit sa machine ; émises, reçues et après coupure sont des pages. Un tiret est inconnu, et non zéro : la plupart des machines ne montrent pas leur ligne, et seules celles à une ligne comptent par ligne.",
		"Each line, its state on the way to its cut-off, and what its machine tells; sent, received and after cut-off are pages. A dash is unknown, not zero: most machines don’t show their line, and only those with one line count by line."),
		"line",
		board.LabelOf(l.say("Ligne", "Line"), "line", "info", fmt.Sprintf(`max by (line, device) (zerofax_line_info{%s})`, inService), l.toLine()).Wide(130),
		board.LabelOf(l.say("État", "State"), "state", "state", one("zerofax_line_state", "state"), l.called(states)...).Wide(160),
		board.LabelOf(l.say("Téléphone", "Phone line"), "status", "status", one("zerofax_line_status", "status"), l.called(statuses)...).Wide(115),
		board.Value(l.say("Dernier fax", "Last fax"), l.minute(), "fax", at("zerofax_line_last_fax_timestamp_seconds")).Wide(150),
		board.Value(l.say("Dernière lecture", "Last reading"), ago, "reading", at("zerofax_line_last_reading_timestamp_seconds")).Wide(140),
		board.Value(l.say("Coupure", "Cut-off"), l.day(), "cutoff", at("zerofax_line_cutoff_timestamp_seconds")).Wide(100),
		board.Value(l.say("Émises", "Sent"), "locale", "sent", ofLines(`zerofax_line_fax_pages_total{direction="sent"}`, inService)).Wide(85),
		board.Value(l.say("Reçues", "Received"), "locale", "received", ofLines(`zerofax_line_fax_pages_total{direction="received"}`, inService)).Wide(95),
		board.Value(l.say("Après coupure", "After cut-off"), "locale", "after", pagesAfter(inService), attention...).Wide(120),
		board.Label(l.say("Machine", "Machine"), "device"),
	).Sorted(l.say("Ligne", "Line"), false).Size(24, 9).NoValue(l.say("aucune ligne", "no line"))
}

// pagesAfter are the pages after the cut-off of lines that are past it: unknown, and not 0, where nothing
// counts for the line alone.
func pagesAfter(in string) string {
	pages := "max by (line) (zerofax_line_pages_after_cutoff_total)"
	return fmt.Sprintf(`(%[1]s > 0 or %[1]s and on (line) zerofax_line_fax_pages_total) and on (line) (zerofax_line_cutoff_timestamp_seconds <= time()) and on (line) zerofax_line_info{%[2]s}`, pages, in)
}

// ofServiceByDay is what was counted of a service each day.
const ofServiceByDay = `SELECT sum("count") FROM "fax_activity" WHERE "service" = '$service' AND %s AND $timeFilter GROUP BY time($__interval)%s fill(none)`

// volumes are the pages of a direction by day.
func (l Language) volumes(direction string) *board.Panel {
	title, color := l.say("Pages émises par jour", "Pages sent a day"), board.Blue
	switch direction {
	case "received":
		title, color = l.say("Pages reçues par jour", "Pages received a day"), board.Gold
	case "unknown":
		title, color = l.say("Pages de sens inconnu par jour", "Pages of unknown direction a day"), board.Grey
	}
	return board.Bars(title, l.say(
		"Ce que les machines ont compté chaque jour (UTC). Un jour sans barre : rien de compté, ou personne n’a pu regarder.",
		"What machines counted each day (UTC). A day without a bar: nothing was counted, or nobody could look."),
		board.History(fmt.Sprintf(ofServiceByDay, fmt.Sprintf(`"unit" != 'faxes' AND "direction" = '%s'`, direction), ""), "pages")).
		Unit("locale").Decimals(0).Step("1d").Apart(36*time.Hour).NoValue(l.say("rien de compté", "nothing counted")).Override(board.Each(), board.Fixed(color)).Size(12, 6)
}

// messages are those that machines count beside pages.
func (l Language) messages() *board.Panel {
	p := board.Lines(l.say("Messages par jour", "Messages a day"), l.say(
		"Les fax eux-mêmes, quand les machines les comptent : peu le font. Un message a plusieurs pages.",
		"The faxes themselves, where machines count them: few do. A message has several pages."),
		board.History(fmt.Sprintf(ofServiceByDay, `"unit" = 'faxes'`, `, "direction"`), "$tag_direction")).
		Unit("locale").Decimals(0).Step("1d").Dotted(36*time.Hour).NoValue(l.say("rien de compté", "nothing counted")).Size(12, 6)
	for _, w := range []word{{"sent", "émis", "sent", board.Blue}, {"received", "reçus", "received", board.Gold}} {
		p.Override(board.Named(w.id), board.Called(l.say(w.french, w.english)), board.Fixed(w.color))
	}
	return p
}

// machines are the devices that a condition holds for.
func (l Language) machines(and string) *board.Panel {
	one := func(expr string) string { return expr + " and " + and }
	return board.Tabled(l.say("Machines", "Machines"), l.say(
		"Ce que chaque machine est, si elle répond, et ce qu’elle dit de sa fonction fax, inconnu quand elle ne répond pas. Anomalies : compteurs retombés, hausses peu plausibles, machine remplacée.",
		"What each machine is, whether it answers, and what it says of its fax function, unknown while it doesn’t answer. Anomalies: counters that fell, implausible growth, a machine replaced."),
		"device",
		board.LabelOf(l.say("Machine", "Machine"), "device", "info", one(`max by (device, vendor, model, agent) (zerofax_device_info)`)),
		board.Label(l.say("Modèle", "Model"), "model"),
		board.Value(l.say("Réponse", "Answer"), "none", "up", one(answering), l.called(answers)...),
		board.LabelOf(l.say("Fonction fax", "Fax function"), "state", "function", one(`max by (device, state) (zerofax_device_fax_service == 1) and on (device) (`+answering+` == 1)`), l.called(faxServices)...),
		board.Value(l.say("Dernière lecture", "Last reading"), ago, "reading",
			one(`max by (device) (zerofax_line_last_reading_timestamp_seconds * on (line) group_left (device) max by (line, device) (zerofax_line_info{device!=""})) * 1000`)),
		board.Value(l.say("Anomalies", "Anomalies"), "locale", "anomalies", one(`sum by (device) (zerofax_device_anomalies_total)`), attention...).Wide(110),
		board.Label(l.say("Agent", "Agent"), "agent").Wide(140),
	).Sorted(l.say("Machine", "Machine"), false).NoValue(l.say("aucune machine", "no machine"))
}
