package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Wave is a group of services that are switched off together.
type Wave struct {
	Number   int64    `json:"number"` // the ledger gives it: 0 = a new one
	Name     string   `json:"name"`
	Cutoff   Day      `json:"cutoff,omitempty"` // from its beginning on nobody should fax; empty: not said yet
	Services []string `json:"services"`         // ids, in order; a service is in one wave at most
	Note     string   `json:"note,omitempty"`
	Appointment
}

// Appointment is how a thing stands in people's calendars. The ledger keeps it.
type Appointment struct {
	UID       string    `json:"-"`
	Revision  int64     `json:"-"` // 0 = the first version
	ChangedAt wire.Time `json:"-"`
}

// Milestone is a day of the plan by which something is to be done.
type Milestone struct {
	ID    int64         `json:"id"`             // the ledger gives it: 0 = a new one
	Wave  int64         `json:"wave"`           // number; 0: of the structure as a whole
	Kind  MilestoneKind `json:"kind,omitempty"` // empty: people's own
	Day   Day           `json:"day"`
	Title string        `json:"title,omitempty"` // empty: as its kind is called
	Done  Day           `json:"done,omitempty"`  // on which it was done; empty: not yet
	Appointment
}

// MilestoneKind is what a milestone of a backward plan is.
type MilestoneKind string

// The kinds, in the order of a plan.
const (
	ProceduresReady MilestoneKind = "procedures"  // written, approved, with owners
	AddressesReady  MilestoneKind = "addresses"   // each service has its MSSanté addresses, published
	ToldInside      MilestoneKind = "internal"    // services know the plan
	ToldOutside     MilestoneKind = "external"    // partners know the day and the addresses
	Trained         MilestoneKind = "training"    // sessions are held
	FirstCheck      MilestoneKind = "check"       // what is still missing
	AutomaticReply  MilestoneKind = "reply"       // machines send the fax type, posters hang
	LastCheck       MilestoneKind = "last_check"  // go or not
	CheckAfter      MilestoneKind = "check_after" // who still faxes
	ChecklistCheck  MilestoneKind = "checklist"   // exit checklists are complete
)

// WholeStructure is the number of no wave.
const WholeStructure = 0

// MilestoneKinds are all kinds, in their order.
func MilestoneKinds() []MilestoneKind {
	return []MilestoneKind{
		ProceduresReady, AddressesReady, ToldInside, ToldOutside, Trained, FirstCheck, AutomaticReply, LastCheck, CheckAfter, ChecklistCheck,
	}
}

// ServiceNote is by what a service's turn is chosen and machines don't tell.
type ServiceNote struct {
	Service   string      `json:"service"`
	Urgency   int64       `json:"urgency,omitempty"`   // vital, 1 (least) to 4; 0: not known
	Motivated wire.Answer `json:"motivated,omitempty"` // yes or no; empty: not known
	Available wire.Answer `json:"available,omitempty"` // likewise
	Blocked   wire.Answer `json:"blocked,omitempty"`   // by something technical; likewise
	Blocker   string      `json:"blocker,omitempty"`   // by what
}

// MaxUrgency is the highest vital urgency.
const MaxUrgency = 4

// Plan is in which order services are switched off.
type Plan struct {
	Waves      []Wave      // by number
	Milestones []Milestone // by day
}

// ErrWave is of a plan that can't be: it says why.
var ErrWave = errors.New("no such plan")

var (
	wavesTable      = table{"waves", "number, name, cutoff, services, note, uid, revision, changed_at", 1, false}
	notesTable      = table{"service_notes", "service, urgency, motivated, available, blocked, blocker", 1, false}
	milestonesTable = table{"milestones", "id, wave, kind, day, title, done_on, uid, revision, changed_at", 1, false}
)

// Waves are all waves, by number.
func (l *Ledger) Waves(ctx context.Context) ([]Wave, error) {
	p, err := l.Plan(ctx)
	return p.Waves, err
}

