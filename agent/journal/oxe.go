package journal

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oxe is the tickets of an Alcatel-Lucent OmniPCX Enterprise: TAX*.DAT with a header behind #, or the stream of its
// port 2533 as it was saved, 772 bytes a ticket. The label of who is charged (ChargedUserName) is read from neither.
var oxe = kind{calls: true, quotes: true, head: headOxe, read: readOxe}

var oxeColumns = []column{
	{roleTo, "CalledNumber", true},
	{roleCharged, "ChargedNumber", false},
	{roleFrom, "CallingNumber", true},
	{roleDirection, "CallType", true},
	{roleEnd, "EndDateTime", false},
	{roleDuration, "Duration", true},
	{roleDialled, "InitialDialledNumber", false},
	{roleAt, "StartDateTime", true},
}

const (
	ticketBytes = 772
	ticketCall  = "\x01\x00\x02\x00" // 01 empty, 06 and 07 of no call
	ticketMark  = "\x01\x00"
)

// oxeTickets are the places and widths in a ticket of the stream, in the order of oxeColumns.
var oxeTickets = [...][2]int{{9, 30}, {39, 30}, {140, 30}, {170, 2}, {173, 17}, {205, 10}, {399, 30}, {445, 17}}

// nextTicket is Next for the stream: tickets, and between them the exchange's tests of the line and
// announcements of tickets.
func nextTicket(data []byte, last bool) (int, []byte) {
	size := 0
	for _, message := range [...]struct {
		mark string
		size int
	}{{ticketMark, ticketBytes}, {"\x00\x08", 10}, {"\x03\x04", 2}} {
		if bytes.HasPrefix(data, []byte(message.mark)) {
			size = message.size
		}
	}
	if size == 0 && len(data) > 1 { // none of it is known before the next ticket
		if size = bytes.Index(data[1:], []byte(ticketMark)) + 1; size == 0 {
			size = len(data) - 1
		}
	}
	switch {
	case size > 0 && size <= len(data):
		return size, data[:size]
	case last:
		return len(data), data
	}
	return 0, nil
}

// ticket cuts a ticket of the stream into fields; what is none has none.
func (r *Reader) ticket(record []byte) {
	if !bytes.HasPrefix(record, []byte(ticketCall)) {
		return
	}
	if len(record) < ticketBytes {
		r.reject(FewColumns, "")
		return
	}
	r.begun, r.columns = true, columns{}
	for i, part := range oxeTickets {
		r.columns[oxeColumns[i].role] = uint16(i + 1)
		r.fields = append(r.fields, r.decode(bytes.Trim(record[part[0]:part[0]+part[1]], " \x00")))
	}
}

func headOxe(r *Reader) {
	header := slices.Clone(r.fields)
	header[0] = strings.TrimSpace(strings.TrimPrefix(header[0], "#"))
	r.find(header, oxeColumns)
}

func readOxe(r *Reader) {
	if !r.pastHeader() {
		return
	}
	if strings.HasPrefix(r.fields[0], "#") {
		r.end(Nothing, "", "")
		return
	}
	if len(r.fields) < len(r.header) && len(r.fields) != len(oxeTickets) {
		r.reject(FewColumns, "")
		return
	}
	from, to, charged, ours := r.number(roleFrom), r.number(roleTo), r.number(roleCharged), r.place.Numbers
	switch r.oxeWay() { // the number that the public network is shown may be another than the line's
	case 'O':
		if ours.Has(charged) && !ours.Has(from) {
			from = charged
		}
	case 'I':
		if ours.Has(charged) && !ours.Has(to) && !ours.Has(r.number(roleDialled)) {
			to = charged
		}
	}
	if r.call(from, to); r.row.Verdict != Taken {
		return
	}
	began, e := r.cell(roleAt), &r.row.Event
	if began != "" {
		r.measure(began, strings.Trim(r.cell(roleDuration), "0") != "")
	} else {
		began = r.cell(roleEnd)
		r.measure(began, strings.Trim(r.cell(roleDuration), "0") != "")
		e.At = e.At.Add(-time.Duration(e.Seconds) * time.Second)
	}
	// Either end of an internal call may give a ticket, and one ticket may stand in a file and in the stream. A line has
	// one call at a time, so who called whom when is the call.
	r.id = e.From + ">" + e.To + " " + began
}

// oxeTypes are the types of calls, in the order of their numbers in the stream, with which way they go: O is out to, I
// in from the public network, P the private one, L local. Those marked - may go either way.
const oxeTypes = "OC O|OCPO|PN -|LN -|IC I|ICPI|UN -|PO O|POPO|IP I|PIPI|PPOO|PPII|PICI|LL -|LT -|"

// oxeWay is which way a call went: O out, I in, - either.
func (r *Reader) oxeWay() byte {
	const width = 5
	name := r.cell(roleDirection)
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(oxeTypes)/width {
		return oxeTypes[n*width+3]
	}
	padded := name
	if len(name) == 2 {
		padded += " "
	}
	if i := strings.Index(oxeTypes, padded); len(padded) == 3 && i >= 0 && i%width == 0 {
		return oxeTypes[i+3]
	}
	if name != "" {
		r.reject(BadValue, name)
	}
	return '-'
}
