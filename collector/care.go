package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type backupCommand struct {
	File  string `arg:"" help:"File to write."`
	Force bool   `help:"Replace the file if it is there already."`
}

// Run implements `backup`.
func (b backupCommand) Run(call *program.Call) error {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	if err := c.wantLedger(); err != nil {
		return err
	}
	got, err := ledger.Backup(call.Ctx, c.ledgerFile(), b.File, b.Force)
	if err != nil {
		return err
	}
	fmt.Fprintf(call.Stdout, "%s: %.1f MB, schema %d\n", b.File, float64(got.Bytes)/1e6, got.Schema)
	tellContents(call.Stdout, got)
	fmt.Fprintln(call.Stdout, "keep it secret: with the key in it anyone can make certificates of agents")
	return nil
}

type restoreCommand struct {
	File  string `arg:"" help:"Backup to put in the ledger's place."`
	Force bool   `help:"Also if its books don't balance."`
	author
}

// Run implements `restore`.
func (r restoreCommand) Run(call *program.Call) error {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.DataDir, 0o750); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	got, aside, err := ledger.Restore(call.Ctx, c.ledgerFile(), r.File, ledger.RestoreOptions{
		Now: clock, Zone: c.location, By: r.of("restore"), Force: r.Force,
	})
	if errors.Is(err, ledger.ErrRunning) {
		return fmt.Errorf("%w; stop it first", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(call.Stdout, "restored %s\n", c.ledgerFile())
	tellContents(call.Stdout, got)
	if aside != "" {
		fmt.Fprintf(call.Stdout, "the ledger until now is kept as %s\n", aside)
	}
	switch {
	case got.Certified && got.Carried < 0:
		fmt.Fprintln(call.Stdout, "what was revoked since then is forgotten: see zerofax-collector enroll --list, and revoke it again; agents that were enrolled since get in")
	case got.Carried > 0:
		fmt.Fprintf(call.Stdout, "of the ledger until now %d certificates and revocations are taken over\n", got.Carried)
	}
	if len(got.Strangers) > 0 {
		fmt.Fprintf(call.Stdout, "the ledger until now had another authority; enrol again, or they don't get in: %s\n", strings.Join(got.Strangers, ", "))
	}
	if c.InfluxDB.URL != "" {
		fmt.Fprintf(call.Stdout, "bucket %s has what these books don't know, so faxes would count twice there: empty it, then write it anew by\n"+
			"  zerofax-collector series replay --from always\n", c.InfluxDB.Bucket)
	}
	return nil
}

func tellContents(w io.Writer, c ledger.Contents) {
	asOf := "nothing was booked yet"
	if c.AsOf != 0 {
		asOf = "as of " + c.AsOf.String()
	}
	fmt.Fprintf(w, "%s: %d agents, %d devices, %d declared lines\n", asOf, c.Agents, c.Devices, c.Lines)
	if err := c.Balance.Err(); err != nil {
		fmt.Fprintln(w, err)
	} else if c.Balance.Counters > 0 {
		fmt.Fprintf(w, "books balance: %s\n", c.Balance.String())
	}
}

type verifyCommand struct{}

// Run implements `verify`.
func (verifyCommand) Run(call *program.Call) error {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	if err := c.wantLedger(); err != nil {
		return err
	}
	balance, err := ledger.Verify(call.Ctx, c.ledgerFile())
	if err != nil {
		return err
	}
	if err := balance.Err(); err != nil {
		return err
	}
	fmt.Fprintf(call.Stdout, "books balance: %s\n", balance.String())
	return nil
}
