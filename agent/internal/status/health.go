package status

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// stuck is how long the scheduler, which looks twice a second what is due, may not have looked:
// a computer that sleeps or swaps is late too.
const stuck = 30 * time.Second

// Health says what keeps the agent from its work, nil if nothing does. A collector that is
// away doesn't: readings are safe on disk meanwhile.
func (p *Page) Health() error {
	var faults []error
	if quiet := p.Quiet(); quiet > stuck {
		faults = append(faults, fmt.Errorf("nothing was polled for %s: the scheduler is stuck; restart the agent", quiet.Round(time.Second)))
	}
	if fault := p.Spool().Error; fault != "" {
		faults = append(faults, fmt.Errorf("readings can't be kept: %s", fault))
	}
	return errors.Join(faults...)
}

func (p *Page) healthy(w http.ResponseWriter, r *http.Request) {
	if err := p.Health(); err != nil {
		fault(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	fmt.Fprintln(w, "healthy")
}