// Plan is the whole plan.
func (l *Ledger) Plan(ctx context.Context) (p Plan, err error) {
	err = l.read(ctx, "waves", func(q querier, _ wire.Time) error {
		p, err = readPlan(ctx, q)
		return err
	})
	return p, err
}

// ServiceNotes are those of all services of which anything is noted, by service.
func (l *Ledger) ServiceNotes(ctx context.Context) (notes map[string]ServiceNote, err error) {
	err = l.read(ctx, "notes of services", func(q querier, _ wire.Time) error {
		notes, err = readServiceNotes(ctx, q)
		return err
	})
	return notes, err
}

// DeclarePlan lets change alter the plan, in one transaction with the audit log. It is handed all of it and gives it
// back in any order; what has no number or id is new and gets one. Milestones of a wave that is no more go with it.
// A plan that can't be is ErrWave. On any error nothing happens.
func (l *Ledger) DeclarePlan(ctx context.Context, by Author, change func(Register, Plan) (Plan, error)) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readPlan(ctx, l.store.conn)
		if err != nil {
			return err
		}
		after, err := change(b.register.Clone(), before.clone())
		if err != nil {
			return err
		}
		b.enumerate(&after)
		after.Milestones = slices.DeleteFunc(after.Milestones, func(m Milestone) bool {
			return m.Wave != WholeStructure && !slices.ContainsFunc(after.Waves, func(w Wave) bool { return w.Number == m.Wave })
		})
		if err := errors.Join(before.checkWaves(&after, &b.register), after.checkMilestones()); err != nil {
			return err
		}
		b.revise(&before, &after)
		b.auditPlan(by, &before, &after)
		b.swap(before.records(), after.records())
		return nil
	})
}

// DeclareServiceNote lets change say something of a service, likewise. It is handed what was noted so far. A service
// that is not in the register is ErrNoService.
func (l *Ledger) DeclareServiceNote(ctx context.Context, by Author, service string, change func(Register, ServiceNote) (ServiceNote, error)) error {
	return l.transact(ctx, func(b *books) error {
		if _, known := b.register.Services[service]; !known {
			return fmt.Errorf("note of %q: %w", service, ErrNoService)
		}
		notes, err := readServiceNotes(ctx, l.store.conn)
		if err != nil {
			return err
		}
		was := notes[service]
		was.Service = service
		is, err := change(b.register.Clone(), was)
		if err = errors.Join(err, is.check()); err != nil {
			return err
		}
		is.Service = service
		b.changes.declared = append(b.changes.declared, is.record())
		b.auditFields(by, "service_notes "+service, was.fields(), is.fields())
		return nil
	})
}

func (p Plan) clone() Plan {
	c := Plan{Waves: slices.Clone(p.Waves), Milestones: slices.Clone(p.Milestones)}
	for i := range c.Waves {
		c.Waves[i].Services = slices.Clone(c.Waves[i].Services)
	}
	return c
}

