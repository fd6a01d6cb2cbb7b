package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/internal/discover"
	"github.com/zerofax/zerofax/agent/internal/poll"
	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/mibs"
)

type discoverCommand struct {
	Ranges      []string    `arg:"" optional:"" name:"range" help:"Networks such as 10.12.4.0/24, or addresses. Without any: those of the configuration."`
	Port        int         `default:"161" help:"SNMP port of the machines in the ranges given."`
	Community   secret.Text `placeholder:"TEXT" help:"Ask with SNMPv2c and this community, and with SNMPv1 where that brings no answer."`
	Credentials []string    `placeholder:"NAME" help:"Ask with these credentials of the configuration; several with commas. Without any: those that it has for the range, else all."`
	Rate        int         `placeholder:"N" help:"Addresses a second; default 50, or what the configuration says."`
	Now         bool        `help:"Don't wait for the window that the configuration has for discovery."`
	DryRun      bool        `help:"Say what would be sent, and send nothing."`
	Format      string      `enum:"table,json,yaml" default:"table" help:"How to print what was found: table, json, yaml (targets for agent.yml)."`
	All         bool        `help:"List also the machines that are not to be polled, and why."`
	Resume      string      `placeholder:"FILE" help:"Keep in this file how far the sweep is; if it is there, go on from it."`

	lack map[string]string `kong:"-"` // versions of credentials, by name, that no configuration has
}

// Run sweeps ranges once and prints what it found.
func (c *discoverCommand) Run(call *program.Call) error {
	settings, err := inForce(call)
	if err != nil {
		return err
	}
	if err := c.adjust(settings.config); err != nil {
		return program.Usage(fmt.Errorf("discover: %w", err))
	}
	ranges, err := c.ranges(settings.config)
	if err != nil {
		return program.Usage(fmt.Errorf("discover: %w", err))
	}
	pool := newPool(settings.config, call.Log)
	defer pool.Close()
	configured := settings.addresses(call.Ctx)
	o := sweepOptions(settings.config, settings.profiles, pool, ranges)
	o.Log = call.Log
	o.Skip = func(at netip.AddrPort) bool { return configured[at] != "" }
	if c.Now {
		o.Window = polling.Window{}
	}
	if c.DryRun {
		return c.foretell(call.Stdout, settings.config, o, configured)
	}
	return c.sweep(call, o)
}

// adjust lets the command line overrule the configuration.
func (c *discoverCommand) adjust(config *config) error {
	switch {
	case c.Community != "" && len(c.Credentials) > 0:
		return errors.New("--community and --credentials; want one of them")
	case c.Rate != 0 && (c.Rate < 1 || c.Rate > polling.MaxRate):
		return fmt.Errorf("--rate %d; want 1 to %d addresses a second", c.Rate, polling.MaxRate)
	case c.Port < 1 || c.Port > 65535:
		return fmt.Errorf("--port %d; want 1 to 65535", c.Port)
	}
	config.Discovery.Rate = cmp.Or(c.Rate, config.Discovery.Rate)
	switch {
	case c.Community != "":
		config.SNMP.Credentials = bothVersions("v2c", "v1", c.Community)
	case config.file == "":
		config.SNMP.Credentials = bothVersions("public", "public-v1", "public")
	default:
		return nil
	}
	c.lack = map[string]string{}
	for _, one := range config.SNMP.Credentials {
		c.lack[one.Name] = one.Version
	}
	for i := range config.Targets {
		config.Targets[i].Credentials = config.SNMP.names()
	}
	return nil
}

func bothVersions(v2c, v1 string, community secret.Text) []credentialsConfig {
	return []credentialsConfig{{Name: v2c, Version: snmp.V2c, Community: community}, {Name: v1, Version: snmp.V1, Community: community}}
}

// ranges are those of the command line, else those of the configuration.
func (c *discoverCommand) ranges(config *config) ([]discover.Range, error) {
	for _, name := range c.Credentials {
		if _, known := config.SNMP.named(name); !known {
			return nil, fmt.Errorf("--credentials %s: not in the configuration; want one of: %s", name, strings.Join(config.SNMP.names(), ", "))
		}
	}
	var ranges []discover.Range
	for _, text := range c.Ranges {
		prefix, err := polling.ParseRange(text)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, config.sweepRange(prefix, c.Port, c.named(config, prefix)))
	}
	if len(c.Ranges) > 0 {
		return ranges, nil
	}
	for _, t := range config.Ranges() {
		names := t.Credentials
		if len(c.Credentials) > 0 {
			names = c.Credentials
		}
		ranges = append(ranges, config.sweepRange(t.Prefix, t.Port, names))
	}
	if len(ranges) == 0 {
		return nil, errors.New("want RANGE, such as 10.12.4.0/24, or a configuration with ranges under targets")
	}
	return ranges, nil
}

