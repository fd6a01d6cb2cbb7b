package mibs_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/mibs"
)

// everyRecording hands the recordings of testdata, and of real devices where they lie beside the repository.
func everyRecording(t *testing.T, each func(t *testing.T, r *mibs.Recording)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d recordings, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".snmprec")
		t.Run(name, func(t *testing.T) { each(t, fixture(t, name)) })
	}
	dir := walksDir()
	if dir == "" {
		return
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".snmprec") {
			name, _ := filepath.Rel(dir, strings.TrimSuffix(path, ".snmprec"))
			name = filepath.ToSlash(name)
			t.Run(name, func(t *testing.T) { each(t, loadWalk(t, name, path)) })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAMaskedRecordingReadsTheSameAndStaysSoMaskedAgain(t *testing.T) {
	set := builtin(t)
	everyRecording(t, func(t *testing.T, r *mibs.Recording) {
		t.Parallel()
		masked, what := set.Mask(r)
		if what.Differs != "" {
			t.Errorf("reads otherwise: %s", what.Differs)
		}
		before, beforeResult := readRecording(t, set, r)
		after, afterResult := readRecording(t, set, masked)
		got, want := expectedOf(after, afterResult), expectedOf(before, beforeResult)
		if (got.id == "") != (want.id == "") {
			t.Errorf("known as %q, before as %q", got.id, want.id)
		}
		if got.id = want.id; !equalReadings(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if s := before.Identity.Serial; len(s) > 4 && before.ID != "" && after.Identity.Serial == s && strings.Trim(s, "123456789") != "" {
			t.Errorf("the serial number %q survives", s)
		}
		for _, name := range []string{after.Identity.Name, after.Identity.Location} {
			if name != "" && name != after.Identity.Model {
				t.Errorf("the name %q survives", name)
			}
		}
		again, _ := set.Mask(masked)
		if got, want := written(t, again), written(t, masked); got != want {
			t.Errorf("masked again:\n%s", firstDifference(got, want))
		}
		t.Logf("masked: %s", what)
	})
}

// lineOf is what a machine that no profile knows shows of one object once it is masked; empty if it was left out.
func lineOf(t *testing.T, set *mibs.Set, oid string, value mibs.Value, secrets ...string) string {
	t.Helper()
	r := mibs.NewRecording([]mibs.Varbind{
		{OID: "1.3.6.1.2.1.1.2.0", Value: mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.99999.1"}},
		{OID: "1.3.6.1.2.1.1.5.0", Value: text("mfp-cardio3.chu.local")},
		{OID: "1.3.6.1.2.1.1.6.0", Value: text("Cardiologie, 2e etage")},
		{OID: "1.3.6.1.2.1.2.2.1.6.1", Value: text("\x00\x17\xc8\x12\x34\x56")},
		{OID: "1.3.6.1.2.1.4.20.1.1.10.49.3.17", Value: mibs.Value{Kind: mibs.IPAddress, Bytes: []byte{10, 49, 3, 17}}},
		{OID: "1.3.6.1.2.1.43.5.1.1.17.1", Value: text("LSG7654321")},
		{OID: "1.3.6.1.2.1.47.1.1.1.1.11.1", Value: text("88776655")},
	})
	r.Put(oid, value)
	masked, _ := set.Mask(r, secrets...)
	for line := range strings.Lines(written(t, masked)) {
		if strings.HasPrefix(line, oid+"|") {
			return strings.TrimSuffix(strings.TrimPrefix(line, oid+"|"), "\n")
		}
	}
	return ""
}

func TestAMakeThatNobodyKnowsKeepsItsModelAlsoWhereItIsCalledByIt(t *testing.T) {
	r := mibs.NewRecording([]mibs.Varbind{
		{OID: "1.3.6.1.2.1.1.1.0", Value: text("Zyggi QX-7100, firmware 1.4")},
		{OID: "1.3.6.1.2.1.1.2.0", Value: mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.99999.1"}},
		{OID: "1.3.6.1.2.1.1.5.0", Value: text("Zyggi QX-7100")},
		{OID: "1.3.6.1.2.1.25.3.2.1.2.1", Value: mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.2.1.25.3.1.5"}},
		{OID: "1.3.6.1.2.1.25.3.2.1.3.1", Value: text("Zyggi QX-7100")},
		{OID: "1.3.6.1.2.1.43.5.1.1.17.1", Value: text("LSG7654321")},
		{OID: "1.3.6.1.4.1.99999.1.7", Value: text("Zyggi QX-7100 fax pages")},
	})
	masked, _ := builtin(t).Mask(r)
	if got := strings.Count(written(t, masked), "Zyggi QX-7100"); got < 3 {
		t.Errorf("it stands there %d times, want in its description, its device and its own tree:\n%s", got, written(t, masked))
	}
}

func TestMaskingKnowsTheFormsOfWhatIsPrivate(t *testing.T) {
	const own, said, descr = "1.3.6.1.4.1.99999.7", "1.3.6.1.4.1.99999.7.1", "1.3.6.1.2.1.1.1.0"
	number := func(n int64) mibs.Value { return mibs.Value{Kind: mibs.Integer, Int: n} }
	pointer := func(oid string) mibs.Value { return mibs.Value{Kind: mibs.ObjectID, OID: oid} }
	set := builtin(t)
	for name, test := range map[string]struct {
		oid   string
		value mibs.Value
		want  string
	}{
		"number between dashes":                   {said, text("Fax 02 - 41 - 35 - 40 - 00"), "4|Fax 00 - 00 - 00 - 00 - 00"},
		"number between underscores":              {said, text("02_41_35_40_00"), "4|00_00_00_00_00"},
		"number between colons":                   {said, text("02:41:35:40:00"), "4|00:00:00:00:00"},
		"number with a country's code and points": {said, text("33.241.354.000"), "4|00.000.000.000"},
		"number between narrow blanks":            {descr, text("Fax\u00a0+33\u202f2\u202f41 35 40 00"), "4x|" + hex.EncodeToString([]byte("Fax\u00a0+00xxx0xxx00 00 00 00"))},
		"number behind a word, in a description":  {descr, text("Unit, fax+33241354000"), "4|Unit, fax+00000000000"},
		"extension at a word":                     {said, text("Poste4512"), "4|Poste0000"},
		"number as dump":                          {said, text("30 32 34 31 33 35 34 30 30 30"), "4|00 00 00 00 00 00 00 00 00 00"},
		"name as dump":                            {descr, text("44 75 70 6F 6E 74 73"), "4|00 00 00 0X 0X 00 00"},
		"number in an index":                      {own + ".10.48.50.52.49.51.53.52.48.48.48", number(1), ""},
		"serial number in an index":               {own + ".10.76.83.71.55.54.53.52.51.50.49", number(1), ""},
		"name of a user in an index":              {own + ".8.106.100.117.112.111.110.116.49", number(1), ""},
		"address in an index":                     {own + ".10.49.3.17", number(1), ""},
		"MAC address in an index":                 {own + ".0.23.200.18.52.86", number(1), ""},
		"address in a pointer":                    {said, pointer("1.3.6.1.2.1.4.20.1.1.10.49.3.17"), "6|0.0"},
		"address as a number":                     {said, number(10<<24 + 49<<16 + 3<<8 + 17), "2|-1073741311"},
		"address as a number, turned round":       {said, number(17<<24 + 3<<16 + 49<<8 + 10), "2|16908480"},
		"address with zeros, the first without":   {said, text("10.049.003.017"), "4|192.0.2.1"},
		"serial number as a number":               {said, number(88776655), "2|12345653"},
		"token":                                   {said, text("scan?token=0a1b2c"), "4|scan?xxxxx=0x0x0x"},
		"password of known letters":               {said, text("p4ssw0rd"), "4|x0xxx0xx"},
		"password of a word":                      {said, text("psk=Soleil2024"), "4|xxx=Xxxxxx0000"},
		"short password of an account":            {said, text("admin:1234"), "4|admin:0000"},
		"host in the description of a computer":   {descr, text("Linux mfp-cardio3 5.4.0"), "4|Linux xxx-xxxxxx0 5.4.0"},
		"place in a description":                  {descr, text("Copier of Cardiologie"), "4|Copier of Xxxxxxxxxxx"},
		"community of words that machines use":    {said, text("for secure-fax: access"), "4|for xxxxxx-xxx: access"},
		"computer's name by Windows":              {said, text("DESKTOP-AB12CD3"), "4|XXXXXXX-XX00XX0"},
		"subject of a certificate":                {said, text("CN=mfp3.chu.fr, O=CHU Exemple, C=FR"), "4|XX=mfp3.xxx.fr, O=XXX Xxxxxxx, C=FR"},
		"time":                                    {said, text("2024-05-13 12:30:15"), "4|2024-05-13 12:30:15"},
		"version":                                 {said, text("Version 10.1.20.3, 3.41.35.40"), "4|Version 10.1.20.3, 3.41.35.40"},
		"label in German":                         {said, text("Gesendete Faxe"), "4|Gesendete Faxe"},
		"label of an unknown make":                {said, text("Document Filing: Fax Forwarded, B/W Large"), "4|Document Filing: Fax Forwarded, B/W Large"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lineOf(t, set, test.oid, test.value, "secure-fax"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func equalReadings(a, b expected) bool {
	return a.profile == b.profile && a.fax == b.fax && a.service == b.service &&
		strings.Join(a.counters, ",") == strings.Join(b.counters, ",") && strings.Join(a.lines, ",") == strings.Join(b.lines, ",")
}

func written(t fataler, r *mibs.Recording) string {
	var b bytes.Buffer
	if err := r.WriteSnmprec(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type fataler interface{ Fatal(...any) }

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got  " + g[i] + "\nwant " + w[i]
		}
	}
	return "one is longer"
}

func TestTwoMachinesStayTwoWhenMaskedAndOneStaysOne(t *testing.T) {
	set := builtin(t)
	ids := map[string]int{}
	for n := range 40 {
		r := mibs.NewRecording(fixture(t, "kyocera").Varbinds())
		r.Put("1.3.6.1.4.1.1347.43.5.1.1.28.1", text(fmt.Sprintf("RVP%07d", 2407311+n*37)))
		masked, _ := set.Mask(r)
		if again, _ := set.Mask(r); written(t, again) != written(t, masked) {
			t.Errorf("masked twice: %s", firstDifference(written(t, again), written(t, masked)))
		}
		d, _ := readRecording(t, set, masked)
		ids[d.ID]++
	}
	if len(ids) < 25 { // of a hundred
		t.Errorf("40 machines become %d: %v", len(ids), ids)
	}
}

func TestALongTextIsMaskedInNoTime(t *testing.T) {
	started := time.Now()
	lineOf(t, builtin(t), "1.3.6.1.4.1.99999.7.1", text(strings.Repeat("a-", 12_000))) // as a web or mail address might begin
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("24 KB took %v, as if by the square of its length", took)
	}
}

// private is something that must not survive, and how it might be spotted.
type private struct {
	text    string
	needles []string // lower case
	named   bool     // recognised only where it isn't among what the machine says of itself
}

func number(t *rapid.T, form string) private {
	digits := rapid.StringMatching(`[2-9][1-9]{7}`).Draw(t, "digits")
	text, at := []byte(form), 0
	for i, c := range text {
		if c == '#' {
			text[i] = digits[at]
			at++
		}
	}
	return private{text: string(text), needles: []string{digits}}
}

var drawPrivate = rapid.Custom(func(t *rapid.T) private {
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0, 1:
		return number(t, rapid.SampledFrom([]string{
			"02########", "02 ## ## ## ##", "02.##.##.##.##", "02-##-##-##-##", "02/##/##/##/##", "(02) ## ## ## ##", "02## ### ###",
			"+332########", "+33 2 ## ## ## ##", "+33 (0)2 ## ## ## ##", "+33.2.##.##.##.##", "00332########", "0033 2 ## ## ## ##",
			"+32 2 ### ## ###", "+49 (30) ########", "+1-202-###-#####", "07 ## ## ## ##", "01########",
		}).Draw(t, "form"))
	case 2:
		ip := rapid.SampledFrom([]string{"10.%d.%d.%d", "192.168.%[2]d.%[3]d", "172.20.%[2]d.%[3]d", "193.%d.%d.%d"}).Draw(t, "network")
		n := rapid.SliceOfN(rapid.IntRange(20, 254), 3, 3).Draw(t, "host")
		text := fmt.Sprintf(strings.Split(ip, "%!")[0], n[0], n[1], n[2])
		text, _, _ = strings.Cut(text, "%!")
		raw := ""
		for part := range strings.SplitSeq(text, ".") {
			var b int
			_, _ = fmt.Sscan(part, &b)
			raw += string([]byte{byte(b)})
		}
		return private{text: text, needles: []string{text, hex.EncodeToString([]byte(raw))}}
	case 3:
		mac := rapid.SliceOfN(rapid.IntRange(0x1a, 0xf9), 3, 3).Draw(t, "mac")
		form := rapid.SampledFrom([]string{"00:1b:2c:%02x:%02x:%02x", "00-1B-2C-%02X-%02X-%02X", "001b2c%02x%02x%02x", "00 1b 2c %02x %02x %02x"}).Draw(t, "form")
		plain := fmt.Sprintf("%02x%02x%02x", mac[0], mac[1], mac[2])
		if !strings.ContainsAny(plain, "abcdef") {
			form = "00:1b:2c:%02x:%02x:%02x"
		}
		return private{text: fmt.Sprintf(form, mac[0], mac[1], mac[2]), needles: []string{plain, fmt.Sprintf("%02x:%02x:%02x", mac[0], mac[1], mac[2])}}
	case 4:
		who := rapid.StringMatching(`[a-z]{3,8}\.[b-y]{7}`).Draw(t, "who")
		return private{text: who + "@chu-exemple.fr", needles: []string{strings.Split(who, ".")[1]}}
	case 5:
		host := rapid.StringMatching(`qz[a-y]{5}`).Draw(t, "host")
		return private{text: rapid.SampledFrom([]string{"http://%s.chu.fr/page", "ldaps://%s:636", `\\\\%s\scan`, "ftp://u:p@%s/x"}).Draw(t, "form"), needles: []string{host}}.with(host)
	case 6:
		ip := fmt.Sprintf("fe80::%x:56ff:fe78:9abc", rapid.IntRange(0x1000, 0xffff).Draw(t, "v6"))
		return private{text: ip, needles: []string{ip}}
	}
	name := rapid.SampledFrom([]string{"Dupontel", "Lefèvre", "Marie-Josée Quéré", "Cardiologie B", "SRV-IMPR-07", "jdupontel49", "Müller", "Mot2Passe!Z"}).Draw(t, "name")
	return private{text: name, needles: []string{strings.ToLower(name), strings.ToLower(name[:5])}, named: true}
})

func (p private) with(host string) private {
	p.text = strings.ReplaceAll(strings.ReplaceAll(p.text, `\\\\`, `\\`), "%s", host)
	return p
}

// encode puts a text into octets in one of the ways that machines have.
func encode(t *rapid.T, text string) []byte {
	wide := func(high int) []byte {
		var b []byte
		for _, r := range text {
			pair := []byte{byte(r), 0}
			b = append(b, pair[high], pair[1-high])
		}
		return b
	}
	switch rapid.IntRange(0, 6).Draw(t, "encoding") {
	case 0:
		return wide(0)
	case 1:
		return append([]byte{0xfe, 0xff}, wide(1)...)
	case 2:
		return append([]byte(text), 0, 0)
	case 3:
		return append([]byte{1, 0x15}, text...)
	case 4:
		return append([]byte{0, 1, 2}, append([]byte(text), 0, 7, 0xff)...)
	case 5:
		var latin1 []byte
		for _, r := range text {
			latin1 = append(latin1, byte(r))
		}
		return latin1
	}
	return []byte(text)
}

func TestNothingPrivateSurvivesMasking(t *testing.T) {
	set := builtin(t)
	fixtures := map[string]*mibs.Recording{}
	names := []string{"kyocera", "xerox", "lexmark", "grandstream-ht8xx", "printer", "linux"}
	for _, name := range names {
		fixtures[name] = fixture(t, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := mibs.NewRecording(fixtures[rapid.SampledFrom(names).Draw(t, "recording")].Varbinds())
		var planted []private
		for range rapid.IntRange(1, 4).Draw(t, "how many") {
			p := drawPrivate.Draw(t, "private")
			before := rapid.SampledFrom([]string{"", "Fax ", "Tel: ", "number=", "Owner;", "(", "SN 12, ", "v1.2 ", "a@b "}).Draw(t, "before")
			behind := rapid.SampledFrom([]string{"", " ", ", page 2", ")", ";x", "\n", "/1"}).Draw(t, "behind")
			oids := []string{"1.3.6.1.4.1.99999.7.1", "1.3.6.1.4.1.1347.45.5.1.1.2.9", "1.3.6.1.2.1.43.18.1.1.8.1.77", "1.3.6.1.4.1.253.8.99.1.0", "1.3.6.1.2.1.1.6.0", "1.3.6.1.2.1.1.4.0"}
			if !p.named {
				oids = append(oids, "1.3.6.1.2.1.25.3.2.1.3.9")
			}
			at := rapid.SampledFrom(oids).Draw(t, "oid")
			if strings.HasSuffix(before, "v1.2 ") && strings.Count(p.text, ".") == 3 {
				before = ""
			}
			r.Put(at, mibs.Value{Kind: mibs.OctetString, Bytes: encode(t, before+p.text+behind)})
			planted = append(planted, p)
		}
		masked, what := set.Mask(r, "topsecret")
		if what.Differs != "" {
			t.Errorf("reads otherwise: %s", what.Differs)
		}
		for _, vb := range masked.Varbinds() {
			for _, p := range planted {
				for _, needle := range p.needles {
					if shows(vb, needle) {
						t.Errorf("%q survives in %s = %q", needle, vb.OID, vb.Value.Bytes)
					}
				}
			}
		}
		if again, _ := set.Mask(masked); written(t, again) != written(t, masked) {
			t.Errorf("masked again: %s", firstDifference(written(t, again), written(t, masked)))
		}
	})
}

// shows tells whether a value holds what was hidden, in any form.
func shows(vb mibs.Varbind, needle string) bool {
	raw := vb.Value.Bytes
	text := strings.ToLower(string(raw))
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	compact := strings.NewReplacer(":", "", "-", "", " ", "").Replace(text)
	for _, form := range []string{text, strings.ReplaceAll(text, "\x00", ""), compact, digits, hex.EncodeToString(raw)} {
		if strings.Contains(form, needle) {
			return true
		}
	}
	return false
}
