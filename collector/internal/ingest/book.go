package ingest

import (
	"context"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// How long to leave the ledger alone after a failed commit.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// bookAll books group after group. What can't be booked is forgotten: its agent says it again.
func (in *Ingest) bookAll(ctx context.Context) {
	pause := firstPause
	for {
		group := in.queue.group(ctx)
		if len(group) == 0 {
			return
		}
		err := in.bookOrEach(ctx, group)
		if ctx.Err() != nil {
			return
		}
		in.tellBooks(err)
		if err == nil {
			pause = firstPause
			continue
		}
		if !sleep(ctx, pause) {
			return
		}
		pause = min(pause*2, lastPause)
	}
}

// bookOrEach books a group's envelopes in one commit and then the rest, which each make their
// own. Where a commit of many fails, each message gets its own, so that one which the ledger
// can't take harms only itself.
func (in *Ingest) bookOrEach(ctx context.Context, group []message) error {
	var envelopes, others []message
	for _, m := range group {
		if m.kind == wire.KindReadings {
			envelopes = append(envelopes, m)
		} else {
			others = append(others, m)
		}
	}
	if err := in.bookReadings(ctx, envelopes); err != nil {
		if len(envelopes) == 1 {
			return err
		}
		if err := in.each(ctx, envelopes); err != nil {
			return err
		}
	}
	return in.each(ctx, others)
}

// each books message after message. Two failures in a row are the ledger's trouble, not a
// message's; so is that of a message alone, as far as anyone can tell.
func (in *Ingest) each(ctx context.Context, messages []message) error {
	failed := 0
	for _, m := range messages {
		err := in.book(ctx, m)
		switch {
		case err == nil:
			failed = 0
			continue
		case failed == 1 || len(messages) == 1 || ctx.Err() != nil:
			return err
		}
		failed++
		in.once(m.agent, "a message can't be booked", err)
	}
	return nil
}

// once logs the first trouble of a kind with an agent's messages; the later ones are like it.
func (in *Ingest) once(agent, message string, err error) {
	if key := agent + ": " + message; !in.told[key] {
		in.told[key] = true
		in.options.Log.Warn(message, "agent", agent, "error", err)
	}
}

// book books one message.
func (in *Ingest) book(ctx context.Context, m message) error {
	switch m.kind {
	case wire.KindState:
		return in.bookState(ctx, m)
	case wire.KindRequest:
		return in.certify(ctx, m)
	default:
		return in.bookReadings(ctx, []message{m})
	}
}

// bookReadings decodes envelopes, books them in one commit and hands over the acks.
func (in *Ingest) bookReadings(ctx context.Context, envelopes []message) error {
	if len(envelopes) == 0 {
		return nil
	}
	deliveries := make([]ledger.Delivery, 0, len(envelopes))
	for _, m := range envelopes {
		envelope, err := wire.DecodeEnvelope(m.payload)
		deliveries = append(deliveries, ledger.Delivery{
			Agent: m.agent, Envelope: envelope, Err: err, Payload: m.payload, ReceivedAt: m.at,
		})
	}
	results, err := in.options.Books.Apply(ctx, deliveries)
	if err != nil {
		return err
	}
	now := in.options.Now()
	for i, result := range results {
		in.options.Observe(now.Sub(deliveries[i].ReceivedAt))
		if result.Send {
			in.out.put(wire.Topic(deliveries[i].Agent, wire.KindAck), wire.Encode(result.Message()))
		}
	}
	return nil
}

func (in *Ingest) bookState(ctx context.Context, m message) error {
	state, err := wire.DecodeAgentState(m.payload)
	if err != nil {
		in.once(m.agent, "unreadable state message", err)
		return nil
	}
	return in.options.Books.AgentState(ctx, m.agent, state, m.at)
}

// certify hands over the answer to an agent that asks for a certificate.
func (in *Ingest) certify(ctx context.Context, m message) error {
	request, err := wire.DecodeCertificateRequest(m.payload)
	if err != nil {
		in.once(m.agent, "unreadable certificate request", err)
		return nil
	}
	answer, err := in.options.Certify(ctx, m.agent, request)
	if err != nil {
		return err
	}
	in.out.put(wire.Topic(m.agent, wire.KindCertificate), wire.Encode(answer))
	return nil
}

// tellBooks logs when booking starts to fail and when it works again.
func (in *Ingest) tellBooks(err error) {
	in.health.mu.Lock()
	before := in.health.books
	in.health.books = err
	in.health.mu.Unlock()
	switch {
	case err != nil && before == nil:
		in.options.Log.Error("nothing can be booked, nothing is acknowledged; trying on", "error", err)
	case err == nil && before != nil:
		in.options.Log.Info("booking works again")
	}
}

// sleep is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
