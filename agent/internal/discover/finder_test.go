package discover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/mibs"
)

// poller is what a Finder's targets are given to. Polls see whatever is at an address.
type poller struct {
	world      *world
	mu         sync.Mutex
	targets    map[netip.AddrPort]string // credentials
	configured map[netip.AddrPort]bool
	rests      map[netip.AddrPort]bool
	saw        map[netip.AddrPort]string // devices, last
	dropped    int
}

func (p *poller) Add(k Known) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.targets[k.At] != "" {
		p.world.t.Errorf("%s was added twice", k.At)
	}
	p.targets[k.At] = k.Credentials
}

func (p *poller) Drop(k Known) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.targets[k.At] == "" {
		p.world.t.Errorf("%s was dropped, and is no target", k.At)
	}
	p.dropped++
	delete(p.targets, k.At)
}

func (p *poller) Polled(ctx context.Context) (all []Polled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	see := func(at netip.AddrPort, configured bool) {
		one := Polled{At: at, Device: p.saw[at], Answers: p.rests[at], Configured: configured}
		p.world.mu.Lock()
		m := p.world.machines[at]
		p.world.mu.Unlock()
		if m != nil {
			is, err := p.world.profiles.Identify(ctx, m)
			one.Answers = err == nil
			one.Device = is.ID
			p.saw[at] = is.ID
		}
		all = append(all, one)
	}
	for at := range p.configured {
		see(at, true)
	}
	for at := range p.targets {
		see(at, false)
	}
	return all
}

func (p *poller) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for at, with := range p.targets {
		all = append(all, fmt.Sprintf("%d/%s", at.Addr().As4()[3], with))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// agent is a Finder at work, in a bubble.
type agent struct {
	*poller
	t    *testing.T
	path string
	log  *logged
	set  func(*Finder)
	stop func()
}

// logged may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newAgent(t *testing.T) *agent {
	a := &agent{t: t, path: filepath.Join(t.TempDir(), "discovery.json"), set: func(*Finder) {}}
	a.poller = &poller{world: newWorld(t), configured: map[netip.AddrPort]bool{}, rests: map[netip.AddrPort]bool{}, saw: map[netip.AddrPort]string{}}
	return a
}

// start runs a Finder over 10.0.0.0/27, with v2c, each day.
func (a *agent) start() {
	a.log = new(logged)
	a.targets, a.dropped = map[netip.AddrPort]string{}, 0
	f := &Finder{Options: a.world.options(ranges([]int{v2c}, "10.0.0.0/27")...), Every: 24 * time.Hour, Path: a.path, Targets: a.poller}
	f.Log = slog.New(slog.NewTextHandler(a.log, nil))
	f.Now = func() time.Time { return time.Now().UTC() }
	a.set(f)
	ctx, cancel := context.WithCancel(a.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f.Run(ctx); err != nil {
			a.t.Error(err)
		}
	}()
	a.stop = func() { cancel(); <-done }
}

// after lets time pass and wants these targets then.
func (a *agent) after(d time.Duration, want string) {
	a.t.Helper()
	time.Sleep(d) // in a bubble
	synctest.Wait()
	if got := a.text(); got != want {
		a.t.Errorf("got targets %q, want %q", got, want)
	}
}

func (a *agent) said(want string) {
	a.t.Helper()
	if !strings.Contains(a.log.String(), want) {
		a.t.Errorf("the log doesn't say %q:\n%s", want, a.log)
	}
}

func TestMachinesInARangeArePolledAndAfterARestartAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.world.put("10.0.0.3", kyocera, 1, v2c)
		a.world.put("10.0.0.4", printer, 2, v2c)
		a.start()
		a.after(time.Minute, "3/v2c")
		a.said(`msg="sweep done" addresses=30 polled_before=0 answered=2 found=1 others=1`)
		a.stop()
		knocks := len(a.world.sent())
		a.start()
		a.after(time.Second, "3/v2c")
		a.after(time.Hour, "3/v2c")
		if len(a.world.sent()) != knocks {
			t.Errorf("it knocked %d times after a restart, want none before a day is over", len(a.world.sent())-knocks)
		}
		a.world.put("10.0.0.5", kyocera, 3, v2c)
		a.after(23*time.Hour, "3/v2c 5/v2c")
		if got := len(a.world.sent()) - knocks; got != 29 {
			t.Errorf("got %d knocks on the second day, want 29: one address is polled already", got)
		}
		a.stop()
	})
}

