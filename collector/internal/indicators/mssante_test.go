package indicators_test

import (
	"fmt"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// correspondence is a hospital that said something of its MSSanté:
//   - mailboxes of saas since August, one of medecine's two services and one of nobody since September;
//   - messages of saas for August and September, of onco for September, of all of nord for September;
//   - nothing of sud.
func correspondence(t *testing.T) indicators.Books {
	b := hospital(t)
	count := func(month ledger.Month, service string, state ledger.MailboxState, n int64) {
		b.MSSante.Mailboxes = append(b.MSSante.Mailboxes, ledger.MailboxCount{Month: month, Establishment: "nord", Service: service, State: state, Count: n})
	}
	count(202608, "saas", ledger.MailboxPublished, 2)
	for _, month := range []ledger.Month{202609, 202610} {
		count(month, "saas", ledger.MailboxUsed, 2)
		count(month, "onco", ledger.MailboxInactive, 1)
		count(month, "onco", ledger.NoMailbox, 1)
		count(month, "", ledger.MailboxUsed, 1)
	}
	number := func(n int64) *int64 { return &n }
	b.MSSante.Messages = ledger.Apart([]ledger.Volume{
		{Month: 202608, Establishment: "nord", Service: "saas", Received: number(10), Sent: number(0)},
		{Month: 202609, Establishment: "nord", Received: number(100)},
		{Month: 202609, Establishment: "nord", Service: "onco", Received: number(30), Sent: number(5)},
		{Month: 202609, Establishment: "nord", Service: "saas", Received: number(20)},
	}, nil)
	return b
}

func TestWhatIsDeclaredOfMSSante(t *testing.T) {
	b := correspondence(t)
	const addresses, received, sent = indicators.MSSanteAddresses, indicators.MSSanteReceived, indicators.MSSanteSent
	for _, c := range []struct {
		name      string
		from, to  ledger.Month
		level     indicators.Level
		scope     string
		indicator indicators.Indicator
		want      string
	}{
		{"used ones of a service", 202609, 202609, indicators.Service, "nord/urgences/saas", addresses, "2 declared certain, 30.0 of 30"},
		{"none of its addresses is used", 202609, 202609, indicators.Service, "nord/medecine/onco", addresses, "0 declared certain, 30.0 of 30"},
		{"before they were used", 202608, 202608, indicators.Service, "nord/urgences/saas", addresses, "0 declared certain, 31.0 of 31"},
		{"before anything was said", 202607, 202607, indicators.Service, "nord/urgences/saas", addresses, "- no_source unknown, 0.0 of 31"},
		{"a service of which nothing is said", 202609, 202609, indicators.Service, "nord/medecine/archives", addresses, "- no_source unknown, 0.0 of 30"},
		{"one service of two", 202609, 202609, indicators.Pole, "nord/medecine/", addresses, "0 declared at_least, 15.0 of 30"},
		{"two services of three, and one of no service", 202609, 202609, indicators.Structure, "nord//", addresses, "3 declared at_least, 20.0 of 30"},
		{"a hospital of which nothing is said", 202609, 202609, indicators.Structure, "sud//", addresses, "- no_source unknown, 0.0 of 30"},
		{"the whole of both", 202609, 202609, indicators.Whole, "//", addresses, "3 declared at_least, 15.0 of 30"},
		{"of this month what is over", 202610, 202610, indicators.Service, "nord/urgences/saas", addresses, "2 declared certain, 9.5 of 31"},
		{"of several months those at the end", 202608, 202610, indicators.Service, "nord/urgences/saas", addresses, "2 declared certain, 70.5 of 92"},
		{"a month to come", 202611, 202611, indicators.Service, "nord/urgences/saas", addresses, "- no_source unknown, 0.0 of 30"},

		{"messages of a service", 202609, 202609, indicators.Service, "nord/medecine/onco", received, "30 declared certain, 30.0 of 30"},
		{"what was only said of all is of no service", 202609, 202609, indicators.Service, "nord//", received, "50 declared certain, 30.0 of 30"},
		{"nor does a service have any of it", 202609, 202609, indicators.Service, "nord/medecine/archives", received, "- no_source unknown, 0.0 of 30"},
		{"a pole has its services", 202609, 202609, indicators.Pole, "nord/medecine/", received, "30 declared at_least, 15.0 of 30"},
		{"the structure has all that was said of it", 202609, 202609, indicators.Structure, "nord//", received, "100 declared certain, 30.0 of 30"},
		{"where it was said by service, their sum", 202608, 202608, indicators.Structure, "nord//", received, "10 declared at_least, 10.3 of 31"},
		{"the whole, with a hospital that said nothing", 202609, 202609, indicators.Whole, "//", received, "100 declared at_least, 22.5 of 30"},
		{"several months", 202607, 202609, indicators.Service, "nord/urgences/saas", received, "30 declared at_least, 61.0 of 92"},
		{"0 that was said", 202608, 202608, indicators.Service, "nord/urgences/saas", sent, "0 declared certain, 31.0 of 31"},
		{"and one that wasn't", 202609, 202609, indicators.Service, "nord/urgences/saas", sent, "- no_source unknown, 0.0 of 30"},
		{"a month that nobody spoke of", 202610, 202610, indicators.Structure, "nord//", received, "- no_source unknown, 0.0 of 31"},
	} {
		got := "no figure"
		for _, f := range indicators.Compute(b, c.from, c.to, c.level) {
			if f.Scope.Establishment+"/"+f.Scope.Pole+"/"+f.Scope.Service != c.scope || f.Indicator != c.indicator {
				continue
			}
			value := "-"
			if f.Value != nil {
				value = fmt.Sprint(*f.Value)
			}
			got = fmt.Sprintf("%s %s %s, %.1f of %d", value, f.Basis.Source, f.Basis.Certainty, f.Completeness.Watched, f.Completeness.Days)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestMessagesOfAllLevelsAddUpToTheWhole(t *testing.T) {
	b := correspondence(t)
	for _, level := range indicators.Levels() {
		sums := map[indicators.Indicator]int64{}
		for _, f := range indicators.Compute(b, 202601, 202610, level) {
			if f.Value != nil {
				sums[f.Indicator] += *f.Value
			}
		}
		if sums[indicators.MSSanteReceived] != 110 || sums[indicators.MSSanteSent] != 5 || sums[indicators.MSSanteAddresses] != 3 {
			t.Errorf("by %s: got %v, want 110 received, 5 sent, 3 addresses", level, sums)
		}
	}
}
