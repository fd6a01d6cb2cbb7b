package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/authority"
	"github.com/zerofax/zerofax/collector/internal/broker"
	"github.com/zerofax/zerofax/collector/internal/central"
	"github.com/zerofax/zerofax/collector/internal/ingest"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/metrics"
	"github.com/zerofax/zerofax/collector/internal/people"
	"github.com/zerofax/zerofax/collector/internal/series"
	"github.com/zerofax/zerofax/collector/internal/web"
)

// stopLimit is how long parts may take to end. Nothing needs it: what isn't acknowledged
// is with the agents, what is acknowledged is on disk.
const stopLimit = 5 * time.Second

// watchOften is how often the ledger looks at what follows from the passing of time.
const watchOften = 5 * time.Second

// leadOften is how often the ledger is asked whether an agent should poll something else: commands
// write it from another process.
const leadOften = time.Second

// addresses are where a running collector is found.
type addresses struct {
	page string // http://host:port/ or https://…
	mqtt string // mqtt://host:port
}

// serve runs the collector until ctx ends. It calls ready once all parts stand.
//
//	broker ─▶ ingest ─▶ ledger ─┬▶ metrics ─▶ web
//	                            ├───────────▶ web
//	                            └▶ series ──▶ InfluxDB
func serve(ctx context.Context, c config, log *slog.Logger, ready func(addresses)) (err error) {
	if err := os.MkdirAll(c.DataDir, 0o750); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	options := c.ledgerOptions(log)
	options.Run = true
	books, err := ledger.Open(ctx, c.ledgerFile(), options)
	if err != nil {
		return err
	}
	defer closing(&err, books.Close)

	listener, err := net.Listen("tcp", c.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("start web server: %w", err)
	}
	defer listener.Close()

	p := parts{books: books, listener: listener, mqtt: c.MQTT.URL, tls: c.MQTT.TLS}
	p.authority = authority.New(authority.Options{Books: books, Log: log, Now: clock})
	if p.mqtt == "" {
		guard, err := c.guard(ctx, p.authority, books)
		if err != nil {
			return err
		}
		if guard != nil {
			p.tls = guard.Own
		}
		b, err := broker.Start(ctx, broker.Options{
			Dir: filepath.Join(c.DataDir, "broker"), Listen: c.MQTT.Embedded.Listen, Guard: guard, Log: log, ProbeEvery: c.probeEvery,
		})
		if err != nil {
			return err
		}
		defer closing(&err, b.Close)
		p.broker, p.mqtt = b, b.URL()
	}
	return work(ctx, c, log, p, ready)
}

// parts are what stands before the work begins.
type parts struct {
	books     *ledger.Ledger
	authority *authority.Authority
	listener  net.Listener
	broker    *broker.Broker // nil: an outside one
	mqtt      string         // URL
	tls       *tls.Config    // for it; nil = the system's
}

func work(ctx context.Context, c config, log *slog.Logger, p parts, ready func(addresses)) error {
	var key []byte
	if c.LineLabel == "hash" {
		var err error
		if key, err = lineKey(c.DataDir); err != nil {
			return err
		}
	}
	var in *ingest.Ingest
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	isReady := func() error { return cmp.Or(in.Ready(), ledger.Room(c.DataDir)) }
	figures := metrics.New(metrics.Options{
		Books: p.books, Faxes: (&journaled{books: p.books}).faxes, Others: registry, Dropped: func() int64 { return in.Dropped() }, Ready: isReady, LineKey: key, Version: program.Version(),
	})
	since, err := p.books.Since(ctx)
	if err != nil {
		return err
	}
	in = ingest.New(ingest.Options{
		URL: p.mqtt, TLS: p.tls, Username: c.MQTT.Username, Password: string(c.MQTT.Password),
		Books: p.books, Observe: figures.Ingested, Certify: certify(p.authority, p.mqtt, log), Since: since, Log: log, Now: clock,
	})
	recent := web.NewRecent(p.books, time.Now, log)
	provider := c.provider()
	if provider != nil {
		defer provider.Close()
	}
	door, err := people.NewDoor(people.Options{Books: p.books, Provider: provider, Log: log, Now: time.Now, Cost: c.hashing})
	if err != nil {
		return err
	}
	registry.MustRegister(door)
	intake, err := c.intake(p.books, log)
	if err != nil {
		return err
	}
	site, err := web.New(web.Options{
		Books:    recent,
		Metrics:  figures.Handler(),
		Label:    figures.Label,
		Ready:    isReady,
		Dialling: c.Numbers.dialling(),
		Intake:   intake,
		Language: c.Language,
		Location: c.location,
		MQTT:     cmp.Or(c.MQTT.ExternalURL, p.mqtt),
		Version:  program.Version(),
		Publish:  c.Directory,
		Log:      log,
		Door:     door,
		Provider: provider,
		Access:   c.access(p.listener.Addr()),
		Audit:    p.books,
	})
	if err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	var outlets ledger.Outlets
	if c.InfluxDB.URL != "" {
		points := series.New(c.series(p.books, log))
		defer points.Close()
		registry.MustRegister(points)
		group.Go(func() error { every(ctx, "series", seriesEvery, log, points.Round); return nil })
		outlets = points.Outlets()
	}
	group.Go(func() error {
		every(ctx, "retention", retentionEvery, log, c.Retention.round(p.books, outlets, log))
		return nil
	})
	group.Go(func() error {
		every(ctx, "journals", retentionEvery, log, c.Journals.round(p.books, log))
		return nil
	})
	if p.broker != nil {
		group.Go(func() error { p.broker.Keep(ctx); return nil })
	}
	group.Go(func() error { recent.Run(ctx); return nil })
	group.Go(func() error { return intake.Run(ctx) })
	group.Go(func() error { return p.books.Check(ctx) })
	group.Go(func() error { return in.Run(ctx) })
	group.Go(func() error {
		every(ctx, "watchdog", watchOften, log, func(ctx context.Context) error { return p.books.Watchdog(ctx, in.Ready() == nil) })
		return nil
	})
	lead := central.New(central.Options{
		Books: p.books, Signer: p.authority.Signer,
		Link: in.Link, Publish: in.Configure, Log: log, Now: clock,
	})
	group.Go(func() error { every(ctx, "central configuration", leadOften, log, lead.Round); return nil })
	c.tell(ctx, group, log, p.books)
	group.Go(func() error { return web.Serve(ctx, p.listener, site, c.HTTP.WebConfigFile, log) })
	group.Go(func() error { return program.Watch(ctx, life(p.books, isReady)) })
	context.AfterFunc(ctx, program.Stopping)
	ready(addresses{page: c.page(p.listener.Addr().String()), mqtt: p.mqtt})
	return ended(ctx, group)
}

// life says how the collector is, and hangs with the ledger. A dead broker and a full disk are no reason to start it again.
func life(books *ledger.Ledger, ready func() error) func() (string, error) {
	return func() (string, error) {
		books.Await()
		if err := ready(); err != nil {
			return "not ready: " + strings.Join(strings.Fields(err.Error()), " "), nil
		}
		return "ready", nil
	}
}

// ended waits until the group ends, but not much longer than ctx lasts.
func ended(ctx context.Context, group *errgroup.Group) error {
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(stopLimit):
		return errors.New("stop: some part is still busy, left to the end of the process")
	}
}

func closing(err *error, closeIt func() error) { *err = errors.Join(*err, closeIt()) }
