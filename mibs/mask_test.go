package mibs_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

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
