package register

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var (
	paris, _ = time.LoadLocation("Europe/Paris")
	today    = time.Date(2026, 11, 23, 10, 0, 0, 0, paris)
	usual    = Options{Now: today, Zone: paris, Devices: []ledger.Device{
		{ID: "kyocera-abc123", Serial: "ABC123"}, {ID: "ricoh-777", Serial: "777"}, {ID: "xerox-777", Serial: "777"},
	}}
)

func empty() ledger.Register {
	return ledger.Register{
		Establishments: map[string]ledger.Establishment{}, Sites: map[string]ledger.Site{}, Poles: map[string]ledger.Pole{},
		Services: map[string]ledger.Service{}, UFs: map[string][]ledger.UF{}, Lines: map[string][]ledger.Declaration{},
		Devices: map[string][]ledger.DeclaredDevice{}, Targets: map[ledger.TargetKey][]ledger.Target{}, Copper: map[string]ledger.Copper{},
	}
}

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hospital is a register with what tables said of it one after the other.
type hospital struct {
	testing.TB
	r ledger.Register
	o Options
}

func (h *hospital) plan(text string) (Plan, error) {
	h.Helper()
	table, err := Read(file(h, "lines.csv", text), "", Lines)
	if err != nil {
		return Plan{}, err
	}
	return PlanLines(h.r.Clone(), table, h.o)
}

// say imports a table of lines a day after the last one.
func (h *hospital) say(text string) Plan {
	h.Helper()
	plan, err := h.plan(text)
	if err != nil {
		h.Fatalf("%s\n%v", text, err)
	}
	h.r = plan.Register
	h.o.Now = h.o.Now.AddDate(0, 0, 1)
	return plan
}

func (h *hospital) line(id string, when time.Time) ledger.Declaration {
	h.Helper()
	line, ok := ledger.ValidAt(h.r.Lines[id], wire.TimeOf(when))
	if !ok {
		h.Fatalf("no line %s at %s", id, when)
	}
	return line
}

func newHospital(t testing.TB) *hospital { return &hospital{t, empty(), usual} }

func TestATableOfLinesMakesWhatItNames(t *testing.T) {
	h := newHospital(t)
	plan := h.say("Numéro;Machine;Établissement;Site;Commune;Pôle;Service;Support;Coupure prévue\n" +
		"02 41 35 40 00;abc123;CHU d'Angers;Larrey;49007;Cancérologie;Oncologie;Analogique;31/12/2026\n" +
		"02 41 35 40 01;;chu d’angers;LARREY;;;oncologie;T0;\n")
	line := h.line("0241354000", today)
	want := ledger.Declaration{
		Line: "0241354000", Number: "0241354000", Device: "abc123", Support: "analogique", Cutoff: "2026-12-31",
		Place: ledger.Place{Establishment: "chu-d-angers", Site: "larrey", Pole: "cancerologie", Service: "oncologie"},
	}
	if line != want {
		t.Errorf("got  %+v\nwant %+v", line, want)
	}
	if got := h.line("0241354001", time.Unix(1, 0)); got.Place != want.Place {
		t.Errorf("found by other words, for all times: got %+v, want %+v", got.Place, want.Place)
	}
	if len(h.r.Services) != 1 || h.r.Services["oncologie"].Pole != "cancerologie" || h.r.Sites["larrey"].Commune != "49007" {
		t.Errorf("got %+v %+v", h.r.Services, h.r.Sites)
	}
	if got := plan.Diff.Summary(); !strings.HasSuffix(got, "lines: 2 new, 0 changed, 0 removed, 0 unchanged") {
		t.Errorf("got %s", got)
	}
}

