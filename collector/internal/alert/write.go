package alert

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// writer puts news into words.
type writer struct {
	language string // fr, en
	zone     *time.Location
	now      wire.Time
	link     string // of the page; may be empty
	devices  map[string]*ledger.Device
	lines    map[string]*ledger.Line
	register *ledger.Register
}

func newWriter(s *ledger.Snapshot, language string, zone *time.Location, link string) *writer {
	w := &writer{
		language: language, zone: zone, now: s.At, link: link, register: &s.Register,
		devices: make(map[string]*ledger.Device, len(s.Devices)), lines: make(map[string]*ledger.Line, len(s.Lines)),
	}
	for i := range s.Devices {
		w.devices[s.Devices[i].ID] = &s.Devices[i]
	}
	for i := range s.Lines {
		w.lines[s.Lines[i].ID] = &s.Lines[i]
	}
	return w
}

// say is a text. Its keys stand in this program, so that a missing one is a fault that tests find.
func (w *writer) say(key string, args ...any) string {
	text, err := texts.In(w.language, w.zone, w.now).T(key, args...)
	if err != nil {
		return key
	}
	return text
}

// unbroken is a text of the ledger's, in the mail's language, whose punctuation doesn't begin a line.
func (w *writer) unbroken(text string) string {
	if w.language == "en" {
		return text
	}
	return page.Unbroken(text)
}

func (w *writer) count(key string, n int64, args ...any) string {
	form := key + ".other"
	if n == 1 || n == 0 && w.language != "en" {
		form = key + ".one"
	}
	return w.say(form, args...)
}

// in is what to say times with that are meant in the zone of an episode's site.
func (w *writer) in(e *ledger.Episode) page.Speech {
	return texts.In(w.language, cmp.Or(e.Zone, w.zone), w.now)
}

// How many episodes a mail tells in detail, how many more it names, and how many events of each it tells.
const (
	maxSections = 40
	maxNamed    = 500
	maxEvents   = 10
)

// letter writes a mail.
func (w *writer) letter(m *mail) letter {
	l := w.blank()
	switch m.Kind {
	case faxMail:
		l.Subject, l.Lead = w.faxSubject(m.News), []string{w.faxLead(m.News)}
	case faultMail:
		l.Subject = w.faultSubject(m.News)
	case digestMail:
		l.Subject, l.Lead = w.digestSubject(m.News), []string{w.say("digest.lead")}
	}
	l.Subject = plain(w.say("subject", l.Subject))
	for i := range m.News[:min(len(m.News), maxSections)] {
		l.Sections = append(l.Sections, w.section(m.Kind, &m.News[i]))
	}
	sayOnce(l.Sections)
	if rest := m.News[min(len(m.News), maxSections):]; len(rest) > 0 {
		l.More = w.count("rest", int64(len(rest)), len(rest), w.some(rest, maxNamed, w.titled))
	}
	return l
}

// sayOnce takes away leads and advice that a neighbour gives, too.
func sayOnce(sections []section) {
	for i := len(sections) - 1; i > 0; i-- {
		if sections[i].Lead == sections[i-1].Lead {
			sections[i].Lead = ""
		}
	}
	for i := 1; i < len(sections); i++ {
		if sections[i].Advice == sections[i-1].Advice {
			sections[i-1].Advice = ""
		}
	}
}

func (w *writer) blank() letter {
	return letter{Language: w.language, Link: w.link, Footer: w.say("footer")}
}

// test is a mail that only proves that mails arrive.
func (w *writer) test() letter {
	l := w.blank()
	l.Subject, l.Lead = w.say("subject", w.say("subject.test")), []string{w.say("test.lead"), w.say("test.more")}
	return l
}

// faxLead says no more than is sure.
func (w *writer) faxLead(all []news) string {
	key := "lead.probable"
	if slices.ContainsFunc(all, func(n news) bool { return n.certainty() == ledger.Certain }) {
		key = "lead.after_cutoff"
	}
	if len(all) > 1 {
		return w.say(key+".many", len(all))
	}
	return w.say(key)
}

