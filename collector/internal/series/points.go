package series

import (
	"strings"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// The measurements. Their names, tags and fields are a contract with dashboards. What isn't known,
// such as the service of a device that nobody assigned, is a tag left out, since line protocol has no
// empty ones; InfluxQL finds it by "service" = ”.
//
//	fax_activity   establishment, site, pole, service, device, line, direction, unit   count   one a posting
//	fax_counter    device, measure                                                     value   as the device told it, when it grew
//	line_status    line, device                                                        status  on change, and each full hour it is known
//	device_status  device, agent                                                       up      1 or 0, likewise
//	fax_indicator  by, establishment, pole, service, indicator, unit                   value, completeness, target   one a month, at its beginning
const (
	faxActivity  = "fax_activity"
	faxCounter   = "fax_counter"
	lineStatus   = "line_status"
	deviceStatus = "device_status"
	faxIndicator = "fax_indicator"
)

// ofPosting are the points of a posting. One that takes back another's count has a negative count, so
// that sums are right whatever place they are asked for. Evidence counts elsewhere already, so it has no
// activity; what the counter stood at it tells like any other.
func ofPosting(p *ledger.Posting) []*write.Point {
	var points []*write.Point
	if !p.Account.Evidence {
		points = append(points, ofActivity(&p.Account, ledger.DirectionOf(p.Measure), p.Unit, p.At, p.Count))
	}
	if p.Count > 0 && p.Value > 0 { // a reversal tells nothing new of the counter; 0 is not kept
		points = append(points, point(faxCounter, p.To, "value", p.Value, [][2]string{
			{"device", p.Account.Device},
			{"measure", string(p.Measure)},
		}))
	}
	return points
}

func ofActivity(a *ledger.Account, direction ledger.Direction, unit string, at wire.Time, count int64) *write.Point {
	return point(faxActivity, at, "count", count, [][2]string{
		{"device", a.Device},
		{"direction", string(direction)},
		{"establishment", a.Establishment},
		{"line", a.Line},
		{"pole", a.Pole},
		{"service", a.Service},
		{"site", a.Site},
		{"unit", unit},
	})
}

// ofHours are the points of sums by the hour, each at its hour's last millisecond. Measures that
// share a series are added up, since a series has but one point at a time.
func ofHours(sums []ledger.HourSum) []*write.Point {
	type series struct {
		ledger.Account
		direction ledger.Direction
		unit      string
		hour      wire.Time
	}
	var order []series
	counts := make(map[series]int64)
	for _, s := range sums {
		if s.Evidence || s.Count == 0 {
			continue
		}
		key := series{s.Account, ledger.DirectionOf(s.Measure), s.Unit, s.Hour}
		if _, known := counts[key]; !known {
			order = append(order, key)
		}
		counts[key] += s.Count
	}
	points := make([]*write.Point, len(order))
	for i, key := range order {
		points[i] = ofActivity(&key.Account, key.direction, key.unit, key.hour+hour-1, counts[key])
	}
	return points
}

func ofLine(device, line, status string, at wire.Time) *write.Point {
	return point(lineStatus, at, "status", status, [][2]string{{"device", device}, {"line", line}})
}

func ofDevice(device, agent, up string, at wire.Time) *write.Point {
	value := int64(0)
	if up == isUp {
		value = 1
	}
	return point(deviceStatus, at, "up", value, [][2]string{{"agent", agent}, {"device", device}})
}

func ofFigure(f *Figure, at wire.Time) *write.Point {
	p := point(faxIndicator, at, "value", f.Value, [][2]string{
		{"by", f.By},
		{"establishment", f.Establishment},
		{"indicator", f.Indicator},
		{"pole", f.Pole},
		{"service", f.Service},
		{"unit", f.Unit},
	}).AddField("completeness", f.Completeness)
	if f.Target != nil {
		p.AddField("target", *f.Target)
	}
	return p
}

// point makes a point of one field. Tags are in the order of their names, as InfluxDB likes them.
func point(measurement string, at wire.Time, field string, value any, tags [][2]string) *write.Point {
	p := write.NewPointWithMeasurement(measurement).SetTime(at.Std()).AddField(field, value)
	for _, tag := range tags {
		if value := cleaned.Replace(tag[1]); value != "" {
			p.AddTag(tag[0], value)
		}
	}
	return p
}

// cleaned are tag values without what line protocol can't carry: a backslash before a comma or at
// the end of a value makes InfluxDB read on beyond it. Ids have none; a port or a unit might.
var cleaned = strings.NewReplacer(`\`, "/", "\n", " ", "\r", " ")