func TestAFirstValueHoldsForAllTimesALaterOneFromItsDate(t *testing.T) {
	h := newHospital(t)
	h.say("number,device\n0241354000,ABC123\n")
	h.say("number,service\n0241354000,Oncologie\n")
	if got := h.line("0241354000", time.Unix(1, 0)); got.Service != "oncologie" || len(h.r.Lines["0241354000"]) != 1 {
		t.Errorf("first assignment: got %+v, want it since always", h.r.Lines)
	}
	h.say("number,service\n0241354000,Cardiologie\n") // two days after today
	moved := today.AddDate(0, 0, 2)
	if got := h.line("0241354000", moved.Add(-1)); got.Service != "oncologie" {
		t.Errorf("before it moved: got %s, want oncologie", got.Service)
	}
	if got := h.line("0241354000", moved); got.Service != "cardiologie" || got.Device != "ABC123" {
		t.Errorf("since it moved: got %+v, want cardiologie, same machine", got)
	}
	h.o.Since = Since{Day: "2026-11-01"}
	h.say("number,service\n0241354000,Cardiologie\n")
	if got := h.line("0241354000", time.Date(2026, 11, 1, 0, 0, 0, 0, paris)); got.Service != "cardiologie" || len(h.r.Lines["0241354000"]) != 2 {
		t.Errorf("--since 2026-11-01: got %+v", h.r.Lines)
	}
	h.o.Since = Since{Always: true}
	h.say("number,service\n0241354000,Cardiologie\n")
	if got := h.r.Lines["0241354000"]; len(got) != 1 || got[0].Service != "cardiologie" {
		t.Errorf("--since always: got %+v", got)
	}
}

func TestAPortOrPoleDoesNotReachBackToAnotherMachineOrService(t *testing.T) {
	h := newHospital(t)
	h.say("number,device,service\n0241354000,ABC123,Oncologie\n")
	h.say("number,device,port,service,pole\n0241354000,ricoh-777,2,Cardiologie,Coeur\n")
	if before := h.line("0241354000", today); before.Port != "" || before.Pole != "" {
		t.Errorf("got %+v, want neither port nor pole before", before)
	}
	if now := h.line("0241354000", h.o.Now); now.Port != "2" || now.Pole != "coeur" {
		t.Errorf("got %+v, want port 2, pole coeur", now)
	}
}

func TestAnAbsentColumnChangesNothingAnEmptyCellClears(t *testing.T) {
	h := newHospital(t)
	h.say("number,device,contact,service,cutoff\n0241354000,ABC123,Anne,Oncologie,2026-12-31\n0241354001,,Luc,,\n")
	h.say("number,contact,cutoff\n0241354000,,\n")
	got := h.line("0241354000", h.o.Now)
	if got.Contact != "" || got.Cutoff != "" || got.Device != "ABC123" || got.Service != "oncologie" {
		t.Errorf("got %+v, want contact and cut-off cleared, the rest as it was", got)
	}
	if got := h.line("0241354001", h.o.Now); got.Contact != "Luc" {
		t.Errorf("absent row: got %+v, want it untouched", got)
	}
	h.o.Replace = true
	removed := h.o.Now
	plan := h.say("number\n0241354001\n")
	if got := h.line("0241354000", removed); !got.Removed {
		t.Errorf("--replace: got %+v, want it removed", got)
	}
	if got := h.line("0241354000", removed.Add(-1)); got.Removed {
		t.Errorf("--replace: got %+v, want the past as it was", got)
	}
	if got := plan.Diff.Summary(); !strings.HasSuffix(got, "lines: 0 new, 0 changed, 1 removed, 1 unchanged") {
		t.Errorf("got %s", got)
	}
	h.o.Replace = false
	h.say("number,service\n0241354000,Cardiologie\n")
	if got := h.line("0241354000", h.o.Now); got.Removed || got.Device != "" || got.Service != "cardiologie" {
		t.Errorf("declared again: got %+v, want it anew", got)
	}
}

