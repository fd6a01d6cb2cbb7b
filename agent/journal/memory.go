package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Rows that are equal to the letter began in the same second or minute, so they stand close
// together: what was seen is remembered of so many rows, and across restarts of the last few and of
// a day, but not of more than a file for the state can hold.
const (
	remembered  = 1 << 16
	carriedAll  = 512
	carriedSpan = 26 * time.Hour
	carriedMost = 8192
)

// memory counts how often each row was seen.
type memory struct {
	times  map[uint64]uint32
	ring   []sighting // the rows in times, oldest at next once it is full
	next   int
	newest wire.Time
}

type sighting struct {
	row uint64
	at  wire.Time
}

func newMemory() memory { return memory{times: map[uint64]uint32{}} }

// add notes that a row is seen and tells how often it was before.
func (m *memory) add(row uint64, at wire.Time) uint32 {
	m.newest = max(m.newest, at)
	before := m.times[row]
	m.times[row] = before + 1
	if before > 0 {
		return before
	}
	if len(m.ring) < remembered {
		m.ring = append(m.ring, sighting{row, at})
		return 0
	}
	delete(m.times, m.ring[m.next].row)
	m.ring[m.next] = sighting{row, at}
	m.next = (m.next + 1) % remembered
	return 0
}

// carry is what a later start needs: rows, their age in milliseconds and how often they were seen; oldest first.
func (m *memory) carry() []byte {
	var b []byte
	for i := max(0, len(m.ring)-carriedMost); i < len(m.ring); i++ {
		s := m.ring[(m.next+i)%len(m.ring)]
		if age := m.newest - s.at; i >= len(m.ring)-carriedAll || m.newest.Sub(s.at) <= carriedSpan {
			b = binary.LittleEndian.AppendUint64(b, s.row)
			b = binary.AppendVarint(b, int64(age))
			b = binary.AppendVarint(b, int64(m.times[s.row]))
		}
	}
	return b
}

func (m *memory) resume(b []byte, newest wire.Time) error {
	*m = newMemory()
	m.newest = newest
	for len(b) > 0 {
		if len(b) < 10 {
			return errors.New("rows seen: cut short")
		}
		row := binary.LittleEndian.Uint64(b)
		age, n := binary.Varint(b[8:])
		times, k := binary.Varint(b[8+max(n, 0):])
		if n <= 0 || k <= 0 || len(m.ring) == remembered {
			return errors.New("rows seen: damaged")
		}
		m.times[row] = uint32(times)
		m.ring = append(m.ring, sighting{row, newest - wire.Time(age)})
		b = b[8+n+k:]
	}
	return nil
}

// state is what a reader needs to go on in the middle of a file.
type state struct {
	Line    int64     `json:"line"`
	Begun   bool      `json:"begun"`
	Stream  bool      `json:"stream,omitempty"`
	Header  []string  `json:"header,omitempty"`
	Last    int64     `json:"last"` // Unix seconds of the row before
	Falling bool      `json:"falling,omitempty"`
	Newest  wire.Time `json:"newest"`
	Seen    []byte    `json:"seen,omitempty"`
}

// State is what Resume needs to go on behind the last row, in a few KB.
func (r *Reader) State() []byte {
	data, _ := json.Marshal(state{r.line, r.begun, r.stream, r.header, r.clock.last, r.clock.falling, r.seen.newest, r.seen.carry()}) // nothing in it can fail
	return data
}

// Resume goes on where the reader that told its State stood. After an error the reader is as new.
func (r *Reader) Resume(data []byte) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("resume journal: %w", err)
	}
	if err := r.seen.resume(s.Seen, s.Newest); err != nil {
		r.seen = newMemory()
		return fmt.Errorf("resume journal: %w", err)
	}
	r.line, r.begun, r.stream, r.header, r.clock.last, r.clock.falling = s.Line, s.Begun, s.Stream, s.Header, s.Last, s.Falling
	if r.header != nil {
		r.fields = append(r.fields[:0], r.header...)
		r.profile.kind.head(r) // it could be read before
	}
	return nil
}
