package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// hear books a reading.
func (h *house) hear(seq uint64, readings ...wire.Reading) {
	h.t.Helper()
	for i := range readings {
		readings[i].At, readings[i].OK = noon.Add(time.Duration(seq)*time.Second-time.Minute), true
	}
	results, err := h.books.Apply(h.t.Context(), []ledger.Delivery{{Agent: "ps-01", ReceivedAt: noon.Std(), Envelope: wire.Envelope{
		Header: wire.Header{Agent: "ps-01", Stream: "abcdefgh", First: 1, Seq: seq, Oldest: 1, SentAt: noon}, Readings: readings,
	}}})
	if err != nil || len(results) != 1 {
		h.t.Fatalf("apply: %+v, %v", results, err)
	}
}

func port(name string, number wire.Number) wire.Line {
	return wire.Line{Port: name, Status: wire.LineIdle, Fax: wire.Yes, Number: number}
}

func TestNumbersThatMachinesTellAreProposedOnlyWhereAsked(t *testing.T) {
	h := newHouse(t)
	h.hear(
		1, wire.Reading{Device: "grandstream-1", Fax: wire.Yes, Lines: []wire.Line{port("1", "02 41 35 40 77"), port("2", "4512"), port("3", "12345678")}},
		wire.Reading{Device: "kyocera-1", Fax: wire.Yes, Lines: []wire.Line{{Status: wire.LineUnknown, Fax: wire.Yes, Number: "+33 2 41 35 40 78"}}},
	)
	const link = "/lines/new?"
	off := h.raw("/map/gaps?what=undeclared")
	if strings.Contains(off, "35 40 7") || strings.Contains(off, "number=") {
		t.Errorf("off: got a number proposed that nobody asked for")
	}
	on := h.raw("/map/gaps?what=undeclared&propose=1")
	for _, want := range []string{"number=0241354077", "extension=4512", "number=0241354078", ">02 41 35 40 77<"} {
		if !strings.Contains(on, want) {
			t.Errorf("on: %q is missing", want)
		}
	}
	if strings.Contains(on, "12345678") {
		t.Error("on: nonsense is proposed")
	}
	if f := form(t, h.raw(link+"device=kyocera-1&number=0241354078"), "/lines/new"); f.Get("number") != "0241354078" {
		t.Errorf("the form has %v, want the number proposed", f)
	}
	s, err := h.books.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Lines {
		if l := &s.Lines[i]; strings.Contains(l.Device, "grandstream") && (l.Declared || l.Number != "") {
			t.Errorf("got %+v, want no line declared by what its port tells", l)
		}
	}
}

func TestALinesPageDoubtsANumberThatItsMachineTellsOtherwise(t *testing.T) {
	for told, doubts := range map[wire.Number]bool{
		"02 41 35 40 00": false, "4000": false, "+33 2 41 35 40 00": false, "0241354099": true, "9999": true, "1 2 3 4 5 6 7 8": false,
	} {
		t.Run(string(told), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.hear(1, wire.Reading{Device: "xerox-1", Fax: wire.Yes, Lines: []wire.Line{port("", told)}})
			page := h.raw("/lines/0241354000")
			if !strings.Contains(page, "Numéro annoncé par la machine</dt><dd>"+strings.ReplaceAll(string(told), "+", "&#43;")) {
				t.Error("the line's page doesn't tell it")
			}
			if got := strings.Contains(page, "ce n’est pas le numéro déclaré"); got != doubts {
				t.Errorf("got doubt %v, want %v", got, doubts)
			}
			if page := h.raw("/lines/0241354001"); strings.Contains(page, "annoncé par la machine") {
				t.Error("a line whose machine tells no number has one")
			}
		})
	}
}

