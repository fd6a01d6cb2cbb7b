package journal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/agent/yamlfile"
)

// Profile is how a kind of journal is read: a built-in format, or a table that it describes. README.md tells its keys.
type Profile struct {
	Name      string             `yaml:"name"`      // [a-z0-9-]{1,63}
	Title     string             `yaml:"title"`     // for people
	Format    string             `yaml:"format"`    // hylafax, asterisk, cucm, oxe or csv
	Zone      string             `yaml:"zone"`      // of its times, such as Europe/Paris or UTC; empty: that of the place
	Line      string             `yaml:"line"`      // own number where the rows don't tell it
	Lines     map[string]string  `yaml:"lines"`     // own number by what the rows name instead
	Unit      wire.EventUnit     `yaml:"unit"`      // the keys from here on are csv's only
	Delimiter string             `yaml:"delimiter"` // one character, or tab
	Encoding  string             `yaml:"encoding"`  // auto, utf-8 or windows-1252
	Skip      int                `yaml:"skip"`      // lines before the header or the first row
	Header    bool               `yaml:"header"`
	Date      yamlfile.OneOrMore `yaml:"date"`      // JJ/MM/AAAA HH:MM
	Direction string             `yaml:"direction"` // sent or received, where no column tells it
	Columns   Columns            `yaml:"columns"`
	Values    Values             `yaml:"values"`

	kind      *kind
	zone      *time.Location
	dates     []string
	delimiter byte
	windows   bool
	words     [2]map[string]string // of directions and results
}

// Columns say where a table has what: by name in the header, of which there may be several that are
// looked for in turn, or by number from 1. Empty: it hasn't.
type Columns struct {
	At        yamlfile.OneOrMore `yaml:"at"`
	Time      yamlfile.OneOrMore `yaml:"time"` // if it stands apart from the day
	Direction yamlfile.OneOrMore `yaml:"direction"`
	Local     yamlfile.OneOrMore `yaml:"local"` // our number
	Remote    yamlfile.OneOrMore `yaml:"remote"`
	From      yamlfile.OneOrMore `yaml:"from"` // instead of local, remote and direction
	To        yamlfile.OneOrMore `yaml:"to"`
	Pages     yamlfile.OneOrMore `yaml:"pages"`
	Duration  yamlfile.OneOrMore `yaml:"duration"`
	Result    yamlfile.OneOrMore `yaml:"result"`
	ID        yamlfile.OneOrMore `yaml:"id"`
}

// Values say what words of a table mean; upper and lower case are the same, and * is any other word.
// The usual ones in French and English need not be told.
type Values struct {
	Direction map[string]string `yaml:"direction"` // to sent, received or skip
	Result    map[string]string `yaml:"result"`    // to done, failed or skip
}

// Formats are the built-in formats; each is a profile's name, too.
func Formats() []string { return []string{"hylafax", "asterisk", "cucm", "oxe"} }

// Builtin is the built-in profile of that name; ok is false if there is none.
func Builtin(name string) (p *Profile, ok bool) {
	p = &Profile{Name: name, Format: name}
	return p, name != "csv" && p.prepare(yamlfile.Decode(name, nil, p)) == nil
}

// Load reads a profile strictly: errors tell name and line.
func Load(name string, yaml []byte) (*Profile, error) {
	p := &Profile{Format: "csv", Unit: wire.Message, Delimiter: ";", Encoding: "auto", Header: true}
	doc := yamlfile.Decode(name, yaml, p)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	if err := p.prepare(doc); err != nil {
		return nil, err
	}
	return p, nil
}

// Calls tells whether the profile reads calls of everybody, so that it must be told the fax lines.
func (p *Profile) Calls() bool { return p.kind.calls }

// Measures is what its events count.
func (p *Profile) Measures() wire.EventUnit {
	if p.kind.calls {
		return wire.Call
	}
	return wire.Message
}

func (p *Profile) layouts() []string { return p.dates }

// prepare checks the profile and makes what its reader needs.
func (p *Profile) prepare(doc *yamlfile.Doc) error {
	fault := func(format string, args []any, path ...any) { doc.Fault(path, format, args...) }
	if !wire.ValidAgent(p.Name) {
		fault("%q; want [a-z0-9-]{1,63}", []any{p.Name}, "name")
	}
	var err error
	if p.Zone != "" {
		if p.zone, err = time.LoadLocation(p.Zone); err != nil {
			fault("%q isn't known here; want a zone such as Europe/Paris, or UTC", []any{p.Zone}, "zone")
		}
	}
	p.delimiter = ','
	switch p.Format {
	case "hylafax":
		p.kind, p.dates = &hylafax, []string{"1/2/06 15:04"}
	case "asterisk":
		p.kind, p.dates = &asterisk, []string{"2006-1-2 15:04:05"}
	case "cucm":
		p.kind = &cucm
	case "oxe":
		p.kind, p.dates = &oxe, []string{"20060102 15:04:05"}
	case "csv":
		p.prepareTable(doc)
	default:
		fault("%q; want csv, %s", []any{p.Format, strings.Join(Formats(), ", ")}, "format")
	}
	if p.Format != "csv" {
		for _, key := range tableKeys {
			if doc.Has(key) {
				fault("is for tables (format: csv) only", nil, key)
			}
		}
	}
	return doc.Err()
}

