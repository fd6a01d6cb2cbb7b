package register

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// vocabulary are the values that a column may have.
type vocabulary []word

type word struct {
	name   string   // as it is kept
	french string   // as French tables have it
	also   []string // what else people call it; case, accents and all but letters and digits don't matter
}

// has tells whether a text is one of the words.
func (v vocabulary) has(text string) bool {
	_, err := v.find(text)
	return err == nil
}

// String lists the words.
func (v vocabulary) String() string {
	names := make([]string, len(v))
	for i, w := range v {
		names[i] = fmt.Sprintf("%s (%s)", w.name, w.french)
	}
	return strings.Join(names, ", ")
}

// find is the value that a text means.
func (v vocabulary) find(text string) (name string, err error) {
	var known []string
	for _, w := range v {
		all := append([]string{w.name, w.french}, w.also...)
		if slices.ContainsFunc(all, func(word string) bool { return letters(word) == letters(text) }) {
			return w.name, nil
		}
		known = append(known, all...)
	}
	if near := nearest(text, known); near != "" {
		return "", fmt.Errorf("%q isn't known; did you mean %q?", text, near)
	}
	return "", fmt.Errorf("%q isn't known; want one of %s", text, v)
}

// inFrench is a value as French tables have it.
func (v vocabulary) inFrench(name string) string {
	for _, w := range v {
		if w.name == name {
			return w.french
		}
	}
	return name
}

// indicatorWords are the seven indicators of the national kit, for which it wants targets.
var indicatorWords = vocabulary{
	{"active_lines", "lignes de fax actives", []string{"lignes actives", "lignes fax actives", "active lines", "active fax lines"}},
	{"mssante_addresses", "adresses MSSanté utilisées", []string{"adresses MSSanté", "BAL MSSanté utilisées", "MSSanté addresses used", "MSSanté mailboxes"}},
	{"fax_received", "messages fax reçus", []string{"fax reçus", "faxes received", "messages fax received"}},
	{"mssante_received", "messages MSSanté reçus", []string{"MSSanté reçus", "MSSanté messages received"}},
	{"fax_sent", "messages fax émis", []string{"fax émis", "fax envoyés", "faxes sent"}},
	{"mssante_sent", "messages MSSanté émis", []string{"MSSanté émis", "MSSanté envoyés", "MSSanté messages sent"}},
	{"fax_internal", "messages fax internes", []string{"fax internes", "internal faxes"}},
}

// mailboxStateWords are how far a mailbox of MSSanté has come. The kit says active of those that are used.
var mailboxStateWords = vocabulary{
	{string(ledger.MailboxCreated), "créée", []string{"ouverte", "open"}},
	{string(ledger.MailboxPublished), "publiée", nil},
	{string(ledger.MailboxUsed), "utilisée", []string{"active", "in use"}},
	{string(ledger.MailboxInactive), "inactive", []string{"non utilisée", "inutilisée", "unused"}},
}

// mailboxKindWords are the kinds of mailboxes that the national directory knows.
var mailboxKindWords = vocabulary{
	{"PER", "personnelle", []string{"nominative", "personal", "BAL personnelle"}},
	{"ORG", "organisationnelle", []string{"organisational", "organizational", "BAL organisationnelle"}},
	{"APP", "applicative", []string{"application", "BAL applicative"}},
	{"CAB", "de cabinet", []string{"cabinet", "practice", "BAL de cabinet"}},
}

// wholeWords stand in the column of services where a row is of all of them.
var wholeWords = vocabulary{{"all", "global", []string{"global seulement", "tous", "tous les services", "ensemble", "total", "structure"}}}
