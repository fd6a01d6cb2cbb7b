package discover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zerofax/zerofax/agent/polling"
	"pgregory.net/rapid"
)

const kyocera, grandstream, printer, noFax = "kyocera-taskalfa-2554ci", "grandstream-ht812", "hp-laserjet-m507", "lexmark-xc9235"

// finds collects what sweeps find.
type finds struct {
	mu  sync.Mutex
	all []Found
}

func (f *finds) found(_ context.Context, one Found) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, one)
}

// text is address=device/credentials, or what a machine was refused for.
func (f *finds) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, one := range f.all {
		if one.Refused != "" {
			texts = append(texts, fmt.Sprintf("%s: %s", one.At.Addr(), one.Refused))
		} else {
			texts = append(texts, fmt.Sprintf("%s=%s/%s", one.At.Addr(), one.Device, one.Credentials))
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

func TestASweepKnocksEvenlyAndNoFasterThanItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options(ranges([]int{v2c}, "10.0.0.0/24")...)
		o.Rate = 50
		o.Found = new(finds).found
		if err := New(o, Cursor{}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.knocks) != 254 {
			t.Fatalf("got %d knocks, want 254", len(w.knocks))
		}
		seen := map[netip.AddrPort]bool{}
		for i, k := range w.knocks {
			if seen[k.at] {
				t.Errorf("%s was knocked at twice", k.at)
			}
			seen[k.at] = true
			if i == 0 {
				continue
			}
			if apart := k.when.Sub(w.knocks[i-1].when); apart != 20*time.Millisecond {
				t.Fatalf("knocks %d and %d are %s apart, want 20ms", i-1, i, apart)
			}
		}
	})
}

func TestCredentialsAreTriedInTheirOrderUntilOneIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put("10.0.0.1", kyocera, 1, v3other)
		w.put("10.0.0.2", kyocera, 2, v2c, v1)
		w.put("10.0.0.3", kyocera, 3, v1)
		o := w.options(ranges([]int{v3, v3other, v2c, v1}, "10.0.0.0/29")...)
		w.machines[address("10.0.0.1")].engine = true
		f := new(finds)
		o.Found = f.found
		if err := New(o, Cursor{}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for at, want := range map[string]string{"10.0.0.1": "[0]", "10.0.0.2": "[0 2]", "10.0.0.3": "[0 2 3]", "10.0.0.4": "[0 2 3]"} {
			if got := fmt.Sprint(w.knockedAt(at)); got != want {
				t.Errorf("%s was knocked at with %s, want %s", at, got, want)
			}
		}
		want := "10.0.0.1=kyocera-rvp1000001/v3other\n10.0.0.2=kyocera-rvp1000002/v2c\n10.0.0.3=kyocera-rvp1000003/v1"
		if got := f.text(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	})
}

// An SNMPv3 engine answers discovery also where it has no users.
func TestAnEngineThatDoesNotKnowTheUserIsAskedWithTheNextCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put("10.0.0.1", kyocera, 1, v2c).engine = true
		w.put("10.0.0.2", kyocera, 2).engine = true
		o := w.options(ranges([]int{v3, v2c}, "10.0.0.0/30")...)
		f := new(finds)
		o.Found = f.found
		s := New(o, Cursor{})
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := "10.0.0.1=kyocera-rvp1000001/v2c\n" +
			"10.0.0.2: it speaks SNMP, but doesn't say what it is: with v3: no answer; with v2c: no answer"
		if got := f.text(); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
		if p := s.Progress(); p.Answered != 2 || p.Found != 1 || p.Done != 2 || p.Of != 2 {
			t.Errorf("got %+v, want 2 answers and 1 machine of 2 addresses", p)
		}
	})
}

func TestAMachineThatIsBusyIsAskedAgainAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put("10.0.0.1", kyocera, 1, v2c).refuses = 1
		o := w.options(ranges([]int{v2c}, "10.0.0.0/30")...)
		f := new(finds)
		o.Found = f.found
		if err := New(o, Cursor{}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := f.text(), "10.0.0.1=kyocera-rvp1000001/v2c"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := w.asked[address("10.0.0.1")]; len(got) != 2 {
			t.Errorf("it was asked %d times, want 2", len(got))
		}
	})
}

