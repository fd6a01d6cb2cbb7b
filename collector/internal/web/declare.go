package web

import (
	"context"
	"reflect"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// declareBooks is what forms need of the ledger.
type declareBooks interface {
	Declare(ctx context.Context, by ledger.Author, change func(ledger.Register) (ledger.Register, error)) error
	KeepUpload(ctx context.Context, who, name string, data []byte) (id string, err error)
	Upload(ctx context.Context, who, id string) (ledger.Upload, error)
	DropUpload(ctx context.Context, who, id string) error
}

// Declare takes no change of what isn't the reader's, before or afterwards.
func (s scope) Declare(ctx context.Context, by ledger.Author, change func(ledger.Register) (ledger.Register, error)) error {
	return s.all.Declare(ctx, by, func(before ledger.Register) (ledger.Register, error) {
		after, err := change(before.Clone())
		if err == nil && !s.mayMake(&before, &after) {
			err = errNotYours
		}
		return after, err
	})
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
