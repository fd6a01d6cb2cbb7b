package journal_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/zerofax/zerofax/agent/journal"
)

// Whatever a file holds: its rows are the same however it grows, every event can be kept, and no two
// share a key.
func FuzzAnyFile(f *testing.F) {
	all := recordings(f)
	for i, r := range all {
		f.Add(uint8(i), uint16(50), read(f, r.file))
	}
	f.Add(uint8(0), uint16(3), []byte("\"\t\"\\\n\x00\x01\x00"))
	f.Add(uint8(6), uint16(1), []byte("\x01\x00\x00\x08TEST\x03\x04#"))
	f.Fuzz(func(t *testing.T, which uint8, step uint16, data []byte) {
		r := all[int(which)%len(all)]
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(data, []byte{0x1f, 0x9d}) {
			_ = r.reader(t).Read(bytes.NewReader(data), func(journal.Row) error { return nil }) // it ends
			return
		}
		var rows []journal.Row
		refused := r.reader(t).Read(bytes.NewReader(data), func(row journal.Row) error {
			rows = append(rows, row)
			return nil
		})
		keys := map[string]bool{}
		for _, row := range rows {
			if row.Verdict != journal.Taken {
				continue
			}
			if err := row.Event.Check(); err != nil || keys[row.Event.Key] {
				t.Errorf("line %d: got %+v, %v; want an event that can be kept, of a key of its own", row.Line, row.Event, err)
			}
			keys[row.Event.Key] = true
		}
		if refused == nil && len(data) < 32<<10 {
			nothing := func(row journal.Row) bool { return row.Verdict == journal.Nothing } // garbage in a stream has no rows of its own
			got := slices.DeleteFunc(r.followed(t, data, max(int(step), len(data)/20+1)), nothing)
			if rows = slices.DeleteFunc(rows, nothing); !slices.Equal(got, rows) {
				t.Errorf("growing: got\n%swant\n%s", told(got), told(rows))
			}
		}
	})
}