// named are the credentials for a range of the command line.
func (c *discoverCommand) named(config *config, prefix netip.Prefix) []string {
	if len(c.Credentials) > 0 {
		return c.Credentials
	}
	for _, t := range config.Ranges() {
		if t.Prefix == prefix && t.Port == c.Port {
			return t.Credentials
		}
	}
	return config.SNMP.names()
}

// sweep runs it, shows how far it is and prints what it found, also when it was interrupted.
func (c *discoverCommand) sweep(call *program.Call, o discover.Options) error {
	before, err := c.before(o)
	if err != nil {
		return fmt.Errorf("discover: --resume: %w", err)
	}
	list := finds{all: map[netip.AddrPort]discover.Found{}}
	for _, f := range before.Found {
		list.add(call.Ctx, f)
	}
	o.Found = list.add
	s := discover.New(o, before.Cursor)
	if opens := o.Window.Opens(clock()); !o.Window.Open(clock()) {
		call.Log.Warn("waiting for discovery.window of the configuration; --now doesn't", "window", o.Window, "opens", opens)
	}
	stop := c.meanwhile(call, o, s, &list)
	err = s.Run(call.Ctx)
	stop()
	p := s.Progress()
	found := report{found: list.sorted(), progress: p, complete: err == nil, all: c.All, lack: c.lack}
	if err := found.print(call.Stdout, c.Format); err != nil {
		return err
	}
	if p.Unsent > 0 {
		call.Log.Warn("addresses that could not be asked", "addresses", p.Unsent, "error", p.Trouble)
	}
	switch {
	case call.Ctx.Err() != nil:
		return fmt.Errorf("discover: interrupted after %d of %d addresses", p.Done, p.Of)
	case err != nil:
		return fmt.Errorf("discover: %w", err)
	case c.Resume != "":
		if err := os.Remove(c.Resume); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// before is the state to go on from. A file that is none of this sweep is nobody's to overwrite.
func (c *discoverCommand) before(o discover.Options) (state discover.State, err error) {
	if c.Resume == "" {
		return state, nil
	}
	state, err = discover.Load(c.Resume)
	switch {
	case err != nil:
		return state, fmt.Errorf("%w; name another file, or remove it", err)
	case !state.Fits(o):
		return state, fmt.Errorf("%s belongs to a sweep of other ranges or with other credentials; name another file, or remove it", c.Resume)
	}
	if err := state.Save(c.Resume); err != nil || state.Cursor.Plan != "" {
		return state, err
	}
	return state, os.Remove(c.Resume) // it can be written, which is all that there is to know of it now
}

// meanwhile keeps the bar and the file of a sweep up to date, until the function that it returns is called.
func (c *discoverCommand) meanwhile(call *program.Call, o discover.Options, s *discover.Sweep, list *finds) (stop func()) {
	bar := newBar(call.Stderr, o)
	save := func() {
		state := discover.State{Cursor: s.Cursor(), Found: list.sorted()}
		if err := state.Save(c.Resume); err != nil {
			call.Log.Warn("--resume won't work", "error", err)
		}
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for n := 1; ; n++ {
			select {
			case <-ended:
				bar.clear()
				if c.Resume != "" {
					save()
				}
				return
			case <-ticker.C:
			}
			bar.draw(s.Progress())
			if c.Resume != "" && n%25 == 1 {
				save()
			}
		}
	}()
	return func() { close(ended); <-done }
}

// finds are what a sweep found, by address: after an interruption some come again.
type finds struct {
	mu  sync.Mutex
	all map[netip.AddrPort]discover.Found
}

func (f *finds) add(_ context.Context, one discover.Found) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[one.At] = one
}

func (f *finds) sorted() []discover.Found {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []discover.Found
	for _, one := range f.all {
		all = append(all, one)
	}
	discover.Once(all)
	return all
}

func (c *config) sweepRanges() (all []discover.Range) {
	for _, t := range c.Ranges() {
		all = append(all, c.sweepRange(t.Prefix, t.Port, t.Credentials))
	}
	return all
}

// sweepRange is a range with its credentials in the order in which they are tried: the safest first.
func (c *config) sweepRange(prefix netip.Prefix, port int, names []string) discover.Range {
	r := discover.Range{Prefix: prefix, Port: uint16(port)}
	for _, version := range []string{snmp.V3, snmp.V2c, snmp.V1} {
		for i, one := range c.SNMP.Credentials {
			if one.Version == version && slices.Contains(names, one.Name) {
				r.Credentials = append(r.Credentials, i)
			}
		}
	}
	return r
}

// identifiedAtOnce is how many machines a sweep asks at the same time what they are.
const identifiedAtOnce = 8

func sweepOptions(c *config, profiles *mibs.Set, pool *snmp.Pool, ranges []discover.Range) discover.Options {
	var sets []snmp.Credentials
	o := discover.Options{
		Ranges: ranges, Rate: c.Discovery.Rate, Wait: c.SNMP.Timeout, Window: c.Discovery.Open,
		AtOnce: min(identifiedAtOnce, c.SNMP.MaxInFlight), Profiles: profiles, Now: clock,
		Open: func() (discover.Socket, error) { return snmp.OpenSweep(sets) },
		Ask: func(at netip.AddrPort, credentials int) discover.Ask {
			return pool.Device(snmp.Target{Host: at.Addr().String(), Port: at.Port(), Credentials: sets[credentials]}).Ask
		},
	}
	for _, one := range c.SNMP.Credentials {
		set := snmpOf(one)
		sets = append(sets, set)
		o.Credentials = append(o.Credentials, discover.Credential{
			Name: one.Name, Engine: one.Version == snmp.V3, Bytes: snmp.KnockSize(set), Print: fingerprint(set),
		})
	}
	return o
}

// fingerprint differs, nearly always, between credentials.
func fingerprint(c snmp.Credentials) uint16 {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		c.Version, string(c.Community), c.User, c.Auth, string(c.AuthPassword), c.Privacy, string(c.PrivacyPassword),
	}, "\x00")))
	return binary.BigEndian.Uint16(sum[:])
}

