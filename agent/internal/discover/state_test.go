package discover

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var someState = State{
	Cursor: Cursor{
		Plan: "12345678", Started: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC), Start: 7, Next: 300,
		Answered: []heard{{At: address("10.0.0.7"), Credentials: "v3", Says: "a printer", Tries: 1}},
		Progress: Progress{Of: 1022, Done: 300, Answered: 3, Found: 2},
	},
	Known: []Known{
		{Device: "a", At: address("10.0.0.1"), Range: netip.MustParsePrefix("10.0.0.0/22"), Credentials: "v3", Missed: 2},
		{Device: "b", Range: netip.MustParsePrefix("10.0.0.0/22"), Credentials: "v3"},
	},
}

func TestStateIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "discovery.json")
	if got, err := Load(path); err != nil || !reflect.DeepEqual(got, State{}) {
		t.Errorf("got %+v, %v of no file, want nothing", got, err)
	}
	for range 2 {
		if err := someState.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Load(path); err != nil || !reflect.DeepEqual(got, someState) {
		t.Errorf("got %+v, %v, want %+v", got, err, someState)
	}
	if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
		t.Errorf("got files %v, want one", names)
	}
}

func TestADamagedStateIsToldWhereverItIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "discovery.json")
	if err := someState.Save(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		flipped := append([]byte(nil), good...)
		flipped[i] ^= 1 << (i % 8)
		for what, damaged := range map[string][]byte{"cut": good[:i], "flipped": flipped} {
			if state, err := decodeState(damaged); err == nil {
				t.Fatalf("%s at byte %d: got %+v, want an error", what, i, state)
			}
		}
	}
	if err := os.WriteFile(path, good[:len(good)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if state, err := Load(path); err == nil || !reflect.DeepEqual(state, State{}) {
		t.Errorf("got %+v, %v, want nothing and an error", state, err)
	}
	if left, err := os.ReadFile(path); err != nil || len(left) != len(good)-1 {
		t.Errorf("got %d bytes, %v left of it, want it as it was: it may be a file of quite another kind", len(left), err)
	}
}
