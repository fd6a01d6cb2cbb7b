package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// ledgerFile is where the books are.
func (c *config) ledgerFile() string { return filepath.Join(c.DataDir, "ledger.db") }

func (c *config) ledgerOptions(log *slog.Logger) ledger.Options {
	return ledger.Options{Log: log, Now: clock, Zone: c.location, ActiveWindow: c.ActiveWindow, BlindAfter: c.BlindAfter, Numbers: c.Numbers.read}
}

// withBooks opens the books for a command, beside a collector that may run, and lets f work on them.
// Where there are none it makes them only if create is set: else data_dir is likely to be wrong.
func withBooks(call *program.Call, create bool, f func(c config, books *ledger.Ledger) error) (err error) {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	if create {
		err = os.MkdirAll(c.DataDir, 0o750)
	} else {
		err = c.wantLedger()
	}
	if err != nil {
		return err
	}
	books, err := ledger.Open(call.Ctx, c.ledgerFile(), c.ledgerOptions(call.Log))
	if err != nil {
		return err
	}
	defer closing(&err, books.Close)
	return f(c, books)
}

// withReadBooks opens the books for a command that changes nothing: it needs no right to write.
func withReadBooks(call *program.Call, f func(c config, books *ledger.Ledger) error) (err error) {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	if err := c.wantLedger(); err != nil {
		return err
	}
	books, err := ledger.OpenToRead(call.Ctx, c.ledgerFile(), c.ledgerOptions(call.Log))
	if err != nil {
		return err
	}
	defer closing(&err, books.Close)
	return f(c, books)
}

// withEmptyBooks lets f work on books of which nothing is left.
func withEmptyBooks(call *program.Call, f func(c config, books *ledger.Ledger) error) (err error) {
	c, err := load(call.Config)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "zerofax-")
	if err != nil {
		return err
	}
	defer closing(&err, func() error { return os.RemoveAll(dir) })
	books, err := ledger.Open(call.Ctx, filepath.Join(dir, "ledger.db"), c.ledgerOptions(call.Log))
	if err != nil {
		return err
	}
	defer closing(&err, books.Close)
	return f(c, books)
}

var errNoLedger = errors.New("no ledger")

// wantLedger is an error where no collector ever ran on the data folder.
func (c *config) wantLedger() error {
	if _, err := os.Stat(c.ledgerFile()); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w in %s; --config names the file whose data_dir is meant", errNoLedger, c.DataDir)
	} else if err != nil {
		return err
	}
	return nil
}

// author says who does something, for the audit log.
type author struct {
	By string `placeholder:"NAME" help:"Who does it, for the audit log. Without it: the account that runs this."`
}

func (a author) of(source string) ledger.Author {
	who := a.By
	if who == "" {
		if account, err := user.Current(); err == nil {
			who = account.Username
		}
	}
	return ledger.Author{Who: who, Source: source}
}
