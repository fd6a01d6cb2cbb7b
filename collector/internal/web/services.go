package web

import (
	"cmp"
	"net/http"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// servicesPage is where fax still lives, department by department.
type servicesPage struct {
	frame
	Rows []serviceRow
}

type serviceRow struct {
	*apiService
	Belongs        string // pôle, establishment
	All, Active    int64  // lines
	Others         []string
	Sent, Received said
	Either         string // pages of unknown direction
	Sheet          ledger.Sheet
	Progress       string // of the exit checklist; empty: of none
}

func (s *site) servicesPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.services")
	p := servicesPage{frame: f}
	err := p.fill(books)
	if err == nil && !p.Fault {
		err = s.fillFollowed(r, &p, &books)
	}
	if err != nil {
		s.Log.Error("fill the page", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "services.html", p)
}

// fillFollowed adds how each service stands by its people.
func (s *site) fillFollowed(r *http.Request, p *servicesPage, books *ledger.Snapshot) error {
	sheets, err := s.books(r).Sheets(r.Context(), "")
	if err != nil {
		return err
	}
	exit, err := s.readExit(r)
	if err != nil {
		return err
	}
	said := make(map[string]ledger.Sheet, len(sheets))
	for _, sheet := range sheets {
		said[sheet.Service] = sheet
	}
	lines := make(map[string][]ledger.Line)
	for i := range books.Lines {
		lines[books.Lines[i].Service] = append(lines[books.Lines[i].Service], books.Lines[i])
	}
	today := s.today(books.At)
	for i := range p.Rows {
		row := &p.Rows[i]
		if row.ID == "" {
			continue
		}
		row.Sheet = said[row.ID]
		if row.Progress, err = p.progress(exit.of(row.ID, lines[row.ID], books.At, today)); err != nil {
			return err
		}
	}
	return nil
}

func (p *servicesPage) fill(books ledger.Snapshot) (err error) {
	sums := make(map[string]*pagesOf)
	for i := range books.Sums {
		if s := &books.Sums[i]; !s.Evidence {
			if sums[s.Service] == nil {
				sums[s.Service] = &pagesOf{}
			}
			sums[s.Service].add(s)
		}
	}
	for _, x := range servicesOf(books) {
		row := serviceRow{apiService: x, Active: x.ActiveLines}
		row.Belongs = joined(" · ", cmp.Or(x.PoleName, x.Pole), cmp.Or(x.EstablishmentName, x.Establishment))
		if row.Sent, err = p.said(sums[x.ID], ledger.Sent); err != nil {
			return err
		}
		if row.Received, err = p.said(sums[x.ID], ledger.Received); err != nil {
			return err
		}
		if err := p.rest(&row, sums[x.ID]); err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
	}
	return nil
}

// rest words what has no column of its own.
func (p *servicesPage) rest(row *serviceRow, sums *pagesOf) error {
	for _, state := range byUrgency() {
		n := row.Lines[state]
		row.All += n
		if n == 0 || state == ledger.Active {
			continue
		}
		others, err := p.Count("in."+string(state), n)
		if err != nil {
			return err
		}
		row.Others = append(row.Others, others)
	}
	var err error
	row.Either, err = p.either(sums)
	return err
}
