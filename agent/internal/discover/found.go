package discover

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// Found is a machine that answered.
type Found struct {
	At          netip.AddrPort
	Range       netip.Prefix
	Credentials string // by name: those that it answers to, or those it was asked with last
	Device      string // its id; empty if it can't be told from others, or wasn't identified
	Vendor      string
	Model       string // or what it says of itself, if it isn't known
	Serial      string
	Name        string
	Location    string
	Profile     string
	Why         string // the profile fits, or none does
	Fax         wire.Answer
	Refused     string // why it is not to be polled; empty: it is
	Young       bool   // refused, but it has just booted: in 10 minutes it may tell more
}

// foundAt is what becomes of a machine that was identified.
func foundAt(h heard, is *mibs.Device) Found {
	refused := Refuse(is)
	return Found{
		Device: is.ID, Vendor: is.Identity.Vendor, Model: cmp.Or(is.Identity.Model, h.Says), Serial: is.Identity.Serial,
		Name: is.Identity.Name, Location: is.Identity.Location, Profile: is.Profile, Why: is.Why,
		Fax: cmp.Or(is.Fax, wire.Unknown), Refused: refused, Young: refused != "" && is.Young(),
	}
}

// Refuse says why a machine is not worth polling: only what can fax is, and what might and
// tells something of it.
func Refuse(is *mibs.Device) string {
	switch {
	case is.Profile == "":
		return is.Why
	case is.ID == "":
		return is.Unnamed
	case is.Fax == wire.No:
		return "it can't fax: " + is.FaxWhy
	case is.Fax != wire.Yes && !is.Has(mibs.Lines|mibs.Counters):
		return "it tells nothing of faxes or lines"
	}
	return ""
}

// Once refuses, of each machine that was found several times, all but the one with the
// lowest address; and sorts by address.
func Once(all []Found) {
	slices.SortFunc(all, func(a, b Found) int { return a.At.Compare(b.At) })
	first := map[string]netip.AddrPort{}
	for i := range all {
		f := &all[i]
		if f.Refused != "" {
			continue
		}
		if at, known := first[f.Device]; known {
			f.Refused = fmt.Sprintf("it is the machine at %s", at)
			continue
		}
		first[f.Device] = f.At
	}
}
