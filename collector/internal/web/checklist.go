package web

import (
	"errors"
	"net/http"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/indicators"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// exit is what is known of all services' exit checklists.
type exit struct {
	ticks     map[string][]ledger.Tick    // by service
	mailboxes map[string][]ledger.Mailbox // by service
	listed    map[string]bool             // addresses in the national directory
	read      ledger.Day                  // of the extraction that says so; empty: none was read
}

// readExit reads it.
func (s *site) readExit(r *http.Request) (x exit, err error) {
	x = exit{ticks: map[string][]ledger.Tick{}, mailboxes: map[string][]ledger.Mailbox{}, listed: map[string]bool{}}
	ticks, err := s.books(r).Ticks(r.Context())
	if err != nil {
		return x, err
	}
	for _, t := range ticks {
		x.ticks[t.Service] = append(x.ticks[t.Service], t)
	}
	mailboxes, err := s.books(r).Mailboxes(r.Context())
	if err != nil {
		return x, err
	}
	x.mailboxes = presentMailboxes(mailboxes)
	listing, err := s.books(r).Listing(r.Context())
	for _, l := range listing.Listed {
		x.listed[l.Address] = l.Lost == ""
	}
	x.read = listing.Day
	return x, err
}

// presentMailboxes are those that are there now, by service; all versions of each come one after the other.
func presentMailboxes(all []ledger.Mailbox) map[string][]ledger.Mailbox {
	present := make(map[string][]ledger.Mailbox)
	for i, m := range all {
		if last := i+1 == len(all) || all[i+1].Address != m.Address; last && m.State != ledger.NoMailbox {
			present[m.Service] = append(present[m.Service], m)
		}
	}
	return present
}

// point is one of a service's checklist as it is known.
type point struct {
	ledger.Tick
	Proof *indicators.Proof // of an automatic one
}

// done tells whether a point is: by somebody's word, by the books, or by an accepted exception to them.
func (p point) done() bool { return p.Done || p.Proof != nil && p.Proof.Answer == wire.Yes }

// of are the eight points of a service.
func (x exit) of(service string, lines []ledger.Line, now wire.Time, today ledger.Day) (points []point) {
	for _, item := range ledger.ExitItems() {
		p := point{Tick: ledger.Tick{Service: service, Item: item}}
		for _, t := range x.ticks[service] {
			if t.Item == item {
				p.Tick = t
			}
		}
		var proof indicators.Proof
		switch item {
		case ledger.NoFaxReceived:
			proof = indicators.NoFaxReceived(lines, now)
			p.Proof = &proof
		case ledger.AddressesPublished:
			proof = indicators.AddressesPublished(x.mailboxes[service], func(a string) bool { return x.listed[a] }, x.read, today)
			p.Proof = &proof
		}
		points = append(points, p)
	}
	return points
}

// check is a point of the checklist as a page shows it.
type check struct {
	Item   string // its name
	Look   string // yes, no, open, unknown, exception
	State  string
	Who    string
	Note   string
	Reason string // what the books say
}

// checks words the points of a service, and how many are done.
func (s speech) checks(points []point) (list []check, progress string, err error) {
	for _, p := range points {
		c := check{Look: look(p), Note: p.Note}
		if c.Item, err = s.T("exit." + string(p.Item)); err != nil {
			return nil, "", err
		}
		if c.State, err = s.T("exit." + c.Look); err != nil {
			return nil, "", err
		}
		if p.At != 0 {
			c.Who, err = s.T("exit.by", p.Who, s.Day(p.At))
		}
		if err == nil && p.Proof != nil {
			c.Reason, err = s.proof(*p.Proof)
		}
		if err != nil {
			return nil, "", err
		}
		list = append(list, c)
	}
	progress, err = s.progress(points)
	return list, progress, err
}

func look(p point) string {
	switch {
	case p.Proof == nil && p.Done:
		return "yes"
	case p.Proof == nil:
		return "open"
	case p.Proof.Answer == wire.Yes:
		return "yes"
	case p.Done:
		return "exception"
	}
	return string(p.Proof.Answer)
}

// progress says how many points are done, and how many of these only by an exception.
func (s speech) progress(points []point) (string, error) {
	done, exceptions := 0, 0
	for _, p := range points {
		if p.done() {
			done++
		}
		if look(p) == "exception" {
			exceptions++
		}
	}
	text, err := s.T("exit.progress", done)
	if err != nil || exceptions == 0 {
		return text, err
	}
	more, err := s.T("exit.exceptions", exceptions)
	return text + ", " + more, err
}

// proof words what the books say of a point.
func (s speech) proof(p indicators.Proof) (text string, err error) {
	key := "proof." + string(p.Why)
	switch p.Why {
	case indicators.NoLines, indicators.NoExtraction, indicators.OldExtraction, indicators.NoAddresses:
		text, err = s.T(key)
	case indicators.FaxReceived30:
		text, err = s.counted(key, p.Count, s.Day(p.Last))
	default:
		text, err = s.Count(key, p.Count)
	}
	if err != nil || p.ToGo == 0 {
		return text, err
	}
	toGo, err := s.Count("proof.togo", int64(p.ToGo))
	return text + s.Colon() + toGo, err
}

// checklistPage is the form of a service's exit checklist.
type checklistPage struct {
	frame
	Service  ledger.Service
	Rows     []checkField
	Revision string
}

// checkField is a point in the form.
type checkField struct {
	check
	Automatic  bool
	Done, Told field
}

func (s *site) checklistForm(w http.ResponseWriter, r *http.Request) {
	f, books := s.frame(r, "exit.title")
	p := checklistPage{frame: f}
	if !s.mayEditService(w, r, &p.frame, &p.Service, &books) {
		return
	}
	s.renderChecklist(w, r, &p, &books, nil)
}

// mayEditService finds the service of the request; it answers itself where there is none, or where it isn't the reader's.
func (s *site) mayEditService(w http.ResponseWriter, r *http.Request, f *frame, service *ledger.Service, books *ledger.Snapshot) bool {
	var known bool
	if *service, known = books.Register.Services[r.PathValue("id")]; !known && !f.Fault {
		http.NotFound(w, r)
		return false
	}
	if !f.MayEdit() {
		http.Error(w, "you may not change this; ask for the role editor", http.StatusForbidden)
		return false
	}
	return true
}

// renderChecklist shows the form, with what was typed where that is handed over.
func (s *site) renderChecklist(w http.ResponseWriter, r *http.Request, p *checklistPage, books *ledger.Snapshot, typed func(ledger.ExitItem) (done bool, note string)) {
	known, err := s.readExit(r)
	if err == nil && !p.Fault {
		err = p.fill(known, books, s.today(books.At), typed)
	}
	if err != nil {
		s.Log.Error("read the books for the page", "error", err)
		p.Fault = true
	}
	s.Render(w, p.status(), "checklist.html", p)
}

func (p *checklistPage) fill(known exit, books *ledger.Snapshot, today ledger.Day, typed func(ledger.ExitItem) (bool, string)) (err error) {
	if p.Title, err = p.T("exit.title.of", p.ServiceName(p.Service.ID)); err != nil {
		return err
	}
	p.Revision = revision(known.ticks[p.Service.ID])
	points := known.of(p.Service.ID, linesIn(books, p.Service.ID), books.At, today)
	checks, _, err := p.checks(points)
	if err != nil {
		return err
	}
	for i, c := range checks {
		item := points[i].Item
		row := checkField{check: c, Automatic: item.Automatic()}
		done, note := points[i].Done, points[i].Note
		if typed != nil {
			done, note = typed(item)
		}
		label := "exit.done"
		if row.Automatic {
			label = "exit.exception.ask"
		}
		row.Done = field{Name: "done-" + string(item), Type: "checkbox", Checked: done}
		row.Told = field{Name: "note-" + string(item), Value: note, Fault: p.Faults["note-"+string(item)]}
		if row.Done.Label, err = p.T(label); err != nil {
			return err
		}
		if row.Told.Label, err = p.T("exit.note"); err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
	}
	return nil
}

func (s *site) saveChecklist(w http.ResponseWriter, r *http.Request) {
	service := r.PathValue("id")
	typed := func(item ledger.ExitItem) (bool, string) {
		return r.PostFormValue("done-"+string(item)) != "", oneLine(r.PostFormValue("note-" + string(item)))
	}
	f, books := s.frame(r, "exit.title")
	p := checklistPage{frame: f}
	if !s.mayEditService(w, r, &p.frame, &p.Service, &books) {
		return
	}
	if p.check(typed); p.Faults != nil {
		s.renderChecklist(w, r, &p, &books, typed)
		return
	}
	var standing []ledger.Tick
	err := s.books(r).DeclareTicks(r.Context(), author(r), service, func(_ ledger.Register, ticks []ledger.Tick) ([]ledger.Tick, error) {
		standing = ticks
		return ticked(typed), unchanged(r, ticks)
	})
	switch {
	case err == nil:
		s.done(w, r, "/services/"+service+"?done=saved")
	case errors.Is(err, errChanged):
		if p.differs(standing, typed) {
			s.renderChecklist(w, r, &p, &books, typed)
			return
		}
		s.done(w, r, "/services/"+service+"?done=saved")
	default:
		s.refused(w, r, err)
	}
}

// ticked are the ticks of a form.
func ticked(typed func(ledger.ExitItem) (bool, string)) (ticks []ledger.Tick) {
	for _, item := range ledger.ExitItems() {
		done, note := typed(item)
		ticks = append(ticks, ledger.Tick{Item: item, Done: done, Note: note})
	}
	return ticks
}

// check looks for faults in what was typed.
func (p *checklistPage) check(typed func(ledger.ExitItem) (bool, string)) {
	for _, item := range ledger.ExitItems() {
		done, note := typed(item)
		if item.Automatic() && done && note == "" {
			p.wrong("note-"+string(item), "exit.reason.needed")
		}
		if len([]rune(note)) > shortText {
			p.wrong("note-"+string(item), "fault.long", shortText)
		}
	}
}

// differs notes what of the form is other than what stands by now, and tells whether anything is.
func (p *checklistPage) differs(standing []ledger.Tick, typed func(ledger.ExitItem) (bool, string)) bool {
	for _, item := range ledger.ExitItems() {
		var now ledger.Tick
		for _, t := range standing {
			if t.Item == item {
				now = t
			}
		}
		done, note := typed(item)
		label := p.say("exit." + string(item))
		p.Conflicts = differ(p.Conflicts, label, p.ticked(done, note), p.ticked(now.Done, now.Note))
	}
	return p.Conflicts != nil
}

// ticked says what a point of a form says.
func (f frame) ticked(done bool, note string) string {
	if done {
		return joined(f.Colon(), f.say("exit.done"), note)
	}
	return note
}
