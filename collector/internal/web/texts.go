package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/zerofax/zerofax/agent/wire"
)

// text is one thing to say in both languages.
type text struct{ fr, en string }

// texts are all words of the pages. Keys that end in .one and .other belong together.
var texts = map[string]text{
	"language":       {"fr", "en"},
	"other.language": {"English", "Français"},
	"other.lang":     {"en", "fr"},

	"title":          {"Machines et lignes de fax", "Fax machines and lines"},
	"search":         {"Chercher une machine", "Search a machine"},
	"search.none":    {"Aucune machine ne correspond à « %s ».", "No machine matches “%s”."},
	"search.all":     {"Toutes les machines", "All machines"},
	"updated":        {"État au %s", "As of %s"},
	"stale":          {"Le collecteur ne répond plus : cette page date.", "The collector no longer answers: this page is out of date."},
	"skip":           {"Aller au contenu", "Skip to content"},
	"footer":         {"Unités telles que les machines les comptent, depuis que le collecteur les voit.", "Units as the machines count them, since the collector first saw them."},
	"shown":          {"%d machines affichées sur %d : précisez la recherche.", "%d machines of %d shown: narrow the search."},
	"unknown":        {"inconnu", "unknown"},
	"never":          {"jamais", "never"},
	"none":           {"—", "—"},
	"books.fault":    {"Les comptes ne peuvent pas être lus ; le journal du collecteur dit pourquoi.", "The books can't be read; the collector's log says why."},
	"now":            {"à l’instant", "just now"},
	"ago":            {"il y a %s", "%s ago"},
	"unit.s":         {"%d s", "%d s"},
	"unit.min":       {"%d min", "%d min"},
	"unit.h":         {"%d h", "%d h"},
	"unit.d":         {"%d j", "%d d"},
	"machines.one":   {"%d machine", "%d machine"},
	"machines.other": {"%d machines", "%d machines"},
	"agents.one":     {"%d agent", "%d agent"},
	"agents.other":   {"%d agents", "%d agents"},
	"active.one":     {"%d ligne de fax active", "%d active fax line"},
	"active.other":   {"%d lignes de fax actives", "%d active fax lines"},
	"watch.one":      {"%d point d’attention", "%d watch point"},
	"watch.other":    {"%d points d’attention", "%d watch points"},
	"all.up":         {"toutes répondent", "all answer"},
	"down.one":       {"%d sans nouvelles", "%d not heard from"},
	"down.other":     {"%d sans nouvelles", "%d not heard from"},
	"agents.up":      {"tous en ligne", "all online"},
	"agents.down":    {"%d pas en ligne", "%d not online"},
	"lines.of":       {"sur %d connues", "of %d known"},
	"watch.none":     {"rien à signaler", "nothing to report"},
	"watch.see":      {"voir plus bas", "see below"},

	"unassigned.one":   {"%d ligne « non affectée » : aucun service ne lui est encore attribué.", "%d line “unassigned”: no department has been given to it yet."},
	"unassigned.other": {"%d lignes « non affectées » : aucun service ne leur est encore attribué.", "%d lines “unassigned”: no department has been given to them yet."},
	"unassigned.why":   {"Chaque machine qui peut faxer compte comme une ligne.", "Each machine that can fax counts as one line."},

	"column.machine":   {"Machine", "Machine"},
	"column.line":      {"Ligne", "Line"},
	"column.service":   {"Fonction fax", "Fax function"},
	"column.sent":      {"Émis", "Sent"},
	"column.received":  {"Reçus", "Received"},
	"column.reading":   {"Dernière lecture", "Last reading"},
	"column.agent":     {"Agent", "Agent"},
	"fleet.caption":    {"Machines : état de la ligne, pages émises et reçues depuis la première lecture", "Machines: line status, pages sent and received since the first reading"},
	"printed":          {"imprimées à réception", "printed on receipt"},
	"either.way":       {"sens inconnu", "direction unknown"},
	"fax.yes":          {"—", "—"},
	"fax.no":           {"pas de fax", "no fax"},
	"fax.unknown":      {"fax inconnu : rien ne dit si elle peut faxer", "fax unknown: nothing says whether it can fax"},
	"ports.undeclared": {"ports à déclarer : lesquels portent un fax ?", "ports to declare: which ones carry a fax?"},
	"since":            {"suivie depuis le %s", "watched since %s"},
	"port":             {"port %s", "port %s"},
	"unreachable":      {"ne répond pas", "doesn't answer"},
	"unread":           {"n’est plus lue", "no longer read"},
	"last.known":       {"à la dernière lecture", "at the last reading"},
	"of.addresses":     {"sur %d adresses", "of %d addresses"},
	"anomalies.one":    {"%d anomalie", "%d anomaly"},
	"anomalies.other":  {"%d anomalies", "%d anomalies"},
	"claimed":          {"vue aussi par %s", "also seen by %s"},
	"clock.device":     {"heures corrigées", "times corrected"},
	"new":              {"nouvelle", "new"},
	"unassigned":       {"non affectée", "unassigned"},

	"status.idle":    {"libre", "idle"},
	"status.busy":    {"occupée", "busy"},
	"status.down":    {"hors service", "down"},
	"status.unknown": {"état inconnu", "status unknown"},

	"state.active":  {"active", "active"},
	"state.quiet":   {"calme", "quiet"},
	"state.dormant": {"dormante", "dormant"},
	"state.blind":   {"sans lecture", "blind"},
	"state.overdue": {"coupure dépassée", "overdue"},
	"state.cut":     {"coupée", "cut"},
	"state.kept":    {"maintenue", "kept"},

	"service.ready":       {"prête", "ready"},
	"service.attention":   {"à surveiller", "attention"},
	"service.unavailable": {"indisponible", "unavailable"},
	"service.unknown":     {"état inconnu", "state unknown"},

	"count.pages.one":         {"%d page", "%d page"},
	"count.pages.other":       {"%d pages", "%d pages"},
	"count.images.one":        {"%d image", "%d image"},
	"count.images.other":      {"%d images", "%d images"},
	"count.impressions.one":   {"%d impression", "%d impression"},
	"count.impressions.other": {"%d impressions", "%d impressions"},
	"count.sides.one":         {"%d face", "%d side"},
	"count.sides.other":       {"%d faces", "%d sides"},
	"count.sheets.one":        {"%d feuille", "%d sheet"},
	"count.sheets.other":      {"%d feuilles", "%d sheets"},
	"count.faxes.one":         {"%d fax", "%d fax"},
	"count.faxes.other":       {"%d fax", "%d faxes"},

	"agents.title":       {"Agents", "Agents"},
	"agents.caption":     {"Agents : ce qu’ils lisent et ce qui attend encore", "Agents: what they read and what still waits"},
	"column.state":       {"État", "State"},
	"column.seen":        {"Dernier contact", "Last heard"},
	"column.machines":    {"Machines", "Machines"},
	"column.waiting":     {"En attente", "Waiting"},
	"column.notes":       {"Remarques", "Remarks"},
	"agent.up":           {"en ligne", "online"},
	"agent.silent":       {"muet", "silent"},
	"agent.off":          {"hors ligne", "offline"},
	"agent.unknown":      {"inconnu", "unknown"},
	"waiting.none":       {"rien", "nothing"},
	"waiting.one":        {"%d envoi", "%d envelope"},
	"waiting.other":      {"%d envois", "%d envelopes"},
	"waiting.since":      {"depuis %s", "for %s"},
	"agent.dropped":      {"%d lectures abandonnées, stockage plein", "%d readings given up, spool full"},
	"agent.spool.error":  {"n’arrive plus à écrire : %s", "can't write: %s"},
	"agent.damaged":      {"%d fichiers abîmés mis de côté", "%d damaged files set aside"},
	"agent.holes":        {"%d trous dans ses lectures", "%d holes in its readings"},
	"agent.clock":        {"horloge décalée de %s", "clock off by %s"},
	"agent.clock.fixed":  {"horloge décalée de %s, heures corrigées", "clock off by %s, times corrected"},
	"agent.too.new":      {"parle une version plus récente : mettre à jour le collecteur", "speaks a newer version: update the collector"},
	"agent.silent.list":  {"sans réponse : %s", "no answer: %s"},
	"agent.silent.more":  {"%s et %d autres", "%s and %d others"},
	"agent.first":        {"jamais entendu", "never heard"},
	"watch.title":        {"Points d’attention", "Watch points"},
	"quarantine.one":     {"%d message refusé, gardé en quarantaine", "%d message refused, kept in quarantine"},
	"quarantine.other":   {"%d messages refusés, gardés en quarantaine", "%d messages refused, kept in quarantine"},
	"anomaly.open.one":   {"%d anomalie à examiner", "%d anomaly to examine"},
	"anomaly.open.other": {"%d anomalies à examiner", "%d anomalies to examine"},

	"anomaly.newest":    {"Les plus récentes :", "The newest:"},
	"quarantine.newest": {"Les plus récents :", "The newest:"},

	"why.blind":      {"dernière lecture réussie le %s", "last successful reading on %s"},
	"why.never.read": {"aucune lecture réussie", "no successful reading"},
	"why.fax":        {"dernier fax le %s", "last fax on %s"},
	"why.no.fax":     {"aucun fax compté depuis le %s", "no fax counted since %s"},
	"why.idle":       {"la ligne est libre", "the line is idle"},
	"why.busy":       {"la ligne est occupée", "the line is busy"},
	"why.uncounted":  {"rien ne compte les fax de cette ligne", "nothing counts the faxes of this line"},

	"kind.reset":            {"compteur retombé", "counter fell"},
	"kind.jump":             {"hausse peu plausible, non comptée", "implausible growth, not counted"},
	"kind.rule_changed":     {"compteur lu autrement", "counter read in another way"},
	"kind.device_changed":   {"une autre machine répond à cette adresse", "another machine answers at this address"},
	"kind.overlap":          {"agent restauré ou cloné", "agent restored or cloned"},
	"kind.update_collector": {"mettre à jour le collecteur", "update the collector"},

	"empty.title":   {"Aucune machine pour l’instant", "No machine yet"},
	"empty.why":     {"Le collecteur est prêt et attend son premier agent. Sur la machine qui voit les imprimantes :", "The collector is ready and waits for its first agent. On the machine that sees the printers:"},
	"empty.probe":   {"Essayez une machine de votre parc ; la commande dit ce qu’elle sait d’elle :", "Try one of your machines; the command says what it can tell of it:"},
	"empty.config":  {"Écrivez son adresse dans le fichier agent.yml :", "Write its address into the file agent.yml:"},
	"empty.run":     {"Démarrez l’agent ; la machine apparaît ici dans la minute :", "Start the agent; the machine shows here within a minute:"},
	"empty.local":   {"127.0.0.1 ne vaut que sur cette machine-ci. Pour un agent installé ailleurs, ouvrez MQTT dans collector.yml (mqtt, embedded, listen) et donnez à l’agent l’adresse du collecteur.", "127.0.0.1 works on this machine only. For an agent elsewhere, open MQTT in collector.yml (mqtt, embedded, listen) and give the agent the collector's address."},
	"empty.waiting": {"Un agent est connu, mais aucune machine n’a encore répondu. Vérifiez les adresses de agent.yml avec zerofax-agent probe.", "An agent is known, but no machine has answered yet. Check the addresses in agent.yml with zerofax-agent probe."},
}

