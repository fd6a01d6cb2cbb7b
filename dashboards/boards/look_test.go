package boards_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/dashboards/boards"
)

// written is a dashboard as Grafana reads it.
func written(t *testing.T, b boards.Board) (d map[string]any, text string) {
	t.Helper()
	file, err := b.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(file)
}

func TestPanelsFillTheGridAndDoNotOverlap(t *testing.T) {
	for _, b := range boards.All() {
		taken := map[[2]int]string{}
		for _, p := range b.Panels {
			if g := p.Grid; g.W <= 0 || g.H <= 0 || g.X < 0 || g.X+g.W > 24 {
				t.Errorf("%s: %q lies at %+v, want it within 24 columns", b.File(), p.Title, g)
			}
			for y := range p.Grid.H {
				for x := range p.Grid.W {
					at := [2]int{p.Grid.X + x, p.Grid.Y + y}
					if other := taken[at]; other != "" {
						t.Fatalf("%s: %q lies on %q", b.File(), p.Title, other)
					}
					taken[at] = p.Title
				}
			}
		}
		last := b.Panels[len(b.Panels)-1].Grid
		if want := 24 * (last.Y + last.H); len(taken) != want {
			t.Errorf("%s: %d of %d cells are taken: panels beside each other want the same height, rows their whole width", b.File(), len(taken), want)
		}
	}
}

func TestEachPanelSaysWhatItShowsInWhichUnitAndWhatNothingMeans(t *testing.T) {
	for _, b := range boards.All() {
		titles := map[string]bool{}
		for _, p := range b.Panels {
			if p.Type == "row" {
				continue
			}
			if titles[p.Title] {
				t.Errorf("%s: two panels are called %q", b.File(), p.Title)
			}
			titles[p.Title] = true
			if len(p.Description) < 20 || p.Fields.Defaults.NoValue == "" {
				t.Errorf("%s: %q: got description %q and for no value %q, want both", b.File(), p.Title, p.Description, p.Fields.Defaults.NoValue)
			}
			if p.Type != "table" && p.Fields.Defaults.Unit == "" {
				t.Errorf("%s: %q has no unit", b.File(), p.Title)
			}
		}
	}
}

func TestQueriesAskWhatPeopleChose(t *testing.T) {
	for _, b := range boards.All() {
		_, text := written(t, b)
		if strings.Contains(text, "${DS_") || !strings.Contains(text, `"timezone": "browser"`) {
			t.Errorf("%s: want no ${DS_ and the browser's time zone", b.File())
		}
		for _, uid := range regexp.MustCompile(`"uid": "([^"]*)"`).FindAllStringSubmatch(text, -1) {
			if uid := uid[1]; uid != b.UID && uid != "${prometheus}" && uid != "${influxdb}" && uid != "-- Mixed --" {
				t.Errorf("%s: a data source %q, want one that people choose", b.File(), uid)
			}
		}
	}
}

func TestLinksLeadToDashboardsAndPagesThatThereAre(t *testing.T) {
	uids := map[string]boards.Language{}
	for _, b := range boards.All() {
		uids[b.UID] = b.Language
	}
	for _, b := range boards.All() {
		_, text := written(t, b)
		variables := map[string]bool{}
		for _, v := range b.Templating.List {
			variables[v.Name] = true
		}
		for _, link := range regexp.MustCompile(`"url": "([^"]+)"`).FindAllStringSubmatch(text, -1) {
			url := link[1]
			path, query, _ := strings.Cut(url, "?")
			uid, isDashboard := strings.CutPrefix(path, "/d/")
			switch page, isPage := strings.CutPrefix(path, "${collector}"); {
			case isDashboard && uids[uid] != b.Language:
				t.Errorf("%s: %s leads to no dashboard in its language", b.File(), url)
			case isPage && (!slices.Contains([]string{"/", "/lines", "/services", "/alerts"}, page) || !strings.Contains(query, "lang="+string(b.Language))):
				t.Errorf("%s: %s leads to no page of the collector in its language", b.File(), url)
			case !isDashboard && !isPage:
				t.Errorf("%s: %s leads elsewhere", b.File(), url)
			}
			for _, v := range regexp.MustCompile(`\$\{(\w+)`).FindAllStringSubmatch(url, -1) {
				if !strings.HasPrefix(v[1], "__") && !variables[v[1]] {
					t.Errorf("%s: %s names the variable %s, which there isn't", b.File(), url, v[1])
				}
			}
		}
	}
}

// untold is a panel without its words.
func untold(b boards.Board) (panels []string) {
	for _, p := range b.Panels {
		queries := []string{}
		for _, q := range p.Queries {
			queries = append(queries, fmt.Sprint(q.Source, q.Shape, q.Ref, q.Text))
		}
		panels = append(panels, fmt.Sprint(p.Type, p.Grid, p.Interval, p.TimeFrom, queries))
	}
	return panels
}

func TestBothLanguagesHaveTheSamePanelsAndQueries(t *testing.T) {
	all := boards.All()
	for i := 0; i < len(all); i += 2 {
		french, english := untold(all[i]), untold(all[i+1])
		if !slices.Equal(french, english) {
			t.Errorf("%s and %s differ:\n%s\n%s", all[i].File(), all[i+1].File(), french, english)
		}
	}
}

// told are all texts that people read, wherever they stand.
func told(v any, say func(key, text string)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			told(x, say)
		}
	case map[string]any:
		if v["id"] == "displayName" {
			if name, ok := v["value"].(string); ok {
				say("displayName", name)
			}
		}
		for key, x := range v {
			if text, ok := x.(string); ok && slices.Contains([]string{"title", "description", "label", "text", "noValue", "tooltip"}, key) {
				say(key, text)
			} else {
				told(x, say)
			}
		}
	}
}

var (
	englishWords = regexp.MustCompile(`(?i)\b(the|of|and|is|are|was|were|by|lines?|department|day|days|since|until|sent|received|unknown|nothing|none|read|reading|last|next|open|closed|kept|cut|cut-off|overdue|target|gap|watched|seen|unseen|silent|waiting|booked)\b`)
	// broken is a French text that breaks its line, or has an apostrophe or quotes, where it shouldn't.
	broken = regexp.MustCompile(` [:;!?%»]|« |'|"|\w[;!?]|\.\.\.`)
)

func TestFrenchIsFrenchAndEnglishEnglish(t *testing.T) {
	for _, b := range boards.All() {
		d, _ := written(t, b)
		told(d, func(key, text string) {
			switch {
			case strings.HasPrefix(text, "http"), text == "Prometheus", text == "InfluxDB":
			case b.Language == boards.French && englishWords.MatchString(text):
				t.Errorf("%s: %s %q has the English word %q", b.File(), key, text, englishWords.FindString(text))
			case b.Language == boards.French && broken.MatchString(text):
				t.Errorf("%s: %s %q: mend %q", b.File(), key, text, broken.FindString(text))
			case b.Language == boards.English && (strings.ContainsAny(text, "éèêàùçÉ«»\u00a0'") && !strings.Contains(text, "MSSanté")):
				t.Errorf("%s: %s %q looks French, or has a straight apostrophe", b.File(), key, text)
			}
		})
	}
}
