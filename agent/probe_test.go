package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

func TestWhatProbePrintsFitsIntoATerminalOf100Columns(t *testing.T) {
	recordings, err := filepath.Glob("../mibs/testdata/*.snmprec")
	if err != nil || len(recordings) == 0 {
		t.Fatalf("got %d recordings, %v", len(recordings), err)
	}
	profiles, err := mibs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, recording := range recordings {
		seen, err := replay(t.Context(), profiles, recording)
		if err != nil {
			t.Error(err)
			continue
		}
		var out bytes.Buffer
		if err := seen.printText(&out); err != nil {
			t.Errorf("%s: %v", recording, err)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 {
				t.Errorf("%s: a line of %d characters:\n%s", recording, n, line)
			}
		}
	}
}

func TestANoteOfSeveralMeasuresIsSaidOnce(t *testing.T) {
	const both = "of the whole machine"
	got := strings.Join(notes([]mibs.Measured{
		{Measure: wire.FaxSentPages, Certainty: "mib", Note: both},
		{Measure: wire.FaxReceivedPages, Certainty: "mib", Note: both},
		{Measure: wire.FaxSent, Certainty: "walk"},
	}), "\n")
	want := "fax_sent_pages, fax_received_pages: of the whole machine\n" +
		"certainty mib: the maker's MIB says so\ncertainty walk: real machines answer like that"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
