package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/internal/discover"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
)

// at is the place of a value in the file.
func at(steps ...any) []any { return steps }

func (c *config) check(f *configfile.File) {
	if !wire.ValidAgent(c.Agent) {
		f.Fault(at("agent"), "%q; want 1 to 63 of a-z, 0-9 and -, such as %s", c.Agent, agentFrom(c.Agent))
	}
	c.Collector.Check(f, at("collector"))
	c.SNMP.check(f)
	c.warnOfUnprotected()
	c.checkTargets(f)
	c.checkPoll(f)
	c.checkRest(f)
}

func (s *snmpConfig) check(f *configfile.File) {
	if s.Timeout < 100*time.Millisecond || s.Timeout > 30*time.Second {
		f.Fault(at("snmp", "timeout"), "%s; want 100ms to 30s", s.Timeout)
	}
	if s.Retries < 0 || s.Retries > 5 {
		f.Fault(at("snmp", "retries"), "%d; want 0 to 5", s.Retries)
	}
	if s.MaxInFlight < 1 || s.MaxInFlight > 1024 {
		f.Fault(at("snmp", "max_in_flight"), "%d; want 1 to 1024", s.MaxInFlight)
	}
	if !f.Has("snmp", "credentials") {
		s.Credentials = []credentialsConfig{{Name: "public", Version: "2c", Community: "public"}}
		return
	}
	for i := range s.Credentials {
		where := at("snmp", "credentials", i)
		name := s.Credentials[i].Name
		switch {
		case name == "":
			f.Fault(where, "name is missing; want one that targets can refer to")
		case slices.ContainsFunc(s.Credentials[:i], func(c credentialsConfig) bool { return c.Name == name }):
			f.Fault(append(where, "name"), "%q is there already; want another", name)
		}
		s.Credentials[i].check(f, where)
	}
}

func (s *snmpConfig) names() []string {
	var names []string
	for _, c := range s.Credentials {
		names = append(names, c.Name)
	}
	return names
}

func (s *snmpConfig) named(name string) (credentialsConfig, bool) {
	i := slices.IndexFunc(s.Credentials, func(c credentialsConfig) bool { return c.Name == name })
	if i < 0 {
		return credentialsConfig{}, false
	}
	return s.Credentials[i], true
}

var (
	authProtocols    = []string{"MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"}
	privacyProtocols = []string{"DES", "AES", "AES192", "AES256", "AES192C", "AES256C"}
)

func (c *credentialsConfig) check(f *configfile.File, where []any) {
	switch c.Version {
	case "1", "2c":
		c.checkCommunity(f, where)
	case "3":
		c.checkUser(f, where)
	case "":
		f.Fault(where, "version is missing; want 1, 2c or 3")
	default:
		f.Fault(append(where, "version"), "%q; want 1, 2c or 3", c.Version)
	}
}

// In bytes, as agent/internal/snmp has them.
const (
	longestCommunity = 127
	longestUser      = 32
)

func (c *credentialsConfig) checkCommunity(f *configfile.File, where []any) {
	for _, key := range []string{"user", "auth", "auth_password_file", "privacy", "privacy_password_file"} {
		if f.Has(append(where, key)...) {
			f.Fault(append(where, key), "belongs to version 3; version %s wants community or community_file", c.Version)
		}
	}
	switch {
	case c.Community != "" && c.CommunityFile != "":
		f.Fault(append(where, "community_file"), "stands beside community; want one of them")
	case c.CommunityFile != "":
		c.Community = f.Secret(append(where, "community_file"), c.CommunityFile)
	case c.Community == "":
		f.Fault(where, "community is missing; want community or community_file")
	}
	if len(c.Community) > longestCommunity {
		f.Fault(where, "the community has %d bytes; want 1 to %d", len(c.Community), longestCommunity)
	}
}

