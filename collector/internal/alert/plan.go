package alert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// What is told of an episode has names, which are noted as told together with the message that
// tells it. So nothing is told twice, however often the program is killed, however messages are
// put together, and whatever the clocks do.
func opened(e *ledger.Episode) string   { return fmt.Sprintf("%d/opened", e.ID) }   // anything of it
func first(e *ledger.Episode) string    { return fmt.Sprintf("%d/first", e.ID) }    // it, at once
func closed(e *ledger.Episode) string   { return fmt.Sprintf("%d/closed", e.ID) }   // its end
func firing(e *ledger.Episode) string   { return fmt.Sprintf("%d/firing", e.ID) }   // it, to the webhook
func resolved(e *ledger.Episode) string { return fmt.Sprintf("%d/resolved", e.ID) } // its end, to the webhook
func loud(e *ledger.Episode) string { // what it is about, at once
	return fmt.Sprintf("loud/%s/%s/%s/%s", e.Kind, e.Line, e.Device, e.Agent)
}

// situation is all that a plan depends on.
type situation struct {
	Now        time.Time // in the zone in which quiet hours and the digest are meant
	Quiet      Hours
	Recipients map[string][]string // by service
	Everyone   []string            // to whom the rest goes
	Webhook    bool                // there is one
	Cursor     int64               // all news up to this revision is told
	LastDigest time.Time
	First      bool                 // nothing was ever planned
	Episodes   []ledger.Episode     // changed since Cursor, by revision, with the events that weren't told
	Told       map[string]wire.Time // of the names of those episodes, when
}

// plan is what to tell now.
type plan struct {
	Mails  []mail
	Hooks  []hook
	Told   []string
	Events []int64 // told, too
	Cursor int64
	Digest time.Time // the latest that was due
}

// mailKind is what a mail is for.
type mailKind string

const (
	faxMail    mailKind = "fax"    // after a cut-off
	faultMail  mailKind = "fault"  // something keeps us from seeing, or looks wrong
	digestMail mailKind = "digest" // all that can wait, once a day
)

// mail is one to be written, to one address.
type mail struct {
	Kind mailKind
	Name string
	To   string
	News []news
}

// hook is a message for the webhook.
type hook struct {
	Name     string
	Episode  *ledger.Episode
	Resolved bool
}

// news is what to tell of one episode.
type news struct {
	Episode *ledger.Episode
	What    what
	Events  []ledger.Event // not told yet
	since   time.Time      // known for so long
	lane    lane
	names   []string // what is noted as told with it
}

type what string

const (
	beginning what = "opened"
	more      what = "more"
	ending    what = "closed"
	passing   what = "passing" // it began and ended
	nothing   what = ""        // only to be noted
)

// lane is how fast news travels.
type lane int

const (
	daily  lane = iota // in the digest
	prompt             // at once, but not in quiet hours
	urgent             // at once
)

// certainty is the best of what is told; of no events it is empty.
func (n *news) certainty() (best ledger.Certainty) {
	for _, certainty := range []ledger.Certainty{ledger.Unsure, ledger.Probable, ledger.Certain} {
		if slices.ContainsFunc(n.Events, func(x ledger.Event) bool { return x.Certainty == certainty }) {
			best = certainty
		}
	}
	return best
}

// name is of something in it that was never told, so it can name a mail.
func (n *news) name() string {
	if len(n.Events) > 0 {
		return fmt.Sprintf("event/%d", n.Events[0].ID)
	}
	return n.names[0]
}

// names are all names that a plan will ask for.
func names(episodes []ledger.Episode) (all []string) {
	for i := range episodes {
		e := &episodes[i]
		all = append(all, opened(e), first(e), closed(e), firing(e), resolved(e), loud(e))
	}
	return all
}

// told tells whether something of a name was told, ever.
func (s *situation) told(name string) bool { _, ok := s.Told[name]; return ok }

// toldToday tells whether it was today.
func (s *situation) toldToday(name string) bool {
	at, ok := s.Told[name]
	return ok && at.Std().In(s.Now.Location()).Format(time.DateOnly) == s.Now.Format(time.DateOnly)
}

