package web

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func shown(t *testing.T, b *books, target string, headers ...string) string {
	t.Helper()
	w := ask(newSite(t, b), http.MethodGet, target, headers...)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	breaking := strings.NewReplacer("\u00a0:", " :", "\u00a0;", " ;", "\u00a0?", " ?", "«\u00a0", "« ", "\u00a0»", " »")
	return breaking.Replace(html.UnescapeString(w.Body.String()))
}

// row is the text of one machine's or agent's row, without markup.
func row(t *testing.T, page, id string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, `id="`+id+`"`)
	if !found {
		t.Fatalf("no row %s", id)
	}
	text, _, _ := strings.Cut(rest, "</tr>")
	text = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, " ")
	return strings.Join(strings.Fields(text), " ")
}

func TestTheFleetSaysWhatIsKnownAndNeverZeroForWhatIsNot(t *testing.T) {
	got := shown(t, ward(), "/machines")
	for id, want := range map[string][]string{
		"kyocera-vcf1234567":       {"Kyocera TASKalfa 3253ci", "libre", "prête", "12 345 pages", "1 page", "il y a 42 s", "ps-01 en ligne", "non affectée"},
		"xerox-3359876543":         {"Xerox AltaLink C8055", "à surveiller", "0 image", "31 fax", "88 pages imprimées à réception 40 fax", "2 anomalies", "vue aussi par ps-02"},
		"lexmark-7016abcdef":       {"250 pages sens inconnu", "ne répond pas", "il y a 3 j", "ps-dead muet", "indisponible à la dernière lecture"},
		"ricoh-w123p400500":        {"inconnu inconnu", "calme"},
		"grandstream-000b82aabbcc": {"port FXS1 occupée", "port FXS2 hors service", "sans lecture"},
		"hp-cnb1234567":            {"pas de fax — — —"},
		"brother-e71234":           {"fax inconnu", "inconnu inconnu"},
		"grandstream-000b82000001": {"port 1 libre", "port 2 hors service", "ports à déclarer", "inconnu inconnu"},
		"agent-ps-01":              {"en ligne", "il y a 3 s", "5 sur 7 adresses", "rien", "sans réponse : 10.12.4.99:161"},
		"agent-ps-dead":            {"muet", "412 envois depuis 3 j", "1 234 lectures abandonnées", "horloge décalée de 2 h, heures corrigées", "no space left on device"},
		"agent-ps-off":             {"hors ligne"},
		"agent-ps-wordless":        {"en ligne", "1 inconnu"},
	} {
		text := strings.NewReplacer("\u202f", " ", "\u00a0", " ").Replace(row(t, got, id))
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: got %q, want in it %q", id, text, w)
			}
		}
	}
	if strings.Contains(got, "known for 1 day") {
		t.Error("why a line is in its state is said in English on a French page")
	}
	if text := row(t, got, "ricoh-w123p400500"); strings.Contains(text, " 0 ") {
		t.Errorf("an unknown figure is shown as 0: %s", text)
	}
	for _, want := range []string{
		"8 machines", "1 sans nouvelles", "4 lignes de fax actives", "4 agents", "2 hors ligne", "13 points d’attention",
		"6 lignes « non affectées »", "État au 01/10/2026 14:00:00", "12 anomalies à examiner", "title=\"aucun fax compté depuis le 30/09/2026, dernière lecture il y a 2\u00a0min, observée 29,8 jours sur 30\"", `title="rien ne compte ses fax, ligne occupée depuis le 01/10/2026"`, `title="machine jamais lue"`, `title="dernier fax le 21/08/2026"`, "Les plus récentes :", "hausse peu plausible", "90\u00a0000 images", "1 message refusé",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestTheLanguageIsTheReadersThenTheConfigured(t *testing.T) {
	for name, test := range map[string]struct{ target, accept, want string }{
		"nothing said":                 {"/machines", "", "fr"},
		"?lang=en":                     {"/machines?lang=en", "fr", "en"},
		"?lang=fr beats the browser":   {"/machines?lang=fr", "en-GB,en;q=0.9", "fr"},
		"an English browser":           {"/machines", "en-GB,en;q=0.9,fr;q=0.5", "en"},
		"a French browser":             {"/machines", "fr-CA,fr;q=0.9,en;q=0.5", "fr"},
		"a German browser":             {"/machines", "de", "fr"},
		"German, then English":         {"/machines", "de,en;q=0.5", "en"},
		"an unknown ?lang":             {"/machines?lang=tlh", "", "fr"},
		"nonsense in Accept-Language:": {"/machines", ";;;=", "fr"},
	} {
		t.Run(name, func(t *testing.T) {
			got := shown(t, ward(), test.target, "Accept-Language", test.accept)
			if !strings.Contains(got, `<html lang="`+test.want+`">`) {
				t.Errorf("got %.60q, want lang %s", got, test.want)
			}
		})
	}
	if got := shown(t, ward(), "/machines?lang=en"); !strings.Contains(got, "12,345 pages") || !strings.Contains(got, "0 images") {
		t.Error("English figures aren't written the English way")
	}
}

func TestNoTextIsMissingInEitherLanguage(t *testing.T) {
	for key, said := range texts {
		if said[page.French] == "" || said[page.English] == "" {
			t.Errorf("%s: a language is missing: %+v", key, said)
		}
		if verbs(said[page.French]) != verbs(said[page.English]) {
			t.Errorf("%s: the languages don't take the same values: %+v", key, said)
		}
		if base, ok := strings.CutSuffix(key, ".one"); ok {
			if _, ok := texts[base+".other"]; !ok {
				t.Errorf("%s.other is missing", base)
			}
		}
	}
	for _, key := range keysInUse(t) {
		_, plain := texts[key]
		_, counted := texts[key+".one"]
		if !plain && !counted {
			t.Errorf("%q is used, but has no text", key)
		}
	}
	for _, state := range ledger.LineStates() {
		if _, ok := texts["in."+string(state)+".one"]; !ok {
			t.Errorf("lines in state %s can't be counted", state)
		}
	}
	for prefix, values := range map[string][]string{
		"status.": words(wire.LineStatuses()), "service.": words(wire.FaxServices()),
		"state.": words(ledger.LineStates()), "fact.": words(ledger.FactCodes()), "alert.": words(ledger.EpisodeKinds()), "means.": words(ledger.LineStates()),
		"direction.": words(ledger.Directions()), "observed.": {"active", "quiet", "dormant", "blind"},
		"certainty.": words([]ledger.Certainty{ledger.Certain, ledger.Probable, ledger.Unsure, ledger.Test, ledger.Withdrawn}), "kind.": words(ledger.AnomalyKinds()),
		"fax.": {string(wire.Yes), string(wire.No), string(wire.Unknown)},
	} {
		for _, value := range values {
			_, plain := texts[prefix+value]
			_, counted := texts[prefix+value+".one"]
			if !plain && !counted {
				t.Errorf("%q has no text", prefix+value)
			}
		}
	}
}

func TestNoTextIsUnused(t *testing.T) {
	source := strings.Builder{}
	for _, file := range sources(t) {
		source.Write(file)
	}
	beginnings := map[string]bool{} // of keys that are made of values
	for _, m := range regexp.MustCompile(`"([a-z_.-]+\.)"`).FindAllStringSubmatch(source.String(), -1) {
		beginnings[m[1]] = true
	}
	for key := range texts {
		base := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		used := strings.Contains(source.String(), `"`+key+`"`) || strings.Contains(source.String(), `"`+base+`"`)
		switch key {
		case "save", "cancel", "edit", "add", "remove": // words that any form may need
			continue
		}
		for i := range key {
			used = used || beginnings[key[:i+1]]
		}
		if !used {
			t.Errorf("%q is never said", key)
		}
	}
}

func TestNoTextIsSaidTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, part := range allTexts {
		for key := range part {
			if seen[key] {
				t.Errorf("two groups of pages have a text %q: one of them is never said", key)
			}
			seen[key] = true
		}
	}
}