func (w *writer) faxSubject(all []news) string {
	if len(all) == 1 {
		e := all[0].Episode
		return w.say("subject.after_cutoff", w.where(e), w.amount(e.Count, e.Unit), w.say(string(e.Certainty)))
	}
	return w.say("subject.fax.other", len(all), w.some(all, maxInSubject, w.where))
}

func (w *writer) faultSubject(all []news) string {
	kinds := map[ledger.EpisodeKind]bool{}
	for _, n := range all {
		kinds[n.Episode.Kind] = true
	}
	kind := all[0].Episode.Kind
	switch many, ok := texts["titles."+string(kind)], len(kinds) == 1; {
	case len(all) == 1:
		return w.titled(all[0].Episode)
	case ok && many[0] != "":
		return w.say("subject.same", w.say("titles."+string(kind), len(all)), w.some(all, maxInSubject, w.where))
	}
	return w.say("subject.fault.other", len(all), w.some(all, maxInSubject, w.titled))
}

func (w *writer) digestSubject(all []news) string {
	subject := w.count("subject.digest", int64(len(all)), texts.In(w.language, w.zone, w.now).Day(w.now), len(all))
	faxes := map[bool]bool{} // sure ones, unsure ones
	for _, n := range all {
		if n.Episode.Kind == ledger.AfterCutoff && len(n.Events) > 0 {
			faxes[n.certainty() != ledger.Unsure] = true
		}
	}
	switch {
	case faxes[true]:
		subject += w.say("subject.digest.faxes")
	case faxes[false]:
		subject += w.say("subject.digest.unsure")
	}
	return subject
}

const maxInSubject = 3

// some names the first few of many.
func (w *writer) some(all []news, few int, name func(*ledger.Episode) string) string {
	var named []string
	for _, n := range all[:min(len(all), few)] {
		named = append(named, name(n.Episode))
	}
	text := strings.Join(named, ", ")
	if rest := len(all) - len(named); rest > 0 {
		return w.count("subject.and", int64(rest), text, rest)
	}
	return text
}

// titled is what an episode is and where.
func (w *writer) titled(e *ledger.Episode) string {
	title := w.say("title." + string(e.Kind))
	if e.Kind == ledger.AfterCutoff && e.Certainty == ledger.Unsure {
		title = w.say("title.unsure")
	}
	return w.say("subject.same", title, w.where(e))
}

// where is an episode's line with its service, else its machine or agent, in few words.
func (w *writer) where(e *ledger.Episode) string {
	switch {
	case e.Line != "" && e.Service != "":
		return fmt.Sprintf("%s (%s)", w.line(e), w.service(e.Service))
	case e.Line != "":
		return w.line(e)
	case e.Device != "":
		return cmp.Or(w.model(e.Device), e.Device)
	}
	return e.Agent
}

// section tells one piece of news.
func (w *writer) section(kind mailKind, n *news) section {
	e := n.Episode
	s := section{Title: plain(w.titled(e))}
	switch {
	case kind == digestMail:
		s.Title = fmt.Sprintf("%s – %s", w.say("news."+string(n.What)), s.Title)
	case kind == faultMail:
		s.Lead = w.say("lead." + string(e.Kind))
	}
	add := func(key, value string) {
		if value = plain(value); value != "" {
			s.Facts = append(s.Facts, [2]string{w.say("fact." + key), value})
		}
	}
	w.place(e, add)
	w.faxes(n, add)
	add("since", w.at(e, e.OpenedAt))
	if n.What == ending || n.What == passing {
		add("closed", w.closing(e))
	} else {
		for _, x := range e.Evidence {
			if !slices.Contains(toldElsewhere, x.Kind) {
				add("evidence", w.unbroken(x.Text(w.language, cmp.Or(e.Zone, w.zone))))
			}
		}
		s.Advice = w.say("advice." + string(e.Kind))
	}
	add("number", strconv.FormatInt(e.ID, 10))
	return s
}

