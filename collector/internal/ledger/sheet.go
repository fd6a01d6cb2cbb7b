package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// Weather is how a service's move away from fax goes, as the national kit draws it.
type Weather string

// The weathers, the best first.
const (
	Sunny         Weather = "sunny"
	Bright        Weather = "bright" // sun and clouds
	Cloudy        Weather = "cloudy"
	Stormy        Weather = "stormy"
	UnsaidWeather Weather = ""
)

// Weathers are all that can be said, the best first.
func Weathers() []Weather { return []Weather{Sunny, Bright, Cloudy, Stormy} }

// Risk is how much harm a watch point may do.
type Risk string

// The risks, the least first.
const (
	MinorRisk    Risk = "minor"
	ModerateRisk Risk = "moderate"
	MajorRisk    Risk = "major"
)

// Risks are all risks, the least first.
func Risks() []Risk { return []Risk{MinorRisk, ModerateRisk, MajorRisk} }

// WatchPoint is what may stand in a service's way, and what is done about it.
type WatchPoint struct {
	Text       string `json:"text"`
	Risk       Risk   `json:"risk"`
	Mitigation string `json:"mitigation,omitempty"` // empty: nothing yet
}

// Sheet is the kit's sheet of a service as it was on a day. When its lines are to be cut stands with the lines.
type Sheet struct {
	Service     string       `json:"service"`
	Day         Day          `json:"day"`     // of which the situation is
	Weather     Weather      `json:"weather"` // empty: not said
	Highlights  string       `json:"highlights,omitempty"`
	Referent    string       `json:"referent,omitempty"` // who stands for the move in the service
	QuestionsOn Day          `json:"questions_on,omitempty"`
	NextSteps   string       `json:"next_steps,omitempty"` // like Highlights one a line
	Points      []WatchPoint `json:"points,omitempty"`
	SavedAt     wire.Time    `json:"saved_at"` // last; the ledger sets it
	SavedBy     string       `json:"saved_by"` // likewise
}

// Risk is that of its worst watch point, empty if it has none.
func (s *Sheet) Risk() (worst Risk) {
	for _, p := range s.Points {
		if worst == "" || slices.Index(Risks(), p.Risk) > slices.Index(Risks(), worst) {
			worst = p.Risk
		}
	}
	return worst
}

// ErrNoService is that a service is not in the register.
var ErrNoService = errors.New("no such service")

var sheetsTable = table{"sheets", "service, day, weather, highlights, referent, questions_on, next_steps, points, saved_at, saved_by", 2, false}

// Sheets are those that hold on a day, by service: of each the newest version up to it. An empty day is today's
// and later. Services that have none are left out.
func (l *Ledger) Sheets(ctx context.Context, at Day) (all []Sheet, err error) {
	if at == "" {
		at = "9999-12-31"
	}
	err = l.read(ctx, "sheets", func(q querier, _ wire.Time) error {
		all, err = readSheets(ctx, q, "(service, day) IN (SELECT service, MAX(day) FROM sheets WHERE day <= ? GROUP BY service)", string(at))
		return err
	})
	return all, err
}

// AllSheets are all versions of all sheets, by service and day.
func (l *Ledger) AllSheets(ctx context.Context) (all []Sheet, err error) {
	err = l.read(ctx, "sheets", func(q querier, _ wire.Time) error {
		all, err = readSheets(ctx, q, "TRUE")
		return err
	})
	return all, err
}

// SheetHistory are all versions of a service's sheet, the newest first.
func (l *Ledger) SheetHistory(ctx context.Context, service string) (all []Sheet, err error) {
	err = l.read(ctx, "sheet", func(q querier, _ wire.Time) error {
		all, err = readSheets(ctx, q, "service = ?", service)
		return err
	})
	slices.Reverse(all)
	return all, err
}

