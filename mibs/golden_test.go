package mibs_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

var update = flag.Bool("update", false, "write the expected readings in testdata anew; read the diff")

// golden is what a recording reads as, kept beside it.
type golden struct {
	ID       string          `json:"id"`
	Identity wire.Identity   `json:"identity"`
	Why      string          `json:"why"`
	Fax      wire.Answer     `json:"fax"`
	FaxWhy   string          `json:"fax_why,omitempty"`
	Steady   []string        `json:"steady"` // the OIDs of every poll
	Reading  wire.Reading    `json:"reading"`
	Measures []mibs.Measured `json:"measures"`
	Unknown  []string        `json:"unknown"`
	Warnings []string        `json:"warnings"`
	Damage   []string        `json:"damage,omitempty"` // what couldn't be read of the recording
}

func TestEveryRecordingReadsAsExpected(t *testing.T) {
	set := builtin(t)
	files, err := filepath.Glob("testdata/*.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d recordings, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".snmprec")
		t.Run(name, func(t *testing.T) {
			recording := fixture(t, name)
			d, r := readRecording(t, set, recording)
			got, err := json.MarshalIndent(golden{
				d.ID, d.Identity, d.Why, d.Fax, d.FaxWhy, d.OIDs(all),
				r.Reading, d.Measures(r.Reading), r.Unknown, r.Warnings, recording.Warnings,
			}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, strings.TrimSuffix(file, ".snmprec")+".json", append(got, '\n'))
		})
	}
}

func checkGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("not as %s has it (if it should be otherwise now: go test ./mibs -update)\ngot:\n%s", file, got)
	}
}

func fixture(t testing.TB, name string) *mibs.Recording {
	t.Helper()
	file, err := os.Open("testdata/" + name + ".snmprec")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := mibs.ParseSnmprec(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
