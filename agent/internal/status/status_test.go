package status

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
	"github.com/zerofax/zerofax/mibs"
)

// shown is a page's text, with breaking blanks.
func shown(t *testing.T, a *agent, target string, headers ...string) string {
	t.Helper()
	w := ask(newPage(t, a), http.MethodGet, target, headers...)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return strings.ReplaceAll(html.UnescapeString(w.Body.String()), "\u00a0", " ")
}

var markup = regexp.MustCompile(`<[^>]*>`)

// words are a text without markup.
func words(text string) string {
	return strings.Join(strings.Fields(markup.ReplaceAllString(text, " ")), " ")
}

// rowOf is the text of one target's row.
func rowOf(t *testing.T, shown, address string) string {
	t.Helper()
	_, rest, found := strings.Cut(shown, "<strong>"+address+"</strong>")
	if !found {
		t.Fatalf("no row %s", address)
	}
	text, _, _ := strings.Cut(rest, "</tr>")
	return words(text)
}

func TestTheOverviewTellsHowEachTargetStands(t *testing.T) {
	got := shown(t, ward(), "/")
	for address, want := range map[string][]string{
		"10.12.4.20":               {"Kyocera TASKalfa 3253ci", "kyocera-vcf1234567", "COP-URG-02", "répond", "dernière réponse il y a 42 s", "oui profil kyocera", "12 345 pages en émission", "88 pages en impression à la réception", "ligne non visible", "prête", "dans 18 s"},
		"10.12.4.30":               {"trouvée dans 10.12.4.0/24", "inconnu", "FXS1 libre", "FXS2 occupée", "FXS3 hors service", "FXS4 état inconnu", "et 2 autres"},
		"10.12.4.40:1161":          {"HP LaserJet M404", "non", "— —"},
		"10.12.4.41":               {"lente", "aucun compteur de fax", "à surveiller", "elle répond lentement : la dernière lecture a pris 3 s"},
		"10.12.4.50":               {"sans lecture", "il y a 3 j", "pas de réponse de 10.12.4.50:161 (3 essais de 2 s)", "interrogée toutes les 5 min jusqu’à ce qu’elle réponde", "dans 4 min"},
		"imp-archives.chu.example": {"sans lecture", "rien lu depuis le démarrage de l’agent", "no such host"},
		"10.12.5.20":               {"lue à une autre adresse", "lue à 10.12.4.20"},
		"10.12.4.99":               {"pas encore interrogée"},
	} {
		text := rowOf(t, got, address)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: got %q, want in it %q", address, text, w)
			}
		}
	}
	all := words(got)
	for _, want := range []string{
		"Agent ps-01", "8 adresses 2 sans lecture", "4 machines répondent dont 1 lente", "Lien établi dernier accusé de réception il y a 2 s", "3 envois en attente depuis 1 min",
		"État au 01/10/2026 14:00:00 UTC+02:00", "mqtt://127.0.0.1:1883", "322 depuis le démarrage ; accusés de réception : 321", "3 envois, 46 ko sur 256,0 Mo", "12,3 Go",
		"agent.yml : 7", "trouvées dans 10.12.4.0/24 : 1", "version 0.2.0, démarré il y a 26 h",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestSilentTargetsComeFirst(t *testing.T) {
	got := shown(t, ward(), "/")
	var order []string
	for _, m := range regexp.MustCompile(`<tr role="row" class="(\w+)[^"]*">`).FindAllStringSubmatch(got, -1) {
		order = append(order, m[1])
	}
	if want := "silent silent double slow waiting answering answering answering"; strings.Join(order, " ") != want {
		t.Errorf("got %v, want %s", order, want)
	}
}

func TestWhatWasNotLookedAtInTimeIsNotWell(t *testing.T) {
	a := ward()
	a.targets[0].LastLook, a.targets[0].LastAnswer, a.targets[0].Next = noon.Add(-72*time.Minute), noon.Add(-72*time.Minute), noon.Add(-71*time.Minute)
	a.targets[4].Next = noon.Add(-3 * time.Minute)
	a.targets[1].Next = noon.Add(-30 * time.Second) // is being looked at, maybe
	got := shown(t, a, "/")
	for address, want := range map[string]string{"10.12.4.20": "en retard dernière réponse il y a 1 h", "10.12.4.50": "sans lecture", "10.12.4.30": "répond"} {
		if text := rowOf(t, got, address); !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want in it %q", address, text, want)
		}
	}
	if text := rowOf(t, got, "10.12.4.20"); !strings.Contains(text, "en retard de 1 h") {
		t.Errorf("next look: got %q", text)
	}
	if text := rowOf(t, got, "10.12.4.30"); !strings.Contains(text, "maintenant") {
		t.Errorf("next look: got %q", text)
	}
	if !strings.Contains(words(got), "2 sans lecture 1 en retard 3 machines répondent") {
		t.Errorf("the figures don't tell: %s", words(got))
	}
	metrics := scrape(t, newPage(t, a))
	if !strings.Contains(metrics, `zerofax_agent_targets{state="late"} 1`) || !strings.Contains(metrics, "zerofax_agent_devices_up 3\n") {
		t.Error("the metrics don't tell")
	}
}

