// Package bundle is the one file that makes an agent of a machine: who it is, where the
// collector is, whom to believe, what proves who it is, and how to ask devices.
// zerofax-collector enroll writes it, zerofax-agent reads it. It holds secrets.
package bundle

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/zerofax/zerofax/agent/yamlfile"
)

// Version of the format.
const Version = 1

// Bundle is the file. Certificates and keys are PEM.
type Bundle struct {
	V           int           `yaml:"zerofax_bundle"`
	Agent       string        `yaml:"agent"`
	URL         string        `yaml:"url"`                   // of the broker; mqtt:// only where it is on the same machine
	BrokerCA    string        `yaml:"broker_ca,omitempty"`   // of the broker's own certificate, where that isn't Authority
	Authority   string        `yaml:"authority"`             // signs agents' certificates and central configurations
	Certificate string        `yaml:"certificate"`           // of this agent, shown to the broker
	Key         string        `yaml:"key"`                   // of Certificate
	Credentials []Credentials `yaml:"credentials,omitempty"` // as snmp.credentials of agent.yml, the secrets in them
}

// Credentials are how devices are asked. Which fields belong together is agent.yml's rule.
type Credentials struct {
	Name            string `yaml:"name"`
	Version         string `yaml:"version"`
	Community       string `yaml:"community,omitempty"`
	User            string `yaml:"user,omitempty"`
	Auth            string `yaml:"auth,omitempty"`
	AuthPassword    string `yaml:"auth_password,omitempty"`
	Privacy         string `yaml:"privacy,omitempty"`
	PrivacyPassword string `yaml:"privacy_password,omitempty"`
}

// Encode is the file's content.
func (b Bundle) Encode() ([]byte, error) {
	b.V = Version
	var out bytes.Buffer
	fmt.Fprintf(&out, "# zerofax: makes an agent of the machine %s. Secret: who has it can speak as this agent.\n", b.Agent)
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(b); err != nil {
		return nil, fmt.Errorf("write bundle of %s: %w", b.Agent, err)
	}
	return out.Bytes(), e.Close()
}

// Decode reads a bundle. name is the file's, for faults; they name it with the line.
func Decode(name string, data []byte) (Bundle, error) {
	var b Bundle
	doc := yamlfile.Decode(name, data, &b)
	if b.V != Version {
		doc.Fault([]any{"zerofax_bundle"}, "%d; want %d", b.V, Version)
	}
	return b, doc.Err()
}
