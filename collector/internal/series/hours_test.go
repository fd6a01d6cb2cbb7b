package series

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// clockTime is a time of one day, "08:30".
func clockTime(text string) wire.Time {
	at, err := time.Parse("2006-01-02 15:04", "2026-10-01 "+text)
	if err != nil {
		panic(err)
	}
	return wire.TimeOf(at)
}

func up(at, value string) ledger.Status {
	return ledger.Status{At: clockTime(at), Device: "audiocodes-1", Kind: ledger.DeviceUp, Value: value, Agent: "ps-01"}
}

func line(at, port, value string) ledger.Status {
	return ledger.Status{At: clockTime(at), Device: "audiocodes-1", Port: port, Line: "line" + port, Kind: ledger.LineStatus, Value: value}
}

// brief is a point without what all have: "08:00 up=1i", "08:00 line1 idle".
func brief(p *write.Point) string {
	at, said := p.Time().Format("15:04 "), lineOf(p)
	if p.Name() == deviceStatus {
		return at + strings.Fields(said)[1]
	}
	_, tag, _ := strings.Cut(strings.Fields(said)[0], "line=")
	return at + tag + " " + strings.Trim(strings.TrimPrefix(strings.Fields(said)[1], "status="), `"`)
}

func TestWhatIsKnownIsSaidAgainEachFullHour(t *testing.T) {
	for name, c := range map[string]struct {
		log  []ledger.Status
		look string // last
		want []string
	}{
		"up and idle": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "1", "idle")},
			"10:00",
			[]string{"09:00 up=1i", "09:00 line1 idle", "10:00 up=1i", "10:00 line1 idle"},
		},
		"not looked at since": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "1", "idle")},
			"09:59",
			[]string{"09:00 up=1i", "09:00 line1 idle"},
		},
		"a change in between": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "1", "idle"), line("09:30", "1", "busy")},
			"10:05",
			[]string{"09:00 up=1i", "09:00 line1 idle", "10:00 up=1i", "10:00 line1 busy"},
		},
		"a device that doesn't answer tells nothing of its lines": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "1", "idle"), up("08:40", "0"), up("10:20", "1")},
			"11:00",
			[]string{"09:00 up=0i", "10:00 up=0i", "11:00 up=1i", "11:00 line1 idle"},
		},
		"nobody looked for a while": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "1", "idle"), up("09:10", ""), up("11:20", "1")},
			"12:00",
			[]string{"09:00 up=1i", "09:00 line1 idle", "12:00 up=1i", "12:00 line1 idle"},
		},
		"unknown is not said again": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "1", "idle"), line("08:50", "1", "unknown")},
			"10:00",
			[]string{"09:00 up=1i", "10:00 up=1i"},
		},
		"two lines": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "2", "down"), line("08:10", "1", "idle")},
			"09:00",
			[]string{"09:00 up=1i", "09:00 line1 idle", "09:00 line2 down"},
		},
		"a change on the hour": {
			[]ledger.Status{up("08:10", "1"), line("08:10", "1", "idle"), line("09:00", "1", "busy")},
			"09:00",
			[]string{"09:00 up=1i", "09:00 line1 busy"},
		},
	} {
		var got []string
		say := func(p *write.Point) { got = append(got, brief(p)) }
		h := resume(nil, nil, 0, 0)
		for i := range c.log {
			h.take(&c.log[i], say)
		}
		h.seen("audiocodes-1", clockTime(c.look), say)
		h.seen("audiocodes-1", clockTime(c.look), say)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestHoursGoOnAfterARestartWhereTheyWere(t *testing.T) {
	for name, c := range map[string]struct {
		told, looked, said string // before the restart
		want               []string
	}{
		"all said up to ten":              {"08:10", "10:20", "10:00", []string{"11:00 up=1i", "11:00 line1 idle"}},
		"it wasn't looked at since nine":  {"08:10", "09:20", "10:00", []string{"10:00 up=1i", "10:00 line1 idle", "11:00 up=1i", "11:00 line1 idle"}},
		"another device held back others": {"08:10", "10:20", "09:00", []string{"10:00 up=1i", "10:00 line1 idle", "11:00 up=1i", "11:00 line1 idle"}},
		"told at ten sharp":               {"10:00", "10:00", "09:00", []string{"10:00 up=1i", "10:00 line1 idle", "11:00 up=1i", "11:00 line1 idle"}},
	} {
		var got []string
		log := []ledger.Status{up(c.told, "1"), line(c.told, "1", "idle")}
		h := resume(log, map[string]wire.Time{"audiocodes-1": clockTime(c.looked)}, clockTime(c.said), 0)
		h.seen("audiocodes-1", clockTime("11:00"), func(p *write.Point) { got = append(got, brief(p)) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAReplaySaysNothingOfHoursBeforeItsBeginning(t *testing.T) {
	var got []string
	say := func(p *write.Point) { got = append(got, brief(p)) }
	h := resume(nil, nil, 0, clockTime("10:00"))
	for _, s := range []ledger.Status{up("07:10", "1"), line("07:10", "1", "idle"), line("08:20", "1", "busy")} {
		h.take(&s, say)
	}
	h.seen("audiocodes-1", clockTime("11:10"), say)
	if want := []string{"10:00 up=1i", "10:00 line1 busy", "11:00 up=1i", "11:00 line1 busy"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
