package web

import (
	"slices"

	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// outlook is when a figure comes to zero, in words.
type outlook struct {
	Name   string
	Stands bool
	Zero   string // the month, or why there is none
	Range  string
	Rests  string // on which months
}

// outlook fills in the forecasts and the chart of pages.
func (p *dashboardPage) outlook(t trend) error {
	complete := len(t.Months) - 1
	pages := indicators.ForecastZero(t.points(complete, indicators.FaxReceived, indicators.FaxSent, indicators.FaxUnknown))
	lines := indicators.ForecastZero(t.points(complete, indicators.ActiveLines))
	for _, x := range []struct {
		key string
		f   indicators.Forecast
	}{{"forecast.pages", pages}, {"forecast.lines", lines}} {
		o, err := p.forecast(x.key, &x.f)
		if err != nil {
			return err
		}
		p.Forecasts = append(p.Forecasts, o)
	}
	return p.pagesChart(t, &pages)
}

func (p *dashboardPage) forecast(key string, f *indicators.Forecast) (o outlook, err error) {
	if o.Name, err = p.T(key); err != nil {
		return o, err
	}
	if f.No != "" {
		o.Zero, err = p.T("forecast.no." + string(f.No))
		return o, err
	}
	o.Stands = true
	names, err := p.shortMonthNames([]ledger.Month{f.Zero, f.Early, max(f.Early, f.Late), f.From, f.To})
	if err != nil {
		return o, err
	}
	switch {
	case f.Reached:
		o.Zero, err = p.T("forecast.reached", names[0])
		return o, err
	case f.Late == 0:
		o.Range, err = p.T("forecast.open", names[1])
	case f.Early == f.Late:
		o.Range, err = p.T("forecast.sharp")
	default:
		o.Range, err = p.T("forecast.range", names[1], names[2])
	}
	o.Zero = names[0]
	if err == nil {
		o.Rests, err = p.T("forecast.rests", f.Months, names[3], names[4], -f.Slope)
	}
	return o, err
}

// mostAhead is how many months ahead the chart of pages goes.
const mostAhead = 18

// pagesChart draws the pages of each month and where their slope leads.
func (p *dashboardPage) pagesChart(t trend, f *indicators.Forecast) (err error) {
	complete := len(t.Months) - 1
	months := t.Months[:complete:complete]
	c := chart{speech: p.speech, ID: "pages-chart"}
	received := series{Kind: lineSeries, Values: t.drawn(complete, indicators.FaxReceived)}
	sent := series{Kind: lineSeries, Values: t.drawn(complete, indicators.FaxSent)}
	either := series{Kind: lineSeries, Values: t.drawn(complete, indicators.FaxUnknown)}
	all := series{Kind: lineSeries}
	for _, point := range t.points(complete, indicators.FaxReceived, indicators.FaxSent, indicators.FaxUnknown) {
		if point.Watched < indicators.EnoughWatched {
			point.Value = nil
		}
		all.Values = append(all.Values, knownIf(point.Value))
	}
	for key, text := range map[string]*string{
		"pages.chart": &c.Title, "unit.pages": &c.Unit, "column.month": &c.Across, "pages.note": &c.Note, "pages.received": &received.Name,
		"pages.sent": &sent.Name, "pages.either": &either.Name, "pages.all": &all.Name,
	} {
		if *text, err = p.T(key); err != nil {
			return err
		}
	}
	c.Series = []series{all, received, sent}
	if slices.ContainsFunc(either.Values, func(v *float64) bool { return v != nil }) {
		c.Series = append(c.Series, either)
	}
	if f.No == "" && !f.Reached {
		c.Band = &band{Low: make([]*float64, complete), High: make([]*float64, complete)}
		ahead := series{Kind: lineSeries, Values: make([]*float64, complete)}
		if ahead.Name, err = p.T("pages.ahead"); err != nil {
			return err
		}
		if c.Band.Name, err = p.T("pages.range"); err != nil {
			return err
		}
		last := min(months[complete-1].Add(mostAhead), max(f.Zero, f.Late))
		for m := months[complete-1].Add(1); m <= last; m = m.Add(1) {
			low, middle, high := f.At(m)
			months = append(months, m)
			ahead.Values, c.Band.Low, c.Band.High = append(ahead.Values, &middle), append(c.Band.Low, &low), append(c.Band.High, &high)
		}
		c.Series = append(c.Series, ahead)
	}
	c.Labels, err = p.shortMonthNames(months)
	p.Faxed = c
	return err
}