func TestSayingTheSameAgainChangesNothing(t *testing.T) {
	h := newHospital(t)
	text := "number,extension,device,site,pole,service,cutoff,kept_reason,kept_until\n" +
		"02 41 35 40 00 poste 4512,,ABC123,Larrey,Coeur,Cardiologie,2026-12-31,,\n" +
		"0241354001,4513,kyocera-abc123,Larrey,,Cardiologie,,nuit,2027-01-31\n" +
		",4514,,larrey,,,,,\n" +
		"02 41 35 41 00 à 09,,,,,,,,\n"
	h.say(text)
	before := h.r.Clone()
	if plan := h.say(text); !plan.Diff.Empty() || !same(before, h.r) {
		t.Errorf("got %+v, want no change", plan.Diff.Changes)
	}
	if plan := h.say("number,device\n0241354000,KYOCERA-ABC123\n"); !plan.Diff.Empty() {
		t.Errorf("the same machine by its id: got %+v, want no change", plan.Diff.Changes)
	}
	if got := h.line("0241354000", today); got.Extension != "4512" {
		t.Errorf("got %+v, want extension 4512", got)
	}
	if got := h.line("larrey:4514", today); got.Number != "" || got.Extension != "4514" {
		t.Errorf("got %+v, want extension 4514", got)
	}
	if len(h.r.Lines) != 13 {
		t.Errorf("got %d lines, want 13", len(h.r.Lines))
	}
}

func TestAServiceMovesToAnotherPoleWithAllItsLines(t *testing.T) {
	h := newHospital(t)
	h.say("number,pole,service\n0241354000,Médecine,Cardiologie\n0241354001,,Cardiologie\n0241354002,Médecine,Oncologie\n")
	moved := h.o.Now
	plan := h.say("number,pole,service\n0241354000,Coeur,Cardiologie\n")
	for id, want := range map[string]string{"0241354000": "coeur", "0241354001": "coeur", "0241354002": "medecine"} {
		if got := h.line(id, moved).Pole; got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
		if got := h.line(id, moved.Add(-1)).Pole; got != "medecine" {
			t.Errorf("%s before: got %s, want medecine", id, got)
		}
	}
	if got := plan.Diff.Summary(); !strings.HasSuffix(got, "lines: 0 new, 2 changed, 0 removed, 1 unchanged") {
		t.Errorf("got %s", got)
	}
	if _, err := h.plan("number,pole\n0241354002,Coeur\n"); err == nil || !strings.Contains(err.Error(), `its service "Oncologie" is in pole "Médecine"; want the column service too`) {
		t.Errorf("a pole without its service: got %v", err)
	}
}

func TestHospitalsOfAGroupHaveServicesOfTheSameName(t *testing.T) {
	h := newHospital(t)
	h.say("number,establishment,service\n0241354000,CHU,Cardiologie\n0241354001,CH Cholet,Cardiologie\n")
	if a, b := h.line("0241354000", today).Service, h.line("0241354001", today).Service; a != "cardiologie" || b != "cardiologie-ch-cholet" {
		t.Errorf("got %s and %s, want two services", a, b)
	}
	if _, err := h.plan("number,service\n0241354002,Cardiologie\n"); err == nil ||
		!strings.Contains(err.Error(), `"Cardiologie" may be cardiologie or cardiologie-ch-cholet; want an id, or the establishment`) {
		t.Errorf("which one: got %v", err)
	}
	h.say("number,service\n0241354002,cardiologie-ch-cholet\n")
	if got := h.line("0241354002", today).Establishment; got != "ch-cholet" {
		t.Errorf("by id: got %s, want its establishment", got)
	}
	if got := len(h.say("number,service\n0241354001,Cardiologie\n").Diff.Changes); got != 0 {
		t.Errorf("got %d changes, want the line's own hospital taken", got)
	}
}

func TestWhatHadNoEstablishmentGetsTheFirstThatNamesIt(t *testing.T) {
	h := newHospital(t)
	h.say("number,site,pole,service\n0241354000,Larrey,Coeur,Cardiologie\n0241354001,Larrey,Coeur,Cardiologie\n")
	h.say("number,establishment,site,service\n0241354000,CHU,Larrey,Cardiologie\n")
	for _, id := range []string{"0241354000", "0241354001"} {
		if got := h.line(id, today); got.Establishment != "chu" || got.Service != "cardiologie" || got.Pole != "coeur" || len(h.r.Lines[id]) != 1 {
			t.Errorf("got %+v, want it in the CHU since always", got)
		}
	}
	if h.r.Poles["coeur"].Establishment != "chu" || len(h.r.Services) != 1 {
		t.Errorf("got %+v %+v", h.r.Poles, h.r.Services)
	}
}

