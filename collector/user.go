package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
)

type userCommand struct {
	Add      userAdd      `cmd:"" help:"Let somebody in by a password."`
	List     userList     `cmd:"" default:"withargs" help:"Who may sign in."`
	Disable  userDisable  `cmd:"" help:"Let somebody in no more, and sign them out at once."`
	Enable   userEnable   `cmd:"" help:"Let somebody in again."`
	Passwd   userPasswd   `cmd:"" help:"Give somebody another password, and sign them out."`
	Role     userRole     `cmd:"" help:"Say what somebody may, and where."`
	Remove   userRemove   `cmd:"" help:"Forget somebody. The audit log keeps what they did."`
	Sessions userSessions `cmd:"" help:"Who is signed in, and end it."`
}

// named is whom a command is about.
type named struct {
	Name string `arg:"" help:"The user's name."`
	author
}

// rights are what somebody may.
type rights struct {
	Role          string   `enum:"reader,editor,admin" required:"" help:"reader sees, editor declares, admin says who else may what."`
	Establishment []string `placeholder:"ID" help:"Only for this establishment; may be said again. Without it: for all."`
}

// password is where a command gets one from.
type password struct {
	PasswordFile string `placeholder:"FILE" help:"Its first line is the password. Without it the terminal asks for it, twice."`
}

type userAdd struct {
	named
	rights
	password
}

// Run implements `user add`.
func (x userAdd) Run(call *program.Call) error {
	name, err := people.Name(x.Name)
	if err != nil {
		return program.Usage(err)
	}
	hashed, err := x.hash(call, name)
	if err != nil {
		return err
	}
	return withBooks(call, true, func(_ config, books *ledger.Ledger) error {
		u := ledger.User{Name: name, Hash: hashed, Role: ledger.Role(x.Role), Establishments: x.Establishment}
		if err := people.Add(call.Ctx, books, x.of("user add"), u, wire.TimeOf(clock())); err != nil {
			return err
		}
		_, err := fmt.Fprintf(call.Stdout, "%s may sign in as %s\n", name, x.Role)
		return err
	})
}

// hash asks for a password and hashes it.
func (x password) hash(call *program.Call, name string) (secret.Text, error) {
	text, err := x.ask(call)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return people.Hash(name, text)
}

func (x password) ask(call *program.Call) (string, error) {
	if x.PasswordFile != "" {
		text, err := secret.Read(x.PasswordFile)
		return string(text), err
	}
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) { // a pipe
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if text := strings.TrimRight(line, "\r\n"); text != "" {
			return text, nil
		}
		return "", errors.Join(errors.New("want --password-file FILE, or a terminal that asks for it"), err)
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(call.Stderr, prompt)
		text, err := term.ReadPassword(in)
		fmt.Fprintln(call.Stderr)
		if err != nil {
			return "", err
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two differ")
	}
	return typed[0], nil
}

type userList struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run implements `user list`.
func (x userList) Run(call *program.Call) error {
	return withReadBooks(call, func(c config, books *ledger.Ledger) error {
		users, err := books.Users(call.Ctx)
		if err != nil {
			return err
		}
		if x.JSON {
			return printJSON(call, append([]ledger.User{}, users...))
		}
		if len(users) == 0 {
			_, err := fmt.Fprintln(call.Stdout, "no users")
			return err
		}
		table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tROLE\tESTABLISHMENTS\tSTATE\tLAST SIGN-IN")
		for _, u := range users {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", u.Name, u.Role, orText(strings.Join(u.Establishments, " "), "all"), stateOf(u), c.orNever(u.SignedInAt))
		}
		return table.Flush()
	})
}

func stateOf(u ledger.User) string {
	switch {
	case u.Disabled:
		return "disabled"
	case u.MustChange:
		return "password to be changed"
	}
	return "enabled"
}

func (c *config) orNever(t wire.Time) string {
	if t == 0 {
		return "never"
	}
	return c.local(t)
}

// alter changes the user and says what became of it.
func (x named) alter(call *program.Call, source, outcome string, change func(*ledger.User) error) error {
	name, err := people.Name(x.Name)
	if err != nil {
		return program.Usage(err)
	}
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		if err := people.Alter(call.Ctx, books, x.of(source), name, change); err != nil {
			return err
		}
		_, err := fmt.Fprintf(call.Stdout, outcome+"\n", name)
		return err
	})
}

type userDisable struct{ named }

// Run implements `user disable`.
func (x userDisable) Run(call *program.Call) error {
	return x.alter(call, "user disable", "%s can't sign in any more", func(u *ledger.User) error { u.Disabled = true; return nil })
}

type userEnable struct{ named }

// Run implements `user enable`.
func (x userEnable) Run(call *program.Call) error {
	return x.alter(call, "user enable", "%s may sign in", func(u *ledger.User) error { u.Disabled = false; return nil })
}

type userPasswd struct {
	named
	password
}

// Run implements `user passwd`.
func (x userPasswd) Run(call *program.Call) error {
	hashed, err := x.hash(call, x.Name)
	if err != nil {
		return err
	}
	return x.alter(call, "user passwd", "%s has another password", func(u *ledger.User) error {
		u.Hash, u.MustChange = hashed, false
		return nil
	})
}

type userRole struct {
	named
	rights
}

// Run implements `user role`.
func (x userRole) Run(call *program.Call) error {
	return x.alter(call, "user role", "%s is "+x.Role, func(u *ledger.User) error {
		u.Role, u.Establishments = ledger.Role(x.Role), x.Establishment
		return nil
	})
}

type userRemove struct{ named }

// Run implements `user remove`.
func (x userRemove) Run(call *program.Call) error {
	name, err := people.Name(x.Name)
	if err != nil {
		return program.Usage(err)
	}
	return withBooks(call, false, func(_ config, books *ledger.Ledger) error {
		if err := people.Remove(call.Ctx, books, x.of("user remove"), name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(call.Stdout, "%s is removed\n", name)
		return err
	})
}

type userSessions struct {
	Name string `arg:"" optional:"" help:"Only of this user."`
	End  bool   `help:"Sign out: all that would be listed."`
	author
}

// Run implements `user sessions`.
func (x userSessions) Run(call *program.Call) error {
	return withBooks(call, false, func(c config, books *ledger.Ledger) error {
		open, err := books.Sessions(call.Ctx, strings.ToLower(x.Name), "")
		if err != nil {
			return err
		}
		if x.End {
			if err := books.CloseSessions(call.Ctx, x.of("user sessions"), open...); err != nil {
				return err
			}
			_, err := fmt.Fprintf(call.Stdout, "%d signed out\n", len(open))
			return err
		}
		table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tBY\tROLE\tSINCE\tSEEN\tADDRESS")
		for _, s := range open {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, orText(s.Provider, "password"), s.Role, c.local(s.OpenedAt), c.local(s.SeenAt), s.Address)
		}
		return table.Flush()
	})
}
