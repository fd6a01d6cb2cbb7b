package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// hunter2, cost 4
const users = "basic_auth_users: {dsi: $2a$04$Z5FB/8U/O3hTseTjzc14I.rJMSu22NBqOFcjo0f/nlOVjamyvuDIq}\n"

func TestServeAsksForThePasswordOfTheWebConfigFile(t *testing.T) {
	defer goleak.VerifyNone(t)
	defer http.DefaultClient.CloseIdleConnections()
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, newSite(t, ward()), file, slog.New(slog.DiscardHandler)) }()

	for password, want := range map[string]int{"": 401, "guess": 401, "hunter2": 200} {
		r, err := http.NewRequest(http.MethodGet, "http://"+l.Addr().String()+"/-/healthy", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("dsi", password)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("password %q: got %d, want %d", password, resp.StatusCode, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped: %v", err)
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = Serve(t.Context(), l, newSite(t, ward()), "", slog.New(slog.DiscardHandler))
	if err == nil || !errors.Is(err, net.ErrClosed) || !strings.HasPrefix(err.Error(), "serve pages: ") {
		t.Errorf("got %v", err)
	}
}
