package main

import (
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/credentials"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/authority"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type enrollCommand struct {
	Agent       string        `arg:"" optional:"" help:"Its name: [a-z0-9-], best that of its machine."`
	Output      string        `short:"o" placeholder:"FILE" help:"Bundle to write, - for standard output. Without it: AGENT.bundle."`
	Credentials string        `placeholder:"FILE" help:"YAML with snmp.credentials as in agent.yml: how the agent is to ask devices. Goes into the bundle, secrets too."`
	Force       bool          `help:"Replace the file if it is there already."`
	Again       bool          `help:"Also if the agent has a certificate that holds: both do, until the older one expires."`
	Replace     bool          `help:"Also if the agent has a certificate that holds: that one is revoked."`
	Valid       time.Duration `placeholder:"TIME" help:"How long the certificate holds; when a third of that is left, the agent renews it for two years. Without it: two years."`
	Revoke      bool          `help:"Take all its certificates from the agent: within seconds it doesn't get in any more."`
	Reason      string        `placeholder:"TEXT" help:"Why it is revoked."`
	List        bool          `help:"List the certificates that hold, or with --all every one."`
	All         bool          `help:"With --list: also those that are revoked or over."`
	JSON        bool          `name:"json" help:"With --list: print JSON."`
	author
}

// Run implements `enroll`.
func (e enrollCommand) Run(call *program.Call) error {
	switch {
	case e.List:
		return e.list(call)
	case e.Agent == "":
		return program.Usage(errors.New("enroll: want the agent's name, or --list"))
	case e.Revoke:
		return e.revoke(call)
	case e.Valid < 0:
		return program.Usage(fmt.Errorf("--valid %s: want a time such as 17520h", e.Valid))
	}
	return e.enroll(call)
}

func (e enrollCommand) enroll(call *program.Call) error {
	file := orText(e.Output, e.Agent+".bundle")
	return withBooks(call, true, func(c config, books *ledger.Ledger) error {
		url, local, err := c.reach()
		if err != nil {
			return program.Usage(err)
		}
		if _, err := os.Stat(file); err == nil && file != "-" && !e.Force {
			return fmt.Errorf("%s is there already; --force replaces it", file)
		}
		b := bundle.Bundle{Agent: e.Agent, URL: url}
		if e.Credentials != "" {
			if b.Credentials, err = credentials.Load(e.Credentials); err != nil {
				return program.Usage(err)
			}
		}
		if b.BrokerCA, err = c.brokerCA(); err != nil {
			return err
		}
		id, err := c.authority(call, books).Enrol(call.Ctx, e.Agent, authority.Enrolment{
			By: e.of("enroll"), Life: e.Valid, Again: e.Again, Replace: e.Replace,
		})
		if err != nil {
			return authority.Refused(err)
		}
		b.Authority, b.Certificate, b.Key = id.Authority, id.Certificate, secret.Text(id.Key)
		if err := writeBundle(call, file, b); err != nil {
			return fmt.Errorf("%w; when that is mended: enroll %s --replace", err, e.Agent)
		}
		e.tell(call, file, url, local, id)
		return nil
	})
}

func (c *config) authority(call *program.Call, books *ledger.Ledger) *authority.Authority {
	return authority.New(authority.Options{Books: books, Log: call.Log, Now: clock})
}

// brokerCA is who signed the certificate of an outside broker, where the configuration says it.
func (c *config) brokerCA() (string, error) {
	switch {
	case c.MQTT.URL == "" || !encrypted(c.MQTT.URL):
		return "", nil
	case c.MQTT.CAFile == "":
		return "", program.Usage(errors.New("who signed the broker's certificate? Agents believe nobody unnamed; want mqtt: {ca_file: …} in the collector's configuration"))
	}
	pem, err := os.ReadFile(c.MQTT.CAFile)
	return string(pem), err
}

func writeBundle(call *program.Call, file string, b bundle.Bundle) error {
	text, err := b.Encode()
	if err != nil {
		return err
	}
	if file == "-" {
		_, err = call.Stdout.Write(text)
		return err
	}
	return replaceFile(file, text) // for this account alone
}

// tell says what was made, on stderr: a bundle may go to stdout.
func (e enrollCommand) tell(call *program.Call, file, url string, local bool, id authority.Identity) {
	fmt.Fprintf(call.Stderr, "%s is enrolled until %s and renews that by itself; it reaches the broker at %s\n",
		e.Agent, id.NotAfter.Local().Format(time.DateOnly), url)
	if id.Last {
		fmt.Fprintf(call.Stderr, "warning: then the authority itself ends, and nothing is renewed beyond that\n")
	}
	for _, other := range id.Others {
		fmt.Fprintf(call.Stderr, "the certificate of %s holds too, until %s; if nobody uses it any more: enroll %s --replace\n",
			onDay(other.IssuedAt), onDay(other.NotAfter), e.Agent)
	}
	if local {
		fmt.Fprintf(call.Stderr, "warning: only agents on this machine can use that address; for others set mqtt: {external_url: mqtts://NAME:PORT}\n")
	}
	if file != "-" {
		fmt.Fprintf(call.Stderr, "%s is secret: who has it can speak as %s. On that machine: zerofax-agent install --bundle %[1]s, then delete it\n", file, e.Agent)
	}
}

func (e enrollCommand) revoke(call *program.Call) error {
	return withBooks(call, false, func(c config, books *ledger.Ledger) error {
		revoked, err := c.authority(call, books).Revoke(call.Ctx, e.Agent, e.of("enroll --revoke"), e.Reason)
		if err != nil {
			return authority.Refused(err)
		}
		if len(revoked) == 0 {
			fmt.Fprintf(call.Stdout, "%s had no certificate that holds\n", e.Agent)
			return nil
		}
		for _, x := range revoked {
			fmt.Fprintf(call.Stdout, "revoked: %s, of %s, valid until %s\n", x.Serial, onDay(x.IssuedAt), onDay(x.NotAfter))
		}
		if c.MQTT.URL != "" {
			fmt.Fprintf(call.Stdout, "an outside broker has to be told: zerofax-collector broker DIR writes revoked.pem anew; restart the broker, which ends connections too\n")
		}
		return nil
	})
}

func (e enrollCommand) list(call *program.Call) error {
	return withReadBooks(call, func(_ config, books *ledger.Ledger) error {
		all, err := books.Authority(call.Ctx)
		if err != nil {
			return err
		}
		list := make([]ledger.Certificate, 0, len(all.Certificates))
		for _, x := range all.Certificates {
			if (e.Agent == "" || x.Agent == e.Agent) && (e.All || x.Live(wire.TimeOf(clock()))) {
				list = append(list, x)
			}
		}
		if e.JSON {
			return printJSON(call, list)
		}
		table := tabwriter.NewWriter(call.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "AGENT\tISSUED\tBY\tUNTIL\tSERIAL\tREVOKED\tREASON")
		for _, x := range list {
			revoked := "-"
			if x.RevokedAt != 0 {
				revoked = onDay(x.RevokedAt) + " by " + orText(x.RevokedBy, "-")
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.Agent, onDay(x.IssuedAt), orText(x.IssuedBy, "-"), onDay(x.NotAfter), x.Serial, revoked, x.Reason)
		}
		return table.Flush()
	})
}

func onDay(t wire.Time) string { return t.Std().Local().Format(time.DateOnly) }
