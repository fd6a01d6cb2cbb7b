package snmp

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/gosnmp/gosnmp"
)

// askUser sends one request and waits for its answer, under what is known of the engine, or
// else after finding that out. In a look the engine is found out at most once, and its clock
// set at most once: a broken device isn't hammered.
func (a *asker) askUser(ctx context.Context, r request) (*gosnmp.SnmpPacket, error) {
	for {
		e := a.device.knownEngine()
		if e.id == "" || e.doubted {
			if err := a.discover(ctx, &e); err != nil {
				return nil, err
			}
		}
		answer, authentic, err := a.askEngine(ctx, &e, r)
		if err != nil {
			return nil, err
		}
		told := answer.SecurityParameters.(*gosnmp.UsmSecurityParameters)
		if answer.PDUType != gosnmp.Report {
			e.set(told, a.device.pool.Now())
			a.device.learnEngine(e)
			return answer, nil
		}
		why := reportName(answer)
		switch {
		case why == notInTimeWindow && authentic && !a.clockSet:
			a.clockSet = true
			a.setClock(e, told)
		case !a.discovered:
			if err := a.discover(ctx, &e); err != nil {
				return nil, err
			}
			a.device.rediscovered(why)
		default:
			a.device.learnEngine(engine{})
			return nil, a.refusal(why, &e)
		}
	}
}

// setClock takes what a device says of its own clock in an authentic report. It may go
// backwards, which RFC 3414, section 3.2, wouldn't have: devices forget how often they have started.
func (a *asker) setClock(e engine, told *gosnmp.UsmSecurityParameters) {
	e.set(told, a.device.pool.Now())
	a.device.learnEngine(e)
	if !a.discovered { // else the change is counted, or is none: some tell their clock to users only
		a.device.rediscovered(notInTimeWindow)
	}
}

// discover asks a device for its engine (RFC 3414, section 4). Nothing protects the answer:
// what it says is only what to begin with, and what proves false leads to no answer.
func (a *asker) discover(ctx context.Context, e *engine) error {
	id := messageID()
	datagram, err := engineDiscovery(id, a.session.nextID())
	if err != nil {
		return fmt.Errorf("ask %s for its engine: %w", a.device.target, err)
	}
	report, err := a.session.exchange(ctx, datagram, func(datagram []byte) (*gosnmp.SnmpPacket, error) {
		return a.session.report(datagram, id), nil
	})
	if err != nil {
		return a.explain(ctx, err)
	}
	return a.takeEngine(e, report.SecurityParameters.(*gosnmp.UsmSecurityParameters))
}

// engineDiscovery is the message that every engine answers: without a user, and to no engine in particular.
func engineDiscovery(message, request uint32) ([]byte, error) {
	blank := gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgFlags: gosnmp.NoAuthNoPriv | gosnmp.Reportable, MsgID: message, MsgMaxSize: maxAnswer,
		SecurityModel: gosnmp.UserSecurityModel, SecurityParameters: &gosnmp.UsmSecurityParameters{},
		PDUType: gosnmp.GetRequest, RequestID: request,
	}
	return blank.MarshalMsg()
}

func (a *asker) takeEngine(e *engine, told *gosnmp.UsmSecurityParameters) error {
	if n := len(told.AuthoritativeEngineID); n == 0 || n > 32 {
		return fmt.Errorf("%s names an SNMPv3 engine of %d bytes; want 1 to 32", a.device.target, n)
	}
	a.discovered = true
	before := *e
	e.doubted = false
	if e.id != told.AuthoritativeEngineID || told.AuthoritativeEngineBoots != 0 || told.AuthoritativeEngineTime != 0 {
		e.set(told, a.device.pool.Now()) // 0 and 0: some tell their clock to users only
	}
	if e.id != before.id {
		if err := a.device.target.Credentials.unlock(e); err != nil {
			return fmt.Errorf("ask %s: %w", a.device.target, err)
		}
	}
	a.device.learnEngine(*e)
	if before.doubted && (e.id != before.id || e.boots != before.boots) {
		a.device.rediscovered("it restarted or was replaced while it was silent")
	}
	return nil
}

// askEngine sends r as RFC 3414, section 3.1, has it, and returns an answer that can be
// believed or a report, which may not be authentic.
func (a *asker) askEngine(ctx context.Context, e *engine, r request) (answer *gosnmp.SnmpPacket, authentic bool, err error) {
	c := &a.device.target.Credentials
	packet, usm := r.packet(), c.usm(e)
	usm.AuthoritativeEngineTime = e.clock(a.device.pool.Now())
	usm.PrivacyParameters = binary.BigEndian.AppendUint64(nil, a.device.pool.salt.Add(1))
	packet.MsgFlags, packet.MsgID, packet.MsgMaxSize = c.level()|gosnmp.Reportable, messageID(), maxAnswer
	packet.SecurityModel, packet.SecurityParameters, packet.ContextEngineID = gosnmp.UserSecurityModel, usm, e.id
	datagram, err := r.encode(packet)
	if err != nil {
		return nil, false, fmt.Errorf("ask %s: %w", a.device.target, err)
	}
	a.unbelieved = false
	answer, err = a.session.exchange(ctx, datagram, func(datagram []byte) (*gosnmp.SnmpPacket, error) {
		answer := a.session.believe(datagram, usm, c.level(), packet.MsgID)
		authentic = answer != nil && c.Auth != ""
		if answer == nil {
			answer = a.session.report(datagram, packet.MsgID)
		}
		if answer == nil || answer.PDUType == gosnmp.GetResponse && answer.RequestID != r.id {
			a.unbelieved = true
			return nil, nil
		}
		return answer, nil
	})
	if err != nil {
		a.device.doubt(*e)
		return nil, false, a.explain(ctx, err)
	}
	return answer, authentic, nil
}

