//go:build e2e

package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// full is a hospital of 500 lines more in 40 services, in all states.
func full() *books {
	b := hospital()
	states := byUrgency()
	for i := range 500 {
		service := fmt.Sprintf("service-%02d", i%40)
		b.snapshot.Register.Services[service] = ledger.Service{ID: service, Establishment: "chu", Pole: "urgences", Name: fmt.Sprintf("Service de médecine polyvalente et gériatrique n° %d", i%40)}
		l := b.snapshot.Lines[0]
		l.ID = fmt.Sprintf("02413550%02d%d", i%100, i/100)
		l.Number, l.Service, l.Device, l.State = l.ID, service, fmt.Sprintf("kyocera-vcf%07d", i), states[i%len(states)]
		if l.State != ledger.Overdue {
			l.Cutoff, l.Copper = "", nil
			l.Why = l.Why[1:]
		}
		b.snapshot.Lines = append(b.snapshot.Lines, l)
		account := ledger.Account{Establishment: "chu", Pole: "urgences", Service: service, Line: l.ID, Device: l.Device}
		b.snapshot.Sums = append(b.snapshot.Sums, ledger.Sum{Account: account, Measure: wire.FaxSentPages, Unit: "pages", Count: int64(i)})
	}
	return b
}

// TestThePagesInABrowser looks at all pages in Chromium: wide, narrow, empty, full and broken.
func TestThePagesInABrowser(t *testing.T) {
	broken := hospital()
	broken.err = errBooks
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	for name, b := range map[string]*books{
		"hospital": hospital(), "full": full(), "empty": {snapshot: ledger.Snapshot{At: wire.TimeOf(time.Now())}}, "broken": broken,
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(newSite(t, b))
			defer server.Close()
			out, err := exec.Command("node", "browser/pages.mjs", server.URL, name, shots).CombinedOutput()
			if err != nil {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

// TestTheDashboardInABrowser looks at its charts, at what the refresh leaves alone, and at paper.
func TestTheDashboardInABrowser(t *testing.T) {
	t.Parallel()
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	b := yearly()
	site := newSite(t, b)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" { // each time a second later
			again := *b
			again.snapshot.At = b.snapshot.At.Add(time.Duration(asked.Add(1)) * time.Second)
			newSite(t, &again).ServeHTTP(w, r)
			return
		}
		site.ServeHTTP(w, r)
	}))
	defer server.Close()
	if out, err := exec.Command("node", "browser/dashboard.mjs", server.URL, shots).CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
