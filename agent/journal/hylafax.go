package journal

import "github.com/zerofax/zerofax/agent/wire"

// hylafax is etc/xferfaxlog of HylaFAX and HylaFAX+: one row a call, so that a job which was tried
// three times has three, of which the one without a reason is the message. What the other machine
// calls itself (CSI, TSI) is typed by hand and names nobody.
var hylafax = kind{read: readHylafax}

// hylafaxColumns are the places that have changed over the years, by number of columns; all from 14
// on are alike. Source: util/xferfaxstats of HylaFAX.
func hylafaxColumns(n int) (c columns) {
	c = columns{roleAt: 1, roleDirection: 2}
	switch {
	case n >= 14:
		c[roleConnected] = 13
		fallthrough
	case n == 13:
		c[roleFromDevice], c[roleTo], c[rolePages], c[roleDuration], c[roleResult] = 4, 8, 11, 12, uint16(min(n, 14))
		c[roleFrom] = 16
	case n == 12:
		c[roleFromDevice], c[roleTo], c[rolePages], c[roleDuration], c[roleResult] = 4, 6, 10, 11, 12
	case n == 11:
		c[roleTo], c[rolePages], c[roleDuration], c[roleResult] = 5, 9, 10, 11
	case n == 9:
		c[roleTo], c[rolePages], c[roleDuration], c[roleResult] = 4, 7, 8, 9
	}
	return c
}

func readHylafax(r *Reader) {
	r.columns = hylafaxColumns(len(r.fields))
	if r.columns[roleTo] == 0 || len(r.fields) > 20 {
		r.reject(FewColumns, "")
	}
	to, own := r.number(roleTo), r.own(r.cell(roleFromDevice))
	switch r.cell(roleDirection) {
	case "SEND":
		r.between(wire.Message, wire.Sender, own, to)
	case "RECV":
		if to == "" {
			to = own
		}
		r.between(wire.Message, wire.Receiver, r.number(roleFrom), to)
	default:
		r.end(Skipped, OtherType, "")
		return
	}
	r.measure(r.cell(roleAt), r.cell(roleResult) == "")
	if r.row.Event.Seconds == 0 {
		r.row.Event.Seconds = r.count(roleConnected)
	}
}