// enumerate gives new waves and milestones their numbers. Those of waves follow the highest; those of milestones are
// among those of the lines of the audit log that note them.
func (b *books) enumerate(p *Plan) {
	last := int64(0)
	for i := range p.Waves {
		last = max(last, p.Waves[i].Number)
	}
	for i := range p.Waves {
		w := &p.Waves[i]
		slices.Sort(w.Services)
		if w.Number == 0 {
			last++
			w.Number = last
		}
	}
	id := b.last.audit
	for i := range p.Milestones {
		if m := &p.Milestones[i]; m.ID == 0 {
			id++ // each is noted in a line of the audit log or more, so these are never given again
			m.ID = id
		}
	}
	slices.SortFunc(p.Waves, func(a, b Wave) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(p.Milestones, Milestone.Compare)
}

// Compare orders milestones by day, those of the whole first.
func (m Milestone) Compare(other Milestone) int {
	return cmp.Or(strings.Compare(string(m.Day), string(other.Day)), cmp.Compare(m.Wave, other.Wave), cmp.Compare(m.ID, other.ID))
}

// checkWaves wants numbers that differ, days, and each service once. Services may have left the register since.
func (p *Plan) checkWaves(next *Plan, r *Register) error {
	known := make(map[string]bool)
	for _, w := range p.Waves {
		for _, id := range w.Services {
			known[id] = true
		}
	}
	in := make(map[string]int64)
	for i, w := range next.Waves {
		switch {
		case w.Number < 1 || i > 0 && next.Waves[i-1].Number == w.Number:
			return fmt.Errorf("wave %d: %w: the number is another one's, or none", w.Number, ErrWave)
		case w.Cutoff != "" && !isDay(w.Cutoff):
			return fmt.Errorf("wave %d: %w: %q is no day", w.Number, ErrWave, w.Cutoff)
		}
		for _, id := range w.Services {
			if other := in[id]; other != 0 {
				return fmt.Errorf("wave %d: %w: %s is in wave %d too", w.Number, ErrWave, id, other)
			}
			if in[id] = w.Number; r.Services[id].ID == "" && !known[id] {
				return fmt.Errorf("wave %d: %s: %w", w.Number, id, ErrNoService)
			}
		}
	}
	return nil
}

func (p *Plan) checkMilestones() error {
	for _, m := range p.Milestones {
		switch {
		case !isDay(m.Day) || m.Done != "" && !isDay(m.Done):
			return fmt.Errorf("milestone %d: %w: want a day, and one on which it was done or nothing; got %q and %q", m.ID, ErrWave, m.Day, m.Done)
		case m.Kind == "" && m.Title == "":
			return fmt.Errorf("milestone %d: %w: it has no title", m.ID, ErrWave)
		case m.Kind != "" && !slices.Contains(MilestoneKinds(), m.Kind):
			return fmt.Errorf("milestone %d: %w: %q is no kind", m.ID, ErrWave, m.Kind)
		}
	}
	return nil
}

func (n *ServiceNote) check() error {
	if n.Urgency < 0 || n.Urgency > MaxUrgency {
		return fmt.Errorf("vital urgency %d: want 1 to %d, or 0 where it isn't known", n.Urgency, MaxUrgency)
	}
	for _, a := range []wire.Answer{n.Motivated, n.Available, n.Blocked} {
		if a != "" && a != wire.Yes && a != wire.No {
			return fmt.Errorf("answer %q: want yes, no, or nothing where it isn't known", a)
		}
	}
	return nil
}

// revise numbers the versions of what changed, so that people's calendars take the newer one.
func (b *books) revise(before, after *Plan) {
	now := wire.TimeOf(b.now())
	for i := range after.Waves {
		w := &after.Waves[i]
		was, _ := find(before.Waves, func(x *Wave) bool { return x.Number == w.Number })
		w.Appointment = was.next(now, slices.Equal(was.fields(), w.fields()))
	}
	for i := range after.Milestones {
		m := &after.Milestones[i]
		was, _ := find(before.Milestones, func(x *Milestone) bool { return x.ID == m.ID })
		m.Appointment = was.next(now, slices.Equal(was.fields(), m.fields()))
	}
}

// next is the appointment of a thing that may be another one than before.
func (e Appointment) next(now wire.Time, same bool) Appointment {
	switch {
	case e.UID == "":
		return Appointment{UID: strings.ToLower(rand.Text()), ChangedAt: now}
	case same:
		return e
	}
	return Appointment{UID: e.UID, Revision: e.Revision + 1, ChangedAt: now}
}

func isDay(d Day) bool { return d.In(time.UTC) != 0 }

func find[T any](all []T, wanted func(*T) bool) (x T, ok bool) {
	for i := range all {
		if wanted(&all[i]) {
			return all[i], true
		}
	}
	return x, false
}

// auditPlan notes what changed.
func (b *books) auditPlan(by Author, before, after *Plan) {
	note := func(subject string, was, is []field) {
		for i, f := range is {
			b.log(by, subject, f.name, was[i].text, f.text)
		}
	}
	for _, w := range after.Waves {
		was, _ := find(before.Waves, func(x *Wave) bool { return x.Number == w.Number })
		note(fmt.Sprint("waves ", w.Number), was.fields(), w.fields())
	}
	for _, was := range before.Waves {
		if _, still := find(after.Waves, func(x *Wave) bool { return x.Number == was.Number }); !still {
			note(fmt.Sprint("waves ", was.Number), was.fields(), new(Wave).fields())
		}
	}
	for _, m := range after.Milestones {
		was, _ := find(before.Milestones, func(x *Milestone) bool { return x.ID == m.ID })
		note(fmt.Sprint("milestones ", m.ID), was.fields(), m.fields())
	}
	for _, was := range before.Milestones {
		if _, still := find(after.Milestones, func(x *Milestone) bool { return x.ID == was.ID }); !still {
			note(fmt.Sprint("milestones ", was.ID), was.fields(), new(Milestone).fields())
		}
	}
}

func (w *Wave) fields() []field {
	number := ""
	if w.Number != 0 {
		number = strconv.FormatInt(w.Number, 10)
	}
	return []field{
		{"number", number},
		{"name", w.Name},
		{"cutoff", string(w.Cutoff)},
		{"services", strings.Join(w.Services, " ")},
		{"note", w.Note},
	}
}

func (m *Milestone) fields() []field {
	wave := ""
	if m.Wave != WholeStructure {
		wave = strconv.FormatInt(m.Wave, 10)
	}
	return []field{
		{"wave", wave},
		{"kind", string(m.Kind)},
		{"day", string(m.Day)},
		{"title", m.Title},
		{"done_on", string(m.Done)},
	}
}

func (n *ServiceNote) fields() []field {
	urgency := ""
	if n.Urgency != 0 {
		urgency = strconv.FormatInt(n.Urgency, 10)
	}
	return []field{
		{"urgency", urgency},
		{"motivated", string(n.Motivated)},
		{"available", string(n.Available)},
		{"blocked", string(n.Blocked)},
		{"blocker", n.Blocker},
	}
}

func (n *ServiceNote) record() record {
	return record{&notesTable, []any{n.Service, n.Urgency, string(n.Motivated), string(n.Available), string(n.Blocked), n.Blocker}}
}

func (p *Plan) records() map[string]record {
	all := make(map[string]record)
	for _, w := range p.Waves {
		keyed(&wavesTable, all, w.Number, w.Name, string(w.Cutoff), strings.Join(w.Services, " "), w.Note, w.UID, w.Revision, int64(w.ChangedAt))
	}
	for _, m := range p.Milestones {
		keyed(&milestonesTable, all, m.ID, m.Wave, string(m.Kind), string(m.Day), m.Title, string(m.Done), m.UID, m.Revision, int64(m.ChangedAt))
	}
	return all
}

func readPlan(ctx context.Context, q querier) (p Plan, err error) {
	err = errors.Join(
		each(ctx, q, "SELECT "+wavesTable.columns+" FROM waves ORDER BY number", func(read func(...any) error) error {
			var w Wave
			var services string
			err := read(&w.Number, &w.Name, &w.Cutoff, &services, &w.Note, &w.UID, &w.Revision, &w.ChangedAt)
			w.Services = strings.Fields(services)
			p.Waves = append(p.Waves, w)
			return err
		}),
		each(ctx, q, "SELECT "+milestonesTable.columns+" FROM milestones", func(read func(...any) error) error {
			var m Milestone
			err := read(&m.ID, &m.Wave, &m.Kind, &m.Day, &m.Title, &m.Done, &m.UID, &m.Revision, &m.ChangedAt)
			p.Milestones = append(p.Milestones, m)
			return err
		}))
	slices.SortFunc(p.Milestones, Milestone.Compare)
	return p, err
}

func readServiceNotes(ctx context.Context, q querier) (map[string]ServiceNote, error) {
	notes := make(map[string]ServiceNote)
	err := each(ctx, q, "SELECT "+notesTable.columns+" FROM service_notes", func(read func(...any) error) error {
		var n ServiceNote
		err := read(&n.Service, &n.Urgency, &n.Motivated, &n.Available, &n.Blocked, &n.Blocker)
		notes[n.Service] = n
		return err
	})
	return notes, err
}
