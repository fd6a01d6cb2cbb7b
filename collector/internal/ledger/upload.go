package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

const (
	uploadAge  = 24 * time.Hour // after which an upload is forgotten
	uploadMost = 20             // uploads are kept, the newest
)

// ErrNoUpload is of an upload that was forgotten, or never was.
var ErrNoUpload = errors.New("no such upload; want it handed in again")

// Upload is a file that somebody handed in and has not yet said what to do with.
type Upload struct {
	ID   string
	At   wire.Time
	Who  string
	Name string // of the file
	Data []byte
}

// KeepUpload keeps a file for a day, and forgets older ones. It is nothing of the books: no audit.
func (l *Ledger) KeepUpload(ctx context.Context, who, name string, data []byte) (id string, err error) {
	id = rand.Text()
	err = l.alter(ctx, "keep upload", func(s *store) error {
		now := wire.TimeOf(l.now())
		if err := s.exec(ctx, "DELETE FROM uploads WHERE at < ?", int64(now.Add(-uploadAge))); err != nil {
			return err
		}
		if err := s.exec(ctx, "INSERT INTO uploads (id, at, who, name, data) VALUES (?, ?, ?, ?, ?)", id, int64(now), who, name, data); err != nil {
			return err
		}
		return s.exec(ctx, "DELETE FROM uploads WHERE id NOT IN (SELECT id FROM uploads ORDER BY at DESC, id LIMIT ?)", uploadMost)
	})
	return id, err
}

// Upload is one that who handed in within the last day.
func (l *Ledger) Upload(ctx context.Context, who, id string) (u Upload, err error) {
	err = l.read(ctx, "upload", func(q querier, now wire.Time) error {
		err := each(ctx, q, "SELECT id, at, who, name, data FROM uploads WHERE id = ? AND who = ?", func(read func(...any) error) error {
			return read(&u.ID, &u.At, &u.Who, &u.Name, &u.Data)
		}, id, who)
		if err == nil && (u.ID == "" || now.Sub(u.At) > uploadAge) {
			return ErrNoUpload
		}
		return err
	})
	return u, err
}

// DropUpload forgets one.
func (l *Ledger) DropUpload(ctx context.Context, who, id string) error {
	return l.alter(ctx, "drop upload", func(s *store) error {
		if err := s.exec(ctx, "DELETE FROM uploads WHERE id = ? AND who = ?", id, who); err != nil {
			return fmt.Errorf("forget it: %w", err)
		}
		return nil
	})
}