func TestTargetsFollowTheirMachines(t *testing.T) {
	const day = 24 * time.Hour
	for name, story := range map[string]func(a *agent){
		"moved": func(a *agent) {
			a.world.remove("10.0.0.3")
			a.world.put("10.0.0.9", kyocera, 1, v2c)
			a.after(day, "9/v2c")
			a.said(`msg="device moved" device=kyocera-rvp1000001 address=10.0.0.9:161 known_at=10.0.0.3:161`)
		},
		"vanished, and returned": func(a *agent) {
			a.world.remove("10.0.0.3")
			a.after(day, "3/v2c")
			a.said(`msg="discovered machine not seen" device=kyocera-rvp1000001`)
			a.after(20*day, "3/v2c")
			a.world.put("10.0.0.3", kyocera, 1, v2c)
			a.after(20*day, "3/v2c")
		},
		"gone for good": func(a *agent) {
			a.world.remove("10.0.0.3")
			a.after(32*day, "")
			a.said(`msg="discovered machine forgotten" device=kyocera-rvp1000001`)
		},
		"swapped": func(a *agent) {
			a.world.put("10.0.0.7", grandstream, 2, v2c)
			a.after(day, "3/v2c 7/v2c")
			a.world.put("10.0.0.3", grandstream, 2, v2c)
			a.world.put("10.0.0.7", kyocera, 1, v2c)
			a.after(day, "3/v2c 7/v2c")
			a.said(`msg="device moved" device=kyocera-rvp1000001 address=10.0.0.7:161`)
			if a.dropped > 0 {
				a.t.Errorf("%d targets were dropped, want both addresses polled all the time", a.dropped)
			}
		},
		"double": func(a *agent) {
			a.world.put("10.0.0.9", kyocera, 1, v2c)
			a.after(day, "3/v2c")
			a.said(`msg="device answers at a second address" device=kyocera-rvp1000001 address=10.0.0.9:161 known_at=10.0.0.3:161`)
			a.world.remove("10.0.0.3")
			a.after(day, "9/v2c")
		},
		"replaced by another": func(a *agent) {
			a.world.put("10.0.0.3", kyocera, 2, v2c)
			a.after(day, "3/v2c")
			a.said(`msg="discovered machine not seen" device=kyocera-rvp1000001`)
		},
		"gone, and its address another's that can't fax": func(a *agent) {
			a.world.put("10.0.0.3", noFax, 2, v2c)
			a.after(day, "")
			a.said(`msg="discovered machine's address is another's now" device=kyocera-rvp1000001 address=10.0.0.3:161`)
			a.world.put("10.0.0.8", kyocera, 1, v2c)
			a.after(day, "8/v2c")
		},
		"gone, and a computer at its address": func(a *agent) {
			a.world.answers("10.0.0.3", mibs.Varbind{OID: "1.3.6.1.2.1.1.2.0", Value: mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.311.1.1.3.1.1"}})
			a.after(day, "")
		},
		"left alone, since it restarts when it is asked": func(a *agent) {
			a.world.remove("10.0.0.3")
			knocks := len(a.world.knockedAt("10.0.0.3"))
			a.mu.Lock()
			a.rests[address("10.0.0.3")] = true
			a.mu.Unlock()
			a.after(40*day, "3/v2c")
			if got := len(a.world.knockedAt("10.0.0.3")) - knocks; got > 0 {
				a.t.Errorf("it was knocked at %d times, want it left alone", got)
			}
		},
		"named by a person, and moved into the range": func(a *agent) {
			a.world.put("10.9.0.1", kyocera, 1, v2c)
			a.world.remove("10.0.0.3")
			a.mu.Lock()
			a.configured[address("10.9.0.1")] = true
			a.mu.Unlock()
			a.after(day, "")
			a.world.remove("10.9.0.1")
			a.world.put("10.0.0.6", kyocera, 1, v2c)
			a.after(day, "6/v2c")
			a.world.put("10.9.0.1", kyocera, 1, v2c)
			a.after(day, "")
		},
		"named by a person meanwhile, under another address": func(a *agent) {
			a.world.put("10.9.0.1", kyocera, 1, v2c)
			a.mu.Lock()
			a.configured[address("10.9.0.1")] = true
			a.mu.Unlock()
			a.after(day, "")
			a.said("left to the target that the configuration has for it")
			a.after(day, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAgent(t)
				a.world.put("10.0.0.3", kyocera, 1, v2c)
				a.start()
				a.after(time.Minute, "3/v2c")
				story(a)
				a.stop()
			})
		})
	}
}

func TestWhatAPersonNamedIsNeverKnockedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.world.put("10.0.0.3", kyocera, 1, v2c)
		a.configured[address("10.0.0.3")] = true
		a.start()
		a.after(time.Minute, "")
		if got := a.world.knockedAt("10.0.0.3"); len(got) > 0 {
			t.Errorf("it was knocked at with %v", got)
		}
		a.stop()
	})
}

