package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What journals tell: who faxes whom. Three of them overlap, so that most faxes between services are seen twice: the fax
// server of three services, the journal that the copiers of three others print, and the telephone exchange of all of them.
// Nobody journals the islands: of them nothing is known, which is not nothing.

// exchanged is a fax between two numbers, as it happened.
type exchanged struct {
	number   int // in their order
	at       time.Time
	from, to *party
	pages    int64
	tries    int // that failed before
}

// party is who faxes: a line of ours, or a partner outside.
type party struct {
	number string
	line   *Line  // nil: outside
	name   string // of a partner
	modem  string // of the fax server on which it hangs; empty: none
	copier bool   // it stands in the copiers' journal
}

// Flowing is what journals must tell of a month between two lines, empty for outside.
type Flowing struct{ Month, From, To string }

// correspondent is a partner outside, and how often it and a service fax each other on a working day.
type correspondent struct {
	number, name   string
	service        string
	theirs, itself float64 // faxes to the service, and from it
	mailbox        string  // MSSanté address that the directory publishes of a structure; empty: none
}

// correspondents are made up; so are their numbers, of a range kept for that.
var correspondents = []correspondent{
	{"0261919801", "Laboratoire des Tilleuls", "urgences", 1.6, .5, "secretariat@tilleuls.mssante.fr"},
	{"0261919802", "Cabinet du Port", "cardiologie", .9, .7, ""},
	{"0261919803", "Clinique imaginaire", "oncologie", .6, .8, ""},
	{"0261919804", "Centre d'imagerie du Parc", "oncologie", 1.2, .2, "comptes-rendus@imagerie-parc.mssante.fr"},
	{"0261919805", "Maison de santé des Quais", "pediatrie", .5, .4, ""},
	{"0261919806", "Cabinet de sages-femmes", "maternite", .7, .3, ""},
	{"0261919807", "Pharmacie de la Gare", "urgences", .2, .9, ""},
	{"0261919808", "EHPAD Les Glycines", "urgences", .4, .6, ""},
}

// internals are how often services fax each other on a working day.
var internals = []struct {
	from, to string
	rate     float64
}{
	{"urgences", "cardiologie", 1.4},
	{"urgences", "oncologie", .4},
	{"urgences", "pediatrie", .6},
	{"cardiologie", "urgences", .7},
	{"cardiologie", "oncologie", .8},
	{"oncologie", "radiotherapie", 1.5},
	{"radiotherapie", "oncologie", 1.1},
	{"maternite", "pediatrie", 1.8},
	{"pediatrie", "maternite", 1.2},
}

// parties are those who fax, by service or number. The fax server has the lines that hang on the gateway.
func (h *hospital) parties() map[string]*party {
	all := map[string]*party{}
	for n, service := range []string{"urgences", "cardiologie", "pediatrie"} {
		i := slices.IndexFunc(h.lines, func(l *Line) bool { return l.Service.ID == service && l.Gateway != nil })
		all[service] = &party{number: h.lines[i].Number, line: h.lines[i], modem: fmt.Sprintf("ttyS%d", n)}
	}
	for _, service := range []string{"oncologie", "radiotherapie", "maternite"} {
		i := slices.IndexFunc(h.lines, func(l *Line) bool {
			return l.Service.ID == service && l.Machine != nil && l.CutOn.IsZero() && slices.Contains([]string{"active", "blind"}, l.State)
		})
		all[service] = &party{number: h.lines[i].Number, line: h.lines[i], copier: true}
	}
	for _, c := range correspondents {
		all[c.number] = &party{number: c.number, name: c.name}
	}
	return all
}

// faxing is all that was faxed, in order. Two faxes of a pair are never within an hour of each other.
func (h *hospital) faxing(seed uint64) (all []exchanged) {
	rng := rand.New(rand.NewPCG(seed, 0xFA))
	who := h.parties()
	begin := h.begins().In(h.paris)
	pair := func(day time.Time, from, to *party, rate float64, left float64) {
		gone := h.now.Sub(day).Hours() / 24 / 400
		rate *= left + (1-left)*min(1, gone)
		for hour := 8; hour < 18; hour += 2 {
			if rng.Float64() >= rate/5 {
				continue
			}
			at := day.Add(time.Duration(hour)*time.Hour + time.Duration(rng.IntN(50*60))*time.Second)
			if at.Before(h.now.Add(-20 * time.Minute)) {
				all = append(all, exchanged{at: at, from: from, to: to, pages: 1 + int64(rng.ExpFloat64()*2), tries: int(rng.ExpFloat64() * .8)})
			}
		}
	}
	for day := time.Date(begin.Year(), begin.Month(), begin.Day()+1, 0, 0, 0, 0, h.paris); day.Before(h.now); day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			continue
		}
		noon := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, h.paris)
		for _, x := range internals {
			pair(noon, who[x.from], who[x.to], x.rate, .6)
		}
		for _, c := range correspondents {
			pair(noon, who[c.number], who[c.service], c.theirs, .7)
			pair(noon, who[c.service], who[c.number], c.itself, .4)
		}
	}
	slices.SortFunc(all, func(a, b exchanged) int { return a.at.Compare(b.at) })
	for i := range all {
		all[i].number = i
	}
	return all
}

