package journal

import (
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// asterisk is cdr-csv/Master.csv: 16 columns, and behind them uniqueid, userfield, and the three of newcdrcolumns
// where cdr.conf turns them on. A call that was transferred or rang in several places has several rows; what they
// have in common is linkedid.
var asterisk = kind{calls: true, quotes: true, read: readAsterisk}

func readAsterisk(r *Reader, f []string) (event, string, error) {
	const src, dst, clid, channel, toChannel, app, start, billed, disposition = 1, 2, 4, 5, 6, 7, 9, 13, 14
	if len(f) < 16 || len(f) > 21 {
		return event{}, "", reject(FewColumns, "")
	}
	if f[start] == "start" { // somebody gave the file a header
		return event{}, "", errNothing
	}
	from, err1 := number(f[src])
	to, err2 := number(f[dst])
	if from == "" {
		_, caller, _ := strings.Cut(f[clid], "<")
		from, err1 = number(strings.TrimSuffix(caller, ">"))
	}
	fromDevice, toDevice := device(f[channel]), device(f[toChannel])
	e, err := r.call(from, to, "", fromDevice, toDevice)
	switch app := strings.ToLower(f[app]); { // Asterisk's own fax is a fax line, whatever its extension
	case app == "receivefax":
		if to == "" {
			to = r.own(toDevice)
		}
		e, err = between(from, to)
	case app == "sendfax":
		if from == "" {
			from = r.own(fromDevice)
		}
		e, err = between(from, to)
	}
	if err = first(err, err1, err2); err != nil {
		return e, "", err
	}
	var err3, err4 error
	e.At, err3 = r.clock.read(f[start])
	e.Seconds, err4 = count(f[billed])
	switch strings.ToUpper(f[disposition]) {
	case "ANSWERED":
		e.Result = result(e.Seconds > 0)
	case "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "CANCEL", "DONTCALL", "TORTURE", "CHANUNAVAIL":
		e.Result, e.Seconds = wire.Failed, 0
	default:
		err4 = first(err4, reject(BadValue, f[disposition]))
	}
	id := callID(f)
	if id != "" { // a call that first rang in vain elsewhere was still answered
		id += " " + string(e.Result)
	}
	return e, id, first(err3, err4)
}

// device is a channel without what tells calls of it apart: SIP/4512-0000002a.
func device(channel string) string {
	if i := strings.LastIndexByte(channel, '-'); i > 0 {
		channel = channel[:i]
	}
	return channel
}

// callID is what all rows of a call have in common: linkedid, else uniqueid; empty where neither is logged.
func callID(f []string) string {
	if len(f) >= 19 {
		return f[len(f)-2]
	}
	if len(f) >= 17 {
		if before, after, ok := strings.Cut(f[16], "."); ok && len(before) >= 9 && after != "" { // [system-]1790000000.42
			return f[16]
		}
	}
	return ""
}
