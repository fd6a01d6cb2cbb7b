package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestMain(m *testing.M) {
	code := m.Run()
	client.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// office is a whole alert desk on a real ledger, with episodes that the test makes up and a time that it sets.
type office struct {
	*desk
	ledger *ledger.Ledger
	path   string
	alerts *Alerts
	faults map[string]int // how often the ledger fails from now on, by method
}

// emptyLedger is the file of a new one; to make each takes long with -race.
var emptyLedger = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "zerofax")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "ledger.db")
	l, err := ledger.Open(context.Background(), path, ledger.Options{})
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func newOffice(t testing.TB, change func(o *Options)) *office {
	o := &office{desk: newDesk(t), path: filepath.Join(t.TempDir(), "ledger.db"), faults: map[string]int{}}
	empty, err := emptyLedger()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	o.start(change)
	return o
}

// start starts the program anew, as after a kill: all that it remembers is in the ledger.
func (o *office) start(change func(*Options)) {
	o.t.Helper()
	if o.ledger != nil {
		if err := o.ledger.Close(); err != nil {
			o.t.Fatal(err)
		}
	}
	now := func() time.Time { return o.now }
	var err error
	if o.ledger, err = ledger.Open(context.Background(), o.path, ledger.Options{Now: now}); err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { o.ledger.Close() })
	options := Options{
		Books: o, Outbox: faulty{o.ledger, o.faults, o.events}, Everyone: o.everyone, Language: "fr", Location: paris,
		Log: slog.New(slog.DiscardHandler), Now: now,
	}
	change(&options)
	o.alerts = New(options)
}

// Episodes implements Books.
func (o *office) Episodes(_ context.Context, f ledger.EpisodeFilter) (found []ledger.Episode, err error) {
	for _, e := range o.episodes {
		if e.Revision > f.After && (!f.Open || e.ClosedAt == 0 || f.ClosedAfter != 0 && e.ClosedAt > f.ClosedAfter) {
			found = append(found, o.untold(e))
		}
	}
	slices.SortFunc(found, func(a, b ledger.Episode) int { return int(a.Revision - b.Revision) })
	return found, nil
}

// Snapshot implements Books.
func (o *office) Snapshot(context.Context) (ledger.Snapshot, error) { return hospital(), nil }

var errDisk = errors.New("disk full")

// faulty is a ledger that fails when it is told to.
type faulty struct {
	*ledger.Ledger
	faults map[string]int
	events map[int64]bool // told
}

func (f faulty) fails(method string) bool {
	f.faults[method]--
	return f.faults[method] >= 0
}

func (f faulty) Post(ctx context.Context, p ledger.Post) error {
	if f.fails("Post") {
		return errDisk
	}
	for _, id := range p.Events {
		f.events[id] = true
	}
	return f.Ledger.Post(ctx, p)
}

func (f faulty) Sent(ctx context.Context, id int64) error {
	if f.fails("Sent") {
		return errDisk
	}
	return f.Ledger.Sent(ctx, id)
}

// round lets all loops make a round; their errors are those of the ledger.
func (o *office) round() error {
	ctx := o.t.Context()
	return errors.Join(o.alerts.Plan(ctx), o.alerts.Mail(ctx), o.alerts.Hook(ctx))
}

// pass lets time pass in steps of at least a minute.
func (o *office) pass(d time.Duration) {
	o.t.Helper()
	for end := o.now.Add(d); o.now.Before(end); o.now = o.now.Add(max(time.Minute, d/20)) {
		if err := o.round(); err != nil && !errors.Is(err, errDisk) {
			o.t.Fatal(err)
		}
	}
}

func (o *office) unsent() []ledger.Message {
	o.t.Helper()
	unsent, err := o.ledger.Messages(o.t.Context(), true, 100)
	if err != nil {
		o.t.Fatal(err)
	}
	return unsent
}

func recipients(inbox []received) string {
	var to []string
	for _, m := range inbox {
		to = append(to, m.to)
	}
	return strings.Join(to, " ")
}

