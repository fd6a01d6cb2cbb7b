package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// Targets are what the agent polls.
type Targets interface {
	Add(Known)
	Drop(Known)
	// Polled tells what is polled at present, and what was seen there.
	Polled(context.Context) []Polled
}

// Polled is an address that is polled.
type Polled struct {
	At         netip.AddrPort
	Device     string // that was seen there; empty if none was
	Answers    bool   // to the last poll; or it is left alone, as it restarts when asked
	Configured bool   // by a person, who is not to be overruled
}

// Finder sweeps its ranges now and then, and keeps a list of the machines in them, which are
// targets as long as they are on it.
type Finder struct {
	Options
	Every   time.Duration // from the beginning of a sweep to that of the next
	Path    string        // of the file that keeps the list and how far a sweep got
	Targets Targets

	mu         sync.Mutex
	book       book
	polled     map[netip.AddrPort]Known // what Targets were given
	configured map[string]bool          // devices that people named as targets
	cursor     Cursor
	done       bool      // that sweep is through
	unsaved    bool      // the last attempt to save failed
	troubles   int       // attempts in a row to go on with the sweep that ended in trouble
	asked      time.Time // when the sweep ended, or those who had just booted then were asked again
}

const (
	lookEvery = time.Minute      // whether a sweep is due
	saveEvery = 5 * time.Second  // while one goes on
	booting   = 10 * time.Minute // what a machine needs until it tells all
	patience  = 60               // attempts in vain to go on with a sweep; then it goes on without the addresses that can't be sent to
)

// Run polls what was known before at once, and sweeps whenever it is time, until ctx ends.
func (f *Finder) Run(ctx context.Context) error {
	f.defaults()
	f.load(ctx)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	if now := f.Now(); f.due(now) && !f.Window.Open(now) {
		f.Log.Info("sweep waits for its window", "window", f.Window, "opens", f.Window.Opens(now))
	}
	for {
		switch now := f.Now(); {
		case !f.Window.Open(now):
		case f.due(now):
			f.sweep(ctx)
		case len(f.cursor.Answered) > 0 && now.Sub(f.asked) >= booting:
			f.askAgain(ctx)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// load reads the list and hands the machines on it to Targets.
func (f *Finder) load(ctx context.Context) {
	state, err := Load(f.Path)
	if errors.Is(err, errDamaged) {
		err = errors.Join(err, os.Rename(f.Path, f.Path+".bad"))
	}
	if err != nil {
		f.Log.Warn("the list of discovered machines is lost; it begins anew with a sweep", "error", err)
	}
	f.cursor, f.done = state.Cursor, state.Done
	f.book, f.polled, f.configured = book{}, map[netip.AddrPort]Known{}, map[string]bool{}
	for _, k := range state.Known {
		f.book[k.Device] = &k
	}
	configured := map[netip.AddrPort]bool{}
	for _, p := range f.Targets.Polled(ctx) {
		configured[p.At] = true
	}
	ranges := newPlan(f.Ranges)
	for _, k := range f.book.prune(func(k *Known) bool { return f.allowed(k, ranges) && !configured[k.At] }) {
		f.Log.Info("discovered machine no longer polled: the configuration has it no more", "device", k.Device, "address", k.At)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addLocked()
}

// allowed tells whether the configuration still has the range and the credentials of a machine.
func (f *Finder) allowed(k *Known, ranges *plan) bool {
	if !k.At.IsValid() { // and not polled
		return slices.ContainsFunc(f.Ranges, func(r Range) bool { return r.Prefix == k.Range })
	}
	owner := ranges.owner(k.At)
	return owner != nil && slices.ContainsFunc(owner.Credentials, func(i int) bool { return f.Credentials[i].Name == k.Credentials })
}

// due tells whether a sweep is to begin or to go on. Where it may only be done in a window a tenth of the
// interval doesn't matter: else each would begin a little later than the one before, until
// the window closes on it.
func (f *Finder) due(now time.Time) bool {
	every := f.Every
	if !f.Window.Always() {
		every -= every / 10
	}
	age := now.Sub(f.cursor.Started)
	return !f.done || f.cursor.Plan != f.mark() || age >= every || age < 0
}

// sweep goes through all ranges once, or on from where it was interrupted.
func (f *Finder) sweep(ctx context.Context) {
	from := f.cursor
	if f.done {
		from = Cursor{}
	}
	o := f.Options
	o.Skip = f.settled(f.review(ctx))
	o.Found = f.found
	o.Insist = f.troubles >= patience
	s := New(o, from)
	f.setCursor(s.Cursor(), false)
	if at := s.Progress(); f.troubles > 0 {
		f.Log.Debug("sweep tried again", "addresses", at.Of, "done", at.Done)
	} else if at.Done > 0 {
		f.Log.Info("sweep goes on", "addresses", at.Of, "done", at.Done)
	} else {
		f.Log.Info("sweep begins", "addresses", at.Of, "rate", f.Rate)
	}
	stopped := f.saveMeanwhile(s)
	err := s.Run(ctx)
	stopped()
	f.setCursor(s.Cursor(), err == nil)
	switch {
	case ctx.Err() != nil:
	case err != nil && f.troubles == 0:
		f.Log.Warn("sweep interrupted; it is tried again each minute", "error", err)
	case err == nil:
		f.finish(ctx, s)
	}
	f.troubles++
	if err == nil {
		f.troubles, f.asked = 0, f.Now()
	}
	f.save()
}

// askAgain asks those once more who had just booted when they were asked.
func (f *Finder) askAgain(ctx context.Context) {
	o := f.Options
	o.Found = f.found
	s := New(o, f.cursor)
	if err := s.Run(ctx); err != nil && ctx.Err() == nil {
		f.Log.Debug("machines that had just booted not asked again", "error", err)
	}
	f.setCursor(s.Cursor(), true)
	f.asked = f.Now()
	f.save()
}

func (f *Finder) setCursor(c Cursor, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cursor, f.done = c, done
}

// saveMeanwhile saves now and then how far s is, until the function that it returns is called.
func (f *Finder) saveMeanwhile(s *Sweep) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(saveEvery)
		defer ticker.Stop()
		var saved Progress
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
			}
			if p := s.Progress(); p != saved { // it may be waiting for its window all day
				f.setCursor(s.Cursor(), false)
				f.save()
				saved = p
			}
		}
	}()
	return func() { close(ended); <-done }
}

