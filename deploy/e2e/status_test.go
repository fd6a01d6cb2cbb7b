//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/freeport"
)

func TestTheAgentsOwnPageShowsItsMachinesInABrowser(t *testing.T) {
	h := newHospital(t, setUp{devices: 12})
	silent := freeport.Must(t) // nothing listens there
	config, err := os.OpenFile(filepath.Join(h.dir, "agent.yml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(config, "  - {host: 127.0.0.1, port: %d, credentials: legacy}\n", silent)
	if err := config.Close(); err != nil {
		t.Fatal(err)
	}
	h.startCollector()
	h.startAgent()
	eventually(t, time.Minute, "12 machines answer, one address is silent", func() string {
		var page struct{ Targets map[string]int }
		text := get(h.status + "/?format=json")
		if json.Unmarshal([]byte(text), &page) != nil || page.Targets["answering"] != 12 || page.Targets["silent"] != 1 {
			return "page: " + text
		}
		return ""
	})
	browse(t, "agent/internal/status/browser/status.mjs", h.status, "12", "127.0.0.1:"+strconv.Itoa(silent))
	checkMetrics(t, h.status)

	if get(h.status+"/-/healthy") != "healthy\n" {
		t.Error("not healthy")
	}
	h.collector.kill()
	eventually(t, time.Minute, "the page says that the collector is away", func() string {
		var page struct {
			Link struct{ Error string }
		}
		if text := get(h.status + "/?format=json"); json.Unmarshal([]byte(text), &page) != nil || page.Link.Error == "" {
			return "page: " + text
		}
		return ""
	})
	if get(h.status+"/-/healthy") != "healthy\n" {
		t.Error("a collector that is away makes the agent unhealthy")
	}
}
