package journal

import "slices"

// cucm is a flat file of call records of Cisco Unified CM, cdr_…: names in the first line, SQL types in the second,
// more columns with every version. Forwarded calls have both whom the caller meant and who answered.
var cucm = kind{calls: true, quotes: true, head: headCucm, read: readCucm}

var cucmColumns = []column{
	{roleAt, "dateTimeOrigination", true},
	{roleFrom, "callingPartyNumber", true},
	{roleDialled, "originalCalledPartyNumber", true},
	{roleTo, "finalCalledPartyNumber", true},
	{roleConnected, "dateTimeConnect", true},
	{roleID, "pkid", true},
	{roleDuration, "duration", true},
	{roleFromDevice, "origDeviceName", false},
	{roleToDevice, "destDeviceName", false},
}

func headCucm(r *Reader) {
	if slices.Contains(r.fields, "numberPacketsSent") {
		r.end(Refused, Quality, "")
	}
	r.find(r.fields, cucmColumns)
}

func readCucm(r *Reader) {
	if !r.pastHeader() {
		return
	}
	if r.cell(roleAt) == "INTEGER" {
		r.end(Nothing, "", "")
		return
	}
	if len(r.fields) < len(r.header) {
		r.reject(FewColumns, "")
		return
	}
	r.call(r.number(roleFrom), r.number(roleTo))
	if r.row.Verdict == Taken {
		r.measure(r.cell(roleAt), r.count(roleConnected) > 0 && r.count(roleDuration) > 0)
		r.id = r.cell(roleID)
	}
}
