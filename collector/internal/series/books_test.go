package series

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// shelf is books that a test fills.
type shelf struct {
	mu         sync.Mutex
	postings   []ledger.Posting
	statuses   []ledger.Status
	looks      map[string]wire.Time
	cursors    map[string]int64
	commits    int
	quarantine []ledger.Quarantine
	broken     bool

	gone     ledger.Gone
	sums     []ledger.HourSum // of what is gone
	givingUp func()           // called when it is asked for them
}

func newShelf() *shelf {
	return &shelf{looks: make(map[string]wire.Time), cursors: make(map[string]int64)}
}

var errBroken = errors.New("disk on fire")

func (s *shelf) lock() (unlock func(), err error) {
	s.mu.Lock()
	if s.broken {
		err = errBroken
	}
	return s.mu.Unlock, err
}

func (s *shelf) post(postings ...ledger.Posting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range postings {
		p.ID = int64(len(s.postings)) + 1
		s.postings = append(s.postings, p)
	}
}

func (s *shelf) tell(statuses ...ledger.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range statuses {
		x.ID = int64(len(s.statuses)) + 1
		s.statuses = append(s.statuses, x)
	}
}

func (s *shelf) look(device string, at wire.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks[device] = at
}

func (s *shelf) Postings(_ context.Context, after int64, limit int) ([]ledger.Posting, error) {
	unlock, err := s.lock()
	defer unlock()
	return page(s.postings, after, limit), err
}

func (s *shelf) Statuses(_ context.Context, after int64, limit int) ([]ledger.Status, error) {
	unlock, err := s.lock()
	defer unlock()
	return page(s.statuses, after, limit), err
}

func page[T any](all []T, after int64, limit int) []T {
	rest := all[min(int(after), len(all)):]
	return slices.Clone(rest[:min(limit, len(rest))])
}

func (s *shelf) Newest(context.Context) (posting, status int64, err error) {
	unlock, err := s.lock()
	defer unlock()
	return int64(len(s.postings)), int64(len(s.statuses)), err
}

func (s *shelf) Standing(_ context.Context, status int64) ([]ledger.Status, error) {
	unlock, err := s.lock()
	defer unlock()
	last := make(map[[3]string]ledger.Status)
	for _, x := range s.statuses[:status] {
		last[[3]string{x.Device, x.Port, string(x.Kind)}] = x
	}
	var all []ledger.Status
	for _, x := range last {
		all = append(all, x)
	}
	return all, err
}

func (s *shelf) Looks(context.Context) (map[string]wire.Time, error) {
	unlock, err := s.lock()
	defer unlock()
	looks := make(map[string]wire.Time)
	for device, at := range s.looks {
		looks[device] = at
	}
	return looks, err
}

func (s *shelf) Cursor(_ context.Context, name string) (int64, error) {
	unlock, err := s.lock()
	defer unlock()
	return s.cursors[name], err
}

func (s *shelf) SetCursor(_ context.Context, name string, at int64) error {
	unlock, err := s.lock()
	defer unlock()
	s.cursors[name] = at
	s.commits++
	return err
}

func (s *shelf) Quarantine(_ context.Context, refused []ledger.Quarantine) error {
	unlock, err := s.lock()
	defer unlock()
	s.quarantine = append(s.quarantine, refused...)
	return err
}

func (s *shelf) Gone(context.Context) (ledger.Gone, error) {
	unlock, err := s.lock()
	defer unlock()
	return s.gone, err
}

func (s *shelf) GoneHours(_ context.Context, from, to wire.Time) (sums []ledger.HourSum, err error) {
	unlock, err := s.lock()
	defer unlock()
	if s.givingUp != nil {
		s.givingUp()
	}
	for _, x := range s.sums {
		if from <= x.Hour && x.Hour < to {
			sums = append(sums, x)
		}
	}
	return sums, err
}
