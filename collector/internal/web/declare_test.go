package web

import (
	"context"
	"errors"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// What forms need of the ledger the tests' books don't have: those that edit have a real ledger.
func (b *books) Declare(_ context.Context, _ ledger.Author, change func(ledger.Register) (ledger.Register, error)) error {
	next, err := change(b.snapshot.Register.Clone())
	if err == nil {
		b.snapshot.Register = next
	}
	return err
}

func (b *books) KeepUpload(context.Context, string, string, []byte) (string, error) {
	return "", b.err
}

func (b *books) Upload(context.Context, string, string) (ledger.Upload, error) {
	return ledger.Upload{}, ledger.ErrNoUpload
}

func (b *books) DropUpload(context.Context, string, string) error { return b.err }

func TestAnEditorOfOneHospitalChangesNothingOfAnother(t *testing.T) {
	ours := reader{Name: "bruno", Role: ledger.EditorRole, Establishments: []string{"chu"}}
	for name, c := range map[string]struct {
		change func(*ledger.Register)
		want   error
	}{
		"a service of one's own": {func(r *ledger.Register) { r.Services["chu-new"] = ledger.Service{ID: "chu-new", Establishment: "chu"} }, nil},
		"a service of another":   {func(r *ledger.Register) { r.Services["x"] = ledger.Service{ID: "x", Establishment: "secret"} }, errNotYours},
		"the other's pole":       {func(r *ledger.Register) { delete(r.Poles, "secret-pole") }, errNotYours},
		"to take the other's": {func(r *ledger.Register) {
			r.Services["secret-saas"] = ledger.Service{ID: "secret-saas", Establishment: "chu"}
		}, errNotYours},
		"to give away one's own": {func(r *ledger.Register) {
			r.Services["chu-saas"] = ledger.Service{ID: "chu-saas", Establishment: "secret"}
		}, errNotYours},
		"what belongs to nobody":    {func(r *ledger.Register) { r.Services["stray"] = ledger.Service{ID: "stray"} }, errNotYours},
		"a target of the whole":     {aimAt(ledger.Target{Indicator: "active_lines"}), errNotYours},
		"a target of one's own":     {aimAt(ledger.Target{Indicator: "active_lines", Pole: "chu-pole"}), nil},
		"a target of another":       {aimAt(ledger.Target{Indicator: "active_lines", Establishment: "secret"}), errNotYours},
		"one's own line, elsewhere": {func(r *ledger.Register) { move(r, "chu", "secret") }, errNotYours},
		"the other's line":          {func(r *ledger.Register) { move(r, "secret", "chu") }, errNotYours},
		"nothing":                   {func(*ledger.Register) {}, nil},
	} {
		err := scoped(twoHospitals(t), ours).Declare(t.Context(), ledger.Author{Who: "bruno"}, func(r ledger.Register) (ledger.Register, error) {
			c.change(&r)
			return r, nil
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func aimAt(x ledger.Target) func(*ledger.Register) {
	return func(r *ledger.Register) { r.Targets[x.Key()] = []ledger.Target{x} }
}

// move moves a hospital's lines to another.
func move(r *ledger.Register, from, to string) {
	for id, versions := range r.Lines {
		last := versions[len(versions)-1]
		if last.Establishment == from || r.Complete(last.Place).Establishment == from {
			last.From++
			last.Place = ledger.Place{Establishment: to}
			r.Lines[id] = append(versions, last)
		}
	}
}
