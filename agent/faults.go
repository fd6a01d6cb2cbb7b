package main

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/credentials"
	"github.com/zerofax/zerofax/agent/wire"
)

// at is the place of a value in the file.
func at(steps ...any) []any { return steps }

func (c *config) check(f *configfile.File) {
	if !wire.ValidAgent(c.Agent) {
		f.Fault(at("agent"), "%q; want 1 to 63 of a-z, 0-9 and -, such as %s", c.Agent, agentFrom(c.Agent))
	}
	c.Collector.Check(f, at("collector"))
	c.Central.check(f)
	c.SNMP.check(f)
	c.warnOfUnprotected()
	c.pollWarnings = c.Config.Check(f, nil, c.SNMP.names())
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
	credentials.Check(f.Doc, at("snmp", "credentials"), s.Credentials, f.Secret)
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

// smallestSpool holds some minutes of a few devices.
const smallestSpool = 64_000

func (c *config) checkRest(f *configfile.File) {
	if c.ProfilesDir = f.Path(c.ProfilesDir); c.ProfilesDir != "" {
		if info, err := os.Stat(c.ProfilesDir); err != nil || !info.IsDir() {
			f.Fault(at("profiles_dir"), "%q; want a folder of profiles", c.ProfilesDir)
		}
	}
	c.checkJournals(f)
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
