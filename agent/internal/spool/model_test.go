package spool

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// collector keeps the books as the contract says: per stream the number expected next.
type collector struct {
	next   map[string]uint64
	crc    map[string]uint32 // of the batch applied last
	booked map[string]bool
}

func newCollector() *collector {
	return &collector{next: map[string]uint64{}, crc: map[string]uint32{}, booked: map[string]bool{}}
}

// take applies a batch if it is the one at start, and says what to acknowledge.
func (c *collector) take(b Batch) (seq uint64, crc uint32) {
	next := max(c.next[b.Stream], 1)
	start := max(next, b.Oldest)
	if b.First >= next && b.First <= start && start <= b.Seq {
		for id := range strings.SplitSeq(string(b.Payload), ",") {
			c.booked[id] = true
		}
		c.next[b.Stream], c.crc[b.Stream] = b.Seq+1, b.CRC
	}
	return max(c.next[b.Stream], 1) - 1, c.crc[b.Stream]
}

// story is one run of a spool: a folder that survives, records with names of their own,
// and what may be missing of them.
type story struct {
	t         *rapid.T
	opts      Options
	disk      *memory
	spool     *Spool
	collector *collector
	after     uint64
	written   []string        // records whose Append returned nil, in order
	maybe     map[string]bool // records whose Append was cut off
	acked     map[string]bool // records that need not come again
	free      map[string]bool // records that were being acknowledged in a crash
	count     int
}

func newStory(t *rapid.T) *story {
	s := &story{
		t: t, disk: newMemory(), collector: newCollector(),
		maybe: map[string]bool{}, acked: map[string]bool{}, free: map[string]bool{},
	}
	s.opts = Options{
		MaxFiles: rapid.IntRange(2, 12).Draw(t, "most files"),
		MaxBytes: rapid.Int64Range(300, 3000).Draw(t, "most bytes"),
		Fold:     join(rapid.IntRange(3, 60).Draw(t, "longest fold")),
	}
	s.open()
	return s
}

func (s *story) open() {
	for {
		spool, err := open(s.opts, s.disk)
		if err == nil {
			s.spool, s.after = spool, 0
			return
		}
		if !s.disk.crashed {
			s.t.Fatalf("open: %v", err)
		}
		s.disk = s.disk.killed() // it crashed again while it recovered
	}
}

func (s *story) name() string {
	s.count++
	return string([]byte{'A' + byte(s.count/26/26%26), 'a' + byte(s.count/26%26), 'a' + byte(s.count%26)})
}

// append adds a batch of one to three records.
func (s *story) append() {
	var names []string
	for range rapid.IntRange(1, 3).Draw(s.t, "records") {
		names = append(names, s.name())
	}
	if err := s.spool.Append([]byte(strings.Join(names, ",")), len(names)); err != nil {
		for _, name := range names {
			s.maybe[name] = true
		}
		return
	}
	s.written = append(s.written, names...)
}

// send gives the next batch to the collector, and now and then loses it or its ack.
func (s *story) send() {
	b, ok, err := s.spool.Next(s.after)
	if err != nil && !s.disk.crashed {
		s.t.Fatalf("next: %v", err)
	}
	if !ok {
		s.after = 0
		return
	}
	if b.Seq <= s.after || b.First > b.Seq || b.Oldest > b.First {
		s.t.Fatalf("next after %d: got %+v", s.after, b)
	}
	s.after = b.Seq
	if rapid.IntRange(0, 4).Draw(s.t, "lost on the way up") == 0 {
		return
	}
	seq, crc := s.collector.take(b)
	if rapid.IntRange(0, 2).Draw(s.t, "lost on the way down") > 0 {
		s.ack(b.Stream, seq, crc)
	}
}

func (s *story) ack(stream string, seq uint64, crc uint32) {
	before := s.held()
	err := s.spool.Ack(stream, seq, crc)
	after := s.held()
	gone := before[:len(before)-len(after)]
	if !s.disk.crashed {
		if err != nil {
			s.t.Fatalf("ack %d: %v", seq, err)
		}
		for _, id := range gone {
			s.acked[id] = true
		}
		return
	}
	for _, id := range gone {
		s.free[id] = true
	}
}

// held are the records in the folder as the spool itself sees it, oldest first.
func (s *story) held() (ids []string) {
	for i := range s.spool.batches {
		_, payload, err := parseFile(s.spool.batches[i].name(), s.disk.files[s.spool.batches[i].name()])
		if err == nil {
			ids = append(ids, strings.Split(string(payload), ",")...)
		}
	}
	return ids
}

