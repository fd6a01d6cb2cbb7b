package ledger

import (
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestStreamRule(t *testing.T) {
	for _, c := range []struct {
		name               string
		next               uint64
		first, seq, oldest uint64
		verdict            Verdict
		hole               span
	}{
		{"the next one", 5, 5, 5, 5, Applied, span{}},
		{"the very first", 1, 1, 1, 1, Applied, span{}},
		{"the next one, folded", 5, 5, 9, 5, Applied, span{}},
		{"while the agent still holds older ones that are known", 5, 5, 5, 2, Applied, span{}},
		{"known already", 5, 4, 4, 4, Duplicate, span{}},
		{"known already, folded", 5, 1, 4, 1, Duplicate, span{}},
		{"one in between is still to come", 5, 6, 6, 5, Early, span{}},
		{"one in between was given up", 5, 6, 6, 6, Applied, span{5, 5}},
		{"many in between were given up", 5, 50, 60, 50, Applied, span{5, 49}},
		{"these books are new, or were restored: the agent forgot what came before", 1, 57, 57, 57, Applied, span{1, 56}},
		{"given up in between, but something else comes first", 5, 9, 9, 7, Early, span{}},
		{"folded over what is known: restored or cloned", 5, 3, 8, 3, Overlap, span{}},
		{"folded over the oldest that the agent says it holds", 5, 6, 9, 7, Applied, span{5, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			verdict, hole := judge(c.next, wire.Header{First: c.first, Seq: c.seq, Oldest: c.oldest})
			if verdict != c.verdict || hole != c.hole {
				t.Errorf("next %d, %d…%d, oldest %d: got %s, hole %v, want %s, %v",
					c.next, c.first, c.seq, c.oldest, verdict, hole, c.verdict, c.hole)
			}
		})
	}
}

func FuzzStreamRule(f *testing.F) {
	f.Add(uint64(5), uint64(5), uint64(9), uint64(5))
	f.Fuzz(func(t *testing.T, next, first, seq, oldest uint64) {
		if next == 0 || first == 0 || oldest == 0 || first > seq || oldest > seq {
			t.Skip()
		}
		verdict, hole := judge(next, wire.Header{First: first, Seq: seq, Oldest: oldest})
		start := max(next, oldest)
		applies := first <= start && start <= seq && first >= next
		if (verdict == Applied) != applies {
			t.Fatalf("next %d, %d…%d, oldest %d: got %s", next, first, seq, oldest, verdict)
		}
		if hole != (span{}) && (hole.First != next || hole.Last != first-1 || !applies) {
			t.Fatalf("next %d, %d…%d, oldest %d: got hole %v", next, first, seq, oldest, hole)
		}
	})
}
