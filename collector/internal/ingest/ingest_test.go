package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// books acknowledges every envelope by its own number, and keeps what it got.
type books struct {
	mu     sync.Mutex
	groups [][]ledger.Delivery
	states []wire.AgentState
	fail   func([]ledger.Delivery) error
	refuse string // the agent whose state can't be booked
}

func (b *books) Apply(_ context.Context, deliveries []ledger.Delivery) ([]ledger.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(deliveries); err != nil {
			return nil, err
		}
	}
	b.groups = append(b.groups, deliveries)
	results := make([]ledger.Result, len(deliveries))
	for i, d := range deliveries {
		results[i] = ledger.Result{
			Verdict: ledger.Applied, Stream: d.Envelope.Stream, Ack: d.Envelope.Seq, CRC: d.Envelope.CRC, Send: d.Err == nil,
		}
	}
	return results, nil
}

func (b *books) AgentState(_ context.Context, agent string, s wire.AgentState, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if agent == b.refuse {
		return errors.New("can't be booked")
	}
	b.states = append(b.states, s)
	return nil
}

// booked are the numbers booked so far, as agent/seq.
func (b *books) booked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, group := range b.groups {
		for _, d := range group {
			list = append(list, fmt.Sprintf("%s/%d", d.Agent, d.Envelope.Seq))
		}
	}
	return list
}

func (b *books) sizes() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []int
	for _, group := range b.groups {
		list = append(list, len(group))
	}
	return list
}

func newIngest(t *testing.T, b *books) (*Ingest, *strings.Builder) {
	var log strings.Builder
	return New(Options{Books: b, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))}), &log
}

const stream = "stream-of-tests"

func envelope(agent string, seq uint64) []byte {
	return wire.AppendEnvelope(nil, wire.Header{
		Agent: agent, Stream: stream, First: seq, Seq: seq, Oldest: 1, SentAt: wire.TimeOf(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)),
	}, []byte("[]"))
}

func readings(agent string, seq uint64) message {
	return message{agent: agent, kind: wire.KindReadings, payload: envelope(agent, seq), at: time.Now()}
}

func TestWhatHasGatheredIsBookedInOneCommitAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{}
		in, _ := newIngest(t, b)
		var want []string
		for seq := uint64(1); seq <= 3; seq++ {
			for _, agent := range []string{"ps-01", "ps-02"} {
				in.queue.offer(readings(agent, seq))
				want = append(want, fmt.Sprintf("%s/%d", agent, seq))
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		go in.bookAll(ctx)
		synctest.Wait()
		stop()
		synctest.Wait()
		if got := b.booked(); !slices.Equal(got, want) {
			t.Errorf("booked %v, want %v", got, want)
		}
		if got := b.sizes(); !slices.Equal(got, []int{6}) {
			t.Errorf("commits of %v, want one of 6", got)
		}
	})
}

// acks takes what is to go out, by agent.
func acks(t *testing.T, in *Ingest) map[string]wire.Ack {
	t.Helper()
	all := make(map[string]wire.Ack)
	for topic, payload := range in.out.take() {
		agent, kind, ok := wire.ParseTopic(topic)
		ack, err := wire.DecodeAck(payload)
		if !ok || kind != wire.KindAck || err != nil {
			t.Errorf("%s: %s, %v: no ack", topic, payload, err)
		}
		all[agent] = ack
	}
	return all
}

