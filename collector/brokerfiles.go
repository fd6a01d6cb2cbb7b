package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/authority"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

type brokerCommand struct {
	Dir  string   `arg:"" help:"Folder to write to: authority.pem, revoked.pem, broker.pem and broker.key, collector.pem and collector.key."`
	Name []string `placeholder:"NAME" help:"Name or address of the broker, as agents reach it; may be given several times. Without it: that of external_url or url."`
	author
}

// Run implements `broker`. Run again it writes the list anew, and certificates only where it is time.
func (b brokerCommand) Run(call *program.Call) error {
	return withBooks(call, true, func(c config, books *ledger.Ledger) error {
		if len(b.Name) == 0 {
			u, err := url.Parse(cmp.Or(c.MQTT.ExternalURL, c.MQTT.URL))
			if err != nil || u.Hostname() == "" {
				return program.Usage(errors.New("broker: want --name NAME, the broker's name as agents reach it, or mqtt: {url: mqtts://NAME:PORT}"))
			}
			b.Name = []string{u.Hostname()}
		}
		if err := os.MkdirAll(b.Dir, 0o750); err != nil {
			return err
		}
		a, by := c.authority(call, books), b.of("broker")
		if err := b.writeLists(call.Ctx, a); err != nil {
			return err
		}
		return errors.Join(
			b.writePair(call, a, "broker", b.Name, func(ctx context.Context) (authority.Identity, error) {
				return a.CertifyBroker(ctx, by, b.Name)
			}),
			b.writePair(call, a, "collector", nil, func(ctx context.Context) (authority.Identity, error) {
				return a.CertifyCollector(ctx, by)
			}),
		)
	})
}

func (b brokerCommand) writeLists(ctx context.Context, a *authority.Authority) error {
	pem, err := a.Certificate(ctx)
	if err != nil {
		return err
	}
	revoked, err := a.Revocations(ctx)
	if err != nil {
		return err
	}
	// Each file stays the file that it is, so that it keeps owner and rights.
	return errors.Join(
		os.WriteFile(filepath.Join(b.Dir, "authority.pem"), []byte(pem), 0o644),
		os.WriteFile(filepath.Join(b.Dir, "revoked.pem"), revoked, 0o644),
	)
}

// writePair writes NAME.pem and NAME.key, unless those that are there still hold.
func (b brokerCommand) writePair(call *program.Call, a *authority.Authority, name string, names []string, make func(context.Context) (authority.Identity, error)) error {
	certificate, key := filepath.Join(b.Dir, name+".pem"), filepath.Join(b.Dir, name+".key")
	pem, _ := os.ReadFile(certificate)
	secret, _ := os.ReadFile(key)
	holds, err := a.Holds(call.Ctx, string(pem), string(secret), names)
	if err != nil || holds {
		return err
	}
	id, err := make(call.Ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(key, []byte(id.Key), 0o600), os.WriteFile(certificate, []byte(id.Certificate), 0o644)); err != nil {
		return err
	}
	fmt.Fprintf(call.Stdout, "%s: new, until %s\n", certificate, id.NotAfter.Local().Format(time.DateOnly))
	return nil
}
