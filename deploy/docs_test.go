package deploy_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/deploy/docs"
)

func page(t *testing.T, file string) docs.Page {
	t.Helper()
	p, err := docs.Read("..", file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryLinkOfTheDocumentationLeadsSomewhere(t *testing.T) {
	for _, file := range append(docs.Files(), "CONTRIBUTING.md", "mibs/README.md") {
		for _, link := range page(t, file).Links() {
			target, anchor, _ := strings.Cut(link, "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := path.Join(path.Dir(file), target)
			if target == "" {
				to = file
			}
			if _, err := os.Stat(filepath.Join("..", to)); err != nil {
				t.Errorf("%s leads to %s: %v", file, link, err)
				continue
			}
			has := func(h docs.Heading) bool { return h.Anchor == anchor }
			if anchor != "" && !slices.ContainsFunc(page(t, to).Headings(), has) {
				t.Errorf("%s leads to %s, and %s has no such heading", file, link, to)
			}
		}
	}
}

func TestBothLanguagesSayTheSameThingsInTheSameOrder(t *testing.T) {
	english, french := page(t, "deploy/README.md"), page(t, "deploy/README.fr.md")
	levels := func(p docs.Page) (all []int) {
		for _, h := range p.Headings() {
			all = append(all, h.Level)
		}
		return all
	}
	if got, want := levels(french), levels(english); !slices.Equal(got, want) {
		t.Errorf("got headings of the levels %v in French, %v in English", got, want)
	}
	for _, program := range []string{"zerofax-agent", "zerofax-collector"} {
		got, want := gists(french, program), gists(english, program)
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("%s: command %d is %q in French, %q in English", program, i+1, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: got %d commands in French, %d in English", program, len(got), len(want))
		}
	}
	got, want := french.YAML(), english.YAML()
	for i := range min(len(got), len(want)) {
		if got, want := remarks.ReplaceAllString(got[i].Text, ""), remarks.ReplaceAllString(want[i].Text, ""); got != want {
			t.Errorf("got in French\n%s, in English\n%s", got, want)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d files in French, %d in English", len(got), len(want))
	}
}

var remarks = regexp.MustCompile(` *# .*`)

// gists are commands without what is translated.
func gists(p docs.Page, program string) (all []string) {
	for _, c := range p.Commands(program) {
		var gist []string
		for i, arg := range c.Args {
			if i == 0 || strings.HasPrefix(arg, "-") {
				gist = append(gist, arg)
			}
		}
		all = append(all, strings.Join(gist, " "))
	}
	return all
}

// Files that the documentation shows are held to the programs beside them: agent/docs_test.go, collector/docs_test.go.
func TestEveryFileThatTheDocumentationShowsIsKnown(t *testing.T) {
	known := []string{
		"agent", "collector", "snmp", "targets", "discovery", // agent.yml
		"data_dir", "mqtt", "http", "influxdb", "alerts", // collector.yml
		"agents", "scrape_configs",
	}
	for _, file := range docs.Files() {
		for _, y := range page(t, file).YAML() {
			if !y.Of(known...) {
				t.Errorf("%s:%d: what is this file?\n%s", file, y.Line, y.Text)
			}
		}
	}
}

// A view that hides what profiles ask makes a machine silent about its faxes.
func TestTheViewForMachinesHoldsWhatProfilesAsk(t *testing.T) {
	profiles, err := filepath.Glob("../mibs/profiles/*.yml")
	if err != nil || len(profiles) == 0 {
		t.Fatalf("got %d profiles, %v", len(profiles), err)
	}
	// Those of these makers count nothing by objects of their own; Dell's machines are of other makers.
	asked := map[string]bool{"674": true, "1768": true, "4935": true, "40093": true}
	text := read(t, "README.md")
	for _, name := range profiles {
		for _, found := range oid.FindAllStringSubmatch(read(t, name), -1) {
			maker, standard := found[2], "`."+found[1]+"`"
			if found[1] == "1" {
				standard = "`1.3.6.1.2.1.1`"
			}
			switch {
			case maker == "" && !strings.Contains(text, standard):
				t.Errorf("%s asks %s; the view has no %s", filepath.Base(name), found[0], standard)
			case maker != "" && !asked[maker] && !strings.Contains(text, "`"+maker+"`") && !strings.Contains(text, "`1.3.6.1.4.1."+maker+"`"):
				t.Errorf("%s asks %s; the view has no %s", filepath.Base(name), found[0], maker)
			}
		}
	}
}

var oid = regexp.MustCompile(`\b1\.3\.6\.1\.(?:2\.1\.(\d+)|4\.1\.(\d+))`)