func TestWhatTheConfigurationHasNoMoreIsNotPolledAfterARestart(t *testing.T) {
	for name, set := range map[string]func(*Finder){
		"another range":     func(f *Finder) { f.Ranges = ranges([]int{v2c}, "10.0.1.0/24") },
		"another port":      func(f *Finder) { f.Ranges[0].Port = 1161 },
		"other credentials": func(f *Finder) { f.Ranges[0].Credentials = []int{v1} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAgent(t)
				a.world.put("10.0.0.3", kyocera, 1, v2c)
				a.start()
				a.after(time.Minute, "3/v2c")
				a.stop()
				a.set = set
				a.start()
				a.after(time.Second, "")
				a.said("the configuration has it no more")
				a.said("sweep begins")
				a.stop()
			})
		})
	}
}

// Of a range within another all addresses are its alone, with its credentials.
func TestAMachineIsNotPolledWithCredentialsThatItsOwnRangeHasNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.world.put("10.0.0.3", kyocera, 1, v2c)
		a.start()
		a.after(time.Minute, "3/v2c")
		a.stop()
		a.set = func(f *Finder) {
			f.Ranges = append(ranges([]int{v2c}, "10.0.0.0/24"), ranges([]int{v1}, "10.0.0.0/29")...)
		}
		a.start()
		a.after(time.Minute, "")
		a.stop()
	})
}

func TestSaferCredentialsAreTriedAlsoWithMachinesThatAnsweredToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.world.put("10.0.0.3", kyocera, 1, v3, v2c)
		a.start()
		a.after(time.Minute, "3/v2c")
		a.stop()
		a.set = func(f *Finder) { f.Ranges[0].Credentials = []int{v3, v2c} }
		a.start()
		a.after(time.Minute, "3/v3")
		knocks := len(a.world.knockedAt("10.0.0.3"))
		a.after(3*24*time.Hour, "3/v3")
		if got := len(a.world.knockedAt("10.0.0.3")) - knocks; got > 0 {
			t.Errorf("it was knocked at %d times more, want it left to the polls", got)
		}
		a.stop()
	})
}

func TestCorrectedCredentialsAreTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.start()
		a.after(time.Minute, "")
		a.stop()
		a.world.put("10.0.0.3", kyocera, 1, v2c)
		a.start()
		a.after(time.Minute, "") // the same as before
		a.stop()
		a.set = func(f *Finder) {
			f.Credentials = slices.Clone(f.Credentials)
			f.Credentials[v2c].Print = 7
		}
		a.start()
		a.after(time.Minute, "3/v2c")
		a.stop()
	})
}

func TestAMachineThatHasJustBootedIsAskedAgainSoon(t *testing.T) {
	for name, restart := range map[string]bool{"the agent runs on": false, "the agent is restarted": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAgent(t)
				a.world.answers("10.0.0.3", mibs.Varbind{OID: "1.3.6.1.2.1.1.3.0", Value: mibs.Value{Kind: mibs.TimeTicks, Int: 6000}})
				a.start()
				a.after(time.Minute, "")
				a.world.mu.Lock()
				asked := len(a.world.asked[address("10.0.0.3")])
				a.world.mu.Unlock()
				a.world.put("10.0.0.3", kyocera, 1, v2c)
				if asked > 2 {
					t.Errorf("it was asked %d times within a minute, want twice at most", asked)
				}
				if restart {
					a.stop()
					a.start()
				}
				a.after(12*time.Minute, "3/v2c")
				if knocks := len(a.world.sent()); knocks != 30 {
					t.Errorf("got %d knocks, want those of one sweep", knocks)
				}
				a.after(time.Hour, "3/v2c")
				a.stop()
			})
		})
	}
}

// Some tell an uptime of 0 for years.
func TestAMachineThatAlwaysSeemsToBootIsAskedAFewTimesADayAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.world.answers("10.0.0.3", mibs.Varbind{OID: "1.3.6.1.2.1.1.3.0", Value: mibs.Value{Kind: mibs.TimeTicks}})
		a.start()
		a.after(23*time.Hour, "")
		a.world.mu.Lock()
		defer a.world.mu.Unlock()
		if asked := len(a.world.asked[address("10.0.0.3")]); asked != 4 {
			t.Errorf("it was asked %d times, want 4: at once, at the end of the sweep, and two times 10 minutes later", asked)
		}
		a.stop()
	})
}

func TestAPausedSweepLeavesTheDiskAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight
		a := newAgent(t)
		a.set = func(f *Finder) {
			f.Ranges = ranges([]int{v2c}, "10.0.0.0/22")
			f.Window, _ = polling.ParseWindow("23:50-00:00")
			f.Now = func() time.Time { return time.Now().UTC().Add(-5 * time.Second) }
		}
		a.start()
		time.Sleep(time.Hour) // in a bubble
		synctest.Wait()
		if err := os.Remove(a.path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, err := os.Stat(a.path); err == nil {
			t.Error("it was saved while there was nothing new")
		}
		a.stop()
	})
}