func TestOnlyWhatCanFaxOrHasLinesIsToBePolledAndTheRestSaysWhyNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put("10.0.0.1", kyocera, 1, v2c)
		w.put("10.0.0.2", grandstream, 2, v2c)
		w.put("10.0.0.3", printer, 3, v2c)
		w.put("10.0.0.4", noFax, 4, v2c)
		o := w.options(ranges([]int{v2c}, "10.0.0.0/29")...)
		f := new(finds)
		o.Found = f.found
		if err := New(o, Cursor{}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Log(f.text())
		for _, want := range []string{"10.0.0.1=kyocera-", "10.0.0.2=grandstream-", "10.0.0.3: it tells nothing of faxes or lines", "10.0.0.4: it can't fax: "} {
			if !strings.Contains(f.text(), want) {
				t.Errorf("got:\n%s\nwant %s in it", f.text(), want)
			}
		}
	})
}

func TestKnownAddressesCostNoTimeAndNoKnock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options(ranges([]int{v2c}, "10.0.0.0/24")...)
		o.Found = new(finds).found
		o.Skip = func(at netip.AddrPort) bool { return at.Addr().As4()[3] > 54 }
		s, begin := New(o, Cursor{}), time.Now()
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := s.Progress(); len(w.knocks) != 54 || p.Known != 200 || p.Done != 254 {
			t.Errorf("got %d knocks, %+v, want 54, and 200 of 254 known", len(w.knocks), p)
		}
		if took, want := time.Since(begin), 54*20*time.Millisecond+3*time.Second; took > want {
			t.Errorf("it took %s, want %s at most", took, want)
		}
	})
}

func TestOutsideItsWindowASweepWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight, UTC
		w := newWorld(t)
		o := w.options(ranges([]int{v2c}, "10.0.0.0/22")...)
		o.Found = new(finds).found
		o.Rate = 1 // 1 022 s = 17 min
		o.Now = func() time.Time { return time.Now().UTC() }
		o.Window, _ = polling.ParseWindow("00:05-00:10")
		s := New(o, Cursor{})
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		days := map[int]int{}
		for _, k := range w.knocks {
			if !o.Window.Open(k.when.UTC()) {
				t.Fatalf("a knock at %s, outside %s", k.when.UTC(), o.Window)
			}
			days[k.when.UTC().YearDay()]++
		}
		if len(w.knocks) != 1022 || len(days) != 4 {
			t.Errorf("got %d knocks on %d days (%v), want 1022 on 4", len(w.knocks), len(days), days)
		}
	})
}

func TestAddressesThatNothingCanBeSentToAreCountedAndTheSweepGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put("10.0.0.1", kyocera, 1, v2c)
		o := w.options(ranges([]int{v2c}, "10.0.0.0/29")...)
		f := new(finds)
		o.Found = f.found
		open := o.Open
		o.Open = func() (Socket, error) {
			s, err := open()
			return unreachable{s}, err
		}
		s := New(o, Cursor{})
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p := s.Progress(); p.Unsent != 3 || p.Trouble != "no route" || p.Found != 1 {
			t.Errorf("got %+v, want 3 unsent for want of a route, and 1 found", p)
		}
	})
}

func TestWithoutANetworkASweepStopsAndGoesOnWhereItStopped(t *testing.T) {
	for name, test := range map[string]struct {
		given string
		works time.Duration
		done  uint64
	}{
		"a large range, all goes well at first": {"10.0.0.0/24", 50 * time.Millisecond, 2},
		"a small one":                           {"10.0.0.0/29", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				o := w.options(ranges([]int{v2c}, test.given)...)
				o.Found = new(finds).found
				open := o.Open
				down := time.Now().Add(test.works)
				o.Open = func() (Socket, error) {
					s, err := open()
					return offline{s, down, down.Add(time.Minute)}, err
				}
				s := New(o, Cursor{})
				if err := s.Run(t.Context()); err == nil || err.Error() != "network is down" {
					t.Fatalf("got %v, want that the network is down", err)
				}
				if p := s.Progress(); p.Done != test.done || p.Unsent != 0 {
					t.Errorf("got %+v, want %d addresses done and all others to come", p, test.done)
				}
				time.Sleep(time.Minute) // in a bubble
				s = New(o, s.Cursor())
				if err := s.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if p := s.Progress(); p.Done != p.Of || len(w.sent()) != int(p.Of+test.done) {
					t.Errorf("got %+v after %d knocks, want each address asked, twice if it was being asked then", p, len(w.sent()))
				}
			})
		})
	}
}

