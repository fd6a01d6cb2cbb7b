package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// volume is what was declared of messages received, those sent are not known. service may be "".
func volume(month ledger.Month, establishment, service string, received int64) ledger.Volume {
	return ledger.Volume{Month: month, Establishment: establishment, Service: service, Received: &received}
}

func shown(volumes []ledger.Volume) string {
	text := func(n *int64) string {
		if n == nil {
			return "?"
		}
		return fmt.Sprint(*n)
	}
	var words []string
	for _, v := range volumes {
		words = append(words, strings.TrimPrefix(fmt.Sprintf("%d %s/%s %s/%s", v.Month, v.Establishment, v.Service, text(v.Received), text(v.Sent)), "0 "))
	}
	return strings.Join(words, ", ")
}

func TestEachMessageCountsOnceWhateverWasDeclaredOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		declared []ledger.Volume
		want     string
	}{
		"services":                    {[]ledger.Volume{volume(202609, "chu", "onco", 40), volume(202609, "chu", "saas", 2)}, "202609 chu/onco 40/?, 202609 chu/saas 2/?"},
		"only the whole":              {[]ledger.Volume{volume(202609, "chu", "", 100)}, "202609 chu/ 100/?"},
		"the whole and some services": {[]ledger.Volume{volume(202609, "chu", "", 100), volume(202609, "chu", "onco", 40)}, "202609 chu/ 60/?, 202609 chu/onco 40/?"},
		"all of it by service too":    {[]ledger.Volume{volume(202609, "chu", "", 40), volume(202609, "chu", "onco", 40)}, "202609 chu/ 0/?, 202609 chu/onco 40/?"},
		"the services have more":      {[]ledger.Volume{volume(202609, "chu", "", 30), volume(202609, "chu", "onco", 40)}, "202609 chu/ 0/?, 202609 chu/onco 40/?"},
		"other months are other ones": {[]ledger.Volume{volume(202608, "chu", "onco", 5), volume(202609, "chu", "", 30)}, "202608 chu/onco 5/?, 202609 chu/ 30/?"},
		"a group and its two hospitals": {
			[]ledger.Volume{volume(202609, "", "", 1000), volume(202609, "", "pool", 1), volume(202609, "chl", "", 300), volume(202609, "chu", "", 100), volume(202609, "chu", "onco", 40)},
			"202609 / 599/?, 202609 /pool 1/?, 202609 chl/ 300/?, 202609 chu/ 60/?, 202609 chu/onco 40/?",
		},
		"nothing": {nil, ""},
	} {
		before := shown(c.declared)
		if got := shown(ledger.Apart(c.declared, nil)); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		if shown(c.declared) != before {
			t.Errorf("%s: it changed what it was given", name)
		}
	}
}

// volumes are any, in their order.
var volumes = rapid.Custom(func(t *rapid.T) []ledger.Volume {
	var all []ledger.Volume
	amount := func(name string) *int64 {
		if rapid.IntRange(0, 3).Draw(t, name+" known") == 0 {
			return nil
		}
		n := rapid.Int64Range(0, 50).Draw(t, name)
		return &n
	}
	for range rapid.IntRange(0, 12).Draw(t, "volumes") {
		v := ledger.Volume{
			Month:         rapid.SampledFrom([]ledger.Month{202608, 202609}).Draw(t, "month"),
			Establishment: rapid.SampledFrom([]string{"", "chl", "chu"}).Draw(t, "establishment"),
		}
		if service := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "service"); service != "" {
			v.Service = v.Establishment + service
		}
		i, twice := slices.BinarySearchFunc(all, v, ledger.Volume.Compare)
		if v.Sent, v.Received = amount("sent"), amount("received"); !twice {
			all = slices.Insert(all, i, v)
		}
	}
	return all
})

// A whole that was declared is never told as less, nor are its services; and totals are the sums of all months.
func TestWhatIsLeftAndTheServicesAddUpToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		declared := volumes.Draw(t, "declared")
		apart := ledger.Apart(declared, nil)
		sum := func(all []ledger.Volume, month ledger.Month, establishment string, services bool) (sum int64) {
			for _, v := range all {
				if (month == 0 || v.Month == month) && (establishment == "*" || v.Establishment == establishment) && (!services || v.Service != "") && v.Received != nil {
					sum += *v.Received
				}
			}
			return sum
		}
		for _, month := range []ledger.Month{202608, 202609} {
			for _, establishment := range []string{"chl", "chu"} {
				want := sum(declared, month, establishment, true)
				if i, ok := slices.BinarySearchFunc(declared, ledger.Volume{Month: month, Establishment: establishment}, ledger.Volume.Compare); ok && declared[i].Received != nil {
					want = max(want, *declared[i].Received)
				}
				if got := sum(apart, month, establishment, false); got != want {
					t.Fatalf("%s in %d: got %d, want %d\n%s\n%s", establishment, month, got, want, shown(declared), shown(apart))
				}
			}
			if i, ok := slices.BinarySearchFunc(declared, ledger.Volume{Month: month}, ledger.Volume.Compare); ok && declared[i].Received != nil {
				if got := sum(apart, month, "*", false); got < *declared[i].Received {
					t.Fatalf("the whole in %d: got %d, want at least %d", month, got, *declared[i].Received)
				}
			}
		}
		totals := ledger.Totals(declared, nil)
		if got, want := sum(totals, 0, "*", false), sum(apart, 0, "*", false); got != want {
			t.Fatalf("totals: got %d, want %d", got, want)
		}
	})
}

