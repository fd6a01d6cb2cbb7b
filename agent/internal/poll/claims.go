package poll

import "sync"

// claims say which target leads to a device, where several do: two addresses of one
// machine, or its old and its new one.
type claims struct {
	mu sync.Mutex
	of map[string]*claim // by device id
}

type claim struct {
	device string
	place  int // the target's
	misses int // failed looks in a row
}

// take claims a device for the target at place. leader is the one that has it: the first that
// came, unless that has seen nothing of the device for three looks.
func (c *claims) take(device string, place int) (taken *claim, leader int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := c.of[device]
	switch {
	case had == nil || had.place != place && had.misses >= lastStraw:
		c.of[device] = &claim{device: device, place: place}
	case had.place != place:
		return nil, had.place
	}
	return c.of[device], place
}

// holds tells whether nobody took over.
func (c *claims) holds(had *claim) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[had.device] == had
}

func (c *claims) missed(had *claim, misses int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	had.misses = misses
}

func (c *claims) release(had *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[had.device] == had {
		delete(c.of, had.device)
	}
}
