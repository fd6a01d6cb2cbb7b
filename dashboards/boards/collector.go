package boards

import (
	"fmt"

	"github.com/zerofax/zerofax/dashboards/internal/board"
)

// collector is for who runs the collector: what comes in, how fast it is booked, and what waits to go out.
func collector(l Language) *board.Dashboard {
	d := l.start("collecteur", l.say("Collecteur", "Collector"), l.say(
		"Le collecteur lui-même : ce qui entre, ce qui est inscrit, ce qui attend de sortir, ce qu’il consomme.",
		"The collector itself: what comes in, what is booked, what waits to go out, what it uses."))
	d.Time.From = "now-24h"
	d.Row(l.say("Aujourd’hui", "Today"), l.collectorStats()...)
	d.Row(l.say("Ce qui entre", "What comes in"), l.envelopes(), l.latency())
	d.Row(l.say("Ce qui sort", "What goes out"), l.backlog(), l.pending())
	d.Row(l.say("Les comptes", "The books"), l.books(), l.alertsByKind())
	d.Row(l.say("Ressources", "Resources"),
		l.resource(l.say("Mémoire", "Memory"), "bytes", l.say("mémoire", "memory"), "process_resident_memory_bytes", l.say("Mémoire vive du collecteur.", "Resident memory of the collector.")),
		l.resource(l.say("Processeur", "Processor"), "percentunit", l.say("processeur", "processor"), "rate(process_cpu_seconds_total[$__rate_interval])", l.say("100 % : un cœur occupé.", "100%: one core is busy.")),
		l.resource(l.say("Fichiers et connexions ouverts", "Open files and connections"), "locale", l.say("ouverts", "open"), "process_open_fds", l.say("Fichiers et connexions que le collecteur tient ouverts.", "Files and connections that the collector holds open.")))
	return d
}

// own are what the collector's process tells of itself, not that of other programs.
func own(expr string) string { return expr + ` and on (instance, job) zerofax_build_info` }

func (l Language) collectorStats() []*board.Panel {
	version := board.Stat(l.say("Version", "Version"), l.say("Version du collecteur.", "Version of the collector."), board.Now(`max by (version) (zerofax_build_info)`, "{{version}}")).Unit("none").NoValue(l.unknown())
	version.Options.(*board.StatOptions).TextMode = "name"
	return []*board.Panel{
		version,
		board.Stat(l.say("En marche depuis", "Running since"), l.say("Dernier démarrage du collecteur. Les comptes sont gardés d’un démarrage à l’autre.", "Last start of the collector. The books stay from one start to the next."),
			board.Now(`max(`+own(`process_start_time_seconds`)+`) * 1000`, "")).Unit(ago).NoValue(l.unknown()),
		board.Stat(l.say("Inscription, 95 %", "Booking, 95%"), l.say("En combien de temps 95 % des envois sont inscrits, depuis leur arrivée.", "In what time 95% of the envelopes are booked, from their arrival."),
			board.Now(`histogram_quantile(0.95, sum by (le) (rate(zerofax_collector_ingest_seconds_bucket[$__rate_interval])))`, "")).Unit("s").Decimals(2).NoValue(l.say("rien reçu", "nothing came")).
			Steps(board.Plain, board.From(1, board.Vermillion)),
		board.Stat(l.say("En quarantaine", "In quarantine"), l.say("Envois refusés depuis le début, gardés pour être examinés : zerofax-collector quarantine list.", "Envelopes refused ever, kept to be examined: zerofax-collector quarantine list."),
			board.Now(`sum(zerofax_collector_envelopes_total{result="quarantined"})`, "")).Unit("locale").NoValue(l.unknown()).Steps(board.Plain, board.From(1, board.Vermillion)),
		board.Stat(l.say("Pour InfluxDB", "For InfluxDB"), l.say("Ce qu’InfluxDB n’a pas encore pris. Sans InfluxDB : rien n’est configuré.", "What InfluxDB hasn’t taken yet. No InfluxDB: none is configured."),
			board.Now(`max(zerofax_collector_series_backlog)`, "")).Unit("locale").NoValue(l.say("sans InfluxDB", "no InfluxDB")).Steps(board.Plain, board.From(1000, board.Vermillion)),
		board.Stat(l.say("Messages en attente", "Messages waiting"), l.say("Mails et messages webhook qui attendent leur serveur.", "Mails and webhook messages that wait for their server."),
			board.Now(`sum(zerofax_collector_messages_pending)`, "")).Unit("locale").NoValue(l.unknown()).Steps(board.Plain, board.From(1, board.Vermillion)),
	}
}

