package discover

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The credentials of these tests.
const (
	v3 = iota
	v3other
	v2c
	v1
)

var credentials = []Credential{
	{Name: "v3", Engine: true, Bytes: 64}, {Name: "v3other", Engine: true, Bytes: 64}, {Name: "v2c", Bytes: 71}, {Name: "v1", Bytes: 71},
}

// world is machines at addresses, and a record of who knocked where.
type world struct {
	t        *testing.T
	profiles *mibs.Set
	models   []*sim.Description

	mu       sync.Mutex
	machines map[netip.AddrPort]*machine
	knocks   []knocked
	asked    map[netip.AddrPort][]int // credentials of conversations, by address
}

type machine struct {
	*mibs.Recording
	knows   []int // credentials
	engine  bool  // answers SNMPv3's discovery
	refuses int   // conversations to come
	says    string
}

type knocked struct {
	at   netip.AddrPort
	with int
	when time.Time
}

// makes are read once: it takes longer than all that a sweep does.
var makes = sync.OnceValues(func() (profiles *mibs.Set, models []*sim.Description) {
	profiles, err := mibs.Builtin()
	if err != nil {
		panic(err)
	}
	if models, err = sim.Builtin(); err != nil {
		panic(err)
	}
	return profiles, models
})

func newWorld(t *testing.T) *world {
	profiles, models := makes()
	return &world{
		t: t, profiles: profiles, models: models, machines: map[netip.AddrPort]*machine{}, asked: map[netip.AddrPort][]int{},
	}
}

// put has the n-th machine of a kind (a name as in mibs/sim/devices) answer at an address.
func (w *world) put(at, kind string, n int, knows ...int) *machine {
	for _, model := range w.models {
		if model.Name == kind {
			m := &machine{Recording: sim.New(model, sim.Options{Number: n}).Recording(), knows: knows, says: kind}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.machines[address(at)] = m
			return m
		}
	}
	w.t.Fatalf("no kind %s", kind)
	return nil
}

// answers has a machine with v2c at an address that answers only that.
func (w *world) answers(at string, all ...mibs.Varbind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.machines[address(at)] = &machine{Recording: mibs.NewRecording(all), knows: []int{v2c}}
}

func (w *world) remove(at string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.machines, address(at))
}

// sent is all that was sent so far.
func (w *world) sent() []knocked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.knocks)
}

func (w *world) knockedAt(at string) (with []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.knocks {
		if k.at == address(at) {
			with = append(with, k.with)
		}
	}
	return with
}

// address is of SNMP's port.
func address(text string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(text), 161) }

func ranges(credentials []int, texts ...string) (all []Range) {
	for _, text := range texts {
		all = append(all, Range{Prefix: netip.MustParsePrefix(text), Port: 161, Credentials: credentials})
	}
	return all
}

func (w *world) options(ranges ...Range) Options {
	return Options{
		Ranges: ranges, Credentials: credentials, Profiles: w.profiles, Ask: w.ask, Log: slog.New(slog.DiscardHandler),
		Open: func() (Socket, error) {
			return &socket{world: w, answers: make(chan answer, 1000), closed: make(chan struct{})}, nil
		},
	}
}

func (w *world) ask(at netip.AddrPort, with int) Ask {
	return func(_ context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
		w.mu.Lock()
		w.asked[at] = append(w.asked[at], with)
		m := w.machines[at]
		known := m != nil && slices.Contains(m.knows, with)
		if known && m.refuses > 0 {
			m.refuses--
			known = false
		}
		w.mu.Unlock()
		if !known {
			time.Sleep(6 * time.Second) // in a bubble
			return errors.New("no answer")
		}
		return look(m.Recording)
	}
}

type socket struct {
	*world
	answers chan answer
	closed  chan struct{}
}

type answer struct {
	at   netip.AddrPort
	with int
	says string
}

func (s *socket) Knock(at netip.AddrPort, with int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knocks = append(s.knocks, knocked{at, with, time.Now()})
	m := s.machines[at]
	if m == nil {
		return nil
	}
	if slices.Contains(m.knows, with) || m.engine && credentials[with].Engine {
		s.answers <- answer{at, with, m.says}
	}
	return nil
}

func (s *socket) Hear() (netip.AddrPort, int, string, error) {
	select {
	case a := <-s.answers:
		return a.at, a.with, a.says, nil
	case <-s.closed:
		return netip.AddrPort{}, 0, "", net.ErrClosed
	}
}

func (s *socket) Close() error { close(s.closed); return nil }