// toldElsewhere is evidence that a mail tells in its own facts.
var toldElsewhere = []ledger.EvidenceKind{
	ledger.EvidencePlanned, ledger.EvidenceCut, ledger.EvidenceMachine, ledger.EvidenceCounted, ledger.EvidenceReset,
}

// place tells where an episode belongs.
func (w *writer) place(e *ledger.Episode, add func(key, value string)) {
	l := w.lines[e.Line]
	add("line", w.fullLine(e))
	switch {
	case e.Service != "":
		add("service", w.serviceAndPole(e.Service))
	case e.Line != "":
		add("service", w.say("unassigned"))
	}
	if l != nil {
		site, house := w.register.Sites[l.Site].Name, w.register.Establishments[l.Establishment].Name
		if site != "" && house != "" && site != house {
			site = w.say("place.of", site, house)
		}
		add("site", cmp.Or(site, house))
		add("cutoff", w.cutoff(l))
	}
	add("machine", w.machine(e.Device))
	add("agent", e.Agent)
}

func (w *writer) cutoff(l *ledger.Line) string {
	var said []string
	if day := w.day(l.Cutoff); day != "" {
		said = append(said, w.say("cutoff.planned", day))
	}
	if day := w.day(l.CutOn); day != "" {
		said = append(said, w.say("cutoff.done", day))
	}
	return strings.Join(said, ", ")
}

// day is a day of the calendar as people write it.
func (w *writer) day(d ledger.Day) string {
	at := d.In(time.UTC)
	if at == 0 {
		return ""
	}
	return texts.In(w.language, time.UTC, w.now).Day(at)
}

// line is what an episode's line is called.
func (w *writer) line(e *ledger.Episode) string {
	l := w.lines[e.Line]
	switch {
	case e.Number != "":
		return grouped(e.Number)
	case l != nil && l.Number != "":
		return grouped(l.Number)
	case l != nil && l.Extension != "":
		return w.say("extension", l.Extension)
	}
	return grouped(e.Line)
}

func (w *writer) fullLine(e *ledger.Episode) string {
	name := w.line(e)
	if l := w.lines[e.Line]; l != nil && l.Extension != "" && l.Number != "" {
		return w.say("number.extension", name, l.Extension)
	}
	return name
}

var national = regexp.MustCompile(`^0[0-9]{9}$`)

// grouped is a French number as people read it, in pairs; anything else stays.
func grouped(number string) string {
	if !national.MatchString(number) {
		return number
	}
	var pairs []string
	for pair := range slices.Chunk([]byte(number), 2) {
		pairs = append(pairs, string(pair))
	}
	return strings.Join(pairs, "\u00a0")
}

func (w *writer) service(id string) string { return cmp.Or(w.register.Services[id].Name, id) }

func (w *writer) serviceAndPole(id string) string {
	if pole := w.register.Poles[w.register.Services[id].Pole].Name; pole != "" {
		return w.say("pole.of", w.service(id), pole)
	}
	return w.service(id)
}

func (w *writer) model(device string) string {
	d := w.devices[device]
	switch {
	case d == nil:
		return ""
	case d.Model == "":
		return d.ID
	case d.Vendor == "" || strings.Contains(strings.ToLower(d.Model), d.Vendor):
		return d.Model
	}
	return strings.ToUpper(d.Vendor[:1]) + d.Vendor[1:] + " " + d.Model
}

// machine is what a machine is, and where it stands: as declared, else as it says itself.
func (w *writer) machine(device string) string {
	d := w.devices[device]
	if d == nil {
		return device
	}
	said := []string{w.model(device)}
	if d.Serial != "" {
		said = append(said, w.say("serial", d.Serial))
	}
	for _, id := range []string{d.ID, d.Serial} {
		if declared, ok := ledger.Present(w.register.Devices[strings.ToLower(id)]); ok {
			return joined(append(said, declared.Name, cmp.Or(declared.Location, d.Location)))
		}
	}
	return joined(append(said, d.Location))
}

