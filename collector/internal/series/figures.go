package series

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Figures are the indicators of months.
type Figures interface {
	// Months gives the figures that are known of some months to take, month by month in that order, all
	// of one instant.
	Months(ctx context.Context, months []ledger.Month, take func(ledger.Month, []Figure) error) error
	// FirstMonth is the first of which anything is known, 0 if nothing is.
	FirstMonth(ctx context.Context) (ledger.Month, error)
	// Declared is another number whenever people declared something: then any month may have others.
	Declared(ctx context.Context) (int64, error)
}

// Figure is an indicator of a scope in a month.
type Figure struct {
	Scope
	Indicator    string
	Unit         string // lines, pages, faxes, addresses or messages
	Value        float64
	Completeness float64  // how much of the month was watched or declared, 0 to 1
	Target       *float64 // nil: none is set
}

// Scope is what a figure is of: By is the level; what lies below it is empty.
type Scope struct{ By, Establishment, Pole, Service string }

const (
	trend          = 25 // months that are kept right: the present one and two years before it
	recent         = 2  // of these, those in which something may happen without anybody declaring it
	recentEvery    = time.Hour
	trendEvery     = 24 * time.Hour
	afterDeclaring = time.Minute // between one table and the next
)

// monthly says which months are to be written, and knows what was. Figures have no cursor, since they
// follow from all that the ledger holds and not from what came last: they are computed again, and a
// month is written where anything in it is another than this program wrote last.
type monthly struct {
	given    bool           // by a replay: none but those that are due
	due      []ledger.Month // newest first, as people look at them
	recentAt time.Time      // when the recent ones became due
	trendAt  time.Time      // when all did
	declared int64          // what had been declared by then
	written  map[ledger.Month]month
}

// month is what was written of one.
type month struct {
	sum uint64 // of its points
	of  map[counted]bool
}

// counted is what there is a figure of.
type counted struct {
	Scope
	indicator, unit string
}

// plan says what is due now.
func (x *monthly) plan(now time.Time, this ledger.Month, declared int64) {
	months, since := 0, now.Sub(x.trendAt)
	switch {
	case x.given:
	case since < 0 || since >= trendEvery || declared != x.declared && since >= afterDeclaring:
		months, x.trendAt, x.recentAt, x.declared = trend, now, now, declared
	case now.Sub(x.recentAt) >= recentEvery:
		months, x.recentAt = recent, now
	}
	for i := range months {
		if m := this.Add(-i); !slices.Contains(x.due, m) {
			x.due = append(x.due, m)
		}
	}
	maps.DeleteFunc(x.written, func(m ledger.Month, _ month) bool { return m <= this.Add(-trend) })
}

// months writes the months that are due.
func (s *Series) months(ctx context.Context) error {
	if s.options.Figures == nil {
		return nil
	}
	declared, err := s.options.Figures.Declared(ctx)
	if err != nil {
		return err
	}
	x, now := &s.monthly, s.options.Now()
	if x.plan(now, ledger.MonthOf(wire.TimeOf(now), s.options.Zone), declared); len(x.due) == 0 {
		return nil
	}
	return s.options.Figures.Months(ctx, slices.Clone(x.due), func(m ledger.Month, figures []Figure) error {
		err := s.month(ctx, m, figures)
		if err == nil {
			x.due = x.due[1:]
		}
		return err
	})
}

// month writes a month, unless it is as it was. What has no figure any more, such as a service in the
// pole that it left, or messages that were declared by mistake, gets 0 in the place of what was written,
// with a completeness of 0: nothing is there, and sums over scopes stay right.
func (s *Series) month(ctx context.Context, m ledger.Month, figures []Figure) error {
	before, known := s.monthly.written[m]
	now := month{of: make(map[counted]bool)}
	points := make([]*write.Point, 0, len(figures))
	at, sum := m.In(s.options.Zone), fnv.New64a()
	for i := range figures {
		f := &figures[i]
		points = append(points, ofFigure(f, at))
		now.of[counted{f.Scope, f.Indicator, f.Unit}] = true
		_, _ = io.WriteString(sum, lineOf(points[i]))
	}
	now.sum = sum.Sum64()
	for c := range before.of {
		if !now.of[c] {
			points = append(points, ofFigure(&Figure{Scope: c.Scope, Indicator: c.indicator, Unit: c.unit}, at))
		}
	}
	if known && before.sum == now.sum && len(points) == len(figures) {
		return nil
	}
	if _, err := s.send(ctx, points); err != nil {
		return fmt.Errorf("indicators of %d: %w", m, err)
	}
	s.monthly.written[m] = now
	return nil
}
