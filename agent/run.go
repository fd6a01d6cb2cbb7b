package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/user"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/internal/identity"
	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/internal/spool"
	"github.com/zerofax/zerofax/agent/internal/status"
	"github.com/zerofax/zerofax/agent/internal/tail"
	"github.com/zerofax/zerofax/agent/internal/uplink"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// runParts polls and sends until ctx ends. Up receives once, when all parts are open and begin to run. Nothing is drained
// at the end: what isn't in the books is on disk.
func runParts(ctx context.Context, log *slog.Logger, c *settings, told *central, who *identity.Identity, up chan<- health) (err error) {
	announce(log, c)
	held, err := spool.Open(spool.Options{
		Dir: c.Spool.Dir, MaxBytes: int64(c.Spool.MaxSize), Fold: poll.Fold, Log: log, Now: clock,
	})
	if err != nil {
		return mayNotWrite(err, c.Spool.Dir)
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	pool := newPool(c.config, log)
	defer func() { err = errors.Join(err, pool.Close()) }()
	figures := status.NewFigures()
	poller := poll.New(poll.Options{
		Targets: targets(c.config, pool), Profiles: c.profiles, Lines: c.Poll.Lines, Counters: c.Poll.Counters,
		AtOnce: c.SNMP.MaxInFlight, Put: held.Append, Looked: figures.Looked, Log: log, Now: clock,
	})
	var follow *tail.Tail
	state := stateOf(c.config, told, who, held, poller, func() []wire.JournalState { return journalsState(follow) })
	link := newUplink(c.config, told, who, log, held, state)
	follow = newTail(c.config, held, link, log)
	up <- healthOf(poller, state)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return poller.Run(ctx) })
	if len(c.Ranges()) > 0 {
		finder := newFinder(c, pool, poller, log)
		g.Go(func() error { return finder.Run(ctx) })
	}
	g.Go(func() error { return follow.Run(ctx) })
	g.Go(func() error { return link.Run(ctx) })
	g.Go(func() error {
		return shown{poller, held, link, who, pool, told, follow}.show(ctx, c.config, figures, log)
	})
	err = g.Wait()
	log.Info("stopped")
	return err
}

// mayNotWrite says to whom a folder must belong, where err is that it may not be written to.
func mayNotWrite(err error, dir string) error {
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return err
	}
	account := "the agent's account"
	if who, unknown := user.Current(); unknown == nil {
		account = who.Username
	}
	return fmt.Errorf("%w; %s wants to write to %s", err, account, dir)
}

// identityOf is what agent and broker know each other by, nil where the link is in the clear.
func identityOf(c *config, log *slog.Logger) *identity.Identity {
	if !encrypted(c.Collector.URL) {
		return nil
	}
	return identity.New(identity.Options{
		Agent: c.Agent, BrokerCA: c.proof.ca, Certificate: c.proof.certificate, Key: c.proof.key,
		Authority: c.Central.authority, Dir: c.Spool.Dir, Log: log, Now: clock,
	})
}

func newUplink(c *config, told *central, who *identity.Identity, log *slog.Logger, held *spool.Spool, state func() wire.AgentState) *uplink.Uplink {
	o := uplink.Options{
		Agent: c.Agent, URL: c.Collector.URL, Username: c.Collector.Username, Password: string(c.Collector.Password),
		Spool: outbox{held}, State: state, News: told.changed, Log: log, Now: clock,
	}
	if c.Central.authority != nil {
		o.Config = told.take
	}
	if who != nil {
		o.Identity = who
	}
	return uplink.New(o)
}

// outbox is the spool as the uplink sees it.
type outbox struct{ *spool.Spool }

func (o outbox) Next(after uint64) (uplink.Batch, bool, error) {
	batch, ok, err := o.Spool.Next(after)
	return uplink.Batch(batch), ok, err
}

// announce logs what this run is about to do.
func announce(log *slog.Logger, c *settings) {
	log.Info("starting", "agent", c.Agent, "version", program.Version(), "collector", c.Collector.URL,
		"targets", len(c.Hosts()), "ranges", len(c.Ranges()), "journals", len(c.Journals), "lines", c.Poll.Lines, "counters", c.Poll.Counters, "spool", c.Spool.Dir)
	if u, err := url.Parse(c.Collector.URL); err == nil && !encrypted(c.Collector.URL) && !configfile.Loopback(u.Hostname()) {
		log.Warn("all goes unencrypted, and anyone on the way can read and change it", "collector", c.Collector.URL)
	}
	if c.central.Revision > 0 {
		log.Info("polling after the central configuration", "revision", wire.Time(c.central.Revision), "own", c.central.Config == "")
	}
	for _, warning := range slices.Concat(c.warnings, c.pollWarnings) {
		log.Warn(warning)
	}
	switch {
	case len(c.Targets) > 0:
	case c.Central.authority != nil:
		log.Warn("no targets yet: import agents at the collector says what to poll")
	default:
		log.Warn("no targets: nothing to poll; name hosts or ranges under targets in a file for --config")
	}
}

func newPool(c *config, log *slog.Logger) *snmp.Pool {
	return snmp.NewPool(snmp.Options{Sessions: c.SNMP.MaxInFlight, Timeout: c.SNMP.Timeout, Retries: c.SNMP.Retries, Log: log})
}

func targets(c *config, pool *snmp.Pool) []poll.Target {
	var all []poll.Target
	for _, t := range c.Hosts() {
		credentials, _ := c.SNMP.named(t.Credentials[0])
		device := pool.Device(snmp.Target{Host: t.Host, Port: uint16(t.Port), Credentials: snmpOf(credentials)})
		all = append(all, poll.Target{Address: t.Address(), Ask: device.Ask})
	}
	return all
}

func snmpOf(c credentialsConfig) snmp.Credentials {
	return snmp.Credentials{
		Version: c.Version, Community: c.Community, User: c.User,
		Auth: c.Auth, AuthPassword: c.AuthPassword, Privacy: c.Privacy, PrivacyPassword: c.PrivacyPassword,
	}
}

// loadProfiles are the built-in ones and the user's own.
func loadProfiles(c *config) (*mibs.Set, error) {
	profiles, err := mibs.Builtin()
	if err != nil || c.ProfilesDir == "" {
		return profiles, err
	}
	if profiles, err = profiles.With(os.DirFS(c.ProfilesDir)); err != nil {
		return nil, program.Usage(fmt.Errorf("profiles_dir %s:\n%w", c.ProfilesDir, err))
	}
	return profiles, nil
}

// stateOf tells, at any moment, what the collector should know of this agent.
func stateOf(c *config, told *central, who *identity.Identity, held *spool.Spool, poller *poll.Poller, journals func() []wire.JournalState) func() wire.AgentState {
	started := wire.TimeOf(clock())
	return func() wire.AgentState {
		s := held.State()
		state := wire.AgentState{
			V: wire.Version, Online: true, StartedAt: started,
			Version: program.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
			Silent: poller.Silent(), Targets: poller.Targets(), PollMS: min(c.Poll.Lines, c.Poll.Counters).Milliseconds(), Config: told.tell(),
			Journals: journals(),
			Spool: wire.SpoolState{
				Stream: s.Stream, Envelopes: s.Envelopes, Bytes: s.Bytes, Dropped: s.Dropped, Damaged: s.Damaged, Error: wire.Shorten(s.Error),
			},
		}
		if who != nil {
			state.Certificate = who.State()
		}
		if !s.Oldest.IsZero() {
			state.Spool.Oldest = wire.TimeOf(s.Oldest)
		}
		return state
	}
}