func TestWhatASilentMachineSaidLastIsMarkedAsOld(t *testing.T) {
	a := ward()
	for i := range a.targets[:2] {
		m := &a.targets[i]
		m.Failures, m.Error, m.LastAnswer = 3, "no answer", noon.Add(-3*24*time.Hour)
	}
	got := shown(t, a, "/")
	if text := rowOf(t, got, "10.12.4.20"); strings.Count(text, "à la dernière réponse") != 2 {
		t.Errorf("counters and fax function: got %q", text)
	}
	if text := rowOf(t, got, "10.12.4.30"); strings.Count(text, "à la dernière réponse") != 1 {
		t.Errorf("lines: got %q", text)
	}
	if text := rowOf(t, got, "10.12.4.41"); strings.Contains(text, "à la dernière réponse") {
		t.Errorf("a machine that answers: got %q", text)
	}
	if got := words(shown(t, a, "/device?address=10.12.4.20")); !strings.Contains(got, "Ce qui suit date de sa dernière réponse, il y a 3 j.") ||
		!strings.Contains(got, "prête à la dernière réponse") {
		t.Errorf("its page: got %s", got)
	}
}

func TestTenThousandTargetsAreShownInTheMemoryOfAThousand(t *testing.T) {
	taken := func(n int) int64 {
		a := fleet(n)
		p := newPage(t, a)
		ask(p, http.MethodGet, "/") // parses
		return testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				ask(p, http.MethodGet, "/")
			}
		}).AllocedBytesPerOp()
	}
	if few, many := taken(1000), taken(10000); many > few+few/4 {
		t.Errorf("got %d bytes for a page of 10 000, %d for one of 1 000", many, few)
	}
}

func TestOneLineMoreIsOne(t *testing.T) {
	a := ward()
	look := &a.last["10.12.4.30"].Looks[0].Result.Reading
	look.Lines = look.Lines[:fewLines+1]
	if got := rowOf(t, shown(t, a, "/"), "10.12.4.30"); !strings.Contains(got, "et 1 autre ") {
		t.Errorf("got %q", got)
	}
}

func TestTheFilterFindsByTextAndState(t *testing.T) {
	for target, want := range map[string]string{
		"/?q=urgences+KYOCERA":                  "10.12.4.20",
		"/?q=no+such+host":                      "imp-archives.chu.example",
		"/?q=10.12.4.0%2F24":                    "10.12.4.30",
		"/?state=slow":                          "10.12.4.41",
		"/?state=silent&q=lexmark":              "10.12.4.50",
		"/?q=zzz":                               "",
		"/?state=waiting":                       "10.12.4.99",
		"/?state=nonsense&q=hp-cnb":             "10.12.4.40:1161",
		"/?q=" + strings.Repeat("x", 5000) + "": "",
	} {
		got := shown(t, ward(), target)
		var found []string
		for _, m := range regexp.MustCompile(`<a href="/device[^>]*><strong>([^<]*)`).FindAllStringSubmatch(got, -1) {
			found = append(found, m[1])
		}
		if strings.Join(found, " ") != want {
			t.Errorf("%.60s: got %v, want %s", target, found, want)
		}
		if says := strings.Contains(got, "Aucune adresse ne correspond."); says != (want == "") {
			t.Errorf("%.60s: says that nothing fits: %v", target, says)
		}
	}
}

