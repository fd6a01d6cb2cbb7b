//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// The demo listens on the programs' default ports, so its test has them to itself: no
// other test of this package uses them.
func TestTheDemoShowsAYearAndTwelveMachinesThatFaxAndLeavesNothingBehind(t *testing.T) {
	tmp := t.TempDir()
	demo := startWith(t, tmp, []string{"TMPDIR=" + tmp}, "zerofax-demo", "--pace", "200ms")
	const url = "http://127.0.0.1:8780"
	total := func() (machines int, pages int64) {
		for _, d := range list[device](url + "/api/v1/devices") {
			if d.Agent != "demo" {
				continue
			}
			machines++
			pages += d.Totals[wire.FaxSentPages] + d.Totals[wire.FaxReceivedPages] + d.Totals[wire.FaxPrintedPages]
		}
		return machines, pages
	}
	var first int64
	eventually(t, 90*time.Second, "12 machines, some of which faxed", func() string {
		if !demo.running() {
			t.Fatalf("the demo ended by itself:\n%s", demo.out)
		}
		machines, pages := total()
		if first = pages; machines != 12 || pages == 0 {
			return demo.out.String()
		}
		return ""
	})
	eventually(t, time.Minute, "the counts rise", func() string {
		if _, pages := total(); pages <= first {
			return "they don't"
		}
		return ""
	})
	eventually(t, time.Minute, "lines of the past, and of the ward", func() string {
		states, ward := map[string]int{}, 0
		for _, l := range list[demoLine](url + "/api/v1/lines") {
			states[l.State]++
			if strings.HasPrefix(l.Number, "026191409") {
				ward++
			}
		}
		for _, state := range []string{"active", "quiet", "dormant", "blind", "overdue", "cut", "kept"} {
			if states[state] == 0 {
				return "no line is " + state
			}
		}
		if ward != 5 {
			return "the ward's lines aren't declared"
		}
		return ""
	})
	for _, want := range []string{url + "/", url + "/metrics", "Ctrl-C"} {
		if !strings.Contains(demo.out.String(), want) {
			t.Errorf("the demo doesn't name %s:\n%s", want, demo.out)
		}
	}
	t.Run("its page in a browser", func(t *testing.T) { browse(t, "collector/internal/web/browser/fleet.mjs", url) })
	t.Run("its metrics are clean", func(t *testing.T) { checkMetrics(t, url) })

	if code := demo.stop(); code != 0 {
		t.Errorf("exit %d after an interrupt, want 0:\n%s", code, demo.out)
	}
	if get(url+"/-/healthy") != "" {
		t.Error("the collector still runs")
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

type demoLine struct{ Number, State string }

// browse drives a real browser over the page at url by a script; screenshots are kept in build/screenshots.
func browse(t *testing.T, script, url string, args ...string) {
	t.Helper()
	shots, err := filepath.Abs(filepath.Join("..", "..", "build", "screenshots"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", append([]string{path.Base(script), url, shots}, args...)...)
	cmd.Dir = filepath.Join("..", "..", filepath.FromSlash(path.Dir(script)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	t.Logf("%s:\n%s", path.Base(script), out)
}

// checkMetrics lets promtool judge the exposition.
func checkMetrics(t *testing.T, url string) {
	t.Helper()
	cmd := exec.Command(systemProgram(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(get(url + "/metrics"))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
