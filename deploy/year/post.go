package year

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// What people and programs must be told, and when: of an episode once, at once; of what follows
// once, in the daily digest.

// Office is to whom mails go, and when they may wait.
type Office struct {
	Everyone   []string
	Recipients map[string][]string // by service
	Zone       *time.Location      // of the digest and of quiet hours
	QuietFrom  int                 // hour; equal to QuietTo: none
	QuietTo    int
}

// Mail is one to one address.
type Mail struct {
	At    time.Time
	Kind  string // fax, fault, digest
	To    string
	About []*Episode // one entry for each thing that is told of it
}

// Hook is a message to programs.
type Hook struct {
	At     time.Time
	About  *Episode
	Firing bool
}

// How long the first news of a mail waits for more.
const (
	faxWait   = 15 * time.Second
	faultWait = 2 * time.Minute
)

const digestHour = 8

// mostTold is how many things a mail tells in detail.
const mostTold = 40

// told is what was told of an episode, to people and to programs.
type told struct {
	any, first, end  bool
	firing, resolved bool
}

// mailroom is who knows what.
type mailroom struct {
	Office
	told   map[*Episode]*told
	events map[*Event]bool
	loud   map[string]bool          // about whom there was a mail on a day
	digest time.Time                // the last that was due
	waits  map[string]time.Duration // how long until a mail of a kind goes out
}

// news is something that nobody was told yet.
type news struct {
	about *Episode
	kind  string // of mail
	since time.Time
	quiet bool   // it may wait until quiet hours are over
	note  func() // it was told
}

func (o Office) to(service string) []string {
	if own := o.Recipients[service]; len(own) > 0 {
		return own
	}
	return o.Everyone
}

// asleep tells whether now lies in quiet hours.
func (o Office) asleep(now time.Time) bool {
	h := now.In(o.Zone).Hour()
	if o.QuietFrom <= o.QuietTo {
		return o.QuietFrom <= h && h < o.QuietTo
	}
	return h >= o.QuietFrom || h < o.QuietTo
}

// lastDigest is when the last digest was due.
func (o Office) lastDigest(now time.Time) time.Time {
	local := now.In(o.Zone)
	due := time.Date(local.Year(), local.Month(), local.Day(), digestHour, 0, 0, 0, o.Zone)
	if due.After(now) {
		due = due.AddDate(0, 0, -1)
	}
	return due
}

// post decides what goes out now.
func (t *Truth) post(now time.Time) {
	r := &t.room
	digest := r.lastDigest(now)
	if r.digest.IsZero() {
		r.digest = digest
	}
	due := digest.After(r.digest)
	r.digest = digest
	mails := map[string][]news{}
	for _, x := range t.Episodes {
		t.hook(x, now)
		for _, n := range t.newsOf(x, now) {
			if n.kind == "digest" && !due || n.quiet && r.asleep(now) {
				continue
			}
			mails[n.kind] = append(mails[n.kind], n)
		}
	}
	r.waits = map[string]time.Duration{}
	for kind, wait := range map[string]time.Duration{"fax": faxWait, "fault": faultWait, "digest": 0} {
		all := mails[kind]
		if len(all) == 0 {
			continue
		}
		oldest := slices.MinFunc(all, func(a, b news) int { return a.since.Compare(b.since) })
		if kind != "digest" && now.Sub(oldest.since) < wait {
			r.waits[kind] = wait - now.Sub(oldest.since)
			continue
		}
		byAddress := map[string][]*Episode{}
		for _, n := range all {
			n.note()
			for _, to := range r.to(t.serviceOf(n.about)) {
				byAddress[to] = append(byAddress[to], n.about)
			}
		}
		for _, to := range slices.Sorted(maps.Keys(byAddress)) {
			t.Mails = append(t.Mails, Mail{now, kind, to, byAddress[to]})
		}
	}
}

// serviceOf is whose an episode is: the line's, else that of all lines on the machine.
func (t *Truth) serviceOf(x *Episode) string {
	if d := t.lines[x.Line]; d != nil {
		return d.then("service", x.Opened)
	}
	if m := t.machines[x.Machine]; m != nil {
		return common(t.linesOn(m, x.Opened), "service", x.Opened)
	}
	return ""
}

func (r *mailroom) of(x *Episode) *told {
	if r.told[x] == nil {
		r.told[x] = &told{}
	}
	return r.told[x]
}

