package boards

import (
	"fmt"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// pilotage is what a steering committee looks at: how many lines still live, how many are cut against
// the plan, and whether fax goes down while MSSanté goes up.
func pilotage(l Language) *board.Dashboard {
	d := l.start("pilotage", l.say("Pilotage", "Steering"), l.say(
		"Où en est la sortie du fax : indicateurs, objectifs, plan de coupure, par pôle et par service.",
		"How far the hospital is in leaving fax behind: indicators, targets, plan of cut-offs, by pole and by department."))
	d.Time.From = "now-24M/M"
	d.With(l.establishments())
	d.Row(l.say("Aujourd’hui", "Today"),
		l.activeLines(inEstablishment),
		board.Stat(l.say("Lignes coupées", "Lines cut"), l.say(
			"Part des lignes déclarées coupées, parmi toutes celles connues. Inconnu tant qu’aucune ligne n’est connue.",
			"Share of the lines declared cut, of all that are known. Unknown while no line is known."),
			board.Now(fmt.Sprintf(`sum(zerofax_lines{%[1]s,state="cut"}) / (sum(zerofax_lines{%[1]s}) > 0)`, inEstablishment), "")).
			Unit("percentunit").Decimals(0).NoValue(l.unknown()),
	)
	return d
}

const inEstablishment = `establishment=~"$establishment"`

// activeLines is how many lines live. None is a figure only where all lines are seen.
func (l Language) activeLines(in string) *board.Panel {
	return board.Stat(l.say("Lignes actives", "Active lines"), l.say(
		"Lignes qui vivent aujourd’hui, quoi qu’il soit prévu. Inconnu quand aucune n’est vue active alors que personne ne voit certaines d’entre elles.",
		"Lines that live today, whatever was planned. Unknown where none is seen to be active while nobody can see some of them."),
		board.Now(fmt.Sprintf(`sum(zerofax_active_lines{%[1]s}) > 0 or (sum(zerofax_active_lines{%[1]s}) and sum(zerofax_lines{%[1]s}) > 0 unless sum(zerofax_unseen_lines{%[1]s}) > 0)`, in), "")).
		Unit("locale").NoValue(l.unknown())
}

func (l Language) establishments() board.Variable {
	return board.Of("establishment", l.say("Établissement", "Establishment"), "zerofax_establishment_info",
		`/establishment="(?<value>[^"]*)".*name="(?<text>[^"]*)"/`).Many(l.say("Tous", "All"))
}
