package people

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// What may be wrong with what a user may.
var (
	ErrTaken  = errors.New("there is a user of that name already")
	ErrRole   = errors.New("want the role reader, editor or admin")
	ErrNarrow = errors.New("an admin sees all establishments; want none named, or another role")
	ErrPlace  = errors.New("there is no such establishment in the register")
	ErrNobody = errors.New("there is no such user")
)

// check tells what is wrong with what a user may.
func check(r *ledger.Register, u *ledger.User) error {
	if !slices.Contains(ledger.Roles(), u.Role) {
		return fmt.Errorf("role %q: %w", string(u.Role), ErrRole)
	}
	if u.Role == ledger.AdminRole && len(u.Establishments) > 0 {
		return ErrNarrow
	}
	slices.Sort(u.Establishments)
	u.Establishments = slices.Compact(u.Establishments)
	for _, id := range u.Establishments {
		if _, known := r.Establishments[id]; !known {
			return fmt.Errorf("establishment %q: %w", id, ErrPlace)
		}
	}
	return nil
}

// Declarer is the part of the ledger that changes users.
type Declarer interface {
	DeclareUsers(ctx context.Context, by ledger.Author, change func(ledger.Register, []ledger.User) ([]ledger.User, error)) error
}

// Add lets somebody in.
func Add(ctx context.Context, books Declarer, by ledger.Author, u ledger.User, now wire.Time) error {
	u.CreatedAt = now
	return books.DeclareUsers(ctx, by, func(r ledger.Register, users []ledger.User) ([]ledger.User, error) {
		if slices.ContainsFunc(users, func(other ledger.User) bool { return other.Name == u.Name }) {
			return nil, fmt.Errorf("%s: %w", u.Name, ErrTaken)
		}
		if err := check(&r, &u); err != nil {
			return nil, err
		}
		return append(users, u), nil
	})
}

// Alter lets change alter a user, whose name stays.
func Alter(ctx context.Context, books Declarer, by ledger.Author, name string, change func(*ledger.User) error) error {
	return books.DeclareUsers(ctx, by, func(r ledger.Register, users []ledger.User) ([]ledger.User, error) {
		for i := range users {
			u := &users[i]
			if u.Name != name {
				continue
			}
			role, places := u.Role, slices.Clone(u.Establishments)
			if err := change(u); err != nil {
				return nil, err
			}
			if u.Role == role && slices.Equal(u.Establishments, places) {
				return users, nil // also where an establishment is no more
			}
			return users, check(&r, u)
		}
		return nil, fmt.Errorf("%s: %w", name, ErrNobody)
	})
}

// Remove forgets a user.
func Remove(ctx context.Context, books Declarer, by ledger.Author, name string) error {
	return books.DeclareUsers(ctx, by, func(_ ledger.Register, users []ledger.User) ([]ledger.User, error) {
		left := slices.DeleteFunc(slices.Clone(users), func(u ledger.User) bool { return u.Name == name })
		if len(left) == len(users) {
			return nil, fmt.Errorf("%s: %w", name, ErrNobody)
		}
		return left, nil
	})
}
