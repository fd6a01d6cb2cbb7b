package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/agent/wire"
)

// FollowupKind is what a followup is.
type FollowupKind string

// The kinds, with what their fields mean beside the place.
const (
	Contact       FollowupKind = "contact"       // of the project. Subject: role; Who; Contact
	Procedure     FollowupKind = "procedure"     // and to whom it was told. Subject: which; Who owns it; Version; Link; Day: told
	Training      FollowupKind = "training"      // a session. Subject: module; Day; Who trained; Attendance; Note
	Communication FollowupKind = "communication" // Subject: channel; Day; Link; Note
	Partner       FollowupKind = "partner"       // a critical one. Who; Contact in urgency; Equipped; Note: obstacles; Until: reassured on
	Incident      FollowupKind = "incident"      // or a call to the hotline. Day; Who told; Note: what; Until: resolved on
	Visit         FollowupKind = "visit"         // and what else keeps good habits. Subject: which; Day; Who; Note
)

// FollowupKinds are all kinds.
func FollowupKinds() []FollowupKind {
	return []FollowupKind{Contact, Procedure, Training, Communication, Partner, Incident, Visit}
}

// Subjects are what a followup of a kind may be about, as the national kit lists it; none where that is free.
func (k FollowupKind) Subjects() []string {
	switch k {
	case Contact:
		return []string{"ars", "cpam", "grades", "lead", "it", "communication", "trade", "quality", "management", "cme"}
	case Procedure:
		return []string{"sending", "unknown_address", "receiving", "shared_address", "outage"}
	case Training:
		return []string{"what", "usage", "procedures"}
	case Communication:
		return []string{"poster", "mailing", "signature", "partners_mailing", "partners_signature", "website", "social"}
	case Visit:
		return []string{"visit", "survey", "reminder"}
	}
	return nil
}

// Followup is one thing that the team did, or has, to lead services away from fax.
type Followup struct {
	ID            int64        `json:"id"` // the ledger gives it: 0 = a new one
	Kind          FollowupKind `json:"kind"`
	Establishment string       `json:"establishment,omitempty"` // id; empty: the structure as a whole
	Services      []string     `json:"services,omitempty"`      // ids, all of the establishment; none: all of it
	Subject       string       `json:"subject,omitempty"`       // one of the kind's
	Day           Day          `json:"day,omitempty"`           // of what happened, or will; empty: not yet
	Until         Day          `json:"until,omitempty"`         // on which it was settled; empty: not yet
	Who           string       `json:"who,omitempty"`
	Contact       string       `json:"contact,omitempty"` // number or address
	Version       string       `json:"version,omitempty"`
	Link          string       `json:"link,omitempty"`
	Note          string       `json:"note,omitempty"`
	Equipped      wire.Answer  `json:"equipped,omitempty"`   // with MSSanté: yes or no; empty: not known
	Attendance    *int64       `json:"attendance,omitempty"` // people; nil: not counted
}

// Concerns tells whether a followup is of a service of an establishment.
func (f *Followup) Concerns(establishment, service string) bool {
	if len(f.Services) > 0 {
		return slices.Contains(f.Services, service)
	}
	return f.Establishment == "" || f.Establishment == establishment
}

// Compare orders followups by kind, the newest first, then as they were noted.
func (f Followup) Compare(other Followup) int {
	return cmp.Or(slices.Index(FollowupKinds(), f.Kind)-slices.Index(FollowupKinds(), other.Kind),
		strings.Compare(string(other.Day), string(f.Day)), cmp.Compare(f.ID, other.ID))
}

var followupsTable = table{"followups", "id, kind, establishment, services, subject, day, until_day, who, contact, version, link, note, equipped, attendance", 1, false}

// Followups are all, in their order. Contacts of partners are personal data: whoever shows them masks them.
func (l *Ledger) Followups(ctx context.Context) (all []Followup, err error) {
	err = l.read(ctx, "followups", func(q querier, _ wire.Time) error {
		all, err = readFollowups(ctx, q)
		return err
	})
	return all, err
}

