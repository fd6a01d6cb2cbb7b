// Command zerofax-agent polls fax machines over SNMP and sends what they said to the
// collector. It only ever reads from devices. This package wires the parts together and
// decides nothing:
//
//	devices ─▶ snmp.Pool ─▶ poll ─▶ spool ─▶ uplink ─▶ MQTT
//	             mibs ───────┘        ▲         │
//	                                  └── ack ──┘
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/zerofax/zerofax/agent/program"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole program: args in, exit code out. It ends when ctx does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return program.Program{
		Name:     "zerofax-agent",
		About:    "Polls fax machines over SNMP and sends what they said to the zerofax collector.",
		Commands: new(commands),
	}.Run(ctx, args, stdout, stderr)
}

type commands struct {
	Run       runCommand       `cmd:"" help:"Poll devices and send readings to the collector, until stopped."`
	Check     checkCommand     `cmd:"" help:"Check the configuration and say what run would do."`
	Probe     probeCommand     `cmd:"" help:"Ask one device once and show what it tells."`
	Discover  discoverCommand  `cmd:"" help:"Find machines that can fax in ranges of addresses."`
	Capture   captureCommand   `cmd:"" help:"Record what one device answers, for a support case or a new profile; private values are masked."`
	Profiles  profilesCommand  `cmd:"" help:"List and check device profiles."`
	Install   installCommand   `cmd:"" help:"Make run a service of this machine: systemd or Windows."`
	Uninstall uninstallCommand `cmd:"" help:"Take the service away; configuration and data stay."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(call *program.Call) error {
	_, err := fmt.Fprintf(call.Stdout, "zerofax-agent %s\n", program.Version())
	return err
}
