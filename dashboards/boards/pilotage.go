package boards

import (
	"fmt"
	"time"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// pilotage is what a steering committee looks at: how many lines still live, how many are cut against
// the plan, and whether fax goes down while MSSanté goes up.
func pilotage(l Language) *board.Dashboard {
	d := l.start("pilotage", l.say("Pilotage", "Steering"), l.say(
		"Où en est la sortie du fax : indicateurs, objectifs, plan de coupure, par pôle et par service.",
		"How far the hospital is in leaving fax behind: indicators, targets, plan of cut-offs, by pole and by department."))
	d.Time.From = "now-24M/M"
	d.With(l.establishments(), level)
	d.Row(l.say("Aujourd’hui", "Today"),
		l.activeLines(inEstablishment).Size(4, 4),
		l.cutShare(), l.planKept(), l.overdue(inEstablishment), l.unseen(inEstablishment), l.faxedAfter(inEstablishment))
	d.Row(l.say("Indicateurs du kit et objectifs", "Indicators of the kit, and targets"), l.indicatorTable(), l.linesByState(inEstablishment).Size(8, 9))
	d.Row(l.say("Plan de coupure", "Plan of cut-offs"), l.plan(), l.nextCutoffs())
	d.Row(l.say("Tendance sur 24 mois", "Trend over 24 months"),
		l.trend("active_lines"), l.trend("mssante_addresses"),
		l.trends(l.say("Reçus : pages de fax et messages MSSanté", "Received: fax pages and MSSanté messages"), "fax_received", "mssante_received"),
		l.trends(l.say("Émis : pages de fax et messages MSSanté", "Sent: fax pages and MSSanté messages"), "fax_sent", "mssante_sent"),
		l.trend("fax_internal").Size(24, 6), l.watchedShare())
	d.Row(l.say("Par pôle", "By pole"), l.byPole())
	d.Row(l.say("Par service", "By department"), l.byService(), l.most("sent"), l.most("received"))
	return d
}

// activeLines is how many lines live. None is a figure only where all lines are seen.
func (l Language) activeLines(in string) *board.Panel {
	return board.Stat(l.say("Lignes actives", "Active lines"), l.say(
		"Lignes qui vivent aujourd’hui, quoi qu’il soit prévu. Inconnu : aucune n’est vue active, mais personne ne voit certaines d’entre elles.",
		"Lines that live today, whatever was planned. Unknown: none is seen to be active, but nobody can see some of them."),
		board.Now(fmt.Sprintf(`sum(zerofax_active_lines{%[1]s}) > 0 or (sum(zerofax_active_lines{%[1]s}) and sum(zerofax_lines{%[1]s}) > 0 unless sum(zerofax_unseen_lines{%[1]s}) > 0)`, in), "")).
		Unit("locale").NoValue(l.unknown())
}

func (l Language) cutShare() *board.Panel {
	return board.Stat(l.say("Lignes coupées", "Lines cut"), l.say(
		"Part des lignes déclarées coupées, parmi toutes celles connues. Inconnu : aucune ligne n’est encore connue.",
		"Share of the lines declared cut, of all that are known. Unknown: no line is known yet."),
		board.Now(fmt.Sprintf(`sum(zerofax_lines{%[1]s,state="cut"}) / (sum(zerofax_lines{%[1]s}) > 0)`, inEstablishment), "")).
		Unit("percentunit").Decimals(0).NoValue(l.unknown())
}

// planKept is how many of the lines whose date has passed were cut.
func (l Language) planKept() *board.Panel {
	return board.Stat(l.say("Plan tenu", "Plan kept"), l.say(
		"Lignes déclarées coupées, parmi celles dont la date de coupure est passée. 100 % : aucun retard. Aucune échéance : aucune date n’est encore passée.",
		"Lines declared cut, of those whose cut-off date has passed. 100%: nothing is late. None due: no date has passed yet."),
		board.Now(fmt.Sprintf(`clamp_max(sum(zerofax_lines{%s,state="cut"}) / count(%s), 1)`,
			inEstablishment, ofLines("zerofax_line_cutoff_timestamp_seconds <= time()", inEstablishment)), "")).
		Unit("percentunit").Decimals(0).NoValue(l.say("aucune échéance", "none due")).
		Steps(board.Vermillion, board.From(0.9995, board.Green))
}

func (l Language) overdue(in string) *board.Panel {
	return board.Stat(l.say("Coupure dépassée", "Overdue"), l.say(
		"Lignes dont la date de coupure est passée sans que la coupure soit déclarée faite. Inconnu : aucune ligne n’est encore connue.",
		"Lines whose cut-off date has passed without being declared done. Unknown: no line is known yet."),
		board.Now(ifLines(fmt.Sprintf(`sum(zerofax_lines{%s,state="overdue"})`, in), in), "")).
		Unit("locale").NoValue(l.unknown()).Steps(board.Plain, board.From(1, board.Vermillion))
}

func (l Language) unseen(in string) *board.Panel {
	return board.Stat(l.say("Lignes non vues", "Unseen lines"), l.say(
		"Lignes peut-être actives sans que rien ne le dise : machine jamais lue, muette depuis 72 h, ou qui ne compte pas. Les autres chiffres ne les connaissent pas.",
		"Lines that may be active without anything telling so: their machine was never read, is silent for 72 h, or doesn’t count. The other figures don’t know them."),
		board.Now(ifLines(fmt.Sprintf(`sum(zerofax_unseen_lines{%s})`, in), in), "")).
		Unit("locale").NoValue(l.unknown()).Steps(board.Plain, board.From(1, board.Purple))
}

// faxedAfter is 0 only where there is a date after which nobody should fax.
func (l Language) faxedAfter(in string) *board.Panel {
	return board.Stat(l.say("Fax après coupure", "Fax after cut-off"), l.say(
		"Lignes sur lesquelles un fax, certain ou probable, a été constaté après leur coupure dans les 30 derniers jours. Aucune coupure : aucune ligne n’a de date.",
		"Lines on which a fax, certain or probable, was noticed after their cut-off within the last 30 days. No cut-off: no line has a date."),
		board.Now(fmt.Sprintf(`sum(%s)`, ofLines(`zerofax_line_after_cutoff_noticed_timestamp_seconds >= bool time() - 2592000 or zerofax_line_cutoff_timestamp_seconds * 0`, in)), "")).
		Unit("locale").NoValue(l.say("aucune coupure", "no cut-off")).Steps(board.Plain, board.From(1, board.Vermillion)).
		Link(board.DataLink{Title: l.say("Voir le détail", "See the details"), URL: "/d/" + uid("apres-coupure", l) + "?${__url_time_range}&${__all_variables}"})
}

// toMonth is the part of a query of the kit's indicators that begins with their first instant of a month,
// which lies within 14 hours of the month's beginning in UTC: how many days before and after that it may lie.
func toMonth(before, after string) string {
	begin := `'${__to:date:YYYY-MM}-01T00:00:00Z'`
	return fmt.Sprintf(`time >= %[1]s - %[2]s AND time <= %[1]s %[3]s`, begin, before, after)
}

var thisMonth, lastMonth = toMonth("1d", "+ 1d"), toMonth("33d", "- 26d")

// ofChosen are the indicators of the establishments that are chosen, or, where all are, of the structure as a
// whole, which may know more, such as figures that were declared for all at once. Months that nobody
// watched are none. Faxes are told in pages, which all machines count, and internal ones in messages, which journals tell.
const ofChosen = `"by" = '$level' AND ("by" = 'whole' OR "establishment" =~ /^${establishment:regex}$/) AND "completeness" > 0 AND ("unit" != 'faxes' OR "indicator" = 'fax_internal')`

// indicatorTable has the last month that is over, since only that one compares with a month's target.
func (l Language) indicatorTable() *board.Panel {
	rows := func(title, unit, ref, aggregate, when string) board.Column {
		return board.Rows(title, unit, ref, fmt.Sprintf(`SELECT %s AS "%s" FROM "fax_indicator" WHERE %s AND %s GROUP BY "indicator"`, aggregate, ref, ofChosen, when))
	}
	return board.Tabled(l.say("Indicateurs : dernier mois complet", "Indicators: last complete month"), l.say(
		"Chaque indicateur du kit national, pour le dernier mois terminé, avec son objectif et l’écart (valeur moins objectif). Inconnu n’est pas zéro : rien ne le mesure, ou aucun objectif n’est fixé. Observé : part des jours où les lignes ont été observées ; pour MSSanté, part des services déclarés.",
		"Each indicator of the national kit for the last month that is over, with its target and the gap (value less target). Unknown is not zero: nothing measures it, or no target is set. Watched: share of the days on which lines were watched; of MSSanté, of the departments that were declared."),
		"indicator",
		board.Label(l.say("Indicateur", "Indicator"), "indicator", l.called(kit)[0]),
		rows(l.say("Dernier mois", "Last month"), "locale", "previous", `sum("value")`, lastMonth).Wide(115),
		board.Value(l.say("Objectif", "Target"), "locale", "target", targets("", "")).Wide(95),
		board.Difference(l.say("Écart", "Gap"), "locale", board.Less{Name: "gap", Left: "previous", Right: "target"}).Wide(85),
		board.Rows(l.say("Observé", "Watched"), "percentunit", "watched", fmt.Sprintf(
			`SELECT mean("completeness") AS "watched" FROM "fax_indicator" WHERE %s AND %s GROUP BY "indicator"`, ofChosen, lastMonth), board.Property{ID: "decimals", Value: 0}).Wide(95),
		rows(l.say("Mois en cours", "This month"), "locale", "current", `sum("value")`, thisMonth).Wide(125),
	).Size(16, 9).Missing(l.unknown()).NoValue(l.unknown())
}

// targets are those of the establishments that are chosen, at an instant such as " @ end()" or, with "", at
// any; the structure's as a whole where all are chosen.
func targets(which, at string) string {
	return fmt.Sprintf(`max by (indicator) (zerofax_target{%[1]sestablishment="",pole=""}%[2]s unless on () count(zerofax_establishment_info{establishment!~"$establishment"}%[2]s) > 0)`+
		` or sum by (indicator) (zerofax_target{%[1]sestablishment=~"$establishment",establishment!="",pole=""}%[2]s)`, which, at)
}

func (l Language) linesByState(in string) *board.Panel {
	var queries []board.Query
	for _, s := range states {
		queries = append(queries, board.Now(ifLines(fmt.Sprintf(`sum(zerofax_lines{%s,state="%s"})`, in, s.id), in), l.say(s.french, s.english)))
	}
	p := board.BarGauge(l.say("Lignes par état", "Lines by state"), l.say(
		"Chaque ligne est dans un état et un seul : active, calme (30 jours sans fax), dormante (90 jours), sans lecture, coupure dépassée, maintenue, coupée.",
		"Each line is in one state: active, quiet (30 days without a fax), dormant (90 days), blind, overdue, kept, cut."), queries...).
		Unit("locale").NoValue(l.say("aucune ligne connue", "no line known"))
	for _, s := range states {
		color := s.color
		if color == board.Plain {
			color = board.Grey
		}
		p.Override(board.Named(l.say(s.french, s.english)), board.Fixed(color))
	}
	return p
}

// monthGap is longer than any month.
const monthGap = 32 * 24 * time.Hour

const byMonth = `SELECT sum("value") FROM "fax_indicator" WHERE %s AND %s AND $timeFilter GROUP BY time(1h), "indicator" fill(none)`

// trend is an indicator by month, and its target of today.
func (l Language) trend(indicator string) *board.Panel {
	which := fmt.Sprintf(`"indicator" = '%s'`, indicator)
	return board.Bars(l.kitWord(indicator), l.say(
		"Par mois ; le dernier est en cours. Un mois sans barre est inconnu, et non zéro. Tirets : l’objectif d’aujourd’hui.",
		"By month; the last one isn’t over. A month without a bar is unknown, not zero. Dashes: today’s target."),
		board.History(fmt.Sprintf(byMonth, which, ofChosen), "value"), board.Over(targets(fmt.Sprintf(`indicator="%s",`, indicator), today), "target")).
		Unit("locale").Decimals(0).Apart(monthGap).Last("24M").NoValue(l.unknown()).
		Override(board.Named("value"), board.Called(l.say("mesuré", "measured")), board.Fixed(board.Blue)).
		Override(board.Named("target"), append(board.Line(), board.Dashed(), board.Called(l.say("objectif", "target")), board.Fixed(board.Gold))...)
}

// trends are fax and MSSanté by month, the one going down while the other goes up.
func (l Language) trends(title, fax, mssante string) *board.Panel {
	which := fmt.Sprintf(`("indicator" = '%s' OR "indicator" = '%s')`, fax, mssante)
	return board.Lines(title, l.say(
		"Par mois ; le dernier est en cours. Le fax doit descendre et MSSanté monter. Un mois sans point est inconnu, et non zéro. Une page et un message ne se comparent pas : seules les pentes comptent.",
		"By month; the last one isn’t over. Fax should go down and MSSanté up. A month without a point is unknown, not zero. A page and a message don’t compare: what matters is the slopes."),
		board.History(fmt.Sprintf(byMonth, which, ofChosen), "$tag_indicator")).
		Unit("locale").Decimals(0).Dotted(monthGap).Last("24M").NoValue(l.unknown()).
		Override(board.Named(fax), board.Called(l.kitWord(fax)), board.Fixed(board.Vermillion)).
		Override(board.Named(mssante), board.Called(l.kitWord(mssante)), board.Fixed(board.Blue), board.Dashed())
}

func (l Language) kitWord(id string) string {
	for _, w := range kit {
		if w.id == id {
			return l.say(w.french, w.english)
		}
	}
	return id
}

func (l Language) watchedShare() *board.Panel {
	return board.Lines(l.say("Jours observés", "Days watched"), l.say(
		"Part des jours de chaque mois où les lignes ont été observées. En dessous de 100 %, les chiffres du mois sont un minimum.",
		"Share of the days of each month on which lines were watched. Below 100% the figures of the month are at least so much."),
		board.History(`SELECT mean("completeness") FROM "fax_indicator" WHERE "indicator" = 'active_lines' AND `+ofChosen+` AND $timeFilter GROUP BY time(1h) fill(none)`, l.say("jours observés", "days watched"))).
		Unit("percentunit").Decimals(0).Between(0, 1).Dotted(monthGap).Last("24M").NoValue(l.unknown()).Size(24, 5).
		Override(board.Each(), board.Fixed(board.Green))
}

// plan draws what was planned and what was done from the dates that stand today, so that it needs no
// long memory in Prometheus.
func (l Language) plan() *board.Panel {
	curve := func(dates string) string {
		return fmt.Sprintf(`sum((max by (line) (%s%s) and on (line) zerofax_line_info{%s}%s) <= bool time())`, dates, today, inEstablishment, today)
	}
	return board.Lines(l.say("Lignes coupées : prévu et fait", "Lines cut: planned and done"), l.say(
		"Combien de lignes devaient être coupées à chaque date, d’après le plan d’aujourd’hui, et combien l’ont été. L’écart entre les deux courbes est le retard.",
		"How many lines should have been cut by each date, by today’s plan, and how many were. What lies between both curves is late."),
		board.Over(curve("zerofax_line_cutoff_timestamp_seconds"), "planned"), board.Over(curve("zerofax_line_cut_timestamp_seconds"), "done")).
		Unit("locale").Decimals(0).Steplike().NoValue(l.say("aucune date de coupure", "no cut-off date")).
		Override(board.Named("planned"), board.Called(l.say("prévu", "planned")), board.Fixed(board.Gold), board.Dashed()).
		Override(board.Named("done"), board.Called(l.say("fait", "done")), board.Fixed(board.Blue))
}

func (l Language) nextCutoffs() *board.Panel {
	ahead := ofLines("zerofax_line_cutoff_timestamp_seconds > time()", inEstablishment)
	by := func(aggregate string) string {
		return fmt.Sprintf(`%s by (service) ((%s) * on (line) group_left (service) max by (line, service) (zerofax_line_info))`, aggregate, ahead)
	}
	return board.Tabled(l.say("Prochaines coupures", "Next cut-offs"), l.say(
		"Services qui ont des lignes à couper, le plus proche d’abord.", "Departments that have lines to be cut, the nearest first."),
		"service",
		board.LabelOf(l.say("Service", "Department"), "name", "name", withName(fmt.Sprintf(`max by (service) (%s)`, by("min"))), l.toService(), l.unnamed()),
		board.Label("id", "service", hidden...),
		board.Value(l.say("Première coupure", "First cut-off"), l.day(), "first", by("min")+" * 1000").Wide(150),
		board.Value(l.say("Lignes", "Lines"), "locale", "lines", by("count")).Wide(90),
	).Size(12, 8).Sorted(l.say("Première coupure", "First cut-off"), false).NoValue(l.say("aucune coupure à venir", "no cut-off ahead"))
}

// counts are the columns of lines by a label, of those that have any: the unassigned ones are told even where there are none.
func (l Language) counts(by string) []board.Column {
	known := fmt.Sprintf(`(sum by (%s) (zerofax_lines{%s}) > 0)`, by, inEstablishment)
	of := func(metric, more string) string {
		return fmt.Sprintf(`sum by (%s) (%s{%s%s}) and on (%[1]s) %[5]s`, by, metric, inEstablishment, more, known)
	}
	return []board.Column{
		board.Value(l.say("Lignes", "Lines"), "locale", "lines", known).Wide(80),
		board.Value(l.say("Actives", "Active"), "locale", "active", of("zerofax_active_lines", "")).Wide(85),
		board.Value(l.say("Coupées", "Cut"), "percentunit", "cut", fmt.Sprintf(`sum by (%s) (zerofax_lines{%s,state="cut"}) / %s`, by, inEstablishment, known), gauge(board.Green)...),
		board.Value(l.say("Coupure dépassée", "Overdue"), "locale", "overdue", of("zerofax_lines", `,state="overdue"`), attention...).Wide(150),
		board.Value(l.say("Maintenues", "Kept"), "locale", "kept", of("zerofax_lines", `,state="kept"`)).Wide(105),
		board.Value(l.say("Non vues", "Unseen"), "locale", "unseen", of("zerofax_unseen_lines", "")).Wide(95),
	}
}

// gauge shows shares as bars.
func gauge(color string) []board.Property {
	return []board.Property{
		{ID: "custom.cellOptions", Value: board.CellType{Type: "gauge", Mode: "basic", Value: "text"}},
		{ID: "min", Value: 0},
		{ID: "max", Value: 1},
		{ID: "decimals", Value: 0},
		board.Fixed(color),
	}
}

func (l Language) byPole() *board.Panel {
	active := fmt.Sprintf(`sum by (pole) (zerofax_active_lines{%s})`, inEstablishment)
	target := fmt.Sprintf(`max by (pole) (zerofax_target{indicator="active_lines",pole!="",%s})`, inEstablishment)
	columns := []board.Column{
		board.LabelOf(l.say("Pôle", "Pole"), "name", "name", fmt.Sprintf(`max by (pole, name) (zerofax_pole_info{%s})`, inEstablishment), l.unnamed()),
		board.Label("id", "pole", hidden...),
	}
	columns = append(columns, l.counts("pole")...)
	columns = append(columns,
		board.Value(l.say("Objectif (actives)", "Target (active)"), "locale", "target", target).Wide(140),
		board.Value(l.say("Écart", "Gap"), "locale", "gap", fmt.Sprintf(`%s - on (pole) %s`, active, target), attention...).Wide(80))
	return board.Tabled(l.say("Lignes par pôle", "Lines by pole"), l.say(
		"Où en est chaque pôle. Objectif : lignes actives visées ce mois-ci ; écart au-dessus de 0 : il en reste trop. Non vues : lignes que personne ne voit, peut-être actives.",
		"How far each pole is. Target: active lines aimed at this month; a gap above 0: too many are left. Unseen: lines that nobody sees, maybe active."),
		"pole", columns...).Sorted(l.say("Lignes", "Lines"), true).Size(24, 8).NoValue(l.say("aucun pôle connu", "no pole known"))
}

func (l Language) byService() *board.Panel {
	columns := []board.Column{
		board.LabelOf(l.say("Service", "Department"), "name", "name", fmt.Sprintf(`max by (service, name) (zerofax_service_info{%s})`, inEstablishment), l.unnamed(), l.toService()),
		board.LabelOf(l.say("Pôle", "Pole"), "pole_name", "pole", fmt.Sprintf(
			`max by (service, pole) (zerofax_service_info{%s}) * on (pole) group_left (pole_name) max by (pole, pole_name) (label_replace(zerofax_pole_info, "pole_name", "$1", "name", "(.*)"))`, inEstablishment)),
		board.Label("id", "service", hidden...),
	}
	return board.Tabled(l.say("Lignes par service", "Lines by department"), l.say(
		"Où en est chaque service ; son nom mène à son tableau. Non vues : lignes que personne ne voit, peut-être actives.",
		"How far each department is; its name leads to its dashboard. Unseen: lines that nobody sees, maybe active."),
		"service", append(columns, l.counts("service")...)...).Sorted(l.say("Actives", "Active"), true).Size(24, 10).NoValue(l.say("aucun service connu", "no department known"))
}

// most are the ten services that fax most.
func (l Language) most(direction string) *board.Panel {
	title, color := l.say("Les 10 plus gros émetteurs, 30 jours", "The 10 that send most, 30 days"), board.Blue
	if direction == "received" {
		title, color = l.say("Les 10 plus gros receveurs, 30 jours", "The 10 that receive most, 30 days"), board.Gold
	}
	counter := fmt.Sprintf(`zerofax_fax_pages_total{%s,service!="",direction="%s"}`, inEstablishment, direction)
	return board.BarGauge(title, l.say(
		"Pages de fax des 30 derniers jours, par service. Un service qui manque n’a rien faxé, ou rien ne compte ses fax.",
		"Fax pages of the last 30 days by department. One that isn’t there faxed nothing, or nothing counts its faxes."),
		board.Now(fmt.Sprintf(`sort_desc(%s)`, withName(fmt.Sprintf(`topk(10, (%s) > 0)`, growth("service", counter, month)))), "{{name}}")).
		Unit("locale").Decimals(0).NoValue(l.say("rien de compté", "nothing counted")).Steps(color).Size(12, 10)
}

func (l Language) establishments() board.Variable {
	return board.Of("establishment", l.say("Établissement", "Establishment"), "zerofax_establishment_info",
		`/establishment="(?<value>[^"]*)".*,name="(?<text>.*?)"(?:,\w+="|})/`).Many(l.say("Tous", "All"))
}

// level follows from what people chose: whole where all establishments are, else structure.
var level = board.Of("level", "", `label_replace(sum(zerofax_lines), "level", "whole", "", "") unless on () count(zerofax_establishment_info{establishment!~"$establishment"}) > 0`+
	` or on () label_replace(sum(zerofax_lines), "level", "structure", "", "")`, `/level="([^"]*)"/`).Hidden("whole")

func (l Language) poles() board.Variable {
	return board.Of("pole", l.say("Pôle", "Pole"), "zerofax_pole_info{"+inEstablishment+"}", `/name="(?<text>.*?)",(?:\w+="[^"]*",)*pole="(?<value>[^"]*)"/`).Many(l.say("Tous", "All"))
}

// services lets people choose a department of those in a place. One of no pole is written without the label.
func (l Language) services(in string) board.Variable {
	return board.Of("service", l.say("Service", "Department"), "zerofax_service_info"+in, `/name="(?<text>.*?)",(?:\w+="[^"]*",)*service="(?<value>[^"]*)"/`)
}
