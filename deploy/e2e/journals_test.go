//go:build e2e

package e2e

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// faxServer writes HylaFAX's log, and knows what stands in it.
type faxServer struct {
	*hospital
	log    string
	rng    *rand.Rand
	done   int // messages that were sent
	failed int // tries that came to nothing
}

func TestAFollowedJournalIsCountedExactlyWhateverIsKilledOrRotated(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			h := newHospital(t, setUp{devices: 1})
			s := faxServer{hospital: h, log: filepath.Join(h.dir, "xferfaxlog"), rng: rand.New(rand.NewPCG(seed, 7))}
			s.follow()
			s.faxes(300)
			h.startCollector()
			eventually(t, 20*time.Second, "the collector answers", func() string {
				if get(h.url+"/-/ready") == "" {
					return "not ready"
				}
				return ""
			})
			writeFile(t, filepath.Join(h.dir, "lines.csv"), "number;service\n0241354512;cardiologie\n")
			h.command("import", "lines", "lines.csv")
			h.startAgent()
			s.wantFlows(30 * time.Second)
			h.command("backup", "monday.db")
			for range 12 {
				s.faxes(1 + s.rng.IntN(40))
				s.trouble()
				s.faxes(s.rng.IntN(5))
			}
			s.wantFlows(40 * time.Second)
			h.collector.kill()
			h.command("restore", "monday.db") // what came since then is in files only, most of them rotated
			h.startCollector()
			s.wantFlows(40 * time.Second)
			h.balanced()
			s.wantPage()
			if said := h.agent.out.String(); strings.Contains(said, "024135") {
				t.Errorf("a number stands in the agent's log:\n%s", said)
			}
		})
	}
}

// follow has the agent follow the log.
func (s *faxServer) follow() {
	path := filepath.Join(s.dir, "agent.yml")
	config, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	writeFile(s.t, path, string(config)+"journals:\n  - {name: hylafax, path: xferfaxlog, profile: hylafax, line: \"0241354512\", time_zone: Europe/Paris}\n")
}

// faxes appends rows, some of which are tries that failed; the last may be written in two goes.
func (s *faxServer) faxes(n int) {
	var rows strings.Builder
	for range n {
		number, reason := s.done+s.failed, ""
		if s.rng.IntN(4) == 0 {
			reason = "Busy signal detected"
			s.failed++
		} else {
			s.done++
		}
		fmt.Fprintf(&rows, "11/%02d/26 %02d:%02d\tSEND\t%09d\tttyS0\t41\t\"\"\tccardio\t\"02413520%02d\"\t\"CHU\"\t1234\t%d\t0:01:10\t0:01:31\t%q\n",
			1+number/1440%20, number/60%24, number%60, number, s.rng.IntN(20), 1+s.rng.IntN(5), reason)
	}
	text := rows.String()
	cut := s.rng.IntN(len(text) + 1)
	for _, part := range []string{text[:cut], text[cut:]} {
		file, err := os.OpenFile(s.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			_, err = file.WriteString(part)
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// trouble rotates the log, or kills a program for a moment.
func (s *faxServer) trouble() {
	pause := func() { <-time.After(time.Duration(s.rng.IntN(900)) * time.Millisecond) }
	old := fmt.Sprintf("%s.%d", s.log, time.Now().UnixNano())
	switch s.rng.IntN(5) {
	case 0:
		s.agent.kill()
		s.faxes(3)
		pause()
		s.startAgent()
	case 1:
		s.collector.kill()
		s.faxes(3)
		pause()
		s.startCollector()
	case 2: // logrotate's create
		if err := os.Rename(s.log, old); err != nil {
			s.t.Fatal(err)
		}
	case 3: // logrotate's copytruncate
		data, err := os.ReadFile(s.log)
		if err == nil {
			err = errors.Join(os.WriteFile(old, data, 0o644), os.Truncate(s.log, 0))
		}
		if err != nil {
			s.t.Fatal(err)
		}
		pause()
	case 4:
		s.agent.kill()
		if err := os.Rename(s.log, old); err != nil {
			s.t.Fatal(err)
		}
		s.startAgent()
	}
}

// wantFlows waits until the books' faxes of the line are those of the log.
func (s *faxServer) wantFlows(within time.Duration) {
	s.t.Helper()
	books, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "books", "ledger.db")+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = books.Close() }()
	eventually(s.t, within, "flows equal the log", func() string {
		var done, failed int
		err := books.QueryRow("SELECT coalesce(sum(done), 0), coalesce(sum(failed), 0) FROM pair_months JOIN pairs ON pairs.id = pair_months.id % 4294967296 "+
			"JOIN parties ON parties.id = from_party WHERE line = '0241354512' AND unit = 'message'").Scan(&done, &failed)
		if err != nil || done != s.done || failed != s.failed {
			return fmt.Sprintf("got %d done and %d failed, %v; want %d and %d", done, failed, err, s.done, s.failed)
		}
		return ""
	})
}

// wantPage wants the agent's own page and metrics to say that all is read.
func (s *faxServer) wantPage() {
	s.t.Helper()
	eventually(s.t, 10*time.Second, "the agent's page says that all is read", func() string {
		var page struct {
			Journals []struct {
				Name, Error string
				Read        int64 `json:"read_bytes"`
				Size        int64 `json:"size_bytes"`
				Rejected    int64 `json:"rejected_rows"`
			}
		}
		text := get(s.status + "/?format=json")
		if err := json.Unmarshal([]byte(text), &page); err != nil || len(page.Journals) != 1 {
			return fmt.Sprintf("%v: %.300s", err, text)
		}
		if j := page.Journals[0]; j.Name != "hylafax" || j.Read != j.Size || j.Rejected != 0 {
			return fmt.Sprintf("got %+v", j)
		}
		if rest := number(get(s.status+"/metrics"), `zerofax_agent_journal_unread_bytes{journal="hylafax"}`); rest != 0 {
			return fmt.Sprintf("got %v bytes unread, want 0", rest)
		}
		return ""
	})
}