func joined(parts []string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// faxes tells what was faxed.
func (w *writer) faxes(n *news, add func(key, value string)) {
	e := n.Episode
	if len(e.Events) > 0 || e.Kind == ledger.AfterCutoff && e.Count > 0 {
		add("volume", w.amount(e.Count, e.Unit))
	}
	for i := range n.Events[:min(len(n.Events), maxEvents)] {
		add("event", w.event(e, &n.Events[i]))
	}
	if rest := len(n.Events) - maxEvents; rest > 0 {
		add("event", w.count("events", int64(rest), rest))
	}
	if key := "why." + string(n.certainty()); len(n.Events) > 0 && e.Kind == ledger.AfterCutoff && w.has(key) {
		add("certainty", w.say(key))
	}
}

func (w *writer) event(e *ledger.Episode, x *ledger.Event) string {
	amount := w.amount(x.Count, x.Unit)
	if x.Count == 0 {
		amount = w.say("amount.unknown")
	}
	sure := w.say(string(x.Certainty))
	if key := "doubt." + string(x.Doubt); x.Certainty == ledger.Unsure && w.has(key) {
		sure = w.say("subject.same", sure, w.say(key))
	}
	return w.say("event", w.between(e, x.From, x.To), amount, w.measure(x), sure)
}

func (w *writer) has(key string) bool { _, ok := texts[key]; return ok }

// measure says what a machine counts.
func (w *writer) measure(x *ledger.Event) string {
	if w.attempts(x) {
		return w.say("measure.attempt")
	}
	if key := "measure." + string(x.Measure); w.has(key) {
		return w.say(key)
	}
	return string(x.Measure)
}

// attempts tells whether a machine counts what was scanned for a fax, whether or not it went out, as Kyoceras do.
func (w *writer) attempts(x *ledger.Event) bool {
	d := w.devices[x.Device]
	return d != nil && x.Measure == wire.FaxSentPages && slices.ContainsFunc(d.Counters, func(c ledger.Counter) bool {
		return c.Measure == x.Measure && c.Current && strings.HasSuffix(c.Rule, "originals")
	})
}

func (w *writer) amount(n int64, unit string) string {
	text, err := texts.In(w.language, w.zone, w.now).Amount(n, unit)
	if err != nil {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return text
}

// between says an interval by the clock on the site's wall.
func (w *writer) between(e *ledger.Episode, from, to wire.Time) string {
	s, zone := w.in(e), cmp.Or(e.Zone, w.zone)
	clock := func(t wire.Time) string { return t.Std().In(zone).Format("15:04") }
	switch {
	case from == 0:
		return w.say("before", s.Day(to), clock(to))
	case s.Day(from) == s.Day(to):
		return w.say("between.day", s.Day(to), clock(from), clock(to)) + w.elsewhere(e, to)
	}
	return w.say("between.days", s.Day(from), clock(from), s.Day(to), clock(to)) + w.elsewhere(e, to)
}

// at says an instant by the clock on the site's wall.
func (w *writer) at(e *ledger.Episode, t wire.Time) string {
	return w.say("on", w.in(e).Day(t), t.Std().In(cmp.Or(e.Zone, w.zone)).Format("15:04")) + w.elsewhere(e, t)
}

// elsewhere says which clock is meant where it isn't the reader's.
func (w *writer) elsewhere(e *ledger.Episode, t wire.Time) string {
	if t.Std().In(cmp.Or(e.Zone, w.zone)).Format("-07:00") == t.Std().In(w.zone).Format("-07:00") {
		return ""
	}
	return " (" + w.say("zone", w.in(e).Zone(t)) + ")"
}

// closing says when, by whom and why an episode was closed.
func (w *writer) closing(e *ledger.Episode) string {
	reason := w.unbroken(e.ReasonText(w.language))
	switch {
	case e.ClosedBy != "":
		return w.say("closed.by", w.at(e, e.ClosedAt), e.ClosedBy, reason)
	case reason != "":
		return w.say("closed.self", w.at(e, e.ClosedAt), reason)
	}
	return w.at(e, e.ClosedAt)
}
