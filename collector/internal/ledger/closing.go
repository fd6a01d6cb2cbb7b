package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Closing is a month that somebody closed: its figures were frozen as they were then. What comes in later, a
// backlog or an accepted anomaly, changes the books and what is computed from them, and never these.
type Closing struct {
	Month   Month
	Version int // 1; one more each time that the month is closed again
	At      wire.Time
	By      string
	Note    string // may be empty
	Count   int    // of its figures
	Digest  string // SHA-256 of its figures, in hex: it proves that they are those of then

	ReopenedAt wire.Time // 0: it holds
	ReopenedBy string
	Reason     string // why it was reopened

	Figures []ClosedFigure // in their order; nil in a list of closings
}

// Holds tells whether it was not reopened.
func (c *Closing) Holds() bool { return c.ReopenedAt == 0 }

// ClosedFigure is an indicator of a scope as it was when its month was closed. Its words are those of package
// indicators, whose Thaw makes figures of it again.
type ClosedFigure struct {
	Level         string // whole, structure, pole, service
	Establishment string // ids
	Pole          string
	Service       string
	Name          string // of the scope, at that time
	Indicator     string
	Counted       string // lines, pages, faxes, addresses, messages
	Unit          string // as machines call it
	Value         *int64 // nil: unknown
	Source        string
	Certainty     string
	Unseen        int64        // lines that nobody saw
	Parts         []ClosedPart // what each measure gave the value
	Watched       int64        // tenths of days
	Days          int64        // of the month
	Straddling    int64        // of the value, what may belong to the month before
	Target        *int64       // nil: none was set
}

// ClosedPart is what one measure gave a figure.
type ClosedPart struct {
	Measure wire.Measure `json:"measure"`
	Unit    string       `json:"unit"`
	Count   int64        `json:"count"`
}

// Compare orders figures by level, scope, indicator and what they count.
func (f *ClosedFigure) Compare(other *ClosedFigure) int {
	return cmp.Or(strings.Compare(f.Level, other.Level), strings.Compare(f.Establishment, other.Establishment),
		strings.Compare(f.Pole, other.Pole), strings.Compare(f.Service, other.Service),
		strings.Compare(f.Indicator, other.Indicator), strings.Compare(f.Counted, other.Counted))
}

// MonthBooks is all that the figures of a month are computed from, at one instant.
type MonthBooks struct {
	Snapshot
	Closed   Month // the month that is to be closed
	Months   []MonthSum
	MSSante  MSSante
	Journals Journals
}

// What stands in the way of closing a month, or of reopening it.
var (
	ErrMonthClosed    = errors.New("the month is closed already")
	ErrMonthNotClosed = errors.New("the month is not closed")
	ErrMonthNotOver   = errors.New("the month is not over")
	ErrNothingBooked  = errors.New("nothing is in the books of that month")
)

// CloseMonth freezes the figures of a month that is over, and notes it in the audit log. freeze computes them from the
// books; it is called while nobody else can write and must not touch the ledger. A month that was reopened gets
// another version. Refusals are ErrMonthNotOver, ErrMonthClosed and ErrNothingBooked.
func (l *Ledger) CloseMonth(ctx context.Context, by Author, month Month, note string, freeze func(MonthBooks) []ClosedFigure) (c Closing, err error) {
	err = l.transact(ctx, func(b *books) error {
		if err := l.mayClose(ctx, b, month); err != nil {
			return fmt.Errorf("close %s: %w", month, err)
		}
		before, err := readClosings(ctx, l.store.conn, month)
		if err != nil {
			return err
		}
		c = Closing{Month: month, Version: 1, At: wire.TimeOf(b.now()), By: cmp.Or(by.Who, "?"), Note: strings.TrimSpace(note)}
		if len(before) > 0 {
			if before[0].Holds() {
				return fmt.Errorf("close %s: %w, since %s by %s", month, ErrMonthClosed, before[0].At, before[0].By)
			}
			c.Version = before[0].Version + 1
		}
		of, err := l.monthBooks(ctx, month)
		if err != nil {
			return err
		}
		c.Figures = freeze(of)
		slices.SortFunc(c.Figures, func(x, y ClosedFigure) int { return x.Compare(&y) })
		c.Count, c.Digest = len(c.Figures), digest(c.Figures)
		b.log(by, c.subject(), "closed", "", fmt.Sprintf("%d figures, SHA-256 %s", c.Count, c.Digest))
		b.log(by, c.subject(), "note", "", c.Note)
		return errors.Join(l.store.writeClosing(ctx, &c), l.store.writeClosedFigures(ctx, &c))
	})
	return c, err
}

