package poll

import "sync"

// claims say which target leads to a device, where several do: two addresses of one
// machine, or its old and its new one.
type claims struct {
	mu sync.Mutex
	of map[string]claim // by device id
}

type claim struct {
	place  int // the target's
	misses int // failed looks in a row
}

// take claims a device and tells which target has it: the first that came, unless that has
// seen nothing of the device for three looks.
func (c *claims) take(id string, place int) (leader int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	had, ok := c.of[id]
	if ok && had.place != place && had.misses < lastStraw {
		return had.place
	}
	if !ok || had.place != place {
		c.of[id] = claim{place: place}
	}
	return place
}

func (c *claims) holds(id string, place int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	had, ok := c.of[id]
	return ok && had.place == place
}

func (c *claims) missed(id string, place, misses int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if had, ok := c.of[id]; ok && had.place == place && had.misses != misses {
		c.of[id] = claim{place: place, misses: misses}
	}
}

func (c *claims) release(id string, place int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if had, ok := c.of[id]; ok && had.place == place {
		delete(c.of, id)
	}
}
