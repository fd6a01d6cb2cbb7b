package snmp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/mibs"
)

// maxRepetitions of a GETBULK: old machines choke on more.
const maxRepetitions = 10

// ErrCircle ends a Walk of a device that says something again that it has said before: some
// go round in circles.
var ErrCircle = errors.New("goes round in circles")

// Column is part of mibs.Asker. It ends where the device leaves root or goes round in circles.
func (a *asker) Column(ctx context.Context, root string, max int) ([]mibs.Varbind, error) {
	var column []mibs.Varbind
	err := a.walk(ctx, root, nil, max, 0, func(v mibs.Varbind) error {
		column = append(column, v)
		return nil
	})
	if err != nil && !errors.Is(err, ErrCircle) {
		return nil, err
	}
	return column, nil
}

// Walk hands each object under root to each, in the order in which the device tells them, until
// it has told max of them. Of the subtrees to leave out nothing is handed on, and as soon as the
// device begins with one it is asked for what comes behind it. It ends with each's error, with
// ErrCircle, or with a device that answers no more: what was handed on before holds. One request
// is in flight at a time, Options.Pause before each. It is for people who ask for it, never for
// polls.
func (a *asker) Walk(ctx context.Context, root string, without []string, max int, each func(mibs.Varbind) error) error {
	return a.walk(ctx, root, without, max, a.device.pool.Pause, each)
}

func (a *asker) walk(ctx context.Context, root string, without []string, max int, pause time.Duration, each func(mibs.Varbind) error) error {
	said := map[string]bool{}
	repetitions := maxRepetitions
	for last := root; len(said) < max; { // objects without a value count too, or it might never end
		if err := a.wait(ctx, pause); err != nil {
			return err
		}
		packet, err := a.exchange(ctx, a.next(last, min(repetitions, max-len(said))))
		switch {
		case err != nil:
			return err
		case packet.Error == gosnmp.NoSuchName: // SNMPv1's end
			return nil
		case packet.Error == gosnmp.TooBig && repetitions > 1:
			repetitions /= 2
			continue
		case packet.Error != gosnmp.NoError:
			return fmt.Errorf("%s answers %s behind %s", a.device.target, errorName(packet.Error), last)
		}
		for _, v := range packet.Variables {
			oid := strings.TrimPrefix(v.Name, ".")
			switch {
			case v.Type == gosnmp.EndOfMibView || !strings.HasPrefix(oid, root+".") || len(said) == max:
				return nil
			case said[oid]:
				return fmt.Errorf("%s %w: %s comes behind %s", a.device.target, ErrCircle, oid, last)
			}
			said[oid], last = true, oid
			if past := behind(without, oid); past != "" {
				last = past
				break
			}
			if value, ok := valueOf(v); ok {
				if err := each(mibs.Varbind{OID: oid, Value: value}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// behind is where a walk goes on, if an object lies in a subtree to leave out.
func behind(without []string, oid string) string {
	for _, root := range without {
		if strings.HasPrefix(oid, root+".") {
			at := strings.LastIndexByte(root, '.')
			last, _ := strconv.ParseUint(root[at+1:], 10, 32)
			return fmt.Sprintf("%s.%d", root[:at], last+1)
		}
	}
	return ""
}

func (a *asker) wait(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return nil
	}
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return a.explain(ctx, ctx.Err())
	}
}

// next is a request for what comes behind an object.
func (a *asker) next(oid string, repetitions int) request {
	if a.version() == gosnmp.Version1 || a.quirks.NoBulk {
		return request{kind: gosnmp.GetNextRequest, oids: []string{oid}}
	}
	return request{kind: gosnmp.GetBulkRequest, repetitions: repetitions, oids: []string{oid}}
}