// mayClose wants a month that is over wherever there is a site, and not before anything was booked.
func (l *Ledger) mayClose(ctx context.Context, b *books, month Month) error {
	now := wire.TimeOf(b.now())
	zones := []*time.Location{time.UTC, l.zone}
	for _, site := range b.register.Sites {
		zones = append(zones, l.zones.Of(site.TimeZone))
	}
	for _, zone := range zones {
		if now < month.Add(1).In(zone) {
			return fmt.Errorf("%w in %s", ErrMonthNotOver, zone)
		}
	}
	first, err := firstMonth(ctx, l.store.conn)
	if err != nil {
		return err
	}
	if first == 0 || month < first {
		return ErrNothingBooked
	}
	return nil
}

// monthBooks reads what figures are computed from. The readers see what was committed before the transaction that
// asks, and nobody else can commit meanwhile.
func (l *Ledger) monthBooks(ctx context.Context, month Month) (m MonthBooks, err error) {
	m.Closed = month
	if m.Snapshot, err = l.Snapshot(ctx); err != nil {
		return m, err
	}
	if m.Months, err = l.Months(ctx, month, month); err != nil {
		return m, err
	}
	if m.MSSante, err = l.MSSante(ctx, month, month); err != nil {
		return m, err
	}
	m.Journals, err = l.Journals(ctx, month, month)
	return m, err
}

// ReopenMonth lets a closed month be closed again, for a reason that is kept with the closing. version is that of the
// closing that is meant; where another one holds, or none, it is ErrMonthNotClosed.
func (l *Ledger) ReopenMonth(ctx context.Context, by Author, month Month, version int, reason string) error {
	if reason = strings.TrimSpace(reason); reason == "" {
		return fmt.Errorf("reopen %s: a reason is needed", month)
	}
	return l.transact(ctx, func(b *books) error {
		all, err := readClosings(ctx, l.store.conn, month)
		if err != nil {
			return err
		}
		if len(all) == 0 || !all[0].Holds() || all[0].Version != version {
			return fmt.Errorf("reopen %s, version %d: %w", month, version, ErrMonthNotClosed)
		}
		c := all[0]
		c.ReopenedAt, c.ReopenedBy, c.Reason = wire.TimeOf(b.now()), cmp.Or(by.Who, "?"), reason
		b.log(by, c.subject(), "reason", "", reason)
		return l.store.writeClosing(ctx, &c)
	})
}

// Closings are all that were ever made, without their figures: the latest month and its latest version first.
func (l *Ledger) Closings(ctx context.Context) (all []Closing, err error) {
	err = l.read(ctx, "closings", func(q querier, _ wire.Time) error {
		all, err = readClosings(ctx, q, 0)
		return err
	})
	return all, err
}

// Closing is the closing of a month that holds, with its figures; ok is false where the month is open.
func (l *Ledger) Closing(ctx context.Context, month Month) (c Closing, ok bool, err error) {
	return l.ClosingAs(ctx, month, 0)
}

// ClosingAs is a version of a month's closing with its figures, also one that was reopened; version 0 is the one that
// holds. ok is false where there is none.
func (l *Ledger) ClosingAs(ctx context.Context, month Month, version int) (c Closing, ok bool, err error) {
	err = l.read(ctx, "closing", func(q querier, _ wire.Time) error {
		all, err := readClosings(ctx, q, month)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(x Closing) bool { return x.Version == version || version == 0 && x.Holds() })
		if ok = i >= 0; !ok {
			return nil
		}
		c = all[i]
		c.Figures, err = readClosedFigures(ctx, q, c.Month, c.Version)
		return err
	})
	return c, ok, err
}

var (
	closingsTable      = table{"closings", "month, version, closed_at, closed_by, note, figures, digest, reopened_at, reopened_by, reason", 2, false}
	closedFiguresTable = table{"closed_figures", "month, version, level, establishment, pole, service, indicator, counted, name, unit, value, " +
		"source, certainty, unseen, parts, watched, days, straddling, target", 0, false}
)

func (c *Closing) subject() string {
	return fmt.Sprintf("%s version %d %d", closingsTable.name, c.Version, int64(c.Month))
}

func (s *store) writeClosing(ctx context.Context, c *Closing) error {
	return s.write(ctx, closingsTable, 1, func(_ int, to []any) []any {
		return append(to, int64(c.Month), c.Version, int64(c.At), c.By, c.Note, c.Count, c.Digest, int64(c.ReopenedAt), c.ReopenedBy, c.Reason)
	})
}

