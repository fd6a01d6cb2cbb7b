package spool

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
)

// listing is a folder as it was found.
type listing struct {
	positions []position
	batches   []string // whatever ends in .batch
	asides    []aside
}

// recover makes sense of the folder. What can be found, and what it means:
//
//   - no position, or more than one: the first start, or somebody worked in the folder. A
//     new stream for all that is held.
//   - no good batch: a new stream, numbered from 1.
//   - .tmp: Append or folding was cut off before the rename. The batch was never promised.
//   - a batch up to position.gone: given up and counted, only not yet removed.
//   - a batch within the range of another: it was folded, only not yet removed.
//   - .bad with a count above position.damaged: set aside, not yet counted.
//   - gaps between numbers: damage, or names that a power cut brought back.
func (s *Spool) recover() error {
	names, err := s.disk.List()
	if err != nil {
		return err
	}
	found := s.sift(names)
	held, damaged := s.verify(found.batches)
	held, extra := disjoint(held)
	s.batches = held
	for i := range held {
		s.bytes += int64(held[i].size)
		s.last = held[i].seq
	}
	if err := s.resume(found, damaged); err != nil {
		return err
	}
	for i := range extra {
		if e := &extra[i]; s.covers(e) {
			_ = s.disk.Remove(e.name())
		} else {
			damaged = append(damaged, fault{e.name(), errors.New("its numbers are those of another batch")})
		}
	}
	for _, d := range damaged {
		e, _ := parseName(d.name)
		lost := int64(e.records)
		if e.seq > 0 && s.covers(&e) {
			lost = 0 // a damaged fold whose parts are still there
		}
		if err := s.keepAside(d.name, lost, d.why); err != nil {
			_ = s.failed(err) // it stays in the folder, unused, until the next start
		}
	}
	return nil
}

// sift sorts the names, removes what is half written and finds the position.
func (s *Spool) sift(names []string) (found listing) {
	slices.Sort(names)
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, beside):
			_ = s.disk.Remove(name)
		case strings.HasSuffix(name, ending):
			found.batches = append(found.batches, name)
		case strings.HasSuffix(name, badEnding):
			if a, ok := parseAside(name); ok {
				found.asides = append(found.asides, a)
			}
		case strings.HasSuffix(name, positionEnding):
			if at, ok := parsePosition(name); ok {
				found.positions = append(found.positions, at)
			}
		}
	}
	slices.SortFunc(found.asides, func(a, b aside) int { return cmp.Compare(a.count, b.count) })
	if len(found.positions) == 1 {
		s.at = found.positions[0]
		s.file = s.at.name()
	}
	return found
}

type fault struct {
	name string
	why  error
}

// verify reads every batch and tells the good from the damaged.
func (s *Spool) verify(names []string) (good []entry, damaged []fault) {
	for _, name := range names {
		e, ok := parseName(name)
		if ok && e.seq <= s.at.gone {
			_ = s.disk.Remove(name)
			continue
		}
		data, err := s.disk.Read(name)
		if err == nil {
			e, _, err = parseFile(name, data)
		} else if ok && !errors.Is(err, fs.ErrNotExist) {
			err = nil // maybe it can be read when its turn comes
		}
		if err != nil {
			damaged = append(damaged, fault{name, err})
			continue
		}
		good = append(good, e)
	}
	return good, damaged
}

// disjoint sorts batches and takes out those whose numbers another one has too.
func disjoint(batches []entry) (kept, extra []entry) {
	slices.SortFunc(batches, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.seq, a.seq), cmp.Compare(b.records, a.records))
	})
	for _, e := range batches {
		if n := len(kept); n > 0 && e.first <= kept[n-1].seq {
			extra = append(extra, e)
			continue
		}
		kept = append(kept, e)
	}
	return kept, extra
}

// covers tells whether every number of e is also one of a larger held batch or of several.
func (s *Spool) covers(e *entry) bool {
	next := e.first
	for i := range s.batches {
		b := &s.batches[i]
		if b.first <= next && next <= b.seq {
			if b.first == e.first && b.seq == e.seq {
				return false // a double, not a part
			}
			next = b.seq + 1
		}
	}
	return next > e.seq
}

// resume goes on in the stream that the position names, or begins another, and counts
// what was set aside but not counted.
func (s *Spool) resume(found listing, damaged []fault) error {
	known := s.file != ""
	if known {
		s.last = max(s.last, s.at.gone)
		s.skipSent(found.asides, damaged)
	} else {
		s.adopt(found)
	}
	s.sent = min(s.at.sent, s.last)
	empty := len(s.batches) == 0
	if empty {
		s.last, s.at.gone = 0, 0
	}
	if !known || empty || s.at.base >= s.batches[0].first {
		s.begin()
	}
	next := s.at
	for i := range found.asides {
		if a := &found.asides[i]; a.count > next.damaged {
			next.damaged = a.count
			next.lost += a.lost
			next.dropped += a.lost
		}
	}
	if err := s.move(next); err != nil {
		return err
	}
	s.discard(found.asides)
	return nil
}

// skipSent keeps numbers from being used again that went out in a batch now damaged.
func (s *Spool) skipSent(asides []aside, damaged []fault) {
	for i := range asides {
		if seq := asides[i].seq; seq <= s.at.sent {
			s.last = max(s.last, seq)
		}
	}
	for i := range damaged {
		if e, ok := parseName(damaged[i].name); ok && e.seq <= s.at.sent {
			s.last = max(s.last, e.seq)
		}
	}
}

// adopt makes the best of a folder without one clear position: totals from what is there.
func (s *Spool) adopt(found listing) {
	for i := range found.positions {
		at := &found.positions[i]
		s.at.dropped = max(s.at.dropped, at.dropped)
		s.at.damaged = max(s.at.damaged, at.damaged)
		_ = s.disk.Remove(at.name())
	}
	for i := range found.asides {
		if a := &found.asides[i]; a.count > s.at.damaged {
			s.at.damaged = a.count
			s.at.dropped += a.lost
		}
	}
}

// mostAside is how many damaged files are kept for people to look at.
const mostAside = 100

func (s *Spool) discard(asides []aside) {
	for i := 0; i < len(asides)-mostAside; i++ {
		s.opts.Log.Warn("oldest damaged batch removed", "file", asides[i].name, "error", s.disk.Remove(asides[i].name))
	}
}
