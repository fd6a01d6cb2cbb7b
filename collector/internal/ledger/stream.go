package ledger

import "github.com/zerofax/zerofax/agent/wire"

// span is a stretch of numbers in a stream, both ends included.
type span struct{ First, Last uint64 }

// judge is the whole rule for an envelope of one agent and stream, of which next is the first number
// that is not in the books. With Applied, hole is what never came before it (First 0: nothing).
func judge(next uint64, h wire.Header) (verdict Verdict, hole span) {
	start := max(next, h.Oldest)
	switch {
	case h.Seq < next:
		return Duplicate, span{}
	case h.First > start:
		return Early, span{}
	case h.First < next || h.Seq < start:
		return Overlap, span{}
	case h.First > next:
		return Applied, span{next, h.First - 1}
	}
	return Applied, span{}
}

// numbered makes the numbers of an envelope that is bad as a whole fit for judge: it may lack them.
func numbered(h wire.Header) wire.Header {
	if h.First == 0 || h.First > h.Seq {
		h.First = h.Seq
	}
	if h.Oldest > h.Seq {
		h.Oldest = 0
	}
	return h
}
