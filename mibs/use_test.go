package mibs_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatADeviceIsAskedHasAUse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatalf("recordings: %v, %v", files, err)
	}
	set := builtin(t)
	for _, file := range files {
		d, _ := readRecording(t, set, fixture(t, strings.TrimSuffix(filepath.Base(file), ".snmprec")))
		for _, oid := range d.OIDs(all) {
			if d.Use(oid) == "" {
				t.Errorf("%s: nobody knows what %s is asked for", file, oid)
			}
		}
		if got := d.Use("1.3.6.1.4.1.99999.1"); got != "" {
			t.Errorf("%s: an object that isn't asked is for %q", file, got)
		}
	}
}
