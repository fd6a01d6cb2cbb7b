package discover

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
)

// State is what outlives a restart: how far a sweep got, and what was found.
type State struct {
	Cursor Cursor  `json:"cursor"`
	Done   bool    `json:"done"`            // the sweep is through
	Known  []Known `json:"known,omitempty"` // by run
	Found  []Found `json:"found,omitempty"` // by the command
}

var errDamaged = errors.New("damaged")

// Load reads a state file. None is no error, and an empty state; so is that of one that is
// damaged, or is something else altogether.
func Load(path string) (State, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("read state of discovery: %w", err)
	}
	state, err := decodeState(data)
	if err != nil {
		return State{}, fmt.Errorf("%s is %w: %w", path, errDamaged, err)
	}
	return state, nil
}

// Fits tells whether a sweep with these options may go on from it.
func (s *State) Fits(o Options) bool {
	return len(s.Known) == 0 && (s.Cursor.Plan == "" || s.Cursor.Plan == o.mark())
}

// The first line is the checksum of the rest, in eight hexadecimal digits.
func decodeState(data []byte) (state State, err error) {
	sum, text, _ := bytes.Cut(data, []byte("\n"))
	if want := checksum(text); string(sum) != want {
		return State{}, fmt.Errorf("checksum %.8q; want %s", sum, want)
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return State{}, err
	}
	return state, nil
}

func checksum(text []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
}

// Save replaces the file, at once or not at all. After a power cut it may be an older
// one: then some addresses are asked again.
func (s *State) Save(path string) error {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("save state of discovery: %w", err)
	}
	if err := write(path+".tmp", append([]byte(checksum(text)+"\n"), text...)); err != nil {
		_ = os.Remove(path + ".tmp") // if it is there at all
		return fmt.Errorf("save state of discovery: %w", err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("save state of discovery: %w", err)
	}
	return nil
}

func write(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
