package snmp

import (
	"fmt"
	"time"

	"github.com/gosnmp/gosnmp"
)

// engine is what is known of the SNMPv3 side of a device (RFC 3414, section 2.2). It is kept
// from look to look: with it a look needs no request but its own, and no password is hashed.
type engine struct {
	id      string // empty: not known
	boots   uint32 // how often it has started,
	seconds uint32 // how long ago it did
	at      time.Time
	auth    []byte // keys made for this engine
	privacy []byte
	doubted bool // it was silent when last asked: it may have restarted, or be another one
}

// maxEngine is where boots and seconds end (RFC 3414, section 2.2.2).
const maxEngine = 1<<31 - 1

// clock is what the engine's own clock should say now.
func (e *engine) clock(now time.Time) uint32 {
	passed := max(now.Sub(e.at), 0) / time.Second
	return uint32(min(int64(e.seconds)+int64(passed), maxEngine))
}

// set takes what the engine says of itself, at now.
func (e *engine) set(told *gosnmp.UsmSecurityParameters, now time.Time) {
	e.id, e.boots, e.seconds, e.at = told.AuthoritativeEngineID, told.AuthoritativeEngineBoots, told.AuthoritativeEngineTime, now
}

func (d *Device) knownEngine() engine {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.engine == nil {
		return engine{}
	}
	return *d.engine
}

func (d *Device) learnEngine(e engine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.engine = &e
}

// doubt remembers that the device was silent. Its keys hold if it is the same afterwards.
func (d *Device) doubt(e engine) {
	e.doubted = true
	d.learnEngine(e)
}

// rediscovered counts that what was known of the engine held no more.
func (d *Device) rediscovered(why string) {
	d.pool.rediscoveries.Add(1)
	n := d.rediscoveries.Add(1)
	if d.pool.Log != nil && n&(n-1) == 0 { // once, twice, then ever more seldom
		d.pool.Log.Info("SNMPv3 engine is not as it was: found out anew", "address", d.target.String(), "why", why, "times", n)
	}
}

// Rediscoveries is how often what was known of the device's SNMPv3 engine held no more: it
// restarted, was replaced, or its clock jumped.
func (d *Device) Rediscoveries() int64 { return d.rediscoveries.Load() }

// Rediscoveries is the sum over all devices.
func (p *Pool) Rediscoveries() int64 { return p.rediscoveries.Load() }

// The names of SNMPv3's protocols. AES192 and AES256 extend short keys as Blumenthal's draft
// does, those ending in C as Reeder's, which is Cisco's way.
var (
	authProtocols = map[string]gosnmp.SnmpV3AuthProtocol{
		"": gosnmp.NoAuth, "MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA224": gosnmp.SHA224,
		"SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512,
	}
	privacyProtocols = map[string]gosnmp.SnmpV3PrivProtocol{
		"": gosnmp.NoPriv, "DES": gosnmp.DES, "AES": gosnmp.AES, "AES192": gosnmp.AES192, "AES256": gosnmp.AES256,
		"AES192C": gosnmp.AES192C, "AES256C": gosnmp.AES256C,
	}
)

// level is how much of SNMPv3's protection the credentials want.
func (c Credentials) level() gosnmp.SnmpV3MsgFlags {
	switch {
	case c.Privacy != "":
		return gosnmp.AuthPriv
	case c.Auth != "":
		return gosnmp.AuthNoPriv
	}
	return gosnmp.NoAuthNoPriv
}

// keyLengths are those of privacy, in bytes, where a key may be too short and must be extended.
var keyLengths = map[string]int{"AES": 16, "AES192": 24, "AES256": 32, "AES192C": 24, "AES256C": 32}

// unlock makes the keys for an engine (RFC 3414, section 2.6). For each password gosnmp hashes
// a megabyte, once in the life of the program; to extend a key as Cisco does, once an engine.
func (c Credentials) unlock(e *engine) error {
	usm := gosnmp.UsmSecurityParameters{
		AuthoritativeEngineID:    e.id,
		AuthenticationProtocol:   authProtocols[c.Auth],
		AuthenticationPassphrase: string(c.AuthPassword),
		PrivacyProtocol:          privacyProtocols[c.Privacy],
		PrivacyPassphrase:        string(c.PrivacyPassword),
	}
	length := keyLengths[c.Privacy]
	longEnough := length > 0 && usm.AuthenticationProtocol.HashType().Size() >= length
	if longEnough {
		usm.PrivacyProtocol = gosnmp.DES // has the same key, uncut; gosnmp extends others whether they need it or not
	}
	if err := usm.InitSecurityKeys(); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	e.auth, e.privacy = usm.SecretKey, usm.PrivacyKey
	if longEnough {
		e.privacy = e.privacy[:length]
	}
	return nil
}

// usm are the security parameters of messages to and from an engine. The passwords aren't
// among them: gosnmp would make keys for whatever engine a stranger's datagram names.
func (c Credentials) usm(e *engine) *gosnmp.UsmSecurityParameters {
	return &gosnmp.UsmSecurityParameters{
		AuthoritativeEngineID:    e.id,
		AuthoritativeEngineBoots: e.boots,
		AuthoritativeEngineTime:  e.seconds,
		UserName:                 c.User,
		AuthenticationProtocol:   authProtocols[c.Auth],
		PrivacyProtocol:          privacyProtocols[c.Privacy],
		SecretKey:                e.auth,
		PrivacyKey:               e.privacy,
	}
}
