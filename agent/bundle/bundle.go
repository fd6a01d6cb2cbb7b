// Package bundle is the one file that makes an agent of a machine: who it is, where the
// collector is, whom to believe, what proves who it is, and how to ask devices.
// zerofax-collector enroll writes it, zerofax-agent reads it. It holds secrets.
package bundle

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/credentials"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/agent/yamlfile"
)

// Version of the format.
const Version = 1

// Collector is the common name of the collector's own certificate. No agent has it.
const Collector = "zerofax-collector"

// Bundle is what the file says. Certificates and keys are PEM.
type Bundle struct {
	V           int                       `yaml:"zerofax_bundle"`
	Agent       string                    `yaml:"agent"`
	URL         string                    `yaml:"url"`         // of the broker; mqtt:// only on the same machine, or where the collector was told insecure
	BrokerCA    string                    `yaml:"broker_ca"`   // of the broker's own certificate, where that isn't Authority
	Authority   string                    `yaml:"authority"`   // signs agents' certificates and central configurations
	Certificate string                    `yaml:"certificate"` // of this agent, shown to the broker
	Key         secret.Text               `yaml:"key"`         // of Certificate
	Credentials []credentials.Credentials `yaml:"credentials"` // as snmp.credentials of agent.yml, the secrets in them
}

// written is Bundle as it stands in the file: secrets are told, what is empty isn't.
type written struct {
	V           int                  `yaml:"zerofax_bundle"`
	Agent       string               `yaml:"agent"`
	URL         string               `yaml:"url"`
	BrokerCA    string               `yaml:"broker_ca,omitempty"`
	Authority   string               `yaml:"authority"`
	Certificate string               `yaml:"certificate"`
	Key         string               `yaml:"key"`
	Credentials []writtenCredentials `yaml:"credentials,omitempty"`
}

type writtenCredentials struct {
	Name            string `yaml:"name"`
	Version         string `yaml:"version"`
	Community       string `yaml:"community,omitempty"`
	User            string `yaml:"user,omitempty"`
	Auth            string `yaml:"auth,omitempty"`
	AuthPassword    string `yaml:"auth_password,omitempty"`
	Privacy         string `yaml:"privacy,omitempty"`
	PrivacyPassword string `yaml:"privacy_password,omitempty"`
}

// Encode is the file's content. Files that hold the secrets of credentials have no place in it.
func (b *Bundle) Encode() ([]byte, error) {
	file := written{
		V: Version, Agent: b.Agent, URL: b.URL, BrokerCA: b.BrokerCA,
		Authority: b.Authority, Certificate: b.Certificate, Key: string(b.Key),
	}
	for _, c := range b.Credentials {
		file.Credentials = append(file.Credentials, writtenCredentials{
			Name: c.Name, Version: c.Version, Community: string(c.Community), User: c.User,
			Auth: c.Auth, AuthPassword: string(c.AuthPassword), Privacy: c.Privacy, PrivacyPassword: string(c.PrivacyPassword),
		})
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# zerofax: makes an agent of the machine %s. Secret: who has it can speak as this agent.\n", b.Agent)
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(file); err != nil {
		return nil, fmt.Errorf("write bundle of %s: %w", b.Agent, err)
	}
	return out.Bytes(), e.Close()
}

// Is tells a bundle from agent.yml, whether or not it is a good one.
func Is(data []byte) bool {
	for line := range bytes.Lines(data) {
		if bytes.HasPrefix(line, []byte("zerofax_bundle:")) {
			return true
		}
	}
	return false
}

// Decode reads a bundle and checks that all in it fits together; whether the certificate holds
// today is for others to say. name is the file's, for faults: they name it with the line, and
// repeat no secret.
func Decode(name string, data []byte) (Bundle, error) {
	var b Bundle
	doc := yamlfile.Decode(name, data, &b)
	switch {
	case !doc.Has("zerofax_bundle"):
		return b, fmt.Errorf("%s: is no bundle; want what zerofax-collector enroll writes", name)
	case b.V > Version: // what it says is unknown here
		return b, fmt.Errorf("%s:%d: zerofax_bundle: %d; this program reads %d: update it", name, doc.Line("zerofax_bundle"), b.V, Version)
	case b.V != Version:
		doc.Fault([]any{"zerofax_bundle"}, "want %d", Version)
	}
	b.check(doc)
	return b, doc.Err()
}

func (b *Bundle) check(doc *yamlfile.Doc) {
	fault := func(key, format string, args ...any) { doc.Fault([]any{key}, format, args...) }
	if !wire.ValidAgent(b.Agent) || b.Agent == Collector {
		fault("agent", "%q; want 1 to 63 of a-z, 0-9 and -", b.Agent)
	}
	if u, err := configfile.BrokerURL(b.URL); err != nil {
		fault("url", "%v", err)
	} else {
		b.URL = u.String()
	}
	if b.BrokerCA != "" && !anyCertificate(b.BrokerCA) {
		fault("broker_ca", "no certificate in it; want PEM")
	}
	if authority, err := ParseAuthority([]byte(b.Authority)); err != nil {
		fault("authority", "%v", err)
	} else if _, err := Pair([]byte(b.Certificate), []byte(b.Key), b.Agent, authority); err != nil {
		fault("certificate", "%v", err)
	}
	credentials.Check(doc, []any{"credentials"}, b.Credentials, nil)
}
