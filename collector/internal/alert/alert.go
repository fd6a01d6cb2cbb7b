// Package alert tells people and programs of episodes: by mail, at once or in a daily digest, by webhook, and to
// an Alertmanager. What is to be said is decided by pure functions and written into the ledger's outbox together
// with the note that it was said; only then it is sent. So nothing is said twice or forgotten, however often the
// program is killed; only where that happens between a server's yes and our note of it, the same mail goes out
// again, with the same Message-ID. It never decides what an episode is.
//
//	episodes ─▶ Plan ─▶ outbox ─┬▶ Mail
//	    │                       └▶ Webhook
//	    └▶ Push ─▶ Alertmanager
package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what alerts are made of.
type Books interface {
	Episodes(ctx context.Context, f ledger.EpisodeFilter) ([]ledger.Episode, error)
	Snapshot(ctx context.Context) (ledger.Snapshot, error)
}

// Outbox is where they wait.
type Outbox interface {
	Cursor(ctx context.Context, name string) (int64, error)
	Told(ctx context.Context, names []string) (map[string]wire.Time, error)
	Post(ctx context.Context, p ledger.Post) error
	Due(ctx context.Context, channel ledger.Channel, limit int) ([]ledger.Message, error)
	Sent(ctx context.Context, id int64) error
	Failed(ctx context.Context, id int64, f ledger.Failure) error
}

// Options are what alerts need from their program.
type Options struct {
	Books        Books
	Outbox       Outbox
	Email        *Email              // nil: none
	Webhook      *Webhook            // nil: none
	Alertmanager *Alertmanager       // nil: none
	Everyone     []string            // addresses for all that no service's own take
	Recipients   map[string][]string // by service
	Quiet        Hours
	Language     string         // fr, en
	Location     *time.Location // of quiet hours and the digest
	Link         string         // of the page; empty: none
	Log          *slog.Logger
	Now          func() time.Time
}

// Alerts tells of episodes. Each of its methods makes one round of a loop and is called by one goroutine at a time.
type Alerts struct {
	Options
	posts   map[ledger.Channel]*post
	checked bool // whether the services of Recipients are declared
}

// sender sends a message of its channel; nil means that it is sent for good.
type sender interface {
	Send(ctx context.Context, m *ledger.Message) error
}

// post is a channel's side of the outbox.
type post struct {
	sender   sender
	sent     map[int64]bool // but the ledger could not be told
	failures int            // to reach the server, in a row
	rest     time.Time      // until then it is left alone: as seldom for many messages as for one
}

// resting tells whether the server is left alone. It never is for long, unless our own clock was wrong.
func (p *post) resting(now time.Time) bool {
	return now.Before(p.rest) && p.rest.Sub(now) <= lastRetry
}

// New makes alerts.
func New(o Options) *Alerts {
	a := &Alerts{Options: o, posts: map[ledger.Channel]*post{}}
	if o.Email != nil {
		a.posts[ledger.ByEmail] = &post{sender: o.Email, sent: map[int64]bool{}}
	}
	if o.Webhook != nil {
		a.posts[ledger.ByWebhook] = &post{sender: o.Webhook, sent: map[int64]bool{}}
	}
	return a
}

// The cursors of the planner.
const (
	newsCursor   = "alert"        // revision of episodes up to which all is told
	digestCursor = "alert.digest" // instant of the last digest
)

// Plan writes into the outbox what is to be said now.
func (a *Alerts) Plan(ctx context.Context) error {
	if err := a.checkServices(ctx); err != nil {
		return err
	}
	s, err := a.situation(ctx)
	if err != nil {
		return err
	}
	p := makePlan(s)
	if len(p.Told) == 0 && len(p.Events) == 0 && p.Cursor == s.Cursor && p.Digest.Equal(s.LastDigest) && !s.First {
		return nil
	}
	messages, err := a.messages(ctx, &p)
	if err != nil {
		return err
	}
	err = a.Outbox.Post(ctx, ledger.Post{
		Messages: messages, Told: p.Told, Events: p.Events,
		Cursors: map[string]int64{newsCursor: p.Cursor, digestCursor: p.Digest.UnixMilli()},
	})
	if err == nil {
		for i := range messages {
			a.Log.Info("message written", "message", messages[i].Name)
		}
	}
	return err
}

