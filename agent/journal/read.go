package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Read hands every row of a whole file to each, which may end it by an error. The file may be compressed (.Z, .gz).
// A file that is none of the profile's is an error, with nothing taken of it.
func (r *Reader) Read(file io.Reader, each func(Row) error) error {
	file, err := Unpack(file)
	if err != nil {
		return err
	}
	buffer, held, last := make([]byte, 2*maxRecord), 0, false
	for !last || held > 0 {
		for !last && held < len(buffer) {
			n, err := file.Read(buffer[held:])
			held += n
			if last = errors.Is(err, io.EOF); err != nil && !last {
				return fmt.Errorf("line %d: %w", r.line+1, err)
			}
		}
		if r.line == 0 && r.strange(buffer[:held]) {
			return fmt.Errorf("line 1: %s", NoText)
		}
		used := 0
		for {
			n, record := r.Next(buffer[used:held], last)
			if n == 0 {
				break
			}
			used += n
			row := r.Row(record)
			if row.Verdict == Refused {
				return fmt.Errorf("line %d: %s", row.Line, row.Reason())
			}
			if err := each(row); err != nil {
				return err
			}
		}
		held = copy(buffer, buffer[used:held])
	}
	return nil
}

// strange tells whether a file begins as no text does. Damaged ones have such bytes further down, and OXE's stream anywhere.
func (r *Reader) strange(begins []byte) bool {
	stream := r.profile.kind == &oxe && len(begins) > 0 && begins[0] < '\t'
	return bytes.HasPrefix(begins, []byte("%PDF-")) || !stream && !wide(begins) && bytes.IndexByte(begins[:min(len(begins), 512)], 0) >= 0
}

// wide tells whether a file begins as UTF-16 does, which Row refuses.
func wide(begins []byte) bool {
	return bytes.HasPrefix(begins, []byte("\xff\xfe")) || bytes.HasPrefix(begins, []byte("\xfe\xff"))
}