// namesTake is how long names of targets may take to be looked up, all together.
const namesTake = 30 * time.Second

// addresses are where the configured targets are, with the targets' own addresses: names are looked up.
func (c *config) addresses(ctx context.Context) map[netip.AddrPort]string {
	ctx, cancel := context.WithTimeout(ctx, namesTake)
	defer cancel()
	all := map[netip.AddrPort]string{}
	for _, t := range c.Hosts() {
		addrs := []netip.Addr{}
		if addr, err := netip.ParseAddr(t.Host); err == nil {
			addrs = append(addrs, addr)
		} else if found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.Host); err == nil {
			addrs = found
		}
		for _, addr := range addrs {
			all[netip.AddrPortFrom(addr.Unmap(), uint16(t.Port))] = t.Address()
		}
	}
	return all
}

// newFinder discovers machines in the configured ranges and has them polled.
func newFinder(c *settings, pool *snmp.Pool, poller *poll.Poller, log *slog.Logger) *discover.Finder {
	o := sweepOptions(c.config, c.profiles, pool, c.sweepRanges())
	o.Log = log
	return &discover.Finder{
		Options: o, Every: c.Discovery.Every, Path: filepath.Join(c.Spool.Dir, "discovery.json"),
		Targets: &discovered{config: c.config, pool: pool, poller: poller},
	}
}

// discovered is the poller as discovery sees it.
type discovered struct {
	config *config
	pool   *snmp.Pool
	poller *poll.Poller
}

func addressOf(at netip.AddrPort) string {
	return (&polling.Target{Host: at.Addr().String(), Port: int(at.Port())}).Address()
}

func (d *discovered) Add(k discover.Known) {
	credentials, _ := d.config.SNMP.named(k.Credentials)
	device := d.pool.Device(snmp.Target{Host: k.At.Addr().String(), Port: k.At.Port(), Credentials: snmpOf(credentials)})
	d.poller.Add(poll.Target{Address: addressOf(k.At), Source: k.Range.String(), Ask: device.Ask, Refuses: func(is *mibs.Device) string {
		if is.ID == k.Device {
			return "" // whatever it lacks by now
		}
		return discover.Refuse(is)
	}})
}

func (d *discovered) Drop(k discover.Known) { d.poller.Drop(addressOf(k.At)) }

func (d *discovered) Polled(ctx context.Context) (all []discover.Polled) {
	at := map[string][]netip.AddrPort{} // by the address that people gave
	for addr, text := range d.config.addresses(ctx) {
		at[text] = append(at[text], addr)
	}
	for _, s := range d.poller.Snapshot() {
		one := discover.Polled{Device: s.Device, Answers: s.Device != "" && (s.Error == "" || s.Rests), Configured: s.Source == ""}
		if !one.Configured {
			at[s.Address] = []netip.AddrPort{parseAddress(s.Address)}
		}
		for _, one.At = range at[s.Address] {
			all = append(all, one)
		}
		if len(at[s.Address]) == 0 { // a name that leads nowhere at present
			all = append(all, one)
		}
	}
	return all
}

// parseAddress reads what addressOf wrote.
func parseAddress(text string) netip.AddrPort {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at
	}
	addr, _ := netip.ParseAddr(text)
	return netip.AddrPortFrom(addr, polling.SNMPPort)
}