// speech says things in one language, place and instant.
type speech struct {
	french   bool
	printer  *message.Printer
	location *time.Location
	now      time.Time
}

var languages = language.NewMatcher([]language.Tag{language.French, language.English})

// speechFor follows ?lang=, else what the browser accepts, else the configured language.
func (s *site) speechFor(r *http.Request, now time.Time) speech {
	french := s.Language != "en"
	if tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language")); err == nil && len(tags) > 0 {
		if _, index, confidence := languages.Match(tags...); confidence >= language.High {
			french = index == 0
		}
	}
	switch r.URL.Query().Get("lang") {
	case "fr":
		french = true
	case "en":
		french = false
	}
	tag := language.English
	if french {
		tag = language.French
	}
	return speech{french: french, printer: message.NewPrinter(tag), location: s.Location, now: now}
}

// unbroken keeps French punctuation from beginning a line.
var unbroken = strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " ?", "\u00a0?", "« ", "«\u00a0", " »", "\u00a0»")

// T says key. A key that isn't in texts is an error, so that tests find it.
func (s speech) T(key string, args ...any) (string, error) {
	t, ok := texts[key]
	if !ok {
		return "", fmt.Errorf("no text %q", key)
	}
	form := t.en
	if s.french {
		form = unbroken.Replace(t.fr)
	}
	if len(args) == 0 {
		return form, nil
	}
	return s.printer.Sprintf(form, args...), nil
}