func (f *Finder) save() {
	f.mu.Lock()
	state := State{Cursor: f.cursor, Done: f.done}
	for _, k := range f.book.sorted() {
		state.Known = append(state.Known, *k)
	}
	f.mu.Unlock()
	err := state.Save(f.Path)
	if err != nil && !f.unsaved {
		f.Log.Warn("how far the sweep is can't be kept; after a restart it begins anew", "error", err)
	}
	f.unsaved = err != nil
}

// review compares the list with what polls saw.
func (f *Finder) review(ctx context.Context) []Polled {
	polled := f.Targets.Polled(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.configured)
	for _, p := range polled {
		switch {
		case p.Configured && p.Answers:
			f.configured[p.Device] = true
		case p.Answers:
			f.book.confirm(p.At, p.Device, f.Now())
		}
	}
	for _, k := range f.book.prune(func(k *Known) bool { return !f.configured[k.Device] }) {
		f.Log.Info("discovered machine left to the target that the configuration has for it", "device", k.Device, "address", k.At)
	}
	return polled
}

// settled are the addresses at which there is nothing to find out: those that people named, and those where polls
// see the machine that is known to be there, with the best credentials that the range has for it.
func (f *Finder) settled(polled []Polled) func(netip.AddrPort) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.book.targets()
	settled, plan := map[netip.AddrPort]bool{}, f.mark()
	for _, p := range polled {
		k := at[p.At]
		settled[p.At] = p.Configured || p.Answers && k != nil && k.Device == p.Device && k.Plan == plan
	}
	return func(at netip.AddrPort) bool { return settled[at] }
}

// found books a machine that answered and has it polled. If it is known at another address, that
// one is asked too: has it moved, or does it have two?
func (f *Finder) found(ctx context.Context, seen Found) {
	if seen.Refused != "" {
		f.Log.Debug("not polled", "address", seen.At, "model", seen.Model, "why", seen.Refused)
		f.refused(seen)
		return
	}
	for {
		f.mu.Lock()
		before, known := Known{}, f.book[seen.Device]
		if known != nil {
			before = *known
		}
		f.mu.Unlock()
		still := before.At.IsValid() && before.At != seen.At && f.isAt(ctx, before)
		if ctx.Err() != nil || f.enter(seen, before, still) {
			return
		}
	}
}