// newsOf is what nobody was told of an episode.
func (t *Truth) newsOf(x *Episode, now time.Time) []news {
	if slices.Contains(faxKinds, x.Kind) {
		return t.faxNews(x)
	}
	known := t.room.of(x)
	day := fmt.Sprint(x.Kind, " ", x.subject(), " ", now.In(t.room.Zone).Format(time.DateOnly))
	over := !x.Closed.IsZero()
	n := news{about: x, since: x.Opened, kind: "fault", quiet: true}
	momentary := x.Kind == "hole" || x.Kind == "device_changed" || x.Kind == "spool_dropping" // its end says nothing
	switch {
	case known.any && (!over || known.end || momentary):
		return nil
	case known.any:
		n.kind, n.quiet, n.note = "digest", false, func() { known.end = true }
		return []news{n}
	case x.Kind == "anomaly", over && !momentary, t.room.loud[day]:
		n.kind, n.quiet = "digest", false
	}
	n.note = func() {
		known.any, known.end = true, over
		if n.kind == "fault" {
			t.room.loud[day] = true
		}
	}
	return []news{n}
}

// faxNews is what nobody was told of faxes after a cut-off. Each fax is told once, however it is judged later.
func (t *Truth) faxNews(x *Episode) (all []news) {
	known := t.room.of(x)
	n := news{about: x, kind: "digest"}
	var fresh []*Event
	sure, certain := false, false
	for _, e := range x.Events {
		if !e.live() || t.room.events[e] {
			continue
		}
		fresh = append(fresh, e)
		if e.sure() && (!sure || e.Noticed.Before(n.since)) {
			sure, n.since = true, e.Noticed
		}
		certain = certain || e.Certainty == "certain"
	}
	over := !x.Closed.IsZero()
	first := sure && !over && !known.first && x.Kind == "after_cutoff"
	if first {
		n.kind, n.quiet = "fax", !certain
	}
	n.note = func() {
		known.any, known.first = true, known.first || first
		for _, e := range fresh {
			t.room.events[e] = true
		}
	}
	if len(fresh) > 0 {
		all = append(all, n)
	}
	if over && !known.end && (known.any || len(fresh) > 0) {
		all = append(all, news{about: x, kind: "digest", note: func() { known.end = true }})
	}
	return all
}

// hook tells programs of the beginning and of the end, at once and at any hour.
func (t *Truth) hook(x *Episode, now time.Time) {
	known := t.room.of(x)
	fires := !slices.Contains(faxKinds, x.Kind) || slices.ContainsFunc(x.Events, (*Event).sure)
	if fires && !known.firing {
		known.firing = true
		t.Hooks = append(t.Hooks, Hook{now, x, true})
	}
	if known.firing && !known.resolved && !x.Closed.IsZero() {
		known.resolved = true
		t.Hooks = append(t.Hooks, Hook{now, x, false})
	}
}

// SayMail is the text of a mail that was got; about are the names of the episodes that it tells of.
func SayMail(at time.Time, subject, to string, about []string) string {
	kind := "fault"
	switch {
	case strings.Contains(subject, "Résumé"):
		kind = "digest"
	case strings.Contains(subject, "Fax après coupure"):
		kind = "fax"
	}
	return sayMail(at, kind, to, about)
}

func sayMail(at time.Time, kind, to string, about []string) string {
	if len(about) > mostTold {
		about = []string{fmt.Sprint(len(about), " things")}
	}
	about = slices.Sorted(slices.Values(about))
	return fmt.Sprintf("%s %s mail to %s: %s", stamp(at.Truncate(time.Second)), kind, to, strings.Join(about, ", "))
}

// SayHook is the text of a message to programs: firing or resolved.
func SayHook(at time.Time, status, about string) string {
	return fmt.Sprintf("%s %s: %s", stamp(at), status, about)
}

// Name tells an episode from others.
func (x *Episode) Name() string {
	return fmt.Sprintf("%s %s of %s", x.Kind, x.about(), stamp(x.Opened))
}

// SayMails are the texts of all mails.
func (t *Truth) SayMails() (texts []string) {
	for _, m := range t.Mails {
		var about []string
		for _, x := range m.About {
			about = append(about, x.Name())
		}
		texts = append(texts, sayMail(m.At, m.Kind, m.To, about))
	}
	return texts
}

// SayHooks are the texts of all messages to programs.
func (t *Truth) SayHooks() (texts []string) {
	for _, h := range t.Hooks {
		status := "resolved"
		if h.Firing {
			status = "firing"
		}
		texts = append(texts, SayHook(h.At, status, h.About.Name()))
	}
	return texts
}