func TestManyTargetsArePaged(t *testing.T) {
	a := fleet(1001)
	first, last := shown(t, a, "/"), shown(t, a, "/?page=11&q=10.12")
	if n := strings.Count(first, "<tr role=\"row\" class="); n != 100 || !strings.Contains(first, "Page 1 sur 11") || !strings.Contains(first, `href="/?lang=fr&page=2"`) {
		t.Errorf("first page: %d rows", n)
	}
	if !strings.Contains(words(first), "1 001 adresses 20 sans lecture") {
		t.Error("the figures don't count all pages")
	}
	if n := strings.Count(last, "<tr role=\"row\" class="); n != 1 || !strings.Contains(last, `href="/?lang=fr&page=10&q=10.12"`) || strings.Contains(last, "Suivante") {
		t.Errorf("last page: %d rows", n)
	}
	if over := shown(t, a, "/?page=99"); !strings.Contains(over, "Page 11 sur 11") {
		t.Error("a page beyond the last isn't the last")
	}
	if size := len(ask(newPage(t, a), http.MethodGet, "/").Body.String()); size > 150_000 {
		t.Errorf("a page of %d rows has %d bytes, want at most 150 000", pageSize, size)
	}
}

func TestEmptyPagesSayWhatToDoNext(t *testing.T) {
	silent := linked()
	silent.targets = ward().targets[4:5]
	waiting := linked()
	waiting.targets = ward().targets[7:]
	ranges := linked()
	ranges.ranges = []string{"10.12.4.0/24"}
	never := linked()
	never.link = Link{Error: "connect: connection refused"}
	lost := linked()
	lost.link.Connected, lost.link.Error = 0, "EOF"
	full := linked()
	full.spool = ward().spool
	full.spool.Error, full.spool.Dropped, full.spool.Oldest = "no space left on device", 1234, noon.Add(-time.Hour)
	full.link = lost.link
	mute := ward()
	mute.link.LastAck, mute.spool.Oldest = noon.Add(-40*time.Minute), noon.Add(-39*time.Minute)
	deaf := ward()
	deaf.link.LastAck, deaf.spool.Oldest = 0, noon.Add(-39*time.Minute)
	once := linked()
	once.spool.Dropped = 1234
	fresh := linked()
	fresh.link.LastAck = 0
	for name, test := range map[string]struct {
		agent *agent
		want  []string
		not   []string
	}{
		"nothing acknowledged":    {mute, []string{"Le collecteur n’accuse plus réception : dernier accusé il y a 40 min", "restent sur disque"}, nil},
		"never acknowledged":      {deaf, []string{"Aucune réponse du collecteur depuis le démarrage", "zerofax-collector run"}, nil},
		"readings were lost once": {once, []string{"lectures abandonnées : 1 234"}, []string{"Augmentez"}},
		"nothing to send yet":     {fresh, []string{"Lien établi pas encore d’accusé de réception"}, []string{"Aucune réponse du collecteur"}},
		"no targets":              {linked(), []string{"Aucune adresse à interroger", "zerofax-agent probe", "targets:", "zerofax-agent run --config agent.yml"}, nil},
		"only ranges":             {ranges, []string{"zerofax-agent discover 10.12.4.0/24 --dry-run", "trouvées dans 10.12.4.0/24 : 0"}, nil},
		"nobody looked at yet":    {waiting, []string{"Aucune machine n’a encore répondu", "Les premières lectures sont en cours"}, nil},
		"nobody answers":          {silent, []string{"Aucune machine n’a encore répondu", "zerofax-agent probe 10.12.4.50", "UDP 161", "communauté"}, nil},
		"collector never reached": {never, []string{"Aucune réponse du collecteur depuis le démarrage", "connection refused", "zerofax-collector run", "À présent : mqtt://127.0.0.1:1883", "restent sur disque"}, nil},
		"link lost":               {lost, []string{"Pas de lien avec le collecteur : EOF", "réessaie sans cesse"}, nil},
		"disk full":               {full, []string{"ne peut pas faire son travail", "no space left on device", "étant plein : 1 234", "Augmentez spool.max_size", "Pas de lien avec le collecteur : EOF"}, []string{"restent sur disque"}},
	} {
		got := words(shown(t, test.agent, "/"))
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the page lacks %q:\n%s", name, want, got)
			}
		}
		for _, not := range test.not {
			if strings.Contains(got, not) {
				t.Errorf("%s: the page says %q", name, not)
			}
		}
	}
}

