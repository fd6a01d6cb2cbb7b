package web

import "github.com/zerofax/zerofax/agent/page"

// partTexts are the words of parts that all pages have: the menu, forms, charts.
var partTexts = page.Texts{
	"menu":           {"Menu", "Menu"},
	"menu.technical": {"Technique", "Technical"},
	"signed.in":      {"Connecté : %s", "Signed in: %s"},
	"done.saved":     {"Enregistré.", "Saved."},
	"done.added":     {"Ajouté.", "Added."},
	"done.removed":   {"Supprimé.", "Removed."},
	"done.imported":  {"Importé.", "Imported."},
	"done.closed":    {"Clos.", "Closed."},

	"save":   {"Enregistrer", "Save"},
	"cancel": {"Annuler", "Cancel"},
	"edit":   {"Modifier", "Edit"},
	"add":    {"Ajouter", "Add"},
	"remove": {"Supprimer", "Remove"},

	"required":          {"obligatoire", "required"},
	"faults.title":      {"Rien n’est enregistré : à corriger d’abord", "Nothing is saved: correct this first"},
	"conflict.title":    {"Quelqu’un d’autre a modifié ceci entre-temps", "Somebody else changed this meanwhile"},
	"conflict.what":     {"Rien n’est enregistré, et votre saisie est gardée dans le formulaire. Enregistrez de nouveau pour la préférer à ce qui est inscrit, ou reprenez ce qui est inscrit.", "Nothing is saved, and what you typed is kept in the form. Save again to prefer it to what stands, or take over what stands."},
	"conflict.field":    {"Champ", "Field"},
	"conflict.yours":    {"Votre saisie", "What you typed"},
	"conflict.standing": {"Inscrit maintenant", "What stands now"},
	"conflict.empty":    {"(vide)", "(empty)"},

	"chart.data":    {"Les données en tableau", "The data as a table"},
	"chart.keys":    {"Flèches gauche et droite : lire les valeurs.", "Left and right arrow keys: read the values."},
	"chart.no.data": {"Aucune donnée connue.", "No data is known."},
	"chart.whole":   {"%d", "%d"},
	"chart.tenth":   {"%.1f", "%.1f"},
	"chart.low":     {"%s, au plus bas", "%s, at the least"},
	"chart.high":    {"%s, au plus haut", "%s, at the most"},
}