// sources are the templates and the code that say texts.
func sources(t *testing.T) (files [][]byte) {
	t.Helper()
	names := []string{"../../../agent/page/speech.go"}
	for _, pattern := range []string{"pages/*.html", "*.go", "../report/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(filepath.Base(name), "texts") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	return files
}

func verbs(form string) string {
	return strings.Join(regexp.MustCompile(`%[a-z]`).FindAllString(form, -1), "")
}

// keysInUse are the keys that templates and code name.
func keysInUse(t *testing.T) []string {
	t.Helper()
	var keys []string
	named := regexp.MustCompile(`(?:\bT|\bCount|\badd)[ (](?:[^"\n]*, )?"([a-z_.-]+)"`)
	for _, file := range sources(t) {
		for _, match := range named.FindAllStringSubmatch(string(file), -1) {
			if !strings.HasSuffix(match[1], ".") {
				keys = append(keys, match[1])
			}
		}
	}
	if len(keys) < 60 {
		t.Fatalf("found only %d keys", len(keys))
	}
	return keys
}

func TestWhatMachinesSayOfThemselvesCannotBecomeMarkup(t *testing.T) {
	b := ward()
	const attack = `"><script>alert(1)</script>`
	for i := range b.snapshot.Devices {
		d := &b.snapshot.Devices[i]
		d.Model, d.Name, d.Location, d.Address, d.Error, d.Up = attack, attack, attack, attack, attack, false
	}
	b.snapshot.Lines[0].Evidence, b.snapshot.Lines[0].Port = attack, attack
	b.snapshot.Agents[0].OS, b.snapshot.Agents[1].Spool.Error = attack, attack
	b.watch.Quarantined[0].Reason, b.watch.Open[0].Note = attack, attack
	w := ask(newSite(t, b), http.MethodGet, "/machines?q=%22%3E%3Cscript%3E")
	if got := w.Body.String(); strings.Contains(got, "<script>") || !strings.Contains(got, "&lt;script&gt;") {
		t.Error("a script got through")
	}
}

func TestPagesForbidAllTheyDontNeedAndHoldNothingInline(t *testing.T) {
	w := ask(newSite(t, ward()), http.MethodGet, "/machines")
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("policy: %s", policy)
	}
	if found := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>|src="http|href="http`).FindString(w.Body.String()); found != "" {
		t.Errorf("the page holds %q", found)
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
		asset := ask(newSite(t, ward()), http.MethodGet, html.UnescapeString(m[1]))
		if asset.Code != http.StatusOK || !strings.Contains(asset.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %v", m[1], asset.Code, asset.Header())
		}
	}
}

func TestAnEmptyCollectorSaysWhatToDoNext(t *testing.T) {
	got := shown(t, &books{snapshot: ledger.Snapshot{At: noon}}, "/machines")
	for _, want := range []string{"Aucune machine pour l’instant", "zerofax-agent probe", "collector: {url: mqtt://127.0.0.1:1883}", "zerofax-agent run"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for broker, want := range map[string]string{
		"mqtt://0.0.0.0:1883":         "mqtt://example.com:1883", // where the test found the page
		"mqtt://[::]:1883":            "mqtt://example.com:1883",
		"mqtts://broker.example:8883": "mqtts://broker.example:8883",
	} {
		if got, local := mqttFor(broker, "example.com:8780"); got != want || local {
			t.Errorf("%s: got %s, only local: %v; want %s", broker, got, local, want)
		}
	}
	if !strings.Contains(got, "ne vaut que sur cette machine-ci") {
		t.Error("that other machines can't reach 127.0.0.1 isn't said")
	}
	got = shown(t, &books{snapshot: ledger.Snapshot{At: noon, Agents: ward().snapshot.Agents}}, "/machines")
	if !strings.Contains(got, "aucune machine n’a encore répondu") || !strings.Contains(got, "ps-dead") {
		t.Error("with an agent but no machine the page doesn't say so")
	}
}

func TestTheSearchFindsMachinesByAnyOfTheirNames(t *testing.T) {
	got := shown(t, ward(), "/machines?q=urgences+KYOCERA")
	if !strings.Contains(got, `id="kyocera-vcf1234567"`) || strings.Contains(got, `id="xerox-3359876543"`) {
		t.Error("the search doesn't find the one machine")
	}
	if got := shown(t, ward(), "/machines?q=zzz"); !strings.Contains(got, "Aucune machine ne correspond à « zzz ».") {
		t.Error("a search without result doesn't say so")
	}
}

func TestAHugeFleetIsShownInPart(t *testing.T) {
	b := ward()
	one := b.snapshot.Devices[0]
	for range 2000 {
		b.snapshot.Devices = append(b.snapshot.Devices, one)
	}
	got := shown(t, b, "/machines")
	if n := strings.Count(got, "<tr role"); n > 510 || !strings.Contains(got, "500 machines affichées sur 2\u00a0008") {
		t.Errorf("%d rows", n)
	}
}

func TestTheAPIListsDevicesAndAgents(t *testing.T) {
	var devices struct {
		Data []struct {
			ID, Serial, Vendor, Model, Address, Agent string
			Up                                        bool
			LastReading                               time.Time        `json:"last_reading"`
			FaxService                                string           `json:"fax_service"`
			Totals                                    map[string]int64 `json:"totals"`
		} `json:"data"`
	}
	w := ask(newSite(t, ward()), http.MethodGet, "/api/v1/devices")
	if err := json.Unmarshal(w.Body.Bytes(), &devices); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%v, %v", err, w.Header())
	}
	kyocera := devices.Data[4]
	if len(devices.Data) != 8 || kyocera.ID != "kyocera-vcf1234567" || kyocera.Totals["fax_sent_pages"] != 12345 || kyocera.FaxService != "ready" ||
		!kyocera.LastReading.Equal(noon.Add(-42*time.Second).Std()) {
		t.Errorf("got %+v", kyocera)
	}
	w = ask(newSite(t, ward()), http.MethodGet, "/api/v1/agents")
	if !strings.Contains(w.Body.String(), `{"data":[{"id":"ps-01","up":true`) {
		t.Errorf("agents: got %s", w.Body)
	}
	w = ask(newSite(t, &books{}), http.MethodGet, "/api/v1/devices")
	if w.Body.String() != "{\"data\":[]}\n" {
		t.Errorf("no devices: got %s", w.Body)
	}
}

func TestErrorsOfTheAPIAreProblems(t *testing.T) {
	for name, test := range map[string]struct {
		method, target string
		broken         error
		want           int
	}{
		"no such resource":  {http.MethodGet, "/api/v1/nothing", nil, 404},
		"no such version":   {http.MethodGet, "/api/", nil, 404},
		"nothing to change": {http.MethodPost, "/api/v1/devices", nil, 405},
		"broken books":      {http.MethodGet, "/api/v1/devices", errBooks, 500},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(newSite(t, &books{err: test.broken}), test.method, test.target)
			var got struct {
				Title, Detail string
				Status        int
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != test.want || got.Status != test.want || got.Title == "" || got.Detail == "" ||
				w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %d %v %+v", w.Code, w.Header(), got)
			}
			if strings.Contains(got.Detail, "fire") {
				t.Errorf("the inner error is told to the world: %s", got.Detail)
			}
		})
	}
}

func TestSupervisorsHearAliveAndReadyApart(t *testing.T) {
	for target, want := range map[string]int{"/-/healthy": 200, "/-/ready": 503} {
		if w := ask(newSite(t, &books{err: errBooks}), http.MethodGet, target); w.Code != want {
			t.Errorf("%s with broken books: got %d, want %d", target, w.Code, want)
		}
	}
	if w := ask(newSite(t, &books{}), http.MethodGet, "/-/ready"); w.Code != 200 {
		t.Errorf("ready: got %d", w.Code)
	}
	if w := ask(newSite(t, &books{}), http.MethodPost, "/-/healthy"); w.Code != 405 {
		t.Errorf("POST: got %d", w.Code)
	}
	if w := ask(newSite(t, &books{}), http.MethodGet, "/nothing"); w.Code != 404 {
		t.Errorf("/nothing: got %d", w.Code)
	}
}

func TestBrokenBooksAreSaidOnThePage(t *testing.T) {
	w := ask(newSite(t, &books{err: errBooks}), http.MethodGet, "/machines")
	if w.Code != 500 || !strings.Contains(w.Body.String(), "ne peuvent pas être lus") || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestThePageSaysThatNothingIsBooked(t *testing.T) {
	b := &books{}
	for _, x := range []struct {
		why  error
		want string
	}{
		{fmt.Errorf("book: %w", ledger.ErrFull), "plus de place sur le disque"},
		{errBooks, "le journal du collecteur dit pourquoi"},
	} {
		b.stopped = x.why
		w := ask(newSite(t, b), http.MethodGet, "/lines")
		if w.Code != 200 || !strings.Contains(w.Body.String(), x.want) || strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%v: got %d, want %q on the page", x.why, w.Code, x.want)
		}
	}
	b.stopped = nil
	if w := ask(newSite(t, b), http.MethodGet, "/lines"); strings.Contains(w.Body.String(), "inscrit en ce moment") {
		t.Error("it says so though all is well")
	}
}

func TestTheFleetPageSaysWhatBecameOfEachAgentsConfiguration(t *testing.T) {
	config := func(standing ledger.ConfigStanding, fault string) ledger.ConfigView {
		return ledger.ConfigView{Standing: standing, Declared: true, ChangedAt: noon.Add(-time.Hour), Runs: int64(noon), Error: fault}
	}
	b := ward()
	for standing, want := range map[ledger.ConfigStanding][2]string{
		ledger.ConfigCurrent: {"configuration centrale du 01/10/2026", "central configuration of 1 Oct 2026"},
		ledger.ConfigPending: {"n’a pas encore pris sa configuration du 01/10/2026", "has not taken its configuration of 1 Oct 2026"},
		ledger.ConfigRefused: {"refuse sa configuration du 01/10/2026", "<line 3>"},
		ledger.ConfigUnable:  {"ne prend aucune configuration d’ici", "takes no configuration from here"},
		ledger.ConfigAstray:  {"suit une configuration du 01/10/2026", "follows a configuration of 1 Oct 2026"},
	} {
		b.snapshot.Agents[0].Config = config(standing, "<line 3>")
		for i, lang := range []string{"fr", "en"} {
			if got := shown(t, b, "/machines?lang="+lang); !strings.Contains(got, want[i]) {
				t.Errorf("%s: the page doesn't say %q", standing, want[i])
			}
		}
	}
	b = ward()
	b.snapshot.Agents = []ledger.Agent{b.snapshot.Agents[0], {ID: "ps-09", EnrolledUntil: noon.Add(time.Hour)}}
	got := shown(t, b, "/machines?lang=fr")
	for _, want := range []string{"encore jamais entendus : 1", "attendu", "jamais entendu"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page doesn't say %q of an agent that was only enrolled", want)
		}
	}
}
