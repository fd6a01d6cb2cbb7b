package discover

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestTheAddressesOfANetworkAndOfAllMachinesInItAreLeftOut(t *testing.T) {
	for text, want := range map[string]uint64{"10.0.0.0/24": 254, "10.0.0.0/22": 1022, "10.0.0.0/31": 2, "10.0.0.0/32": 1, "fd00::/120": 256} {
		if got := newPlan(ranges(nil, text)).addresses(); got != want {
			t.Errorf("%s: got %d addresses, want %d", text, got, want)
		}
	}
}

// anyRanges lie next to and within one another.
func anyRanges(t *rapid.T) []Range {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Range {
		bits := rapid.IntRange(25, 32).Draw(t, "bits")
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 255).Draw(t, "last"))})
		if rapid.IntRange(0, 3).Draw(t, "six") == 0 {
			bits += 96
			addr = netip.AddrFrom16([16]byte{0: 0xfd, 15: addr.As4()[3]})
		}
		prefix, err := addr.Prefix(bits)
		if err != nil {
			t.Fatal(err)
		}
		return Range{Prefix: prefix, Port: uint16(rapid.IntRange(161, 162).Draw(t, "port"))}
	}), 1, 8).Draw(t, "ranges")
}

// addressesOf is all of them, one by one, and which range each belongs to.
func addressesOf(ranges []Range) map[netip.AddrPort]netip.Prefix {
	all := map[netip.AddrPort]netip.Prefix{}
	for _, r := range ranges {
		for addr := r.Prefix.Addr(); r.Prefix.Contains(addr); addr = addr.Next() {
			outer := addr.Is4() && r.Prefix.Bits() < 31 && (addr == r.Prefix.Addr() || !r.Prefix.Contains(addr.Next()))
			at := netip.AddrPortFrom(addr, r.Port)
			if had, known := all[at]; !outer && (!known || had.Bits() < r.Prefix.Bits()) {
				all[at] = r.Prefix
			}
		}
	}
	return all
}

func TestEachAddressComesOnceHoweverRangesLieWithinOneAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := anyRanges(t)
		want := addressesOf(given)
		p := newPlan(given)
		if got := p.addresses(); got != uint64(len(want)) {
			t.Fatalf("got %d addresses, want %d", got, len(want))
		}
		order := newOrder(p.places, rapid.Uint64().Draw(t, "start"))
		for i := range p.places {
			at, from, ok := p.at(order.at(i))
			if !ok {
				continue
			}
			if prefix, left := want[at]; !left || prefix != from.Prefix {
				t.Fatalf("got %s of %s, want each once, of its narrowest range (%s)", at, from.Prefix, prefix)
			}
			delete(want, at)
		}
		if len(want) > 0 {
			t.Fatalf("never came: %v", want)
		}
	})
}

func TestAnyStretchOfASweepIsSpreadOverAllNetworks(t *testing.T) {
	p := newPlan(ranges(nil, "10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"))
	o := newOrder(p.places, 12345)
	for from := uint64(0); from+40 < p.places; from++ {
		in := map[netip.Prefix]int{}
		last := netip.Addr{}
		for i := from; i < from+40; i++ {
			at, b, _ := p.at(o.at(i))
			if at.Addr().Prev() == last {
				t.Fatalf("%s comes right behind %s", at, last)
			}
			last = at.Addr()
			in[b.Prefix]++
		}
		for prefix, n := range in {
			if n < 8 || n > 12 {
				t.Fatalf("from the %dth on, 40 addresses have %d of %s, want about 10", from, n, prefix)
			}
		}
	}
}

func TestALargeRangeTakesNoMemoryForItsAddresses(t *testing.T) {
	all := ranges(nil, "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16")
	taken := testing.AllocsPerRun(10, func() {
		p := newPlan(all)
		o := newOrder(p.places, 7)
		for i := range uint64(1000) {
			p.at(o.at(i))
		}
	})
	if taken > 10 {
		t.Errorf("got %.0f allocations for a plan and 1000 addresses of it, want a few", taken)
	}
}
