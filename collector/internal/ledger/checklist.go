package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// ExitItem is a point of the checklist by which a service ends its move away from fax.
type ExitItem string

// The eight points, as the national kit orders them.
const (
	AccessWorks        ExitItem = "access"        // to the MSSanté addresses
	AddressesPublished ExitItem = "published"     // all of them, in the national directory; the books tell
	ProceduresTold     ExitItem = "procedures"    // to all secretariats, services and professionals
	AddressesKnown     ExitItem = "known"         // by all secretariats, with the procedures
	NoFaxReceived      ExitItem = "no_fax"        // any more; the books tell
	LettersChanged     ExitItem = "letters"       // signatures and letterheads: with MSSanté, without fax
	PartnersInformed   ExitItem = "partners"      // the main correspondents
	DirectoryUpdated   ExitItem = "contacts_book" // of the service, and approved
)

// ExitItems are all points, in their order.
func ExitItems() []ExitItem {
	return []ExitItem{
		AccessWorks, AddressesPublished, ProceduresTold, AddressesKnown, NoFaxReceived, LettersChanged, PartnersInformed, DirectoryUpdated,
	}
}

// Automatic tells whether the books themselves tell of a point, and nobody ticks it.
func (i ExitItem) Automatic() bool { return i == AddressesPublished || i == NoFaxReceived }

// Tick is what somebody said of a point of a service's checklist.
type Tick struct {
	Service string    `json:"service"`
	Item    ExitItem  `json:"item"`
	Done    bool      `json:"done"` // of an automatic point: an exception to it is accepted, for what Note says
	Note    string    `json:"note,omitempty"`
	At      wire.Time `json:"at"`  // when it was said; the ledger sets it
	Who     string    `json:"who"` // likewise
}

var checklistTable = table{"checklist", "service, item, done, note, at, who", 2, false}

// Ticks are all that was said of all services, by service, in the order of the points. What nobody spoke of is not in it.
func (l *Ledger) Ticks(ctx context.Context) (all []Tick, err error) {
	err = l.read(ctx, "checklists", func(q querier, _ wire.Time) error {
		all, err = readTicks(ctx, q, "TRUE")
		return err
	})
	return all, err
}

// DeclareTicks lets change alter what is said of a service's checklist, in one transaction with the audit log. It is
// handed all ticks of the service and gives them back, each point at most once. An exception without a note is an error,
// a service that is not in the register ErrNoService.
func (l *Ledger) DeclareTicks(ctx context.Context, by Author, service string, change func(Register, []Tick) ([]Tick, error)) error {
	return l.transact(ctx, func(b *books) error {
		if _, known := b.register.Services[service]; !known {
			return fmt.Errorf("checklist of %q: %w", service, ErrNoService)
		}
		before, err := readTicks(ctx, l.store.conn, "service = ?", service)
		if err != nil {
			return err
		}
		after, err := change(b.register.Clone(), slices.Clone(before))
		if err != nil {
			return err
		}
		for _, item := range ExitItems() {
			if err := b.tick(by, service, item, tickOf(before, item), tickOf(after, item)); err != nil {
				return fmt.Errorf("checklist of %s: %w", service, err)
			}
		}
		return nil
	})
}

// tickOf is what is said of a point, the zero Tick if nothing is.
func tickOf(ticks []Tick, item ExitItem) (found Tick) {
	for _, t := range ticks {
		if t.Item == item {
			found = t
		}
	}
	return found
}

// tick takes over what is said of one point.
func (b *books) tick(by Author, service string, item ExitItem, was, is Tick) error {
	switch {
	case is.Done == was.Done && is.Note == was.Note:
		return nil
	case is.Done && item.Automatic() && strings.TrimSpace(is.Note) == "":
		return fmt.Errorf("%s: the books tell of it; an exception needs a note that says why", item)
	}
	is.Service, is.Item, is.At, is.Who = service, item, wire.TimeOf(b.now()), by.Who
	if is.Done || is.Note != "" {
		b.changes.declared = append(b.changes.declared, is.record())
	} else {
		b.changes.undeclared = append(b.changes.undeclared, is.record())
	}
	said := map[bool]string{true: "1"}
	subject := "checklist " + service + " " + string(item)
	b.log(by, subject, "done", said[was.Done], said[is.Done])
	b.log(by, subject, "note", was.Note, is.Note)
	return nil
}

func (t *Tick) record() record {
	return record{&checklistTable, []any{t.Service, string(t.Item), flag(t.Done), t.Note, int64(t.At), t.Who}}
}

func readTicks(ctx context.Context, q querier, where string, args ...any) (all []Tick, err error) {
	query := "SELECT " + checklistTable.columns + " FROM checklist WHERE " + where
	err = each(ctx, q, query, func(read func(...any) error) error {
		var x Tick
		err := read(&x.Service, &x.Item, &x.Done, &x.Note, &x.At, &x.Who)
		all = append(all, x)
		return err
	}, args...)
	order := ExitItems()
	slices.SortFunc(all, func(a, b Tick) int {
		if a.Service != b.Service {
			return strings.Compare(a.Service, b.Service)
		}
		return slices.Index(order, a.Item) - slices.Index(order, b.Item)
	})
	return all, err
}
