package journals

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/charmap"

	"github.com/zerofax/zerofax/agent/wire"
)

// Table is a profile of a table, as a form says it. Its fields are those of journal.Profile.
type Table struct {
	Name      string            `yaml:"name"`
	Title     string            `yaml:"title,omitempty"`
	Format    string            `yaml:"format"`
	Unit      string            `yaml:"unit"`
	Zone      string            `yaml:"zone,omitempty"`
	Delimiter string            `yaml:"delimiter"`
	Encoding  string            `yaml:"encoding"`
	Skip      int               `yaml:"skip,omitempty"`
	Header    bool              `yaml:"header"`
	Date      []string          `yaml:"date"`
	Direction string            `yaml:"direction,omitempty"` // of all rows, where no column tells it
	Columns   map[string]string `yaml:"columns"`
	Values    TableValues       `yaml:"values,omitempty"`
}

// TableValues say what words of a table mean, beside the usual ones.
type TableValues struct {
	Direction map[string]string `yaml:"direction,omitempty"` // to sent, received or skip
	Result    map[string]string `yaml:"result,omitempty"`    // to done, failed or skip
}

// Roles are the columns that a table may have, in the order in which people are asked for them.
func Roles() []string {
	return []string{"at", "time", "direction", "local", "remote", "from", "to", "pages", "duration", "result", "id"}
}

// Profile is the table's, as hospitals share it.
func (t Table) Profile() (Profile, error) {
	text, err := yaml.Marshal(t)
	if err != nil {
		return Profile{}, fmt.Errorf("write profile: %w", err)
	}
	return ReadProfile(t.Name, text)
}

// Faults are what is missing in a table, by the names of a form's fields.
func (t Table) Faults() map[string]string {
	list := make(map[string]string)
	has := func(role string) bool { return t.Columns[role] != "" }
	if !has("at") {
		list["column-at"] = "at"
	}
	if len(t.Date) == 0 {
		list["date"] = "date"
	}
	ends, parties := has("from") || has("to"), has("local") || has("remote")
	switch {
	case ends == parties:
		list["column-remote"] = "parties"
	case ends && (has("direction") || t.Direction != ""), parties && has("direction") == (t.Direction != ""):
		list["column-direction"] = "direction"
	}
	return list
}

// Head is how a table begins.
type Head struct {
	Headers []string   // of the columns; their numbers where it has no header
	Rows    [][]string // the first few below
}

const (
	headBytes = 64 << 10
	headRows  = 5
)

// Sniff finds out what a table is like from how it begins: what stands between its cells, what its columns are, how dates
// are written. It is a proposal.
func Sniff(from io.Reader) Table {
	t := Table{Format: "csv", Unit: string(wire.Message), Delimiter: ";", Encoding: "auto", Header: true, Columns: make(map[string]string)}
	lines := beginning(from)
	t.Delimiter, t.Skip = delimiter(lines)
	head := t.headOf(lines)
	if len(head.Rows) == 0 {
		return t
	}
	if t.Header = !slices.ContainsFunc(head.Headers, func(h string) bool { return dateForm(h) != "" }); !t.Header {
		head = t.headOf(lines)
	}
	t.guessColumns(head)
	return t
}

// Head is how a table begins, read as it says.
func (t Table) Head(from io.Reader) Head { return t.headOf(beginning(from)) }

// beginning are the first whole lines of a file.
func beginning(from io.Reader) []string {
	data, err := io.ReadAll(io.LimitReader(from, headBytes))
	if err == nil && len(data) == headBytes {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	if !utf8.Valid(data) {
		if text, err := charmap.Windows1252.NewDecoder().Bytes(data); err == nil {
			data = text
		}
	}
	var lines []string
	for text := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))); text.Scan(); {
		lines = append(lines, text.Text())
	}
	return lines
}

// delimiter is what stands between the cells of most lines, and how many lines come before the first of them.
func delimiter(lines []string) (best string, skip int) {
	best, most := ";", 0
	for _, mark := range []string{";", "\t", ",", "|"} {
		counts := make(map[int]int)
		for _, line := range lines {
			counts[strings.Count(line, mark)]++
		}
		for n, often := range counts {
			if n > 0 && often*min(n, 10) > most {
				best, most = mark, often*min(n, 10)
			}
		}
	}
	skip = max(0, slices.IndexFunc(lines, func(line string) bool { return strings.Count(line, best) > 1 }))
	if best == "\t" {
		best = "tab"
	}
	return best, skip
}

func (t Table) headOf(lines []string) (h Head) {
	text := csv.NewReader(strings.NewReader(strings.Join(lines[min(max(t.Skip, 0), len(lines)):], "\n")))
	text.FieldsPerRecord, text.LazyQuotes, text.TrimLeadingSpace = -1, true, true
	if text.Comma = '\t'; t.Delimiter != "tab" {
		if text.Comma, _ = utf8.DecodeRuneInString(t.Delimiter); text.Comma == utf8.RuneError || text.Comma == '"' || text.Comma == '\n' || text.Comma == '\r' {
			return h
		}
	}
	for len(h.Rows) < headRows {
		row, err := text.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			continue
		}
		if h.Headers == nil {
			h.Headers = headers(row, t.Header)
			if t.Header {
				continue
			}
		}
		h.Rows = append(h.Rows, row)
	}
	return h
}

