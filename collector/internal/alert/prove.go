package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Attempt is what became of a test message.
type Attempt struct {
	Channel   ledger.Channel
	Recipient string // of a mail
	Err       error
}

// Test sends a message that is marked as a test over each channel: to the addresses that get what no service's
// own take, else to all. Nothing of it is in the books.
func (a *Alerts) Test(ctx context.Context) (attempts []Attempt) {
	now := wire.TimeOf(a.Now())
	w := newWriter(&ledger.Snapshot{At: now}, a.Language, a.Location, a.Link)
	letter := w.test()
	if a.Email != nil {
		for _, to := range a.testRecipients() {
			m := ledger.Message{Name: "test/" + to, Recipient: to, CreatedAt: now, Payload: encoded(letter)}
			attempts = append(attempts, Attempt{ledger.ByEmail, to, a.Email.Send(ctx, &m)})
		}
	}
	alert := amAlert{
		Labels:      map[string]string{"alertname": "ZerofaxTest", "severity": "info", "kind": "test"},
		Annotations: map[string]string{"summary": letter.Subject, "description": letter.Lead[0]},
		StartsAt:    now.Std(), GeneratorURL: a.Link,
	}
	if a.Webhook != nil {
		m := ledger.Message{Payload: encoded(notify(alert, a.Link))}
		attempts = append(attempts, Attempt{ledger.ByWebhook, "", a.Webhook.Send(ctx, &m)})
	}
	if a.Alertmanager != nil {
		alert.EndsAt = now.Add(time.Minute).Std() // it resolves by itself
		attempts = append(attempts, Attempt{"alertmanager", "", a.Alertmanager.push(ctx, []amAlert{alert})})
	}
	return attempts
}

func (a *Alerts) testRecipients() []string {
	if len(a.Everyone) > 0 {
		return a.Everyone
	}
	all := slices.Concat(slices.Collect(maps.Values(a.Recipients))...)
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// encoded is v as JSON.
func encoded(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err)) // only our own types come here; they always encode
	}
	return string(data)
}