// What a table must not say, and what it is told.
func TestEveryFaultIsToldByRowAndColumnAndNothingChanges(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"unknown column", "number;servise\n0241354000;x\n", `lines.csv:1: "servise" is no column of lines; did you mean "service"?`},
		{"unknown column, like none", "number;xyzzy\n", `"xyzzy" is no column of lines; known are number, extension`},
		{"a column twice", "number;numéro\n", `"number" and "numéro" are the same column`},
		{"no key", "service\nx\n", "neither a column number (numéro) nor extension"},
		{"nothing", "\n\n", "lines.csv: is empty; want a row of headers"},
		{"empty number", "numéro;service\n;x\n", "lines.csv:2: numéro: is empty; want a number, or an extension"},
		{"bad number", "Numéro de fax;service\n0241;x\n", `lines.csv:2: Numéro de fax: "0241" has 4 digits`},
		{"twice", "number\n0241354000\n02 41 35 40 00\n", "lines.csv:3: number: line 0241354000 is in row 2 too; want it once"},
		{"twice, in a block", "number\n0241354005\n02 41 35 40 00 à 09\n", "lines.csv:3: number: line 0241354005 is in row 2 too"},
		{"extension without a site", "extension\n4512\n", "lines.csv:2: extension: an extension alone says nothing"},
		{"bad extension", "number;extension\n0241354000;4A\n", `"4A" is no extension`},
		{"extension of a block", "number;extension\n0241354000 à 09;12\n", "can't be the extension of 10 numbers"},
		{"two machines", "number;machine\n0241354000;777\n", `lines.csv:2: machine: "777" may be ricoh-777 or xerox-777; want its id`},
		{"support", "number;support\n0241354000;fibre\n", `lines.csv:2: support: "fibre" is no support; want one of analogique, T0, T2, sip, serveur`},
		{"time zone", "number;site;fuseau\n0241354000;x;Paris\n", `lines.csv:2: fuseau: "Paris" is no time zone; want one such as Europe/Paris`},
		{"commune of no site", "number;commune\n0241354000;49007\n", "belongs to a site; want the column site"},
		{"two communes of a site", "number;site;commune\n0241354000;x;49007\n0241354001;X;49008\n", `lines.csv:3: commune: site x has "49008" here and "49007" in row 2; want one of them`},
		{"two poles of a service", "number;pôle;service\n0241354000;a;s\n0241354001;b;s\n", `lines.csv:3: pôle: service s has "b" here and "a" in row 2; want one of them`},
		{"no such day", "number;coupure prévue\n0241354000;31/02/2026\n", `lines.csv:2: coupure prévue: "31/02/2026": there is no such day`},
		{"American day", "number;cutoff\n0241354000;12/31/2026\n", "there is no month 31; want the day first, as in 31/12/2026"},
		{"short year", "number;cutoff\n0241354000;31/12/26\n", "has a year of 2 digits; want 4, such as 31/12/2026"},
		{"no day", "number;cutoff\n0241354000;fin 2026\n", `"fin 2026" is no day; want 2026-12-31 or 31/12/2026`},
		{"far year", "number;cutoff\n0241354000;0206-12-31\n", "is in a year far away"},
		{"cut in the future", "number;coupure réelle\n0241354000;24/11/2026\n", "lines.csv:2: coupure réelle: 2026-11-24 lies in the future; want the day on which"},
		{"review without reason", "number;kept_until\n0241354000;2027-01-01\n", "a day of review without a reason"},
		{"port of nothing", "number;port\n0241354000;2\n", "of no machine; want device"},
		{"gateway port of nothing", "number;port passerelle\n0241354000;2\n", "of no gateway; want gateway"},
		{"Excel's error", "number;service\n0241354000;#N/A\n", "lines.csv:2: service: #N/A is an error that Excel shows"},
		{"Excel's short number", "number;device\n0241354000;4,9E+08\n", "lines.csv:2: device: 4,9E+08 is a number as Excel shortens it"},
		{"too many cells", "number;service\n0241354000;a;b\n", `lines.csv:2: "b" stands in column 3, which has no header`},
		{"bad quotes", "number;service\n0241354000;a \"b\" c\n", "lines.csv:2: a quotation mark stands inside a cell"},
		{"quotes that don't end", "number;service\n0241354000;\"abc\n", "lines.csv:2: a cell that begins with a quotation mark doesn't end"},
		{"not a text", "number\x00\n", "is no text; want a CSV or XLSX file"},
		{"old Excel", "\xd0\xcf\x11\xe0\xa1\xb1", "is of an old Excel"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHospital(t)
			plan, err := h.plan(test.text)
			if !errors.As(err, new(Faults)) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if strings.Contains(test.want, "\n") || len(plan.Register.Lines) != 0 {
				t.Errorf("got %+v, want nothing", plan)
			}
		})
	}
	h := newHospital(t)
	_, err := h.plan("number;cutoff;support\n0241;2026-13-01;x\n0241354000;;fibre\n5;;\n")
	if want := 5; err == nil || strings.Count(err.Error(), "\n")+1 != want {
		t.Errorf("got %v, want %d faults at once", err, want)
	}
}

