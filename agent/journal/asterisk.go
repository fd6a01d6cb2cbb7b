package journal

import (
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// asterisk is cdr-csv/Master.csv: 16 columns, and behind them uniqueid, userfield, and the three of newcdrcolumns
// where cdr.conf turns them on. A call that was transferred or rang in several places has several rows; what they
// have in common is linkedid.
var asterisk = kind{calls: true, quotes: true, read: readAsterisk}

func readAsterisk(r *Reader) {
	r.columns = columns{roleFrom: 2, roleTo: 3, roleLocal: 5, roleFromDevice: 6, roleToDevice: 7, roleDirection: 8, roleAt: 10, roleDuration: 14, roleResult: 15}
	n := len(r.fields)
	if n < 16 || n > 21 {
		r.reject(FewColumns, "")
		return
	}
	if r.cell(roleAt) == "start" { // somebody gave the file a header
		r.end(Nothing, "", "")
	}
	r.fields[5], r.fields[6] = device(r.fields[5]), device(r.fields[6])
	from, to := r.number(roleFrom), r.number(roleTo)
	if from == "" { // "Cardiologie" <4512>
		_, caller, _ := strings.Cut(r.fields[4], "<")
		r.fields[4] = strings.TrimSuffix(caller, ">")
		from = r.number(roleLocal)
	}
	switch strings.ToLower(r.cell(roleDirection)) { // Asterisk's own fax is a fax line, whatever its extension
	case "receivefax":
		if to == "" {
			to = r.own(r.cell(roleToDevice))
		}
		r.between(wire.Call, wire.Exchange, from, to)
	case "sendfax":
		if from == "" {
			from = r.own(r.cell(roleFromDevice))
		}
		r.between(wire.Call, wire.Exchange, from, to)
	default:
		r.call(from, to)
	}
	if r.row.Verdict != Taken {
		return
	}
	answered := r.cell(roleResult) == "ANSWERED"
	if !answered && !strings.Contains(" NO ANSWER, BUSY, FAILED, CONGESTION, ", " "+r.cell(roleResult)+", ") {
		r.reject(BadValue, r.cell(roleResult))
	}
	r.measure(r.cell(roleAt), answered && strings.Trim(r.cell(roleDuration), "0") != "")
	if id := callID(r.fields); id != "" { // a call that first rang in vain elsewhere was still answered
		r.id = id + " " + string(r.row.Event.Result)
	}
}

// device is a channel without what tells calls of it apart: SIP/4512-0000002a.
func device(channel string) string {
	if i := strings.LastIndexByte(channel, '-'); i > 0 {
		channel = channel[:i]
	}
	return channel
}

// callID is what all rows of a call have in common: linkedid, else uniqueid; empty where neither is logged.
func callID(fields []string) string {
	if n := len(fields); n >= 19 {
		return fields[n-2]
	} else if n == 16 {
		return ""
	}
	if before, after, ok := strings.Cut(fields[16], "."); ok && len(before) >= 9 && after != "" { // [system-]1790000000.42
		return fields[16]
	}
	return ""
}