func TestADeadMailServerLosesAndDelaysNothing(t *testing.T) {
	mx, hook := openOffice(t, Clear), newReceiver(t)
	email := mx.email(Clear)
	alive := email.Port
	email.Port = closedPort(email)
	o := newOffice(t, func(o *Options) { o.Email, o.Webhook = email, &Webhook{URL: hook.URL} })
	o.fax(nil, 3, ledger.Certain)
	o.pass(2 * time.Hour)
	if got := len(hook.got()); got != 1 {
		t.Errorf("the webhook got %d messages, want 1", got)
	}
	waits := o.unsent()
	if len(waits) != 1 || !strings.Contains(waits[0].Error, "refused") || waits[0].Attempts < 10 {
		t.Fatalf("got %+v, want one mail that waits and says why", waits)
	}
	email.Port = alive
	o.pass(16 * time.Minute)
	if got := recipients(mx.inbox()); got != "dsi@ch.fr" {
		t.Errorf("got mails to %q, want the one", got)
	}
}

func TestARefusedRecipientDelaysNoOther(t *testing.T) {
	mx := openOffice(t, Clear)
	mx.onRcpt = func(to string) error {
		switch to {
		case "gone@ch.fr":
			return &smtp.SMTPError{Code: 550, Message: "no such user"}
		case "later@ch.fr":
			return &smtp.SMTPError{Code: 451, Message: "come again"}
		}
		return nil
	}
	o := newOffice(t, func(o *Options) {
		o.Email, o.Everyone = mx.email(Clear), []string{"gone@ch.fr", "later@ch.fr", "zoe@ch.fr"}
	})
	o.fax(nil, 3, ledger.Certain)
	o.pass(3 * time.Minute)
	if got := recipients(mx.inbox()); got != "zoe@ch.fr" {
		t.Errorf("got mails to %q, want the others not to wait", got)
	}
	if got := len(o.unsent()); got != 2 {
		t.Errorf("%d mails wait, want 2", got)
	}
}

func TestAMessageIsGivenUpAfterSevenDaysAndSaysSo(t *testing.T) {
	email := &Email{Host: "127.0.0.1", Encryption: Clear, From: "zerofax@ch.fr"}
	email.Port = closedPort(email)
	o := newOffice(t, func(o *Options) { o.Email = email })
	o.fax(nil, 3, ledger.Certain)
	o.pass(5 * time.Minute)
	o.now = o.now.Add(7*24*time.Hour - 30*time.Minute)
	o.pass(10 * time.Minute)
	if m := o.unsent()[0]; m.GivenUpAt != 0 {
		t.Fatalf("given up too early: %+v", m)
	}
	o.now = o.now.Add(time.Hour) // long enough, but it was tried a few times only: we were off, or our clock was wrong
	o.pass(10 * time.Minute)
	if m := o.unsent()[0]; m.GivenUpAt != 0 {
		t.Fatalf("given up after %d attempts only: %+v", m.Attempts, m)
	}
	o.pass(5 * time.Hour)
	m := o.unsent()
	if last := m[len(m)-1]; last.GivenUpAt == 0 || !strings.Contains(last.Error, "refused") {
		t.Errorf("got %+v, want it given up, with the reason", last)
	}
}

func TestADeadServerIsAskedAsSeldomForManyMessagesAsForOne(t *testing.T) {
	hook := newReceiver(t)
	var dead atomic.Bool
	dead.Store(true)
	hook.answer = func(http.ResponseWriter, int) {
		if dead.Load() {
			panic(http.ErrAbortHandler)
		}
	}
	o := newOffice(t, func(o *Options) { o.Webhook = &Webhook{URL: hook.URL} })
	for i := range 20 {
		o.silent(fmt.Sprintf("ps-%02d", i))
	}
	o.pass(20 * time.Minute)
	if got := len(hook.got()); got < 5 || got > 12 {
		t.Errorf("it was asked %d times in 20 minutes, want the 5 to 12 times of one message", got)
	}
	asked := len(hook.got())
	dead.Store(false)
	o.pass(16 * time.Minute)
	if got := len(hook.got()) - asked; got != 20 || len(o.unsent()) != 0 {
		t.Errorf("it got %d messages once it was back, want all 20", got)
	}
}

