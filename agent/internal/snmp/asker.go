package snmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/mibs"
)

// asker is one conversation with one device.
type asker struct {
	device  *Device
	session *session
	quirks  mibs.Quirks
	trouble error

	// Of SNMPv3:
	discovered bool // the engine was found out in this conversation,
	clockSet   bool // and its clock set, each once at most
	unbelieved bool // what came to the last request couldn't be believed
}

// Get is part of mibs.Asker: one request, or several if the device takes no more at once. In
// what is polled the second object is the serial number: each further request carries it too.
func (a *asker) Get(ctx context.Context, oids []string) (mibs.Answers, error) {
	answers := make(mibs.Answers, len(oids))
	for open := a.device.present(oids); len(open) > 0; {
		most := a.device.limit(a.quirks.MaxOIDs)
		get := a.get
		if len(answers) > 0 && most > 1 {
			get, most = a.proven(oids[1]), most-1
		}
		some := open[:min(most, len(open))]
		switch err := get(ctx, some, answers); {
		case errors.Is(err, errTooBig): // again, with fewer
		case err != nil:
			return nil, err
		default:
			open = open[len(some):]
		}
	}
	return answers, nil
}

// proven gets objects together with one that has been answered, if it has: unless that says
// the same again, another machine answers by now.
func (a *asker) proven(oid string) func(context.Context, []string, mibs.Answers) error {
	return func(ctx context.Context, oids []string, answers mibs.Answers) error {
		before, told := answers[oid]
		if !told {
			return a.get(ctx, oids, answers)
		}
		delete(answers, oid)
		err := a.get(ctx, append([]string{oid}, oids...), answers)
		if err == nil && !bytes.Equal(answers[oid].Bytes, before.Bytes) {
			err = fmt.Errorf("two machines answer by turns at %s; want one", a.device.target)
		}
		answers[oid] = before
		return err
	}
}

// mostBroken is how many objects of one request may be broken. A device that can read none
// of its objects, as some while they boot, has failed; what it says of each is not to be kept.
const mostBroken = 3

// errTooBig means that the same is to be asked again, under the limit that was learned.
var errTooBig = errors.New("too big")

// get asks for oids until all have an answer, or are known to be absent or broken.
func (a *asker) get(ctx context.Context, oids []string, answers mibs.Answers) error {
	var broken []string
	for len(oids) > 0 {
		packet, err := a.exchange(ctx, request{kind: gosnmp.GetRequest, oids: oids})
		if err != nil {
			return err
		}
		at := int(packet.ErrorIndex) - 1 // which one the error is about
		known := at >= 0 && at < len(oids)
		switch {
		case packet.Error == gosnmp.NoError:
			a.device.learnAbsent(broken...)
			a.noteBroken(broken)
			return a.sort(packet.Variables, oids, answers)
		case packet.Error == gosnmp.TooBig && len(oids) > 1:
			a.device.learnLimit(min(len(oids)/2+1, len(oids)-1)) // half, and the one that each carries
			return errTooBig
		case packet.Error == gosnmp.NoSuchName && (known || len(oids) == 1):
			at = min(max(at, 0), len(oids)-1)
			a.device.learnAbsent(oids[at])
			oids = without(oids, at)
		case packet.Error == gosnmp.NoSuchName:
			return a.halves(ctx, oids, answers)
		case known && packet.Error != gosnmp.TooBig && len(oids) > 1 && len(broken) < mostBroken:
			broken = append(broken, oids[at])
			oids = without(oids, at)
		case packet.Error == gosnmp.AuthorizationError && !known:
			return a.mayNotRead()
		case known:
			return fmt.Errorf("%s answers %s to %s", a.device.target, errorName(packet.Error), append(broken, oids[at])[0])
		default:
			return fmt.Errorf("%s answers %s to a GET of %d objects from %s on", a.device.target, errorName(packet.Error), len(oids), oids[0])
		}
	}
	return nil
}

func without(oids []string, at int) []string { return slices.Delete(slices.Clone(oids), at, at+1) }

func (a *asker) halves(ctx context.Context, oids []string, answers mibs.Answers) error {
	half := (len(oids) + 1) / 2
	if err := a.get(ctx, oids[:half], answers); err != nil {
		return err
	}
	return a.get(ctx, oids[half:], answers)
}

// sort puts the values of an answer to their OIDs, wherever they stand in it. What wasn't
// asked is left out.
func (a *asker) sort(variables []gosnmp.SnmpPDU, oids []string, answers mibs.Answers) error {
	var told [maxOIDs]bool
	n := 0
	for i, v := range variables {
		oid := strings.TrimPrefix(v.Name, ".")
		if i >= len(oids) || oids[i] != oid {
			i = slices.Index(oids, oid)
		}
		if i < 0 || told[i] {
			continue
		}
		told[i] = true
		n++
		if value, ok := valueOf(v); ok {
			answers[oids[i]] = value
		}
	}
	if n < len(oids) {
		return fmt.Errorf("%s answers only %d of %d objects; a profile's quirk max_oids may help", a.device.target, n, len(oids))
	}
	return nil
}

