package main

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/zerofax/zerofax/agent/internal/identity"
	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/internal/spool"
	"github.com/zerofax/zerofax/agent/internal/status"
	"github.com/zerofax/zerofax/agent/internal/tail"
	"github.com/zerofax/zerofax/agent/internal/uplink"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
)

// shown are the parts as the status page sees them.
type shown struct {
	poller *poll.Poller
	held   *spool.Spool
	link   *uplink.Uplink
	who    *identity.Identity // nil: the link is in the clear
	pool   *snmp.Pool
	told   *central
	follow *tail.Tail
}

// show serves the page until ctx ends, if the configuration wants one.
func (s shown) show(ctx context.Context, c *config, figures *status.Figures, log *slog.Logger) error {
	if c.HTTP.Listen == "" {
		return nil
	}
	page, err := status.New(status.Options{
		Agent: c.Agent, Version: program.Version(), Collector: c.Collector.URL, Config: c.file, Listen: c.HTTP.Listen,
		Ranges: rangesOf(c), Central: s.told.show, Started: clock(), Targets: s.targets, Last: s.last, Link: s.uplink, Journals: s.journals, Spool: func() status.Spool { return s.spool(c) },
		Quiet: func() time.Duration { return clock().Sub(s.poller.Alive()) }, SNMP: s.traffic, Figures: figures, Log: log, Now: clock,
	})
	if err != nil {
		return err
	}
	return page.Run(ctx)
}

func (s shown) targets() iter.Seq[status.Target] {
	return func(yield func(status.Target) bool) {
		for t := range s.poller.All() {
			if !yield(targetOf(&t)) {
				return
			}
		}
	}
}

func targetOf(t *poll.Status) status.Target {
	return status.Target{
		Address: t.Address, Source: t.Source, Device: t.Device, Identity: t.Identity,
		Profile: t.Profile, Why: t.Why, Fax: t.Fax, FaxWhy: t.FaxWhy,
		LastLook: timeOf(t.LastLook), LastAnswer: timeOf(t.LastAnswer), Next: timeOf(t.Next), Took: t.Took,
		Error: t.Error, Failures: t.Failures, Waits: t.Waits, DoubleOf: t.DoubleOf,
	}
}

func (s shown) last(address string) (status.Last, bool) {
	heard, ok := s.poller.Last(address)
	var last status.Last
	for _, l := range heard.Looks {
		look := status.Look{At: timeOf(l.At), Result: l.Result, Measures: l.Measures}
		for _, a := range l.Answers {
			look.Answers = append(look.Answers, status.Answer(a))
		}
		last.Looks = append(last.Looks, look)
	}
	return last, ok
}

func (s shown) traffic() status.Traffic {
	requests, retries := s.pool.Traffic()
	return status.Traffic{Requests: requests, Retries: retries, Rediscoveries: s.pool.Rediscoveries()}
}

func (s shown) uplink() status.Link {
	l := s.link.State()
	link := status.Link{
		Connected: timeOf(l.Connected), Error: l.Error, LastAck: timeOf(l.LastAck), Acks: l.Acks, Sent: l.Sent, Offline: l.Offline, Events: l.Events,
	}
	if s.who != nil {
		link.Certificate = s.who.State()
	}
	return link
}

func (s shown) journals() []status.Journal {
	var all []status.Journal
	for _, j := range s.follow.State() {
		shown := status.Journal{
			Name: j.Name, Path: j.Path, Files: j.Files, File: j.File, Read: j.Read, Size: j.Size, Last: j.Last,
			Events: int(j.Events), Skipped: int(j.Skipped), Rejected: int(j.Rejected), Why: map[string]int64{}, Error: j.Error,
		}
		for why, n := range j.Why {
			shown.Why[string(why)] = n
		}
		all = append(all, shown)
	}
	return all
}

func (s shown) spool(c *config) status.Spool {
	held := s.held.State()
	free, err := s.held.Free()
	if err != nil {
		free = -1
	}
	return status.Spool{
		Envelopes: held.Envelopes, Bytes: held.Bytes, MaxBytes: int64(c.Spool.MaxSize), Oldest: timeOf(held.Oldest),
		Dropped: held.Dropped, Damaged: held.Damaged, Error: held.Error, Free: free,
	}
}

func rangesOf(c *config) (all []string) {
	for _, t := range c.Ranges() {
		all = append(all, t.Range)
	}
	return all
}

// timeOf is t, 0 if it isn't known.
func timeOf(t time.Time) wire.Time {
	if t.IsZero() {
		return 0
	}
	return wire.TimeOf(t)
}