func (c *credentialsConfig) checkUser(f *configfile.File, where []any) {
	for _, key := range []string{"community", "community_file"} {
		if f.Has(append(where, key)...) {
			f.Fault(append(where, key), "belongs to versions 1 and 2c; version 3 wants user")
		}
	}
	switch {
	case c.User == "":
		f.Fault(where, "user is missing; version 3 wants one")
	case len(c.User) > longestUser:
		f.Fault(append(where, "user"), "has %d bytes; want 1 to %d", len(c.User), longestUser)
	}
	if c.Privacy != "" && c.Auth == "" {
		f.Fault(append(where, "privacy"), "without auth; want both, SNMPv3 has no privacy alone")
	}
	c.AuthPassword = c.checkProtocol(f, where, "auth", c.Auth, c.AuthPasswordFile, authProtocols)
	c.PrivacyPassword = c.checkProtocol(f, where, "privacy", c.Privacy, c.PrivacyPasswordFile, privacyProtocols)
}

// warnOfUnprotected tells of SNMPv3 without its point. Version 2c needs no such words: nobody
// takes it for safe.
func (c *config) warnOfUnprotected() {
	for _, s := range c.SNMP.Credentials {
		if s.Version == "3" && s.Auth == "" {
			c.warnings = append(c.warnings, fmt.Sprintf(
				"snmp.credentials %s: version 3 without auth: anyone on the network can forge its answers; give auth and privacy", s.Name))
		}
	}
}

func (c *credentialsConfig) checkProtocol(f *configfile.File, where []any, key, protocol, passwordFile string, known []string) secret.Text {
	fileKey := key + "_password_file"
	switch {
	case protocol == "" && passwordFile != "":
		f.Fault(append(where, fileKey), "without %s; want one of %s there", key, strings.Join(known, ", "))
	case protocol == "":
	case !slices.Contains(known, protocol):
		f.Fault(append(where, key), "%q; want one of %s", protocol, strings.Join(known, ", "))
	case passwordFile == "":
		f.Fault(append(where, key), "without a password; want %s", fileKey)
	default:
		password := f.Secret(append(where, fileKey), passwordFile)
		if password != "" && len(password) < 8 { // RFC 3414, 11.2
			f.Fault(append(where, fileKey), "the password is too short; SNMPv3 wants 8 characters or more")
		}
		return password
	}
	return ""
}

func (c *config) checkTargets(f *configfile.File) {
	seen := map[string]bool{}
	for i := range c.Targets {
		t := &c.Targets[i]
		where := at("targets", i)
		c.checkCredentials(f, where, t)
		switch {
		case t.Host != "" && t.Range != "":
			f.Fault(append(where, "range"), "stands beside host; want one of them")
		case t.Range != "":
			t.checkRange(f, where)
			if key := fmt.Sprint(t.prefix, " ", t.Port); t.prefix.IsValid() {
				if seen[key] {
					f.Fault(append(where, "range"), "%s is there already; want each range once, several credentials as a list", t.Range)
				}
				seen[key] = true
			}
		case t.Host == "":
			f.Fault(where, "host is missing; want host or range")
		default:
			t.checkHost(f, where)
			if seen[t.address()] {
				f.Fault(append(where, "host"), "%s is there already; want each machine once", t.address())
			}
			seen[t.address()] = true
		}
	}
}

func (c *config) checkCredentials(f *configfile.File, where []any, t *targetConfig) {
	names := c.SNMP.names()
	switch {
	case len(t.Credentials) == 0 && (len(names) == 1 || t.Range != ""):
		t.Credentials = names
	case len(t.Credentials) == 0:
		f.Fault(where, "credentials is missing; want one of: %s", strings.Join(names, ", "))
	case len(t.Credentials) > 1 && t.Range == "":
		f.Fault(append(where, "credentials"), "a host has one; want one of: %s", strings.Join(t.Credentials, ", "))
	}
	for _, name := range t.Credentials {
		if _, known := c.SNMP.named(name); !known {
			f.Fault(append(where, "credentials"), "%q is not among snmp.credentials; want one of: %s", name, strings.Join(names, ", "))
		}
	}
}