func TestADevicePageShowsWhatCameAndWhatWasMadeOfIt(t *testing.T) {
	got := words(shown(t, ward(), "/device?address=10.12.4.20"))
	for _, want := range []string{
		"Kyocera TASKalfa 3253ci 10.12.4.20", "Numéro de série VCF1234567", "Profil kyocera Pourquoi ce profil sysObjectID", "Peut faxer oui it counts fax pages",
		"Allumée depuis 24 h", "Dernière lecture il y a 42 s 01/10/2026 13:59:18 UTC+02:00, en 12 ms", "Prochaine dans 18 s",
		"en émission fax_sent_pages 12 345 pages MIB du constructeur, vérifiée sur de vraies machines counts originals scanned for a fax kyocera/fax_sent_pages.1 1.3.6.1.4.1.1347.46.10.1.1.1.4",
		"Avertissements sent and received don't add up", "Ce qu’elle ne peut pas dire l’état de sa ligne téléphonique something new",
		"1.3.6.1.2.1.1.3.0 TimeTicks 8640000 sysUpTime", "1.3.6.1.4.1.1347.46.10.1.1.1.4 Counter32 12345 fax_sent_pages",
		"1.3.6.1.4.1.1347.43.5 OCTET STRING ÿA 00 11 ff 41", "1.3.6.1.4.1.1347.99.1 absent",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	got = words(shown(t, ward(), "/device?address=10.12.4.30&lang=en"))
	for _, want := range []string{"FXS3 down unknown hook state 1, registration 1", "doesn't count its faxes"} {
		if !strings.Contains(got, want) {
			t.Errorf("the gateway's page lacks %q", want)
		}
	}
	got = words(shown(t, ward(), "/device?address=10.12.4.50"))
	for _, want := range []string{"9 lectures manquées de suite", "Pourquoi pas plus tôt interrogée toutes les 5 min", "Rien n’a été lu depuis le démarrage"} {
		if !strings.Contains(got, want) {
			t.Errorf("the silent machine's page lacks %q", want)
		}
	}
}

func TestTheSameFactsAreJSONForPrograms(t *testing.T) {
	for name, headers := range map[string][]string{"?format=json": {}, "Accept": {"Accept", "application/json"}} {
		target := "/device?address=10.12.4.20"
		if name != "Accept" {
			target += "&format=json"
		}
		var got struct {
			Agent, State, Address, Device, Profile, Why string
			LastAnswer                                  time.Time `json:"last_answer"`
			Answers                                     []struct {
				At       time.Time
				Answers  []struct{ OID, Type, Value, Hex, Used string }
				Reading  wire.Reading
				Measures []struct {
					Measure, Unit, OID, Rule, Certainty string
					Value                               int64
				}
				Unknown, Warnings []string
			} `json:"last_answers"`
		}
		w := ask(newPage(t, ward()), http.MethodGet, target, headers...)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %v, %v", name, err, w.Header())
		}
		if got.Agent != "ps-01" || got.State != "answering" || got.Device != "kyocera-vcf1234567" || got.LastAnswer.IsZero() || len(got.Answers) != 2 {
			t.Fatalf("%s: got %+v", name, got)
		}
		counters := got.Answers[1]
		if len(counters.Answers) != 6 || counters.Answers[2].Hex != "0011ff41" || counters.Measures[0].Value != 12345 || counters.Measures[0].Certainty != "mib+walk" ||
			len(counters.Warnings) != 1 || counters.Reading.Device != "kyocera-vcf1234567" {
			t.Errorf("%s: got %+v", name, counters)
		}
	}
	var all struct {
		Targets map[string]int
		Spool   Spool
		Link    Link
		Data    []Target
	}
	w := ask(newPage(t, ward()), http.MethodGet, "/?format=json")
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all.Data) != 8 || all.Targets["silent"] != 2 || len(all.Targets) != len(states) || all.Spool.Envelopes != 3 || all.Link.Acks != 321 {
		t.Errorf("overview: %v, %+v", err, all)
	}
	if w := ask(newPage(t, linked()), http.MethodGet, "/?format=json"); !strings.Contains(w.Body.String(), `"data":[]}`) {
		t.Errorf("no targets: got %s", w.Body)
	}
}

