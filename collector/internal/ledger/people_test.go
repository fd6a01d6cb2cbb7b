package ledger

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// hallway is a ledger whose clock a test moves, and in which anne is an admin and bruno a reader of the CHU.
func hallway(t *testing.T) (*Ledger, *time.Time) {
	t.Helper()
	now := t0.Std()
	path := filepath.Join(t.TempDir(), "books.db")
	EmptyAt(t, path)
	l, err := Open(t.Context(), path, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	declare(t, l, func(users []User) []User {
		return append(users, User{Name: "anne", Hash: "h1", Role: AdminRole, CreatedAt: t0},
			User{Name: "bruno", Hash: "h2", Role: ReaderRole, Establishments: []string{"chu"}, CreatedAt: t0})
	})
	return l, &now
}

func declare(t *testing.T, l *Ledger, change func([]User) []User) {
	t.Helper()
	if err := l.DeclareUsers(t.Context(), Author{Who: "anne", Source: "test"}, func(_ Register, users []User) ([]User, error) { return change(users), nil }); err != nil {
		t.Fatal(err)
	}
}

func signIn(t *testing.T, l *Ledger, name, id string) {
	t.Helper()
	if err := l.OpenSession(t.Context(), Session{ID: id, Name: name, Role: ReaderRole, Address: "10.0.0.7", Browser: "Firefox"}); err != nil {
		t.Fatal(err)
	}
}

func always(Role) bool { return true }

func standsOpen(t *testing.T, l *Ledger, id string) bool {
	t.Helper()
	_, ok, err := l.Session(t.Context(), id, always)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestWhoeverMayLessOrHasAnotherPasswordIsSignedOut(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*User)
		stays  bool
	}{
		"nothing changes":    {func(*User) {}, true},
		"another password":   {func(u *User) { u.Hash = "h3" }, false},
		"another role":       {func(u *User) { u.Role = EditorRole }, false},
		"another hospital":   {func(u *User) { u.Establishments = []string{"chr"} }, false},
		"disabled":           {func(u *User) { u.Disabled = true }, false},
		"removed and by now": {func(u *User) { u.Name = "somebody else" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := hallway(t)
			signIn(t, l, "bruno", "b")
			signIn(t, l, "anne", "a")
			declare(t, l, func(users []User) []User { test.change(&users[1]); return users })
			if got := standsOpen(t, l, "b"); got != test.stays {
				t.Errorf("bruno's session stands: %v, want %v", got, test.stays)
			}
			if !standsOpen(t, l, "a") {
				t.Error("anne was signed out, too")
			}
		})
	}
}

func TestTheLastAdminStays(t *testing.T) {
	l, _ := hallway(t)
	for name, change := range map[string]func([]User) []User{
		"removed":  func(users []User) []User { return users[1:] },
		"disabled": func(users []User) []User { users[0].Disabled = true; return users },
		"demoted":  func(users []User) []User { users[0].Role = EditorRole; return users },
	} {
		err := l.DeclareUsers(t.Context(), Author{Who: "anne"}, func(_ Register, users []User) ([]User, error) { return change(users), nil })
		if !errors.Is(err, ErrLastAdmin) {
			t.Errorf("%s: got %v, want %v", name, err, ErrLastAdmin)
		}
	}
	declare(t, l, func(users []User) []User { users[1].Role = AdminRole; return users[:] })
	declare(t, l, func(users []User) []User { return users[1:] })
}

func TestASessionEndsIdleOrOld(t *testing.T) {
	l, now := hallway(t)
	signIn(t, l, "bruno", "b")
	for range 24 {
		*now = now.Add(7 * time.Hour)
		if !standsOpen(t, l, "b") {
			t.Fatalf("a session in use ended after %s", now.Sub(t0.Std()))
		}
	}
	*now = now.Add(time.Hour)
	if standsOpen(t, l, "b") {
		t.Error("a session lasts longer than 7 days")
	}
	signIn(t, l, "bruno", "c")
	*now = now.Add(SessionIdle + time.Minute)
	if standsOpen(t, l, "c") {
		t.Error("a session lasts longer than 8 hours without a request")
	}
	signIn(t, l, "bruno", "unused")
	for range 3 {
		*now = now.Add(3 * time.Hour)
		_, ok, err := l.Session(t.Context(), "unused", func(Role) bool { return false })
		if want := now.Sub(t0.Std().Add(169*time.Hour+SessionIdle+time.Minute)) <= SessionIdle; err != nil || ok != want {
			t.Errorf("a session that only refreshes itself stands: %v %v, want %v", ok, err, want)
		}
	}
	signIn(t, l, "bruno", "d")
	if n, err := readNumber(t.Context(), l.readers, "SELECT COUNT(*) FROM sessions"); err != nil || n != 1 {
		t.Errorf("%d sessions are kept, %v; want the new one alone", n, err)
	}
}

