// Package polling is what an agent polls, and how often: the keys targets, poll and discovery of
// agent.yml, with their rules. A central configuration has the same keys, so the agent checks both
// here, and the collector what it is about to send.
package polling

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/zerofax/zerofax/agent/yamlfile"
)

// Config is what an agent polls. Defaults has what a file may leave out.
type Config struct {
	Targets   []Target  `yaml:"targets"`
	Poll      Poll      `yaml:"poll"`
	Discovery Discovery `yaml:"discovery"`
}

// Target is one machine (Host) or a range to discover machines in.
type Target struct {
	Host  string `yaml:"host"`
	Port  int    `yaml:"port"`
	Range string `yaml:"range"`
	// Credentials are one for a host. A range may have several, all if it names none.
	Credentials yamlfile.OneOrMore `yaml:"credentials"`

	Prefix netip.Prefix `yaml:"-"` // Range
}

// Poll is how often devices are asked.
type Poll struct {
	Lines    time.Duration `yaml:"lines"`
	Counters time.Duration `yaml:"counters"`
}

// Discovery is how ranges are swept.
type Discovery struct {
	Every  time.Duration `yaml:"every"`
	Rate   int           `yaml:"rate"` // addresses a second
	Window string        `yaml:"window"`

	Open Window `yaml:"-"` // Window
}

// SNMPPort is where devices are asked that name no other.
const SNMPPort = 161

// Defaults polls nothing, and that at the usual intervals.
func Defaults() Config {
	return Config{
		Poll:      Poll{Lines: time.Minute, Counters: 5 * time.Minute},
		Discovery: Discovery{Every: 24 * time.Hour, Rate: 50},
	}
}

// SetDefaults makes Defaults of it, where it is one of several in a file.
func (c *Config) SetDefaults() { *c = Defaults() }

// Hosts are the targets that can be polled: ranges can't before something was found in them.
func (c *Config) Hosts() []Target {
	return slices.DeleteFunc(slices.Clone(c.Targets), func(t Target) bool { return t.Host == "" })
}

// Ranges are the targets in which machines are to be discovered.
func (c *Config) Ranges() []Target {
	return slices.DeleteFunc(slices.Clone(c.Targets), func(t Target) bool { return t.Range == "" })
}

// Address is how people and the collector know the target: its port only where it isn't SNMP's.
func (t *Target) Address() string {
	if t.Port == SNMPPort {
		return t.Host
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(t.Port))
}
