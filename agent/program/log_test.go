package program

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestTheJournalIsToldHowImportantALineIsAndKeepsItsTimeItself(t *testing.T) {
	var out strings.Builder
	log := slog.New(Lines(&slog.HandlerOptions{Level: slog.LevelDebug}, journalTo(&out)))
	log.Debug("asked")
	log.With("device", "xerox-1").Info("found")
	log.WithGroup("spool").Warn("nearly full", "files", 3)
	log.Error("two\nlines", "error", errors.New("no"))
	want := `<7>level=DEBUG msg=asked
<6>level=INFO msg=found device=xerox-1
<4>level=WARN msg="nearly full" spool.files=3
<3>level=ERROR msg="two\nlines" error=no
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
