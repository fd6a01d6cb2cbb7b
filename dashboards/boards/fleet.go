package boards

import (
	"fmt"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

const ofAgent = `agent=~"$agent"`

// fleet is for who keeps agents and machines running: who answers, who is silent, since when.
func fleet(l Language) *board.Dashboard {
	d := l.start("parc", l.say("Parc", "Fleet"), l.say(
		"Les agents et les machines : qui répond, qui se tait et depuis quand, ce qui attend, ce qui est anormal.",
		"Agents and machines: who answers, who is silent and since when, what waits, what is odd."))
	d.Time.From = "now-7d"
	d.With(board.Of("agent", "Agent", "zerofax_agent_info", `/agent="([^"]*)"/`).Many(l.say("Tous", "All")))
	d.Row(l.say("Aujourd’hui", "Today"), l.fleetStats()...)
	d.Row(l.say("Agents", "Agents"), l.agents(), l.spool(), l.answering())
	d.Row(l.say("Silences", "Silences"), l.silent(), l.unread())
	d.Row(l.say("Machines", "Machines"), l.machines(`on (device) zerofax_device_info{`+ofAgent+`}`).Size(24, 10), l.byVendor(), l.anomalies(), l.versions())
	return d
}

// answered is 1 for each machine of the agents that answers, else 0.
const answered = answering + ` == bool 1 and on (device) zerofax_device_info{` + ofAgent + `}`

func (l Language) fleetStats() []*board.Panel {
	return []*board.Panel{
		board.Stat(l.say("Agents en ligne", "Agents online"), l.say("Part des agents en ligne et entendus dans les 3 dernières minutes.", "Share of the agents that are online and were heard within 3 minutes."),
			board.Now(`avg(zerofax_agent_up{`+ofAgent+`})`, "")).Unit("percentunit").Decimals(0).NoValue(l.say("aucun agent", "no agent")).Steps(board.Vermillion, board.From(0.9995, board.Green)),
		board.Stat(l.say("Machines jointes", "Machines reached"), l.say("Part des machines qui ont répondu au dernier regard de leur agent. Celles d’un agent muet ne comptent pas : personne ne regarde.", "Share of the machines that answered at the last look of their agent. Those of a silent agent don’t count: nobody looks."),
			board.Now(`avg(`+answered+`)`, "")).Unit("percentunit").Decimals(0).NoValue(l.say("aucune machine", "no machine")).Steps(board.Vermillion, board.From(0.9, board.Green)),
		board.Stat(l.say("Envois en attente", "Envelopes waiting"), l.say("Ce que les agents gardent et que le collecteur n’a pas encore inscrit ; d’un agent muet, ce qu’il a dit en dernier. Inconnu : aucun agent ne l’a encore dit.", "What agents hold and the collector hasn’t booked yet; of a silent agent, what it said last. Unknown: no agent has said so yet."),
			board.Now(`sum(zerofax_agent_spool_envelopes{`+ofAgent+`})`, "")).Unit("locale").NoValue(l.unknown()),
		board.Stat(l.say("Abandonnées", "Given up"), l.say("Lectures que les agents ont dû abandonner depuis le début, leur stockage étant plein. Les totaux restent justes, les instants sont moins précis.", "Readings that agents had to give up ever, because their spool was full. Totals stay right, instants are less exact."),
			board.Now(`sum(zerofax_agent_dropped_readings_total{`+ofAgent+`})`, "")).Unit("locale").NoValue(l.unknown()).Steps(board.Plain, board.From(1, board.Vermillion)),
		board.Stat(l.say("Anomalies, 30 jours", "Anomalies, 30 days"), l.say("Compteurs retombés, hausses peu plausibles, machines remplacées. Celles à examiner sont dans les pages du collecteur.", "Counters that fell, implausible growth, machines replaced. Those to be examined are in the collector’s pages."),
			board.Now(growth("", `zerofax_device_anomalies_total and on (device) zerofax_device_info{`+ofAgent+`}`, month), "")).Unit("locale").Decimals(0).NoValue(l.unknown()),
		board.Stat(l.say("Fin de certificat", "Certificate ends"), l.say("Quand expire le premier certificat, d’un agent ou d’un broker à vous. Les agents renouvellent les leurs seuls, au tiers restant. Sans certificat : rien n’a été enrôlé.", "When the first certificate expires, of an agent or of a broker of your own. Agents renew theirs by themselves when a third is left. No certificate: nothing was enrolled."),
			board.Now(`min(zerofax_agent_certificate_not_after_timestamp_seconds{`+ofAgent+`} * 1000)`, "")).Unit(l.day()).NoValue(l.say("sans certificat", "no certificate")),
	}
}

func (l Language) agents() *board.Panel {
	of := func(metric string) string { return fmt.Sprintf(`max by (agent) (%s{%s})`, metric, ofAgent) }
	return board.Tabled(l.say("Agents", "Agents"), l.say(
		"Muet : rien n’a été entendu depuis 3 minutes, ses lignes seront bientôt sans lecture. Configuration : celle poussée par le collecteur ; la sienne : rien n’est déclaré ici pour lui.",
		"Silent: nothing was heard for 3 minutes, its lines will soon be blind. Configuration: the one that the collector pushes; its own: nothing is declared for it here."),
		"agent",
		board.LabelOf(l.say("Agent", "Agent"), "agent", "info", fmt.Sprintf(`max by (agent, version, os) (zerofax_agent_info{%s})`, ofAgent)),
		board.Value(l.say("Présence", "Presence"), "none", "up", of("zerofax_agent_up"), l.called(presence)...).Wide(105),
		board.Value(l.say("Entendu", "Heard"), ago, "seen", of("zerofax_agent_last_seen_timestamp_seconds")+" * 1000").Wide(165),
		board.Value(l.say("Machines", "Machines"), "locale", "devices", fmt.Sprintf(`count by (agent) (max by (device, agent) (zerofax_device_info{%s}))`, ofAgent)).Wide(90),
		board.Value(l.say("En attente", "Waiting"), "locale", "spool", of("zerofax_agent_spool_envelopes")).Wide(100),
		board.Value(l.say("Abandonnées", "Given up"), "locale", "dropped", of("zerofax_agent_dropped_readings_total"), attention...).Wide(120),
		board.Value(l.say("Configuration", "Configuration"), "none", "config", of("zerofax_agent_config_current"), l.calledOr(l.say("la sienne", "its own"), currency)...).Wide(155),
		board.Value(l.say("Certificat jusqu’au", "Certificate until"), l.day(), "certificate", fmt.Sprintf(
			`max by (agent) (zerofax_agent_certificate_not_after_timestamp_seconds{%s,agent!~"zerofax-broker|zerofax-collector"}) * 1000`, ofAgent)).Wide(140),
		board.Label(l.say("Version", "Version"), "version").Wide(85),
		board.Label(l.say("Système", "System"), "os").Wide(130),
	).Sorted(l.say("Agent", "Agent"), false).Size(24, 8).NoValue(l.say("aucun agent", "no agent"))
}

func (l Language) spool() *board.Panel {
	waiting := `max by (agent) (zerofax_agent_spool_envelopes{` + ofAgent + `})`
	return board.Lines(l.say("Envois en attente chez les agents", "Envelopes waiting at agents"), l.say(
		"Une courbe qui monte : un agent ne joint plus le collecteur, ou n’a plus sa confirmation. Rien n’est perdu tant que son disque a de la place. Lequel : voir la table.",
		"A rising curve: an agent doesn’t reach the collector, or gets no acknowledgement. Nothing is lost while its disk has room. Which one: see the table."),
		board.Over(`sum(`+waiting+`)`, "all"), board.Over(`max(`+waiting+`)`, "most")).
		Unit("locale").Decimals(0).NoValue(l.unknown()).Size(12, 8).
		Override(board.Named("all"), board.Called(l.say("tous les agents", "all agents")), board.Fixed(board.Blue)).
		Override(board.Named("most"), board.Called(l.say("le plus chargé", "the one with most")), board.Fixed(board.Vermillion), board.Dashed())
}

func (l Language) answering() *board.Panel {
	return board.Lines(l.say("Machines connues, et qui répondent", "Machines that are known, and that answer"), l.say(
		"L’écart entre les deux courbes est ce que personne ne voit. Une chute d’un coup : un agent, ou le réseau.",
		"What lies between both curves is what nobody sees. A sudden fall: an agent, or the network."),
		board.Over(`count(`+answered+`)`, "known"), board.Over(`sum(`+answered+`)`, "answering")).
		Unit("locale").Decimals(0).NoValue(l.say("aucune machine", "no machine")).Size(12, 8).
		Override(board.Named("known"), board.Called(l.say("connues", "known")), board.Fixed(board.Grey), board.Dashed()).
		Override(board.Named("answering"), board.Called(l.say("répondent", "answering")), board.Fixed(board.Blue))
}

// silent are the machines that don't answer.
func (l Language) silent() *board.Panel {
	down := answering + ` != 1`
	return board.Tabled(l.say("Machines qui ne répondent pas", "Machines that don’t answer"), l.say(
		"Éteinte, déplacée, hors de portée de l’agent, ou l’agent est muet. Dernière lecture vide : jamais lue, ou ligne déclarée par sa passerelle.",
		"Switched off, moved, out of the agent’s reach, or the agent is silent. An empty last reading: never read, or a line declared by its gateway."),
		"device",
		board.LabelOf(l.say("Machine", "Machine"), "device", "info", fmt.Sprintf(`max by (device, model, agent) (zerofax_device_info{%s}) and on (device) (%s)`, ofAgent, down)),
		board.Value(l.say("Réponse", "Answer"), "none", "up", fmt.Sprintf(`%s and on (device) zerofax_device_info{%s}`, down, ofAgent), l.called(answers)...),
		board.Value(l.say("Dernière lecture", "Last reading"), ago, "reading", fmt.Sprintf(
			`max by (device) (zerofax_line_last_reading_timestamp_seconds * on (line) group_left (device) max by (line, device) (zerofax_line_info{device!=""})) * 1000 and on (device) (%s) and on (device) zerofax_device_info{%s}`, down, ofAgent)),
		board.Label(l.say("Agent", "Agent"), "agent"),
	).Sorted(l.say("Dernière lecture", "Last reading"), false).Size(12, 8).NoValue(l.say("aucune machine muette", "no machine is silent"))
}

// unread are the lines that nobody has read for three days.
func (l Language) unread() *board.Panel {
	old := `time() - max by (line) (zerofax_line_last_reading_timestamp_seconds) > 259200`
	return board.Tabled(l.say("Lignes sans lecture depuis 3 jours", "Lines without a reading for 3 days"), l.say(
		"Rien ne prouve leur silence. Une ligne qui n’a jamais été lue n’est pas dans cette liste : voir les pages du collecteur.",
		"Nothing proves their silence. A line that was never read isn’t in this list: see the collector’s pages."),
		"line",
		board.LabelOf(l.say("Ligne", "Line"), "line", "info", fmt.Sprintf(
			`max by (line, device) (zerofax_line_info and on (device) zerofax_device_info{%s}) and on (line) (%s)`, ofAgent, old), l.toLine()),
		board.Label(l.say("Machine", "Machine"), "device"),
		board.Value(l.say("Dernière lecture", "Last reading"), ago, "reading", fmt.Sprintf(
			`max by (line) (zerofax_line_last_reading_timestamp_seconds) * 1000 and on (line) (%s) and on (line) (zerofax_line_info and on (device) zerofax_device_info{%s})`, old, ofAgent)),
	).Sorted(l.say("Dernière lecture", "Last reading"), false).Size(12, 8).NoValue(l.say("aucune ligne sans lecture", "no line is without a reading"))
}

func (l Language) byVendor() *board.Panel {
	return board.BarGauge(l.say("Machines par marque", "Machines by make"), l.say("Combien de machines de chaque famille sont connues.", "How many machines of each family are known."),
		board.Now(`sort_desc(count by (vendor) (max by (device, vendor) (zerofax_device_info{`+ofAgent+`})))`, "{{vendor}}")).
		Unit("locale").NoValue(l.say("aucune machine", "no machine")).Steps(board.Blue).Size(8, 8)
}

func (l Language) anomalies() *board.Panel {
	p := board.BarGauge(l.say("Anomalies depuis le début", "Anomalies ever"), l.say(
		"Compteur retombé : remise à zéro ou carte remplacée. Hausse peu plausible : attend une décision. Compteur lu autrement : une autre règle du profil. Machine remplacée : une autre répond à la même adresse.",
		"Counter fell: a reset, or a board replaced. Implausible growth: waits for a decision. Counter read in another way: another rule of the profile. Machine replaced: another one answers at the same address."),
		board.Now(`sum by (kind) (zerofax_device_anomalies_total and on (device) zerofax_device_info{`+ofAgent+`})`, "{{kind}}")).
		Unit("locale").NoValue(l.unknown()).Steps(board.Gold).Size(8, 8)
	for _, w := range []word{
		{"reset", "compteur retombé", "counter fell", ""},
		{"jump", "hausse peu plausible", "implausible growth", ""},
		{"rule_changed", "compteur lu autrement", "counter read in another way", ""},
		{"device_changed", "machine remplacée", "machine replaced", ""},
	} {
		p.Override(board.Named(w.id), board.Called(l.say(w.french, w.english)))
	}
	return p
}

func (l Language) versions() *board.Panel {
	return board.BarGauge(l.say("Agents par version", "Agents by version"), l.say("Combien d’agents ont chaque version.", "How many agents have each version."),
		board.Now(`sort_desc(count by (version) (max by (agent, version) (zerofax_agent_info{`+ofAgent+`})))`, "{{version}}")).
		Unit("locale").NoValue(l.say("aucun agent", "no agent")).Steps(board.Blue).Size(8, 8)
}
