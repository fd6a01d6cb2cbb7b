// Package discover finds machines that can fax in ranges of addresses that somebody named. It
// knocks at each address once, evenly and in an order that spreads over all networks, asks
// who answers what it is, and follows machines by their identity from address to address. It
// never sweeps what it wasn't told to, and knows no network of its own: others knock and ask.
package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/mibs"
)

// Credential is a way to ask a machine.
type Credential struct {
	Name string
	// Engine is SNMPv3: a knock finds out whether there is such an engine, not whether it knows
	// the user, so one is enough for all of that kind.
	Engine bool
	Bytes  int // that a knock with it sends
	// Print changes with what they consist of: after a correction all are asked again. It is too
	// short to try secrets against.
	Print uint16
}

// Socket knocks at addresses and hears who answers. Credentials go by their places in
// Options.Credentials.
type Socket interface {
	Knock(at netip.AddrPort, credentials int) error // sends one datagram and doesn't wait
	// Hear waits for the next answer, and tells what the machine says of itself. It ends with an error after Close.
	Hear() (at netip.AddrPort, credentials int, says string, err error)
	Close() error
}

// Ask opens a conversation with whatever is at an address.
type Ask func(ctx context.Context, quirks mibs.Quirks, look func(mibs.Asker) error) error

// Profiles find out what a machine is.
type Profiles interface {
	Identify(context.Context, mibs.Asker) (*mibs.Device, error)
}

// Options of a sweep. Zero values take the defaults.
type Options struct {
	Ranges      []Range
	Credentials []Credential
	Rate        int           // addresses a second; default 50
	Wait        time.Duration // for an answer, before the next credentials are tried; default 2 s
	AtOnce      int           // most machines to be identified at the same time; default 8
	Window      polling.Window
	Insist      bool // go on though nothing could be sent for a while
	Open        func() (Socket, error)
	Ask         func(at netip.AddrPort, credentials int) Ask
	Profiles    Profiles
	Skip        func(netip.AddrPort) bool    // addresses that are known well enough; called once for each
	Found       func(context.Context, Found) // called for each machine that answers, from several goroutines
	Log         *slog.Logger
	Now         func() time.Time
}

