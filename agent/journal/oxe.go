package journal

import (
	"bytes"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// oxe is the tickets of an Alcatel-Lucent OmniPCX Enterprise: TAX*.DAT with a header behind #, or the stream of its
// port 2533 as it was saved, 772 bytes a ticket. The label of who is charged (ChargedUserName) is read from neither.
var oxe = kind{calls: true, quotes: true, head: headOxe, read: readOxe}

const (
	oxeCalled = iota
	oxeCharged
	oxeCalling
	oxeType
	oxeEnd
	oxeSeconds
	oxeDialled
	oxeStart
)

var oxeNames = []string{
	"CalledNumber", "ChargedNumber", "CallingNumber", "CallType", "EndDateTime", "Duration", "InitialDialledNumber", "StartDateTime",
}

const (
	ticketBytes = 772
	ticketCall  = "\x01\x00\x02\x00" // 01 empty, 06 and 07 of no call
	ticketMark  = "\x01\x00"
)

// oxeTickets are the places and widths in a ticket of the stream, in the order of oxeNames.
var oxeTickets = [...][2]int{{9, 30}, {39, 30}, {140, 30}, {170, 2}, {173, 17}, {205, 10}, {399, 30}, {445, 17}}

// nextTicket is Next for the stream: tickets, and the exchange's tests of the line between them.
func nextTicket(data []byte, last bool) (int, []byte) {
	if bytes.HasPrefix(data, []byte(ticketMark)) {
		if len(data) >= ticketBytes {
			return ticketBytes, data[:ticketBytes]
		}
		if !last {
			return 0, nil
		}
		return len(data), data
	}
	if len(data) < len(ticketMark) && !last {
		return 0, nil
	}
	next := bytes.Index(data[1:], []byte(ticketMark)) + 1
	if next == 0 {
		next = len(data)
		if !last && data[next-1] == ticketMark[0] {
			next--
		}
	}
	return next, data[:next]
}

// ticket cuts a ticket of the stream into cells; what is none has none.
func (r *Reader) ticket(record []byte) []string {
	r.begun, r.columns = true, columns{0, 1, 2, 3, 4, 5, 6, 7}
	r.fields = r.fields[:0]
	if len(record) != ticketBytes || !bytes.HasPrefix(record, []byte(ticketCall)) {
		return r.fields
	}
	for _, part := range oxeTickets {
		cell := bytes.Trim(record[part[0]:part[0]+part[1]], " \x00")
		r.fields = append(r.fields, r.decode(cell))
	}
	return r.fields
}

func headOxe(r *Reader, header []string) error {
	names := slices.Clone(header)
	first, marked := strings.CutPrefix(names[0], "#")
	names[0] = strings.TrimSpace(first)
	found := named(names, oxeNames)
	for i, place := range found {
		switch {
		case place >= 0 || i == oxeCharged || i == oxeDialled || i == oxeEnd:
		case !marked && found[oxeCalled] < 0:
			return refuse(OtherFile, header[0])
		default:
			return refuse(NoColumn, oxeNames[i])
		}
	}
	r.columns = found
	return nil
}

func readOxe(r *Reader, f []string) (event, string, error) {
	if err := r.pastHeader(f); err != nil {
		return event{}, "", err
	}
	if strings.HasPrefix(f[0], "#") {
		return event{}, "", errNothing
	}
	c := r.columns
	if len(f) <= slices.Max(c) {
		return event{}, "", reject(FewColumns, "")
	}
	from, err1 := number(c.of(f, oxeCalling))
	to, err2 := number(c.of(f, oxeCalled))
	charged, err3 := number(c.of(f, oxeCharged))
	dialled, err4 := number(c.of(f, oxeDialled))
	way, err5 := oxeWay(c.of(f, oxeType))
	switch { // the number that the public network is shown may be another than the line's
	case way == outgoing && !r.place.Numbers.Has(from) && charged != "":
		from = charged
	case way == incoming && !r.place.Numbers.Has(to) && r.place.Numbers.Has(charged):
		to = charged
	}
	e, err := r.call(from, to, dialled)
	if err = first(err, err1, err2, err3, err4, err5); err != nil {
		return e, "", err
	}
	began := c.of(f, oxeStart)
	e.Seconds, err2 = count(c.of(f, oxeSeconds))
	if e.At, err1 = r.clock.read(began); began == "" {
		began = c.of(f, oxeEnd)
		e.At, err1 = r.clock.read(began)
		e.At -= wire.Time(e.Seconds * 1000)
	}
	e.Result = result(e.Seconds > 0)
	// Either end of an internal call may give a ticket, and one ticket may stand in a file and in the stream. A line has
	// one call at a time, so who called whom when is the call.
	return e, e.From + ">" + e.To + " " + began, first(err1, err2)
}

type oxeCallWay int

const (
	unknownWay oxeCallWay = iota
	outgoing
	incoming
	internal
)

// oxeTypes are the types of calls, in the order of their numbers in the stream.
var oxeTypes = strings.Fields("OC OCP PN LN IC ICP UN PO POP IP PIP PPO PPI PIC LL LT")

// oxeWay is which way a call went: O is out to, I in from the public network; P is the private
// network, L local. Those of the private network that say neither may go either way.
func oxeWay(kind string) (oxeCallWay, error) {
	if n, err := count(kind); err == nil && kind != "" && n < int64(len(oxeTypes)) {
		kind = oxeTypes[n]
	}
	switch strings.ToUpper(kind) {
	case "OC", "OCP", "PO", "POP", "PPO":
		return outgoing, nil
	case "IC", "ICP", "IP", "PIP", "PPI", "PIC":
		return incoming, nil
	case "LN", "LL", "LT":
		return internal, nil
	case "PN", "UN", "":
		return unknownWay, nil
	}
	return unknownWay, reject(BadValue, kind)
}