// crash ends the process, at once or within the next steps, and starts another.
func (s *story) crash() {
	powerCut := rapid.Bool().Draw(s.t, "power cut")
	s.disk.left = rapid.IntRange(0, 6).Draw(s.t, "steps before the crash")
	for i := 0; !s.disk.crashed && i < 20; i++ {
		rapid.SampledFrom([]func(){s.append, s.append, s.send}).Draw(s.t, "at the end")()
	}
	if powerCut {
		s.disk = s.disk.cut(rapid.IntRange(0, 4).Draw(s.t, "names that reached the disk"))
		for id := range s.acked { // may be there again: forgetting isn't synced
			s.free[id] = true
		}
		clear(s.acked)
	} else {
		s.disk = s.disk.killed()
	}
	if rapid.IntRange(0, 3).Draw(s.t, "crash while recovering") == 0 {
		s.disk.left = rapid.IntRange(0, 5).Draw(s.t, "steps of recovery")
	}
	s.open()
	s.disk.left = -1
}

// check proves what is on disk: order, no acknowledged record, and as many missing as counted.
func (s *story) check() {
	if s.disk.crashed {
		return
	}
	held := s.held()
	missing, unsure := int64(0), int64(0)
	for id := range s.maybe {
		if !slices.Contains(held, id) {
			unsure++
		}
	}
	held = slices.DeleteFunc(held, func(id string) bool { return s.maybe[id] })
	at := 0
	for _, id := range s.written {
		switch {
		case at < len(held) && held[at] == id:
			if s.acked[id] {
				s.t.Fatalf("record %s was acknowledged, and is held: %v", id, held)
			}
			at++
		case s.acked[id]:
		case s.free[id]:
			unsure++
		default:
			missing++
		}
	}
	if at < len(held) {
		s.t.Fatalf("held %v: %s is out of order, of\n%v", held, held[at], s.written)
	}
	st := s.spool.State()
	if st.Dropped < missing || st.Dropped > missing+unsure || st.Damaged != 0 || st.Error != "" {
		s.t.Fatalf("got %+v, want %d dropped, at most %d", st, missing, missing+unsure)
	}
	for i := 1; i < len(s.spool.batches); i++ {
		if a, b := s.spool.batches[i-1], s.spool.batches[i]; a.seq+1 != b.first {
			s.t.Fatalf("a gap between %s and %s", a.name(), b.name())
		}
	}
}

func TestNothingIsLostUncountedWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(t)
		t.Repeat(map[string]func(*rapid.T){
			"":          func(t *rapid.T) { s.t = t; s.check() },
			"append":    func(*rapid.T) { s.append() },
			"and again": func(*rapid.T) { s.append() },
			"send":      func(*rapid.T) { s.send() },
			"resend":    func(*rapid.T) { s.after = 0 },
			"restart":   func(*rapid.T) { s.disk = s.disk.killed(); s.open() },
			"crash":     func(*rapid.T) { s.crash() },
		})
	})
}

// A machine restored from an older copy, however often: what was written since is in the
// books or comes there, and so does what the copy held. The sender must do as uplink does:
// until the first ack it sends the oldest batch only. Else a restored machine's new batch 4
// may be applied behind the old batch 3, its own 3 being taken for a duplicate, and the ack
// of 4 fits.
func TestARestoredMachineBringsAllItHoldsToTheCollector(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(t)
		s.opts.MaxBytes, s.opts.Fold = 1<<20, join(1<<20)
		s.open()
		gaveUp := map[string]bool{}
		copied, holds := s.disk.killed(), s.held()
		step := func() {
			before := s.held()
			dropped := s.spool.State().Dropped
			s.append()
			if more := s.spool.State().Dropped - dropped; more > 0 {
				for _, id := range before[:more] {
					gaveUp[id] = true
				}
			}
		}
		confirmed := false
		send := func() {
			if !confirmed {
				s.after = 0
			}
			b, ok, err := s.spool.Next(s.after)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				s.after = 0
				return
			}
			s.after = b.Seq
			seq, crc := s.collector.take(b)
			if rapid.IntRange(0, 2).Draw(t, "ack arrives") > 0 {
				confirmed = s.spool.Ack(b.Stream, seq, crc) == nil
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"":          func(inner *rapid.T) { s.t = inner },
			"append":    func(*rapid.T) { step() },
			"and again": func(*rapid.T) { step() },
			"send":      func(*rapid.T) { send() },
			"send more": func(*rapid.T) { send() },
			"restart":   func(*rapid.T) { s.disk, confirmed = s.disk.killed(), false; s.open() },
			"copy":      func(*rapid.T) { copied, holds = s.disk.killed(), s.held() },
			"restore": func(*rapid.T) {
				had := s.held()
				s.disk, confirmed = copied.killed(), false
				s.open()
				for _, id := range had { // nobody has those any more
					if !slices.Contains(holds, id) {
						gaveUp[id] = true
					}
				}
			},
		})
		for range 10_000 {
			b, ok, err := s.spool.Next(0)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			seq, crc := s.collector.take(b)
			_ = s.spool.Ack(b.Stream, seq, crc)
		}
		if st := s.spool.State(); st.Envelopes != 0 {
			t.Fatalf("the collector acknowledges all it gets, still held: %+v", st)
		}
		for _, id := range s.written {
			if !s.collector.booked[id] && !gaveUp[id] {
				t.Fatalf("record %s is nowhere; booked: %v", id, slices.Sorted(maps.Keys(s.collector.booked)))
			}
		}
	})
}
