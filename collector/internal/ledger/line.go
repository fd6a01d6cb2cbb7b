package ledger

import (
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	newFor      = 30 * day
	dormantFrom = 90 * day
)

// faxCapable tells whether a device can fax by all evidence: it says so itself, a fax counter was
// ever above 0, or a line of its own has a fax. Its own no outweighs a counter.
func faxCapable(fax wire.Answer, faxed bool, ports []Port) bool {
	for _, p := range ports {
		if p.Fax == wire.Yes {
			return true
		}
	}
	return fax == wire.Yes || faxed && fax != wire.No
}

// linesOf are the lines of a device as long as nobody declared any: each port that the device
// itself labels fax, else one for the device. Ports of which nobody says that a fax hangs on
// them are none.
func linesOf(d *Device) []Line {
	if !d.FaxCapable {
		return nil
	}
	var lines []Line
	for _, p := range d.Ports {
		if p.Fax == wire.Yes && p.Port != "" {
			line := lineOf(d, p)
			line.ID, line.Port, line.Gateway, line.FirstSeen = d.ID+":"+p.Port, p.Port, d.ID, p.FirstSeen
			lines = append(lines, line)
		}
	}
	switch len(lines) {
	case 0:
		line := lineOf(d, d.ownPort())
		line.ID, line.FirstSeen = d.ID, d.FirstSeen
		return []Line{line.counted(d)}
	case 1:
		return []Line{lines[0].counted(d)}
	}
	return lines
}

// ownPort is what a machine with one line tells of it.
func (d *Device) ownPort() Port {
	if len(d.Ports) == 1 {
		return d.Ports[0]
	}
	for _, p := range d.Ports {
		if p.Port == "" {
			return p
		}
	}
	return Port{Status: wire.LineUnknown}
}

func lineOf(d *Device, p Port) Line {
	if p.Gone { // what was told last is no evidence any more
		p.Status, p.Evidence, p.Since = wire.LineUnknown, "", p.Last
	}
	return Line{
		Device: d.ID, Status: p.Status, Evidence: p.Evidence, StatusSince: p.Since,
		LastReading: d.LastReading, Totals: map[wire.Measure]int64{},
	}
}

// counted gives a line its device's counts: it is the only one.
func (l Line) counted(d *Device) Line {
	l.Totals, l.LastFax = d.Totals, d.LastFax
	for _, c := range d.Counters {
		switch c.Measure {
		case wire.FaxSentPages, wire.FaxSent:
			l.LastSent = max(l.LastSent, c.Last)
		case wire.FaxReceivedPages, wire.FaxPrintedPages, wire.FaxReceived:
			l.LastReceived = max(l.LastReceived, c.Last)
		}
	}
	return l
}

// stand gives a line its state at now, by the first rule that fits; kept, cut and overdue are
// declared, and nobody can yet.
//
// Silence is proven up to the last reading, however far apart readings are: watched counts from the
// last sign of life to there. A sign of life is a fax; where nothing counts the faxes of a line (a
// gateway's port) it is that the line is idle or busy, which a dead line isn't.
func (l *Line) stand(now wire.Time, activeWindow, blindAfter time.Duration) {
	l.New = now.Sub(l.FirstSeen) < newFor
	counted := len(l.Totals) > 0
	alive := l.Status == wire.LineIdle || l.Status == wire.LineBusy
	since := max(l.FirstSeen, l.LastFax)
	if !counted && l.StatusSince != 0 {
		since = max(since, l.StatusSince)
	}
	watched := l.LastReading.Sub(since)
	switch {
	case now.Sub(max(l.LastReading, l.FirstSeen)) > blindAfter:
		l.State, l.Why = Blind, "no successful reading"
		if l.LastReading != 0 {
			l.Why = "last successful reading " + l.LastReading.String()
		}
	case !counted && alive:
		l.State, l.Why = Active, "line is "+string(l.Status)
	case watched >= dormantFrom:
		l.State, l.Why = Dormant, fmt.Sprintf("watched %d days without a fax", watched/day)
	case watched >= activeWindow:
		l.State, l.Why = Quiet, fmt.Sprintf("watched %d days without a fax", watched/day)
	case l.LastFax != 0:
		l.State, l.Why = Active, "last fax "+l.LastFax.String()
	default:
		l.State, l.Why = Active, fmt.Sprintf("watched %d days, not long enough to call it quiet", max(watched, 0)/day)
	}
}