func TestWhomAProviderVouchesForIsAskedAgainAfterTwelveHours(t *testing.T) {
	l, now := hallway(t)
	if err := l.OpenSession(t.Context(), Session{ID: "o", Name: "zoe", Provider: "hospital", Role: ReaderRole}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		*now = now.Add(6 * time.Hour)
		if !standsOpen(t, l, "o") {
			t.Fatalf("a session in use ended after %s, want 12 hours", now.Sub(t0.Std()))
		}
	}
	*now = now.Add(time.Minute)
	if standsOpen(t, l, "o") {
		t.Error("the provider isn't asked again after 12 hours")
	}
	if open, err := l.Sessions(t.Context(), "", ""); err != nil || len(open) != 0 {
		t.Errorf("got %v %v, want no session listed", open, err)
	}
	signIn(t, l, "bruno", "b")
	if n, err := readNumber(t.Context(), l.readers, "SELECT COUNT(*) FROM sessions"); err != nil || n != 1 {
		t.Errorf("%d sessions are kept, %v; want the new one alone", n, err)
	}
}

func TestASessionSaysWhatItsUserMayNow(t *testing.T) {
	l, _ := hallway(t)
	signIn(t, l, "bruno", "b") // as reader of all
	s, ok, err := l.Session(t.Context(), "b", always)
	if err != nil || !ok || s.Role != ReaderRole || !slices.Equal(s.Establishments, []string{"chu"}) {
		t.Errorf("got %+v %v %v, want bruno's establishments", s, ok, err)
	}
	if err := l.OpenSession(t.Context(), Session{ID: "o", Name: "bruno", Provider: "hospital", Role: EditorRole}); err != nil {
		t.Fatal(err)
	}
	s, ok, err = l.Session(t.Context(), "o", always)
	if err != nil || !ok || s.Role != EditorRole || len(s.Establishments) != 0 {
		t.Errorf("got %+v %v %v, want what the provider said of another bruno", s, ok, err)
	}
	if own, err := l.Sessions(t.Context(), "bruno", ""); err != nil || len(own) != 1 || own[0].ID != "b" {
		t.Errorf("got %+v %v, want the local bruno's alone", own, err)
	}
}

func TestTheAuditLogTellsOfPeopleWithoutTheirSecrets(t *testing.T) {
	l, _ := hallway(t)
	signIn(t, l, "bruno", "b")
	declare(t, l, func(users []User) []User { users[1].Hash = "h3"; return users })
	if err := l.NoteRefusal(t.Context(), "bruno", "10.0.0.7", "password"); err != nil {
		t.Fatal(err)
	}
	all, err := l.AuditOf(t.Context(), AuditFilter{Subject: "BRUNO", Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range all {
		got = append(got, x.Who+" "+x.Subject+" "+x.Field+" "+x.After)
	}
	if want := []string{"bruno sessions bruno refused password 10.0.0.7", "anne users bruno password changed", "bruno sessions bruno signed_in 10.0.0.7"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if none, err := l.AuditOf(t.Context(), AuditFilter{Who: "br_", Limit: 3}); err != nil || len(none) != 0 {
		t.Errorf("got %v %v, want _ taken for itself", none, err)
	}
	if older, err := l.AuditOf(t.Context(), AuditFilter{Before: all[2].ID, Limit: 10}); err != nil || len(older) == 0 || older[0].ID != all[2].ID-1 {
		t.Errorf("got %v %v, want the page before", older, err)
	}
}
