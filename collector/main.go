// Command zerofax-collector keeps the books of fax lines: it takes what zerofax-agents read
// from the machines, and shows it as pages, an API and Prometheus metrics.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/zerofax/zerofax/agent/program"
)

const name = "zerofax-collector"

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole program. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return program.Program{
		Name:     name,
		About:    "Keeps the books of fax lines, and shows them as pages, an API and Prometheus metrics.",
		Commands: new(commands),
	}.Run(ctx, args, stdout, stderr)
}

type commands struct {
	Run        runCommand        `cmd:"" help:"Run the collector until it is told to stop."`
	Check      checkCommand      `cmd:"" help:"Check the configuration and say what run would do."`
	Import     importCommand     `cmd:"" help:"Take over what people declare, from CSV or XLSX files. The collector may run."`
	Export     exportCommand     `cmd:"" help:"Write what is declared, as import takes it, or the audit log."`
	Agents     agentsCommand     `cmd:"" help:"List the agents: state, version, configuration, spool, last seen."`
	Alert      alertCommand      `cmd:"" help:"Alerts: list, test, close, announce a test."`
	Anomaly    anomalyCommand    `cmd:"" help:"Counters that jumped: list, accept, reject."`
	Quarantine quarantineCommand `cmd:"" help:"What agents sent and could not be accepted: list, show, retry."`
	Broker     brokerCommand     `cmd:"" help:"Write what an outside broker needs to let in enrolled agents only: certificates and the list of revoked ones."`
	User       userCommand       `cmd:"" help:"Who may sign in on the pages: add, list, disable, enable, passwd, role, remove, sessions."`
	Month      monthCommand      `cmd:"" help:"Months whose figures are frozen: list, close, reopen."`
	Verify     verifyCommand     `cmd:"" help:"Compute all books again from what they are made of, and compare."`
	Enroll     enrollCommand     `cmd:"" help:"Let an agent in: write the bundle that makes one of a machine; list who may, and take it back."`
	Backup     backupCommand     `cmd:"" help:"Copy the ledger to a file, while the collector runs or not."`
	Restore    restoreCommand    `cmd:"" help:"Put a backup in the ledger's place. The collector must not run."`
	Series     seriesCommand     `cmd:"" help:"What is in InfluxDB."`
	Report     reportCommand     `cmd:"" help:"Write what a project committee looks at for a month, as an XLSX file with charts. The collector may run."`
	Faxtype    faxtypeCommand    `cmd:"" help:"Write the automatic replies and posters of fax lines, as a ZIP file with PDF and TIFF. The collector may run."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

type runCommand struct{}

// Run implements `run`.
func (runCommand) Run(call *program.Call) error {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	return serve(call.Ctx, c, call.Log, func(at addresses) {
		call.Log.Info("ready", "page", at.page, "metrics", at.page+"metrics", "mqtt", at.mqtt, "data", c.DataDir)
	})
}

type versionCommand struct{}

// Run implements `version`.
func (versionCommand) Run(call *program.Call) error {
	_, err := fmt.Fprintf(call.Stdout, "%s %s\n", name, program.Version())
	return err
}
