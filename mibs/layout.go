package mibs

import (
	"reflect"
	"slices"
	"sync"
)

// layout is where a device's values stand. Nearly all machines of one model have the same,
// and then share it: an agent knows ten thousand devices. It never changes.
type layout struct {
	counters []counter
	next     []string // rows behind the last ones: there is more to count once one is answered
	service  []state
	lines    []line
	unknown  []string
	quirks   Quirks
	steady   [Lines | Counters + 1][]string
}

// layouts are those met lately.
type layouts struct {
	mu sync.Mutex
	of map[string][]*layout // by profile, the last met first
}

// maxLayouts are kept of a profile: its models, and their options.
const maxLayouts = 64

// shared is l, or one equal to it that another device has.
func (ls *layouts) shared(profile string, l *layout) *layout {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	met := ls.of[profile]
	if i := slices.IndexFunc(met, func(other *layout) bool { return reflect.DeepEqual(l, other) }); i >= 0 {
		l = met[i]
		met = slices.Delete(met, i, i+1)
	}
	if ls.of == nil {
		ls.of = map[string][]*layout{}
	}
	ls.of[profile] = slices.Insert(met, 0, l)[:min(len(met)+1, maxLayouts)]
	return l
}