// The processor was busy, or the machine asleep.
func TestASweepThatWasHeldUpDoesNotCatchUpInABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options(ranges([]int{v2c, v1}, "10.0.0.0/24")...)
		o.Found = new(finds).found
		o.Skip = func(at netip.AddrPort) bool {
			if len(w.sent()) == 90 {
				time.Sleep(10 * time.Second) // in a bubble
			}
			return false
		}
		if err := New(o, Cursor{}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.knocks) != 2*254 {
			t.Fatalf("got %d knocks, want 508", len(w.knocks))
		}
		for i := range w.knocks[5:] {
			if took := w.knocks[i+5].when.Sub(w.knocks[i].when); took < 20*time.Millisecond {
				t.Fatalf("got 6 knocks within %s, want 2 or 3 each 20 ms", took)
			}
		}
	})
}

// offline can't send for a while.
type offline struct {
	Socket
	from, to time.Time
}

func (o offline) Knock(at netip.AddrPort, with int) error {
	if now := time.Now(); now.After(o.from) && now.Before(o.to) {
		return errors.New("network is down")
	}
	return o.Socket.Knock(at, with)
}

// unreachable can't send to odd addresses beyond 1.
type unreachable struct{ Socket }

func (u unreachable) Knock(at netip.AddrPort, with int) error {
	if last := at.Addr().As4()[3]; last > 1 && last%2 == 0 {
		return errors.New("no route")
	}
	return u.Socket.Knock(at, with)
}

func TestASocketThatBreaksEndsTheSweepWhereItCanGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options(ranges([]int{v2c}, "10.0.0.0/24")...)
		o.Found = new(finds).found
		open := o.Open
		o.Open = func() (Socket, error) {
			s, err := open()
			return deaf{s}, err
		}
		s := New(o, Cursor{})
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "deaf") {
			t.Errorf("got %v, want the socket's error", err)
		}
		if c := s.Cursor(); c.Next > 100 {
			t.Errorf("it would go on at %d, want where it broke", c.Next)
		}
	})
}

type deaf struct{ Socket }

func (deaf) Hear() (netip.AddrPort, int, string, error) {
	time.Sleep(time.Second) // in a bubble
	return netip.AddrPort{}, 0, "", errors.New("deaf")
}

// However often a sweep is interrupted, each address is asked, once; but for those that were
// being asked when it was interrupted, and these again from the first credentials on.
func TestEachAddressIsSweptOnceHoweverOftenTheSweepIsInterrupted(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		given := anyRanges(r)
		for i := range given {
			given[i].Credentials = []int{v2c, v1}
		}
		stops := rapid.SliceOfN(rapid.IntRange(1, 3000), 0, 5).Draw(r, "stops")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			f := new(finds)
			left := addressesOf(given)
			machines := map[string]bool{}
			n := 0
			for at := range left {
				if n++; n%10 == 0 {
					m := w.put("10.9.9.9", kyocera, n, v1)
					w.machines[at] = m
					machines[fmt.Sprintf("kyocera-rvp1%06d", n)] = true
				}
			}
			var from Cursor
			interrupted := 0
			for i := 0; ; i++ {
				o := w.options(given...)
				o.Found = f.found
				s := New(o, from)
				ctx, cancel := context.WithCancel(t.Context())
				if i < len(stops) {
					time.AfterFunc(time.Duration(stops[i])*time.Millisecond, cancel)
				}
				err := s.Run(ctx)
				cancel()
				from = s.Cursor()
				if err == nil {
					break
				}
				interrupted++
			}
			first := map[netip.AddrPort]int{}
			for _, k := range w.knocks {
				if _, due := left[k.at]; !due {
					t.Fatalf("knocked at %s, which nobody asked for", k.at)
				}
				if k.with == v2c {
					first[k.at]++
				}
			}
			again := 0
			for at := range left {
				if first[at] == 0 {
					t.Fatalf("%s was never knocked at", at)
				}
				again += first[at] - 1
			}
			// 50 a second, 2 s for each of two credentials
			if most := interrupted * 201; again > most {
				t.Fatalf("%d were knocked at again after %d interruptions, want %d at most", again, interrupted, most)
			}
			for _, found := range f.all {
				delete(machines, found.Device)
			}
			if len(machines) > 0 {
				t.Fatalf("never found: %v", machines)
			}
			if p := from.Progress; p.Done != uint64(len(left)) || p.Of != p.Done {
				t.Fatalf("got %+v, want all %d done", p, len(left))
			}
		})
	})
}