// believe reads a message of the engine and user in usm that answers the message with id, and
// is protected as that was (a report may be plain). All else is nothing.
//
// Its freshness rests on id and on the request's own id, 60 bits that no one can foresee, and
// not on the time in it: the clocks of devices jump.
func (s *session) believe(datagram []byte, usm *gosnmp.UsmSecurityParameters, level gosnmp.SnmpV3MsgFlags, id uint32) *gosnmp.SnmpPacket {
	s.checker.Version, s.checker.MsgFlags = gosnmp.Version3, level
	s.checker.SecurityModel, s.checker.SecurityParameters = gosnmp.UserSecurityModel, usm
	answer, err := contained(s.verified, datagram)
	if err != nil || answer.Version != gosnmp.Version3 || answer.SecurityModel != gosnmp.UserSecurityModel || answer.MsgID != id {
		return nil // of another version or model it would not have been verified
	}
	told, ok := answer.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	if !ok || told.UserName != usm.UserName || told.AuthoritativeEngineID != usm.AuthoritativeEngineID {
		return nil // another engine's message would have been verified with an empty key
	}
	switch answer.PDUType {
	case gosnmp.GetResponse:
		if answer.MsgFlags&gosnmp.AuthPriv == level {
			return answer
		}
	case gosnmp.Report:
		if len(answer.Variables) > 0 {
			return answer
		}
	}
	return nil
}

// verified decodes a message whose authentication holds. gosnmp does that for traps, but
// not in its SnmpDecodePacket; its own way of asking would not tell who refuses what, nor look at message ids.
func (s *session) verified(datagram []byte) (*gosnmp.SnmpPacket, error) {
	return s.checker.UnmarshalTrap(datagram, false)
}

// report reads a report without protection about the message with id; all else is nothing.
func (s *session) report(datagram []byte, id uint32) *gosnmp.SnmpPacket {
	answer, err := contained(s.decoder.SnmpDecodePacket, datagram)
	if err != nil || answer.Version != gosnmp.Version3 || answer.MsgID != id || answer.PDUType != gosnmp.Report || len(answer.Variables) == 0 {
		return nil
	}
	if _, ok := answer.SecurityParameters.(*gosnmp.UsmSecurityParameters); !ok {
		return nil
	}
	return answer
}

func messageID() uint32 { return sameLength(rand.Uint32()) }

// What reports say (RFC 3414, section 5, and RFC 3412, section 5).
const (
	unsupportedLevel = "usmStatsUnsupportedSecLevels"
	notInTimeWindow  = "usmStatsNotInTimeWindows"
	unknownUser      = "usmStatsUnknownUserNames"
	unknownEngine    = "usmStatsUnknownEngineIDs"
	wrongDigest      = "usmStatsWrongDigests"
	decryptionError  = "usmStatsDecryptionErrors"
)

var reports = map[string]string{
	".1.3.6.1.6.3.15.1.1.1.0": unsupportedLevel,
	".1.3.6.1.6.3.15.1.1.2.0": notInTimeWindow,
	".1.3.6.1.6.3.15.1.1.3.0": unknownUser,
	".1.3.6.1.6.3.15.1.1.4.0": unknownEngine,
	".1.3.6.1.6.3.15.1.1.5.0": wrongDigest,
	".1.3.6.1.6.3.15.1.1.6.0": decryptionError,
}

func reportName(report *gosnmp.SnmpPacket) string {
	oid := report.Variables[0].Name
	if name, known := reports[oid]; known {
		return name
	}
	return "report " + oid
}

// Refusal is the error of a device that is there, but refuses the credentials: it says what to correct.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

func (a *asker) refusal(why string, e *engine) error {
	c := &a.device.target.Credentials
	text := fmt.Sprintf("refuses SNMPv3 (%s)", why)
	switch why {
	case unknownUser:
		text = fmt.Sprintf("doesn't know SNMPv3 user %q; correct the user, here or there", c.User)
	case wrongDigest:
		text = fmt.Sprintf("refuses SNMPv3 user %q: its auth password or protocol is not %s as here; correct one of them", c.User, c.Auth)
	case decryptionError:
		text = fmt.Sprintf("refuses SNMPv3 user %q: its privacy password or protocol is not %s as here; correct one of them", c.User, c.Privacy)
	case unsupportedLevel:
		text = fmt.Sprintf("refuses SNMPv3 user %q %s; correct auth and privacy, here or there", c.User, c.protection())
	case unknownEngine:
		text = "doesn't know the SNMPv3 engine that it names itself"
	case notInTimeWindow:
		text = fmt.Sprintf("refuses SNMPv3 requests with its own time (engine boots %d)", e.boots)
		if e.boots == maxEngine {
			text += ": its count of restarts is used up until its SNMPv3 is set up anew"
		}
	}
	return &Refusal{a.device.target.String() + " " + text}
}

// mayNotRead is the refusal of a device that knows who asks, and lets them read nothing.
func (a *asker) mayNotRead() error {
	c := &a.device.target.Credentials
	if c.Version != V3 {
		return &Refusal{a.device.target.String() + " lets its community read nothing; correct its rights there"}
	}
	return &Refusal{fmt.Sprintf("%s lets SNMPv3 user %q %s read nothing; correct its rights there, or auth and privacy here", a.device.target, c.User, c.protection())}
}

func (c Credentials) protection() string {
	switch c.level() {
	case gosnmp.AuthPriv:
		return "with auth and privacy"
	case gosnmp.AuthNoPriv:
		return "with auth and without privacy"
	}
	return "without auth"
}
