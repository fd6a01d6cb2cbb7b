package polling

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// File is where a configuration was read from, and collects its faults. *yamlfile.Doc is one.
type File interface {
	Fault(path []any, format string, args ...any)
	Has(path ...any) bool
}

// Check finds what is wrong with a configuration that stands at where in the file, and completes
// it. known are the names that credentials may have, nil if nobody here knows them. What is
// allowed, but better not, it returns.
func (c *Config) Check(f File, where []any, known []string) (warnings []string) {
	k := check{file: f, where: where, known: known}
	k.targets(c.Targets)
	k.poll(c.Poll)
	k.discovery(&c.Discovery)
	return k.warnings
}

type check struct {
	file     File
	where    []any
	known    []string
	warnings []string
}

// at is the place of a value in the file.
func (k *check) at(steps ...any) []any { return slices.Concat(k.where, steps) }

func (k *check) fault(where []any, format string, args ...any) { k.file.Fault(where, format, args...) }

func (k *check) targets(targets []Target) {
	seen := map[string]bool{}
	for i := range targets {
		t := &targets[i]
		where := k.at("targets", i)
		k.credentials(where, t)
		switch {
		case t.Host != "" && t.Range != "":
			k.fault(append(where, "range"), "stands beside host; want one of them")
		case t.Range != "":
			k.sweep(where, t)
			if key := fmt.Sprint(t.Prefix, " ", t.Port); t.Prefix.IsValid() {
				if seen[key] {
					k.fault(append(where, "range"), "%s is there already; want each range once, several credentials as a list", t.Range)
				}
				seen[key] = true
			}
		case t.Host == "":
			k.fault(where, "host is missing; want host or range")
		default:
			k.host(where, t)
			if seen[t.Address()] {
				k.fault(append(where, "host"), "%s is there already; want each machine once", t.Address())
			}
			seen[t.Address()] = true
		}
	}
}

func (k *check) credentials(where []any, t *Target) {
	if len(t.Credentials) > 1 && t.Range == "" {
		k.fault(append(where, "credentials"), "a host has one; want one of: %s", strings.Join(t.Credentials, ", "))
	}
	if k.known == nil {
		return
	}
	switch {
	case len(t.Credentials) > 0:
	case len(k.known) == 1 || t.Range != "":
		t.Credentials = k.known
	default:
		k.fault(where, "credentials is missing; want one of: %s", strings.Join(k.known, ", "))
	}
	for _, name := range t.Credentials {
		if !slices.Contains(k.known, name) {
			k.fault(append(where, "credentials"), "%q is not among snmp.credentials; want one of: %s", name, strings.Join(k.known, ", "))
		}
	}
}

// A host name as RFC 1123 has it, and "_", which Windows allows.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// looksLikeIPv4 catches mistyped addresses, which would pass as host names.
var looksLikeIPv4 = regexp.MustCompile(`^[0-9.]+$`)

// ValidHost tells whether a text can be a host's name or address.
func ValidHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostName.MatchString(host) && !looksLikeIPv4.MatchString(host)
}

func (k *check) host(where []any, t *Target) {
	if !ValidHost(t.Host) {
		k.fault(append(where, "host"), "%q; want a host name or an address, its port in port:", t.Host)
	}
	k.port(where, t)
}

func (k *check) sweep(where []any, t *Target) {
	var err error
	if t.Prefix, err = ParseRange(t.Range); err != nil {
		k.fault(append(where, "range"), "%v", err)
	}
	k.port(where, t)
}

func (k *check) port(where []any, t *Target) {
	if t.Port == 0 && !k.file.Has(append(where, "port")...) {
		t.Port = SNMPPort
	}
	if t.Port < 1 || t.Port > 65535 {
		k.fault(append(where, "port"), "%d; want 1 to 65535", t.Port)
	}
}

// slowEnough is the interval from which on a poll is no burden to any device that we know.
const slowEnough = 30 * time.Second

func (k *check) poll(p Poll) {
	k.interval("lines", p.Lines)
	k.interval("counters", p.Counters)
}

func (k *check) interval(key string, every time.Duration) {
	switch {
	case every < time.Second || every > 24*time.Hour:
		k.fault(k.at("poll", key), "%s; want 1s to 24h", every)
	case every < slowEnough:
		k.warnings = append(k.warnings,
			fmt.Sprintf("poll.%s is %s: fast polling has crashed printers; %s or more is safe", key, every, slowEnough))
	}
}

// MaxRate is the fastest sweep, in addresses a second: some 70 kB/s with one set of credentials.
const MaxRate = 1000

func (k *check) discovery(d *Discovery) {
	if d.Every < time.Minute {
		k.fault(k.at("discovery", "every"), "%s; want 1m or more", d.Every)
	}
	if d.Rate < 1 || d.Rate > MaxRate {
		k.fault(k.at("discovery", "rate"), "%d; want 1 to %d addresses a second", d.Rate, MaxRate)
	}
	var err error
	if d.Open, err = ParseWindow(d.Window); err != nil {
		k.fault(k.at("discovery", "window"), "%v", err)
	}
}