// checkServices warns, once, of recipients whose service nobody declared: they would never hear of anything.
func (a *Alerts) checkServices(ctx context.Context) error {
	if a.checked || len(a.Recipients) == 0 {
		return nil
	}
	books, err := a.Books.Snapshot(ctx)
	if err != nil {
		return err
	}
	a.checked = true
	for _, id := range slices.Sorted(maps.Keys(a.Recipients)) {
		if _, ok := books.Register.Services[id]; !ok {
			a.Log.Warn("alerts.recipients names a service that nobody declared yet", "service", id)
		}
	}
	return nil
}

func (a *Alerts) situation(ctx context.Context) (situation, error) {
	now := a.Now().In(a.Location)
	s := situation{
		Now: now, Quiet: a.Quiet, Webhook: a.Webhook != nil,
	}
	if a.Email != nil {
		s.Recipients, s.Everyone = a.Recipients, a.Everyone
	}
	var err error
	if s.Cursor, err = a.Outbox.Cursor(ctx, newsCursor); err != nil {
		return s, err
	}
	digest, err := a.Outbox.Cursor(ctx, digestCursor)
	if err != nil {
		return s, err
	}
	s.LastDigest = wire.Time(digest).Std()
	if digest == 0 { // the first start: the first digest is the next one
		s.LastDigest, s.First = lastDigest(now, a.Quiet), true
	}
	if s.Episodes, err = a.Books.Episodes(ctx, ledger.EpisodeFilter{After: s.Cursor, Untold: true}); err != nil || len(s.Episodes) == 0 {
		return s, err
	}
	s.Told, err = a.Outbox.Told(ctx, names(s.Episodes))
	return s, err
}

// messages are those of a plan, in words.
func (a *Alerts) messages(ctx context.Context, p *plan) (messages []ledger.Message, err error) {
	if len(p.Mails) == 0 && len(p.Hooks) == 0 {
		return nil, nil
	}
	w, err := a.writer(ctx)
	if err != nil {
		return nil, err
	}
	for i := range p.Mails {
		m := &p.Mails[i]
		messages = append(messages, ledger.Message{Name: m.Name, Channel: ledger.ByEmail, Recipient: m.To, Payload: encoded(w.letter(m))})
	}
	for _, h := range p.Hooks {
		alert := w.alert(h.Episode)
		if !h.Resolved {
			alert.EndsAt = time.Time{}
		}
		messages = append(messages, ledger.Message{
			Name: h.Name, Channel: ledger.ByWebhook, Thread: fmt.Sprint(h.Episode.ID), Payload: encoded(notify(alert, a.Link)),
		})
	}
	return messages, nil
}

func (a *Alerts) writer(ctx context.Context) (*writer, error) {
	books, err := a.Books.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return newWriter(&books, a.Language, a.Location, a.Link), nil
}

// Mail sends the mails that are due.
func (a *Alerts) Mail(ctx context.Context) error { return a.send(ctx, ledger.ByEmail) }

// Hook sends the webhook messages that are due.
func (a *Alerts) Hook(ctx context.Context) error { return a.send(ctx, ledger.ByWebhook) }

// send sends what is due on a channel. The error is the ledger's; those of servers are kept with the messages.
func (a *Alerts) send(ctx context.Context, channel ledger.Channel) error {
	p := a.posts[channel]
	if p == nil {
		return a.abandon(ctx, channel)
	}
	for id := range p.sent {
		if err := a.noteSent(ctx, p, id); err != nil {
			return err
		}
	}
	if p.resting(a.Now()) {
		return nil
	}
	due, err := a.Outbox.Due(ctx, channel, 100)
	if err != nil {
		return err
	}
	for i := range due {
		m := &due[i]
		fault := p.sender.Send(ctx, m)
		if fault != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		p.heard(fault, a.Now())
		if err := a.note(ctx, p, m, fault); err != nil || p.failures > 0 {
			return err // the next one would wait in vain, too
		}
	}
	return nil
}

// abandon gives up what waited for too long for a channel that isn't configured any more. Until then somebody may
// have left it out by mistake.
func (a *Alerts) abandon(ctx context.Context, channel ledger.Channel) error {
	due, err := a.Outbox.Due(ctx, channel, 100)
	if err != nil {
		return err
	}
	for i := range due {
		m := &due[i]
		if a.Now().Sub(m.CreatedAt.Std()) < patience {
			continue
		}
		a.Log.Error("message given up: its channel isn't configured any more", "message", m.Name, "channel", channel)
		if err := a.Outbox.Failed(ctx, m.ID, ledger.Failure{Error: "not configured any more", GivenUp: true}); err != nil {
			return err
		}
	}
	return nil
}

