package status

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestHealthIsThatPollingGoesOnAndReadingsAreKept(t *testing.T) {
	away := linked()
	away.link = Link{Error: "connection refused"}
	stuck := linked()
	stuck.quiet = 42 * time.Second
	full := linked()
	full.spool.Error = "no space left on device"
	for name, test := range map[string]struct {
		agent *agent
		code  int
		says  string
	}{
		"all is well":           {ward(), 200, "healthy"},
		"the collector is away": {away, 200, "healthy"},
		"the scheduler hangs":   {stuck, 503, "nothing was polled for 42s"},
		"the disk is full":      {full, 503, "readings can't be kept: no space left on device"},
	} {
		for _, target := range []string{"/-/healthy", "/-/ready"} {
			if w := ask(newPage(t, test.agent), http.MethodGet, target); w.Code != test.code || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%s: %s: got %d %s", name, target, w.Code, w.Body)
			}
		}
	}
}

// journal is a log that tests can read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), what)
}

func TestAPortThatIsTakenIsSaidOnceAndTriedAgain(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := ward()
	a.listen = other.Addr().String()
	p := newPage(t, a)
	var log journal
	p.Log, p.Retry = slog.New(slog.NewTextHandler(&log, nil)), 5*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()

	eventually(t, func() bool { return log.count("no status page, polling goes on") == 1 })
	other.Close()
	eventually(t, func() bool {
		resp, err := http.Get("http://" + a.listen + "/-/healthy")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return string(body) == "healthy\n"
	})
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped: got %v, want nil", err)
	}
	if n := log.count("level=ERROR"); n != 1 {
		t.Errorf("got %d errors in the log, want 1", n)
	}
}

func eventually(t *testing.T, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !true(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 10 s")
		}
	}
}