func TestARangeThatNothingCanBeSentToHoldsUpTheOthersForAnHourAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.world.put("10.0.0.3", kyocera, 1, v2c)
		a.set = func(f *Finder) {
			f.Ranges = append(f.Ranges, ranges([]int{v2c}, "fd00::/112")...)
			open := f.Open
			f.Open = func() (Socket, error) {
				s, err := open()
				return only4{s}, err
			}
		}
		a.start()
		a.after(2*time.Hour, "3/v2c")
		a.said("addresses that could not be asked")
		a.stop()
	})
}

// only4 has no IPv6.
type only4 struct{ Socket }

func (o only4) Knock(at netip.AddrPort, with int) error {
	if at.Addr().Is6() {
		return errors.New("network is unreachable")
	}
	return o.Socket.Knock(at, with)
}

func TestWhoeverWaitsForTheWindowIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight
		a := newAgent(t)
		a.set = func(f *Finder) { f.Window, _ = polling.ParseWindow("22:00-05:00") }
		time.Sleep(6 * time.Hour)
		a.start()
		a.after(time.Hour, "")
		a.said(`msg="sweep waits for its window" window=22:00-05:00 opens=2000-01-01T22:00:00.000Z`)
		a.stop()
	})
}

func TestAnInterruptedSweepGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.set = func(f *Finder) { f.Ranges = ranges([]int{v2c}, "10.0.0.0/22") }
		a.start()
		time.Sleep(10 * time.Second) // in a bubble: 500 of 1022 addresses
		a.stop()
		first := len(a.world.sent())
		a.start()
		time.Sleep(time.Minute)
		a.said("sweep goes on")
		a.said("sweep done")
		if again := len(a.world.sent()) - 1022; first < 400 || again > 110 {
			t.Errorf("got %d knocks before the restart and %d twice, want about 500 and 100 (those still being asked)", first, again)
		}
		a.stop()
	})
}

// A kill leaves whatever was saved last.
func TestAKilledSweepGoesOnFromWhatWasSavedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.set = func(f *Finder) { f.Ranges = ranges([]int{v2c}, "10.0.0.0/22") }
		a.world.put("10.0.0.3", kyocera, 1, v2c)
		a.start()
		time.Sleep(12 * time.Second) // in a bubble
		saved, err := os.ReadFile(a.path)
		if err != nil {
			t.Fatal(err)
		}
		a.stop()
		if err := os.WriteFile(a.path, saved, 0o600); err != nil {
			t.Fatal(err)
		}
		a.start()
		a.after(time.Minute, "3/v2c")
		a.said("sweep goes on")
		if again := len(a.world.sent()) - 1022; again > 210 {
			t.Errorf("%d addresses were asked twice, want those since it was saved: 200 at most", again)
		}
		a.stop()
	})
}

func TestADamagedListIsSetAsideAndMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(t)
		a.world.put("10.0.0.3", kyocera, 1, v2c)
		if err := os.WriteFile(a.path, []byte("00000000\n{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		a.start()
		a.after(time.Minute, "3/v2c")
		a.said("is damaged: checksum")
		if _, err := os.Stat(a.path + ".bad"); err != nil {
			t.Error(err)
		}
		a.stop()
	})
}

func TestADailySweepBeginsWhenItsWindowOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight
		a := newAgent(t)
		a.set = func(f *Finder) { f.Window, _ = polling.ParseWindow("22:00-05:00") }
		a.start()
		time.Sleep(4*24*time.Hour + 23*time.Hour) // in a bubble
		synctest.Wait()
		a.stop()
		var begun []string
		for i, k := range a.world.sent() {
			if i%30 == 0 {
				begun = append(begun, k.when.UTC().Format("02 15:04"))
			}
		}
		if want := "01 00:00, 01 22:00, 02 22:00, 03 22:00, 04 22:00, 05 22:00"; strings.Join(begun, ", ") != want {
			t.Errorf("sweeps began on %s, want %s", strings.Join(begun, ", "), want)
		}
	})
}

func TestAForecastCountsWhatWouldBeSent(t *testing.T) {
	w := newWorld(t)
	o := w.options(append(ranges([]int{v3, v3other, v2c}, "10.0.0.0/22"), ranges([]int{v1}, "10.0.1.0/24", "fd00::/120")...)...)
	got := o.Forecast()
	// 1022-254 addresses with v3 and v2c, 254 with v1, and 256 of IPv6
	want := Forecast{
		Addresses: 1278, Datagrams: 768*2 + 254 + 256, Bytes: 768*(28+64+28+71) + 254*(28+71) + 256*(48+71),
		Takes: 1278*20*time.Millisecond + 4*time.Second,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := got.String(), "1278 addresses, at most 2046 datagrams (202 kB), about 30s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
