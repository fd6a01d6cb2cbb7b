package journal

// cucm is a flat file of call records of Cisco Unified CM, cdr_…: names in the first line, SQL types in the second,
// more columns with every version. Forwarded calls have both whom the caller meant and who answered.
var cucm = kind{calls: true, quotes: true, head: headCucm, read: readCucm}

const (
	cucmStart = iota
	cucmFrom
	cucmDialled
	cucmTo
	cucmConnected
	cucmID
	cucmSeconds
	cucmFromDevice
	cucmToDevice
)

var cucmNames = []string{
	"dateTimeOrigination", "callingPartyNumber", "originalCalledPartyNumber", "finalCalledPartyNumber", "dateTimeConnect",
	"pkid", "duration", "origDeviceName", "destDeviceName",
}

func headCucm(r *Reader, header []string) error {
	found := named(header, cucmNames)
	for i, place := range found {
		switch {
		case place >= 0 || i == cucmFromDevice || i == cucmToDevice:
		case named(header, []string{"numberPacketsSent"})[0] >= 0:
			return refuse(Quality, "")
		case found[cucmStart] < 0 && found[cucmID] < 0:
			return refuse(OtherFile, header[0])
		default:
			return refuse(NoColumn, cucmNames[i])
		}
	}
	r.columns = found
	return nil
}

func readCucm(r *Reader, f []string) (event, string, error) {
	if err := r.pastHeader(f); err != nil {
		return event{}, "", err
	}
	c := r.columns
	if t := c.of(f, cucmStart); t == "INTEGER" {
		return event{}, "", errNothing
	}
	if len(f) <= c[cucmSeconds] || len(f) <= c[cucmID] {
		return event{}, "", reject(FewColumns, "")
	}
	from, err1 := number(c.of(f, cucmFrom))
	to, err2 := number(c.of(f, cucmTo))
	dialled, err3 := number(c.of(f, cucmDialled))
	e, err := r.call(from, to, dialled, c.of(f, cucmFromDevice), c.of(f, cucmToDevice))
	if err = first(err, err1, err2, err3); err != nil {
		return e, "", err
	}
	at := clock{layouts: []string{epoch}}
	e.At, err1 = at.read(c.of(f, cucmStart))
	e.Seconds, err2 = count(c.of(f, cucmSeconds))
	connected, err3 := count(c.of(f, cucmConnected))
	e.Result = result(connected > 0 && e.Seconds > 0)
	return e, c.of(f, cucmID), first(err1, err2, err3)
}
