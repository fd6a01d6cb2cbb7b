package web

import "github.com/zerofax/zerofax/agent/page"

// neighbourTexts are the words of the pages on what became of the faxes of lines that were cut.
var neighbourTexts = page.Texts{
	"nav.neighbours":   {"Voisinage", "Neighbours"},
	"title.neighbours": {"Voisinage des lignes coupées", "Neighbours of lines that were cut"},
	"title.neighbour":  {"Voisinage de la ligne %s", "Neighbours of line %s"},

	"finding.displaced":   {"Report sur les voisines", "Moved to neighbours"},
	"finding.stayed":      {"Pas de report", "Nothing moved"},
	"finding.cannot_tell": {"On ne peut pas dire", "Cannot tell"},

	"near.floor":    {"même étage (%s)", "same floor (%s)"},
	"near.building": {"même bâtiment (%s)", "same building (%s)"},
	"near.pole":     {"même pôle (%s)", "same division (%s)"},

	"doubt.too_early":    {"Moins de deux semaines entières depuis la coupure.", "Fewer than two whole weeks since the cut."},
	"doubt.alone":        {"Aucune machine voisine connue : déclarez où sont les machines (Site > Bâtiment > Niveau).", "No neighbouring machine is known: declare where machines stand (Site > Building > Floor)."},
	"doubt.changed":      {"Les machines voisines ont elles-mêmes été coupées ou ont changé de service.", "The neighbouring machines were cut, or changed departments, themselves."},
	"doubt.short_past":   {"Les machines voisines n’ont pas été observées pendant 8 semaines avant la coupure.", "The neighbouring machines weren't watched for 8 weeks before the cut."},
	"doubt.unwatched":    {"Les machines voisines n’ont pas été assez observées depuis la coupure.", "The neighbouring machines weren't watched enough since the cut."},
	"doubt.no_rest":      {"Trop peu d’autres machines sont observées dans l’établissement pour comparer.", "Too few other machines of the hospital are watched to compare with."},
	"doubt.still_faxes":  {"La ligne elle-même faxe encore.", "The line itself goes on faxing."},
	"doubt.too_faint":    {"Rien ne s’est vu, mais tout le trafic de la ligne aurait pu passer inaperçu chez les voisines.", "Nothing was seen, but all that the line had could go unnoticed among its neighbours."},
	"doubt.line_unknown": {"Rien ne s’est vu, mais le trafic propre de la ligne n’est pas connu.", "Nothing was seen, but how much the line itself had is not known."},

	"left.changed":    {"laissée de côté : coupée ou déplacée elle-même", "left out: cut or moved itself"},
	"left.short_past": {"laissée de côté : trop peu observée avant", "left out: watched too little before"},
	"left.unwatched":  {"laissée de côté : trop peu observée depuis", "left out: watched too little since"},

	"neighbours.what": {
		"Après la coupure d’une ligne, ses fax passent-ils par les machines voisines ? Chaque coupure des 12 derniers mois est examinée après 2, 4 et 8 semaines entières. Les voisines sont les machines du même étage, à défaut du même bâtiment, à défaut du même pôle.",
		"After a line is cut, do its faxes go by way of the neighbouring machines? Each cut of the last 12 months is looked at after 2, 4 and 8 whole weeks. Neighbours are the machines on the same floor, else in the same building, else of the same division.",
	},
	"neighbours.reckoned": {
		"Ce qui était attendu des voisines suit leur propre passé (26 semaines au plus, seules comptent celles qui ont été observées presque entières) et l’activité du reste de l’établissement, qui porte la saison, les congés et la baisse générale. Une baisse qui leur est propre peut cesser d’elle-même : une hausse ne compte que si elle dépasse aussi leurs 8 dernières semaines observées.",
		"What was expected of the neighbours follows their own past (26 weeks at most, of which only those watched nearly whole count) and how busy the rest of the hospital was, which carries the season, holidays and the general decline. A decline of their own may end by itself: a rise counts only where it exceeds their last 8 watched weeks too.",
	},
	"neighbours.rate": {
		"Un report est signalé à tort pour 1 coupure sur 100 au plus. « Pas de report » n’est dit que si un report de tout le trafic de la ligne se serait vu 4 fois sur 5.",
		"At most 1 cut in 100 is said to have moved when it hasn't. “Nothing moved” is said only where a move of all that the line had would have been seen 4 times out of 5.",
	},
	"neighbours.cuts":          {"Coupures des 12 derniers mois", "Cuts of the last 12 months"},
	"neighbours.cut":           {"Coupée le", "Cut on"},
	"neighbours.cut.on":        {"coupée le %s", "cut on %s"},
	"neighbours.finding":       {"Constat", "Finding"},
	"neighbours.where":         {"Voisines", "Neighbours"},
	"neighbours.none":          {"Aucune coupure à examiner", "No cut to look at"},
	"neighbours.none.how":      {"Une ligne apparaît ici dès que sa coupure réelle est déclarée, et reste 12 mois. Elle se déclare sur la page de la ligne, ou par un tableau :", "A line shows here once its real cut-off is declared, and stays for 12 months. It is declared on the line’s page, or by a table:"},
	"neighbours.none.such":     {"Aucune coupure n’a ce constat.", "No cut has this finding."},
	"neighbours.missing":       {"Cette ligne n’a pas été coupée ces 12 derniers mois.", "This line wasn't cut in the last 12 months."},
	"neighbours.all":           {"Toutes les coupures", "All cuts"},
	"neighbours.back":          {"← Voisinage", "← Neighbours"},
	"neighbours.machines":      {"Machines voisines", "Neighbouring machines"},
	"neighbours.machine":       {"Machine", "Machine"},
	"neighbours.caption.pages": {"Pages par semaine ; entre parenthèses, ce qui est attendu 19 semaines sur 20", "Pages a week; in brackets what is expected in 19 weeks of 20"},
	"neighbours.caption.faxes": {"Fax par semaine ; entre parenthèses, ce qui est attendu 19 semaines sur 20", "Faxes a week; in brackets what is expected in 19 weeks of 20"},
	"neighbours.before":        {"Avant", "Before"},
	"neighbours.expected":      {"Attendu depuis", "Expected since"},
	"neighbours.after":         {"Vu depuis", "Seen since"},
	"neighbours.range":         {"%s (%s à %s)", "%s (%s to %s)"},
	"neighbours.risen":         {"plus que prévu", "more than expected"},
	"neighbours.usual":         {"comme prévu", "as expected"},
	"neighbours.how":           {"Comment c’est calculé", "How it is reckoned"},
	"neighbours.week":          {"Semaine du", "Week of"},
	"neighbours.band":          {"Attendu 19 semaines sur 20", "Expected 19 weeks in 20"},
	"neighbours.chart":         {"Trafic des voisines par semaine", "What the neighbours faxed a week"},
	"neighbours.chart.note": {
		"La semaine de la coupure et celles qui n’ont pas été observées presque entières restent vides.",
		"The week of the cut, and weeks that weren't watched nearly whole, stay empty.",
	},
	"neighbours.unit.pages": {"pages", "pages"},
	"neighbours.unit.faxes": {"fax", "faxes"},
	"neighbours.seen.pages": {"Par semaine : %s pages vues, %s attendues (entre %s et %s).", "A week: %s pages seen, %s expected (between %s and %s)."},
	"neighbours.seen.faxes": {"Par semaine : %s fax vus, %s attendus (entre %s et %s).", "A week: %s faxes seen, %s expected (between %s and %s)."},
	"neighbours.visible.pages": {
		"Une hausse de %s pages par semaine s’y serait vue 4 fois sur 5.", "A rise of %s pages a week would have been seen there 4 times out of 5.",
	},
	"neighbours.visible.faxes": {
		"Une hausse de %s fax par semaine s’y serait vue 4 fois sur 5.", "A rise of %s faxes a week would have been seen there 4 times out of 5.",
	},
	"neighbours.own":          {"La ligne elle-même en avait %s par semaine avant la coupure.", "The line itself had %s a week before the cut."},
	"concern.displaced.one":   {"ligne coupée dont les fax passent par les voisines", "line that was cut, whose faxes go by way of its neighbours"},
	"concern.displaced.other": {"lignes coupées dont les fax passent par les voisines", "lines that were cut, whose faxes go by way of their neighbours"},
}
