package metrics

import (
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var (
	messagesPending = desc("collector_messages_pending", "Mails and webhook messages that wait to be sent.", "channel")
	messagesOldest  = desc("collector_messages_oldest_timestamp_seconds", "When the oldest of those that wait was written.", "channel")
	messagesSent    = desc("collector_messages_sent_total", "Mails and webhook messages sent.", "channel")
	messagesGivenUp = desc("collector_messages_given_up_total", "Mails and webhook messages given up after 7 days.", "channel")
)

func outbox(out *exposition, backlogs []ledger.Backlog) {
	for _, b := range backlogs {
		channel := string(b.Channel)
		out.gauge(messagesPending, float64(b.Waiting), channel)
		out.instant(messagesOldest, b.Since, channel)
		out.counter(messagesSent, b.Sent, channel)
		out.counter(messagesGivenUp, b.GivenUp, channel)
	}
}