// makePlan decides what is to be told now.
func makePlan(s situation) plan {
	p := plan{Cursor: s.Cursor, Digest: s.LastDigest}
	var waiting []news
	for i := range s.Episodes {
		e := &s.Episodes[i]
		p.Cursor = max(p.Cursor, e.Revision)
		s.hook(&p, e)
		waiting = append(waiting, s.newsOf(e)...)
	}
	waiting = s.tell(&p, waiting)
	for _, n := range waiting {
		p.Cursor = min(p.Cursor, n.Episode.Revision-1)
	}
	slices.Sort(p.Told)
	p.Told = slices.Compact(p.Told)
	return p
}

// tell puts into mails what is due, and returns the rest.
func (s *situation) tell(p *plan, all []news) (rest []news) {
	digest := lastDigest(s.Now, s.Quiet)
	digestDue := digest.After(s.LastDigest) || s.LastDigest.Sub(s.Now) > 48*time.Hour // our own clock was wrong
	if digestDue {
		p.Digest = digest
	}
	groups := map[mailKind][]news{}
	for _, n := range all {
		switch kind := n.mail(); {
		case n.What == nothing:
			p.Told = append(p.Told, n.names...)
		case kind == digestMail && !digestDue, n.lane == prompt && s.Quiet.Contain(s.Now):
			rest = append(rest, n)
		default:
			groups[kind] = append(groups[kind], n)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(groups)) {
		if !s.ripe(kind, groups[kind]) {
			rest = append(rest, groups[kind]...)
			continue
		}
		slices.SortStableFunc(groups[kind], byImportance)
		for _, n := range groups[kind] {
			p.Told = append(p.Told, n.names...)
			for i := range n.Events {
				p.Events = append(p.Events, n.Events[i].ID)
			}
		}
		p.Mails = append(p.Mails, s.mails(kind, groups[kind])...)
	}
	return rest
}

// groupWait is how long the first news of a mail waits for more: a power cut silences many agents, over
// a minute, and an agent that is back tells of many faxes within seconds.
var groupWait = map[mailKind]time.Duration{faxMail: 15 * time.Second, faultMail: 2 * time.Minute}

func (s *situation) ripe(kind mailKind, group []news) bool {
	for _, n := range group {
		if age := s.Now.Sub(n.since); age >= groupWait[kind] || age < -time.Minute { // our own clock was wrong
			return true
		}
	}
	return false
}

func (n *news) mail() mailKind {
	switch {
	case n.lane == daily:
		return digestMail
	case n.Episode.Kind == ledger.AfterCutoff:
		return faxMail
	}
	return faultMail
}

// mails are the mails of one kind, one for each address that any of the news is for.
func (s *situation) mails(kind mailKind, group []news) (mails []mail) {
	byAddress, written := map[string][]news{}, map[string]string{}
	for _, n := range group {
		for _, address := range s.recipients(n.Episode.Service) {
			to := cmp.Or(written[strings.ToLower(address)], address)
			written[strings.ToLower(address)] = to
			byAddress[to] = append(byAddress[to], n)
		}
	}
	for _, to := range slices.Sorted(maps.Keys(byAddress)) {
		name := byAddress[to][0].name() + "/email/" + to
		if kind == digestMail {
			name = "digest/" + s.Now.Format(time.DateOnly) + "/" + name
		}
		mails = append(mails, mail{kind, name, to, byAddress[to]})
	}
	return mails
}

// recipients are the addresses for a service's news, each once.
func (s *situation) recipients(service string) []string {
	to := s.Everyone
	if own := s.Recipients[service]; service != "" && len(own) > 0 {
		to = own
	}
	fold := func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }
	return slices.CompactFunc(slices.SortedFunc(slices.Values(to), fold), strings.EqualFold)
}