// refused ends the polling of an address where there is another machine by now, which can't fax.
func (f *Finder) refused(seen Found) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.book.targets()[seen.At]
	if was == nil || was.Device == seen.Device || seen.Why == "" || seen.Young { // or nobody knows what it is
		return
	}
	f.Log.Info("discovered machine's address is another's now", "device", was.Device, "address", seen.At, "model", seen.Model)
	was.leave()
	f.dropLocked()
}

// isAt asks whether a machine is where it was.
func (f *Finder) isAt(ctx context.Context, k Known) bool {
	i := slices.IndexFunc(f.Credentials, func(c Credential) bool { return c.Name == k.Credentials })
	if i < 0 {
		return false
	}
	is, err := f.whoIs(ctx, k.At, i)
	return err == nil && is.ID == k.Device
}

// enter is false if the list says something else by now than before.
func (f *Finder) enter(seen Found, before Known, still bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.book[seen.Device]
	switch {
	case f.configured[seen.Device]:
		return true
	case known != nil && known.At != before.At:
		return false
	}
	e := f.book.saw(seen, f.Now(), still)
	if e != double {
		f.book[seen.Device].Plan = f.cursor.Plan
	}
	attributes := []any{"device", seen.Device, "address", seen.At}
	switch e {
	case found, same: // polling it will be told
		f.Log.Debug(string(e), attributes...)
	case moved, double:
		f.Log.Info(string(e), append(attributes, "known_at", before.At)...)
	default:
		f.Log.Info(string(e), attributes...)
	}
	f.addLocked()
	return true
}

// addLocked adds to Targets what is on the list and not polled.
func (f *Finder) addLocked() {
	for at, k := range f.book.targets() {
		was, polled := f.polled[at]
		if polled && was.Credentials == k.Credentials {
			continue
		}
		if polled {
			f.Targets.Drop(was)
		}
		f.Targets.Add(*k)
		f.polled[at] = *k
	}
}

// dropLocked drops what is polled and not on the list any more.
func (f *Finder) dropLocked() {
	targets := f.book.targets()
	for at, k := range f.polled {
		if targets[at] == nil {
			f.Targets.Drop(k)
			delete(f.polled, at)
		}
	}
}

// finish draws the conclusions of a sweep that is through.
func (f *Finder) finish(ctx context.Context, s *Sweep) {
	f.review(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.Now()
	missing, forgotten := f.book.swept(f.cursor.Started, now)
	for _, k := range missing {
		f.Log.Info("discovered machine not seen", "device", k.Device, "address", k.At, "known_for", forgetAfter)
	}
	for _, k := range forgotten {
		f.Log.Warn("discovered machine forgotten", "device", k.Device, "address", k.At, "last_seen", k.Seen)
	}
	f.addLocked()
	f.dropLocked()
	p := s.Progress()
	f.Log.Info("sweep done", "addresses", p.Of, "polled_before", p.Known, "answered", p.Answered, "found", p.Found,
		"others", p.Answered-p.Found, "known", len(f.book), "took", now.Sub(f.cursor.Started).Round(time.Second))
	if p.Unsent > 0 {
		f.Log.Warn("addresses that could not be asked", "addresses", p.Unsent, "error", p.Trouble)
	}
}

// Forecast says what a sweep would do at most.
type Forecast struct {
	Addresses uint64
	Datagrams uint64
	Bytes     uint64 // with the headers of UDP and IP
	Takes     time.Duration
}

// Forecast works it out. Nothing is sent.
func (o Options) Forecast() Forecast {
	o.defaults()
	p := newPlan(o.Ranges)
	all := Forecast{Addresses: p.addresses()}
	most := 0
	for i := range p.blocks {
		b := &p.blocks[i]
		own := b.size - p.sharedOf(b)
		headers := 8 + 20
		if b.first.Is6() {
			headers = 8 + 40
		}
		sets := knocks(o.Credentials, b.Credentials)
		for _, i := range sets {
			all.Datagrams += own
			all.Bytes += own * uint64(headers+o.Credentials[i].Bytes)
		}
		most = max(most, len(sets))
	}
	all.Takes = time.Duration(all.Addresses)*time.Second/time.Duration(o.Rate) + time.Duration(most)*o.Wait
	return all
}

// String says it in a few words.
func (f Forecast) String() string {
	return fmt.Sprintf("%d addresses, at most %d datagrams (%d kB), about %s",
		f.Addresses, f.Datagrams, cmp.Or((f.Bytes+500)/1000, 1), f.Takes.Round(time.Second))
}