var tableKeys = []string{"unit", "delimiter", "encoding", "skip", "header", "date", "direction", "columns", "values"}

func (p *Profile) prepareTable(doc *yamlfile.Doc) {
	p.kind = &table
	switch p.Unit {
	case wire.Message:
	case wire.Call:
		p.kind = &callTable
	default:
		doc.Fault([]any{"unit"}, "%q; want message or call", p.Unit)
	}
	switch {
	case p.Delimiter == "tab":
		p.delimiter = '\t'
	case len(p.Delimiter) == 1 && p.Delimiter != `"`:
		p.delimiter = p.Delimiter[0]
	default:
		doc.Fault([]any{"delimiter"}, `%q; want one character such as ; or tab`, p.Delimiter)
	}
	switch p.Encoding {
	case "auto", "utf-8":
	case "windows-1252":
		p.windows = true
	default:
		doc.Fault([]any{"encoding"}, "%q; want auto, utf-8 or windows-1252", p.Encoding)
	}
	if p.Skip < 0 {
		doc.Fault([]any{"skip"}, "%d; want 0 or more lines", p.Skip)
	}
	p.dates = nil
	for _, date := range p.Date {
		format, err := layout(date)
		if err != nil {
			doc.Fault([]any{"date"}, "%v", err)
		}
		p.dates = append(p.dates, format)
	}
	if len(p.dates) == 0 {
		doc.Fault([]any{"date"}, "missing; want the form of dates, such as JJ/MM/AAAA HH:MM")
	}
	p.checkColumns(doc)
	p.words[0] = p.vocabulary(doc, "direction", p.Values.Direction, usualDirections, toSent, toReceived)
	p.words[1] = p.vocabulary(doc, "result", p.Values.Result, usualResults, string(wire.Done), string(wire.Failed))
}

func (p *Profile) checkColumns(doc *yamlfile.Doc) {
	c := &p.Columns
	ends, parties := len(c.From)+len(c.To) > 0, len(c.Local)+len(c.Remote) > 0
	switch {
	case len(c.At) == 0:
		doc.Fault([]any{"columns"}, "at: missing; want the column of the date")
	case ends == parties:
		doc.Fault([]any{"columns"}, "want the numbers as local and remote, or as from and to")
	case ends && (len(c.Direction) > 0 || p.Direction != ""):
		doc.Fault([]any{"columns"}, "direction: goes with local and remote; from and to tell it themselves")
	case parties && len(c.Direction) == 0 && p.Direction != toSent && p.Direction != toReceived:
		doc.Fault([]any{"direction"}, "missing; want its column, or direction: sent or received for the whole journal")
	case len(c.Direction) > 0 && p.Direction != "":
		doc.Fault([]any{"direction"}, "want either a column or one direction for the whole journal")
	}
	if p.Header {
		return
	}
	for i, names := range c.roles() {
		for _, name := range *names {
			if n, err := strconv.Atoi(name); err != nil || n < 1 {
				doc.Fault([]any{"columns", roleNames[i]}, "%q; want its number from 1, since there is no header", name)
			}
		}
	}
}

// vocabulary is the usual words and the profile's own, which come first.
func (p *Profile) vocabulary(doc *yamlfile.Doc, key string, own, usual map[string]string, meanings ...string) map[string]string {
	words := map[string]string{}
	for meaning, list := range usual {
		for word := range strings.SplitSeq(list, " ") {
			words[strings.ReplaceAll(word, "_", " ")] = meaning
		}
	}
	for word, meaning := range own {
		if meaning != meanings[0] && meaning != meanings[1] && meaning != toSkip {
			doc.Fault([]any{"values", key, word}, "%q; want %s, %s or %s", meaning, meanings[0], meanings[1], toSkip)
		}
		words[strings.ToLower(strings.TrimSpace(word))] = meaning
	}
	return words
}

// String is the profile's title, or its name if it has none.
func (p *Profile) String() string {
	if p.Title != "" {
		return p.Title
	}
	return p.Name
}

var _ = fmt.Sprint
