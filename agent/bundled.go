package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/internal/identity"
	"github.com/zerofax/zerofax/agent/program"
)

// bundled is the flag of commands that take a bundle in agent.yml's place.
type bundled struct {
	Bundle string `placeholder:"FILE" help:"Bundle from zerofax-collector enroll, instead of a configuration."`
}

// file is what to load: the bundle, or what --config names.
func (b *bundled) file(call *program.Call) (string, error) {
	switch {
	case b.Bundle == "":
		return call.Config, nil
	case call.Config != "":
		return "", program.Usage(errors.New("--bundle and --config; want one of them"))
	}
	_, err := readBundle(b.Bundle)
	return b.Bundle, err
}

// readBundle reads a bundle. Its faults are told at once.
func readBundle(path string) (bundle.Bundle, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return bundle.Bundle{}, program.Usage(fmt.Errorf("read bundle: %w", err))
	}
	b, err := bundle.Decode(path, data)
	if err != nil {
		return bundle.Bundle{}, program.Usage(err)
	}
	return b, nil
}

// configOf is the configuration that a bundle stands for. Data lie beside the bundle, in a
// folder of the agent's own: what one agent has read is never sent as another's.
func configOf(path string) (*config, error) {
	b, err := readBundle(path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	c := defaults()
	c.file, c.Agent, c.Collector.URL = path, b.Agent, b.URL
	c.Spool.Dir = filepath.Join(dir, c.Spool.Dir, b.Agent)
	f, err := configfile.Read("", c)
	if err != nil {
		return nil, err
	}
	if c.SNMP.check(f); len(b.Credentials) > 0 {
		c.SNMP.Credentials = b.Credentials
	}
	c.warnOfUnprotected()
	c.pollWarnings = c.Config.Check(f, nil, c.SNMP.names())
	c.checkRest(f)
	if c.Central.authority, err = bundle.ParseAuthority([]byte(b.Authority)); err != nil {
		return nil, err
	}
	c.proof = proof{
		ca:          identity.PEM{Text: b.Authority},
		certificate: identity.PEM{Text: b.Certificate}, key: identity.PEM{Text: string(b.Key)},
	}
	if b.BrokerCA != "" {
		c.proof.ca.Text = b.BrokerCA
	}
	return c, f.Err()
}

// proof is what agent and broker know each other by: files of agent.yml, or what a bundle says.
type proof struct{ ca, certificate, key identity.PEM }

// filesOf is the proof that agent.yml names.
func filesOf(b *configfile.Broker) proof {
	return proof{identity.PEM{File: b.CAFile}, identity.PEM{File: b.CertFile}, identity.PEM{File: b.KeyFile}}
}

// encrypted tells whether the link to the broker is, so that there is proof.
func encrypted(url string) bool {
	return strings.HasPrefix(url, "mqtts:") || strings.HasPrefix(url, "ssl:")
}
