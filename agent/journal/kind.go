package journal

import (
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
)

// kind is a format's way of reading.
type kind struct {
	calls  bool            // call records, everybody's: only those of fax lines are events
	quotes bool            // cells may be quoted as CSV does; otherwise the row is HylaFAX's
	head   func(r *Reader) // finds the columns in a header
	read   func(r *Reader) // makes the row an event, or ends it
}

// role is what a column is for.
type role int

const (
	roleAt role = iota
	roleTime
	roleDirection
	roleLocal
	roleRemote
	roleFrom
	roleTo
	rolePages
	roleDuration
	roleResult
	roleID
	roleDialled    // whom the caller meant before the call was forwarded
	roleFromDevice // or the modem
	roleToDevice
	roleCharged
	roleEnd
	roleConnected
	roles
)

// columns are the places of roles in a row, from 1; 0: it has none.
type columns [roles]uint16

// cell is what the row has for a role; nothing if it hasn't.
func (r *Reader) cell(role role) string {
	if i := int(r.columns[role]); i > 0 && i <= len(r.fields) {
		return r.fields[i-1]
	}
	return ""
}

// place is a role and the name of its column.
type column struct {
	role   role
	name   string
	needed bool
}

// find looks for columns by name in a header, and refuses the file if it hasn't one that is needed.
func (r *Reader) find(header []string, wanted []column) {
	r.columns = columns{}
	missing, found := "", false
	for _, column := range wanted {
		i := slices.Index(header, column.name) + 1
		r.columns[column.role] = uint16(i)
		if found = found || i > 0; i == 0 && column.needed && missing == "" {
			missing = column.name
		}
	}
	if !found {
		r.end(Refused, OtherFile, header[0])
	} else if missing != "" {
		r.end(Refused, NoColumn, missing)
	}
}

// pastHeader tells whether the row is one: the header comes before.
func (r *Reader) pastHeader() bool {
	if r.begun && !slices.Equal(r.fields, r.header) {
		return true
	}
	if !r.begun {
		r.profile.kind.head(r)
		if r.begun = r.row.Verdict == Taken; r.begun {
			r.header = slices.Clone(r.fields)
		}
	}
	r.end(Nothing, "", "")
	return false
}

// call makes the row a call between two numbers if one of them is a fax line's, which a device may tell, too.
func (r *Reader) call(from, to string) {
	ours, dialled := r.place.Numbers, r.number(roleDialled)
	if !ours.Has(to) && ours.Has(dialled) {
		to = dialled
	}
	if !ours.Has(from) && !ours.Has(to) && !ours.Has(r.cell(roleFromDevice)) && !ours.Has(r.cell(roleToDevice)) {
		r.row.Verdict, r.row.Why, r.row.Value = Skipped, OtherCall, "" // even where it can't be read
		return
	}
	r.between(wire.Call, wire.Exchange, from, to)
}

func (r *Reader) between(unit wire.EventUnit, witness wire.Witness, from, to string) {
	e := &r.row.Event
	e.Unit, e.Witness, e.From, e.To = unit, witness, from, to
}

// measure reads when it began, what it took, and notes whether it went well.
func (r *Reader) measure(date string, done bool) {
	e := &r.row.Event
	e.Pages, e.Seconds = r.count(rolePages), r.count(roleDuration)
	var ok bool
	if e.At, ok = r.clock.read(date); !ok {
		r.reject(BadDate, date)
	}
	if e.Result = wire.Failed; done {
		e.Result = wire.Done
	}
}

// own is the journal's own number, as its place tells it by modem or mailbox.
func (r *Reader) own(name string) string {
	for _, lines := range [...]map[string]string{r.place.Lines, r.profile.Lines} {
		if line, ok := lines[name]; ok {
			return line
		}
	}
	if r.place.Line != "" {
		return r.place.Line
	}
	return r.profile.Line
}
