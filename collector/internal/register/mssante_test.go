package register

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// correspondence is a group of hospitals and what tables said of its MSSanté.
type correspondence struct {
	*hospital
	mailboxes []ledger.Mailbox
	volumes   []ledger.Volume
	letters   []ledger.MailboxVolume
}

func (c *correspondence) all() ledger.Correspondence {
	return ledger.Correspondence{Places: slices.Clone(c.volumes), Mailboxes: slices.Clone(c.letters)}
}

func newCorrespondence(t testing.TB) *correspondence {
	c := &correspondence{hospital: group(t)}
	c.o.Now = today
	return c
}

func (c *correspondence) planAddresses(text string) (MailboxPlan, error) {
	c.Helper()
	table, err := Read(file(c, "bal.csv", text), "", Mailboxes)
	if err != nil {
		return MailboxPlan{}, err
	}
	return PlanMailboxes(c.r.Clone(), slices.Clone(c.mailboxes), table, c.o)
}

func (c *correspondence) addresses(text string) MailboxPlan {
	c.Helper()
	plan, err := c.planAddresses(text)
	if err != nil {
		c.Fatalf("%s\n%v", text, err)
	}
	c.mailboxes = plan.Mailboxes
	return plan
}

func (c *correspondence) wantMailboxes(want ...string) {
	c.Helper()
	var got []string
	for _, x := range c.mailboxes {
		got = append(got, fmt.Sprintf("%s %s %s %s/%s %s", x.Address, x.From, x.Kind, x.Establishment, x.Service, x.State))
	}
	if !slices.Equal(got, want) {
		c.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestATableOfMSSanteAddresses(t *testing.T) {
	c := newCorrespondence(t)
	c.addresses("Adresse MSSanté;Type de BAL;Service;État;Depuis\n" +
		"Secretariat.Cardio@CHU.mssante.fr;Organisationnelle;cardiologie;Créée;01/03/2026\n" +
		"secretariat.cardio@chu.mssante.fr;;;publiée;2026-03-15\n" +
		"anne.durand@chu.mssante.fr;PER;;active;\n")
	c.wantMailboxes(
		"anne.durand@chu.mssante.fr 2026-11-23 PER / used",
		"secretariat.cardio@chu.mssante.fr 2026-03-01  chu/cardiologie created",
		"secretariat.cardio@chu.mssante.fr 2026-03-15  / published", // an empty cell clears
	)

	// A column that isn't there leaves things as they are; an earlier day leaves later ones alone; a kind is one for all times.
	plan := c.addresses("adresse;service;depuis\nsecretariat.cardio@chu.mssante.fr;Cardiologie;2026-03-15\n")
	c.addresses("address,kind\nsecretariat.cardio@chu.mssante.fr,ORG\n")
	c.addresses("address,state,since\nsecretariat.cardio@chu.mssante.fr,utilisée,2026-03-10\n")
	c.wantMailboxes(
		"anne.durand@chu.mssante.fr 2026-11-23 PER / used",
		"secretariat.cardio@chu.mssante.fr 2026-03-01 ORG chu/cardiologie created",
		"secretariat.cardio@chu.mssante.fr 2026-03-10 ORG chu/cardiologie used",
		"secretariat.cardio@chu.mssante.fr 2026-03-15 ORG chu/cardiologie published",
	)
	var diff strings.Builder
	_ = plan.Diff.Print(&diff)
	if got, want := diff.String(), "changed  address  secretariat.cardio@chu.mssante.fr since 2026-03-15  establishment: (empty) → CHU\n"+
		"                                                                      service: (empty) → Cardiologie\n"+
		"addresses: 0 new, 1 changed, 0 removed, 2 unchanged\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}

	// What is said again is no change, whatever the day on which it is said.
	c.o.Now = today.AddDate(0, 0, 7)
	if plan := c.addresses("address;state\nsecretariat.cardio@chu.mssante.fr;publiée\n"); !plan.Nothing || !plan.Diff.Empty() {
		t.Errorf("got %+v, want no change", plan.Diff)
	}

	// One that is no more has an empty state, and so do those that a table leaves out which is to replace all.
	c.addresses("address;state;since\nsecretariat.cardio@chu.mssante.fr;;2026-11-30\n")
	c.o.Replace = true
	c.addresses("address;state\nsecretariat.cardio@chu.mssante.fr;inactive\n")
	c.wantMailboxes(
		"anne.durand@chu.mssante.fr 2026-11-23 PER / used",
		"anne.durand@chu.mssante.fr 2026-11-30 PER / ",
		"secretariat.cardio@chu.mssante.fr 2026-03-01 ORG chu/cardiologie created",
		"secretariat.cardio@chu.mssante.fr 2026-03-10 ORG chu/cardiologie used",
		"secretariat.cardio@chu.mssante.fr 2026-03-15 ORG chu/cardiologie published",
		"secretariat.cardio@chu.mssante.fr 2026-11-30 ORG chu/cardiologie inactive",
	)
}

func TestFaultsOfATableOfMSSanteAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"service\nSAAS\n":                                                 "bal.csv:1: there is no column address (adresse)",
		"adresse\nsecretariat\n":                                          `bal.csv:2: adresse: "secretariat" is no address; want one such as`,
		"adresse\n\"a b@chu.fr\"\n":                                       "is no address",
		"adresse;état\na@chu.fr;crée\n":                                   `état: "crée" isn't known; did you mean "créée"?`,
		"adresse;type\na@chu.fr;xyz\n":                                    `type: "xyz" isn't known; want one of PER (personnelle), ORG (organisationnelle)`,
		"adresse;état\na@chu.fr;\n":                                       "état: is empty, as if the mailbox were no more",
		"adresse;depuis\na@chu.fr;2027-01-01\n":                           "depuis: 2027-01-01 lies in the future",
		"adresse;depuis\na@chu.fr;10/2026\n":                              `"10/2026" is no day`,
		"adresse;service\na@chu.fr;Cardio\n":                              `service: no service is called "Cardio"; import structure makes it known`,
		"adresse;établissement;service\na@chu.fr;CH Cholet;Cardiologie\n": `no service is called "Cardiologie"`,
		"adresse\nA@chu.fr\na@CHU.fr\n":                                   "bal.csv:3: adresse: a@chu.fr is in row 2 too, for the same day",
	} {
		if _, err := newCorrespondence(t).planAddresses(text); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func (c *correspondence) planMessages(text string) (VolumePlan, error) {
	c.Helper()
	table, err := Read(file(c, "mssante.csv", text), "", Volumes)
	if err != nil {
		return VolumePlan{}, err
	}
	return PlanVolumes(c.r.Clone(), c.mailboxes, c.all(), table, c.o)
}

func (c *correspondence) messages(text string) VolumePlan {
	c.Helper()
	plan, err := c.planMessages(text)
	if err != nil {
		c.Fatalf("%s\n%v", text, err)
	}
	c.volumes, c.letters = plan.Messages.Places, plan.Messages.Mailboxes
	return plan
}

func (c *correspondence) wantVolumes(want ...string) {
	c.Helper()
	var got []string
	for _, v := range c.volumes {
		got = append(got, fmt.Sprintf("%d %s/%s %s/%s", v.Month, v.Establishment, v.Service, writtenCount(v.Received), writtenCount(v.Sent)))
	}
	if !slices.Equal(got, want) {
		c.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestATableOfMSSanteMessages(t *testing.T) {
	c := newCorrespondence(t)
	plan := c.messages("Mois;Établissement;Service;Messages reçus;Messages émis\n" +
		"09/2026;;Cardiologie;1 234;0\n" +
		"sept.-26;CHU;Global seulement;5000;\n" +
		"2026-09;CH Cholet;;300;20\n" +
		"2026-09;;;9000;\n" +
		"2026-08;CHU;SAAS;;\n")
	c.wantVolumes("202609 / 9000/", "202609 ch-cholet/ 300/20", "202609 chu/ 5000/", "202609 chu/cardiologie 1234/0")
	if got, want := plan.Diff.Summary(), "months: 4 new, 0 changed, 0 removed, 0 unchanged"; got != want || len(plan.Warnings) != 0 {
		t.Errorf("got %s, %v", got, plan.Warnings)
	}

	// A column that isn't there stays, an empty cell is unknown again.
	c.messages("mois;service;émis\n2026-09;Cardiologie;7\n")
	c.messages("mois;établissement;reçus\n2026-09;CHU;\n")
	c.wantVolumes("202609 / 9000/", "202609 ch-cholet/ 300/20", "202609 chu/cardiologie 1234/7")

	// What can't all be true is told; a month that isn't over is taken.
	plan = c.messages("mois;établissement;service;reçus\n2026-09;CHU;;1000\n2026-11;CHU;SAAS;4\n")
	if got := fmt.Sprint(plan.Warnings); len(plan.Warnings) != 2 || !strings.Contains(got, "mssante.csv:2: mois: the services have more messages in 2026-09 than the whole") ||
		!strings.Contains(got, "mssante.csv:3: mois: 2026-11 isn't over") {
		t.Errorf("got %s", got)
	}
}

func TestAServiceThatIsCalledAsItsHospitalHasMessagesOfItsOwn(t *testing.T) {
	c := newCorrespondence(t)
	c.structure("établissement;service\nCH Cholet;CH Cholet\n")
	c.messages("mois;établissement;service;reçus\n2026-09;CH Cholet;;300\n2026-09;CH Cholet;CH Cholet;20\n")
	plan := c.messages("mois;établissement;service;reçus\n2026-09;CH Cholet;CH Cholet;30\n")
	if got, want := plan.Diff.Summary(), "months: 0 new, 1 changed, 0 removed, 1 unchanged"; got != want || plan.Nothing {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheMessagesOfAServiceThatWentToAnotherHospitalCountOnce(t *testing.T) {
	c := newCorrespondence(t)
	c.messages("mois;service;reçus;émis\n2026-09;cardiologie;10;4\n")
	service := c.r.Services["cardiologie"]
	service.Establishment, service.Pole = "ch-cholet", ""
	c.r.Services["cardiologie"] = service
	c.messages("mois;service;reçus\n2026-09;cardiologie;12\n2026-10;cardiologie;1\n")
	c.wantVolumes("202609 chu/cardiologie 12/4", "202610 ch-cholet/cardiologie 1/") // where it was then
	c.messages("mois;établissement;service;reçus\n2026-09;CH Cholet;cardiologie;13\n")
	c.wantVolumes("202609 ch-cholet/cardiologie 13/4", "202610 ch-cholet/cardiologie 1/")
	if _, err := c.planMessages("mois;établissement;service;reçus\n2026-09;;cardiologie;13\n2026-09;CH Cholet;cardiologie;14\n"); err == nil ||
		!strings.Contains(err.Error(), "are in row 2 too") {
		t.Errorf("got %v, want it refused to say it twice", err)
	}
}

func TestOfOneHospitalTheWholeIsThatHospital(t *testing.T) {
	c := &correspondence{hospital: newHospital(t)}
	c.structure("établissement;service\nCHU;Cardiologie\n")
	c.messages("mois;reçus;émis\n2026-09;100;50\n")
	c.addresses("adresse\na@chu.mssante.fr\n")
	c.messages("mois;service;reçus\n2026-09;cardiologie;10\n")
	c.wantVolumes("202609 chu/ 100/50", "202609 chu/cardiologie 10/")
	c = &correspondence{hospital: newHospital(t)}
	c.messages("mois;reçus\n2026-09;100\n")
	c.wantVolumes("202609 / 100/")
}

func TestFaultsOfATableOfMSSanteMessages(t *testing.T) {
	for text, want := range map[string]string{
		"service;reçus\nSAAS;1\n":                                  "mssante.csv:1: there are no columns month (mois) and received (reçus) or sent (émis)",
		"mois;service\n2026-09;SAAS\n":                             "there are no columns month (mois) and received (reçus) or sent (émis)",
		"mois;reçus\n2026-12;1\n":                                  `mssante.csv:2: mois: "2026-12" is still to come`,
		"mois;reçus\n1999-12;1\n":                                  "is no month of which there can be messages",
		"mois;reçus\n;1\n":                                         "is no month of which there can be messages",
		"mois;reçus\n2026-09;-1\n":                                 `reçus: "-1" is no whole number; want one such as 1200, or nothing where it isn't known`,
		"mois;reçus\n2026-09;env. 30\n":                            `"env. 30" is no whole number`,
		"mois;service;reçus\n2026-09;Médecine;1\n":                 `service: no service is called "Médecine"; import structure`,
		"mois;service;reçus\n2026-09;SAAS;1\n09/2026;saas;2\n":     "mssante.csv:3: mois: the same month and service are in row 2 too",
		"mois;service;reçus\n2026-09;global;1\n2026-09;;2\n":       "are in row 2 too",
		"mois;adresse;reçus\n2026-09;secretariat;1\n":              `adresse: "secretariat" is no address; want one such as`,
		"mois;adresse;reçus\n2026-09;a@b.fr;1\n09/2026;A@B.FR;2\n": "the same month and address are in row 2 too; want them once",
	} {
		if _, err := newCorrespondence(t).planMessages(text); !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// readAgain is a table of rows that was written in any language and form.
func readAgain(t *rapid.T, dir string, schema *Schema, rows [][]string) *Table {
	write, name := schema.WriteCSV, "table.csv"
	if rapid.IntRange(0, 39).Draw(t, "as xlsx") == 7 {
		write, name = schema.WriteXLSX, "table.xlsx"
	}
	var out bytes.Buffer
	if err := write(&out, rapid.SampledFrom([]string{"fr", "en"}).Draw(t, "language"), rows); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := Read(path, "", schema)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestAnExportOfMSSanteReadAgainChangesNothing(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		r := registers.Draw(t, "register")
		services := func(label string) (in, id string) {
			id = pick(t, label, r.Services, func(ledger.Service) bool { return true })
			if in = r.Services[id].Establishment; id == "" {
				in = pick(t, label+" of", r.Establishments, func(ledger.Establishment) bool { return true })
			}
			if in == "" && id == "" && len(r.Establishments) == 1 {
				in = newDirectory(&r).ids(establishment)[0]
			}
			return in, id
		}
		d := &mailboxDraft{versions: map[string][]ledger.Mailbox{}}
		for _, address := range []string{"a@chu.mssante.fr", "b.durand@chu.mssante.fr", "=c@chu.mssante.fr"} {
			kind := rapid.SampledFrom([]string{"", "PER", "ORG"}).Draw(t, "kind")
			for _, day := range []ledger.Day{"2026-01-01", "2026-02-28", "2026-11-23"} {
				if rapid.Bool().Draw(t, "changed") {
					x := ledger.Mailbox{Address: address, From: day, Kind: kind, State: rapid.SampledFrom(append(ledger.MailboxStates(), "")).Draw(t, "state")}
					x.Establishment, x.Service = services("service")
					d.versions[address] = append(d.versions[address], x)
				}
			}
		}
		mailboxes := d.all()
		o := usual
		o.Replace = len(mailboxes) > 0
		plan, err := PlanMailboxes(r.Clone(), slices.Clone(mailboxes), readAgain(t, dir, Mailboxes, ExportMailboxes(r, mailboxes)), o)
		if err != nil || !slices.Equal(plan.Mailboxes, mailboxes) || !plan.Nothing || !plan.Diff.Empty() {
			t.Fatalf("%v\nwas    %+v\nbecame %+v", err, mailboxes, plan.Mailboxes)
		}

		var volumes []ledger.Volume
		for range rapid.IntRange(0, 8).Draw(t, "volumes") {
			n := rapid.Int64Range(0, 1e12-1).Draw(t, "messages")
			v := ledger.Volume{Month: rapid.SampledFrom([]ledger.Month{202601, 202610}).Draw(t, "month")}
			v.Establishment, v.Service = services("of")
			if i, twice := slices.BinarySearchFunc(volumes, v, ledger.Volume.Compare); !twice {
				if v.Sent = &n; rapid.Bool().Draw(t, "received") {
					v.Sent, v.Received = nil, &n
				}
				volumes = slices.Insert(volumes, i, v)
			}
		}
		kept := ledger.Correspondence{Places: volumes}
		again, err := PlanVolumes(r.Clone(), nil, ledger.Correspondence{Places: slices.Clone(volumes)}, readAgain(t, dir, Volumes, ExportVolumes(r, kept)), usual)
		if err != nil || !again.Nothing || !again.Diff.Empty() || len(again.Messages.Places) != len(volumes) {
			t.Fatalf("%v\nwas    %+v\nbecame %+v\n%+v", err, volumes, again.Messages, again.Diff)
		}
	})
}

func TestDatesInTheCellsOfAnExcelTableAreMonthsToo(t *testing.T) {
	c := newCorrespondence(t)
	path := sheet(t, func(book *excelize.File) {
		for cell, value := range map[string]any{
			"A1": "Mois", "B1": "Service", "C1": "Reçus",
			"A2": time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), "B2": "Cardiologie", "C2": 1200,
			"A3": "oct-26", "B3": "Cardiologie", "C3": 0,
		} {
			if err := book.SetCellValue("Sheet1", cell, value); err != nil {
				t.Fatal(err)
			}
		}
	})
	table, err := Read(path, "", Volumes)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := PlanVolumes(c.r.Clone(), nil, ledger.Correspondence{}, table, c.o)
	if err != nil {
		t.Fatal(err)
	}
	c.volumes, c.letters = plan.Messages.Places, plan.Messages.Mailboxes
	c.wantVolumes("202609 chu/cardiologie 1200/", "202610 chu/cardiologie 0/")
}
