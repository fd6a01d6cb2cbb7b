package ledger

import (
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// CopperWarning is how near the end of copper is.
type CopperWarning string

// The warnings.
const (
	CopperFar    CopperWarning = ""          // more than a year away
	CopperYear   CopperWarning = "year"      // within 12 months
	CopperHalf   CopperWarning = "half_year" // within 6 months
	CopperClosed CopperWarning = "closed"
)

// LineCopper is when the copper network closes where a line ends that hangs on it.
type LineCopper struct {
	Commune    string        `json:"commune"` // INSEE
	Name       string        `json:"name"`
	Commercial Day           `json:"commercial,omitempty"` // nothing new after it
	Technical  Day           `json:"technical,omitempty"`  // nothing at all after it
	Warning    CopperWarning `json:"warning,omitempty"`    // of the technical date; of the commercial one where that isn't known
}

// OnCopper tells whether a line on such a support ends with the copper network.
func OnCopper(support string) bool {
	return slices.Contains([]string{"analogique", "T0", "T2"}, support)
}

// copperOf is what the register knows of the copper under a site, nil for other supports.
func copperOf(r *Register, support, site string, now wire.Time, zone *time.Location) *LineCopper {
	c, ok := r.Copper[r.Sites[site].Commune]
	if !ok || !OnCopper(support) {
		return nil
	}
	end := c.Technical
	if end == "" {
		end = c.Commercial
	}
	return &LineCopper{
		Commune: c.Commune, Name: c.Name, Commercial: c.Commercial, Technical: c.Technical,
		Warning: copperWarning(end.In(zone), now, zone),
	}
}

func copperWarning(end, now wire.Time, zone *time.Location) CopperWarning {
	within := func(months int) bool { return wire.TimeOf(now.Std().In(zone).AddDate(0, months, 0)) >= end }
	switch {
	case end == 0:
		return CopperFar
	case within(0):
		return CopperClosed
	case within(6):
		return CopperHalf
	case within(12):
		return CopperYear
	}
	return CopperFar
}
