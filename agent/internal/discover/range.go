package discover

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// Range is a network in which to look for machines.
type Range struct {
	Prefix      netip.Prefix
	Port        uint16
	Credentials []int // places in Options.Credentials, the first to be tried first
}

// block is the addresses of a range: size of them, from first on.
type block struct {
	Range
	first netip.Addr
	size  uint64
	from  uint64 // place of first among the addresses of all blocks
}

func newBlock(r Range) block {
	b := block{Range: r, first: r.Prefix.Addr(), size: 1 << (r.Prefix.Addr().BitLen() - r.Prefix.Bits())}
	if r.Prefix.Addr().Is4() && b.size > 2 { // without those of the network and of all machines in it
		b.first, b.size = b.first.Next(), b.size-2
	}
	return b
}

func (b *block) at(place uint64) netip.AddrPort {
	return netip.AddrPortFrom(plus(b.first, place-b.from), b.Port)
}

func (b *block) has(at netip.AddrPort) bool {
	return b.Port == at.Port() && b.Prefix.Contains(at.Addr()) && number(at.Addr())-number(b.first) < b.size
}

// plus is the address n behind addr. No range is so large that it crosses the lower 64 bits.
func plus(addr netip.Addr, n uint64) netip.Addr {
	bytes := addr.As16()
	binary.BigEndian.PutUint64(bytes[8:], number(addr)+n)
	if addr.Is4() {
		return netip.AddrFrom16(bytes).Unmap()
	}
	return netip.AddrFrom16(bytes)
}

func number(addr netip.Addr) uint64 {
	bytes := addr.As16()
	return binary.BigEndian.Uint64(bytes[8:])
}

// plan is all addresses of some ranges, worked out and not listed: it takes as little memory for a /16
// as for one address. Where a range lies within another its addresses are its alone; those of
// its network and of all machines in it are to the other ones like any.
type plan struct {
	blocks []block
	places uint64 // of all blocks
	shared uint64 // places in a range for addresses that are a narrower one's
}

func newPlan(ranges []Range) *plan {
	p := new(plan)
	for _, r := range ranges {
		if slices.ContainsFunc(p.blocks, func(b block) bool { return b.Prefix == r.Prefix && b.Port == r.Port }) {
			continue
		}
		b := newBlock(r)
		b.from = p.places
		p.places += b.size
		p.blocks = append(p.blocks, b)
	}
	for i := range p.blocks {
		p.shared += p.sharedOf(&p.blocks[i])
	}
	return p
}

// addresses is how many there are to sweep.
func (p *plan) addresses() uint64 { return p.places - p.shared }

// sharedOf counts the addresses of b that belong to narrower ranges.
func (p *plan) sharedOf(b *block) (n uint64) {
	var narrower []*block
	for i := range p.blocks {
		if a := &p.blocks[i]; a.Port == b.Port && a.Prefix.Bits() > b.Prefix.Bits() && b.Prefix.Contains(a.first) {
			narrower = append(narrower, a)
		}
	}
	slices.SortFunc(narrower, func(a, b *block) int { return a.first.Compare(b.first) })
	counted := number(b.first) // up to here
	for _, a := range narrower {
		low := max(number(a.first), counted)
		counted = max(counted, min(number(a.first)+a.size, number(b.first)+b.size))
		n += counted - min(low, counted)
	}
	return n
}

// at is the address at a place. ok is false if it belongs to a narrower range.
func (p *plan) at(place uint64) (at netip.AddrPort, from *block, ok bool) {
	i, exact := slices.BinarySearchFunc(p.blocks, place, func(b block, place uint64) int { return cmp.Compare(b.from, place) })
	if !exact {
		i--
	}
	from = &p.blocks[i]
	at = from.at(place)
	return at, from, p.owner(at) == from
}

// owner is the narrowest range that has an address, nil if none has.
func (p *plan) owner(at netip.AddrPort) (owner *block) {
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.has(at) && (owner == nil || b.Prefix.Bits() > owner.Prefix.Bits()) {
			owner = b
		}
	}
	return owner
}

// order goes through 0 … n-1, each once. Its steps are as long as the golden section of n, so that
// whatever stretch of it one takes is spread evenly: no network sees many questions in a row.
type order struct {
	n, step, start uint64
}

func newOrder(n, start uint64) order {
	step := max(1, uint64(float64(n)*0.6180339887))
	for common(step, n) != 1 {
		step++
	}
	return order{n: n, step: step % max(n, 1), start: start % max(n, 1)}
}

func (o order) at(i uint64) uint64 { return (o.start + i%o.n*o.step) % o.n }

// common is the greatest common divisor.
func common(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
