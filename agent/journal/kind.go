package journal

import "slices"

// kind is a format's way of reading.
type kind struct {
	calls  bool // call records, everybody's: only those of fax lines are events
	quotes bool // cells may be quoted as CSV does; otherwise the row is HylaFAX's
	// head finds the columns in a header.
	head func(r *Reader, header []string) error
	// read makes an event of a row, and its id if the format has one.
	read func(r *Reader, fields []string) (event, string, error)
}

// columns are the places of a format's columns in a row, -1 where it has none.
type columns []int

// of is the cell of a row, empty if it has none.
func (c columns) of(fields []string, column int) string {
	if i := c[column]; i >= 0 && i < len(fields) {
		return fields[i]
	}
	return ""
}

// named finds columns by name, each by the first of its names that the header has.
func named(header []string, names []string) columns {
	found := make(columns, len(names))
	for i, name := range names {
		found[i] = slices.Index(header, name)
	}
	return found
}

// pastHeader tells whether fields are a row: the header comes before. A file that goes on where
// another was cut off begins without one; then that of the other holds.
func (r *Reader) pastHeader(fields []string) error {
	if r.begun {
		if slices.Equal(fields, r.header) {
			return errNothing
		}
		return nil
	}
	err := r.profile.kind.head(r, fields)
	switch {
	case err == nil:
		r.header, r.begun = slices.Clone(fields), true
		return errNothing
	case r.header != nil:
		r.begun = true
		return nil
	}
	return err
}

// call is the event of a call between two numbers if one of them is a fax line's, which a device may tell, too.
// dialled is whom the caller meant before the call was forwarded.
func (r *Reader) call(from, to, dialled string, devices ...string) (event, error) {
	ours := r.place.Numbers
	if !ours.Has(to) && ours.Has(dialled) {
		to = dialled
	}
	if !ours.Has(from) && !ours.Has(to) && !slices.ContainsFunc(devices, ours.Has) {
		return event{}, skip(OtherCall)
	}
	return between(from, to)
}
