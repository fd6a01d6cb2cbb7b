package web

import (
	"math"
	"net/http"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// collectedMonths are how many months the calendar shows, the present one among them.
const collectedMonths = 13

// collectionPage is which source brought what for which month, and what is missing.
type collectionPage struct {
	frame
	Tabs      []pageLink
	Last      string // the last complete month
	Months    []collectedMonth
	Rows      []collectedRow
	Reminders []reminder

	begun ledger.Month // the first of which anything is booked; 0: none is
}

// collectedMonth is a column of the calendar.
type collectedMonth struct {
	Short, Name, Link string
	Closed            bool
}

// beforeAll is how a source stands in a month before anything was booked.
const beforeAll indicators.Standing = "before"

// collectedRow is a source of an establishment.
type collectedRow struct {
	Establishment, Feed string
	Cells               []collectedCell
}

// collectedCell is what it brought for a month.
type collectedCell struct {
	Month    string
	Standing indicators.Standing
	Word     string // what the standing is called
	Share    string // empty: it needs none
	Detail   string // empty: there is none
	Running  bool
}

// Mood is how the page shows it.
func (c collectedCell) Mood() string {
	switch c.Standing {
	case indicators.Complete:
		return "ok"
	case indicators.Partial:
		return "warn"
	case indicators.Absent:
		return "bad"
	}
	return ""
}

// reminder is what is missing for the last complete month, and what to do.
type reminder struct {
	Establishment, Feed, What, Todo string
	Link, LinkName, Command         string
}

func (s *site) collectionPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.collection")
	p := collectionPage{frame: f}
	if !p.Fault {
		if err := s.fillCollection(r, &p, books); err != nil {
			s.Log.Error("make the calendar", "error", err)
			p.Fault = true
		}
	}
	s.Render(w, p.status(), "collection.html", p)
}

func (s *site) fillCollection(r *http.Request, p *collectionPage, books ledger.Snapshot) (err error) {
	if p.Tabs, err = p.targetTabs(); err != nil {
		return err
	}
	present := s.presentMonth(books)
	first := present.Add(1 - collectedMonths)
	mssante, err := s.books(r).MSSante(r.Context(), first, present)
	if err != nil {
		return err
	}
	closings, err := s.books(r).Closings(r.Context())
	if err != nil {
		return err
	}
	closed := make(map[ledger.Month]bool)
	for i := range closings {
		closed[closings[i].Month] = closed[closings[i].Month] || closings[i].Holds()
	}
	if p.Last, err = p.monthName(present.Add(-1)); err != nil {
		return err
	}
	for month := first; month <= present; month = month.Add(1) {
		name, err := p.monthName(month)
		if err != nil {
			return err
		}
		short, err := p.shortMonth(month)
		if err != nil {
			return err
		}
		x := collectedMonth{Short: short, Name: name, Closed: closed[month]}
		if month < present {
			x.Link = p.link("/targets/months/" + month.String())
		}
		p.Months = append(p.Months, x)
	}
	if p.begun, err = s.books(r).FirstMonth(r.Context()); err != nil {
		return err
	}
	for _, c := range indicators.Collect(indicators.Books{At: books.At, Register: &books.Register, Lines: books.Lines, MSSante: mssante}, first, present) {
		if err := p.collected(&c, present.Add(-1)); err != nil {
			return err
		}
	}
	return nil
}

// collected adds the rows of an establishment, and what it is to be reminded of.
func (p *collectionPage) collected(c *indicators.Collection, last ledger.Month) (err error) {
	name := c.Name
	if c.Establishment == "" {
		if name, err = p.T("unassigned"); err != nil {
			return err
		}
	}
	for _, feed := range indicators.Feeds() {
		if c.Establishment == "" && feed != indicators.MachineFeed {
			continue
		}
		row := collectedRow{Establishment: name}
		if row.Feed, err = p.T("feed." + string(feed)); err != nil {
			return err
		}
		for i := range c.Deliveries[feed] {
			d := &c.Deliveries[feed][i]
			if d.Month < p.begun && d.Standing == indicators.Absent {
				d.Standing = beforeAll
			}
			cell, err := p.collectedCell(d)
			if err != nil {
				return err
			}
			row.Cells = append(row.Cells, cell)
			if d.Month == last && (d.Standing == indicators.Partial || d.Standing == indicators.Absent) {
				if err := p.remind(&row, d, cell); err != nil {
					return err
				}
			}
		}
		p.Rows = append(p.Rows, row)
	}
	return nil
}

// collectedCell words what a source brought.
func (s speech) collectedCell(d *indicators.Delivery) (cell collectedCell, err error) {
	cell.Standing, cell.Running = d.Standing, d.Running
	if cell.Month, err = s.monthName(d.Month); err != nil {
		return cell, err
	}
	if cell.Word, err = s.T("standing." + string(d.Standing)); err != nil {
		return cell, err
	}
	if d.Standing != indicators.Partial && d.Standing != indicators.Complete {
		return cell, nil
	}
	if d.Standing == indicators.Partial {
		share := max(1, min(99, int64(math.Floor(100*d.Share)))) // 99.6 % is not 100 %
		if cell.Share, err = s.T("aims.share", share); err != nil {
			return cell, err
		}
	}
	switch {
	case d.Together:
		cell.Detail, err = s.T("collection.together")
	case d.Standing == indicators.Complete:
	case d.Feed == indicators.MachineFeed:
		cell.Detail, err = s.T("collection.days", int64(d.Told), int64(math.Round(d.Of)))
	default:
		cell.Detail, err = s.T("collection.services", int64(d.Told), int64(d.Of))
	}
	return cell, err
}

// remind says what to do about what is missing.
func (p *collectionPage) remind(row *collectedRow, d *indicators.Delivery, cell collectedCell) (err error) {
	x := reminder{Establishment: row.Establishment, Feed: row.Feed, What: joined(" ", cell.Word, cell.Share, cell.Detail)}
	if x.Todo, err = p.T("todo." + string(d.Feed)); err != nil {
		return err
	}
	if x.LinkName, err = p.T("todo.link." + string(d.Feed)); err != nil {
		return err
	}
	switch d.Feed {
	case indicators.MachineFeed:
		x.Link = p.link("/lines", "state", string(ledger.Blind))
	case indicators.VolumeFeed:
		x.Link, x.Command = p.link("/mssante"), "zerofax-collector import mssante-volumes volumes.csv"
	case indicators.AddressFeed:
		x.Link, x.Command = p.link("/mssante"), "zerofax-collector import mssante-addresses adresses.csv"
	}
	p.Reminders = append(p.Reminders, x)
	return nil
}
