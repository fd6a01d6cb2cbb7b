package report

import (
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Words says what reports say.
type Words struct {
	page.Speech
	location *time.Location
}

// In says it in a language (fr or en), at a place and instant.
func In(language string, location *time.Location, now wire.Time) Words {
	return Words{page.With(Texts()).In(language, location, now), location}
}

// MonthName is a month in words, as octobre 2026.
func (w Words) MonthName(m ledger.Month) (string, error) {
	return w.T(fmt.Sprintf("report.month.%02d", int(m)%100), yearOf(m))
}

// MonthShort is the same for the axis of a chart, as oct. 2026.
func (w Words) MonthShort(m ledger.Month) (string, error) {
	return w.T(fmt.Sprintf("report.mon.%02d", int(m)%100), yearOf(m))
}

// yearOf is a text: nobody writes 2 026.
func yearOf(m ledger.Month) string { return fmt.Sprintf("%04d", int(m)/100) }

// Indicator is what a figure is called, with what it counts where that isn't plain.
func (w Words) Indicator(key Key) (string, error) {
	name, err := w.T("report.indicator." + string(key.Indicator))
	if err != nil || key.Indicator == indicators.ActiveLines || key.Indicator == indicators.MSSanteAddresses || key.Of == "messages" {
		return name, err
	}
	unit, err := w.Unit(key.Of)
	return name + " (" + unit + ")", err
}

// Unit is a unit in words; one without a text stands as it is.
func (w Words) Unit(unit string) (string, error) {
	if text, known := Texts()["report.unit."+unit]; known {
		if w.French {
			return text[page.French], nil
		}
		return text[page.English], nil
	}
	return unit, nil
}

// Certainty is how sure a figure is, with what printed pages prove; empty where there is nothing to add.
func (w Words) Certainty(f indicators.Figure) (string, error) {
	switch {
	case f.Value == nil && f.Basis.Source == indicators.Unseen:
		return w.T("report.certainty.not_watched")
	case f.Value == nil:
		return w.T("report.certainty.no_source")
	}
	return w.T("report.certainty." + string(f.Basis.Certainty))
}

// Standing says whether a month's figures may still change.
func (w Words) Standing(r *Report) (string, error) {
	switch {
	case r.Closing != nil:
		return w.T("report.closed", w.Day(r.Closing.At), r.Closing.By)
	case r.Over():
		return w.T("report.open")
	}
	return w.T("report.running")
}

// Scope says of what and when a report is.
func (w Words) Scope(r *Report) (string, error) {
	of := r.Name
	if r.Establishment == "" && len(r.Register.Establishments) != 1 {
		whole, err := w.T("report.whole")
		if err != nil {
			return "", err
		}
		of = whole
	}
	made, err := w.T("report.made", w.At(r.At))
	if err != nil {
		return "", err
	}
	standing, err := w.Standing(r)
	return of + " · " + made + " · " + standing, err
}

// Points are a service's watch points, each with its risk and what is done about it.
func (w Words) Points(x Weather) (points []string, err error) {
	for _, p := range x.Points {
		risk, err := w.T("report.risk." + string(p.Risk))
		if err != nil {
			return nil, err
		}
		text := p.Text + " (" + risk + ")"
		if p.Mitigation != "" {
			text += " → " + p.Mitigation
		}
		points = append(points, text)
	}
	return points, nil
}

// Forecast says when active lines come to zero.
func (w Words) Forecast(f indicators.Forecast) (string, error) {
	if f.No != "" {
		return w.T("report.forecast." + string(f.No))
	}
	var months [3]string
	for i, month := range []ledger.Month{f.Zero, f.Early, f.Late} {
		if month == 0 {
			continue
		}
		var err error
		if months[i], err = w.MonthName(month); err != nil {
			return "", err
		}
	}
	switch {
	case f.Reached:
		return w.T("report.forecast.reached", months[0])
	case f.Late == 0:
		return w.T("report.forecast.never", months[0], months[1])
	}
	return w.T("report.forecast.zero", months[0], months[1], months[2])
}

// Texts are all words of a report, as page and file say them.
func Texts() page.Texts {
	return page.Texts{
		"report.month.01": {"janvier %s", "January %s"}, "report.month.02": {"février %s", "February %s"}, "report.month.03": {"mars %s", "March %s"},
		"report.month.04": {"avril %s", "April %s"}, "report.month.05": {"mai %s", "May %s"}, "report.month.06": {"juin %s", "June %s"},
		"report.month.07": {"juillet %s", "July %s"}, "report.month.08": {"août %s", "August %s"}, "report.month.09": {"septembre %s", "September %s"},
		"report.month.10": {"octobre %s", "October %s"}, "report.month.11": {"novembre %s", "November %s"}, "report.month.12": {"décembre %s", "December %s"},
		"report.mon.01": {"janv. %s", "Jan %s"}, "report.mon.02": {"févr. %s", "Feb %s"}, "report.mon.03": {"mars %s", "Mar %s"},
		"report.mon.04": {"avr. %s", "Apr %s"}, "report.mon.05": {"mai %s", "May %s"}, "report.mon.06": {"juin %s", "Jun %s"},
		"report.mon.07": {"juil. %s", "Jul %s"}, "report.mon.08": {"août %s", "Aug %s"}, "report.mon.09": {"sept. %s", "Sep %s"},
		"report.mon.10": {"oct. %s", "Oct %s"}, "report.mon.11": {"nov. %s", "Nov %s"}, "report.mon.12": {"déc. %s", "Dec %s"},

		"report.indicator.active_lines":          {"Lignes de fax actives", "Active fax lines"},
		"report.indicator.mssante_addresses":     {"Adresses MSSanté utilisées", "MSSanté addresses in use"},
		"report.indicator.fax_received":          {"Fax reçus", "Faxes received"},
		"report.indicator.mssante_received":      {"Messages MSSanté reçus", "MSSanté messages received"},
		"report.indicator.fax_sent":              {"Fax émis", "Faxes sent"},
		"report.indicator.mssante_sent":          {"Messages MSSanté émis", "MSSanté messages sent"},
		"report.indicator.fax_internal":          {"Fax internes", "Internal faxes"},
		"report.indicator.fax_direction_unknown": {"Fax de sens inconnu", "Faxes of unknown direction"},

		"report.unit.lines":          {"lignes", "lines"},
		"report.unit.addresses":      {"adresses", "addresses"},
		"report.unit.pages":          {"pages", "pages"},
		"report.unit.faxes":          {"messages", "messages"},
		"report.unit.messages":       {"messages", "messages"},
		"report.unit.images":         {"images", "images"},
		"report.unit.impressions":    {"impressions", "impressions"},
		"report.unit.sides":          {"faces", "sides"},
		"report.unit.sheets":         {"feuilles", "sheets"},
		"report.unit.a4_equivalents": {"équivalents A4", "A4 equivalents"},

		"report.certainty.certain":     {"certain", "certain"},
		"report.certainty.probable":    {"probable : pages comptées à l’impression", "probable: pages counted when printed"},
		"report.certainty.at_least":    {"au moins", "at least"},
		"report.certainty.no_source":   {"rien ne le dit", "nothing tells it"},
		"report.certainty.not_watched": {"non observé", "not watched"},

		"report.event.certain":  {"certain", "certain"},
		"report.event.probable": {"probable", "probable"},
		"report.event.unsure":   {"incertain", "unsure"},

		"report.state.active":  {"active", "active"},
		"report.state.quiet":   {"calme", "quiet"},
		"report.state.dormant": {"dormante", "dormant"},
		"report.state.blind":   {"sans lecture", "blind"},
		"report.state.overdue": {"coupure dépassée", "overdue"},
		"report.state.cut":     {"coupée", "cut"},
		"report.state.kept":    {"maintenue", "kept"},

		"report.kind.after_cutoff": {"après la coupure", "after the cut-off"},
		"report.kind.after_copper": {"après la fermeture du cuivre", "after copper closed"},
		"report.way.sent":          {"émis", "sent"},
		"report.way.received":      {"reçus", "received"},
		"report.way.unknown":       {"sens inconnu", "direction unknown"},

		"report.title":      {"Comité de projet « zéro fax » : %s", "“Zero fax” project committee: %s"},
		"report.whole":      {"Ensemble de la structure", "The structure as a whole"},
		"report.made":       {"Édité le %s", "Made on %s"},
		"report.open":       {"mois non clos : les chiffres peuvent encore changer", "month not closed: figures may still change"},
		"report.closed":     {"mois clos le %s par %s", "month closed on %s by %s"},
		"report.running":    {"mois en cours : chiffres partiels", "month still running: figures are partial"},
		"report.unknown":    {"inconnu", "unknown"},
		"report.none":       {"aucune", "none"},
		"report.unassigned": {"non affectée", "unassigned"},
		"report.total":      {"Total général", "Grand total"},
		"report.yes":        {"oui", "yes"},
		"report.blank":      {"Case vide : inconnu, jamais zéro.", "An empty cell is unknown, never zero."},

		"report.sheet.summary":      {"Synthèse", "Summary"},
		"report.sheet.indicators":   {"Indicateurs", "Indicators"},
		"report.sheet.services":     {"Services", "Departments"},
		"report.sheet.lines":        {"Lignes", "Lines"},
		"report.sheet.after":        {"Après coupure", "After cut-off"},
		"report.sheet.exceptions":   {"Exceptions", "Exceptions"},
		"report.sheet.completeness": {"Complétude", "Completeness"},

		"report.part.progress":   {"Avancement", "Progress"},
		"report.part.indicators": {"Indicateurs du mois", "Indicators of the month"},
		"report.part.flows":      {"Fax et MSSanté sur 13 mois", "Fax and MSSanté over 13 months"},
		"report.part.states":     {"Lignes par état au %s", "Lines by state as of %s"},
		"report.part.activities": {"Suspensions par activité", "Cut-offs by activity"},
		"report.part.late":       {"Services en retard sur leur date de coupure", "Departments late on their cut-off date"},
		"report.part.after":      {"Lignes qui ont encore faxé après leur coupure", "Lines that still faxed after their cut-off"},
		"report.part.senders":    {"Services qui émettent le plus", "Departments that send most"},
		"report.part.receivers":  {"Services qui reçoivent le plus", "Departments that receive most"},
		"report.part.exceptions": {"Exceptions : lignes maintenues", "Exceptions: lines kept"},
		"report.part.cuts":       {"Prochaines coupures", "Next cut-offs"},
		"report.part.blind":      {"Lignes sans lecture", "Blind lines"},
		"report.part.gains":      {"Gains", "Gains"},

		"report.column.indicator":     {"Indicateur", "Indicator"},
		"report.column.value":         {"Valeur", "Value"},
		"report.column.unit":          {"Unité", "Unit"},
		"report.column.certainty":     {"Certitude", "Certainty"},
		"report.column.before":        {"Mois précédent", "Month before"},
		"report.column.baseline":      {"Mois de référence", "Baseline month"},
		"report.column.target":        {"Cible", "Target"},
		"report.column.gap":           {"Écart", "Gap"},
		"report.column.watched":       {"Jours observés", "Days watched"},
		"report.column.days":          {"Jours du mois", "Days of the month"},
		"report.column.month":         {"Mois", "Month"},
		"report.column.state":         {"État", "State"},
		"report.column.lines":         {"Lignes", "Lines"},
		"report.column.share":         {"Part", "Share"},
		"report.column.activity":      {"Activité", "Activity"},
		"report.column.faxes":         {"Nombre de fax", "Number of fax lines"},
		"report.column.cut":           {"Suspensions réalisées", "Cut-offs done"},
		"report.column.left":          {"Restent", "Left"},
		"report.column.service":       {"Service", "Department"},
		"report.column.pole":          {"Pôle", "Division"},
		"report.column.establishment": {"Établissement", "Hospital"},
		"report.column.late":          {"En retard", "Late"},
		"report.column.kept":          {"Maintenues", "Kept"},
		"report.column.since":         {"Depuis le", "Since"},
		"report.column.days.late":     {"Jours de retard", "Days late"},
		"report.column.active":        {"Encore actives", "Still active"},
		"report.column.line":          {"Ligne", "Line"},
		"report.column.device":        {"Machine", "Machine"},
		"report.column.observed":      {"Observée", "Observed"},
		"report.column.cutoff":        {"Coupure prévue", "Planned cut-off"},
		"report.column.cut.on":        {"Coupure réelle", "Really cut on"},
		"report.column.last.fax":      {"Dernier fax", "Last fax"},
		"report.column.last.reading":  {"Dernière lecture", "Last reading"},
		"report.column.reason":        {"Motif", "Reason"},
		"report.column.review":        {"À revoir le", "Review on"},
		"report.column.due":           {"Révision dépassée", "Review overdue"},
		"report.column.kind":          {"Nature", "Kind"},
		"report.column.count":         {"Nombre", "Count"},
		"report.column.way":           {"Sens", "Direction"},
		"report.column.last":          {"Dernier", "Last"},
		"report.column.day":           {"Date", "Date"},
		"report.column.avoided":       {"Évitées par mois", "Avoided a month"},

		"report.progress.cut":     {"Lignes coupées", "Lines cut"},
		"report.progress.planned": {"Coupures prévues à cette date", "Cut-offs planned by then"},
		"report.progress.late":    {"En retard", "Late"},
		"report.progress.kept":    {"Maintenues (exceptions)", "Kept (exceptions)"},
		"report.progress.lines":   {"Lignes connues", "Lines known"},

		"report.part.forecast":    {"Prévision du zéro", "Forecast of zero"},
		"report.part.weather":     {"Météo des services", "Weather of departments"},
		"report.part.corrections": {"Corrections depuis la clôture", "Corrections since the closing"},

		"report.sheet.weather":  {"Météo", "Weather"},
		"report.weather.sunny":  {"Ensoleillé", "Sunny"},
		"report.weather.bright": {"Éclaircies", "Bright spells"},
		"report.weather.cloudy": {"Nuageux", "Cloudy"},
		"report.weather.stormy": {"Orageux", "Stormy"},
		"report.weather.":       {"non dite", "not said"},
		"report.risk.minor":     {"mineur", "minor"},
		"report.risk.moderate":  {"modéré", "moderate"},
		"report.risk.major":     {"majeur", "major"},
		"report.risk.":          {"—", "—"},
		"report.unsaid.one":     {"%d service avec des lignes n’a pas de fiche.", "%d department with lines has no sheet."},
		"report.unsaid.other":   {"%d services avec des lignes n’ont pas de fiche.", "%d departments with lines have no sheet."},

		"report.column.weather":    {"Météo", "Weather"},
		"report.column.risk":       {"Risque", "Risk"},
		"report.column.points":     {"Points d’attention et mitigation", "Watch points and mitigation"},
		"report.column.steps":      {"Prochaines étapes", "Next steps"},
		"report.column.highlights": {"Faits marquants", "Highlights"},
		"report.column.referent":   {"Référent", "Referent"},
		"report.column.situation":  {"Point de situation au", "Situation as of"},
		"report.column.frozen":     {"À la clôture", "When closed"},
		"report.column.today":      {"Aujourd’hui", "Today"},

		"report.forecast.zero":        {"zéro ligne active en %s au rythme actuel (entre %s et %s, quatre chances sur cinq)", "no active line in %s at today’s pace (between %s and %s, four chances of five)"},
		"report.forecast.never":       {"zéro ligne active en %s au rythme actuel (au plus tôt en %s, peut-être jamais)", "no active line in %s at today’s pace (in %s at the earliest, maybe never)"},
		"report.forecast.reached":     {"zéro ligne active depuis %s", "no active line since %s"},
		"report.forecast.too_few":     {"pas de prévision : moins de quatre mois sont connus", "no forecast: fewer than four months are known"},
		"report.forecast.incomplete":  {"pas de prévision : trop peu de mois sont assez observés", "no forecast: too few months were watched well enough"},
		"report.forecast.not_falling": {"pas de prévision : le nombre de lignes actives ne baisse pas", "no forecast: active lines are not falling"},
		"report.forecast.too_slow":    {"pas de prévision : à ce rythme, zéro est à plus de vingt ans", "no forecast: at this pace zero is more than twenty years away"},

		"report.axis.flows": {"Fax en pages, MSSanté en messages", "Fax in pages, MSSanté in messages"},
		"report.axis.lines": {"Lignes et adresses", "Lines and addresses"},

		"report.gain.time":         {"Temps : plus de pages à imprimer, faxer, relancer, numériser et classer.", "Time: no more pages to print, fax, chase, scan and file."},
		"report.gain.security":     {"Sécurité : un message MSSanté est chiffré et n’attend pas sur un bac de machine.", "Security: an MSSanté message is encrypted and does not wait in a machine’s tray."},
		"report.gain.traceability": {"Traçabilité : envoi, réception et lecture laissent une trace.", "Traceability: sending, receiving and reading leave a trace."},
		"report.gain.ecology":      {"Écologie : pages évitées par rapport au mois de référence, selon les compteurs.", "Ecology: pages avoided compared with the baseline month, by the counters."},
	}
}
