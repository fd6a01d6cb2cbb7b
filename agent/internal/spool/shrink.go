package spool

import (
	"errors"
	"fmt"
	"slices"
)

// A run of batches that are folded at once is at most so long, which bounds memory.
const (
	mostFolded      = 64
	mostFoldedBytes = 1 << 20
)

// shrink folds, and if that isn't enough gives up the oldest, until the spool fits its
// limits. One batch is always kept.
func (s *Spool) shrink() error {
	for s.over() {
		folded, err := s.fold()
		if err != nil {
			return err
		}
		if folded {
			continue
		}
		if len(s.batches) <= 1 {
			return nil
		}
		if err := s.giveUp(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool) over() bool {
	return s.bytes > s.opts.MaxBytes || len(s.batches) > s.opts.MaxFiles
}

// fold makes one batch of the oldest run that was never sent, can be read and fits into
// one. False if there is none.
func (s *Spool) fold() (bool, error) {
	if s.opts.Fold == nil {
		return false, nil
	}
	for i := range s.batches {
		n := s.run(i)
		if n < 2 {
			continue
		}
		payloads, err := s.payloads(i, n)
		if errors.Is(err, errGone) {
			return true, nil // one turned out damaged: that made room too
		}
		for n = len(payloads); n >= 2; n = max(n/2, min(n-1, 2)) {
			payload, records, err := s.opts.Fold(payloads[:n])
			if err == nil {
				return true, s.replace(i, n, payload, records)
			}
		}
		s.batches[i].alone = true
	}
	return false, nil
}

// run is how many batches from the i-th on may be folded.
func (s *Spool) run(i int) int {
	if s.batches[i].seq <= s.sent || s.batches[i].alone {
		return 0
	}
	n, bytes := 1, int(s.batches[i].size)
	for _, e := range s.batches[i+1:] {
		before := &s.batches[i+n-1]
		bytes += int(e.size)
		if e.first != before.seq+1 || n == mostFolded || n > 1 && bytes > mostFoldedBytes {
			break
		}
		n++
	}
	return n
}

// payloads reads up to n batches from the i-th on, fewer where one can't be read.
func (s *Spool) payloads(i, n int) (payloads [][]byte, err error) {
	for k := range n {
		payload, err := s.read(i + k)
		if err != nil {
			return payloads, err
		}
		payloads = append(payloads, payload)
	}
	return payloads, nil
}

// replace puts one batch in the place of n. The new file stands beside the old ones
// before these are removed; recover knows what that means.
func (s *Spool) replace(i, n int, payload []byte, records int) error {
	old := slices.Clone(s.batches[i : i+n])
	e := entry{first: old[0].first, seq: old[n-1].seq, records: int32(records), written: old[0].written}
	if err := s.write(&e, payload); err != nil {
		return fmt.Errorf("fold: %w", err)
	}
	s.batches = slices.Replace(s.batches, i, i+n, e)
	s.bytes += int64(e.size)
	var errs []error
	for k := range old {
		s.bytes -= int64(old[k].size)
		errs = append(errs, s.disk.Remove(old[k].name()))
	}
	return errors.Join(errs...)
}

// giveUp drops the oldest batch. It is counted before it is removed; recover removes what
// was counted, so it is neither forgotten nor counted twice.
func (s *Spool) giveUp() error {
	e := &s.batches[0]
	next := s.at
	next.gone = e.seq
	next.lost += int64(e.records)
	next.dropped += int64(e.records)
	if err := s.move(next); err != nil {
		return fmt.Errorf("give up the oldest batch: %w", err)
	}
	if !s.givingUp {
		s.opts.Log.Error("spool full: giving up the oldest batches", "bytes", s.bytes, "batches", len(s.batches))
		s.givingUp = true
	}
	return s.forget(1)
}
