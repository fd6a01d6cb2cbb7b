package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

type probeCommand struct {
	Host        string      `arg:"" optional:"" help:"Name or address of the device."`
	Port        int         `default:"161" help:"Its SNMP port."`
	Community   secret.Text `placeholder:"TEXT" help:"Ask with SNMPv2c and this community, and with SNMPv1 if that brings no answer."`
	Credentials string      `placeholder:"NAME" help:"Ask with these credentials of the configuration."`
	JSON        bool        `name:"json" help:"Print JSON."`
	Replay      string      `placeholder:"FILE" help:"Read a recording (snmprec, or what snmpwalk -On prints) instead of a device."`
}

// probed is what one look at a device brought.
type probed struct {
	where  string // the address or file
	device *mibs.Device
	result mibs.Result
}

// Run asks one device once and prints what it tells.
func (c *probeCommand) Run(call *program.Call) error {
	config, err := loadConfig(call.Config)
	if err != nil {
		return err
	}
	profiles, err := loadProfiles(config)
	if err != nil {
		return err
	}
	var seen probed
	switch {
	case (c.Host == "") == (c.Replay == ""):
		return program.Usage(errors.New("probe: want HOST or --replay FILE, one of them"))
	case c.Replay != "":
		seen, err = c.replay(call.Ctx, profiles)
	default:
		seen, err = c.ask(call, config, profiles)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return seen.printJSON(call.Stdout)
	}
	return seen.printText(call.Stdout)
}

func (c *probeCommand) replay(ctx context.Context, profiles *mibs.Set) (probed, error) {
	in, err := os.Open(c.Replay)
	if err != nil {
		return probed{}, fmt.Errorf("replay: %w", err)
	}
	defer in.Close()
	recording, err := mibs.ParseRecording(in)
	if err != nil {
		return probed{}, fmt.Errorf("replay %s: %w", c.Replay, err)
	}
	seen, err := probe(ctx, profiles, func(_ context.Context, _ mibs.Quirks, look func(mibs.Asker) error) error {
		return look(recording)
	})
	seen.where = c.Replay
	seen.result.Warnings = append(seen.result.Warnings, recording.Warnings...)
	return seen, err
}

func (c *probeCommand) ask(call *program.Call, config *config, profiles *mibs.Set) (probed, error) {
	if !validHost(c.Host) || c.Port < 1 || c.Port > 65535 {
		return probed{}, program.Usage(fmt.Errorf("probe %s: want a host name or an address, its port (1 to 65535) with --port", c.Host))
	}
	credentials, err := c.credentials(config)
	if err != nil {
		return probed{}, program.Usage(err)
	}
	pool := newPool(config)
	defer pool.Close()
	target := snmp.Target{Host: c.Host, Port: uint16(c.Port), Credentials: credentials.snmp()}
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
		return probed{}, withHint(err, c.Port)
	}
	seen.where = (&targetConfig{Host: c.Host, Port: c.Port}).address()
	return seen, nil
}

// credentials are those named on the command line, else those that the configuration has for
// the host, else the only ones that it has, else "public". They have no name where nobody
// said which version of SNMP the device speaks.
func (c *probeCommand) credentials(config *config) (credentialsConfig, error) {
	if c.Community != "" && c.Credentials != "" {
		return credentialsConfig{}, errors.New("probe: --community and --credentials; want one of them")
	}
	if c.Community != "" {
		return credentialsConfig{Version: snmp.V2c, Community: c.Community}, nil
	}
	name := c.Credentials
	for _, t := range config.hosts() {
		if name == "" && t.Host == c.Host && t.Port == c.Port {
			name = t.Credentials
		}
	}
	all := config.SNMP.Credentials
	if name == "" && len(all) == 1 && config.given {
		name = all[0].Name
	}
	if name == "" {
		return credentialsConfig{Version: snmp.V2c, Community: "public"}, nil
	}
	known, ok := config.SNMP.named(name)
	if !ok {
		return credentialsConfig{}, fmt.Errorf("probe: --credentials %s: not in the configuration; want one of: %s",
			name, strings.Join(config.SNMP.names(), ", "))
	}
	return known, nil
}

// probeBudget is generous: people wait for it.
const probeBudget = time.Minute

// probe asks a device who it is and then all that it can be asked.
func probe(ctx context.Context, profiles *mibs.Set, ask func(context.Context, mibs.Quirks, func(mibs.Asker) error) error) (probed, error) {
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	var seen probed
	err := ask(ctx, mibs.Quirks{}, func(asker mibs.Asker) (err error) {
		seen.device, err = profiles.Identify(ctx, asker)
		return err
	})
	if err != nil {
		return probed{}, err
	}
	const all = mibs.Lines | mibs.Counters
	err = ask(ctx, seen.device.Quirks(), func(asker mibs.Asker) error {
		answers, err := asker.Get(ctx, seen.device.OIDs(all))
		if err == nil {
			seen.result = seen.device.Read(wire.TimeOf(time.Now()), all, answers)
		}
		return err
	})
	switch {
	case err != nil:
	case seen.result.Stranger:
		err = errors.New("two machines answer by turns at this address; want one")
	case !seen.result.Reading.OK:
		seen.result.Warnings = append(seen.result.Warnings, seen.result.Reading.Error)
	}
	return seen, err
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
	var dns *net.DNSError
	return err != nil && !errors.Is(err, snmp.ErrVersion3) && !errors.As(err, &dns) && !errors.Is(err, context.Canceled)
}

func withHint(err error, port int) error {
	if !silent(err) {
		return err
	}
	return hintError{err, fmt.Sprintf(`Check, in this order:
  - Is the device on, and is this its address?
  - Is SNMP switched on in its menu or on its web page?
  - Is the community right? A device says nothing to a wrong one.
  - Does the device allow this computer to ask (access list, IP filter)?
  - Does every firewall on the way let UDP port %d pass?`, port)}
}