// fates are what became of envelopes, in groups that want the same of people.
var fates = []struct {
	results string
	word
}{
	{"applied", word{"booked", "inscrits", "booked", board.Blue}},
	{"duplicate", word{"known", "déjà connus", "known already", board.Grey}},
	{"early|overlap|dropped", word{"again", "à redire", "to be said again", board.Gold}},
	{"quarantined|unreadable|version", word{"refused", "refusés", "refused", board.Vermillion}},
}

func (l Language) envelopes() *board.Panel {
	var queries []board.Query
	for _, f := range fates {
		queries = append(queries, board.Over(fmt.Sprintf(`sum(rate(zerofax_collector_envelopes_total{result=~"%s"}[$__rate_interval]))`, f.results), f.id))
	}
	p := board.Lines(l.say("Envois par seconde, selon leur sort", "Envelopes a second, by what became of them"), l.say(
		"Inscrits : tout va bien. Déjà connus : redits par sûreté, sans effet. À redire : arrivés trop tôt, en chevauchement ou quand la file était pleine ; l’agent les redira. Refusés : en quarantaine, illisibles ou d’une version inconnue ; à examiner.",
		"Booked: all is well. Known already: said again to be sure, without effect. To be said again: too early, overlapping, or the queue was full; the agent will do so. Refused: quarantined, unreadable or of an unknown version; to be examined."),
		queries...).Unit("short").NoValue(l.unknown())
	for _, f := range fates {
		p.Override(board.Named(f.id), board.Called(l.say(f.french, f.english)), board.Fixed(f.color))
	}
	return p
}

func (l Language) latency() *board.Panel {
	q := func(quantile string) board.Query {
		return board.Over(fmt.Sprintf(`histogram_quantile(%s, sum by (le) (rate(zerofax_collector_ingest_seconds_bucket[$__rate_interval])))`, quantile), quantile)
	}
	return board.Lines(l.say("Temps d’inscription", "Time to book"), l.say(
		"De l’arrivée d’un envoi à son inscription sur disque. Un trou : rien n’est arrivé.", "From the arrival of an envelope to its booking on disk. A gap: nothing came."),
		q("0.5"), q("0.95")).Unit("s").NoValue(l.say("rien reçu", "nothing came")).
		Override(board.Named("0.5"), board.Called(l.say("la moitié en moins de", "half of them in less than")), board.Fixed(board.Blue)).
		Override(board.Named("0.95"), board.Called(l.say("95 % en moins de", "95% in less than")), board.Fixed(board.Vermillion), board.Dashed())
}

func (l Language) backlog() *board.Panel {
	return board.Lines(l.say("Vers InfluxDB : en attente et refusés", "To InfluxDB: waiting and refused"), l.say(
		"En attente : gardé dans les comptes jusqu’à ce qu’InfluxDB le prenne. Refusés : mis en quarantaine, sans retenir les autres.",
		"Waiting: kept in the books until InfluxDB takes it. Refused: put in quarantine, without holding up the others."),
		board.Over(`max(zerofax_collector_series_backlog)`, "waiting"), board.Over(`max(zerofax_collector_series_refused_total)`, "refused")).
		Unit("locale").Decimals(0).NoValue(l.say("sans InfluxDB", "no InfluxDB")).
		Override(board.Named("waiting"), board.Called(l.say("en attente", "waiting")), board.Fixed(board.Blue)).
		Override(board.Named("refused"), board.Called(l.say("refusés", "refused")), board.Fixed(board.Vermillion))
}