func TestAnAgentThatAsksForACertificateIsAnswered(t *testing.T) {
	in, log := newIngest(t, &books{})
	trouble := errors.New("disk full")
	in.options.Certify = func(_ context.Context, agent string, r wire.CertificateRequest) (wire.CertificateAnswer, error) {
		return wire.CertificateAnswer{V: wire.Version, Certificate: r.CSR + " of " + agent}, trouble
	}
	request := message{agent: "ps-01", kind: wire.KindRequest, payload: wire.Encode(wire.CertificateRequest{V: wire.Version, CSR: "request"})}
	if err := in.book(t.Context(), request); !errors.Is(err, trouble) || len(in.out.take()) != 0 {
		t.Errorf("got %v, want the trouble and no answer", err)
	}
	trouble = nil
	if err := in.book(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	answer, err := wire.DecodeCertificateAnswer(in.out.take()[wire.Topic("ps-01", wire.KindCertificate)])
	if err != nil || answer.Certificate != "request of ps-01" {
		t.Errorf("got %+v, %v", answer, err)
	}
	request.payload = []byte("{")
	if err := in.book(t.Context(), request); err != nil || len(in.out.take()) != 0 || !strings.Contains(log.String(), "unreadable certificate request") {
		t.Errorf("unreadable: got %v, log:\n%s", err, log)
	}
}

func TestOnlyTheLatestAckOfAnAgentGoesOut(t *testing.T) {
	b := &books{}
	in, _ := newIngest(t, b)
	if err := in.bookReadings(t.Context(), []message{readings("ps-01", 1), readings("ps-02", 7), readings("ps-01", 2)}); err != nil {
		t.Fatal(err)
	}
	got := acks(t, in)
	if len(got) != 2 || got["ps-01"].Seq != 2 || got["ps-02"].Seq != 7 {
		t.Errorf("acks %v, want ps-01 up to 2, ps-02 up to 7", got)
	}
	if again := acks(t, in); len(again) != 0 {
		t.Errorf("taken twice: %v", again)
	}
}

func TestWhatCannotBeDecodedReachesTheBooksWithItsError(t *testing.T) {
	b := &books{}
	in, log := newIngest(t, b)
	for _, m := range []message{
		{agent: "ps-01", kind: wire.KindReadings, payload: []byte("{")},
		{agent: "ps-01", kind: wire.KindReadings, payload: append(envelope("ps-01", 4), make([]byte, wire.MaxEnvelope)...)},
		{agent: "ps-01", kind: wire.KindState, payload: []byte("no JSON")},
		{agent: "ps-01", kind: wire.KindState, payload: []byte("no JSON")},
	} {
		if err := in.book(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.groups) != 2 || b.groups[0][0].Err == nil || b.groups[1][0].Err == nil || string(b.groups[0][0].Payload) != "{" {
		t.Errorf("got %+v", b.groups)
	}
	if n := strings.Count(log.String(), "unreadable state"); n != 1 {
		t.Errorf("an unreadable state was logged %d times, want once:\n%s", n, log)
	}
}

func TestAFailedCommitAcknowledgesNothingAndIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := true
		b := &books{}
		b.fail = func([]ledger.Delivery) error {
			if full {
				return errors.New("disk full")
			}
			return nil
		}
		in, log := newIngest(t, b)
		ctx, stop := context.WithCancel(t.Context())
		go in.bookAll(ctx)
		for seq := uint64(1); seq <= 5; seq++ {
			in.queue.offer(readings("ps-01", seq))
			time.Sleep(time.Second)
		}
		if acks := acks(t, in); len(acks) != 0 {
			t.Errorf("acknowledged without a commit: %v", acks)
		}
		if err := in.Ready(); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("ready: %v, want the reason", err)
		}
		time.Sleep(10 * time.Second)
		b.mu.Lock()
		full = false
		b.mu.Unlock()
		in.queue.offer(readings("ps-01", 1)) // said again
		time.Sleep(lastPause)
		if acks := acks(t, in); acks["ps-01"].Seq != 1 {
			t.Errorf("acks after the failure: %v, want 1", acks)
		}
		stop()
		synctest.Wait()
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "works again") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestAMessageThatTheBooksCannotTakeDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{}
		b.fail = func(deliveries []ledger.Delivery) error {
			for _, d := range deliveries {
				if d.Agent == "poison" {
					return errors.New("can't be booked")
				}
			}
			return nil
		}
		in, _ := newIngest(t, b)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go in.bookAll(ctx)
		for range 20 { // agents say again what isn't acknowledged
			for agent := range 10 {
				in.queue.offer(readings(fmt.Sprintf("ps-%02d", agent), 1))
			}
			in.queue.offer(readings("poison", 1))
			time.Sleep(5 * time.Second)
		}
		for agent := range 10 {
			if name := fmt.Sprintf("ps-%02d/1", agent); !slices.Contains(b.booked(), name) {
				t.Errorf("%s was never booked", name)
			}
		}
	})
}

func TestAStateThatCannotBeBookedHoldsUpNothingAndBooksNothingTwice(t *testing.T) {
	b := &books{refuse: "poison"}
	in, _ := newIngest(t, b)
	state := func(agent string) message {
		return message{agent: agent, kind: wire.KindState, payload: wire.Encode(wire.AgentState{V: wire.Version, Session: agent})}
	}
	err := in.bookOrEach(t.Context(), []message{readings("ps-01", 1), state("poison"), readings("ps-02", 1), state("ps-01")})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.sizes(); !slices.Equal(got, []int{2}) {
		t.Errorf("commits of %v, want one of 2", got)
	}
	if len(b.states) != 1 || b.states[0].Session != "ps-01" {
		t.Errorf("states %+v, want that of ps-01", b.states)
	}
}

func TestAFullQueueDropsNewMessagesAndCountsThem(t *testing.T) {
	in, log := newIngest(t, &books{})
	for seq := range uint64(queueMessages + 3) {
		in.queue.offer(readings("ps-01", seq+1))
	}
	if got := in.Dropped(); got != 3 {
		t.Errorf("dropped %d, want 3", got)
	}
	if n := strings.Count(log.String(), "can't keep up"); n != 1 {
		t.Errorf("logged %d times, want once", n)
	}
	first := in.queue.group(t.Context())
	if got := string(first[0].payload); !strings.Contains(got, `"seq":1,`) {
		t.Errorf("the oldest is gone: %s", got)
	}
}

func TestTheQueueIsBoundedByBytes(t *testing.T) {
	in, _ := newIngest(t, &books{})
	large := message{agent: "ps-01", kind: wire.KindReadings, payload: make([]byte, queueBytes/4)}
	for range 5 {
		in.queue.offer(large)
	}
	if got := in.Dropped(); got != 1 {
		t.Errorf("dropped %d, want 1", got)
	}
	in.queue.group(t.Context())
	if in.queue.offer(large); in.Dropped() != 1 {
		t.Error("a message was dropped although there was room again")
	}
}
