package journals

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Profile is how a kind of journal is read.
type Profile struct {
	*journal.Profile
	Text string // YAML, as hospitals share it; empty: it is built in
}

// Way is how a journal is read, and what its rows don't say themselves.
type Way struct {
	Profile Profile
	Journal string         // name
	Site    string         // id; empty: extensions are looked for at all sites
	Lines   []string       // its own number, or « modem=number », where its rows don't name it
	Zone    *time.Location // of local times, unless the profile names one
	Ours    Ours
}

// place is where a journal comes from, in the words of its reader.
func (w Way) place() (p journal.Place, err error) {
	p = journal.Place{Journal: w.Journal, Site: w.Site, Zone: w.Zone, Lines: make(map[string]string)}
	if p.Numbers, err = w.Ours.at(w.Site); err != nil {
		return p, err
	}
	for _, line := range w.Lines {
		name, number, named := strings.Cut(line, "=")
		switch name, number = strings.TrimSpace(name), strings.TrimSpace(number); {
		case named && name != "" && number != "":
			p.Lines[name] = number
		case !named && name != "" && p.Line == "":
			p.Line = name
		case line != "":
			return p, fmt.Errorf("line %q: want the journal's own number, once, or such as ttyS0=0241354000", line)
		}
	}
	return p, nil
}

// Check says what is wrong with the way.
func (w Way) Check() error {
	_, err := w.reader()
	return err
}

// ErrNoLines is of call records where no line is declared.
var ErrNoLines = errors.New("these are records of all calls, and no line is declared: which of them are faxes? Declare the lines first")

func (w Way) reader() (*journal.Reader, error) {
	place, err := w.place()
	if err != nil {
		return nil, err
	}
	if w.Profile.Calls() && place.Numbers.Empty() {
		return nil, ErrNoLines
	}
	return w.Profile.Reader(place)
}

// Rows are those of a journal, which may be compressed (.Z, .gz).
func (w Way) Rows(from io.Reader) (Rows, error) {
	r, err := w.reader()
	if err != nil {
		return nil, err
	}
	return func(each func(journal.Row) error) error { return r.Read(from, each) }, nil
}

// Find is the profile of a name.
func Find(name string, saved []ledger.JournalProfile) (Profile, error) {
	if p, known := journal.Builtin(name); known {
		return Profile{Profile: p}, nil
	}
	names := journal.Formats()
	for _, s := range saved {
		if s.Name == name {
			return ReadProfile(s.Name, []byte(s.Text))
		}
		names = append(names, s.Name)
	}
	return Profile{}, fmt.Errorf("there is no profile %q; want one of %s, or a file, such as sagem.yml", name, strings.Join(names, ", "))
}

// ReadProfile reads one that somebody wrote. file names it in errors.
func ReadProfile(file string, text []byte) (Profile, error) {
	p, err := journal.Load(file, text)
	if err != nil {
		return Profile{}, err
	}
	if _, builtin := journal.Builtin(p.Name); builtin {
		return Profile{}, fmt.Errorf("%s: name: %s is built in; want another name", file, p.Name)
	}
	return Profile{p, string(text)}, nil
}