func (o *Options) defaults() {
	if o.Rate <= 0 {
		o.Rate = 50
	}
	if o.Wait <= 0 {
		o.Wait = 2 * time.Second
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 8
	}
	if o.Skip == nil {
		o.Skip = func(netip.AddrPort) bool { return false }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// budget is for all that a machine is asked with one set of credentials.
const budget = time.Minute

// mostTries are for a machine that seems to boot: some tell an uptime of 0 for years.
const mostTries = 3

// hopeless is how many addresses in a row, spread over all networks as they are, can't be sent to
// because there is no network at all.
const hopeless = 20

// paused is how often a sweep outside its window looks at the clock.
const paused = 10 * time.Second

// Cursor is how far a sweep got. A sweep that starts from it asks no address again but those
// that were being asked, and misses none. From the cursor of one that is through it asks only the
// machines that had just booted.
type Cursor struct {
	Plan     string    `json:"plan"` // the mark of the plan that it belongs to
	Started  time.Time `json:"started"`
	Start    uint64    `json:"start"` // of its order
	Next     uint64    `json:"next"`  // all places of the order before are done
	Answered []heard   `json:"answered,omitempty"`
	Progress Progress  `json:"progress"`
}

// Progress counts addresses, and machines behind them.
type Progress struct {
	Of       uint64 `json:"of"`       // addresses in all
	Done     uint64 `json:"done"`     // addresses that were asked, or needn't be
	Known    uint64 `json:"known"`    // those of them that needn't be
	Answered int    `json:"answered"` // machines
	Found    int    `json:"found"`    // machines to be polled
	Unsent   uint64 `json:"unsent"`   // addresses that nothing could be sent to
	Trouble  string `json:"trouble"`  // why, the first time
}

// heard is an answer to a knock.
type heard struct {
	At          netip.AddrPort `json:"at"`
	Credentials string         `json:"credentials"`
	Says        string         `json:"says,omitempty"`
	Tries       int            `json:"tries,omitempty"` // to identify it, before
}

// Sweep goes through all addresses of its ranges once.
type Sweep struct {
	Options
	plan  *plan
	order order
	most  int // knocks at an address

	identifying sync.WaitGroup

	mu       sync.Mutex
	cursor   Cursor
	asked    []knock                 // waiting for an answer, or for their next credentials; the first is due first
	answered map[netip.AddrPort]bool // to any credentials
	waiting  []heard                 // to be identified
	at       map[netip.AddrPort]heard
	later    []heard // could not be identified: once more at the end
	young    []heard // had just booted, also then
	workers  int
	unsent   []knock // the last ones in a row that could not be sent
}

// knock is an address that was knocked at.
type knock struct {
	at          netip.AddrPort
	from        *block
	next        int       // of its range's knocks
	due         time.Time // when it has had its time to answer
	i           uint64    // its place in the order
	done, known uint64    // addresses before it
}

// New prepares a sweep that goes on from a cursor, or begins anew if that is none of this
// plan's. Nothing is sent before Run.
func New(o Options, from Cursor) *Sweep {
	o.defaults()
	s := &Sweep{Options: o, plan: newPlan(o.Ranges), answered: map[netip.AddrPort]bool{}, at: map[netip.AddrPort]heard{}}
	if from.Plan != o.mark() || from.Next > s.plan.places {
		from = Cursor{Plan: o.mark(), Started: o.Now(), Start: rand.Uint64N(max(s.plan.places, 1))}
		from.Progress.Of = s.plan.addresses()
	}
	for _, b := range s.plan.blocks {
		s.most = max(s.most, len(knocks(o.Credentials, b.Credentials)))
	}
	s.cursor = from
	s.cursor.Answered = nil
	s.order = newOrder(s.plan.places, from.Start)
	for _, h := range from.Answered {
		s.answered[h.At] = true
		s.waiting = append(s.waiting, h)
	}
	return s
}

// Progress may be asked for at any time.
func (s *Sweep) Progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor.Progress
}

// Cursor is from where the sweep would have to go on if it ended now.
func (s *Sweep) Cursor() Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cursor
	for _, k := range s.asked {
		if k.i < c.Next {
			c.Next, c.Progress.Done, c.Progress.Known = k.i, k.done, k.known
		}
	}
	c.Answered = slices.Concat(s.waiting, s.later, s.young)
	for _, h := range s.at {
		c.Answered = append(c.Answered, h)
	}
	return c
}

// mark tells ranges and their credentials from others: a cursor means something in its own only.
func (o *Options) mark() string {
	sum := crc32.NewIEEE()
	for _, r := range o.Ranges {
		_, _ = fmt.Fprintln(sum, r.Prefix, r.Port)
		for _, i := range r.Credentials {
			_, _ = fmt.Fprintln(sum, o.Credentials[i].Name, o.Credentials[i].Print)
		}
	}
	return fmt.Sprintf("%08x", sum.Sum32())
}

// Run sweeps until all addresses are done or ctx ends. All of its goroutines have ended when it returns.
func (s *Sweep) Run(ctx context.Context) error {
	socket, err := s.Open()
	if err != nil {
		return err
	}
	for range min(len(s.waiting), s.AtOnce) {
		s.work(ctx)
	}
	hearing := make(chan error, 1)
	go func() { hearing <- s.hear(ctx, socket) }()
	deaf := s.pace(ctx, socket, hearing)
	err = socket.Close()
	if deaf == nil {
		deaf = <-hearing
	}
	if errors.Is(deaf, net.ErrClosed) {
		deaf = nil
	}
	s.identifying.Wait()
	s.tryAgain(ctx)
	return errors.Join(deaf, err, ctx.Err())
}

