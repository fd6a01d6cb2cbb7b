package indicators_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// delivered is what a feed brought, month by month, as "partial 70%".
func delivered(b indicators.Books, from, to ledger.Month, establishment string, feed indicators.Feed) string {
	for _, c := range indicators.Collect(b, from, to) {
		if c.Establishment != establishment {
			continue
		}
		var words []string
		for _, d := range c.Deliveries[feed] {
			text := string(d.Standing)
			if d.Standing == indicators.Partial {
				text += fmt.Sprintf(" %.0f%%", 100*d.Share)
			}
			if d.Together {
				text += " together"
			}
			words = append(words, text)
		}
		return strings.Join(words, ", ")
	}
	return "not there"
}

func TestWhatEachMonthBroughtIsSaidByEstablishmentAndSource(t *testing.T) {
	b := hospital(t)
	n := int64(7)
	b.Register.Services["archives"] = ledger.Service{ID: "archives", Establishment: "nord", Name: "Archives"}
	b.MSSante.Messages = []ledger.Volume{
		{Month: 202607, Establishment: "nord", Service: "saas", Received: &n},
		{Month: 202608, Establishment: "nord", Received: &n},
		{Month: 202608, Establishment: "nord", Service: "saas"}, // nothing is said in it
		{Month: 202609, Establishment: "nord", Service: "archives", Sent: &n},
		{Month: 202609, Establishment: "nord", Service: "onco", Sent: &n},
		{Month: 202609, Establishment: "nord", Service: "saas", Sent: &n},
	}
	b.MSSante.Mailboxes = []ledger.MailboxCount{
		{Month: 202609, Establishment: "sud", Service: "dialyse", State: ledger.MailboxUsed, Count: 3},
		{Month: 202609, Establishment: "nord", Service: "saas", State: ledger.MailboxCreated, Count: 1},
	}
	for _, c := range []struct {
		establishment string
		feed          indicators.Feed
		want          string
	}{
		{"nord", indicators.MachineFeed, "partial 67%, partial 85%, partial 97%, complete, ahead"},
		{"sud", indicators.MachineFeed, "absent, absent, partial 25%, partial 50%, ahead"},
		{"", indicators.MachineFeed, "complete, complete, complete, complete, ahead"}, // nobody assigned it
		{"nord", indicators.VolumeFeed, "partial 33%, complete together, complete, ahead, ahead"},
		{"sud", indicators.VolumeFeed, "absent, absent, absent, ahead, ahead"},
		{"nord", indicators.AddressFeed, "absent, absent, partial 33%, absent, ahead"},
		{"sud", indicators.AddressFeed, "absent, absent, complete, absent, ahead"},
	} {
		if got := delivered(b, 202607, 202611, c.establishment, c.feed); got != c.want {
			t.Errorf("%s of %q:\ngot  %s\nwant %s", c.feed, c.establishment, got, c.want)
		}
	}
}

func TestALineThatIsCutNeedsNoWatchingFromThenOn(t *testing.T) {
	b := hospital(t)
	b.Lines = b.Lines[4:5] // that nobody can see
	b.Lines[0].CutOn = "2026-08-15"
	if got, want := delivered(b, 202607, 202610, "sud", indicators.MachineFeed), "absent, absent, nothing, nothing"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b.Lines[0].KeptReason = "astreinte"
	if got, want := delivered(b, 202607, 202610, "sud", indicators.MachineFeed), "absent, absent, absent, absent"; got != want {
		t.Errorf("kept after all: got %s, want %s", got, want)
	}
}

func TestWhatTheStructureDeclaresAtOnceIsOfAllItsEstablishments(t *testing.T) {
	b := hospital(t)
	n := int64(7)
	b.MSSante.Messages = []ledger.Volume{{Month: 202609, Received: &n}}
	for _, id := range []string{"nord", "sud"} {
		if got, want := delivered(b, 202609, 202609, id, indicators.VolumeFeed), "complete together"; got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}
