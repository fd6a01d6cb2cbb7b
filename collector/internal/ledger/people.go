package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
)

// How long a session lasts.
const (
	SessionIdle = 8 * time.Hour      // without a request
	SessionLife = 7 * 24 * time.Hour // altogether
	VouchedLife = 12 * time.Hour     // altogether, of whom a provider vouches for: who left the hospital is out by then

	sessionStep = time.Minute // to which it is noted when a session was seen last
)

// ErrLastAdmin refuses a change after which nobody could say any more who may what.
var ErrLastAdmin = errors.New("nobody would be left who may say who may what; want another admin first")

// User is somebody who signs in with a password.
type User struct {
	Name           string      `json:"name"` // lower case
	Hash           secret.Text `json:"-"`    // bcrypt
	MustChange     bool        `json:"must_change,omitempty"`
	Role           Role        `json:"role"`
	Establishments []string    `json:"establishments"` // ids for which the role holds; none: all
	Disabled       bool        `json:"disabled,omitempty"`
	CreatedAt      wire.Time   `json:"created_at"`
	SignedInAt     wire.Time   `json:"signed_in_at,omitempty"` // last; 0 = never. Only read
}

// rules tells whether the user may say who may what.
func (u *User) rules() bool { return u.Role == AdminRole && !u.Disabled }

// Session is somebody signed in, in one browser.
type Session struct {
	ID             string // SHA-256 of what the browser holds, hexadecimal
	Name           string
	Provider       string // who vouches for the name; empty: a local user
	ProviderName   string // as people call it; empty: as it calls itself. Never kept
	Role           Role
	Establishments []string // none: all
	MustChange     bool     // the password, before anything else. Only read
	OpenedAt       wire.Time
	SeenAt         wire.Time // to a minute
	Address        string
	Browser        string // as it calls itself
}

// over tells whether the session has ended by itself.
func (s *Session) over(now wire.Time) bool {
	life := SessionLife
	if s.Provider != "" {
		life = VouchedLife
	}
	return now.Sub(s.SeenAt) > SessionIdle || now.Sub(s.OpenedAt) > life
}

var (
	usersTable    = table{"users", "name, hash, must_change, role, establishments, disabled, created_at", 1, false}
	signInsTable  = table{"sign_ins", "name, at", 1, false}
	sessionsTable = table{"sessions", "id, name, provider, role, establishments, opened_at, seen_at, address, browser", 1, false}
)

// Users are all local users, by name.
func (l *Ledger) Users(ctx context.Context) (users []User, err error) {
	err = l.read(ctx, "users", func(q querier, _ wire.Time) error {
		users, err = readUsers(ctx, q)
		return err
	})
	return users, err
}

// AnyUser tells whether somebody was ever let in by name.
func (l *Ledger) AnyUser(ctx context.Context) (any bool, err error) {
	err = l.read(ctx, "users", func(q querier, _ wire.Time) error {
		n, err := readNumber(ctx, q, "SELECT COUNT(*) FROM users")
		any = n > 0
		return err
	})
	return any, err
}

// DeclareUsers lets change alter the users, in one transaction with the audit log. It is handed all of them and gives
// them back in any order. Who may less than before, or has another password, is signed out everywhere. ErrLastAdmin
// is of a change that leaves no admin where there was one.
func (l *Ledger) DeclareUsers(ctx context.Context, by Author, change func(Register, []User) ([]User, error)) error {
	return l.transact(ctx, func(b *books) error {
		before, err := readUsers(ctx, l.store.conn)
		if err != nil {
			return err
		}
		after, err := change(b.register.Clone(), slices.Clone(before))
		if err != nil {
			return err
		}
		if rules := (*User).rules; slices.ContainsFunc(pointers(before), rules) && !slices.ContainsFunc(pointers(after), rules) {
			return ErrLastAdmin
		}
		b.swap(userRecords(before), userRecords(after))
		return l.replaceUsers(ctx, b, by, before, after)
	})
}

func pointers(users []User) []*User {
	all := make([]*User, len(users))
	for i := range users {
		all[i] = &users[i]
	}
	return all
}