func TestOurOwnClockWasAheadAndNoMessageWaitsForIt(t *testing.T) {
	for name, answers := range map[string]int{"when the message was written": 200, "when the server wasn't well": 503} {
		t.Run(name, func(t *testing.T) {
			hook := newReceiver(t)
			hook.answer = func(w http.ResponseWriter, n int) {
				if n == 1 {
					w.WriteHeader(answers)
				}
			}
			o := newOffice(t, func(o *Options) { o.Webhook = &Webhook{URL: hook.URL} })
			o.now = noon.AddDate(50, 0, 0)
			o.silent("ps-01")
			if err := o.alerts.Plan(t.Context()); err != nil {
				t.Fatal(err)
			}
			if answers != 200 {
				o.pass(time.Minute)
			}
			o.now = noon
			o.pass(2 * time.Minute)
			if left := o.unsent(); len(left) > 0 {
				t.Errorf("still waits: %+v", left)
			}
		})
	}
}

func TestARestartSaysNothingTwice(t *testing.T) {
	mx, hook := openOffice(t, Clear), newReceiver(t)
	configure := func(o *Options) { o.Email, o.Webhook = mx.email(Clear), &Webhook{URL: hook.URL} }
	o := newOffice(t, configure)
	e := o.fax(nil, 3, ledger.Certain)
	for range 2 {
		o.start(configure)
		o.pass(time.Minute)
	}
	o.fax(e, 1, ledger.Certain)
	for range 3 {
		o.start(configure)
		o.pass(10 * time.Hour)
	}
	if got := recipients(mx.inbox()); got != "dsi@ch.fr dsi@ch.fr" {
		t.Errorf("got mails to %q, want the first and one digest", got)
	}
	if got := len(hook.got()); got != 1 {
		t.Errorf("got %d webhook messages, want 1", got)
	}
}

// Killed or failing at any point, a message goes out once; only after the server's yes and before our note
// of it, it goes out again, and is the same.
func TestAMessageGoesOutOnceWhereverTheProgramDies(t *testing.T) {
	for name, test := range map[string]struct {
		method  string
		restart bool
		want    int
	}{
		"the messages can't be written":                            {"Post", false, 1},
		"killed before the messages are written":                   {"Post", true, 1},
		"the disk is full when the server has said yes":            {"Sent", false, 1},
		"killed when the server has said yes, and nobody knows it": {"Sent", true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			mx := openOffice(t, Clear)
			configure := func(o *Options) { o.Email = mx.email(Clear) }
			o := newOffice(t, configure)
			o.fax(nil, 3, ledger.Certain)
			o.now = o.now.Add(time.Minute)
			o.faults[test.method] = 1
			if err := o.round(); !errors.Is(err, errDisk) {
				t.Fatalf("got %v, want the fault", err)
			}
			if test.restart {
				o.start(configure)
			}
			o.pass(10 * time.Minute)
			inbox := mx.inbox()
			if len(inbox) != test.want {
				t.Fatalf("got %d mails, want %d", len(inbox), test.want)
			}
			first := inbox[0].message.Header.Get("Message-Id")
			for _, m := range inbox {
				if got := m.message.Header.Get("Message-Id"); got != first {
					t.Errorf("Message-ID: got %s, want %s again", got, first)
				}
			}
			if left := o.unsent(); len(left) > 0 {
				t.Errorf("still waits: %+v", left)
			}
		})
	}
}

