package discover

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// story plays one of machines and addresses: a and b are machines, 1, 2 and 3 addresses.
type story struct {
	t    *testing.T
	book book
	day  int
}

func (s *story) now() time.Time {
	return time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC).AddDate(0, 0, s.day)
}

// sweep is one that sees machines ("a1": a at address 1); still are those which answer also
// where they were. It tells what was made of each, and who is missing or forgotten.
func (s *story) sweep(seen string, still ...string) string {
	s.day++
	start := s.now()
	var told []string
	for _, one := range strings.Fields(seen) {
		e := s.book.saw(Found{Device: one[:1], At: address("10.0.0." + one[1:])}, start.Add(time.Minute), slices.Contains(still, one[:1]))
		told = append(told, one+" "+strings.TrimPrefix(string(e), "device "))
	}
	missing, forgotten := s.book.swept(start, start.Add(time.Hour))
	for _, k := range missing {
		told = append(told, k.Device+" missing")
	}
	for _, k := range forgotten {
		told = append(told, k.Device+" forgotten")
	}
	return strings.Join(told, ", ")
}

func (s *story) want(got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("day %d: got %q, want %q", s.day, got, want)
	}
}

// targets are who is polled where.
func (s *story) targets() string {
	var texts []string
	for at, k := range s.book.targets() {
		texts = append(texts, fmt.Sprintf("%s%d", k.Device, at.Addr().As4()[3]))
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

func TestMachinesAreFollowedByTheirIdentity(t *testing.T) {
	tell := func(name string, story func(*story)) {
		t.Run(name, func(t *testing.T) { story(newStory(t)) })
	}
	tell("a machine stays", func(s *story) {
		s.want(s.sweep("a1"), "a1 found in range")
		s.want(s.sweep("a1"), "a1 still there")
		s.want(s.targets(), "a1")
	})
	tell("it moves", func(s *story) {
		s.sweep("a1")
		s.want(s.sweep("a2"), "a2 moved")
		s.want(s.targets(), "a2")
	})
	tell("it vanishes, stays known, and is polled where it was", func(s *story) {
		s.sweep("a1")
		s.want(s.sweep(""), "a missing")
		s.want(s.sweep(""), "")
		s.want(s.targets(), "a1")
	})
	tell("it returns", func(s *story) {
		s.sweep("a1")
		since := s.book["a"].Since
		s.sweep("")
		s.want(s.sweep("a1"), "a1 returned")
		s.want(s.sweep("a1"), "a1 still there")
		if s.book["a"].Since != since {
			t.Errorf("it is known since %s, want %s", s.book["a"].Since, since)
		}
	})
	tell("it returns elsewhere", func(s *story) {
		s.sweep("a1")
		s.sweep("")
		s.want(s.sweep("a3"), "a3 moved")
		s.want(s.targets(), "a3")
	})
	tell("two swap their addresses", func(s *story) {
		s.sweep("a1 b2")
		s.want(s.sweep("a2 b1"), "a2 moved, b1 moved")
		s.want(s.targets(), "a2 b1")
	})
	tell("three move on by one", func(s *story) {
		s.sweep("a1 b2 c3")
		s.want(s.sweep("c1 a2 b3"), "c1 moved, a2 moved, b3 moved")
		s.want(s.targets(), "a2 b3 c1")
	})
	tell("another takes its place", func(s *story) {
		s.sweep("a1")
		s.want(s.sweep("b1"), "b1 found in range, a missing")
		s.want(s.targets(), "b1")
		s.want(s.sweep("b1 a2"), "b1 still there, a2 moved")
		s.want(s.targets(), "a2 b1")
	})
	tell("it has two addresses", func(s *story) {
		s.sweep("a1")
		s.want(s.sweep("a1 a2", "a"), "a1 still there, a2 answers at a second address")
		s.want(s.sweep("a2 a1", "a"), "a2 answers at a second address, a1 still there")
		s.want(s.targets(), "a1")
		s.want(s.sweep("a2"), "a2 moved")
		s.want(s.targets(), "a2")
	})
	tell("it takes a second address where another one was", func(s *story) {
		s.sweep("a1 b2")
		s.want(s.sweep("a1 a2", "a"), "a1 still there, a2 answers at a second address, b missing")
		s.want(s.targets(), "a1 b2")
	})
	tell("nobody sees it for a month", func(s *story) {
		s.sweep("a1 b2")
		for range 29 {
			s.sweep("b2")
		}
		s.want(s.targets(), "a1 b2")
		s.want(s.sweep("b2"), "b2 still there, a forgotten")
		s.want(s.targets(), "b2")
	})
	tell("the clock jumps by a year", func(s *story) {
		s.sweep("a1 b2")
		s.day += 365
		s.want(s.sweep("b2"), "b2 still there, a missing")
		s.want(s.targets(), "a1 b2")
	})
	tell("polls see it", func(s *story) {
		s.sweep("a1")
		for range 40 {
			if !s.book.confirm(address("10.0.0.1"), "a", s.now().AddDate(0, 0, 1)) {
				t.Fatal("got no for a at its address")
			}
			s.want(s.sweep(""), "")
		}
		if s.book.confirm(address("10.0.0.2"), "a", s.now()) || s.book.confirm(address("10.0.0.1"), "b", s.now()) {
			t.Error("got yes for another address or another machine")
		}
	})
}

func newStory(t *testing.T) *story { return &story{t: t, book: book{}} }

func TestAMachineFoundAtSeveralAddressesIsATargetOnce(t *testing.T) {
	all := []Found{
		{Device: "a", At: address("10.0.0.9")},
		{Device: "b", At: address("10.0.0.5")},
		{Device: "a", At: address("10.0.0.2")},
		{At: address("10.0.0.1"), Refused: "no"},
		{At: address("10.0.0.3"), Refused: "no"},
	}
	Once(all)
	var got []string
	for _, f := range all {
		got = append(got, fmt.Sprintf("%d%s %s", f.At.Addr().As4()[3], f.Device, f.Refused))
	}
	if want := "1 no,2a ,3 no,5b ,9a it is the machine at 10.0.0.2:161"; strings.Join(got, ",") != want {
		t.Errorf("got %q, want %q", strings.Join(got, ","), want)
	}
}
