package web

import (
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// speech words what the books hold.
type speech struct{ page.Speech }

// speech is the reader's.
func (s *site) speech(r *http.Request, now wire.Time) speech {
	return speech{texts.Speech(r, s.Language, s.Location, now)}
}

func (s speech) language() string {
	if s.French {
		return "fr"
	}
	return "en"
}

// T says key, and writes « d’avril » where a month follows « de ».
func (s speech) T(key string, args ...any) (string, error) {
	text, err := s.Speech.T(key, args...)
	if !s.French || len(args) == 0 {
		return text, err
	}
	return elided.Replace(text), err
}

var elided = strings.NewReplacer("de avr", "d’avr", "de aoû", "d’aoû", "de oct", "d’oct", "De avr", "D’avr", "De aoû", "D’aoû", "De oct", "D’oct")

// Colon is what stands between a name and what it names.
func (s speech) Colon() string {
	if s.French {
		return "\u00a0: "
	}
	return ": "
}

// Date says a day of the calendar.
func (s speech) Date(d ledger.Day) string {
	t, err := time.Parse(time.DateOnly, string(d))
	switch {
	case err != nil:
		return string(d)
	case s.French:
		return t.Format("02/01/2006")
	}
	return t.Format("2 Jan 2006")
}

// Facts are the evidence of a line's state, each in words.
func (s speech) Facts(l ledger.Line) ([]string, error) {
	list := make([]string, len(l.Why))
	for i, f := range l.Why {
		var err error
		if list[i], err = s.fact(f); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Because says why a line is in its state.
func (s speech) Because(l ledger.Line) (string, error) {
	facts, err := s.Facts(l)
	return strings.Join(facts, ", "), err
}

// fact words a piece of evidence.
func (s speech) fact(f ledger.Fact) (string, error) {
	key := "fact." + string(f.Code)
	switch f.Code {
	case ledger.FactKept:
		if f.Day != "" {
			return s.T("fact.kept.until", f.Text, s.Date(f.Day))
		}
		return s.T(key, f.Text)
	case ledger.FactReviewPassed, ledger.FactCut, ledger.FactCutoffPassed, ledger.FactCutoffAhead, ledger.FactCutAhead:
		return s.T(key, s.Date(f.Day))
	case ledger.FactMachineUnseen, ledger.FactPortUnseen:
		return s.T(key, f.Text)
	case ledger.FactMachineAmbiguous:
		return s.T(key, f.Text, f.Count)
	case ledger.FactLastFax, ledger.FactJournaled, ledger.FactNoFax, ledger.FactIdle, ledger.FactBusy, ledger.FactDown:
		return s.T(key, s.Day(f.At))
	case ledger.FactSharedFax:
		return s.T(key, s.Day(f.At), f.Count)
	case ledger.FactLastReading:
		ago, err := s.Ago(f.At)
		if err != nil {
			return "", err
		}
		return s.T(key, ago)
	case ledger.FactWatched:
		watched, err := s.days(f.Days)
		if err != nil {
			return "", err
		}
		of, err := s.days(f.Of)
		if err != nil {
			return "", err
		}
		return s.T(key+s.form(f.Days), watched, of)
	}
	return s.T(key)
}

// form is the ending of a text's key that suits a number of days, as it is said.
func (s speech) form(days float64) string {
	if tenths := math.Floor(days*10 + 1e-9); tenths == 10 || s.French && tenths < 20 {
		return ".one"
	}
	return ".other"
}

// days says a number of days to a tenth, never more than there were: 29.98 of 30 is not 30.
func (s speech) days(n float64) (string, error) {
	tenths := math.Floor(n*10 + 1e-9)
	if whole := math.Trunc(tenths / 10); whole*10 == tenths {
		return s.T("days.whole", int64(whole))
	}
	return s.T("days.tenth", tenths/10)
}