func TestAServerThatDiesInDataGetsTheSameMailAgain(t *testing.T) {
	mx := openOffice(t, Clear)
	mx.onData = func(n int) error {
		if n <= 2 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	o := newOffice(t, func(o *Options) { o.Email = mx.email(Clear) })
	o.fax(nil, 3, ledger.Certain)
	o.pass(10 * time.Minute)
	if got := len(mx.inbox()); got != 1 {
		t.Errorf("got %d mails, want 1", got)
	}
}

func TestResolvedNeverOvertakesFiring(t *testing.T) {
	hook := newReceiver(t)
	hook.answer = func(w http.ResponseWriter, n int) {
		if n <= 4 {
			w.WriteHeader(503)
		}
	}
	o := newOffice(t, func(o *Options) { o.Webhook = &Webhook{URL: hook.URL} })
	e := o.silent("ps-01")
	o.pass(time.Minute)
	o.close(e, "", "over")
	o.pass(30 * time.Minute)
	var statuses []string
	for _, body := range hook.got() {
		var n notification
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			t.Fatal(err)
		}
		statuses = append(statuses, n.Status)
	}
	if got, want := strings.Join(statuses, " "), "firing firing firing firing firing resolved"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAlertmanagerIsToldAgainAndAgainAndThatItIsOver(t *testing.T) {
	am := newReceiver(t)
	o := newOffice(t, func(o *Options) { o.Alertmanager = &Alertmanager{URL: am.URL + "/prefix/"} })
	push := func() []amAlert {
		t.Helper()
		if err := o.alerts.Push(t.Context()); err != nil {
			t.Fatal(err)
		}
		bodies := am.got()
		if len(bodies) == 0 {
			return nil
		}
		var alerts []amAlert
		if err := json.Unmarshal([]byte(bodies[len(bodies)-1]), &alerts); err != nil {
			t.Fatal(err)
		}
		return alerts
	}
	if got := push(); got != nil {
		t.Errorf("got %v, want nothing said where nothing is open", got)
	}
	o.fax(nil, 1, ledger.Unsure)
	e := o.fax(nil, 1, ledger.Certain)
	for range 2 {
		got := push()
		if len(got) != 1 || got[0].Labels["alertname"] != "ZerofaxFaxAfterCutoff" || !got[0].EndsAt.Equal(o.now.Add(pushFor)) {
			t.Fatalf("got %+v, want the certain fax, good for an hour", got)
		}
		o.now = o.now.Add(PushAgain)
	}
	o.close(e, "m.durand", "essai")
	if got := push(); len(got) != 1 || !got[0].EndsAt.Equal(e.ClosedAt.Std()) {
		t.Errorf("got %+v, want it ended", got)
	}
	if am.paths[0] != "POST /prefix/api/v2/alerts" {
		t.Errorf("got %s", am.paths[0])
	}
}

func TestAnAlertTestSaysWhatBecameOfEachChannel(t *testing.T) {
	mx, hook, am := openOffice(t, Clear), newReceiver(t), newReceiver(t)
	hook.answer = func(w http.ResponseWriter, _ int) { w.WriteHeader(404) }
	o := newOffice(t, func(o *Options) {
		o.Email, o.Webhook, o.Alertmanager = mx.email(Clear), &Webhook{URL: hook.URL}, &Alertmanager{URL: am.URL}
	})
	var said []string
	for _, a := range o.alerts.Test(t.Context()) {
		said = append(said, fmt.Sprintf("%s %s %v", a.Channel, a.Recipient, a.Err))
	}
	want := []string{"email dsi@ch.fr <nil>", "webhook  it answers 404 Not Found", "alertmanager  <nil>"}
	if !slices.Equal(said, want) {
		t.Errorf("got %q, want %q", said, want)
	}
	if !strings.Contains(am.got()[0], "ZerofaxTest") || !strings.Contains(hook.got()[0], "ZerofaxTest") {
		t.Error("the test isn't marked as one")
	}
}

func TestRetriesComeSlowerAndNeverMoreThanAQuarterOfAnHourApart(t *testing.T) {
	fault := errors.New("x")
	for attempts, longest := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 6: 160 * time.Second, 9: lastRetry, 1000: lastRetry} {
		for range 100 {
			if got := retryAfter(attempts, fault); got > longest || got < longest/2 {
				t.Fatalf("after %d attempts: got %v, want %v to %v", attempts, got, longest/2, longest)
			}
		}
	}
	if got := retryAfter(1, delayed{fault, time.Minute}); got < time.Minute {
		t.Errorf("got %v, want the minute that the server asked for", got)
	}
	if got := retryAfter(1, refusal{fault}); got < 30*time.Minute {
		t.Errorf("got %v: a refusal is pressed", got)
	}
}

func TestTheFirstDigestIsTheNextOneAlsoAfterARestart(t *testing.T) {
	mx := openOffice(t, Clear)
	configure := func(o *Options) { o.Email = mx.email(Clear) }
	o := newOffice(t, configure)
	o.now = at(24, 7, 0)
	o.fax(nil, 1, ledger.Unsure)
	o.pass(time.Minute)
	o.now = at(24, 9, 0)
	o.start(configure)
	o.pass(2 * time.Minute)
	if got := recipients(mx.inbox()); got != "dsi@ch.fr" {
		t.Errorf("got mails to %q, want the digest that was due at 8", got)
	}
	if got := mx.inbox()[0].message.Header.Get("Date"); !strings.Contains(got, "24 Nov 2026") {
		t.Errorf("date: got %s", got)
	}
}