// heard learns from an attempt whether the server can be reached.
func (p *post) heard(fault error, now time.Time) {
	if !errors.As(fault, new(unreachable)) {
		p.failures = 0
		return
	}
	p.failures++
	p.rest = now.Add(retryAfter(p.failures, fault))
}

// note notes what became of an attempt to send a message.
func (a *Alerts) note(ctx context.Context, p *post, m *ledger.Message, fault error) error {
	if fault != nil {
		return a.noteFailed(ctx, p, m, fault)
	}
	p.sent[m.ID] = true
	a.Log.Info("message sent", "message", m.Name, "attempts", m.Attempts+1)
	return a.noteSent(ctx, p, m.ID)
}

// noteSent notes that a message is sent. Until the ledger could be told it is remembered here, or a full disk
// would make a mail a second out of one.
func (a *Alerts) noteSent(ctx context.Context, p *post, id int64) error {
	if err := a.Outbox.Sent(context.WithoutCancel(ctx), id); err != nil {
		return err
	}
	delete(p.sent, id)
	return nil
}

func (a *Alerts) noteFailed(ctx context.Context, p *post, m *ledger.Message, fault error) error {
	now := a.Now()
	f := ledger.Failure{Error: plain(fault.Error()), NextAt: wire.TimeOf(p.rest)}
	if p.failures == 0 {
		f.NextAt = wire.TimeOf(now.Add(retryAfter(m.Attempts+1, fault)))
	}
	f.GivenUp = now.Sub(m.CreatedAt.Std()) >= patience && max(m.Attempts+1, p.failures) >= leastAttempts
	switch {
	case f.GivenUp:
		a.Log.Error("message given up: nobody could be reached for 7 days", "message", m.Name, "attempts", m.Attempts+1, "error", f.Error)
	case m.Attempts == 0:
		a.Log.Warn("message could not be sent; trying on for 7 days", "message", m.Name, "error", f.Error)
	}
	return a.Outbox.Failed(ctx, m.ID, f)
}

// How long a message is tried, and how seldom in the end. We may have been off for all that time, or our own clock may
// be wrong: so it counts, too, how often it was tried.
const (
	patience      = 7 * 24 * time.Hour
	leastAttempts = 20 // takes 3 hours
	firstRetry    = 5 * time.Second
	lastRetry     = 15 * time.Minute
	refusedRetry  = time.Hour // nothing changes unless a person mends it
)

// retryAfter is how long to wait after so many attempts: doubled each time, half of it by chance, so that
// many collectors don't come back to a server at once.
func retryAfter(attempts int, fault error) time.Duration {
	wait := lastRetry
	if doublings := attempts - 1; doublings < 8 {
		wait = min(firstRetry<<doublings, lastRetry)
	}
	if errors.As(fault, new(refusal)) {
		wait = refusedRetry
	}
	wait = wait/2 + rand.N(wait/2+1)
	if busy := new(delayed); errors.As(fault, busy) {
		wait = max(wait, min(busy.after, lastRetry))
	}
	return wait
}

// Push tells Alertmanager of all that is open, and of what was closed lately.
func (a *Alerts) Push(ctx context.Context) error {
	if a.Alertmanager == nil {
		return nil
	}
	alerts, err := a.alerts(ctx)
	if err != nil || len(alerts) == 0 {
		return err
	}
	if err := a.Alertmanager.push(ctx, alerts); err != nil {
		return fmt.Errorf("push to Alertmanager: %w", err)
	}
	return nil
}

func (a *Alerts) alerts(ctx context.Context) (alerts []amAlert, err error) {
	now := a.Now()
	told, err := a.Books.Episodes(ctx, ledger.EpisodeFilter{Open: true, ClosedAfter: wire.TimeOf(now.Add(-pushFor))})
	if err != nil || len(told) == 0 {
		return nil, err
	}
	w, err := a.writer(ctx)
	if err != nil {
		return nil, err
	}
	for i := range told {
		// What is withdrawn may have fired.
		if e := &told[i]; fires(e) || e.ClosedAt != 0 {
			alert := w.alert(e)
			alert.EndsAt = cmp.Or(e.ClosedAt, wire.TimeOf(now.Add(pushFor))).Std()
			alerts = append(alerts, alert)
		}
	}
	return alerts, nil
}
