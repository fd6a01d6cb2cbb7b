package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

// registerBooks is what pages need that change what people declare.
type registerBooks interface {
	Register(ctx context.Context) (ledger.Register, error)
	CloseEpisode(ctx context.Context, by ledger.Author, id int64, reason string) error
	TestWindow(ctx context.Context, by ledger.Author, line string, from, to wire.Time, reason string) error
}

var (
	errNothing   = errors.New("nothing changes")           // so that nothing is written
	errConfirm   = errors.New("wants to be confirmed")     // it changes more than was asked for, or there is a doubt
	errNoSuch    = errors.New("there is no such thing")    // or no more
	errDuplicate = errors.New("there is such one already") // and a form for a new one must not change it
)

// planOptions are how tables are read that come by a page.
func (s *site) planOptions(devices []ledger.Device, now wire.Time) register.Options {
	return register.Options{Now: now.Std(), Zone: s.Location, Devices: devices, Dialling: s.Dialling}
}

func (s scope) Register(ctx context.Context) (ledger.Register, error) {
	r, err := s.all.Register(ctx)
	if err != nil {
		return ledger.Register{}, err
	}
	return seen(&r, s.who), nil
}

func (s scope) CloseEpisode(ctx context.Context, by ledger.Author, id int64, reason string) error {
	if seen, err := s.Episodes(ctx, ledger.EpisodeFilter{ID: id}); err != nil || len(seen) == 0 {
		return errors.Join(err, ledger.ErrNoEpisode)
	}
	return s.all.CloseEpisode(ctx, by, id, reason)
}

func (s scope) TestWindow(ctx context.Context, by ledger.Author, line string, from, to wire.Time, reason string) error {
	view, err := s.view(ctx)
	if err != nil {
		return err
	}
	if !view.lines[line] {
		return errNotYours
	}
	return s.all.TestWindow(ctx, by, line, from, to, reason)
}

// asSeen is a register as the reader sees it, of which revisions are made: a form can't be of what isn't seen.
func asSeen(r *http.Request, all ledger.Register) ledger.Register {
	if who := readerOf(r); len(who.Establishments) > 0 {
		return seen(&all, who)
	}
	return all
}

// planSeen plans a change of the whole register. What it warns and complains of is what there is to say of the part that the
// reader sees: else a form would tell what lines of others are.
func planSeen(r *http.Request, all ledger.Register, plan func(ledger.Register) (register.Plan, error)) (register.Plan, error) {
	if len(readerOf(r).Establishments) == 0 {
		return plan(all)
	}
	told, err := plan(asSeen(r, all.Clone()))
	if err != nil {
		return told, err
	}
	done, err := plan(all)
	if errors.As(err, new(register.Faults)) {
		err = errNotYours
	}
	told.Register, told.Nothing = done.Register, done.Nothing
	return told, err
}

// instant reads what an input of type datetime-local sends.
func instant(text string, zone *time.Location) (wire.Time, bool) {
	t, err := time.ParseInLocation("2006-01-02T15:04", text, zone)
	return wire.TimeOf(t), err == nil
}