func TestMessagesGivenUpByRetentionAreNotWrittenAgain(t *testing.T) {
	mx, hook := openOffice(t, Clear), newReceiver(t)
	o := newOffice(t, func(o *Options) { o.Email, o.Webhook = mx.email(Clear), &Webhook{URL: hook.URL} })
	fax, silent := o.fax(nil, 3, ledger.Certain), o.silent("ps-01")
	o.pass(10 * time.Minute)
	o.now = o.now.AddDate(2, 0, 0)
	for range 2 {
		o.pass(2 * time.Minute)
		gone, err := o.ledger.Purge(t.Context(), o.now.AddDate(-1, 0, 0), ledger.Outlets{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("gave up %d messages", gone.Messages)
		o.open(fax)
		o.open(silent)
	}
	if got, want := len(mx.inbox())+len(hook.got()), 4; got != want {
		t.Errorf("got %d messages, want %d: one mail and one webhook message about each", got, want)
	}
	left, err := o.ledger.Messages(t.Context(), false, 100)
	if err != nil || len(left) != 1 {
		t.Errorf("%d messages are left (%v), want only the last one", len(left), err)
	}
}

func TestNoCertainFaxIsHiddenByHundredsOfOthers(t *testing.T) {
	mx := openOffice(t, Clear)
	o := newOffice(t, func(o *Options) { o.Email = mx.email(Clear) })
	e := o.fax(nil, 1, ledger.Certain)
	for range 250 {
		o.fax(e, 1, ledger.Unsure)
	}
	o.pass(2 * time.Minute)
	inbox := mx.inbox()
	if len(inbox) != 1 || !strings.Contains(string(inbox[0].data), "241 autres relev") {
		t.Errorf("got %d mails, want one at once, about all of them", len(inbox))
	}
	o.now = o.now.Add(24 * time.Hour)
	o.pass(2 * time.Minute)
	if got := len(mx.inbox()); got != 1 {
		t.Errorf("got %d mails, want nothing told again", got)
	}
}

func TestWhatWaitsForAChannelThatIsGoneIsGivenUpInTheEnd(t *testing.T) {
	hook := newReceiver(t)
	hook.answer = func(w http.ResponseWriter, _ int) { w.WriteHeader(503) }
	o := newOffice(t, func(o *Options) { o.Webhook = &Webhook{URL: hook.URL} })
	o.silent("ps-01")
	o.pass(time.Minute)
	o.start(func(*Options) {}) // left out of the configuration
	o.pass(6 * 24 * time.Hour)
	if m := o.unsent(); len(m) != 1 || m[0].GivenUpAt != 0 {
		t.Fatalf("got %+v, want it waiting: that may have been a mistake", m)
	}
	o.pass(2 * 24 * time.Hour)
	if m := o.unsent(); len(m) != 1 || m[0].GivenUpAt == 0 {
		t.Errorf("got %+v, want it given up", m)
	}
}

func TestAChannelThatComesLaterHearsNothingOld(t *testing.T) {
	mx, hook := openOffice(t, Clear), newReceiver(t)
	o := newOffice(t, func(*Options) {})
	old, open := o.fax(nil, 3, ledger.Certain), o.silent("ps-01")
	o.pass(10 * time.Minute)
	o.close(old, "m.durand", "essai")
	o.pass(24 * time.Hour)
	o.start(func(o *Options) { o.Email, o.Webhook = mx.email(Clear), &Webhook{URL: hook.URL} })
	o.open(old)
	o.pass(24 * time.Hour)
	if got := len(mx.inbox()) + len(hook.got()); got != 0 {
		t.Errorf("got %d messages of what was before", got)
	}
	o.close(open, "", "over")
	o.pass(24 * time.Hour)
	if got := len(mx.inbox()); got != 1 {
		t.Errorf("got %d mails, want the end of what was still open", got)
	}
}
