package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/credentials"
	"github.com/zerofax/zerofax/agent/polling"
	"github.com/zerofax/zerofax/agent/program"
)

// config is agent.yml. Paths in it are relative to the file; load makes them usable.
type config struct {
	Agent          string            `yaml:"agent"`
	Collector      configfile.Broker `yaml:"collector"`
	Central        centralConfig     `yaml:"central"`
	SNMP           snmpConfig        `yaml:"snmp"`
	polling.Config `yaml:",inline"`
	ProfilesDir    string            `yaml:"profiles_dir"`
	Journals       []journalConfig   `yaml:"journals"`
	Spool          spoolConfig       `yaml:"spool"`
	HTTP           agentListenConfig `yaml:"http"`

	proof        proof
	file         string   // where it is from, maybe a bundle; empty: the embedded defaults
	warnings     []string // allowed, but better not
	pollWarnings []string // the same of what is polled
}

// credentialsConfig is one of snmp.credentials.
type credentialsConfig = credentials.Credentials

type snmpConfig struct {
	Timeout     time.Duration       `yaml:"timeout"` // of one try
	Retries     int                 `yaml:"retries"`
	MaxInFlight int                 `yaml:"max_in_flight"`
	Credentials []credentialsConfig `yaml:"credentials"`
}

type spoolConfig struct {
	Dir     string   `yaml:"dir"`
	MaxSize byteSize `yaml:"max_size"`
}

type agentListenConfig struct {
	Listen   string `yaml:"listen"`
	Insecure bool   `yaml:"insecure"`
}

func defaults() *config {
	return &config{
		Collector: configfile.Broker{URL: "mqtt://127.0.0.1:1883"},
		SNMP:      snmpConfig{Timeout: 2 * time.Second, Retries: 2, MaxInFlight: 64},
		Config:    polling.Defaults(),
		Spool:     spoolConfig{Dir: "zerofax-agent-data", MaxSize: 256_000_000},
		HTTP:      agentListenConfig{Listen: "127.0.0.1:8781"},
	}
}

// loadConfig reads the file at path, which may be a bundle; without a path, the embedded
// defaults. The error names all faults at once.
func loadConfig(path string) (*config, error) {
	if data, err := os.ReadFile(path); err == nil && bundle.Is(data) {
		return configOf(path)
	}
	c := defaults()
	c.file = path
	f, err := configfile.Read(path, c)
	if err != nil {
		return nil, program.Usage(err)
	}
	if !f.Has("agent") {
		name, _ := os.Hostname()
		c.Agent = agentFrom(name)
	}
	c.check(f)
	if err := f.Err(); err != nil {
		return nil, program.Usage(err)
	}
	c.proof = filesOf(&c.Collector)
	return c, nil
}

// agentFrom makes an agent id of a host name.
func agentFrom(host string) string {
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	id := strings.Trim(notInID.ReplaceAllString(host, "-"), "-")
	if len(id) > 63 {
		id = id[:63]
	}
	return cmp.Or(strings.Trim(id, "-"), "agent")
}

var notInID = regexp.MustCompile(`[^a-z0-9-]+`)

// byteSize is a number of bytes, written like 256MB (a million) or 256MiB (2^20).
type byteSize int64

var sizePattern = regexp.MustCompile(`^([0-9]{1,6}) ?(k|K|M|G|Ki|Mi|Gi)?B$`)

// UnmarshalText reads it.
func (s *byteSize) UnmarshalText(text []byte) error {
	parts := sizePattern.FindStringSubmatch(string(text))
	if parts == nil {
		return fmt.Errorf("%q; want a size such as 256MB or 1GB", text)
	}
	units := map[string]int64{
		"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30,
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return err
	}
	*s = byteSize(n * units[parts[2]])
	return nil
}

// String writes it as people would.
func (s byteSize) String() string {
	for _, unit := range []struct {
		size byteSize
		name string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if s >= unit.size && s%unit.size == 0 {
			return fmt.Sprintf("%d%s", s/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%dB", int64(s))
}

// files are all that the configuration names to be read, relative ones from dir.
func (c *config) files(dir string) []string {
	all := []string{c.Central.AuthorityFile, c.Collector.CAFile, c.Collector.CertFile, c.Collector.KeyFile, c.Collector.PasswordFile, c.ProfilesDir}
	for _, credentials := range c.SNMP.Credentials {
		all = append(all, credentials.CommunityFile, credentials.AuthPasswordFile, credentials.PrivacyPasswordFile)
	}
	for _, j := range c.Journals {
		if filepath.IsAbs(j.Profile) { // checked; else it is built in
			all = append(all, j.Profile)
		}
	}
	all = slices.DeleteFunc(all, func(name string) bool { return name == "" })
	slices.Sort(all)
	for i, name := range all {
		if !filepath.IsAbs(name) {
			all[i] = filepath.Join(dir, name)
		}
	}
	return slices.Compact(all)
}