// Afresh asks from now on also for what the device was found not to have, or not to be able
// to read: for those who want to know who it is, since it may be another device by now.
func (a *asker) Afresh() { a.device.forgetAbsent() }

// Trouble is which object the device answered with an error in this conversation, though it
// answered others; nil if there was none.
func (a *asker) Trouble() error { return a.trouble }

func (a *asker) noteBroken(oids []string) {
	if a.trouble == nil && len(oids) > 0 {
		a.trouble = fmt.Errorf("%s can't read %s at present", a.device.target, oids[0])
	}
}

func (a *asker) version() gosnmp.SnmpVersion {
	return a.device.target.Credentials.version(a.quirks.V1)
}

// exchange sends one request and waits for its answer. Its errors say in few words what
// people need to know, and the same words each time, since they become part of readings.
func (a *asker) exchange(ctx context.Context, r request) (*gosnmp.SnmpPacket, error) {
	r.version, r.community, r.id = a.version(), string(a.device.target.Credentials.Community), a.session.nextID()
	answer, err := a.answer(ctx, r)
	if err != nil {
		return nil, err
	}
	// gosnmp takes any kind of PDU for an answer.
	if answer.PDUType != gosnmp.GetResponse || answer.RequestID == 0 || answer.Error == gosnmp.NoError && len(answer.Variables) == 0 {
		return nil, fmt.Errorf("%s sends what is no answer to the request", a.device.target)
	}
	return answer, nil
}

func (a *asker) answer(ctx context.Context, r request) (*gosnmp.SnmpPacket, error) {
	if r.version == gosnmp.Version3 {
		return a.askUser(ctx, r)
	}
	datagram, err := r.encode(r.packet())
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a.device.target, err)
	}
	answer, err := a.session.exchange(ctx, datagram, a.session.plain)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	return answer, nil
}

func (a *asker) explain(ctx context.Context, err error) error {
	target := a.device.target
	var network *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("no answer from %s in the time it was given: %w", target, context.DeadlineExceeded)
	case ctx.Err() != nil:
		return fmt.Errorf("ask %s: %w", target, ctx.Err())
	case errors.Is(err, os.ErrDeadlineExceeded) && a.unbelieved:
		return fmt.Errorf("no answer from %s that could be believed (%s of %v): what came was damaged, late or forged", target, tries(a.session.tries), a.session.timeout)
	case errors.Is(err, os.ErrDeadlineExceeded) && a.discovered:
		return &Refusal{fmt.Sprintf("no answer from %s to SNMPv3 user %q (%s of %v), though it names its engine; check its privacy password and protocol",
			target, a.device.target.Credentials.User, tries(a.session.tries), a.session.timeout)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer from %s (%s of %v)", target, tries(a.session.tries), a.session.timeout)
	case errors.As(err, &network): // without our own port, another one each time
		return fmt.Errorf("ask %s: %w", target, network.Err)
	}
	// The rest is what gosnmp says of datagrams that it can't decode: hex dumps, even stacks.
	return fmt.Errorf("unreadable answer from %s", target)
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

// errorName is an error status as the standards spell it: genErr, tooBig.
func errorName(e gosnmp.SNMPError) string {
	name := e.String()
	return strings.ToLower(name[:1]) + name[1:]
}

// valueOf is a value in our own terms; ok is false for what isn't there.
func valueOf(v gosnmp.SnmpPDU) (value mibs.Value, ok bool) {
	kind, known := kinds[v.Type]
	if !known {
		return mibs.Value{}, false
	}
	value.Kind = kind
	switch raw := v.Value.(type) {
	case int:
		value.Int = int64(raw)
	case uint:
		value.Int = int64(raw)
	case uint32:
		value.Int = int64(raw)
	case uint64:
		value.Int = int64(raw)
	case []byte:
		value.Bytes = raw
	case float32: // of an Opaque: as it came over the line
		value.Bytes = binary.BigEndian.AppendUint32(nil, math.Float32bits(raw))
	case float64:
		value.Bytes = binary.BigEndian.AppendUint64(nil, math.Float64bits(raw))
	case string:
		if kind == mibs.ObjectID {
			value.OID = strings.TrimPrefix(raw, ".")
		} else if addr, err := netip.ParseAddr(raw); err == nil {
			value.Bytes = addr.AsSlice()
		}
	}
	return value, true
}

var kinds = map[gosnmp.Asn1BER]mibs.Kind{
	gosnmp.Integer: mibs.Integer, gosnmp.OctetString: mibs.OctetString, gosnmp.Null: mibs.Null,
	gosnmp.ObjectIdentifier: mibs.ObjectID, gosnmp.IPAddress: mibs.IPAddress, gosnmp.Counter32: mibs.Counter,
	gosnmp.Gauge32: mibs.Gauge, gosnmp.Uinteger32: mibs.Gauge, gosnmp.TimeTicks: mibs.TimeTicks,
	gosnmp.Counter64: mibs.Counter64, gosnmp.Opaque: mibs.OctetString, gosnmp.OpaqueFloat: mibs.OctetString,
	gosnmp.OpaqueDouble: mibs.OctetString, gosnmp.BitString: mibs.OctetString,
}
