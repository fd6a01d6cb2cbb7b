package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/configfile"
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
	c.warnings = append(c.warnings, c.Config.Check(f, nil, c.SNMP.names())...)
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
	names := []string{}
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

// smallestSpool holds some minutes of a few devices.
const smallestSpool = 64_000

func (c *config) checkRest(f *configfile.File) {
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