// journaled tells whether a fax stands in a journal of messages.
func (x *exchanged) journaled() bool {
	return x.from.modem != "" || x.to.modem != "" || x.from.copier || x.to.copier
}

// Exchanges are what journals must tell: messages, each once whoever wrote it down, and calls.
func (h *hospital) exchanges(all []exchanged) (messages, calls map[Flowing]int64) {
	messages, calls = map[Flowing]int64{}, map[Flowing]int64{}
	for i := range all {
		x := &all[i]
		key := Flowing{Month: x.at.In(h.paris).Format("2006-01")}
		if x.from.line != nil {
			key.From = x.from.number
		}
		if x.to.line != nil {
			key.To = x.to.number
		}
		calls[key]++
		if x.journaled() {
			messages[key]++
		}
	}
	return messages, calls
}

const (
	hylafaxJournal = "serveur-fax"
	copierJournal  = "copieurs"
	pabxJournal    = "autocom"
)

// hylafaxLog is the fax server's xferfaxlog: one row a try, local time to the minute, the month before the day.
func (h *hospital) hylafaxLog(all []exchanged) []byte {
	var b bytes.Buffer
	for i := range all {
		x := &all[i]
		if x.from.modem != "" {
			for try := x.tries; try >= 0; try-- {
				reason, pages := "", x.pages
				if try > 0 {
					reason, pages = "Busy signal detected", 0
				}
				h.hylafaxRow(&b, x.at.Add(-time.Duration(3*try)*time.Minute), "SEND", x.from.modem, fmt.Sprint(1000+x.number), x.to.number, pages, reason, "")
			}
		}
		if x.to.modem != "" { // another machine on the same server writes it, too, by its own clock
			h.hylafaxRow(&b, x.at.Add(time.Minute), "RECV", x.to.modem, fmt.Sprintf("fax%09d.tif", x.number), x.to.number, x.pages, "", x.from.number)
		}
	}
	return b.Bytes()
}

func (h *hospital) hylafaxRow(b *bytes.Buffer, at time.Time, kind, modem, job, to string, pages int64, reason, caller string) {
	fmt.Fprintf(b, "%s\t%s\t%09d\t%s\t%s\t\"\"\tfax\t%q\t\"\"\t1264\t%d\t00:00:%02d\t00:01:10\t%q\t\"\"\t%q\t\"\"\t\"fax\"\t\"14400 bps\"\n",
		at.In(h.paris).Format("01/02/06 15:04"), kind, at.Unix()%1e9, modem, job, to, pages, 20+pages%30, reason, caller)
}

// Modems are those of the fax server, each with its line.
func (h *hospital) Modems() (list [][2]string) {
	who := h.parties()
	for _, service := range []string{"urgences", "cardiologie", "pediatrie"} {
		list = append(list, [2]string{who[service].modem, who[service].number})
	}
	return list
}

// FaxServer is the name of the fax server's journal.
const FaxServer = hylafaxJournal

// Journal writes on in the fax server's journal, at path, which begins with the last week of what was imported: a fax comes
// in from outside each time, until ctx ends.
func (s *Stage) Journal(ctx context.Context, path string, pace time.Duration) error {
	all := slices.DeleteFunc(s.faxing(s.Seed), func(x exchanged) bool { return x.at.Before(s.now.AddDate(0, 0, -7)) })
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the fax server's journal: %w", err)
	}
	if err := os.WriteFile(path, s.hylafaxLog(all), 0o600); err != nil {
		return fmt.Errorf("write the fax server's journal: %w", err)
	}
	who := s.parties()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		c := correspondents[n%2] // those who fax the fax server's services
		var row bytes.Buffer
		s.hylafaxRow(&row, time.Now(), "RECV", who[c.service].modem, fmt.Sprintf("fax9%08d.tif", n), who[c.service].number, int64(1+n%4), "", c.number)
		if err := appendTo(path, row.Bytes()); err != nil {
			return fmt.Errorf("write the fax server's journal: %w", err)
		}
	}
}

