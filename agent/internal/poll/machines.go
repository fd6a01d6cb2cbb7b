package poll

import (
	"slices"
	"sync"
)

// machines say at which targets each device was seen, and which one leads to it: a machine
// may have two addresses, or move to another one, but its faxes are read only once.
type machines struct {
	mu sync.Mutex
	of map[string]*machine // by device id
}

// machine is a device and the targets behind which it was seen last.
type machine struct {
	device string
	leader *target   // where readings of it come from
	others []*target // nearly always none
}

// seen notes that device answered at t just now. leader is where its readings come from: at
// the target that had it first, until that one misses a look or finds another machine. fresh
// is true if nobody knew yet that it answers at t as well.
func (ms *machines) seen(t *target, device string) (leader *target, fresh bool) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if t.dropped.Load() {
		return nil, false
	}
	t.lost = false
	m := ms.of[device]
	if m == nil {
		m = &machine{device: device, leader: t}
		ms.of[device] = m
	}
	if fresh = t.machine != m; fresh {
		t.machine = m
		if m.leader != t {
			m.others = append(m.others, t)
		}
	}
	if m.leader.lost {
		m.lead(t)
	}
	return m.leader, fresh
}

// missed notes that t's look failed. If its device was seen at another target too, that one
// leads from now on, and is returned.
func (ms *machines) missed(t *target) (heir *target) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	t.lost = true
	m := t.machine
	if m == nil || m.leader != t {
		return nil
	}
	if i := slices.IndexFunc(m.others, func(other *target) bool { return !other.lost }); i >= 0 {
		m.lead(m.others[i])
		return m.leader
	}
	return nil
}

// left notes that t's device isn't there any more. The heir is the target that leads to it
// from now on, if any was led by t.
func (ms *machines) left(t *target) (heir *target) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := t.machine
	if m == nil {
		return nil
	}
	t.machine = nil
	if m.leader != t {
		m.others = slices.DeleteFunc(m.others, func(other *target) bool { return other == t })
		return nil
	}
	if len(m.others) == 0 {
		delete(ms.of, m.device)
		return nil
	}
	// Where it was lost it is at least reported missing.
	m.lead(m.others[max(0, slices.IndexFunc(m.others, func(other *target) bool { return !other.lost }))])
	m.others = slices.DeleteFunc(m.others, func(other *target) bool { return other == t })
	return m.leader
}

// lead makes t, one of the others, the leader.
func (m *machine) lead(t *target) {
	for i := range m.others {
		if m.others[i] == t {
			m.others[i], m.leader = m.leader, t
		}
	}
}

// leader is the target that leads to t's device: t itself or another one; nil if no device
// is known at t.
func (ms *machines) leader(t *target) *target {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if t.machine == nil {
		return nil
	}
	return t.machine.leader
}