func (l Language) pending() *board.Panel {
	of := func(metric, legend string) board.Query {
		return board.Over(fmt.Sprintf(`max by (channel) (%s)`, metric), legend+" {{channel}}")
	}
	p := board.Lines(l.say("Mails et webhooks", "Mails and webhooks"), l.say(
		"En attente : leur serveur ne les prend pas, ils sont retentés pendant 7 jours. Abandonnés : après 7 jours.",
		"Waiting: their server doesn’t take them, they are tried for 7 days. Given up: after 7 days."),
		of("zerofax_collector_messages_pending", "waiting"), of("zerofax_collector_messages_given_up_total", "given_up")).
		Unit("locale").Decimals(0).NoValue(l.unknown())
	for i, w := range []word{
		{"waiting email", "en attente, mail", "waiting, mail", board.Blue},
		{"waiting webhook", "en attente, webhook", "waiting, webhook", board.Gold},
		{"given_up email", "abandonnés, mail", "given up, mail", board.Blue},
		{"given_up webhook", "abandonnés, webhook", "given up, webhook", board.Gold},
	} {
		looks := []board.Property{board.Called(l.say(w.french, w.english)), board.Fixed(w.color)}
		if i >= 2 {
			looks = append(looks, board.Dashed())
		}
		p.Override(board.Named(w.id), looks...)
	}
	return p
}

// books is how much the ledger holds.
func (l Language) books() *board.Panel {
	return board.BarGauge(l.say("Ce que les comptes connaissent", "What the books know"), l.say("Agents, machines et lignes connus du collecteur.", "Agents, machines and lines that the collector knows."),
		board.Now(`count(zerofax_agent_info) or sum(zerofax_lines) * 0`, "agents"), board.Now(`count(zerofax_device_info) or sum(zerofax_lines) * 0`, "machines"), board.Now(`sum(zerofax_lines)`, l.say("lignes", "lines"))).
		Unit("locale").NoValue(l.say("rien encore", "nothing yet")).Steps(board.Blue).Size(8, 8)
}

func (l Language) alertsByKind() *board.Panel {
	p := board.BarGauge(l.say("Alertes ouvertes", "Open alerts"), l.say(
		"Ce dont quelqu’un devrait s’occuper, par sorte. Le détail est dans les pages du collecteur.", "What somebody should look after, by kind. The details are in the collector’s pages."),
		board.Now(`sum by (kind) (zerofax_open_alerts)`, "{{kind}}")).
		Unit("locale").NoValue(l.unknown()).Steps(board.Gold).Size(16, 8).
		Link(board.DataLink{Title: l.say("Voir les alertes", "See the alerts"), URL: "${collector}/alerts?lang=" + string(l), TargetBlank: true})
	for _, w := range []word{
		{"after_cutoff", "fax après la coupure", "fax after the cut-off", ""},
		{"after_copper", "fax après la fermeture du cuivre", "fax after copper closed", ""},
		{"blind", "ligne coupée que personne ne voit", "cut line that nobody sees", ""},
		{"line_reappeared", "ligne coupée qui revit", "cut line that lives again", ""},
		{"agent_silent", "agent muet", "silent agent", ""},
		{"spool_dropping", "agent qui abandonne des lectures", "agent giving readings up", ""},
		{"hole", "trou dans les lectures d’un agent", "hole in an agent’s readings", ""},
		{"clock", "horloge d’un agent déréglée", "an agent’s clock is off", ""},
		{"anomaly", "anomalie à examiner", "anomaly to examine", ""},
		{"device_changed", "machine remplacée", "machine replaced", ""},
	} {
		p.Override(board.Named(w.id), board.Called(l.say(w.french, w.english)))
	}
	return p
}

func (l Language) resource(title, unit, legend, expr, says string) *board.Panel {
	return board.Lines(title, says, board.Over(own(expr), legend)).Unit(unit).NoValue(l.unknown()).Size(8, 7).Override(board.Each(), board.Fixed(board.Blue))
}
