// Package snmp asks devices over SNMPv1, SNMPv2c and SNMPv3. It only reads: there is no SET
// in it, no TCP, and no walk but of one column at a time, or those that people ask for. A Pool
// bounds how many conversations go on at once; a Device is one of those to talk to and
// remembers what it can't take, and its SNMPv3 keys and clock.
//
// Of SNMPv3 there is the user-based security model (RFC 3414, 3826 and 7860). An answer that
// isn't authentic is none, where the credentials have a password to tell.
package snmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/gosnmp/gosnmp"

	"github.com/zerofax/zerofax/agent/secret"
)

// DefaultPort is where SNMP agents listen.
const DefaultPort = 161

// The versions that Credentials may name.
const (
	V1  = "1"
	V2c = "2c"
	V3  = "3"
)

// Credentials are what a device wants to hear.
type Credentials struct {
	Version   string      // V1, V2c or V3
	Community secret.Text // of V1 and V2c

	User            string // of V3, as all below
	Auth            string // MD5, SHA, SHA224, SHA256, SHA384, SHA512; empty = none
	AuthPassword    secret.Text
	Privacy         string // DES, AES, AES192, AES256, AES192C, AES256C; empty = none
	PrivacyPassword secret.Text
}

// maxCommunity is more than any device takes.
const maxCommunity = 127

// The lengths of SNMPv3's texts, in bytes (RFC 3414, sections 5 and 11.2).
const (
	maxUser     = 32
	minPassword = 8
)

// Check says what is wrong with credentials, nil if nothing is.
func (c Credentials) Check() error {
	switch {
	case c.Version == V3:
		return c.checkUser()
	case c.Version != V1 && c.Version != V2c:
		return fmt.Errorf("SNMP version %q; want 1, 2c or 3", c.Version)
	case c.Community == "" || len(c.Community) > maxCommunity:
		return fmt.Errorf("SNMP community of %d bytes; want 1 to %d", len(c.Community), maxCommunity)
	}
	return nil
}

func (c Credentials) checkUser() error {
	_, auth := authProtocols[c.Auth]
	_, privacy := privacyProtocols[c.Privacy]
	switch {
	case c.User == "" || len(c.User) > maxUser:
		return fmt.Errorf("SNMPv3 user of %d bytes; want 1 to %d", len(c.User), maxUser)
	case !auth:
		return fmt.Errorf("SNMPv3 auth protocol %q; want MD5, SHA, SHA224, SHA256, SHA384 or SHA512", c.Auth)
	case !privacy:
		return fmt.Errorf("SNMPv3 privacy protocol %q; want DES, AES, AES192, AES256, AES192C or AES256C", c.Privacy)
	case c.Privacy != "" && c.Auth == "":
		return errors.New("SNMPv3 privacy without auth; want both")
	case c.Auth != "" && len(c.AuthPassword) < minPassword, c.Privacy != "" && len(c.PrivacyPassword) < minPassword:
		return fmt.Errorf("SNMPv3 password of less than %d bytes", minPassword)
	}
	return nil
}

func (c Credentials) version(v1 bool) gosnmp.SnmpVersion {
	switch {
	case c.Version == V3:
		return gosnmp.Version3
	case v1 || c.Version == V1:
		return gosnmp.Version1
	}
	return gosnmp.Version2c
}

// Target is where a device is and how to talk to it.
type Target struct {
	Host        string // an address or a name
	Port        uint16 // 0 = DefaultPort
	Credentials Credentials
}

// String is host:port.
func (t Target) String() string {
	port := t.Port
	if port == 0 {
		port = DefaultPort
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(int(port)))
}

// resolve finds the address, of a name anew each time.
func (t Target) resolve(ctx context.Context) (netip.AddrPort, error) {
	port := t.Port
	if port == 0 {
		port = DefaultPort
	}
	if addr, err := netip.ParseAddr(t.Host); err == nil {
		return netip.AddrPortFrom(addr.Unmap(), port), nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.Host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("resolve %q: %w", t.Host, err)
	}
	return netip.AddrPortFrom(addrs[0].Unmap(), port), nil
}
