//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ready is what /-/ready says.
func (h *hospital) ready() string {
	resp, err := http.Get(h.url + "/-/ready")
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// largestFile lets no file of a program grow beyond a size, as on a disk that is full: what is
// there can be read and written over.
func (p *program) largestFile(size uint64) {
	p.t.Helper()
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		p.t.Fatalf("limit the files of %s: %v", p.name, err)
	}
}

func TestWithoutRoomNothingIsAcknowledgedNorLost(t *testing.T) {
	t.Parallel()
	h := newHospital(t, setUp{devices: 4})
	h.open()
	bed := h.counting()[0]
	bed.Fax(3, 2)
	h.wantTotals(30 * time.Second)

	h.collector.largestFile(4096)
	eventually(t, 60*time.Second, "the collector says that it can't book", func() string {
		if text := h.ready(); !strings.HasPrefix(text, "not ready: book: ") {
			return text
		}
		return ""
	})
	bed.Fax(5, 1)
	bed.Reboot()
	h.balanced()

	h.collector.largestFile(unix.RLIM_INFINITY)
	h.wantTotals(120 * time.Second) // its broker must be started anew, too
	eventually(t, 30*time.Second, "it is ready again", func() string { return strings.TrimPrefix(h.ready(), "ready\n") })
	h.balanced()
	if n := strings.Count(h.collector.out.tail(1<<20), "nothing can be booked"); n != 1 {
		t.Errorf("it said so %d times, want once", n)
	}
}

func TestARestoredLedgerCatchesUpWithTheMachines(t *testing.T) {
	t.Parallel()
	h := newHospital(t, setUp{devices: 12})
	h.open()
	counting := h.counting()
	counting[0].Fax(3, 2)
	h.wantTotals(30 * time.Second)
	h.command("backup", "monday.db")

	counting[0].Fax(4, 4)
	counting[1].Fax(1, 1)
	h.wantTotals(30 * time.Second)
	eventually(t, 60*time.Second, "the agent holds nothing of it any more", func() string {
		if n := number(get(h.status+"/metrics"), "zerofax_agent_spool_envelopes"); n != 0 {
			return fmt.Sprintf("%v envelopes aren't acknowledged", n)
		}
		return ""
	})
	h.collector.kill()
	out := h.command("restore", "monday.db")
	if !strings.Contains(out, "12 devices") || !strings.Contains(out, "the ledger until now is kept as") {
		t.Errorf("restore said %s", out)
	}
	counting[2].Fax(2, 2)
	h.startCollector()
	h.wantTotals(60 * time.Second)
	h.stays(2 * time.Second)
	h.balanced()
	agents := list[struct{ Holes int }](h.url + "/api/v1/agents")
	if len(agents) != 1 || agents[0].Holes != 1 {
		t.Errorf("got %+v, want one hole: what happened in between is blind time", agents)
	}
}