// Count says key.one or key.other. In French 0 is singular.
func (s speech) Count(key string, n int64) (string, error) {
	if n == 1 || n == 0 && s.french {
		return s.T(key+".one", n)
	}
	return s.T(key+".other", n)
}

// Amount says a figure with its unit; a unit without a text of its own stands as it is.
func (s speech) Amount(n int64, unit string) (string, error) {
	if _, ok := texts["count."+unit+".one"]; !ok {
		return s.printer.Sprintf("%d %s", n, unit), nil
	}
	return s.Count("count."+unit, n)
}

// At says a day and time in the configured zone.
func (s speech) At(t wire.Time) string {
	if s.french {
		return t.Std().In(s.location).Format("02/01/2006 15:04:05")
	}
	return t.Std().In(s.location).Format("2 Jan 2006 15:04:05")
}

// Day says a day in the configured zone.
func (s speech) Day(t wire.Time) string {
	if s.french {
		return t.Std().In(s.location).Format("02/01/2006")
	}
	return t.Std().In(s.location).Format("2 Jan 2006")
}

// Ago says how long before now t was.
func (s speech) Ago(t wire.Time) (string, error) {
	age := s.now.Sub(t.Std())
	if age < time.Second {
		return s.T("now")
	}
	length, err := s.Length(age)
	if err != nil {
		return "", err
	}
	return s.T("ago", length)
}

// Length says a duration in its largest unit.
func (s speech) Length(d time.Duration) (string, error) {
	switch d = d.Abs(); {
	case d < time.Minute:
		return s.T("unit.s", int(d/time.Second))
	case d < time.Hour:
		return s.T("unit.min", int(d/time.Minute))
	case d < 48*time.Hour:
		return s.T("unit.h", int(d/time.Hour))
	}
	return s.T("unit.d", int(d/(24*time.Hour)))
}
