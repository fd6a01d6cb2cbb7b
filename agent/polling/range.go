package polling

import (
	"fmt"
	"net/netip"
)

// maxBits bounds a range: 65 536 addresses are 22 minutes at the default rate.
const maxBits = 16

// ParseRange reads a network, or a single address. It refuses what nobody can want to sweep.
func ParseRange(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if addr, notAddr := netip.ParseAddr(text); notAddr == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	bits := prefix.Addr().BitLen()
	switch {
	case err != nil || prefix.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q; want a network such as 10.12.4.0/24", text)
	case prefix.Masked() != prefix:
		return netip.Prefix{}, fmt.Errorf("%q; want the network %s, or the address %s", text, prefix.Masked(), prefix.Addr())
	case bits-prefix.Bits() > maxBits:
		return netip.Prefix{}, fmt.Errorf("%q has 2^%d addresses; want %d at most, a /%d, or several of these",
			text, bits-prefix.Bits(), 1<<maxBits, bits-maxBits)
	case !forMachines(prefix.Addr()):
		return netip.Prefix{}, fmt.Errorf("%q; want a network of single machines", text)
	}
	return prefix, nil
}

// forMachines is false for multicast, and for what means no machine.
func forMachines(addr netip.Addr) bool {
	if addr.Is4() && (addr.As4()[0] == 0 || addr.As4()[0] >= 240) {
		return false
	}
	return !addr.IsMulticast() && !addr.IsUnspecified()
}
