package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// mailboxPage is an address's own form.
type mailboxPage struct {
	frame
	Address  string // empty: a new one
	Fields   []field
	Revision string
	History  []ledger.Mailbox // the newest first
}

// mailboxColumns are the columns of the table of addresses that the form has.
func mailboxColumns() []string {
	return []string{"address", "kind", "establishment", "service", "state", "since"}
}

func (s *site) mailboxPage(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "title.mailbox", "address", "service")
	address := strings.ToLower(r.URL.Query().Get("address"))
	p := mailboxPage{frame: f, Address: address}
	versions, err := s.versions(r, address)
	if err == nil && address != "" && len(versions) == 0 {
		http.NotFound(w, r)
		return
	}
	if err == nil {
		typed := map[string]string{"service": r.URL.Query().Get("service"), "state": string(ledger.MailboxCreated)}
		if len(versions) > 0 {
			typed = cellsOf(versions[len(versions)-1])
		}
		err = p.fill(books, versions, typed)
	}
	if err != nil {
		s.Log.Error("make the form of an address", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "mailbox.html", p)
}

// versions are those of an address.
func (s *site) versions(r *http.Request, address string) ([]ledger.Mailbox, error) {
	all, err := s.books(r).Mailboxes(r.Context())
	return keep(all, func(m *ledger.Mailbox) bool { return m.Address == address }), err
}

// cellsOf is an address as its table has it.
func cellsOf(m ledger.Mailbox) map[string]string {
	return map[string]string{"address": m.Address, "kind": m.Kind, "establishment": m.Establishment, "service": m.Service, "state": string(m.State)}
}

// fill makes the form of what was typed, or of what stands.
func (p *mailboxPage) fill(books ledger.Snapshot, versions []ledger.Mailbox, typed map[string]string) error {
	p.Revision = revision(versions)
	p.History = slices.Clone(versions)
	slices.Reverse(p.History)
	kinds, states := []option{{}}, []option(nil)
	for _, kind := range []string{"ORG", "PER", "APP", "CAB"} {
		name, err := p.T("mailbox.kind." + kind)
		if err != nil {
			return err
		}
		kinds = append(kinds, option{Value: kind, Name: name})
	}
	for _, state := range append(ledger.MailboxStates(), ledger.NoMailbox) {
		name, err := p.T("mailbox." + string(state))
		if err != nil {
			return err
		}
		states = append(states, option{Value: string(state), Name: name, Chosen: string(state) == typed["state"]})
	}
	fields := []field{
		{Name: "address", Label: "mssante.address", Type: "email", Required: true, Locked: p.Address != ""},
		{Name: "kind", Label: "mssante.kind", Type: "select", Options: kinds},
		{Name: "establishment", Label: "map.structure", Type: "select", Options: append([]option{{}}, establishmentOptions(books.Register)...)},
		{Name: "service", Label: "column.department", Type: "select", Options: append([]option{{}}, serviceOptions(books.Register)...)},
		{Name: "state", Label: "column.state", Type: "select", Options: states, Hint: "mailbox.state.hint"},
		{Name: "since", Label: "mailbox.since", Type: "date", Hint: "mailbox.since.hint", Max: books.At.Std().Format("2006-01-02")},
	}
	for _, x := range fields {
		var err error
		if x.Label, err = p.T(x.Label); err != nil {
			return err
		}
		if x.Hint != "" {
			if x.Hint, err = p.T(x.Hint); err != nil {
				return err
			}
		}
		x.Value, x.Fault = typed[x.Name], p.Faults[x.Name]
		p.Fields = append(p.Fields, x)
	}
	return nil
}

// saveMailbox declares an address as its form has it, by the same rules as a table.
func (s *site) saveMailbox(w http.ResponseWriter, r *http.Request) {
	typed := make(map[string]string)
	for _, column := range mailboxColumns() {
		typed[column] = strings.TrimSpace(r.PostFormValue(column))
	}
	address := strings.ToLower(typed["address"])
	f, books := s.frame(r, "title.mailbox")
	p := mailboxPage{frame: f}
	if r.PostFormValue("known") != "" {
		p.Address = address
	}
	var standing []ledger.Mailbox
	err := s.books(r).DeclareMailboxes(r.Context(), author(r), func(reg ledger.Register, before []ledger.Mailbox) ([]ledger.Mailbox, error) {
		who, all := readerOf(r), keep(before, func(m *ledger.Mailbox) bool { return m.Address == address })
		if n := len(all); n > 0 && !who.Sees(all[n-1].Establishment) {
			return nil, errNotAll // and nothing is told of it
		}
		standing = keep(all, func(m *ledger.Mailbox) bool { return who.Sees(m.Establishment) })
		if err := unchanged(r, standing); err != nil {
			return nil, err
		}
		if !who.Sees(typed["establishment"]) && !who.Sees(reg.Services[typed["service"]].Establishment) {
			return nil, errNotAll
		}
		table, err := register.Typed(register.Mailboxes, typed)
		if err != nil {
			return nil, err
		}
		plan, err := register.PlanMailboxes(reg, before, table, register.Options{Now: books.At.Std(), Zone: s.Location})
		return plan.Mailboxes, err
	})
	if notes := register.Faults(nil); errors.As(err, &notes) {
		p.Faults = make(faults)
		for _, n := range notes {
			p.Faults[n.Column] = n.Text
		}
		err = nil
	} else if errors.Is(err, errChanged) {
		p.Conflicts, err = p.conflicts(standing, typed)
	} else if err == nil {
		s.done(w, r, "/mssante?done=saved#addresses")
		return
	}
	if err == nil {
		err = p.fill(books, standing, typed)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.Render(w, p.status(), "mailbox.html", p)
}

// conflicts are the fields that stand otherwise than they were typed.
func (p *mailboxPage) conflicts(standing []ledger.Mailbox, typed map[string]string) (list []difference, err error) {
	now := map[string]string{}
	if len(standing) > 0 {
		now = cellsOf(standing[len(standing)-1])
	}
	for column, key := range map[string]string{"kind": "mssante.kind", "establishment": "map.structure", "service": "column.department", "state": "column.state"} {
		label, err := p.T(key)
		if err != nil {
			return nil, err
		}
		list = differ(list, label, typed[column], now[column])
	}
	slices.SortFunc(list, func(a, b difference) int { return strings.Compare(a.Label, b.Label) })
	if list == nil { // somebody said the same, or another day's
		list = []difference{{Label: fmt.Sprint(len(standing))}}
	}
	return list, nil
}