// pace knocks, at one new address each time the ticker says so, until all had their time to answer.
// It returns early with the error of who hears.
func (s *Sweep) pace(ctx context.Context, socket Socket, hearing <-chan error) error {
	interval := time.Second / time.Duration(s.Rate)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for fast := true; !s.through(); {
		select {
		case <-ctx.Done():
			return nil
		case err := <-hearing:
			return err
		case <-ticker.C:
		}
		s.knockAgain(socket)
		open := s.Window.Open(s.Now())
		if open {
			s.knockNext(socket)
		}
		if err := s.noNetwork(); err != nil {
			return err
		}
		if busy := open || len(s.asked) > 0; busy != fast {
			fast = busy
			ticker.Reset(map[bool]time.Duration{true: interval, false: paused}[fast])
		}
	}
	return nil
}

func (s *Sweep) through() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor.Next >= s.plan.places && len(s.asked) == 0
}

// knockNext knocks at the next address that isn't known.
func (s *Sweep) knockNext(socket Socket) {
	for {
		k, ok := s.take()
		if !ok {
			return
		}
		if !s.Skip(k.at) {
			s.knock(socket, k)
			return
		}
		s.mu.Lock()
		s.cursor.Progress.Known++
		s.mu.Unlock()
	}
}

// take is the next address in order that is its range's own.
func (s *Sweep) take() (knock, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.cursor.Next < s.plan.places {
		i := s.cursor.Next
		s.cursor.Next++
		if at, from, ok := s.plan.at(s.order.at(i)); ok {
			p := &s.cursor.Progress
			p.Done++
			return knock{at: at, from: from, i: i, done: p.Done - 1, known: p.Known}, true
		}
	}
	return knock{}, false
}

// knockAgain tries the next credentials where nobody answered in time: each time at no more addresses than
// become due in an interval, also if it was held up.
func (s *Sweep) knockAgain(socket Socket) {
	for range s.most {
		s.mu.Lock()
		if len(s.asked) == 0 || time.Now().Before(s.asked[0].due) {
			s.mu.Unlock()
			return
		}
		k := s.asked[0]
		s.asked = s.asked[1:]
		done := s.answered[k.at]
		s.mu.Unlock()
		if !done && k.next < len(knocks(s.Credentials, k.from.Credentials)) {
			s.knock(socket, k)
		}
	}
}

func (s *Sweep) knock(socket Socket, k knock) {
	err := socket.Knock(k.at, knocks(s.Credentials, k.from.Credentials)[k.next])
	k.next++
	k.due = time.Now().Add(s.Wait)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch p := &s.cursor.Progress; {
	case err == nil:
		s.asked = append(s.asked, k)
		s.unsent = nil
	case k.next == 1:
		s.unsent = append(s.unsent, k)
		p.Unsent++
		p.Trouble = cmp.Or(p.Trouble, err.Error())
	}
}

// noNetwork tells that nothing can be sent at all, and puts back the addresses that it was tried with.
func (s *Sweep) noNetwork() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.cursor
	left := c.Progress.Done - c.Progress.Known - c.Progress.Unsent
	if n := len(s.unsent); (n < hopeless || s.Insist) && (n == 0 || c.Next < s.plan.places || left > 0) {
		return nil
	}
	first := s.unsent[0]
	c.Next, c.Progress.Done, c.Progress.Known = first.i, first.done, first.known
	c.Progress.Unsent -= uint64(len(s.unsent))
	return errors.New(c.Progress.Trouble)
}

// knocks are the credentials to knock with: of those that knock alike, the first.
func knocks(all []Credential, of []int) []int {
	var sets []int
	engine := false
	for _, i := range of {
		if !all[i].Engine || !engine {
			sets = append(sets, i)
		}
		engine = engine || all[i].Engine
	}
	return sets
}

