package ledger

import (
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Register is what people declare. What changes with time has versions, oldest first, each
// valid from its From until the next one's; the first one's is 0, always, so that a first
// assignment reaches back to the first reading.
type Register struct {
	Establishments map[string]Establishment    // by id
	Sites          map[string]Site             // by id
	Poles          map[string]Pole             // by id
	Services       map[string]Service          // by id
	UFs            map[string][]UF             // by UF.Key
	Lines          map[string][]Declaration    // by line id
	Devices        map[string][]DeclaredDevice // by device as declared, lower case
	Targets        map[TargetKey][]Target      // by month
	Copper         map[string]Copper           // by commune: the newest dates of the communes of Sites. Only read
}

// Establishment is a hospital (entité juridique).
type Establishment struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	FINESS string `json:"finess,omitempty"` // 9 characters
}

// Site is where an establishment stands (entité géographique).
type Site struct {
	ID            string `json:"id"`
	Establishment string `json:"establishment"`
	Name          string `json:"name"`
	Commune       string `json:"commune,omitempty"`   // INSEE
	TimeZone      string `json:"time_zone,omitempty"` // IANA; empty: the collector's
}

// Pole is a division of an establishment.
type Pole struct {
	ID            string `json:"id"`
	Establishment string `json:"establishment"`
	Name          string `json:"name"`
}

// Service is a department. Its name may change, its id doesn't.
type Service struct {
	ID            string `json:"id"`
	Establishment string `json:"establishment"`
	Pole          string `json:"pole"` // the present one
	Name          string `json:"name"`
}

// UF is a functional unit, in one of its versions.
type UF struct {
	Establishment string    `json:"establishment"` // two of a group may have the same code
	Code          string    `json:"code"`          // has leading zeros
	From          wire.Time `json:"from,omitempty"`
	To            wire.Time `json:"to,omitempty"` // closed since; 0 = open
	Service       string    `json:"service"`
	Name          string    `json:"name"`
}

// Key tells functional units apart.
func (u UF) Key() string { return u.Establishment + "/" + u.Code }

// Place is where something belongs, by ids; empty ones are not assigned.
type Place struct {
	Establishment string `json:"establishment"`
	Site          string `json:"site"`
	Pole          string `json:"pole"`
	Service       string `json:"service"`
	UF            string `json:"uf,omitempty"`
}

// Declaration is a line as declared, in one of its versions. Cutoff, CutOn and the exception
// (Kept…) hold for all times as the newest version has them; the older ones are their history.
type Declaration struct {
	Line        string // id: the national number, else site:extension
	From        wire.Time
	Removed     bool
	Number      string // national form, or E.164 for foreign ones; may be empty
	Extension   string
	Device      string // as declared: an id or a serial; may not have been seen yet
	Port        string
	Gateway     string // as declared
	GatewayPort string
	Place
	Support    string // analogique, T0, T2, sip, serveur
	Cutoff     Day    // planned: from 00:00 of that day on nobody should fax
	CutOn      Day    // really: from the end of that day on nobody can
	KeptReason string
	KeptUntil  Day // to be reviewed
	Contact    string
}

// DeclaredDevice is where a device stands, in one of its versions.
type DeclaredDevice struct {
	Device string // as declared: an id or a serial
	From   wire.Time
	Place
	Name      string
	Location  string
	Inventory string
}

// Copper is when the copper network closes in a commune.
type Copper struct {
	Commune    string `json:"commune"` // INSEE
	Name       string `json:"name"`
	Commercial Day    `json:"commercial,omitempty"` // nothing new after it
	Technical  Day    `json:"technical,omitempty"`  // nothing at all after it
	Lot        string `json:"lot,omitempty"`
	File       string `json:"file"`     // where it was read
	FileDay    Day    `json:"file_day"` // of that file
}

// Day is a day of the calendar, 2026-10-31; empty = none.
type Day string

// In is the beginning of the day in a zone, 0 for none.
func (d Day) In(zone *time.Location) wire.Time {
	if d == "" {
		return 0
	}
	t, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return 0
	}
	return wire.TimeOf(t)
}

// Until is how many days lie between two days; 0 where one of them is none.
func (d Day) Until(other Day) int {
	from, to := d.In(time.UTC), other.In(time.UTC)
	if from == 0 || to == 0 {
		return 0
	}
	return int(to.Sub(from) / day)
}

// Author is who changes something, and from what.
type Author struct {
	Who    string // a person's name or account
	Source string // a file or a command
}

// Entry is one line of the audit log.
type Entry struct {
	ID      int64     `json:"id"`
	At      wire.Time `json:"at"`
	Who     string    `json:"who"`
	Source  string    `json:"source"`
	Subject string    `json:"subject"` // table and key
	Field   string    `json:"field"`
	Before  string    `json:"before"`
	After   string    `json:"after"`
}

// dated is anything with versions.
type dated interface{ from() wire.Time }

func (x UF) from() wire.Time             { return x.From }
func (x Declaration) from() wire.Time    { return x.From }
func (x DeclaredDevice) from() wire.Time { return x.From }

// ValidAt is the version that is valid at a time; ok is false where there is none.
func ValidAt[T dated](versions []T, at wire.Time) (valid T, ok bool) {
	for _, v := range versions {
		if v.from() <= at {
			valid, ok = v, true
		}
	}
	return valid, ok
}

// Present is the newest version.
func Present[T dated](versions []T) (newest T, ok bool) {
	if len(versions) == 0 {
		return newest, false
	}
	return versions[len(versions)-1], true
}
