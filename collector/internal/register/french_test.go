package register

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryFaultAndDoubtOfALineIsSaidInFrench(t *testing.T) {
	named := regexp.MustCompile(`d\.(?:fault|warn)\([^\n]*?"([^"\n,][^"\n]* [^"\n]*)"`)
	values := strings.NewReplacer("%q", `"x y"`, "%d", "3", "%s", "y", "%[1]s", "y", "%[3]s", "z", "%v", "y")
	found := 0
	for _, file := range []string{"lines.go", "place.go", "draft.go", "structure.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(source), -1) {
			found++
			if english := values.Replace(m[1]); (Note{Text: english}).In("fr") == english {
				t.Errorf("%s: %q has no French", file, m[1])
			}
		}
	}
	if found < 30 {
		t.Errorf("found only %d texts", found)
	}
	for english, want := range map[string]string{
		`"32/12/2026": there is no such day; want 2026-12-31 or 31/12/2026`: "« 32/12/2026 » : ce jour n’existe pas ; 31/12/2026 ou 2026-12-31",
		`"12" has 2 digits; want 10, such as 02 41 35 40 00`:                "« 12 » a 2 chiffres ; il en faut 10, comme 02 41 35 40 00",
		"said by nobody": "said by nobody",
	} {
		if got := (Note{Text: english}).In("fr"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := (Note{Text: english}).In("en"); got != english {
			t.Errorf("in English: got %q", got)
		}
	}
}