// hook tells the webhook, which has no quiet hours and no digest: each episode at its beginning and at its end.
func (s *situation) hook(p *plan, e *ledger.Episode) {
	note := func(name string, resolved bool) {
		if s.told(name) {
			return
		}
		p.Told = append(p.Told, name)
		if s.Webhook {
			p.Hooks = append(p.Hooks, hook{name + "/webhook", e, resolved})
		}
	}
	if fires(e) {
		note(firing(e), false)
	}
	if e.ClosedAt != 0 && (s.told(firing(e)) || fires(e)) {
		note(resolved(e), true)
	}
}

// fires tells whether programs are told of an episode: of faxes that may have been before the cut-off they aren't.
func fires(e *ledger.Episode) bool {
	switch e.Kind {
	case ledger.AfterCutoff, ledger.AfterCopper:
		return e.Certainty == ledger.Certain || e.Certainty == ledger.Probable
	}
	return true
}

// newsOf is what wasn't told yet of an episode.
func (s *situation) newsOf(e *ledger.Episode) []news {
	switch e.Kind {
	case ledger.AfterCutoff, ledger.AfterCopper:
		return s.faxes(e)
	case ledger.AnomalyToJudge:
		return s.condition(e, daily)
	}
	return s.condition(e, prompt)
}

// faxes is the news of an episode that consists of events. An event is told once, whatever it is judged
// to be later: a date that moves makes no news of old faxes.
func (s *situation) faxes(e *ledger.Episode) (all []news) {
	n := news{Episode: e, What: more}
	var sure bool
	for _, event := range e.Events {
		judged := event.Certainty == ledger.Certain || event.Certainty == ledger.Probable
		if !judged && event.Certainty != ledger.Unsure {
			continue
		}
		n.Events = append(n.Events, event)
		if noticed := event.NoticedAt.Std(); judged && (!sure || noticed.Before(n.since)) {
			n.since, sure = noticed, true
		}
		if event.Certainty == ledger.Certain {
			n.lane = urgent
		}
	}
	if !s.told(opened(e)) {
		n.What = beginning
	}
	switch {
	case e.Kind == ledger.AfterCopper, e.ClosedAt != 0, s.told(first(e)), !sure:
		n.lane = daily
	default:
		n.lane = max(n.lane, prompt)
		n.names = append(n.names, first(e))
	}
	if len(n.Events) > 0 {
		n.names = append(n.names, opened(e))
		all = append(all, n)
	}
	return append(all, s.end(e, s.told(opened(e)) || len(n.Events) > 0)...)
}

// condition is the news of an episode that lasts as long as its condition.
func (s *situation) condition(e *ledger.Episode, pace lane) []news {
	if s.told(opened(e)) {
		return s.end(e, true)
	}
	n := news{Episode: e, What: beginning, since: e.OpenedAt.Std(), lane: pace, names: []string{opened(e)}}
	if e.ClosedAt != 0 {
		n.What, n.names = passing, append(n.names, closed(e))
	}
	switch {
	case pace == daily:
	case e.ClosedAt != 0 && !momentary(e.Kind), s.toldToday(loud(e)): // over before anybody was told, or told today already: no hurry
		n.lane = daily
	default:
		n.names = append(n.names, loud(e))
	}
	return []news{n}
}

// momentary are kinds of which the end says nothing: what happened has happened.
func momentary(kind ledger.EpisodeKind) bool {
	return kind == ledger.Hole || kind == ledger.DeviceReplaced || kind == ledger.SpoolDropping
}

// end is the news that an episode is closed, worth telling only to those who heard of it.
func (s *situation) end(e *ledger.Episode, heard bool) []news {
	if e.ClosedAt == 0 || s.told(closed(e)) {
		return nil
	}
	n := news{Episode: e, What: ending, names: []string{closed(e)}}
	if !heard || momentary(e.Kind) && e.ClosedBy == "" {
		n.What = nothing
	}
	return []news{n}
}

// byImportance puts what matters most first.
func byImportance(a, b news) int {
	return cmp.Or(
		cmp.Compare(slices.Index(ledger.EpisodeKinds(), a.Episode.Kind), slices.Index(ledger.EpisodeKinds(), b.Episode.Kind)),
		cmp.Compare(a.Episode.ID, b.Episode.ID),
	)
}
