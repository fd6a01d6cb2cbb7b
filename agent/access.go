package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/mibs"
)

// access is how a command reaches one device.
type access struct {
	Port        int         `default:"161" help:"Its SNMP port."`
	Community   secret.Text `placeholder:"TEXT" help:"Ask with SNMPv2c and this community, and with SNMPv1 if that brings no answer."`
	Credentials string      `placeholder:"NAME" help:"Ask with these credentials of the configuration."`
}

// look probes a device, and tells how it was reached.
func (a *access) look(call *program.Call, config *config, profiles *mibs.Set, pool *snmp.Pool, host string) (probed, snmp.Target, error) {
	if !polling.ValidHost(host) || a.Port < 1 || a.Port > 65535 {
		return probed{}, snmp.Target{}, program.Usage(fmt.Errorf("%s: want a host name or an address, its port (1 to 65535) with --port", host))
	}
	credentials, err := a.credentials(config, host)
	if err != nil {
		return probed{}, snmp.Target{}, program.Usage(err)
	}
	target := snmp.Target{Host: host, Port: uint16(a.Port), Credentials: snmpOf(credentials)}
	seen, err := probe(call.Ctx, profiles, pool.Device(target).Ask)
	if silent(err) && credentials.Name == "" { // some old machines speak SNMPv1 only
		call.Log.Info("no answer to SNMPv2c; trying SNMPv1")
		target.Credentials.Version = snmp.V1
		if again, againErr := probe(call.Ctx, profiles, pool.Device(target).Ask); againErr == nil {
			again.result.Warnings = append(again.result.Warnings, "it answers SNMPv1 only: give it credentials of version 1")
			seen, err = again, nil
		}
	}
	if err != nil {
		return probed{}, snmp.Target{}, withHint(err, a.Port, credentials.Version)
	}
	seen.where = (&polling.Target{Host: host, Port: a.Port}).Address()
	return seen, target, nil
}

// credentials are those named on the command line, else those that the configuration has for
// the host, else the only ones that it has, else "public". They have no name where nobody
// said which version of SNMP the device speaks.
func (a *access) credentials(config *config, host string) (credentialsConfig, error) {
	if a.Community != "" && a.Credentials != "" {
		return credentialsConfig{}, errors.New("--community and --credentials; want one of them")
	}
	if a.Community != "" {
		return credentialsConfig{Version: snmp.V2c, Community: a.Community}, nil
	}
	name := a.Credentials
	for _, t := range config.Hosts() {
		if name == "" && t.Host == host && t.Port == a.Port {
			name = t.Credentials[0]
		}
	}
	all := config.SNMP.Credentials
	if name == "" && len(all) == 1 && config.file != "" {
		name = all[0].Name
	}
	if name == "" {
		return credentialsConfig{Version: snmp.V2c, Community: "public"}, nil
	}
	known, ok := config.SNMP.named(name)
	if !ok {
		return credentialsConfig{}, fmt.Errorf("--credentials %s: not in the configuration; want one of: %s",
			name, strings.Join(config.SNMP.names(), ", "))
	}
	return known, nil
}

// hintError adds what to check.
type hintError struct {
	error
	hint string
}

func (e hintError) Error() string { return e.error.Error() + "\n" + e.hint }
func (e hintError) Unwrap() error { return e.error }

// silent tells whether the device was asked, and didn't answer.
func silent(err error) bool {
	var refusal *snmp.Refusal
	var dns *net.DNSError
	return err != nil && !errors.As(err, &refusal) && !errors.As(err, &dns) && !errors.Is(err, context.Canceled)
}

func withHint(err error, port int, version string) error {
	if !silent(err) {
		return err
	}
	known := "Is the community right? A device says nothing to a wrong one."
	if version == snmp.V3 {
		known = "Is SNMPv3 switched on too, with this user? Some devices want a restart after that."
	}
	return hintError{err, fmt.Sprintf(`Check, in this order:
  - Is the device on, and is this its address?
  - Is SNMP switched on in its menu or on its web page?
  - %s
  - Does the device allow this computer to ask (access list, IP filter)?
  - Does every firewall on the way let UDP port %d pass?`, known, port)}
}