// DeclareFollowups lets change alter all followups, in one transaction with the audit log. It is handed all of them and
// gives them back in any order; those without a number are new and get one. On its error nothing happens.
func (l *Ledger) DeclareFollowups(ctx context.Context, by Author, change func(Register, []Followup) ([]Followup, error)) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readFollowups(ctx, l.store.conn)
		if err != nil {
			return err
		}
		after, err := change(b.register.Clone(), slices.Clone(before))
		if err != nil {
			return err
		}
		was := make(map[int64]Followup, len(before))
		for _, x := range before {
			was[x.ID] = x
		}
		is := make(map[int64]Followup, len(after))
		for _, x := range after {
			if !slices.Contains(FollowupKinds(), x.Kind) {
				return fmt.Errorf("followup %d: %q is no kind; want one of %v", x.ID, x.Kind, FollowupKinds())
			}
			if x.ID == 0 {
				x.ID = b.last.audit + 1 // of the line that notes it first, so that no other ever has it
			}
			is[x.ID] = x
			b.auditFollowup(by, x.ID, was[x.ID], x)
		}
		for _, x := range before {
			if _, still := is[x.ID]; !still {
				b.auditFollowup(by, x.ID, x, Followup{})
			}
		}
		b.swap(followupRecords(was), followupRecords(is))
		return nil
	})
}

func (b *books) auditFollowup(by Author, id int64, was, is Followup) {
	subject, noted := fmt.Sprint("followups ", id), b.last.audit
	before, after := was.fields(), is.fields()
	for i, f := range after {
		b.log(by, subject, f.name, before[i].text, f.text)
	}
	if noted == b.last.audit && was.Contact != is.Contact { // another number that looks the same when it is masked
		b.log(by, subject, "contact", "", Masked(is.Contact))
	}
}

// fields leave the contact of a partner in the dark: the audit log is kept for good.
func (f *Followup) fields() []field {
	contact := f.Contact
	if f.Kind == Partner {
		contact = Masked(contact)
	}
	attendance := ""
	if f.Attendance != nil {
		attendance = fmt.Sprint(*f.Attendance)
	}
	return []field{
		{"kind", string(f.Kind)},
		{"establishment", f.Establishment},
		{"services", strings.Join(f.Services, " ")},
		{"subject", f.Subject},
		{"day", string(f.Day)},
		{"until_day", string(f.Until)},
		{"who", f.Who},
		{"contact", contact},
		{"version", f.Version},
		{"link", f.Link},
		{"note", f.Note},
		{"equipped", string(f.Equipped)},
		{"attendance", attendance},
	}
}

var hidden = regexp.MustCompile(`[^\s@.]`)

// Masked is a number or an address of which only the end can be read.
func Masked(contact string) string {
	letters := []rune(strings.TrimSpace(contact))
	shown := min(2, len(letters)/4)
	return hidden.ReplaceAllString(string(letters[:len(letters)-shown]), "•") + string(letters[len(letters)-shown:])
}

func followupRecords(all map[int64]Followup) map[string]record {
	records := make(map[string]record, len(all))
	for _, x := range all {
		keyed(&followupsTable, records, x.ID, string(x.Kind), x.Establishment, strings.Join(x.Services, " "), x.Subject, string(x.Day), string(x.Until),
			x.Who, x.Contact, x.Version, x.Link, x.Note, string(x.Equipped), amountOf(x.Attendance))
	}
	return records
}

func readFollowups(ctx context.Context, q querier) (all []Followup, err error) {
	err = each(ctx, q, "SELECT "+followupsTable.columns+" FROM followups", func(read func(...any) error) error {
		var x Followup
		var services string
		var attendance sql.NullInt64
		err := read(&x.ID, &x.Kind, &x.Establishment, &services, &x.Subject, &x.Day, &x.Until, &x.Who, &x.Contact, &x.Version, &x.Link, &x.Note, &x.Equipped, &attendance)
		x.Services, x.Attendance = strings.Fields(services), known(attendance)
		all = append(all, x)
		return err
	})
	slices.SortFunc(all, Followup.Compare)
	return all, err
}
