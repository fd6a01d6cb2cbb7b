package journals_test

import (
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// ourLine is a register with one line.
func ourLine() journals.Ours {
	r := ledger.Register{Lines: map[string][]ledger.Declaration{"0241354000": {{Line: "0241354000", Number: "0241354000", Extension: "4000"}}}}
	return journals.OurNumbers(&r, register.Dialling{OutsidePrefix: "0", ExtensionLength: 4})
}

func TestWhatATableIsLikeIsFoundOutFromHowItBegins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		table journals.Table // delimiter, lines before, header, form of dates
		first string
	}{
		"a fax server's in French, with a title": {
			"Journal du fax\nDate;Heure;Sens;Numéro local;Correspondant;Nb pages;Durée;Résultat\n03/11/2026;10:03:00;Émission;02 41 35 40 00;02 99 28 43 21;3;0:01:10;Réussi\n",
			journals.Table{Delimiter: ";", Skip: 1, Header: true, Date: []string{"JJ/MM/AAAA HH:MM:SS"}},
			"2026-11-03T09:03:00.000Z 02 41 35 40 00 → 02 99 28 43 21",
		},
		"one in English, by comma": {
			"Start,From,To,Pages,Status\n2026-11-03 10:03,0299284321,0241354000,3,OK\n",
			journals.Table{Delimiter: ",", Header: true, Date: []string{"AAAA-MM-JJ HH:MM"}},
			"2026-11-03T09:03:00.000Z 0299284321 → 0241354000",
		},
		"by tabs, as Windows writes": {
			"Date\tSens\tLigne\tNum\xe9ro distant\tR\xe9sultat\n03/11/2026 10:03\tRe\xe7u\t0241354000\t0299284321\tOK\n",
			journals.Table{Delimiter: "tab", Header: true, Date: []string{"JJ/MM/AAAA HH:MM"}},
			"2026-11-03T09:03:00.000Z 0299284321 → 0241354000",
		},
	} {
		got := journals.Sniff(strings.NewReader(c.text))
		if got.Delimiter != c.table.Delimiter || got.Skip != c.table.Skip || got.Header != c.table.Header || strings.Join(got.Date, "") != strings.Join(c.table.Date, "") {
			t.Errorf("%s: got %+v, want %+v", name, got, c.table)
			continue
		}
		got.Name = "table"
		if faults := got.Faults(); len(faults) != 0 {
			t.Errorf("%s: got faults %v of %v", name, faults, got.Columns)
			continue
		}
		profile, err := got.Profile()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		g := journals.Look(strings.NewReader(c.text), journals.Way{Profile: profile, Journal: "fax", Zone: paris(t), Ours: ourLine()}, 100, 20)
		if g.Fault != nil || len(g.First) != 1 || !g.Whole {
			t.Errorf("%s: got %+v", name, g)
			continue
		}
		if e := g.First[0]; e.At.String()+" "+e.From+" → "+e.To != c.first {
			t.Errorf("%s: got %s %s → %s, want %s", name, e.At, e.From, e.To, c.first)
		}
	}
}

func TestATableWithoutHeaderHasNumberedColumns(t *testing.T) {
	t.Parallel()
	got := journals.Sniff(strings.NewReader("03/11/2026 10:03;0241354000;0299284321;OK\n03/11/2026 10:07;0241354000;0299284322;OK\n"))
	if got.Header || got.Columns["at"] != "1" || strings.Join(got.Date, "") != "JJ/MM/AAAA HH:MM" {
		t.Errorf("got %+v, want the date in column 1 and no header", got)
	}
	if faults := got.Faults(); faults["column-remote"] == "" {
		t.Errorf("got %v, want it to ask which columns have the numbers", faults)
	}
}

func TestNumbersOfOthersAreMaskedAndOursAreNot(t *testing.T) {
	t.Parallel()
	o := ourLine()
	for text, want := range map[string]string{
		"02 41 35 40 00": "0241354000", "00241354000": "0241354000", "4000": "4000", "": "",
		"02 99 28 43 21": "02 99 •• •• 21", "+33612345678": "06 •• •• •• 78", "anonymous": "••••",
	} {
		if got := o.Show(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := o.Veil("0299284321"); got != "02 99 •• •• 21" {
		t.Errorf("got %q, want it masked in a table, too", got)
	}
	for _, cell := range []string{"03/11/2026", "Émission", "0241354000", "3"} {
		if got := o.Veil(cell); got != cell {
			t.Errorf("%q: got %q, want it as it is", cell, got)
		}
	}
}

func TestAProfileIsFoundByNameAndNoneTakesTheNameOfABuiltInOne(t *testing.T) {
	t.Parallel()
	table := journals.Table{
		Name: "sagem", Title: "Sagem du standard", Format: "csv", Unit: "message", Delimiter: ";", Encoding: "auto", Header: true,
		Date: []string{"JJ/MM/AAAA HH:MM"}, Direction: "sent", Columns: map[string]string{"at": "Date", "remote": "Numéro"},
	}
	p, err := table.Profile()
	if err != nil {
		t.Fatal(err)
	}
	saved := []ledger.JournalProfile{{Name: p.Name, Text: p.Text}}
	if got, err := journals.Find("sagem", saved); err != nil || got.String() != "Sagem du standard" {
		t.Errorf("got %v, %v, want Sagem du standard", got, err)
	}
	if got, err := journals.Find("hylafax", saved); err != nil || got.Text != "" {
		t.Errorf("got %v, %v, want the built-in one", got, err)
	}
	if _, err := journals.Find("sagam", saved); err == nil || !strings.Contains(err.Error(), "hylafax, asterisk, cucm, oxe, sagem") {
		t.Errorf("got %v, want it to name those that there are", err)
	}
	if _, err := journals.ReadProfile("mine.yml", []byte("name: hylafax\nformat: hylafax\n")); err == nil || !strings.Contains(err.Error(), "built in") {
		t.Errorf("got %v, want it to ask for another name", err)
	}
}

func TestCallsOfEverybodyAreNotReadWhereNoLineIsDeclared(t *testing.T) {
	t.Parallel()
	p, err := journals.Find("asterisk", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := (journals.Way{Profile: p, Journal: "pabx"}).Check(); err == nil || !strings.Contains(err.Error(), "no line is declared") {
		t.Errorf("got %v", err)
	}
	if err := (journals.Way{Profile: p, Journal: "pabx", Ours: ourLine()}).Check(); err != nil {
		t.Error(err)
	}
}

func TestAJournalsOwnNumbersAreToldOnceOrByName(t *testing.T) {
	t.Parallel()
	p, err := journals.Find("hylafax", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lines []string
		good  bool
	}{
		{nil, true},
		{[]string{"0241354000"}, true},
		{[]string{"ttyS0=0241354000", " ttyS1 = 0241354001 "}, true},
		{[]string{"0241354000", "0241354001"}, false},
		{[]string{"ttyS0="}, false},
	} {
		if err := (journals.Way{Profile: p, Journal: "fax", Lines: c.lines}).Check(); (err == nil) != c.good {
			t.Errorf("%v: got %v, want good to be %v", c.lines, err, c.good)
		}
	}
}

func paris(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
