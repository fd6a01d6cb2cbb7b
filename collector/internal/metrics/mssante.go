package metrics

import (
	"maps"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// mssante tells mailboxes and messages by service, only where any were declared. What was declared for all of an
// establishment, less what its services have, has no service; so sums over services are the establishment's.
func mssante(out *exposition, books *ledger.Snapshot) {
	of := func(establishment, name string) service {
		p := books.Register.Complete(ledger.Place{Establishment: establishment, Service: name})
		return service{p.Establishment, p.Pole, p.Service}
	}
	mailboxes := map[service]map[ledger.MailboxState]int64{}
	for _, x := range books.Mailboxes {
		s := of(x.Establishment, x.Service)
		if mailboxes[s] == nil {
			mailboxes[s] = map[ledger.MailboxState]int64{}
		}
		mailboxes[s][x.State] += x.Count
	}
	for _, s := range slices.SortedFunc(maps.Keys(mailboxes), service.compare) {
		for _, state := range ledger.MailboxStates() {
			out.gauge(mssanteAddresses, float64(mailboxes[s][state]), s.establishment, s.pole, s.name, string(state))
		}
	}
	messages := map[service]ways{}
	for _, x := range books.Messages {
		s := of(x.Establishment, x.Service)
		if messages[s] == nil {
			messages[s] = ways{}
		}
		for way, n := range map[ledger.Direction]*int64{ledger.Sent: x.Sent, ledger.Received: x.Received} {
			if n != nil {
				messages[s][way] += *n
			}
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(messages), service.compare) {
		for _, way := range ledger.Directions() {
			if n, known := messages[s][way]; known {
				out.counter(mssanteMessages, n, s.establishment, s.pole, s.name, string(way))
			}
		}
	}
}