func TestErrorsAreProblemsForProgramsAndPlainForPeople(t *testing.T) {
	broken := ward()
	broken.spool.Error = "no space left on device"
	for target, want := range map[string]int{"/nothing": 404, "/device?address=10.0.0.1": 404, "/device": 404, "/-/healthy": 503} {
		w := ask(newPage(t, broken), http.MethodGet, target, "Accept", "application/json")
		var got struct {
			Title, Detail string
			Status        int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != want || got.Status != want || got.Detail == "" ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %v %s", target, w.Code, w.Header(), w.Body)
		}
		if w := ask(newPage(t, broken), http.MethodGet, target, "Accept", "text/html"); w.Code != want || strings.HasPrefix(w.Body.String(), "{") {
			t.Errorf("%s in a browser: got %d %s", target, w.Code, w.Body)
		}
	}
	// A page that is open, of a machine that was dropped, is refreshed with what has a <main>.
	w := ask(newPage(t, ward()), http.MethodGet, "/device?address=%3Cb%3E", "Accept", "text/html")
	if got := w.Body.String(); !strings.Contains(got, `<main id="content">`) || !strings.Contains(got, "ne l’interroge plus") || strings.Contains(got, "<b>") {
		t.Errorf("a machine that is gone: got %s", got)
	}
}

func TestNothingCanBeChangedHere(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
		for _, target := range []string{"/", "/device?address=10.12.4.20", "/metrics", "/-/healthy", "/assets/zerofax.css"} {
			if w := ask(newPage(t, ward()), method, target); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: got %d", method, target, w.Code)
			}
		}
	}
	if w := ask(newPage(t, ward()), http.MethodHead, "/"); w.Code != http.StatusOK {
		t.Errorf("HEAD: got %d", w.Code)
	}
	if w := ask(newPage(t, ward()), http.MethodGet, "/"); w.Header().Get("Set-Cookie") != "" {
		t.Error("a cookie is set")
	}
}

func TestOnlyThisComputersOwnNamesAreAnswered(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		listen, host string
		want         bool
	}{
		{"127.0.0.1:8781", "127.0.0.1:8781", true},
		{"127.0.0.1:8781", "localhost:8781", true},
		{"127.0.0.1:8781", "LocalHost", true},
		{"127.0.0.1:8781", "[::1]:8781", true},
		{"127.0.0.1:8781", "127.1.2.3", true},
		{"127.0.0.1:8781", "attacker.example:8781", false},
		{"127.0.0.1:8781", "127.0.0.1.attacker.example", false},
		{"127.0.0.1:8781", "10.0.0.1:8781", false},
		{"127.0.0.1:8781", name, name == "localhost"},
		{"127.0.0.1:8781", "", false},
		{"ps-01.chu.example:8781", "PS-01.chu.example:8781", true},
		{"ps-01.chu.example:8781", "ps-01.attacker.example:8781", false},
		{"10.12.1.5:8781", "10.12.1.5:8781", true},
		{"10.12.1.5:8781", "10.12.1.6:8781", false},
		{":8781", "10.12.1.5:8781", true},
		{":8781", name + ":8781", true},
		{":8781", strings.ToUpper(name) + ".chu.example:8781", true},
		{"0.0.0.0:8781", "[fd00::5]:8781", true},
		{"[::]:8781", "attacker.example", false},
		{":8781", "", false},
	} {
		a := ward()
		a.listen = test.listen
		p := newPage(t, a)
		if got := p.knows(test.host); got != test.want {
			t.Errorf("listen %s, host %q: got %v, want %v", test.listen, test.host, got, test.want)
		}
	}
	if w := ask(newPage(t, ward()), http.MethodGet, "/metrics", "Host", "attacker.example"); w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "zerofax_") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestWhatMachinesSayOfThemselvesCannotBecomeMarkup(t *testing.T) {
	const attack = `"><script>alert(1)</script>`
	a := ward()
	a.targets[0].Address = attack
	a.last[attack] = Last{Looks: []Look{{
		At: noon, Answers: []Answer{{OID: attack, Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte(attack + "\xff")}, Told: true}},
		Result: mibs.Result{
			Reading:  wire.Reading{Lines: []wire.Line{{Port: attack, Status: attack, Evidence: attack, Fax: attack}}, FaxService: attack},
			Warnings: []string{attack}, Unknown: []string{attack},
		},
		Measures: []mibs.Measured{{Measure: attack, Unit: attack, OID: attack, Certainty: attack, Note: attack, Rule: attack}},
	}}}
	one := &a.targets[0]
	one.Device, one.Profile, one.Why, one.FaxWhy, one.Error, one.Waits, one.DoubleOf, one.Source = attack, attack, attack, attack, attack, attack, attack, attack
	one.Identity = wire.Identity{Vendor: attack, Model: attack, Serial: attack, Name: attack, Location: attack}
	a.link.Error, a.spool.Error = attack, attack
	for _, target := range []string{"/?q=%22%3E%3Cscript%3E", "/", "/device?address=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"} {
		w := ask(newPage(t, a), http.MethodGet, target)
		if got := w.Body.String(); w.Code != http.StatusOK || strings.Contains(got, "<script>") || !strings.Contains(got, "&lt;script&gt;") {
			t.Errorf("%s: %d, a script got through", target, w.Code)
		}
		if w := ask(newPage(t, a), http.MethodGet, target+"&format=json"); strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%s: a script got through as JSON", target)
		}
	}
}

