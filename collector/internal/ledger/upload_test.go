package ledger

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func TestAnUploadIsItsOwnersForADay(t *testing.T) {
	now := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	l, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	id, err := l.KeepUpload(t.Context(), "anne", "volumes.csv", []byte("mois;émis"))
	if err != nil {
		t.Fatal(err)
	}
	if u, err := l.Upload(t.Context(), "anne", id); err != nil || u.Name != "volumes.csv" || string(u.Data) != "mois;émis" {
		t.Errorf("got %+v, %v, want Anne's file", u, err)
	}
	if _, err := l.Upload(t.Context(), "bruno", id); !errors.Is(err, ErrNoUpload) {
		t.Errorf("somebody else's: got %v, want ErrNoUpload", err)
	}
	now = now.Add(25 * time.Hour)
	if _, err := l.Upload(t.Context(), "anne", id); !errors.Is(err, ErrNoUpload) {
		t.Errorf("after a day: got %v, want ErrNoUpload", err)
	}
	var last string
	for i := range uploadMost + 1 {
		now = now.Add(time.Second)
		if last, err = l.KeepUpload(t.Context(), "anne", fmt.Sprint(i), []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := readNumber(t.Context(), l.store.conn, "SELECT COUNT(*) FROM uploads"); err != nil || n != uploadMost {
		t.Errorf("got %d uploads, %v, want no more than %d", n, err, uploadMost)
	}
	if err := l.DropUpload(t.Context(), "anne", last); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Upload(t.Context(), "anne", last); !errors.Is(err, ErrNoUpload) {
		t.Errorf("dropped: got %v, want ErrNoUpload", err)
	}
}