// headers are what a table's columns are called by: their names, else their numbers.
func headers(row []string, named bool) []string {
	list := make([]string, len(row))
	for i, cell := range row {
		if list[i] = strings.TrimSpace(cell); !named || list[i] == "" {
			list[i] = strconv.Itoa(i + 1)
		}
	}
	return list
}

// roleWords are what columns are called that have a role, without accents and blanks.
var roleWords = map[string][]string{
	"at":        {"dateheure", "datetime", "horodatage", "datehour", "dateetheure", "datedenvoi", "starttime", "date", "jour", "debut", "start"},
	"time":      {"heure", "time", "hour"},
	"direction": {"sens", "direction", "way", "typedoperation", "mode"},
	"local":     {"numerolocal", "lignelocale", "local", "lignefax", "ligne", "line", "numeroappele", "sda", "poste", "extension"},
	"remote":    {"numerodistant", "distant", "remote", "correspondant", "destinataire", "interlocuteur", "numero", "number", "telecopieur", "partner"},
	"from":      {"appelant", "emetteur", "expediteur", "from", "caller", "source", "src", "callingnumber"},
	"to":        {"appele", "recepteur", "to", "called", "destination", "dst", "callednumber"},
	"pages":     {"nombredepages", "nbpages", "pages", "page", "pagecount"},
	"duration":  {"duree", "duration", "dureesec", "temps", "seconds"},
	"result":    {"resultat", "result", "statut", "status", "etat", "disposition", "codefin"},
	"id":        {"identifiant", "identifiantunique", "id", "uniqueid", "jobid", "numerodetravail", "reference"},
}

// guessColumns gives each column the role that its name sounds like, and finds how its dates are written.
func (t *Table) guessColumns(h Head) {
	taken := make(map[string]bool)
	for _, role := range Roles() {
		for _, word := range roleWords[role] {
			at := slices.IndexFunc(h.Headers, func(name string) bool { return !taken[name] && letters(name) == word })
			if at >= 0 {
				t.Columns[role], taken[h.Headers[at]] = h.Headers[at], true
				break
			}
		}
	}
	if t.Columns["from"] != "" && t.Columns["to"] != "" {
		delete(t.Columns, "local")
		delete(t.Columns, "remote")
		delete(t.Columns, "direction")
	} else if t.Columns["local"] != "" || t.Columns["remote"] != "" {
		delete(t.Columns, "from")
		delete(t.Columns, "to")
	}
	if t.Columns["at"] == "" {
		for i, cell := range h.Rows[0] {
			if i < len(h.Headers) && dateForm(cell) != "" {
				t.Columns["at"] = h.Headers[i]
				break
			}
		}
	}
	t.guessDate(h)
}

func (t *Table) guessDate(h Head) {
	cell := func(role string) string {
		if i := slices.Index(h.Headers, t.Columns[role]); i >= 0 && i < len(h.Rows[0]) {
			return h.Rows[0][i]
		}
		return ""
	}
	if form := dateForm(cell("at")); form != "" {
		if strings.Contains(form, "H") {
			delete(t.Columns, "time")
		}
		t.Date = []string{form}
	}
	if t.Columns["time"] != "" && len(t.Date) == 1 {
		if form := dateForm(cell("at") + " " + cell("time")); form != "" {
			t.Date[0] = form
		}
	}
}

// dateForms are the usual ones, as people say them and as Go does.
var dateForms = [][2]string{
	{"JJ/MM/AAAA", "02/01/2006"},
	{"AAAA-MM-JJ", "2006-01-02"},
	{"JJ-MM-AAAA", "02-01-2006"},
	{"JJ.MM.AAAA", "02.01.2006"},
	{"MM/JJ/AAAA", "01/02/2006"},
	{"AAAA/MM/JJ", "2006/01/02"},
	{"JJ/MM/AA", "02/01/06"},
	{"AAAAMMJJ", "20060102"},
}

var timeForms = [][2]string{{"", ""}, {" HH:MM", " 15:04"}, {" HH:MM:SS", " 15:04:05"}, {"THH:MM:SS", "T15:04:05"}}

// dateForm is the form in which a date is written; the day comes first where it may be the month, too. Empty: it is none.
func dateForm(text string) string {
	for _, date := range dateForms {
		for _, clock := range timeForms {
			if _, err := time.Parse(date[1]+clock[1], strings.TrimSpace(text)); err == nil {
				return date[0] + clock[0]
			}
		}
	}
	return ""
}

var plainLetters = strings.NewReplacer("é", "e", "è", "e", "ê", "e", "à", "a", "â", "a", "î", "i", "ô", "o", "û", "u", "ç", "c", "n°", "numero", "nº", "numero")

// letters are a name's own, small and without accents.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, plainLetters.Replace(strings.ToLower(name)))
}

// NameOf makes a name as profiles and journals have it of what people call one: « Sagem du standard » is sagem-du-standard.
func NameOf(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return ' '
	}, plainLetters.Replace(strings.ToLower(text)))
	name := strings.Join(strings.Fields(text), "-")
	return strings.Trim(name[:min(len(name), 63)], "-")
}
