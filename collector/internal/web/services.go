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
}

func (s *site) servicesPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.services")
	p := servicesPage{frame: f}
	if err := p.fill(books); err != nil {
		s.Log.Error("word the page", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "services.html", p)
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