func TestPagesForbidAllTheyDontNeedAndHoldNothingInline(t *testing.T) {
	for _, target := range []string{"/", "/device?address=10.12.4.20"} {
		w := ask(newPage(t, ward()), http.MethodGet, target)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("policy: %s", policy)
		}
		if found := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>|src="http|href="http`).FindString(w.Body.String()); found != "" {
			t.Errorf("%s holds %q", target, found)
		}
		for _, m := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
			if asset := ask(newPage(t, ward()), http.MethodGet, html.UnescapeString(m[1])); asset.Code != http.StatusOK {
				t.Errorf("%s: %d", m[1], asset.Code)
			}
		}
	}
}

func TestTheLanguageIsTheReaders(t *testing.T) {
	for _, test := range []struct{ target, accept, want string }{
		{"/", "", "fr"},
		{"/?lang=en", "fr", "en"},
		{"/", "en-GB,en;q=0.9,fr;q=0.5", "en"},
		{"/", "de", "fr"},
		{"/device?address=10.12.4.20&lang=en", "", "en"},
	} {
		if got := shown(t, ward(), test.target, "Accept-Language", test.accept); !strings.Contains(got, `<html lang="`+test.want+`">`) {
			t.Errorf("%s, %s: want %s", test.target, test.accept, test.want)
		}
	}
	if got := words(shown(t, ward(), "/?lang=en")); !strings.Contains(got, "12,345 pages sent") || !strings.Contains(got, "looked at every 5m0s until it answers") {
		t.Error("English isn't spoken")
	}
	if got := shown(t, ward(), "/?q=x&state=silent&page=2"); !strings.Contains(got, `href="/?lang=en&page=2&q=x&state=silent"`) {
		t.Error("the other language forgets what was asked")
	}
}

func TestPhrasesOfOthersAreTranslatedWhereKnown(t *testing.T) {
	french := frame{Speech: texts.Speech(mustRequest(t, "/"), "fr", time.UTC, noon)}
	for english, want := range map[string]string{
		"pages sent":       "les pages émises",
		"pages sent twice": "pages sent twice",
		"identify: no answer from 10.0.0.1:161 (1 try of 500ms)":                       "pas de réponse de 10.0.0.1:161 (1 essai de 0,5\u00a0s)",
		`10.0.0.1:161 doesn't know SNMPv3 user "fax"; correct the user, here or there`: "10.0.0.1:161 ne connaît pas l’utilisateur SNMPv3 «\u00a0fax\u00a0»\u00a0; corrigez-le, ici ou là-bas",
		"looked at every 15m0s until it answers":                                       "interrogée toutes les 15\u00a0min jusqu’à ce qu’elle réponde",
		"looked at every 2m30s until it answers":                                       "interrogée toutes les 2\u00a0min\u00a030\u00a0s jusqu’à ce qu’elle réponde",
		"it answers slowly: the last look took 1h0m7s":                                 "elle répond lentement\u00a0: la dernière lecture a pris 1\u00a0h\u00a07\u00a0s",
		"": "",
	} {
		if got := french.Phrase(english); got != want {
			t.Errorf("%q: got %q, want %q", english, got, want)
		}
	}
	said := sources(t, "../identity", "../../bundle", "../poll", "../snmp", "../../journal", "../../../mibs")
	for _, p := range phrases {
		for part := range strings.SplitSeq(p[page.English], "%s") {
			if part = strings.Trim(part, ` "`); len(part) > len("tries of") && !strings.Contains(said, part) {
				t.Errorf("%q: nothing says %q", p[page.English], part)
			}
		}
		if in, out := strings.Count(p[page.English], "%s"), strings.Count(p[page.French], "%s"); out > in {
			t.Errorf("%q: wants %d values, gets %d", p[page.French], out, in)
		}
	}
}