// DeclareSheet lets change say how a service is on a day, in one transaction with the audit log. It is handed the
// sheet as of that day, an empty one where nothing was ever said. What it gives back is that day's version from
// then on; those of other days stay. A service that is not in the register is ErrNoService; on an error of
// change nothing happens.
func (l *Ledger) DeclareSheet(ctx context.Context, by Author, service string, day Day, change func(Register, Sheet) (Sheet, error)) error {
	if day.In(l.zone) == 0 {
		return fmt.Errorf("sheet of %s: %q is no day", service, day)
	}
	return l.transact(ctx, func(b *books) error {
		if _, known := b.register.Services[service]; !known {
			return fmt.Errorf("sheet of %q: %w", service, ErrNoService)
		}
		before, err := readSheets(ctx, l.store.conn, "service = ? AND day = (SELECT MAX(day) FROM sheets WHERE service = ? AND day <= ?)", service, service, string(day))
		if err != nil {
			return err
		}
		was := Sheet{Service: service}
		if len(before) > 0 {
			was = before[0]
		}
		is, err := change(b.register.Clone(), was)
		if err = errors.Join(err, is.check()); err != nil {
			return err
		}
		is.Service, is.Day, is.SavedAt, is.SavedBy = service, day, wire.TimeOf(b.now()), by.Who
		b.changes.declared = append(b.changes.declared, is.record())
		b.auditFields(by, "sheets "+service+" "+string(day), was.fields(), is.fields())
		return nil
	})
}

// check wants words that are known.
func (s *Sheet) check() error {
	if s.Weather != UnsaidWeather && !slices.Contains(Weathers(), s.Weather) {
		return fmt.Errorf("weather %q isn't known; want one of %v", s.Weather, Weathers())
	}
	for _, p := range s.Points {
		if !slices.Contains(Risks(), p.Risk) {
			return fmt.Errorf("risk %q of %q isn't known; want one of %v", p.Risk, p.Text, Risks())
		}
	}
	return nil
}

// field is a part of a thing as the audit log shows it.
type field struct{ name, text string }

// auditFields notes which fields of a thing are others than before; where none is, only that it was said again.
func (b *books) auditFields(by Author, subject string, before, after []field) {
	noted := b.last.audit
	for i, f := range after {
		b.log(by, subject, f.name, before[i].text, f.text)
	}
	if b.last.audit == noted {
		b.log(by, subject, "confirmed", "", "1")
	}
}

func (s *Sheet) fields() []field {
	return []field{
		{"weather", string(s.Weather)},
		{"highlights", s.Highlights},
		{"referent", s.Referent},
		{"questions_on", string(s.QuestionsOn)},
		{"next_steps", s.NextSteps},
		{"points", s.pointsInWords()},
	}
}

// pointsInWords has a line for each watch point.
func (s *Sheet) pointsInWords() string {
	lines := make([]string, len(s.Points))
	for i, p := range s.Points {
		lines[i] = string(p.Risk) + ": " + p.Text
		if p.Mitigation != "" {
			lines[i] += " → " + p.Mitigation
		}
	}
	return strings.Join(lines, "\n")
}

func (s *Sheet) record() record {
	return record{&sheetsTable, []any{
		s.Service, string(s.Day), string(s.Weather), s.Highlights, s.Referent, string(s.QuestionsOn), s.NextSteps, list(s.Points),
		int64(s.SavedAt), s.SavedBy,
	}}
}

// readSheets reads versions by service and day.
func readSheets(ctx context.Context, q querier, where string, args ...any) (all []Sheet, err error) {
	query := "SELECT " + sheetsTable.columns + " FROM sheets WHERE " + where + " ORDER BY service, day"
	err = each(ctx, q, query, func(read func(...any) error) error {
		var x Sheet
		var points string
		err := read(&x.Service, &x.Day, &x.Weather, &x.Highlights, &x.Referent, &x.QuestionsOn, &x.NextSteps, &points, &x.SavedAt, &x.SavedBy)
		if err == nil && points != "" {
			err = json.Unmarshal([]byte(points), &x.Points)
		}
		all = append(all, x)
		return err
	}, args...)
	return all, err
}
