package faxtype

import (
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// words are what pages say. %s is what belongs there.
type words struct {
	title, to, number, move, attention, cut, soon, next, outside, inside, intranet, ask, blank string

	posterTitle, question                       string
	within, first, second, third                string
	beyond, search, call, send, own, line, date string

	files                               map[Model]string
	posterFile, readme, explained, gaps string
	missing                             map[string]string // by key of Reply.Missing
}

func wordsIn(language string) words {
	if language == "en" {
		return english
	}
	return french
}

var french = words{
	title:     "Fax type",
	to:        "Vous venez d’envoyer un fax à :",
	number:    "au numéro %s",
	move:      "%s remplace le fax par des échanges sécurisés : c’est notre démarche Zéro fax.",
	attention: "ATTENTION",
	cut:       "Cette ligne de fax sera coupée le %s.",
	soon:      "Cette ligne de fax sera coupée prochainement.",
	next:      "À partir de maintenant, merci de nous écrire ainsi :",
	outside:   "Professionnel extérieur à l’établissement : par messagerie sécurisée MSSanté, à",
	inside:    "Professionnel de l’établissement : par vos outils métiers (DPI, logiciels de spécialité), ou par la messagerie interne%s s’il n’y a pas de données de santé.",
	intranet:  " (%s)",
	ask:       "Une question ? Équipe projet Zéro fax :",
	blank:     "……………………………………………",

	posterTitle: "Pensez sécurité plutôt que fax !",
	question:    "Un document de santé à envoyer ?",
	within:      "À un service de l’établissement",
	first:       "d’abord par vos outils métiers : DPI, logiciels de spécialité",
	second:      "sinon par MSSanté",
	third:       "en dernier recours par la messagerie interne",
	beyond:      "À un correspondant extérieur",
	search:      "cherchez son adresse MSSanté sur annuaire.sante.fr",
	call:        "vous ne la trouvez pas ? appelez-le et demandez-la-lui",
	send:        "envoyez le document depuis votre messagerie MSSanté vers la sienne",
	own:         "L’adresse MSSanté du service, à donner à vos correspondants :",
	line:        "Les lignes de fax de ce service seront coupées.",
	date:        "Les lignes de fax de ce service seront coupées à partir du %s.",

	files:      map[Model]string{Project: "fax-type-1-demarche", Closing: "fax-type-2-coupure"},
	posterFile: "affiche",
	readme:     "LISEZMOI.txt",
	explained: `Un dossier par service : l’affiche à poser au-dessus de la machine, et un dossier par ligne de fax.
Pour chaque ligne, la page que la machine renvoie à qui lui faxe, en deux modèles :
1. fax-type-1-demarche : la démarche Zéro fax et comment nous écrire désormais ;
2. fax-type-2-coupure : de plus, la date de la coupure, à l’approche de celle-ci.
Le .pdf est à imprimer ou à envoyer ; le .tif (Groupe 4, 204 × 196 points par pouce, A4) est à charger dans la machine.`,
	gaps:    "À compléter à la main sur les pointillés, ou à déclarer dans zerofax puis refaire :",
	missing: map[string]string{"address": "adresse MSSanté du service", "contact": "contact du chef de projet", "cutoff": "date de coupure"},
}

var english = words{
	title:     "Automatic reply",
	to:        "You have just sent a fax to:",
	number:    "at the number %s",
	move:      "%s replaces fax by secure exchanges: this is our Zero fax move.",
	attention: "ATTENTION",
	cut:       "This fax line will be cut on %s.",
	soon:      "This fax line will be cut soon.",
	next:      "From now on, please write to us like this:",
	outside:   "Professional from outside: by MSSanté secure mail, to",
	inside:    "Professional of the house: by your clinical software, or by internal mail%s where there is no health data.",
	intranet:  " (%s)",
	ask:       "A question? Zero fax project team:",
	blank:     "……………………………………………",

	posterTitle: "Think safe, not fax!",
	question:    "A health document to send?",
	within:      "To a department of the house",
	first:       "first by your clinical software",
	second:      "else by MSSanté",
	third:       "by internal mail only when nothing else is left",
	beyond:      "To a correspondent outside",
	search:      "look up their MSSanté address on annuaire.sante.fr",
	call:        "not found? call them and ask for it",
	send:        "send the document from your MSSanté mailbox to theirs",
	own:         "This department's MSSanté address, to give to your correspondents:",
	line:        "This department's fax lines will be cut.",
	date:        "This department's fax lines will be cut from %s on.",

	files:      map[Model]string{Project: "reply-1-project", Closing: "reply-2-cut-off"},
	posterFile: "poster",
	readme:     "README.txt",
	explained: `A folder for each department: the poster to hang above the machine, and a folder for each fax line.
For each line the page that the machine answers each fax with, in two models:
1. reply-1-project: that we leave fax, and how to write to us from now on;
2. reply-2-cut-off: the day of the cut-off, too, when it comes near.
The .pdf is to print or send; the .tif (Group 4, 204 × 196 dots an inch, A4) is to load into the machine.`,
	gaps:    "To fill in by hand on the dotted lines, or to declare in zerofax and make again:",
	missing: map[string]string{"address": "the department's MSSanté address", "contact": "the project lead's contact", "cutoff": "the day of the cut-off"},
}

// dated is a day as the French write it, which the English understand, too.
func dated(d ledger.Day) string {
	if len(d) != len("2026-10-31") {
		return string(d)
	}
	return string(d[8:] + "/" + d[5:7] + "/" + d[:4])
}

// spoken is a French number in pairs.
func spoken(number string) string {
	if len(number) != 10 || number[0] != '0' || strings.Trim(number, "0123456789") != "" {
		return number
	}
	var pairs []string
	for ; number != ""; number = number[2:] {
		pairs = append(pairs, number[:2])
	}
	return strings.Join(pairs, " ")
}
