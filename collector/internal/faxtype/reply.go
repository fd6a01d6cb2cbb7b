// Package faxtype makes what the team puts in the way of a fax before its line is cut: the page that a machine
// answers with, in the two models of the national kit, and the poster above it. Each is laid out once and written
// as PDF, for people, and the reply as TIFF, too, for machines that load it. It is pure: books in, pages out.
package faxtype

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Model is what a reply tells.
type Model string

// The models.
const (
	Project Model = "project" // that the hospital leaves fax, and how to write from now on
	Closing Model = "cut"     // that, too, and that this line will be cut
)

// Models are both, the milder first.
func Models() []Model { return []Model{Project, Closing} }

// Reply is what a page says. What is empty becomes a dotted line to fill in by hand.
type Reply struct {
	Model     Model
	House     string // the establishment
	Service   string
	Number    string     // of the line; empty: of all of the service's
	Cutoff    ledger.Day // that is still to come; empty: none is set
	Addresses []string   // MSSanté, of the service, at most maxAddresses; or @domain: of the establishment
	Intranet  string     // @domain of the internal mail; empty: it is not named
	Contact   string     // of the project team
}

// Missing are the keys of what nobody declared yet: address, contact; of model Closing the cutoff, too.
func (r Reply) Missing() (missing []string) {
	if len(r.Addresses) == 0 {
		missing = append(missing, "address")
	}
	if r.Contact == "" {
		missing = append(missing, "contact")
	}
	if r.Model == Closing && r.Cutoff == "" {
		missing = append(missing, "cutoff")
	}
	return missing
}

const maxAddresses = 3 // as many as a page has room for

// Books is what replies are made from.
type Books struct {
	At        wire.Time
	Location  *time.Location // in which the present day is known
	Register  *ledger.Register
	Lines     []ledger.Line
	Mailboxes []ledger.Mailbox // all versions, in their order
	Followups []ledger.Followup
}

// OfService is what all lines of a service answer with: the day is the first that is still to come.
func (b Books) OfService(id string, model Model) Reply {
	next, today := ledger.Day(""), b.today()
	for i := range b.Lines {
		if l := &b.Lines[i]; l.Service == id {
			if day := endOf(l); day > today && (next == "" || day < next) {
				next = day
			}
		}
	}
	return b.reply(b.Register.Services[id], model, "", next)
}

// OfLine is what a line answers with. Of one that has no day of its own, planned is the day.
func (b Books) OfLine(l *ledger.Line, model Model, planned ledger.Day) Reply {
	service := b.Register.Services[l.Service]
	if service.ID == "" {
		service.Establishment = l.Establishment
	}
	return b.reply(service, model, cmp.Or(l.Number, l.Extension), cmp.Or(endOf(l), planned))
}

func endOf(l *ledger.Line) ledger.Day { return cmp.Or(l.CutOn, l.Cutoff) }

func (b Books) today() ledger.Day {
	return ledger.Day(b.At.Std().In(b.Location).Format(time.DateOnly))
}

func (b Books) reply(service ledger.Service, model Model, number string, end ledger.Day) Reply {
	r := Reply{
		Model: model, Number: number, Service: cmp.Or(service.Name, service.ID),
		House: cmp.Or(b.Register.Establishments[service.Establishment].Name, service.Establishment),
	}
	if end > b.today() { // a day that has passed says nothing of when it will be
		r.Cutoff = end
	}
	r.Addresses = b.addresses(service)
	r.Contact, r.Intranet = b.contact(service)
	return r
}

// addresses are a service's own; where it has none the domain of its establishment's, if that is one.
func (b Books) addresses(service ledger.Service) (own []string) {
	var domains []string
	for i, m := range b.Mailboxes {
		switch present := i+1 == len(b.Mailboxes) || b.Mailboxes[i+1].Address != m.Address; {
		case !present || m.State == ledger.NoMailbox || m.State == ledger.MailboxInactive:
		case m.Kind == "PER" || m.Kind == "APP": // those of persons and software aren't the service's
		case service.ID != "" && m.Service == service.ID:
			own = append(own, m.Address)
		case service.Establishment != "" && m.Establishment == service.Establishment:
			domains = append(domains, ledger.Domain(m.Address))
		}
	}
	if len(own) > 0 {
		return own[:min(len(own), maxAddresses)]
	}
	slices.Sort(domains)
	if domains = slices.Compact(domains); len(domains) == 1 {
		return domains
	}
	return nil
}

// contact is whoever leads the project where a service is, and the domain of the establishment's mail, if the
// establishment's own lead has an address there.
func (b Books) contact(service ledger.Service) (contact, intranet string) {
	for i := range b.Followups {
		f := &b.Followups[i]
		if f.Kind != ledger.Contact || f.Subject != "lead" || f.Contact == "" || !f.Concerns(service.Establishment, service.ID) {
			continue
		}
		contact = strings.TrimSpace(f.Contact)
		_, domain, mail := strings.Cut(contact, "@")
		if mail && f.Establishment != "" && !strings.ContainsAny(domain, " @") && !strings.HasSuffix(domain, "mssante.fr") {
			intranet = "@" + domain
		}
		return contact, intranet
	}
	return "", ""
}