// replaceUsers notes what changed, and ends the sessions that rest on what is no more.
func (l *Ledger) replaceUsers(ctx context.Context, b *books, by Author, before, after []User) error {
	is := make(map[string]*User)
	for _, u := range pointers(after) {
		is[u.Name] = u
	}
	was := make(map[string]*User)
	for _, u := range pointers(before) {
		was[u.Name] = u
		now := is[u.Name]
		if now == nil {
			b.auditUser(by, u, &User{})
		}
		if now == nil || now.Hash != u.Hash || now.Role != u.Role || !slices.Equal(now.Establishments, u.Establishments) || now.Disabled {
			if err := l.store.exec(ctx, "DELETE FROM sessions WHERE name = ? AND provider = ''", u.Name); err != nil {
				return fmt.Errorf("end sessions: %w", err)
			}
		}
	}
	for _, u := range pointers(after) {
		old := was[u.Name]
		if old == nil {
			old = &User{}
		}
		b.auditUser(by, old, u)
	}
	return nil
}

func (b *books) auditUser(by Author, was, is *User) {
	subject := usersTable.name + " " + max(was.Name, is.Name)
	b.log(by, subject, "name", was.Name, is.Name)
	b.log(by, subject, "role", string(was.Role), string(is.Role))
	b.log(by, subject, "establishments", strings.Join(was.Establishments, " "), strings.Join(is.Establishments, " "))
	b.log(by, subject, "disabled", yes(was.Disabled), yes(is.Disabled))
	if was.Hash != is.Hash && was.Name == is.Name {
		b.log(by, subject, "password", "", "changed")
	}
}

func yes(is bool) string {
	if is {
		return "1"
	}
	return ""
}

func userRecords(users []User) map[string]record {
	records := make(map[string]record, len(users))
	for _, u := range users {
		keyed(&usersTable, records, u.Name, string(u.Hash), flag(u.MustChange), string(u.Role), list(u.Establishments), flag(u.Disabled), int64(u.CreatedAt))
	}
	return records
}

func readUsers(ctx context.Context, q querier) (users []User, err error) {
	err = each(ctx, q, "SELECT users.name, hash, must_change, role, establishments, disabled, created_at, COALESCE(at, 0) FROM users "+
		"LEFT JOIN sign_ins ON sign_ins.name = users.name ORDER BY users.name", func(read func(...any) error) error {
		var u User
		var hash, establishments string
		if err := read(&u.Name, &hash, &u.MustChange, &u.Role, &establishments, &u.Disabled, &u.CreatedAt, &u.SignedInAt); err != nil {
			return err
		}
		u.Hash = secret.Text(hash)
		u.Establishments, err = ids(establishments)
		users = append(users, u)
		return err
	})
	return users, err
}

// ids reads what list wrote.
func ids(text string) (all []string, err error) {
	if text == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &all)
	return all, err
}

// OpenSession signs somebody in. Sessions that are over are forgotten meanwhile.
func (l *Ledger) OpenSession(ctx context.Context, s Session) error {
	return l.transact(ctx, func(b *books) error {
		now := wire.TimeOf(b.now())
		if err := l.store.exec(ctx, "DELETE FROM sessions WHERE seen_at < ? OR opened_at < ? OR provider <> '' AND opened_at < ?",
			int64(now.Add(-SessionIdle)), int64(now.Add(-SessionLife)), int64(now.Add(-VouchedLife))); err != nil {
			return fmt.Errorf("forget sessions: %w", err)
		}
		s.OpenedAt, s.SeenAt = now, now
		b.changes.declared = append(b.changes.declared,
			record{&sessionsTable, []any{
				s.ID, s.Name, s.Provider, string(s.Role), list(s.Establishments), int64(s.OpenedAt), int64(s.SeenAt), s.Address, s.Browser,
			}})
		if s.Provider == "" {
			b.changes.declared = append(b.changes.declared, record{&signInsTable, []any{s.Name, int64(now)}})
		}
		b.log(s.author(), s.subject(), "signed_in", "", s.Address)
		return nil
	})
}

// Person is the name with who vouches for it, which makes it another than the local user of that name.
func (s *Session) Person() string {
	if s.Provider == "" {
		return s.Name
	}
	return s.Name + " (" + cmp.Or(s.ProviderName, s.Provider) + ")"
}

func (s *Session) author() Author { return Author{Who: s.Person(), Source: "page /sign-in"} }

func (s *Session) subject() string { return "sessions " + s.Person() }

// NoteRefusal notes that somebody wanted to sign in by a name, and was refused.
func (l *Ledger) NoteRefusal(ctx context.Context, name, address, why string) error {
	return l.transact(ctx, func(b *books) error {
		s := Session{Name: name}
		b.log(s.author(), s.subject(), "refused", "", why+" "+address)
		return nil
	})
}

