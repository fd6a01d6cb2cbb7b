package series

import (
	"maps"
	"slices"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// hours says again at each full hour what the status log said last, so that a dashboard that shows a day
// needs no look further back. It follows from the log and from when each device was looked at, and so
// is the same whenever it is derived. What isn't known isn't repeated: the lines of a device that
// doesn't answer, and all of one that nobody looked at.
type hours struct {
	from    wire.Time // hours before it are left out
	devices map[string]*watched
}

type watched struct {
	mark  wire.Time // all full hours up to it are said
	up    string
	agent string
	lines map[string]told // by port
}

type told struct{ line, status string }

// resume goes on from the last row of the log for each port and device, where all hours up to said
// are said, as far as the devices were looked at by then.
func resume(standing []ledger.Status, looks map[string]wire.Time, said, from wire.Time) *hours {
	h := &hours{from: from, devices: make(map[string]*watched)}
	for i := range standing {
		w := h.device(&standing[i])
		w.apply(&standing[i])
		w.mark = max(w.mark, standing[i].At-1)
	}
	for id, w := range h.devices {
		w.mark = max(w.mark, min(looks[id], said))
	}
	return h
}

func (h *hours) device(s *ledger.Status) *watched {
	w := h.devices[s.Device]
	if w == nil {
		w = &watched{mark: max(s.At, h.from) - 1, lines: make(map[string]told)}
		h.devices[s.Device] = w
	}
	return w
}

const (
	isUp = "1"
	down = "0"
)

// take takes in a row of the log: before it things were as told before.
func (h *hours) take(s *ledger.Status, say func(*write.Point)) {
	w := h.device(s)
	w.until(s.Device, s.At-1, say)
	w.apply(s)
}

func (w *watched) apply(s *ledger.Status) {
	if s.Kind == ledger.DeviceUp {
		w.up, w.agent = s.Value, s.Agent
		return
	}
	w.lines[s.Port] = told{s.Line, s.Value}
}

// seen takes in that a device was looked at up to a time, and all that the log says before that is taken in.
func (h *hours) seen(device string, at wire.Time, say func(*write.Point)) {
	if w := h.devices[device]; w != nil {
		w.until(device, at, say)
	}
}

// until says all full hours up to end, end included.
func (w *watched) until(device string, end wire.Time, say func(*write.Point)) {
	for at := w.mark - w.mark%hour + hour; at <= end; at += hour {
		if w.up != isUp && w.up != down {
			break
		}
		say(ofDevice(device, w.agent, w.up, at))
		if w.up != isUp {
			continue
		}
		for _, port := range w.ports() {
			if t := w.lines[port]; known(t) {
				say(ofLine(device, t.line, t.status, at))
			}
		}
	}
	w.mark = max(w.mark, end)
}

func known(t told) bool { return t.line != "" && t.status != string(wire.LineUnknown) }

const hour = wire.Time(time.Hour / time.Millisecond)

// ofStatus is the point of a row of the log itself, nil if it has none: a port that is no line, or the
// end of what is known.
func ofStatus(s *ledger.Status) *write.Point {
	switch {
	case s.Kind == ledger.DeviceUp && (s.Value == isUp || s.Value == down):
		return ofDevice(s.Device, s.Agent, s.Value, s.At)
	case s.Kind == ledger.LineStatus && s.Line != "":
		return ofLine(s.Device, s.Line, s.Value, s.At)
	}
	return nil
}

// ports are in their order, so that the same points are written the same way each time.
func (w *watched) ports() []string { return slices.Sorted(maps.Keys(w.lines)) }
