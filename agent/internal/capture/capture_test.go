package capture_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/internal/capture"
	"github.com/zerofax/zerofax/mibs"
)

// machine answers like a recording, and may fail where it is walked.
type machine struct {
	*mibs.Recording
	walked  []string
	without []string
	fails   map[string]error // by root, after the first object
	each    func()           // before each object
}

func (m *machine) Walk(ctx context.Context, root string, without []string, max int, each func(mibs.Varbind) error) error {
	if max > 1 { // not only a look whether there is anything
		m.walked = append(m.walked, root)
	}
	m.without = append(m.without, without...)
	column, err := m.Column(ctx, root, max)
	if err != nil {
		return err
	}
	for i, vb := range column {
		if err := m.fails[root]; err != nil && i > 0 {
			return err
		}
		if m.each != nil {
			m.each()
		}
		if err := each(vb); err != nil {
			return err
		}
	}
	return nil
}

func kyocera(more ...string) *machine {
	m := &machine{Recording: mibs.NewRecording(nil), fails: map[string]error{}}
	text := func(oid, text string) { m.Put(oid, mibs.Value{Kind: mibs.OctetString, Bytes: []byte(text)}) }
	text("1.3.6.1.2.1.1.1.0", "KYOCERA Document Solutions Printing System")
	m.Put("1.3.6.1.2.1.1.2.0", mibs.Value{Kind: mibs.ObjectID, OID: "1.3.6.1.4.1.1347.41"})
	text("1.3.6.1.2.1.1.5.0", "ward")
	text("1.3.6.1.2.1.4.20.1.1.10.0.0.7", "not to be walked")
	text("1.3.6.1.2.1.43.5.1.1.17.1", "RVP1000001")
	m.Put("1.3.6.1.4.1.1347.42.3.1.1.1.1.4", mibs.Value{Kind: mibs.Counter, Int: 1330})
	m.Put("1.3.6.1.4.1.1347.42.3.1.3.1.1.4", mibs.Value{Kind: mibs.Counter, Int: 705})
	text("1.3.6.1.4.1.1347.43.5.1.1.1.1", "TASKalfa 2554ci")
	text("1.3.6.1.4.1.1347.43.5.1.1.28.1", "RVP1000001")
	text("1.3.6.1.4.1.8072.1.2.1", "a program")
	for i := range 100 {
		text(fmt.Sprintf("1.3.6.1.4.1.1347.99.%d", i+1), "more")
	}
	for _, oid := range more {
		text(oid, "more")
	}
	return m
}

func take(t *testing.T, ctx context.Context, m *machine, o capture.Options) capture.Taken {
	t.Helper()
	var err error
	if o.Profiles, err = mibs.Builtin(); err != nil {
		t.Fatal(err)
	}
	taken, err := capture.Of(ctx, m, o)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func has(taken capture.Taken, oid string) bool {
	return slices.ContainsFunc(taken.Recording.Varbinds(), func(vb mibs.Varbind) bool { return vb.OID == oid })
}

// reads tells whether the recording has what the profile goes by.
func reads(taken capture.Taken) bool {
	return has(taken, "1.3.6.1.4.1.1347.42.3.1.1.1.1.4") && has(taken, "1.3.6.1.4.1.1347.43.5.1.1.28.1")
}

func TestTheMachinesOwnTreeIsWalkedAndNothingOfTheNetwork(t *testing.T) {
	m := kyocera("1.3.6.1.4.1.11.2.3.9.1")
	taken := take(t, t.Context(), m, capture.Options{})
	for _, oid := range []string{"1.3.6.1.4.1.1347.99.100", "1.3.6.1.2.1.43.5.1.1.17.1", "1.3.6.1.4.1.11.2.3.9.1"} {
		if !has(taken, oid) {
			t.Errorf("%s isn't recorded", oid)
		}
	}
	for _, oid := range []string{"1.3.6.1.2.1.4.20.1.1.10.0.0.7", "1.3.6.1.4.1.8072.1.2.1"} {
		if has(taken, oid) {
			t.Errorf("%s is recorded", oid)
		}
	}
	if len(taken.Notes) > 0 {
		t.Errorf("notes: %q", taken.Notes)
	}
	at := slices.Index(m.walked, "1.3.6.1.4.1.1347")
	if other := slices.Index(m.walked, "1.3.6.1.4.1.11"); at < 0 || other < at {
		t.Errorf("walked %q, want its own tree before those of others", m.walked)
	}
	if slices.Contains(m.walked, "1.3.6.1.4.1.253") {
		t.Errorf("walked a tree that the machine doesn't have: %q", m.walked)
	}
}

func TestWhatEndsACaptureEarlyIsNotedAndTheProfilesObjectsAreThere(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*machine, *capture.Options)
		note string
		more bool // of the tree behind it
	}{
		"enough objects":            {func(_ *machine, o *capture.Options) { o.MaxObjects = 30 }, "are enough", false},
		"enough bytes":              {func(_ *machine, o *capture.Options) { o.MaxBytes = 1000 }, "are enough", false},
		"circles, then more":        {func(m *machine, _ *capture.Options) { m.fails["1.3.6.1.2.1.43"] = errors.New("goes round in circles") }, "circles", true},
		"it fails, then no more":    {func(m *machine, _ *capture.Options) { m.fails["1.3.6.1.4.1.1347"] = errors.New("no answer") }, "1.3.6.1.4.1.1347: after", false},
		"only what was asked for":   {func(_ *machine, o *capture.Options) { o.Roots = []string{"1.3.6.1.2.1.1"} }, "", false},
		"only a part of the vendor": {func(_ *machine, o *capture.Options) { o.Roots = []string{"1.3.6.1.4.1.1347.99"} }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			m, o := kyocera("1.3.6.1.2.1.43.6.1"), capture.Options{}
			test.set(m, &o)
			taken := take(t, t.Context(), m, o)
			if got := strings.Join(taken.Notes, "; "); !strings.Contains(got, test.note) || test.note == "" && got != "" {
				t.Errorf("notes %q, want %q", got, test.note)
			}
			if !reads(taken) {
				t.Error("what the profile reads isn't in it")
			}
			if got := has(taken, "1.3.6.1.4.1.1347.99.100"); got != test.more {
				t.Errorf("the last object recorded: %t, want %t", got, test.more)
			}
			if n := len(taken.Recording.Varbinds()); o.MaxObjects > 0 && n > o.MaxObjects {
				t.Errorf("%d objects, want at most %d", n, o.MaxObjects)
			}
		})
	}
}

