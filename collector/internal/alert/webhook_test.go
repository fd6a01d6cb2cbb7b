package alert

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// receiver is an HTTP server that keeps what it is sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	paths  []string
	answer func(w http.ResponseWriter, n int) // n: which request; nil: 200
}

func newReceiver(t testing.TB) *receiver {
	r := new(receiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.bodies, r.paths = append(r.bodies, string(body)), append(r.paths, request.Method+" "+request.URL.Path)
		n, answer := len(r.bodies), r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, n)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies
}

func TestWhatAReceiverAnswersDecidesWhetherItIsTriedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		answer  func(w http.ResponseWriter, n int)
		want    string // of the error; "": none
		refusal bool
		after   time.Duration
		down    bool
	}{
		"yes":                   {nil, "", false, 0, false},
		"yes without a word":    {func(w http.ResponseWriter, _ int) { w.WriteHeader(204) }, "", false, 0, false},
		"a fault":               {func(w http.ResponseWriter, _ int) { w.WriteHeader(500) }, "500", false, 0, false},
		"too much":              {func(w http.ResponseWriter, _ int) { w.Header().Set("Retry-After", "120"); w.WriteHeader(429) }, "429", false, 2 * time.Minute, false},
		"not now":               {func(w http.ResponseWriter, _ int) { w.WriteHeader(503) }, "503", false, 0, false},
		"not known here":        {func(w http.ResponseWriter, _ int) { w.WriteHeader(404) }, "404", true, 0, false},
		"somewhere else":        {func(w http.ResponseWriter, _ int) { w.Header().Set("Location", "/"); w.WriteHeader(302) }, "302", true, 0, false},
		"closes the connection": {func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }, "EOF", false, 0, true},
		"an answer without an end": {func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(200)
		}, "", false, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			r.answer = test.answer
			hook := &Webhook{URL: r.URL + "/hooks/T0KEN?key=T0KEN"}
			err := hook.Send(t.Context(), &ledger.Message{Payload: "{}"})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v, want it sent", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want it to say %s", err, test.want)
			case err != nil && strings.Contains(err.Error(), "T0KEN"):
				t.Errorf("the error tells the secret: %v", err)
			}
			if got := errors.As(err, new(refusal)); got != test.refusal {
				t.Errorf("taken for a refusal: %v, want %v", got, test.refusal)
			}
			if got := errors.As(err, new(unreachable)); got != test.down {
				t.Errorf("taken for a dead server: %v, want %v", got, test.down)
			}
			if busy := new(delayed); errors.As(err, busy) && busy.after != test.after {
				t.Errorf("come again after %v, want %v", busy.after, test.after)
			}
			if len(r.got()) != 1 {
				t.Errorf("got %d requests, want one", len(r.got()))
			}
		})
	}
}

func TestASlowReceiverIsLeftAfterAWhile(t *testing.T) {
	r := newReceiver(t)
	hold := make(chan struct{})
	r.answer = func(http.ResponseWriter, int) { <-hold }
	defer close(hold)
	hook := &Webhook{URL: r.URL, Patience: 20 * time.Millisecond}
	if err := hook.Send(t.Context(), &ledger.Message{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want it left", err)
	}
}

func TestAWebhookMessageIsAlertmanagers(t *testing.T) {
	books := hospital()
	w := newWriter(&books, "fr", paris, "https://zerofax.ch-exemple.fr/")
	e := samples()["fax-certain"].News[0].Episode
	data, err := json.MarshalIndent(notify(w.alert(e), w.link), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "firing.json", string(data)+"\n")
	closed := *e
	closed.ClosedAt, closed.ClosedBy, closed.Reason = stamp(paris, 24, 10, 0), "m.durand", "essai"
	n := notify(w.alert(&closed), w.link)
	if n.Status != statusResolved || n.Alerts[0].Status != statusResolved || !n.Alerts[0].EndsAt.Equal(closed.ClosedAt.Std()) {
		t.Errorf("got %+v, want it resolved", n)
	}
	if first := notify(w.alert(e), w.link); first.GroupKey != n.GroupKey || first.Alerts[0].Fingerprint != n.Alerts[0].Fingerprint {
		t.Error("who it is changes when it is closed")
	}
}