// A host name as RFC 1123 has it, and "_", which Windows allows.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// looksLikeIPv4 catches mistyped addresses, which would pass as host names.
var looksLikeIPv4 = regexp.MustCompile(`^[0-9.]+$`)

func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostName.MatchString(host) && !looksLikeIPv4.MatchString(host)
}

func (t *targetConfig) checkHost(f *configfile.File, where []any) {
	if !validHost(t.Host) {
		f.Fault(append(where, "host"), "%q; want a host name or an address, its port in port:", t.Host)
	}
	if t.Port == 0 && !f.Has(append(where, "port")...) {
		t.Port = snmpPort
	}
	if t.Port < 1 || t.Port > 65535 {
		f.Fault(append(where, "port"), "%d; want 1 to 65535", t.Port)
	}
}

func (t *targetConfig) checkRange(f *configfile.File, where []any) {
	prefix, err := discover.ParseRange(t.Range)
	if err != nil {
		f.Fault(append(where, "range"), "%v", err)
	}
	t.prefix = prefix
	if t.Port == 0 && !f.Has(append(where, "port")...) {
		t.Port = snmpPort
	}
	if t.Port < 1 || t.Port > 65535 {
		f.Fault(append(where, "port"), "%d; want 1 to 65535", t.Port)
	}
}

// address is how people and the collector know the target: its port only where it isn't SNMP's.
func (t *targetConfig) address() string {
	if t.Port == snmpPort {
		return t.Host
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(t.Port))
}

// slowEnough is the interval from which on a poll is no burden to any device that we know.
const slowEnough = 30 * time.Second

func (c *config) checkPoll(f *configfile.File) {
	c.checkInterval(f, "lines", c.Poll.Lines)
	c.checkInterval(f, "counters", c.Poll.Counters)
}

func (c *config) checkInterval(f *configfile.File, key string, every time.Duration) {
	switch {
	case every < time.Second || every > 24*time.Hour:
		f.Fault(at("poll", key), "%s; want 1s to 24h", every)
	case every < slowEnough:
		c.warnings = append(c.warnings,
			fmt.Sprintf("poll.%s is %s: fast polling has crashed printers; %s or more is safe", key, every, slowEnough))
	}
}

// maxRate is the fastest sweep, in addresses a second: some 70 kB/s with one set of credentials.
const maxRate = 1000

// smallestSpool holds some minutes of a few devices.
const smallestSpool = 64_000

func (c *config) checkRest(f *configfile.File) {
	if c.Discovery.Every < time.Minute {
		f.Fault(at("discovery", "every"), "%s; want 1m or more", c.Discovery.Every)
	}
	if c.Discovery.Rate < 1 || c.Discovery.Rate > maxRate {
		f.Fault(at("discovery", "rate"), "%d; want 1 to %d addresses a second", c.Discovery.Rate, maxRate)
	}
	var err error
	if c.Discovery.window, err = discover.ParseWindow(c.Discovery.Window); err != nil {
		f.Fault(at("discovery", "window"), "%v", err)
	}
	if c.ProfilesDir = f.Path(c.ProfilesDir); c.ProfilesDir != "" {
		if info, err := os.Stat(c.ProfilesDir); err != nil || !info.IsDir() {
			f.Fault(at("profiles_dir"), "%q; want a folder of profiles", c.ProfilesDir)
		}
	}
	if c.Spool.Dir == "" {
		f.Fault(at("spool", "dir"), "is empty; want a folder that the agent may write to")
	}
	c.Spool.Dir = f.Path(c.Spool.Dir)
	if c.Spool.MaxSize < smallestSpool {
		f.Fault(at("spool", "max_size"), "%s; want %s or more", c.Spool.MaxSize, byteSize(smallestSpool))
	}
	if c.HTTP.Listen != "" {
		f.CheckListen(at("http", "listen"), c.HTTP.Listen, c.HTTP.Insecure, "")
	}
}