// hear collects answers. It returns why there are no more.
func (s *Sweep) hear(ctx context.Context, socket Socket) error {
	for {
		at, credentials, says, err := socket.Hear()
		if err != nil {
			return err
		}
		s.mu.Lock()
		if s.plan.owner(at) != nil && !s.answered[at] {
			s.answered[at] = true
			s.cursor.Progress.Answered++
			s.waiting = append(s.waiting, heard{At: at, Credentials: s.Credentials[credentials].Name, Says: says})
		}
		more := len(s.waiting) > 0 && s.workers < s.AtOnce
		s.mu.Unlock()
		if more {
			s.work(ctx)
		}
	}
}

// work identifies machines until none waits.
func (s *Sweep) work(ctx context.Context) {
	s.mu.Lock()
	s.workers++
	s.mu.Unlock()
	s.identifying.Go(func() {
		for {
			s.mu.Lock()
			if len(s.waiting) == 0 || ctx.Err() != nil {
				s.workers--
				s.mu.Unlock()
				return
			}
			h := s.waiting[0]
			s.waiting = s.waiting[1:]
			s.at[h.At] = h
			s.mu.Unlock()
			found, err := s.identify(ctx, h)
			s.settle(ctx, h, found, err)
		}
	})
}

// settle is the end of an attempt to identify a machine.
func (s *Sweep) settle(ctx context.Context, h heard, f Found, err error) {
	switch {
	case ctx.Err() != nil:
		return // it stays among those to be identified
	case (err != nil || f.Young) && h.Tries == 0:
		h.Tries = 1
		s.mu.Lock()
		defer s.mu.Unlock()
		s.later = append(s.later, h)
		delete(s.at, h.At)
		return
	}
	s.Found(ctx, f)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.at, h.At)
	switch {
	case f.Young && h.Tries < mostTries:
		h.Tries++
		s.young = append(s.young, h)
	case f.Refused == "":
		s.cursor.Progress.Found++
	}
}

// tryAgain asks those once more that spoke SNMP and could not be identified: they may have been busy, or booting.
func (s *Sweep) tryAgain(ctx context.Context) {
	s.mu.Lock()
	s.waiting, s.later = append(s.waiting, s.later...), nil
	workers := min(len(s.waiting), s.AtOnce)
	s.mu.Unlock()
	for range workers {
		s.work(ctx)
	}
	s.identifying.Wait()
}

// identify asks a machine who it is: with the credentials that it answered to, and then with
// those that come after, since an SNMPv3 engine answers also those whom it doesn't know.
func (s *Sweep) identify(ctx context.Context, h heard) (Found, error) {
	from := s.plan.owner(h.At)
	if from == nil {
		return Found{}, fmt.Errorf("%s is in no range", h.At)
	}
	found := Found{At: h.At, Range: from.Prefix, Credentials: h.Credentials, Model: h.Says}
	var failures []string
	tried := false
	for _, i := range from.Credentials {
		tried = tried || s.Credentials[i].Name == h.Credentials
		if !tried {
			continue
		}
		is, err := s.whoIs(ctx, h.At, i)
		if err == nil {
			found = foundAt(h, is)
			found.At, found.Range, found.Credentials = h.At, from.Prefix, s.Credentials[i].Name
			return found, nil
		}
		failures = append(failures, fmt.Sprintf("with %s: %v", s.Credentials[i].Name, err))
	}
	found.Refused = "it speaks SNMP, but doesn't say what it is: " + strings.Join(failures, "; ")
	return found, errors.New(found.Refused)
}

func (o *Options) whoIs(ctx context.Context, at netip.AddrPort, credentials int) (is *mibs.Device, err error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	err = o.Ask(at, credentials)(ctx, mibs.Quirks{}, func(asker mibs.Asker) error {
		is, err = o.Profiles.Identify(ctx, asker)
		return err
	})
	return is, err
}
