package metrics_test

import (
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestWhatWaitsToBeSentIsShown(t *testing.T) {
	text := exposition(t, books{snapshot: ledger.Snapshot{Outbox: []ledger.Backlog{
		{Channel: ledger.ByEmail, Waiting: 2, Since: 1_700_000_000_000, Sent: 17, GivenUp: 1}, {Channel: ledger.ByWebhook},
	}}})
	for _, want := range []string{
		`zerofax_collector_messages_pending{channel="email"} 2`,
		`zerofax_collector_messages_oldest_timestamp_seconds{channel="email"} 1.7e+09`,
		`zerofax_collector_messages_sent_total{channel="email"} 17`,
		`zerofax_collector_messages_given_up_total{channel="email"} 1`,
		`zerofax_collector_messages_given_up_total{channel="webhook"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `oldest_timestamp_seconds{channel="webhook"`) {
		t.Error("nothing waits for the webhook, and yet since some time")
	}
}