func (s *store) writeClosedFigures(ctx context.Context, c *Closing) error {
	return s.write(ctx, closedFiguresTable, len(c.Figures), func(i int, to []any) []any {
		f := &c.Figures[i]
		return append(to, int64(c.Month), c.Version, f.Level, f.Establishment, f.Pole, f.Service, f.Indicator, f.Counted, f.Name, f.Unit,
			f.Value, f.Source, f.Certainty, f.Unseen, list(f.Parts), f.Watched, f.Days, f.Straddling, f.Target)
	})
}

// readClosings reads those of a month, or of all with 0.
func readClosings(ctx context.Context, q querier, month Month) (all []Closing, err error) {
	query := "SELECT " + closingsTable.columns + " FROM closings WHERE ? IN (0, month) ORDER BY month DESC, version DESC"
	return all, each(ctx, q, query, func(read func(...any) error) error {
		var c Closing
		err := read(&c.Month, &c.Version, &c.At, &c.By, &c.Note, &c.Count, &c.Digest, &c.ReopenedAt, &c.ReopenedBy, &c.Reason)
		all = append(all, c)
		return err
	}, int64(month))
}

// Closed are the closings that hold of the months from and to and of those between, with their figures of one level: all
// of them would be many.
func (l *Ledger) Closed(ctx context.Context, from, to Month, level string) (all []Closing, err error) {
	err = l.read(ctx, "closings", func(q querier, _ wire.Time) error {
		closings, err := readClosings(ctx, q, 0)
		if err != nil {
			return err
		}
		for _, c := range closings {
			if !c.Holds() || c.Month < from || c.Month > to {
				continue
			}
			if c.Figures, err = readFiguresWhere(ctx, q, "month = ? AND version = ? AND level = ?", int64(c.Month), c.Version, level); err != nil {
				return err
			}
			all = append(all, c)
		}
		return nil
	})
	return all, err
}

func readClosedFigures(ctx context.Context, q querier, month Month, version int) (all []ClosedFigure, err error) {
	return readFiguresWhere(ctx, q, "month = ? AND version = ?", int64(month), version)
}

func readFiguresWhere(ctx context.Context, q querier, where string, args ...any) (all []ClosedFigure, err error) {
	err = each(ctx, q, "SELECT "+closedFiguresTable.columns+" FROM closed_figures WHERE "+where, func(read func(...any) error) error {
		var f ClosedFigure
		var value, target sql.NullInt64
		var parts string
		if err := read(new(int64), new(int64), &f.Level, &f.Establishment, &f.Pole, &f.Service, &f.Indicator, &f.Counted, &f.Name, &f.Unit,
			&value, &f.Source, &f.Certainty, &f.Unseen, &parts, &f.Watched, &f.Days, &f.Straddling, &target); err != nil {
			return err
		}
		f.Value, f.Target = known(value), known(target)
		err := decodeList(parts, &f.Parts)
		all = append(all, f)
		return err
	}, args...)
	slices.SortFunc(all, func(x, y ClosedFigure) int { return x.Compare(&y) }) // databases have orders of their own
	return all, err
}

// digest is the SHA-256 of figures in their order.
func digest(figures []ClosedFigure) string {
	sum := sha256.Sum256([]byte(encode(figures)))
	return hex.EncodeToString(sum[:])
}

// closings looks whether anything of what was frozen is another thing now.
func (a *auditor) closings() error {
	all, err := readClosings(a.ctx, a.conn, 0)
	if err != nil {
		return err
	}
	for i, c := range all {
		later := i > 0 && all[i-1].Month == c.Month
		if later && c.Holds() {
			a.disagree("%s: version %d of its closing holds though there is a later one", c.Month, c.Version)
		}
		if earliest := i+1 == len(all) || all[i+1].Month != c.Month; earliest && c.Version != 1 || !earliest && all[i+1].Version != c.Version-1 {
			a.disagree("%s: the closing before version %d is missing", c.Month, c.Version)
		}
		figures, err := readClosedFigures(a.ctx, a.conn, c.Month, c.Version)
		if err != nil {
			return fmt.Errorf("figures of %s, version %d: %w", c.Month, c.Version, err)
		}
		if len(figures) != c.Count || digest(figures) != c.Digest {
			a.disagree("%s: the %d figures of version %d of its closing aren't the %d that were frozen; put a backup beside it to compare",
				c.Month, len(figures), c.Version, c.Count)
		}
	}
	return a.agree("version %d of its closing has figures, but is missing",
		"SELECT DISTINCT CAST(f.month AS TEXT), f.version FROM closed_figures AS f LEFT JOIN closings AS c ON c.month = f.month AND c.version = f.version "+
			"WHERE c.month IS NULL ORDER BY f.month, f.version")
}
