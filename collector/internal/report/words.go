package report

import (
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Words says what reports say.
type Words struct {
	page.Speech
	location *time.Location
}

// In says it in a language (fr or en), at a place and instant.
func In(language string, location *time.Location, now wire.Time) Words {
	return Words{page.With(Texts()).In(language, location, now), location}
}

// MonthName is a month in words, as octobre 2026.
func (w Words) MonthName(m ledger.Month) (string, error) {
	return w.T("report.month."+number(m), yearOf(m))
}

// MonthShort is the same for the axis of a chart, as oct. 2026.
func (w Words) MonthShort(m ledger.Month) (string, error) {
	return w.T("report.mon."+number(m), yearOf(m))
}

// number is that of a month in its year.
func number(m ledger.Month) string { return fmt.Sprintf("%02d", int(m)%100) }

// yearOf is a text: nobody writes 2 026.
func yearOf(m ledger.Month) string { return fmt.Sprintf("%04d", int(m)/100) }

// Indicator is what a figure is called, with what it counts where that isn't plain.
func (w Words) Indicator(key Key) (string, error) {
	name, err := w.T("report.indicator." + string(key.Indicator))
	if err != nil || key.Indicator == indicators.ActiveLines || key.Indicator == indicators.MSSanteAddresses || key.Of == "messages" {
		return name, err
	}
	unit, err := w.Unit(key.Of)
	return name + " (" + unit + ")", err
}

// Unit is a unit in words; one without a text stands as it is.
func (w Words) Unit(unit string) (string, error) {
	if text, known := Texts()["report.unit."+unit]; known {
		if w.French {
			return text[page.French], nil
		}
		return text[page.English], nil
	}
	return unit, nil
}

// Certainty is how sure a figure is, with what printed pages prove; empty where there is nothing to add.
func (w Words) Certainty(f indicators.Figure) (string, error) {
	switch {
	case f.Value == nil && f.Basis.Source == indicators.Unseen:
		return w.T("report.certainty.not_watched")
	case f.Value == nil:
		return w.T("report.certainty.no_source")
	}
	return w.T("report.certainty." + string(f.Basis.Certainty))
}

// Standing says whether a month's figures may still change.
func (w Words) Standing(r *Report) (string, error) {
	switch {
	case r.Closing != nil:
		return w.T("report.closed", w.Day(r.Closing.At), r.Closing.By)
	case r.Over():
		return w.T("report.open")
	}
	return w.T("report.running")
}

// Scope says of what and when a report is.
func (w Words) Scope(r *Report) (string, error) {
	of := r.Name
	if r.Establishment == "" && len(r.Register.Establishments) != 1 {
		whole, err := w.T("report.whole")
		if err != nil {
			return "", err
		}
		of = whole
	}
	made, err := w.T("report.made", w.At(r.At))
	if err != nil {
		return "", err
	}
	standing, err := w.Standing(r)
	return of + " · " + made + " · " + standing, err
}

// Points are a service's watch points, each with its risk and what is done about it.
func (w Words) Points(x Weather) (points []string, err error) {
	for _, p := range x.Points {
		risk, err := w.T("report.risk." + string(p.Risk))
		if err != nil {
			return nil, err
		}
		text := p.Text + " (" + risk + ")"
		if p.Mitigation != "" {
			text += " → " + p.Mitigation
		}
		points = append(points, text)
	}
	return points, nil
}

// Forecast says when active lines come to zero.
func (w Words) Forecast(f indicators.Forecast) (string, error) {
	if f.No != "" {
		return w.T("report.forecast." + string(f.No))
	}
	var months [3]string
	for i, month := range []ledger.Month{f.Zero, f.Early, f.Late} {
		if month == 0 {
			continue
		}
		var err error
		if months[i], err = w.MonthName(month); err != nil {
			return "", err
		}
	}
	switch {
	case f.Reached:
		return w.T("report.forecast.reached", months[0])
	case f.Late == 0:
		return w.T("report.forecast.never", months[0], months[1])
	}
	return w.T("report.forecast.zero", months[0], months[1], months[2])
}