// sources are the programs in folders.
func sources(t *testing.T, folders ...string) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return regexp.MustCompile(`%[a-z]`).ReplaceAllString(all.String(), "%s")
}

func mustRequest(t *testing.T, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryTextIsThereInBothLanguagesAndSaid(t *testing.T) {
	verb := regexp.MustCompile(`%[.0-9]*[a-z]`)
	for key, said := range texts {
		if said[page.French] == "" || said[page.English] == "" {
			t.Errorf("%s: a language is missing: %q", key, said)
		}
		if fr, en := verb.FindAllString(said[page.French], -1), verb.FindAllString(said[page.English], -1); fmt.Sprint(fr) != fmt.Sprint(en) {
			t.Errorf("%s: the languages don't take the same values: %q", key, said)
		}
	}
	used := keysInUse(t)
	for key := range used {
		_, plain := texts[key]
		_, one := texts[key+".one"]
		_, other := texts[key+".other"]
		if !plain && !(one && other) {
			t.Errorf("%q is used, but has no text", key)
		}
	}
	own := page.With(nil)
	for key := range texts {
		base := strings.TrimSuffix(strings.TrimSuffix(key, ".one"), ".other")
		prefix, _, _ := strings.Cut(key, ".")
		if _, common := own[key]; common || used[key] || used[base] {
			continue
		}
		switch prefix {
		case "state", "fax", "measure", "certainty", "size":
		default:
			t.Errorf("%q is never said", key)
		}
	}
	for _, s := range states {
		if _, ok := texts["state."+string(s)]; !ok {
			t.Errorf("state %s has no text", s)
		}
	}
	for _, m := range wire.Measures() {
		if _, ok := texts["measure."+string(m)]; !ok {
			t.Errorf("measure %s has no text", m)
		}
	}
}

// keysInUse are the keys that templates and code name.
func keysInUse(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	named := regexp.MustCompile(`(?:\bT|\bCountOf|\bCount)[ (](?:[^"\n]*, )?"([a-z.]+)"`)
	for _, file := range []string{"pages/frame.html", "pages/overview.html", "pages/device.html", "pages/gone.html", "speech.go"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range named.FindAllStringSubmatch(string(data), -1) {
			if !strings.HasSuffix(match[1], ".") {
				keys[match[1]] = true
			}
		}
	}
	if len(keys) < 60 {
		t.Fatalf("found only %d keys", len(keys))
	}
	return keys
}

func TestWhereTheConfigurationComesFromIsSaid(t *testing.T) {
	led := Central{Followed: true, Revision: noon.Add(-time.Hour)}
	refusing := led
	refusing.Refused, refusing.Error = noon, `central configuration:3: credentials: "v3" is not among snmp.credentials; want one of: legacy`
	for name, test := range map[string]struct {
		central Central
		want    []string
	}{
		"its own file":             {Central{}, []string{"agent.yml: 7"}},
		"none came yet":            {Central{Followed: true, Own: true}, []string{"agent.yml: 7", "nothing has come from the collector yet"}},
		"the collector's":          {led, []string{"central configuration: 7", "central, of 1 Oct 2026"}},
		"the collector ended that": {Central{Followed: true, Own: true, Revision: noon}, []string{"agent.yml: 7", "as the collector wants since"}},
		"one was refused":          {refusing, []string{"central, of 1 Oct 2026", "is refused:", "credentials: &#34;v3&#34; is not among"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := ward()
			a.central = test.central
			got := ask(newPage(t, a), "GET", "/?lang=en").Body.String()
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("the page doesn't say %q:\n%s", want, got[strings.Index(got, "Sources"):])
				}
			}
			if want := "Configuration</dt>"; strings.Contains(got, want) != test.central.Followed {
				t.Errorf("%q is there: %v", want, !test.central.Followed)
			}
		})
	}
}

func TestWhoWaitsForTheCollectorIsToldWhatToDoThere(t *testing.T) {
	a := linked()
	a.central = Central{Followed: true, Own: true}
	if got := ask(newPage(t, a), "GET", "/?lang=fr").Body.String(); !strings.Contains(got, "zerofax-collector import agents") || strings.Contains(got, "community") {
		t.Errorf("got:\n%s", got)
	}
}

