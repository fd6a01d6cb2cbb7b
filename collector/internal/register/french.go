package register

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// In is what a note says in a language, fr or en. What has no French is said in English.
func (n Note) In(language string) string {
	if language != "fr" {
		return n.Text
	}
	return french(n.Text)
}

// phrase is how something is said in both languages. What stands for a value in English is %q, %s or %d; in French
// %[1]s and so on, quotation marks included.
type phrase struct{ english, french string }

var phrases = []phrase{
	{"there is no line %q", "il n’y a pas de ligne %[1]s"},
	{"there is neither a column number (numéro) nor extension (poste): nothing says which lines these are", "il n’y a ni colonne numéro, ni colonne poste : rien ne dit de quelles lignes il s’agit"},
	{"line %s is in row %d too; want it once", "la ligne %[1]s est aussi au rang %[2]s ; une seule fois suffit"},
	{"is empty; want a number, or an extension and its site", "vide : indiquer un numéro, ou un poste et son site"},
	{"%q is read as %s, without %q; another number wants a row of its own", "%[1]s est lu %[2]s, sans %[3]s ; un autre numéro veut sa propre ligne"},
	{"%q is read as the foreign number %s", "%[1]s est lu comme le numéro étranger %[2]s"},
	{"%q can't be the extension of %d numbers; want a row for each, or none", "%[1]s ne peut pas être le poste de %[2]s numéros ; une ligne pour chacun, ou aucun poste"},
	{"%q is no extension; want its digits", "%[1]s n’est pas un poste ; indiquer ses chiffres"},
	{"an extension alone says nothing of where it is; want the column site, or a number", "un poste seul ne dit pas où il est ; indiquer son site, ou un numéro"},
	{"%q is no support; want one of %s (of a line behind a PABX: that of the PABX)", "%[1]s n’est pas un support ; choisir parmi %[2]s (derrière un autocommutateur : celui de l’autocommutateur)"},
	{"%s is in a year far away; want one between 1990 and 2100", "%[1]s : année invraisemblable ; entre 1990 et 2100"},
	{"a day of review without a reason; want kept_reason (motif de maintien) too, or neither", "date de révision sans motif ; indiquer aussi le motif de maintien, ou aucun des deux"},
	{"line %s is kept for good; want kept_until (à revoir le), so that it is looked at again", "la ligne %[1]s est maintenue sans limite ; indiquer « à revoir le » pour qu’on y revienne"},
	{"%s lies in the future; want the day on which the line was really cut, or cutoff (coupure prévue)", "%[1]s est dans le futur ; indiquer le jour où la ligne a vraiment été coupée, ou la coupure prévue"},
	{"a port %q of no machine; want device (machine) too", "port %[1]s sans machine ; indiquer aussi la machine"},
	{"a port %q of no gateway; want gateway (passerelle) too", "port %[1]s sans passerelle ; indiquer aussi la passerelle"},
	{"line %s is to be cut on %s, but copper closes in %s on %s already", "la ligne %[1]s doit être coupée le %[2]s, mais le cuivre ferme à %[3]s dès le %[4]s"},
	{"extension %s of %s is a line without a number already; one of them is too many", "le poste %[1]s de %[2]s est déjà une ligne sans numéro ; l’une des deux est de trop"},
	{"has no lines, and all others would be removed; want at least one", "aucune ligne, et toutes les autres seraient supprimées ; en indiquer au moins une"},
	{"lines %s and %s are both on %s", "les lignes %[1]s et %[2]s sont toutes deux sur %[3]s"},
	{"line %s is new on %s, which is line %s's; if only its number has changed, %s wants a cut_on (coupure réelle) or to be removed", "la ligne %[1]s est nouvelle sur %[2]s, où est déjà la ligne %[3]s ; si seul le numéro a changé, indiquer pour %[4]s une coupure réelle, ou la supprimer"},
	{"%s %q belongs to %q, not to %q; want the columns establishment and %s to agree", "%[2]s appartient à %[3]s, pas à %[4]s ; l’établissement et le reste doivent s’accorder"},
	{"%q belongs to a site; want the column site", "%[1]s se dit d’un site ; indiquer le site"},
	{"%q is no time zone; want one such as Europe/Paris, Indian/Reunion or America/Guadeloupe", "%[1]s n’est pas un fuseau horaire ; par exemple Europe/Paris, Indian/Reunion ou America/Guadeloupe"},
	{"no functional unit %q is known", "l’UF %[1]s n’est pas connue"},
	{"functional unit %s belongs to %s, not to %s; the service that the row gives is taken", "l’UF %[1]s appartient à %[2]s, pas à %[3]s ; le service indiqué est retenu"},
	{"functional unit %s is closed since %s", "l’UF %[1]s est fermée depuis le %[2]s"},
	{"%q is read as %q", "%[1]s est lu %[2]s"},
	{"functional unit %q is in %q and in %q; want the column establishment", "l’UF %[1]s est dans %[2]s et dans %[3]s ; indiquer l’établissement"},
	{"its service %s is in pole %s; want the column service too", "son service %[1]s est dans le pôle %[2]s ; indiquer aussi le service"},
	{"site %q lies overseas, but its days are those of %s; want %s in the column time_zone", "le site %[1]s est outre-mer, mais ses jours sont ceux de %[2]s ; indiquer %[3]s comme fuseau"},
	{"%s %s has %s here and %s in row %d; want one of them", "%[2]s : %[3]s ici et %[4]s au rang %[5]s ; choisir l’un des deux"},
	{"%q may be %s; want an id, or the establishment", "%[1]s peut être %[2]s ; indiquer l’identifiant, ou l’établissement"},
	{"no %s is called %q; did you mean %q?", "rien ne s’appelle %[2]s ; vouliez-vous dire %[3]s ?"},
	{"no %s is called %q; import structure makes it known", "rien ne s’appelle %[2]s ; à déclarer d’abord dans la structure"},
	{"%q is new, and nearly what another %s is called: %q", "%[1]s est nouveau, et presque le nom d’un autre : %[3]s"},
	{"%q may be %s; want its id", "%[1]s peut être %[2]s ; indiquer l’identifiant"},
	{"no machine %q has been seen yet; want an id or a serial number, unless it is still to come", "aucune machine %[1]s n’a encore été vue ; indiquer un identifiant ou un numéro de série, sauf si elle est encore à venir"},
	{"%q belongs to an establishment; want the column establishment (établissement)", "%[1]s se dit d’un établissement ; indiquer l’établissement"},
	{"%q is no id; want small letters, digits and - only", "%[1]s n’est pas un identifiant ; seulement minuscules, chiffres et -"},
	{"%s %s is called %q here and %q in row %d; want one of them", "%[2]s s’appelle %[3]s ici et %[4]s au rang %[5]s ; choisir l’un des deux"},
	{"%q is the name of %s already; want another name for %s", "%[1]s est déjà le nom de %[2]s ; choisir un autre nom pour %[3]s"},
	{"is empty; want the code of the functional unit", "vide : indiquer le code de l’UF"},
	{"%s is not after its opening, %s", "%[1]s n’est pas après son ouverture, %[2]s"},
	{"functional unit %s is in row %d too, for the same time; want each time once, by opened and closed", "l’UF %[1]s est aussi au rang %[2]s, pour la même période ; chaque période une fois, par date d’ouverture et de fermeture"},

	{"%q is no day; want 2026-12-31 or 31/12/2026, or always", "%[1]s n’est pas une date ; 31/12/2026 ou 2026-12-31"},
	{"%q is no day; want 2026-12-31 or 31/12/2026", "%[1]s n’est pas une date ; 31/12/2026 ou 2026-12-31"},
	{"%q has a year of 2 digits; want 4, such as %s", "%[1]s : année à 2 chiffres ; en indiquer 4, comme %[2]s"},
	{"%q: there is no month %s; want the day first, as in %s", "%[1]s : il n’y a pas de mois %[2]s ; le jour d’abord, comme %[3]s"},
	{"%q: there is no such day; want 2026-12-31 or 31/12/2026", "%[1]s : ce jour n’existe pas ; 31/12/2026 ou 2026-12-31"},
	{"%s lies in the future; want a day until today, or always", "%[1]s est dans le futur ; un jour jusqu’à aujourd’hui, ou depuis toujours"},
	{"%q is empty; want a number", "vide : indiquer un numéro"},
	{"%q is no phone number; want 10 digits, such as 02 41 35 40 00", "%[1]s n’est pas un numéro ; 10 chiffres, comme 02 41 35 40 00"},
	{"%q is a number as Excel shortens it; want the column formatted as text and the number typed again", "%[1]s est un nombre abrégé par Excel ; mettre la colonne au format texte et saisir le numéro de nouveau"},
	{"%q is a short number; no fax line has one", "%[1]s est un numéro court ; aucune ligne de fax n’en a"},
	{"%q is a number of 14 digits, for machines' data; no fax line has one", "%[1]s est un numéro à 14 chiffres, pour les données de machines ; aucune ligne de fax n’en a"},
	{"%q is no number in international form; want +33 and 9 digits, such as +33 2 41 35 40 00", "%[1]s n’est pas un numéro international ; +33 et 9 chiffres, comme +33 2 41 35 40 00"},
	{"%q has %d digits; want all 10, or an extension in its own column (or numbers: {extension_length: %d} in the configuration)", "%[1]s a %[2]s chiffres ; les 10, ou un poste dans son champ"},
	{"%q has %d digits; want 10, such as 02 41 35 40 00", "%[1]s a %[2]s chiffres ; il en faut 10, comme 02 41 35 40 00"},
	{"%q is a range from %s to %s; want the lower number first, and at most %d numbers", "%[1]s va de %[2]s à %[3]s ; le plus petit numéro d’abord, et au plus %[4]s numéros"},
	{"%q is no FINESS number; want 9 digits", "%[1]s n’est pas un numéro FINESS ; 9 chiffres"},
	{"FINESS %s: its last digit doesn't fit the others; is a digit wrong?", "FINESS %[1]s : son dernier chiffre ne va pas avec les autres ; un chiffre est-il faux ?"},
	{"%q is no INSEE code of a commune; want 5 characters such as 49007 or 2A004, not the postal code", "%[1]s n’est pas un code INSEE de commune ; 5 caractères comme 49007 ou 2A004, pas le code postal"},

	{"is a folder; want a CSV or XLSX file", "un dossier ; il faut un fichier CSV ou XLSX"},
	{"has %d MB; want %d at most", "%[1]s Mo ; %[2]s au plus"},
	{"is of an old Excel; want it saved as .xlsx or as CSV UTF-8", "d’un ancien Excel ; à enregistrer en .xlsx ou en CSV UTF-8"},
	{"is no text; want a CSV or XLSX file", "pas un texte ; il faut un fichier CSV ou XLSX"},
	{"is empty; want a row of headers, and rows below it", "vide ; il faut une ligne de titres, et des lignes dessous"},
	{"there are more than %d rows; want several files", "plus de %[1]s lignes ; il faut plusieurs fichiers"},
	{"the rest wasn't looked at", "le reste n’a pas été regardé"},
	{"%q is no column of %s; did you mean %q?", "%[1]s n’est pas une colonne connue ; vouliez-vous dire %[3]s ?"},
	{"%q is no column of %s; known are %s", "%[1]s n’est pas une colonne connue"},
	{"%q and %q are the same column; want one of them", "%[1]s et %[2]s sont la même colonne ; n’en garder qu’une"},
	{"%q stands in column %d, which has no header; a text with separators in it wants quotation marks", "%[1]s est dans la colonne %[2]s, qui n’a pas de titre ; un texte avec des séparateurs veut des guillemets"},
	{"has %d characters; want %d at most", "%[1]s caractères ; %[2]s au plus"},
	{"%s is an error that Excel shows; want a value", "%[1]s est une erreur d’Excel ; il faut une valeur"},
	{"%s is a number as Excel shortens it; want the column formatted as text and the number typed again", "%[1]s est un nombre abrégé par Excel ; mettre la colonne au format texte et saisir le numéro de nouveau"},
}

// spoken finds the phrase that a text was made of.
type spoken struct {
	*regexp.Regexp
	french string
}

var catalogue = sync.OnceValue(func() (all []spoken) {
	for _, p := range phrases {
		pattern := regexp.QuoteMeta(p.english)
		for verb, value := range map[string]string{"%q": `("(?:[^"\\]|\\.)*")`, "%s": `(.+?)`, "%d": `([0-9]+)`} {
			pattern = strings.ReplaceAll(pattern, verb, value)
		}
		all = append(all, spoken{regexp.MustCompile("^" + pattern + "$"), p.french})
	}
	return all
})

// french is a text in French, itself where nobody said how.
func french(text string) string {
	for _, p := range catalogue() {
		m := p.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		values := make([]any, len(m)-1)
		for i, value := range m[1:] {
			values[i] = strings.ReplaceAll(value, `"`, "")
			if strings.HasPrefix(value, `"`) {
				values[i] = "« " + strings.Trim(value, `"`) + " »"
			}
		}
		said := fmt.Sprintf(p.french, values...)
		if extra := strings.Index(said, "%!(EXTRA"); extra >= 0 { // French leaves something out
			said = said[:extra]
		}
		return said
	}
	return text
}