// declareVolumes puts volumes among those that were declared.
func (c *collector) declareVolumes(all ...ledger.Volume) {
	c.Helper()
	err := c.DeclareVolumes(context.Background(), ledger.Author{Who: "anne", Source: "mssante.csv"}, func(_ ledger.Register, before []ledger.Volume) ([]ledger.Volume, error) {
		for _, v := range all {
			i, known := slices.BinarySearchFunc(before, v, ledger.Volume.Compare)
			if known {
				before[i] = v
			} else {
				before = slices.Insert(before, i, v)
			}
		}
		return before, nil
	})
	if err != nil {
		c.Fatal(err)
	}
}

func TestAHospitalAndAServiceOfTheSameNameAreTwo(t *testing.T) {
	c := newCollector(t)
	declared := []ledger.Volume{volume(202609, "", "ehpad", 20), volume(202609, "ehpad", "", 300)}
	err := c.DeclareVolumes(context.Background(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Volume) ([]ledger.Volume, error) { return declared, nil })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Volumes(context.Background()); err != nil || shown(got) != shown(declared) {
		t.Errorf("got %s, %v, want %s", shown(got), err, shown(declared))
	}
}

func TestVolumesAreKeptAddedUpAndAudited(t *testing.T) {
	c := newCollector(t)
	c.declareVolumes(volume(202608, "chu", "onco", 40), volume(202609, "chu", "", 100), volume(202609, "chu", "onco", 0))
	s, err := c.Snapshot(context.Background())
	if got, want := shown(s.Messages), "chu/ 100/?, chu/onco 40/?"; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	c.declareVolumes(volume(202609, "chu", "onco", 30)) // a correction: of what is left less is left
	if s, err = c.Snapshot(context.Background()); err != nil || shown(s.Messages) != "chu/ 70/?, chu/onco 70/?" {
		t.Errorf("got %s, %v", shown(s.Messages), err)
	}
	m, err := c.MSSante(context.Background(), 202609, 202612)
	if err != nil || shown(m.Messages) != "202609 chu/ 70/?, 202609 chu/onco 30/?" {
		t.Errorf("got %s, %v", shown(m.Messages), err)
	}
	if first, err := c.FirstMonth(context.Background()); err != nil || first != 202608 {
		t.Errorf("the first month: got %d, %v", first, err)
	}
	log, err := c.Audit(context.Background(), 100)
	if err != nil || len(log) != 4 || log[0].Subject != "mssante_volumes chu onco 202609" || log[0].Field != "received" || log[0].Before != "0" || log[0].After != "30" || log[0].Who != "anne" {
		t.Errorf("got %+v, %v, want who changed 0 to 30", log, err)
	}
	failed := errors.New("no")
	err = c.DeclareVolumes(context.Background(), ledger.Author{}, func(ledger.Register, []ledger.Volume) ([]ledger.Volume, error) { return nil, failed })
	all, _ := c.Volumes(context.Background())
	if !errors.Is(err, failed) || len(all) != 3 {
		t.Errorf("got %v and %s, want nothing changed", err, shown(all))
	}
	err = c.DeclareVolumes(context.Background(), ledger.Author{}, func(ledger.Register, []ledger.Volume) ([]ledger.Volume, error) { return nil, nil })
	s, _ = c.Snapshot(context.Background())
	if err != nil || len(s.Messages) != 0 {
		t.Errorf("all withdrawn: got %v, %s, want nothing known", err, shown(s.Messages))
	}
	c.balanced()
}