func appendTo(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// copierTable is what the copiers' journal is exported to.
func (h *hospital) copierTable(all []exchanged) []byte {
	var rows [][]string
	row := func(x *exchanged, way string, own, other *party) {
		rows = append(rows, []string{x.at.In(h.paris).Add(time.Minute).Format("02/01/2006 15:04"), way, own.number, other.number, fmt.Sprint(x.pages), "OK"})
	}
	for i := range all {
		x := &all[i]
		if x.from.copier {
			row(x, "Envoi", x.from, x.to)
		}
		if x.to.copier {
			row(x, "Réception", x.to, x.from)
		}
	}
	return table([]string{"Date", "Sens", "Ligne", "Correspondant", "Pages", "Résultat"}, rows)
}

// copierProfile is how that is read.
const copierProfile = `name: copieurs
title: Journal des copieurs
delimiter: ";"
date: JJ/MM/AAAA HH:MM
columns:
  at: Date
  direction: Sens
  local: Ligne
  remote: Correspondant
  pages: Pages
  result: Résultat
`

// exchangeLog is the telephone exchange's Master.csv: calls of fax lines among those of telephones.
func (h *hospital) exchangeLog(all []exchanged) []byte {
	var b strings.Builder
	row := func(at time.Time, from, to string, seconds int, how string, n int) {
		local, id := at.In(h.paris), fmt.Sprintf("%d.%d", at.Unix(), n)
		answer, billed := local.Add(5*time.Second).Format(time.DateTime), seconds
		if how != "ANSWERED" {
			answer, billed = "", 0
		}
		fmt.Fprintf(&b, "\"\",\"%[1]s\",\"%[2]s\",\"internal\",\"\"\"\"\" <%[1]s>\",\"SIP/trunk-%08[3]x\",\"SIP/%[2]s-%08[3]x\",\"Dial\",\"SIP/%[2]s\",\"%[4]s\",\"%[5]s\",\"%[6]s\",%[7]d,%[8]d,\"%[9]s\",\"DOCUMENTATION\",\"%[10]s\",\"\"\n",
			from, to, n, local.Format(time.DateTime), answer, local.Add(time.Duration(seconds+5)*time.Second).Format(time.DateTime), seconds+5, billed, how, id)
	}
	for n := range all {
		x := &all[n]
		for try := x.tries; try > 0; try-- {
			row(x.at.Add(-time.Duration(3*try)*time.Minute), x.from.number, x.to.number, 0, "BUSY", 10*n+try)
		}
		row(x.at, x.from.number, x.to.number, int(40+20*x.pages), "ANSWERED", 10*n)
		if n%40 == 0 { // a telephone's
			row(x.at.Add(time.Minute), "4512", "4513", 95, "ANSWERED", 10*n+9)
		}
	}
	return []byte(b.String())
}

// flows is what people declare and import so that flows, waves and neighbours have something to show.
func (s *Stage) flows(ctx context.Context) error {
	if err := s.write("machines.csv", s.devicesTable()); err != nil {
		return err
	}
	if err := s.command(ctx, "import", "devices", "machines.csv"); err != nil {
		return err
	}
	if err := errors.Join(s.journals(ctx), s.plan(ctx)); err != nil {
		return err
	}
	day := s.now.AddDate(0, 0, -3).Format(time.DateOnly)
	if err := errors.Join(s.write("finess.csv", finessFile()), s.write("ps.txt", professionalsFile())); err != nil {
		return err
	}
	return s.commands(ctx, "import finess --day "+day+" finess.csv", "import ps --day "+day+" ps.txt")
}

// finessFile are those of the correspondents that are structures, as the national file has them.
func finessFile() []byte {
	var b strings.Builder
	b.WriteString("finess;etalab;111;2026-05-12\n")
	for n, c := range correspondents {
		if !strings.HasPrefix(c.name, "Cabinet") {
			fmt.Fprintf(&b, "structureet;%s;;%s;%[2]s;;;1;R;DES EXEMPLES;;;007;49;MAINE ET LOIRE;49000 ANGERS;;%s;611;Laboratoire;1102;Autres;;;03;ARS;1;Privé;1900-01-01;1900-01-01;2026-01-01;\n",
				finessNumbers[n], c.name, c.number)
		}
	}
	return []byte(b.String())
}

// finessNumbers are those of correspondents, in their order; nobody has them.
var finessNumbers = [...]string{"490900017", "", "490900025", "490900033", "490900041", "", "490900058", "490900066"}

// professionalsFile are those of the correspondents that are somebody's own, as the directory of professionals has them.
func professionalsFile() []byte {
	var b strings.Builder
	b.WriteString("Identifiant PP|Code civilité d'exercice|Nom d'exercice|Prénom d'exercice|Libellé profession|Libellé savoir-faire|Raison sociale site|Libellé commune (coord. structure)|Télécopie (coord. structure)|\n")
	for _, c := range correspondents {
		if c.name == "Cabinet du Port" {
			fmt.Fprintf(&b, "10000000017|DR|EXEMPLE|Jeanne|Médecin|Cardiologie|%s|Angers|%s|\n", strings.ToUpper(c.name), c.number)
		}
	}
	return []byte(b.String())
}

// journals imports what is journaled until the end of the history.
func (s *Stage) journals(ctx context.Context) error {
	all := s.faxing(s.Seed)
	s.Truth.Exchanged, s.Truth.Called = s.exchanges(all)
	for name, text := range map[string][]byte{
		"xferfaxlog": s.hylafaxLog(all), "copieurs.csv": s.copierTable(all), "copieurs.yml": []byte(copierProfile), "Master.csv": s.exchangeLog(all),
	} {
		if err := s.write(name, text); err != nil {
			return err
		}
	}
	var modems strings.Builder
	for _, m := range s.Modems() {
		fmt.Fprintf(&modems, " --line %s=%s", m[0], m[1])
	}
	return s.commands(ctx, "import journal --profile hylafax --journal "+hylafaxJournal+modems.String()+" xferfaxlog",
		"import journal --profile copieurs.yml --save --journal "+copierJournal+" copieurs.csv",
		"import journal --profile asterisk --journal "+pabxJournal+" Master.csv")
}
