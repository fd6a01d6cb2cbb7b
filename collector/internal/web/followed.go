package web

import (
	"context"
	"fmt"
	"slices"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// followedBooks is what the pages need of what people say of services and do for them.
type followedBooks interface {
	Sheets(ctx context.Context, at ledger.Day) ([]ledger.Sheet, error)
	SheetHistory(ctx context.Context, service string) ([]ledger.Sheet, error)
	Ticks(ctx context.Context) ([]ledger.Tick, error)
	Followups(ctx context.Context) ([]ledger.Followup, error)
	DeclareSheet(ctx context.Context, by ledger.Author, service string, day ledger.Day, change func(ledger.Register, ledger.Sheet) (ledger.Sheet, error)) error
	DeclareTicks(ctx context.Context, by ledger.Author, service string, change func(ledger.Register, []ledger.Tick) ([]ledger.Tick, error)) error
	DeclareFollowups(ctx context.Context, by ledger.Author, change func(ledger.Register, []ledger.Followup) ([]ledger.Followup, error)) error
}

func (s scope) Sheets(ctx context.Context, at ledger.Day) ([]ledger.Sheet, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.all.Sheets(ctx, at)
	return keep(all, func(x *ledger.Sheet) bool { return view.Register.Services[x.Service].ID != "" }), err
}

func (s scope) SheetHistory(ctx context.Context, service string) ([]ledger.Sheet, error) {
	view, err := s.view(ctx)
	if err != nil || view.Register.Services[service].ID == "" {
		return nil, err
	}
	return s.all.SheetHistory(ctx, service)
}

func (s scope) Ticks(ctx context.Context) ([]ledger.Tick, error) {
	view, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.all.Ticks(ctx)
	return keep(all, func(x *ledger.Tick) bool { return view.Register.Services[x.Service].ID != "" }), err
}

// Followups are the reader's, and of the structure as a whole what is meant for everybody in it.
func (s scope) Followups(ctx context.Context) ([]ledger.Followup, error) {
	all, err := s.all.Followups(ctx)
	return keep(all, func(x *ledger.Followup) bool {
		forAll := x.Kind != ledger.Partner && x.Kind != ledger.Incident && x.Kind != ledger.Visit
		return s.who.Sees(x.Establishment) || x.Establishment == "" && forAll
	}), err
}

func (s scope) DeclareSheet(ctx context.Context, by ledger.Author, service string, day ledger.Day, change func(ledger.Register, ledger.Sheet) (ledger.Sheet, error)) error {
	return s.all.DeclareSheet(ctx, by, service, day, func(r ledger.Register, sheet ledger.Sheet) (ledger.Sheet, error) {
		if err := s.mine(&r, service); err != nil {
			return sheet, err
		}
		return change(seen(&r, s.who), sheet)
	})
}

func (s scope) DeclareTicks(ctx context.Context, by ledger.Author, service string, change func(ledger.Register, []ledger.Tick) ([]ledger.Tick, error)) error {
	return s.all.DeclareTicks(ctx, by, service, func(r ledger.Register, ticks []ledger.Tick) ([]ledger.Tick, error) {
		if err := s.mine(&r, service); err != nil {
			return nil, err
		}
		return change(seen(&r, s.who), ticks)
	})
}

// mine is nil if a service is of one of the reader's establishments.
func (s scope) mine(r *ledger.Register, service string) error {
	if !s.who.Sees(r.Services[service].Establishment) {
		return fmt.Errorf("%s: %w", service, ledger.ErrNoService)
	}
	return nil
}

// DeclareFollowups hands change those of the reader's establishments only, and takes no others back.
func (s scope) DeclareFollowups(ctx context.Context, by ledger.Author, change func(ledger.Register, []ledger.Followup) ([]ledger.Followup, error)) error {
	return s.all.DeclareFollowups(ctx, by, func(r ledger.Register, all []ledger.Followup) ([]ledger.Followup, error) {
		isMine := func(x *ledger.Followup) bool { return s.who.Sees(x.Establishment) }
		others := keep(all, func(x *ledger.Followup) bool { return !isMine(x) })
		after, err := change(seen(&r, s.who), keep(all, isMine))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(after, func(x ledger.Followup) bool { return !isMine(&x) }) {
			return nil, errNotYours
		}
		return append(others, after...), nil
	})
}