func TestMailboxesAreCountedAtTheEndOfEachMonth(t *testing.T) {
	c := newCollector(t)
	c.now = time.Date(2026, 10, 15, 12, 0, 0, 0, time.UTC)
	mailbox := func(address string, from ledger.Day, service string, state ledger.MailboxState) ledger.Mailbox {
		return ledger.Mailbox{Address: address, From: from, Kind: "ORG", Establishment: "chu", Service: service, State: state}
	}
	all := []ledger.Mailbox{
		mailbox("a@chu.mssante.fr", "2026-05-01", "onco", ledger.MailboxCreated),
		mailbox("a@chu.mssante.fr", "2026-07-31", "onco", ledger.MailboxUsed),
		mailbox("b@chu.mssante.fr", "2026-08-01", "onco", ledger.MailboxUsed),
		mailbox("b@chu.mssante.fr", "2026-08-20", "onco", ledger.MailboxInactive),
		mailbox("b@chu.mssante.fr", "2026-09-30", "saas", ledger.MailboxUsed),
		mailbox("c@chu.mssante.fr", "2026-08-02", "onco", ledger.MailboxPublished),
		mailbox("c@chu.mssante.fr", "2026-08-03", "onco", ledger.NoMailbox),
	}
	declare := func(all []ledger.Mailbox) {
		t.Helper()
		err := c.DeclareMailboxes(context.Background(), ledger.Author{Who: "anne"}, func(ledger.Register, []ledger.Mailbox) ([]ledger.Mailbox, error) { return all, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	declare(all)
	if got, err := c.Mailboxes(context.Background()); err != nil || !slices.Equal(got, all) {
		t.Errorf("got %v, %v", got, err)
	}
	counts := func(from, to ledger.Month) map[ledger.Month]string {
		t.Helper()
		m, err := c.MSSante(context.Background(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		words := make(map[ledger.Month][]string)
		for _, x := range m.Mailboxes {
			words[x.Month] = append(words[x.Month], fmt.Sprintf("%s %s %d", x.Service, x.State, x.Count))
		}
		shown := make(map[ledger.Month]string)
		for month, w := range words {
			slices.Sort(w)
			shown[month] = strings.Join(w, ", ")
		}
		return shown
	}
	want := map[ledger.Month]string{
		202605: "onco created 1", 202606: "onco created 1", 202607: "onco used 1",
		202608: "onco  1, onco inactive 1, onco used 1", 202609: "onco  1, onco used 1, saas used 1", 202610: "onco  1, onco used 1, saas used 1",
	}
	if got := counts(202604, 202612); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for month := range want {
		if got := counts(month, month); got[month] != want[month] || len(got) != 1 {
			t.Errorf("%d alone: got %v, want %s", month, got, want[month])
		}
	}
	if got := counts(202603, 202604); len(got) != 0 {
		t.Errorf("before any: got %v", got)
	}
	s, err := c.Snapshot(context.Background())
	if err != nil || len(s.Mailboxes) != 3 || s.Mailboxes[1].State != ledger.MailboxUsed {
		t.Errorf("now: got %+v, %v", s.Mailboxes, err)
	}
	declare(all[1:]) // the first version was wrong
	if got := counts(202605, 202607); fmt.Sprint(got) != "map[2026-07:onco used 1]" {
		t.Errorf("got %v", got)
	}
	log, err := c.Audit(context.Background(), 100)
	if err != nil || log[0].Subject != "mssante_addresses a@chu.mssante.fr 2026-05-01" || log[0].After != "" {
		t.Errorf("got %+v, %v", log[:min(2, len(log))], err)
	}
	if first, err := c.FirstMonth(context.Background()); err != nil || first != 202607 {
		t.Errorf("the first month: got %d, %v", first, err)
	}
	c.balanced()
}

func TestTargetsAreKeptAndAudited(t *testing.T) {
	c := newCollector(t)
	key := ledger.TargetKey{Indicator: "active_lines", Pole: "urgences"}
	targets := []ledger.Target{
		{Indicator: key.Indicator, Pole: key.Pole, Value: 20},
		{Indicator: key.Indicator, Pole: key.Pole, From: 202610},
		{Indicator: key.Indicator, Pole: key.Pole, From: 202701, None: true},
	}
	c.declare(func(r *ledger.Register) { r.Targets[key] = targets })
	r, err := c.Register(context.Background())
	if err != nil || !slices.Equal(r.Targets[key], targets) {
		t.Errorf("got %+v, %v", r.Targets, err)
	}
	log, err := c.Audit(context.Background(), 2)
	if err != nil || log[1].Field != "value" || log[1].Before != "20" || log[1].After != "0" || log[0].Before != "0" || log[0].After != "" {
		t.Errorf("got %+v, %v, want 20 → 0, and then none", log, err)
	}
	c.declare(func(r *ledger.Register) { delete(r.Targets, key) })
	if r, err = c.Register(context.Background()); err != nil || len(r.Targets) != 0 {
		t.Errorf("got %+v, %v, want none", r.Targets, err)
	}
}