func TestThePageSaysUntilWhenTheCertificateHoldsAndWhatIsWrongWithIt(t *testing.T) {
	a := ward()
	if got := ask(newPage(t, a), "GET", "/?lang=fr").Body.String(); strings.Contains(got, "Certificat") {
		t.Error("without one: the page speaks of a certificate")
	}
	a.link.Certificate = &wire.CertificateState{Serial: "4a01", NotAfter: noon.Add(30 * 24 * time.Hour)}
	if got := ask(newPage(t, a), "GET", "/?lang=fr").Body.String(); !strings.Contains(evenly(got), "valable jusqu’au 31/10/2026") || strings.Contains(got, "Certificat de l’agent") {
		t.Errorf("got:\n%s", got)
	}
	a.link.Certificate.Error = "the certificate ended on 2026-10-31: enrol this agent again (zerofax-collector enroll ps-01), or set this machine's clock, which says 2026-11-02"
	for lang, want := range map[string]string{
		"fr": "Certificat de l’agent : le certificat a pris fin le 2026-10-31 : enrôlez de nouveau cet agent (zerofax-collector enroll ps-01), ou réglez l’horloge de cette machine, qui indique le 2026-11-02",
		"en": "The agent's certificate: the certificate ended on 2026-10-31: enrol this agent again (zerofax-collector enroll ps-01), or set this machine's clock",
	} {
		if got := ask(newPage(t, a), "GET", "/?lang="+lang).Body.String(); !strings.Contains(evenly(html.UnescapeString(got)), want) {
			t.Errorf("%s: want %q in\n%s", lang, want, got[strings.Index(got, "<main"):][:1500])
		}
	}
	var told struct {
		Link struct{ Certificate wire.CertificateState }
	}
	if err := json.Unmarshal(ask(newPage(t, a), "GET", "/?format=json").Body.Bytes(), &told); err != nil || told.Link.Certificate != *a.link.Certificate {
		t.Errorf("as JSON: got %+v, %v", told, err)
	}
}

// evenly is a text with all blanks alike.
func evenly(text string) string {
	return strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(text)
}

func TestJournalsAreShownWithHowFarTheyAreReadAndWhatCannotBe(t *testing.T) {
	p := newPage(t, archive())
	for lang, want := range map[string][]string{
		"fr": {"Journaux suivis", "tout (123", "1,2\u00a0Go sur 4,5\u00a0Go", "il y a 7\u00a0min", "1\u00a0234 transmises", "2 illisibles", "date illisible\u00a0: 2", "aucun appel d’une ligne de fax\u00a0: 1\u00a0904\u00a0377", "pas encore de fichier", "Access is denied"},
		"en": {"Journals followed", "1.2\u00a0GB of 4.5\u00a0GB", "1,234 handed on", "2 unreadable", "no file yet"},
	} {
		body := html.UnescapeString(ask(p, http.MethodGet, "/?lang="+lang).Body.String())
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: the page doesn't say %q", lang, text)
			}
		}
		if strings.Contains(body, "doesn't take journals") || strings.Contains(body, "ne reçoit pas encore") {
			t.Errorf("%s: the page says that the collector takes no journals", lang)
		}
	}
	metrics := ask(p, http.MethodGet, "/metrics").Body.String()
	for _, line := range []string{
		`zerofax_agent_journal_rows_total{journal="hylafax",result="taken"} 1234`, `zerofax_agent_journal_rows_total{journal="hylafax",result="rejected"} 2`,
		`zerofax_agent_journal_unread_bytes{journal="pabx"} 3.3e+09`, `zerofax_agent_journal_fault{journal="mfp"} 1`, `zerofax_agent_journal_fault{journal="hylafax"} 0`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("metrics: no %s", line)
		}
	}
	if strings.Contains(metrics, `journal_last_event_timestamp_seconds{journal="mfp"}`) {
		t.Error("metrics: a journal without an event has a last one")
	}
	if json := ask(p, http.MethodGet, "/?format=json").Body.String(); !strings.Contains(json, `"rejected_rows":2,"why":{"date can't be read":2,"no fax sent or received":5}`) {
		t.Errorf("got JSON %.600s", json)
	}
}

func TestAnAgentThatOnlyFollowsJournalsIsNotToldToPoll(t *testing.T) {
	a := archive()
	a.targets, a.link.Events = nil, false
	body := ask(newPage(t, a), http.MethodGet, "/?lang=en").Body.String()
	if strings.Contains(body, "No address to look at") || !strings.Contains(body, "Journals followed") || !strings.Contains(body, "Update the collector") {
		t.Errorf("want the journals, that the collector takes none yet, and nothing of addresses; got\n%s", body)
	}
}