func TestWhatIsDoubtfulIsSaidAndTaken(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"unknown machine", "number;machine\n0241354000;kyocera-new\n", `lines.csv:2: machine: no machine "kyocera-new" has been seen yet`},
		{"commune", "number;site;commune\n0241354000;x;49000 Angers\n", "is no INSEE code of a commune"},
		{"overseas", "number;site;commune\n0262905000;x;97411\n", "lies overseas, but its days are those of Europe/Paris; want Indian/Reunion"},
		{"a slip in a name", "number;service\n0241354000;Cardiologie\n0241354001;Cardiolgie\n", `lines.csv:3: service: "Cardiolgie" is new, and nearly what another service is called: "Cardiologie"`},
		{"second number", "number\n0241354000 / 01\n", `is read as 0241354000, without "01"`},
		{"foreign", "number\n00241354000\n", "foreign number +241354000"},
		{"kept for good", "number;motif de maintien\n0241354000;SAMU\n", "line 0241354000 is kept for good; want kept_until"},
		{"one port, two lines", "number;passerelle;port passerelle\n0241354000;gw;1\n0241354001;GW;1\n", "lines 0241354000 and 0241354001 are both on gw port 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := newHospital(t).say(test.text)
			for _, w := range plan.Warnings {
				if strings.Contains(w.String(), test.want) {
					return
				}
			}
			t.Errorf("got %v, want %s", plan.Warnings, test.want)
		})
	}
}

func TestALineHasTheServiceOfItsFunctionalUnitAtThatTime(t *testing.T) {
	h := newHospital(t)
	h.r.Services["oncologie"] = ledger.Service{ID: "oncologie", Name: "Oncologie"}
	h.r.Services["cardiologie"] = ledger.Service{ID: "cardiologie", Name: "Cardiologie"}
	h.r.UFs["/0123"] = []ledger.UF{
		{Code: "0123", Service: "oncologie"}, {Code: "0123", From: ledger.Day("2026-11-01").In(paris), Service: "cardiologie"},
	}
	h.say("number,uf\n0241354000,0123\n")
	if got := h.line("0241354000", today); got.Service != "cardiologie" || got.UF != "0123" {
		t.Errorf("got %+v, want cardiologie", got)
	}
	plan := h.say("number,uf\n0241354001,123\n")
	if got := h.line("0241354001", today); got.UF != "0123" || len(plan.Warnings) != 1 {
		t.Errorf("eaten zero: got %+v, %v", got, plan.Warnings)
	}
	h.o.Since = Since{Day: "2026-10-01"}
	h.say("number,uf\n0241354002,0123\n")
	if got := h.line("0241354002", today); got.Service != "oncologie" {
		t.Errorf("since October: got %+v, want oncologie", got)
	}
}
