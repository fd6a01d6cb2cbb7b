package yamlfile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/yamlfile"
)

type colour string

func (c *colour) UnmarshalText(text []byte) error {
	if string(text) != "red" {
		return fmt.Errorf("%q; want red", text)
	}
	*c = colour(text)
	return nil
}

type config struct {
	Name    string            `yaml:"name"`
	Every   time.Duration     `yaml:"every"`
	Count   int               `yaml:"count"`
	On      bool              `yaml:"on"`
	Colour  colour            `yaml:"colour"`
	Items   []item            `yaml:"items"`
	Labels  map[string]string `yaml:"labels"`
	Nested  *item             `yaml:"nested"`
	Private string
}

type item struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

func TestWhatTheFileDoesNotNameKeepsItsDefault(t *testing.T) {
	c := config{Name: "default", Every: time.Minute, Count: 7}
	doc := yamlfile.Decode("a.yml", []byte("every: 30s\ncount:\nitems:\n  - {host: h, port: 161}\nnested: {host: n}\nlabels: {a: 1}\ncolour: red\n"), &c)
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	if c.Name != "default" || c.Every != 30*time.Second || c.Count != 7 || c.Items[0] != (item{"h", 161}) ||
		c.Nested.Host != "n" || c.Labels["a"] != "1" || c.Colour != "red" {
		t.Errorf("got %+v", c)
	}
	if !doc.Has("items", 0, "host") || doc.Has("name") || doc.Has("items", 1) {
		t.Error("Has doesn't tell what the file gives")
	}
	if got := doc.Line("items", 0, "port"); got != 4 {
		t.Errorf("items[0].port is on line %d, want 4", got)
	}
}

func TestAnEmptyFileIsAllDefaults(t *testing.T) {
	for _, text := range []string{"", "\n# only a comment\n", "---\n"} {
		c := config{Name: "default"}
		if err := yamlfile.Decode("a.yml", []byte(text), &c).Err(); err != nil || c.Name != "default" {
			t.Errorf("%q: got %+v, %v", text, c, err)
		}
	}
}

func TestAKeyInBracesMayHaveNothingBehindIt(t *testing.T) {
	c := config{Name: "default", Nested: &item{Port: 161}}
	doc := yamlfile.Decode("a.yml", []byte("{name:, count: 3, labels: {'a:':, b:, c: 'd:'}, nested: {host: h, port:}}\n"), &c)
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	if c.Name != "default" || c.Count != 3 || *c.Nested != (item{"h", 161}) || c.Labels["c"] != "d:" || !doc.Has("labels", "b") || !doc.Has("labels", "a:") {
		t.Errorf("got %+v", c)
	}
}

func TestFaultsNameFileLineAndWhatWouldBeRight(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":            {"name: x\nnaem: y\n", `a.yml:2: unknown key "naem"; known here: name, every, count, on, colour, items, labels, nested`},
		"unknown key in a list":  {"items:\n  - host: x\n    prot: 1\n", `a.yml:3: unknown key "prot"; known here: host, port`},
		"a key twice":            {"name: x\nname: y\n", `a.yml:2: key "name" stands here twice`},
		"no duration":            {"every: 5 parsecs\n", `a.yml:1: every: "5 parsecs"; want a duration such as 30s, 5m or 24h`},
		"no number":              {"items: [{port: http}]\n", `a.yml:1: port: "http"; want a whole number`},
		"no boolean":             {"on: perhaps\n", `a.yml:1: on: "perhaps"; want true or false`},
		"a type's own rule":      {"colour: blue\n", `a.yml:1: colour: "blue"; want red`},
		"a list where text goes": {"name: [a]\n", `a.yml:1: name: want a text`},
		"text where a list goes": {"items: a\n", `a.yml:1: items: want a list`},
		"text where keys go":     {"nested: a\n", `a.yml:1: nested: want keys and values`},
		"a second document":      {"name: x\n---\nname: y\n", `a.yml:2: a second document (---) starts here; want one a file`},
		"two faults at once":     {"count: x\nevery: y\n", "a.yml:1: count: \"x\"; want a whole number\na.yml:2: every: \"y\"; want a duration such as 30s, 5m or 24h"},
	} {
		t.Run(name, func(t *testing.T) {
			var c config
			err := yamlfile.Decode("a.yml", []byte(test.text), &c).Err()
			if err == nil || err.Error() != test.want {
				t.Errorf("got:\n%v\nwant:\n%s", err, test.want)
			}
		})
	}
}

func TestBrokenYAMLIsAFaultWithItsLine(t *testing.T) {
	var c config
	err := yamlfile.Decode("a.yml", []byte("name: x\n  bad: [\n"), &c).Err()
	if err == nil {
		t.Fatal("got no error")
	}
	t.Log(err)
}

func TestAFaultOfOnesOwnStandsAtItsValue(t *testing.T) {
	var c config
	doc := yamlfile.Decode("a.yml", []byte("name: x\nitems:\n  - host: a\n  - host: b\n"), &c)
	doc.Fault([]any{"items", 1, "host"}, "%q is taken; want another", "b")
	doc.Fault([]any{"items", 0, "port"}, "missing; want 1 to 65535")
	want := "a.yml:3: port: missing; want 1 to 65535\na.yml:4: host: \"b\" is taken; want another"
	if err := doc.Err(); err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

// pace has a default, wherever it stands.
type pace struct {
	Every int `yaml:"every"`
	Most  int `yaml:"most"`
}

func (p *pace) SetDefaults() { *p = pace{Every: 5, Most: 9} }

func TestValuesOfATableHaveTheirDefaults(t *testing.T) {
	var file struct {
		Agents map[string]pace `yaml:"agents"`
	}
	if err := yamlfile.Decode("f.yml", []byte("agents: {a: {every: 1}, b: {}}\n"), &file).Err(); err != nil {
		t.Fatal(err)
	}
	if file.Agents["a"] != (pace{1, 9}) || file.Agents["b"] != (pace{5, 9}) {
		t.Errorf("got %+v, want what the file leaves out as its default", file.Agents)
	}
}