func TestWhatIsPrivateAsAWholeIsNotAskedFor(t *testing.T) {
	const book = "1.3.6.1.4.1.1347.47.6"
	m := kyocera(book + ".1.1.1")
	take(t, t.Context(), m, capture.Options{})
	if !slices.Contains(m.without, book) {
		t.Errorf("left out %q, want the address book %s among it", m.without, book)
	}
	m = kyocera(book + ".1.1.1")
	if taken := take(t, t.Context(), m, capture.Options{Roots: []string{book}}); len(m.without) > 0 || !has(taken, book+".1.1.1") {
		t.Errorf("asked for by a person, left out %q", m.without)
	}
}

func TestAMachineThatRestartsIsLeftAlone(t *testing.T) {
	m := kyocera("1.3.6.1.2.1.43.6.1")
	clock := func(ticks int64) { m.Put("1.3.6.1.2.1.1.3.0", mibs.Value{Kind: mibs.TimeTicks, Int: ticks}) }
	clock(8_640_000)
	n := 0
	m.each = func() {
		if n++; n == 20 { // in its own tree
			clock(300)
		}
	}
	m.Put("1.3.6.1.4.1.11.2.3.9.1", mibs.Value{Kind: mibs.Integer, Int: 1})
	taken := take(t, t.Context(), m, capture.Options{})
	if got := strings.Join(taken.Notes, "; "); !strings.Contains(got, "restarted in 1.3.6.1.4.1.1347") {
		t.Errorf("notes %q", got)
	}
	if slices.Contains(m.walked[len(m.walked)-1:], "1.3.6.1.4.1.11") {
		t.Errorf("it went on with %q", m.walked)
	}
	if !reads(taken) {
		t.Error("what the profile reads isn't in it")
	}
}

func TestWhoStopsACaptureKeepsWhatWasRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := kyocera()
	n := 0
	m.each = func() {
		if n++; n == 20 {
			cancel()
		}
	}
	taken := take(t, ctx, m, capture.Options{})
	if !reads(taken) || has(taken, "1.3.6.1.4.1.1347.99.100") {
		t.Errorf("got %d objects, want what the profile reads and not the end", len(taken.Recording.Varbinds()))
	}
	if got := strings.Join(taken.Notes, "; "); !strings.Contains(got, "stopped in 1.3.6.1.4.1.1347") {
		t.Errorf("notes %q", got)
	}
}

func TestADeviceThatCannotBeWalkedIsNoCapture(t *testing.T) {
	profiles, err := mibs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Of(t.Context(), kyocera().Recording, capture.Options{Profiles: profiles}); err == nil {
		t.Error("want an error")
	}
	if _, err := capture.Of(t.Context(), &machine{Recording: mibs.NewRecording(nil)}, capture.Options{Profiles: profiles}); err == nil {
		t.Error("nothing answered: want an error")
	}
}