func (h *house) register() ledger.Register {
	h.t.Helper()
	r, err := h.books.Register(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// service is the id of the service that is called so.
func (h *house) service(name string) string {
	h.t.Helper()
	for id, x := range h.register().Services {
		if x.Name == name {
			return id
		}
	}
	h.t.Fatalf("no service %s", name)
	return ""
}

func TestPartsOfTheStructureAreRenamedInPlaceAndKeepTheirIds(t *testing.T) {
	h := newHouse(t)
	for _, kind := range []string{"establishment", "site", "pole", "service"} {
		id := map[string]string{"establishment": "chu-d-angers", "site": "larrey", "pole": "urgences", "service": h.service("Accueil")}[kind]
		target := "/map/edit?" + url.Values{"lang": {"fr"}, kind: {id}}.Encode()
		f := form(t, h.raw(target), "/map/edit")
		if f.Get(kind) == "" {
			t.Fatalf("%s %s: got form %v, want its name", kind, id, f)
		}
		f.Set(kind, "Un autre nom de "+kind)
		if w := h.post(target, f); w.Code != http.StatusSeeOther {
			t.Fatalf("%s: got %d %s", kind, w.Code, w.Body)
		}
		r := h.register()
		got := map[string]string{"establishment": r.Establishments[id].Name, "site": r.Sites[id].Name, "pole": r.Poles[id].Name, "service": r.Services[id].Name}[kind]
		if got != "Un autre nom de "+kind {
			t.Errorf("%s %s: got name %q", kind, id, got)
		}
	}
	if got := h.cells("0241354000"); got["service"] != "Un autre nom de service" || got["pole"] != "Un autre nom de pole" {
		t.Errorf("the line is at %v, want it where it was, by the new names", got)
	}
}

func TestAServiceMovesToAnotherPoleWithItsLines(t *testing.T) {
	h := newHouse(t)
	id := h.service("Accueil")
	target := "/map/edit?lang=fr&service=" + id
	f := form(t, h.raw(target), "/map/edit")
	if f.Get("pole_id") != "urgences" {
		t.Fatalf("got form %v, want its pôle", f)
	}
	f.Set("pole_id", "biologie")
	if w := h.post(target, f); w.Code != http.StatusSeeOther {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if got := h.register().Services[id].Pole; got != "biologie" || h.cells("0241354000")["pole"] != "Biologie" {
		t.Errorf("got service in %q, line in %q, want both in biologie", got, h.cells("0241354000")["pole"])
	}
}

func TestAServiceIsAddedToAPole(t *testing.T) {
	h := newHouse(t)
	const target = "/map/edit?lang=fr&new=service&pole=biologie"
	f := form(t, h.raw(target), "/map/edit")
	f.Set("service", "Hémostase") // is there
	if w := h.post(target, f); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "déjà pris") {
		t.Errorf("a name that is there: got %d", w.Code)
	}
	f.Set("service", "Accueil") // is there, in another pôle
	if w := h.post(target, f); w.Code != http.StatusUnprocessableEntity || h.register().Services[h.service("Accueil")].Pole != "urgences" {
		t.Errorf("a name of another pôle's: got %d, and it moved to %s", w.Code, h.register().Services[h.service("Accueil")].Pole)
	}
	f.Set("service", "")
	if w := h.post(target, f); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `id="service-fault"`) {
		t.Errorf("no name: got %d", w.Code)
	}
	f.Set("service", "Virologie")
	if w := h.post(target, f); w.Code != http.StatusSeeOther || h.register().Services[h.service("Virologie")].Pole != "biologie" {
		t.Errorf("got %d, want Virologie in biologie", w.Code)
	}
}

func TestOfTwoWhoRenameAServiceTheSecondLearnsOfTheFirst(t *testing.T) {
	h := newHouse(t)
	id := h.service("Accueil")
	target := "/map/edit?lang=fr&service=" + id
	first, second := form(t, h.raw(target), "/map/edit"), form(t, h.raw(target), "/map/edit")
	first.Set("service", "Accueil adultes")
	second.Set("service", "Accueil enfants")
	if w := h.post(target, first); w.Code != http.StatusSeeOther {
		t.Fatalf("the first: got %d", w.Code)
	}
	w := h.post(target, second)
	page := w.Body.String()
	if w.Code != http.StatusConflict || !strings.Contains(page, "Accueil adultes") || h.register().Services[id].Name != "Accueil adultes" {
		t.Fatalf("the second: got %d, want a conflict that shows the first's", w.Code)
	}
	again := form(t, page, "/map/edit")
	if again.Get("service") != "Accueil enfants" {
		t.Errorf("the form has %v, want what the second typed", again)
	}
	if w := h.post(target, again); w.Code != http.StatusSeeOther || h.register().Services[id].Name != "Accueil enfants" {
		t.Errorf("saved again: got %d", w.Code)
	}
}

func TestNobodyRenamesWhatIsNotTheirs(t *testing.T) {
	h := newHouse(t)
	laval := reader{Name: "luc", Role: ledger.EditorRole, Establishments: []string{"ch-de-laval"}}
	as := func(who reader, target string) int {
		return h.postAs(who, target, url.Values{"pole": {"Pris"}, "service": {"Pris"}}).Code
	}
	for _, target := range []string{"/map/edit?pole=urgences", "/map/edit?new=service&pole=urgences", "/map/edit?service=" + h.service("Accueil"), "/map/edit?site=nowhere", "/map/edit"} {
		if got := as(laval, target); got != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", target, got)
		}
	}
	if got := as(reader{Name: "rea", Role: ledger.ReaderRole}, "/map/edit?pole=urgences"); got != http.StatusForbidden {
		t.Errorf("a reader: got %d, want 403", got)
	}
	if h.register().Poles["urgences"].Name != "Urgences" {
		t.Error("it was renamed all the same")
	}
}
