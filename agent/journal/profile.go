package journal

import (
	"strconv"
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
	layouts   []string
	delimiter byte
	windows   bool
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

// prepare checks the profile and makes what its reader needs.
func (p *Profile) prepare(doc *yamlfile.Doc) error {
	fault := func(wrong bool, key, want string) {
		if wrong {
			doc.Fault([]any{key}, "want %s", want)
		}
	}
	fault(!wire.ValidAgent(p.Name), "name", "[a-z0-9-]{1,63}")
	if p.Zone != "" {
		var err error
		p.zone, err = Zone(p.Zone)
		fault(err != nil, "zone", "a zone that is known here, such as Europe/Paris, or UTC")
	}
	p.delimiter = ','
	switch p.Format {
	case "hylafax":
		p.kind, p.layouts = &hylafax, []string{"1/2/06 15:04"}
	case "asterisk":
		p.kind, p.layouts = &asterisk, []string{"2006-1-2 15:04:05"}
	case "cucm":
		p.kind, p.layouts = &cucm, []string{epoch}
	case "oxe":
		p.kind, p.layouts = &oxe, []string{"20060102 15:04:05"}
	case "csv":
		p.prepareTable(fault)
		for _, date := range p.Date {
			format := layout(date)
			fault(format == "", "date", "letters such as JJ/MM/AAAA HH:MM:SS or YYYY-MM-DD HH:mm, or unix")
			p.layouts = append(p.layouts, format)
		}
		return doc.Err()
	default:
		fault(true, "format", "hylafax, asterisk, cucm, oxe or csv")
	}
	for _, key := range [...]string{"unit", "delimiter", "encoding", "skip", "header", "date", "direction", "columns", "values"} {
		fault(doc.Has(key), key, "it with format: csv only")
	}
	return doc.Err()
}

func (p *Profile) prepareTable(fault func(wrong bool, key, want string)) {
	if p.kind = &table; p.Unit == wire.Call {
		p.kind = &callTable
	}
	p.windows = p.Encoding == "windows-1252"
	if p.Delimiter == "tab" {
		p.delimiter = '\t'
	} else if p.Delimiter != "" {
		p.delimiter = p.Delimiter[0]
	}
	c := &p.Columns
	ends, parties := len(c.From)+len(c.To) > 0, len(c.Local)+len(c.Remote) > 0
	fixed := p.Direction == toSent || p.Direction == toReceived
	fault(p.Unit != wire.Call && p.Unit != wire.Message, "unit", "message or call")
	fault(p.Delimiter != "tab" && len(p.Delimiter) != 1 || p.Delimiter == `"`, "delimiter", "one character such as ;, or tab")
	fault(!p.windows && p.Encoding != "auto" && p.Encoding != "utf-8", "encoding", "auto, utf-8 or windows-1252")
	fault(p.Skip < 0, "skip", "0 or more lines")
	fault(len(p.Date) == 0, "date", "the form of dates, such as JJ/MM/AAAA HH:MM")
	fault(p.Direction != "" && !fixed, "direction", "sent or received")
	fault(len(c.At) == 0, "columns", "at: the column of the date")
	fault(ends == parties, "columns", "either local and remote, or from and to")
	fault(parties && fixed == (len(c.Direction) > 0), "columns", "a direction, or one for the whole journal beside the columns")
	fault(ends && (fixed || len(c.Direction) > 0), "columns", "no direction with from and to, which tell it themselves")
	for _, names := range c.roles() {
		for _, name := range *names {
			n, err := strconv.Atoi(name)
			fault(!p.Header && (err != nil || n < 1), "columns", "numbers from 1, since there is no header")
			fault(n > 1<<15, "columns", "fewer than 32768 columns")
		}
	}
	for i, values := range [...]map[string]string{p.Values.Direction, p.Values.Result} {
		for _, meant := range values {
			fault(meant != meanings[2*i] && meant != meanings[2*i+1] && meant != toSkip, "values", "directions sent, received or skip; results done, failed or skip")
		}
	}
}

// String is the profile's title, or its name if it has none.
func (p *Profile) String() string {
	if p.Title != "" {
		return p.Title
	}
	return p.Name
}
