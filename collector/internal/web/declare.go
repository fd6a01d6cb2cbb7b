package web

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// declareBooks is what forms need of the ledger.
type declareBooks interface {
	Declare(ctx context.Context, by ledger.Author, change func(ledger.Register) (ledger.Register, error)) error
	KeepUpload(ctx context.Context, who, name string, data []byte) (id string, err error)
	Upload(ctx context.Context, who, id string) (ledger.Upload, error)
	DropUpload(ctx context.Context, who, id string) error
}

// Declare takes no change of what isn't the reader's, before or afterwards, and no machine that is another's.
func (s scope) Declare(ctx context.Context, by ledger.Author, change func(ledger.Register) (ledger.Register, error)) error {
	view, err := s.view(ctx)
	if err != nil {
		return err
	}
	all, err := s.all.Snapshot(ctx)
	if err != nil {
		return err
	}
	return s.all.Declare(ctx, by, func(before ledger.Register) (ledger.Register, error) {
		after, err := change(before.Clone())
		if err == nil && (!s.mayMake(&before, &after) || s.takes(othersMachines(&all, &before, &view), &before, &after)) {
			err = errNotYours
		}
		return after, err
	})
}

// othersMachines are the ids and serial numbers, in lower case, of the machines that are somebody's, and aren't seen.
func othersMachines(all *ledger.Snapshot, register *ledger.Register, view *view) map[string]bool {
	others := make(map[string]bool)
	note := func(machine string, place ledger.Place) {
		at := register.Complete(place).Establishment
		if machine != "" && at != "" && !view.who.Sees(at) {
			others[strings.ToLower(machine)] = true
		}
	}
	for _, versions := range register.Lines {
		if now, ok := ledger.Present(versions); ok && !now.Removed {
			note(now.Device, now.Place)
			note(now.Gateway, now.Place)
		}
	}
	for id, versions := range register.Devices {
		if now, ok := ledger.Present(versions); ok {
			note(id, now.Place)
		}
	}
	for i := range all.Devices {
		d := &all.Devices[i]
		id, serial := strings.ToLower(d.ID), strings.ToLower(d.Serial)
		switch {
		case view.devices[d.ID]:
			delete(others, id)
			delete(others, serial)
		case others[id] || others[serial]:
			others[id], others[serial] = true, true
		}
	}
	delete(others, "")
	return others
}

// takes tells whether a change hangs one of the reader's lines on another's machine, or says where that one stands.
func (s scope) takes(others map[string]bool, before, after *ledger.Register) bool {
	for id, versions := range after.Lines {
		if slices.EqualFunc(versions, before.Lines[id], func(a, b ledger.Declaration) bool { return a == b }) {
			continue
		}
		for _, v := range versions {
			if hung := !slices.Contains(before.Lines[id], v); hung && (others[strings.ToLower(v.Device)] || others[strings.ToLower(v.Gateway)]) {
				return true
			}
		}
	}
	for id, versions := range after.Devices {
		if others[strings.ToLower(id)] && !reflect.DeepEqual(versions, before.Devices[id]) {
			return true
		}
	}
	return false
}

func (s scope) KeepUpload(ctx context.Context, who, name string, data []byte) (string, error) {
	return s.all.KeepUpload(ctx, who, name, data)
}

func (s scope) Upload(ctx context.Context, who, id string) (ledger.Upload, error) {
	return s.all.Upload(ctx, who, id)
}

func (s scope) DropUpload(ctx context.Context, who, id string) error {
	return s.all.DropUpload(ctx, who, id)
}

// mayMake tells whether all that is another thing in after was and is the reader's.
func (s scope) mayMake(before, after *ledger.Register) bool {
	a, b := seen(before, s.who), seen(after, s.who)
	return sameOthers(before.Establishments, after.Establishments, a.Establishments, b.Establishments) &&
		sameOthers(before.Sites, after.Sites, a.Sites, b.Sites) && sameOthers(before.Poles, after.Poles, a.Poles, b.Poles) &&
		sameOthers(before.Services, after.Services, a.Services, b.Services) && sameOthers(before.UFs, after.UFs, a.UFs, b.UFs) &&
		sameOthers(before.Lines, after.Lines, a.Lines, b.Lines) && sameOthers(before.Devices, after.Devices, a.Devices, b.Devices) &&
		sameOthers(before.Targets, after.Targets, a.Targets, b.Targets)
}

// sameOthers tells whether what is another thing in after, or was in before, is also among those seen.
func sameOthers[K comparable, T any](before, after, seenBefore, seenAfter map[K]T) bool {
	for key, x := range before {
		now, still := after[key]
		if _, mine := seenBefore[key]; !mine && !(still && reflect.DeepEqual(x, now)) {
			return false
		}
	}
	for key, x := range after {
		was, known := before[key]
		if _, mine := seenAfter[key]; !mine && !(known && reflect.DeepEqual(x, was)) {
			return false
		}
	}
	return true
}
