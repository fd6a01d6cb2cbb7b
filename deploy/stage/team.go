package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// What the project team does meanwhile: it says month by month how services stand, closes months, looks addresses up in
// the national directory, and notes whom it told and trained. It does so as people do, by commands and by the pages.

// deed is something that the team does on a day.
type deed struct {
	at time.Time
	do func(context.Context, *Stage) error
}

// work does what is due after one instant, up to another.
func (s *Stage) work(ctx context.Context, from, to time.Time) error {
	for _, d := range s.deeds() {
		if !d.at.After(from) || d.at.After(to) {
			continue
		}
		if err := d.do(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (h *hospital) deeds() (all []deed) {
	for months := firstClosed; months > 1; months-- {
		all = append(all, deed{h.monthsAgo(months-1).AddDate(0, 0, 9), func(ctx context.Context, s *Stage) error { return s.closeMonth(ctx, months) }})
	}
	for _, x := range sheets {
		all = append(all, deed{h.ago(h.paris, 0, x.daysAgo).Add(10 * hour), func(ctx context.Context, s *Stage) error {
			return s.send(ctx, "/services/"+x.service+"/edit", x.form(h))
		}})
	}
	for n, days := range extractions {
		all = append(all, deed{h.ago(h.paris, 0, days).Add(7 * hour), func(ctx context.Context, s *Stage) error { return s.extract(ctx, days, n > 0) }})
	}
	return all
}

// monthsAgo is the first day of the month so many before the present one.
func (h *hospital) monthsAgo(months int) time.Time {
	today := h.now.In(h.paris)
	return time.Date(today.Year(), today.Month()-time.Month(months), 1, 0, 0, 0, 0, h.paris)
}

const (
	firstClosed = 5 // months ago; that before the present one is still open
	corrected   = 3 // months ago: a service's messages were not all known when the month was closed
	missing     = 38
)

// closeMonth freezes the figures of a month as they are known then.
func (s *Stage) closeMonth(ctx context.Context, months int) error {
	month := s.monthsAgo(months).Format("2006-01")
	var known []Volume
	note := "chiffres validés avec les référents"
	for _, v := range s.volumes() {
		if v.Month > month {
			continue
		}
		if v.Month == month && months == corrected && v.Service.ID == "urgences" {
			v.Received -= missing
			note = "messages des Urgences à confirmer"
		}
		known = append(known, v)
	}
	if err := s.write("mssante-known.csv", volumesTable(known)); err != nil {
		return err
	}
	if err := s.commands(ctx, "import mssante-volumes mssante-known.csv"); err != nil {
		return err
	}
	return s.command(ctx, "month", "close", month, "--note", note)
}

// sheet is how a service stood on a day.
type sheet struct {
	service                   string
	daysAgo                   int
	weather, highlights, next string
	referent                  string
	point, risk, mitigation   string
	questionsDaysAgo          int // the questions to the service; 0: not asked
}

func (x sheet) form(h *hospital) url.Values {
	form := url.Values{
		"weather": {x.weather}, "highlights": {x.highlights}, "next_steps": {x.next}, "referent": {x.referent},
		"point-0": {x.point}, "risk-0": {x.risk}, "mitigation-0": {x.mitigation},
	}
	if x.questionsDaysAgo > 0 {
		form.Set("questions_on", h.ago(h.paris, 0, x.questionsDaysAgo).Format(time.DateOnly))
	}
	return form
}

var sheets = []sheet{
	{
		"cardiologie", 210, "cloudy", "Deux lignes coupées, le secrétariat cherche encore ses correspondants", "Lister les cabinets qui faxent encore", "Dominique Modèle, cadre de santé",
		"Des cabinets de ville sans MSSanté", "major", "Appels de la CPAM aux cabinets", 230,
	},
	{
		"cardiologie", 120, "bright", "Adresse publiée et relevée chaque matin", "Couper la ligne des explorations", "Dominique Modèle, cadre de santé",
		"Des cabinets de ville sans MSSanté", "moderate", "Courrier aux douze derniers cabinets", 230,
	},
	{
		"cardiologie", 25, "sunny", "Quatre lignes coupées sur sept\nLes comptes rendus partent par MSSanté", "Répondre aux derniers fax par le courrier type", "Dominique Modèle, cadre de santé",
		"Quelqu'un faxe encore sur une ligne coupée", "minor", "Rappel au correspondant", 230,
	},
	{
		"urgences", 150, "stormy", "Le SAMU tient à son fax de secours", "Revoir la procédure dégradée avec le SAMU", "Claude Fictif, secrétariat des urgences",
		"Aucun autre canal en cas de panne", "major", "Ligne maintenue, à revoir", 160,
	},
	{
		"urgences", 40, "cloudy", "Adresse organisationnelle créée", "Former l'équipe de nuit", "Claude Fictif, secrétariat des urgences",
		"Une ligne faxe encore après sa date", "major", "Point hebdomadaire avec le cadre", 160,
	},
	{"oncologie", 180, "cloudy", "Procédures présentées au staff", "Prévenir les laboratoires", "Alix Imaginaire, IDE coordinatrice", "Fax imprimés le lendemain", "moderate", "Relève de l'adresse deux fois par jour", 190},
	{"oncologie", 60, "bright", "Trois lignes coupées", "Publier la seconde adresse", "Alix Imaginaire, IDE coordinatrice", "", "", "", 190},
	{"maternite", 90, "cloudy", "Référente désignée", "Fixer la date de la dernière ligne", "Sacha Inventé, sage-femme", "Une machine ne répond plus", "moderate", "Passage du service informatique", 95},
	{"medecine-polyvalente", 75, "bright", "Une ligne coupée, une date fixée", "Tester l'adresse avec le CHU", "Noa Supposé, cadre de santé", "", "", "", 80},
	{"laboratoire", 35, "stormy", "Les laboratoires partenaires ne sont pas équipés", "Réunion avec les deux laboratoires", "Lou Conjecture, biologiste", "Partenaires sans MSSanté", "major", "Ligne maintenue jusqu'à leur équipement", 36},
}

// ticked is what a service's checklist says.
var ticked = []struct {
	service string
	items   []string
}{
	{"cardiologie", []string{"access", "procedures", "known", "letters", "partners", "contacts_book"}},
	{"oncologie", []string{"access", "procedures", "known"}},
	{"medecine-polyvalente", []string{"access", "procedures"}},
	{"urgences", []string{"access"}},
}

// followup is what the team has or did, as the form of its kind wants it; day and until are days ago, below zero to come.
type followup struct {
	kind, subject, who, contact, note string
	day, until                        int
	more                              url.Values
}

const noDay = 0

func (x followup) form(h *hospital) url.Values {
	form := url.Values{"kind": {x.kind}, "subject": {x.subject}, "who": {x.who}, "contact": {x.contact}, "note": {x.note}}
	for name, ago := range map[string]int{"day": x.day, "until": x.until} {
		if ago != noDay {
			form.Set(name, h.ago(h.paris, 0, ago).Format(time.DateOnly))
		}
	}
	for name, values := range x.more {
		form[name] = values
	}
	return form
}

// of are services that a followup is of.
func of(services ...string) url.Values { return url.Values{"service": services} }

// with adds fields of one value each: name, value, …
func with(form url.Values, pairs ...string) url.Values {
	if form == nil {
		form = url.Values{}
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func followups() []followup {
	chu, iles := url.Values{"establishment": {"chu-exemple"}}, url.Values{"establishment": {"ch-iles"}}
	procedure := func(version, link string) url.Values {
		return with(nil, "version", version, "link", "https://intranet.hopitaux-exemple.fr/zero-fax/"+link)
	}
	return []followup{
		{"contact", "lead", "Camille Exemple", "02 61 91 00 00", "", noDay, noDay, nil},
		{"contact", "it", "Pascal Réseau", "02 61 91 00 01", "pose et coupure des lignes", noDay, noDay, chu},
		{"contact", "ars", "Morgan Fictif", "", "point tous les deux mois", noDay, noDay, nil},
		{"contact", "grades", "Sam Supposé", "", "création des adresses MSSanté", noDay, noDay, iles},
		{"procedure", "sending", "Camille Exemple", "", "", 300, noDay, procedure("1.2", "envoyer")},
		{"procedure", "unknown_address", "Camille Exemple", "", "", 290, noDay, procedure("1.0", "adresse-inconnue")},
		{"procedure", "receiving", "Camille Exemple", "", "", 280, noDay, procedure("1.1", "recevoir")},
		{"procedure", "shared_address", "Camille Exemple", "", "", 150, noDay, with(of("cardiologie", "oncologie"), "version", "1.0")},
		{"procedure", "outage", "Claude Fictif", "", "", -20, noDay, with(of("urgences"), "version", "0.3")},
		{"training", "what", "Camille Exemple", "", "amphithéâtre, deux séances", 260, noDay, with(url.Values{"establishment": {"chu-exemple"}}, "attendance", "48")},
		{"training", "usage", "Camille Exemple", "", "", 200, noDay, with(of("cardiologie"), "attendance", "11")},
		{"training", "usage", "Sam Supposé", "", "", 100, noDay, with(of("medecine-polyvalente", "laboratoire"), "attendance", "9")},
		{"training", "procedures", "Camille Exemple", "", "équipe de nuit comprise", 170, noDay, of("oncologie")},
		{"training", "usage", "Camille Exemple", "", "", -12, noDay, of("urgences")},
		{"communication", "poster", "", "", "« Ici, on ne faxe plus »", 250, noDay, chu},
		{"communication", "signature", "", "", "signatures électroniques avec l'adresse MSSanté", 220, noDay, of("cardiologie")},
		{"communication", "partners_mailing", "", "", "180 cabinets et laboratoires", 500, noDay, of("cardiologie")},
		{"communication", "partners_mailing", "", "", "62 correspondants", 110, noDay, of("medecine-polyvalente")},
		{"communication", "website", "", "", "", 130, noDay, with(nil, "link", "https://www.hopitaux-exemple.fr/zero-fax")},
		{"partner", "", "Laboratoire des Tilleuls", "02 61 91 99 01", "résultats urgents la nuit", noDay, 45, with(of("urgences"), "equipped", "yes")},
		{"partner", "", "Cabinet du Port", "02 61 91 99 02", "attend son lecteur de carte", noDay, noDay, with(of("cardiologie"), "equipped", "no")},
		{"partner", "", "Clinique imaginaire", "02 61 91 99 03", "", noDay, noDay, iles},
		{"incident", "", "secrétariat de cardiologie", "", "Compte rendu resté dans la boîte d'envoi : destinataire inconnu de l'annuaire", 95, 94, of("cardiologie")},
		{"incident", "", "laboratoire", "", "Adresse inaccessible une matinée, retour au téléphone", 30, 30, of("laboratoire")},
		{"incident", "", "équipe de nuit", "", "Un fax est arrivé sur une ligne coupée, personne ne l'a relevé", 2, noDay, of("pediatrie")},
		{"visit", "visit", "Camille Exemple", "", "tour des secrétariats, un fax remis en service retiré", 50, noDay, of("cardiologie", "oncologie")},
		{"visit", "survey", "Camille Exemple", "", "31 réponses sur 40", 20, noDay, chu},
		{"visit", "reminder", "Camille Exemple", "", "", -30, noDay, of("maternite")},
	}
}

// note writes what the team has and did, and ticks checklists.
func (s *Stage) note(ctx context.Context) error {
	for _, x := range followups() {
		if err := s.send(ctx, "/support/new", x.form(s.hospital)); err != nil {
			return err
		}
	}
	for _, x := range ticked {
		form := url.Values{}
		for _, item := range x.items {
			form.Set("done-"+item, "yes")
		}
		if err := s.send(ctx, "/services/"+x.service+"/checklist", form); err != nil {
			return err
		}
	}
	return nil
}

var revisionShown = regexp.MustCompile(`name="revision" value="([^"]*)"`)

// send fills in the form of a page and sends it, as a browser does.
func (s *Stage) send(ctx context.Context, page string, form url.Values) error {
	address := s.CollectorURL() + page
	if kind := form.Get("kind"); kind != "" {
		address += "?kind=" + kind
	}
	shown, err := get(ctx, address)
	if err != nil {
		return err
	}
	if found := revisionShown.FindSubmatch(shown); found != nil {
		form.Set("revision", string(found[1]))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	once := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := once.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("%s is not taken: %s\n%s", page, resp.Status, body)
	}
	return err
}
