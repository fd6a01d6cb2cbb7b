package journal

import "github.com/zerofax/zerofax/agent/wire"

// hylafax is etc/xferfaxlog of HylaFAX and HylaFAX+: one row a call, so that a job which was tried
// three times has three, of which the one without a reason is the message. What the other machine
// calls itself (CSI, TSI) is typed by hand and names nobody.
var hylafax = kind{read: readHylafax}

type hylafaxColumns struct{ modem, dest, pages, time, conn, reason, caller int }

// hylafaxLayouts are the places that have changed over the years, by number of columns; 14 and more
// are like 14, with the caller from the 16th column on. Source: util/xferfaxstats of HylaFAX.
var hylafaxLayouts = map[int]hylafaxColumns{
	9:  {-1, 3, 6, 7, -1, 8, -1},
	11: {-1, 4, 8, 9, -1, 10, -1},
	12: {3, 5, 9, 10, -1, 11, -1},
	13: {3, 7, 10, 11, -1, 12, -1},
	14: {3, 7, 10, 11, 12, 13, 15},
}

func readHylafax(r *Reader, f []string) (event, string, error) {
	c, known := hylafaxLayouts[min(len(f), 14)]
	if !known || len(f) > 20 {
		return event{}, "", reject(FewColumns, "")
	}
	if f[1] != "SEND" && f[1] != "RECV" {
		return event{}, "", skip(OtherType)
	}
	var e event
	var errs [5]error
	e.At, errs[0] = r.clock.read(f[0])
	e.Pages, errs[1] = count(f[c.pages])
	e.Seconds, errs[2] = count(f[c.time])
	if c.conn >= 0 && e.Seconds == 0 {
		e.Seconds, errs[2] = count(f[c.conn])
	}
	e.Unit, e.Result = wire.Message, result(f[c.reason] == "")
	dest, err := number(f[c.dest])
	errs[3] = err
	modem := ""
	if c.modem >= 0 {
		modem = f[c.modem]
	}
	if f[1] == "SEND" {
		e.Witness, e.From, e.To = wire.Sender, r.own(modem), dest
		return e, "", first(errs[:]...)
	}
	if e.Witness, e.To = wire.Receiver, dest; dest == "" {
		e.To = r.own(modem)
	}
	if c.caller >= 0 && c.caller < len(f) {
		e.From, errs[4] = number(f[c.caller])
	}
	return e, "", first(errs[:]...)
}
