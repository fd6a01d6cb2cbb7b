package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// replyPage is what a fax machine can be told to answer each fax with: one page, black on white.
type replyPage struct {
	frame
	Service   string
	House     string // the establishment
	Number    string // of the line; empty: of all of the service
	Cutoff    string // empty: none is set
	Closing   bool   // it says that the line is cut
	Addresses []string
	Contact   string
	Back      string // where one came from
	Turn      string // the other model
}

// serviceReply is for all lines of a service: the day is the first that is still to come.
func (s *site) serviceReply(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "reply.title")
	service, known := books.Register.Services[r.PathValue("id")]
	if !known && !f.Fault {
		http.NotFound(w, r)
		return
	}
	today, next := s.today(books.At), ledger.Day("")
	for _, l := range linesIn(&books, service.ID) {
		if day := cmp.Or(l.CutOn, l.Cutoff); day >= today && (next == "" || day < next) {
			next = day
		}
	}
	s.reply(w, r, replyPage{frame: f, Back: "/services/" + service.ID}, service, next)
}

func (s *site) lineReply(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "reply.title")
	for i := range books.Lines {
		if l := &books.Lines[i]; l.ID == r.PathValue("id") {
			p := replyPage{frame: f, Number: l.Number, Back: "/lines/" + url.PathEscape(l.ID)}
			s.reply(w, r, p, books.Register.Services[l.Service], cmp.Or(l.CutOn, l.Cutoff))
			return
		}
	}
	if !f.Fault {
		http.NotFound(w, r)
		return
	}
	s.Render(w, f.status(), "reply.html", replyPage{frame: f})
}

// reply renders it. ?model=cut or project chooses the model; without it the one that names the day, if there is one.
func (s *site) reply(w http.ResponseWriter, r *http.Request, p replyPage, service ledger.Service, cutoff ledger.Day) {
	if p.Service = cmp.Or(service.Name, service.ID); cutoff > s.today(p.Now) { // a day that has passed says nothing of when it will be
		p.Cutoff = p.Date(cutoff)
	}
	p.House = cmp.Or(p.register.Establishments[service.Establishment].Name, service.Establishment)
	model := r.URL.Query().Get("model")
	p.Closing = model == "cut" || model != "project" && cutoff != ""
	p.Turn = map[bool]string{true: "project", false: "cut"}[p.Closing]
	mailboxes, err := s.books(r).Mailboxes(r.Context())
	if err == nil {
		p.Contact, err = s.projectContact(r, service)
	}
	if err != nil {
		s.Log.Error("read the books for the page", "error", err)
		p.Fault = true
	}
	for _, m := range presentMailboxes(mailboxes)[service.ID] {
		if m.Kind != "PER" && m.Kind != "APP" && service.ID != "" { // those of persons and software aren't the service's
			p.Addresses = append(p.Addresses, m.Address)
		}
	}
	p.Addresses = p.Addresses[:min(len(p.Addresses), few)]
	s.Render(w, p.status(), "reply.html", p)
}

// projectContact is whom to ask: whoever leads the project, where the service is.
func (s *site) projectContact(r *http.Request, service ledger.Service) (string, error) {
	all, err := s.books(r).Followups(r.Context())
	for i := range all {
		if f := &all[i]; f.Kind == ledger.Contact && f.Subject == "lead" && f.Contact != "" && f.Concerns(service.Establishment, service.ID) {
			return strings.TrimSpace(f.Contact), err
		}
	}
	return "", err
}