// Session is who holds what has this SHA-256; ok is false where nobody is signed in by it. Of a local user it
// says what the user may now. It notes that the session is in use, where that counts for the role.
func (l *Ledger) Session(ctx context.Context, id string, counts func(Role) bool) (s Session, ok bool, err error) {
	var now wire.Time
	err = l.read(ctx, "session", func(q querier, at wire.Time) error {
		now = at
		sessions, err := readSessions(ctx, q, "sessions.id = ?", id)
		if len(sessions) == 1 {
			s, ok = sessions[0], !sessions[0].over(now)
		}
		return err
	})
	if err != nil || !ok {
		return Session{}, false, err
	}
	if now.Sub(s.SeenAt) >= sessionStep && counts(s.Role) {
		err = l.alter(ctx, "note session", func(store *store) error {
			return store.exec(ctx, "UPDATE sessions SET seen_at = ? WHERE id = ? AND seen_at < ?", int64(now), id, int64(now))
		})
	}
	return s, true, err
}

// Sessions are those that are open, of one name and provider or, where the name is empty, all; the last seen first.
func (l *Ledger) Sessions(ctx context.Context, name, provider string) (open []Session, err error) {
	err = l.read(ctx, "sessions", func(q querier, now wire.Time) error {
		all, err := readSessions(ctx, q, "(? = '' OR sessions.name = ? AND provider = ?)", name, name, provider)
		open = slices.DeleteFunc(all, func(s Session) bool { return s.over(now) })
		return err
	})
	return open, err
}

func readSessions(ctx context.Context, q querier, where string, args ...any) (sessions []Session, err error) {
	err = each(ctx, q, "SELECT sessions.id, sessions.name, provider, COALESCE(users.role, sessions.role), COALESCE(users.establishments, sessions.establishments), "+
		"COALESCE(must_change, 0), opened_at, seen_at, address, browser FROM sessions LEFT JOIN users ON users.name = sessions.name AND provider = '' "+
		"WHERE (provider <> '' OR users.disabled = 0) AND "+where+" ORDER BY seen_at DESC, sessions.id", func(read func(...any) error) error {
		var s Session
		var establishments string
		if err := read(&s.ID, &s.Name, &s.Provider, &s.Role, &establishments, &s.MustChange, &s.OpenedAt, &s.SeenAt, &s.Address, &s.Browser); err != nil {
			return err
		}
		s.Establishments, err = ids(establishments)
		sessions = append(sessions, s)
		return err
	}, args...)
	return sessions, err
}

// CloseSessions signs sessions out.
func (l *Ledger) CloseSessions(ctx context.Context, by Author, sessions ...Session) error {
	return l.transact(ctx, func(b *books) error {
		for i := range sessions {
			if err := l.store.exec(ctx, "DELETE FROM sessions WHERE id = ?", sessions[i].ID); err != nil {
				return fmt.Errorf("end session: %w", err)
			}
			b.log(by, sessions[i].subject(), "signed_out", "", sessions[i].Address)
		}
		return nil
	})
}

// AuditFilter says which lines of the audit log are meant.
type AuditFilter struct {
	Who     string // only of one whose name begins so
	Subject string // only where this stands in the subject
	Before  int64  // only older ones than that line; 0 = all
	Limit   int
}

// AuditOf is the part of the audit log that f means, newest first.
func (l *Ledger) AuditOf(ctx context.Context, f AuditFilter) (entries []Entry, err error) {
	query := "SELECT " + auditTable.columns + " FROM audit WHERE (? = 0 OR id < ?) AND LOWER(who) LIKE ? ESCAPE '\\' AND LOWER(subject) LIKE ? ESCAPE '\\' " +
		fmt.Sprintf("ORDER BY id DESC LIMIT %d", f.Limit)
	plain := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	who, subject := plain.Replace(strings.ToLower(f.Who)), plain.Replace(strings.ToLower(f.Subject))
	err = l.read(ctx, "audit log", func(q querier, _ wire.Time) error {
		return each(ctx, q, query, func(read func(...any) error) error {
			var x Entry
			err := read(&x.ID, &x.At, &x.Who, &x.Source, &x.Subject, &x.Field, &x.Before, &x.After)
			entries = append(entries, x)
			return err
		}, f.Before, f.Before, who+"%", "%"+subject+"%")
	})
	return entries, err
}
