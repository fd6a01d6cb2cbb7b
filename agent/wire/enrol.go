package wire

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// AgentConfig is what the collector wants an agent to poll. It travels signed.
type AgentConfig struct {
	V        int    `json:"v"`
	Agent    string `json:"agent"`
	Revision int64  `json:"revision"` // grows with every change: the Unix milliseconds of it, or one more than before
	Config   string `json:"config"`   // YAML: the keys targets, poll and discovery of agent.yml; empty: its own hold again
}

// Signed is a message that the collector's authority vouches for, whatever way it came.
type Signed struct {
	V         int    `json:"v"`
	Signed    []byte `json:"signed"`    // the JSON of what is signed, base64
	Signature []byte `json:"signature"` // ECDSA with SHA-256 over Signed, ASN.1, base64
}

// CertificateRequest is how an agent asks for its next certificate. It proves that it has the key of the
// present one: that a message came on the agent's topic says only that somebody's link was open.
type CertificateRequest struct {
	V         int    `json:"v"`
	CSR       string `json:"csr"`       // PEM, PKCS #10; its common name is the agent
	Serial    string `json:"serial"`    // of the present certificate, hexadecimal, lower case
	Signature []byte `json:"signature"` // by its key: ECDSA with SHA-256 over CSR, ASN.1, base64
}

// CertificateAnswer is what the collector says to it. One of its texts is empty.
type CertificateAnswer struct {
	V           int    `json:"v"`
	Certificate string `json:"certificate,omitempty"` // PEM
	Error       string `json:"error,omitempty"`       // why there is none
}

// SignConfig makes the message of a configuration.
func SignConfig(c AgentConfig, authority crypto.Signer) ([]byte, error) {
	c.V = Version
	signed := Encode(c)
	digest := sha256.Sum256(signed)
	signature, err := authority.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign the configuration of %s: %w", c.Agent, err)
	}
	return Encode(Signed{V: Version, Signed: signed, Signature: signature}), nil
}

// ConfigSize is how many bytes the message of a configuration has at most. Those of more than
// MaxEnvelope bytes are never read.
func ConfigSize(c AgentConfig) int {
	const longestSignature = 72 // of P-256, ASN.1
	c.V, c.Revision = Version, math.MaxInt64
	return len(Encode(Signed{V: Version, Signed: Encode(c), Signature: make([]byte, longestSignature)}))
}

// OpenConfig reads a configuration if authority signed it, and for this agent.
func OpenConfig(payload []byte, agent string, authority *ecdsa.PublicKey) (AgentConfig, error) {
	var s Signed
	if err := decode(payload, &s, &s.V); err != nil {
		return AgentConfig{}, fmt.Errorf("configuration: %w", err)
	}
	digest := sha256.Sum256(s.Signed)
	if !ecdsa.VerifyASN1(authority, digest[:], s.Signature) {
		return AgentConfig{}, errors.New("configuration: not signed by this agent's authority")
	}
	var c AgentConfig
	if err := json.Unmarshal(s.Signed, &c); err != nil {
		return AgentConfig{}, fmt.Errorf("configuration: %w", err)
	}
	switch {
	case c.V != Version:
		return AgentConfig{}, fmt.Errorf("configuration: %w %d, this program reads %d", ErrVersion, c.V, Version)
	case c.Agent != agent:
		return AgentConfig{}, fmt.Errorf("configuration: is for %q, this is %q", clip(c.Agent), agent)
	case c.Revision <= 0:
		return AgentConfig{}, fmt.Errorf("configuration: revision %d; want 1 or more", c.Revision)
	}
	return c, nil
}

// SignRequest makes the message of a request. present is the key of the certificate with that serial number.
func SignRequest(csr, serial string, present crypto.Signer) ([]byte, error) {
	digest := sha256.Sum256([]byte(csr))
	signature, err := present.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate request: %w", err)
	}
	return Encode(CertificateRequest{V: Version, CSR: csr, Serial: serial, Signature: signature}), nil
}

// SignedBy tells whether who asks has the key of a certificate.
func (r *CertificateRequest) SignedBy(present *ecdsa.PublicKey) bool {
	digest := sha256.Sum256([]byte(r.CSR))
	return ecdsa.VerifyASN1(present, digest[:], r.Signature)
}

// DecodeCertificateRequest reads a request. Whether its CSR is any good is the authority's affair.
func DecodeCertificateRequest(payload []byte) (CertificateRequest, error) {
	var r CertificateRequest
	if err := decode(payload, &r, &r.V); err != nil {
		return CertificateRequest{}, fmt.Errorf("certificate request: %w", err)
	}
	return r, nil
}

// DecodeCertificateAnswer reads an answer.
func DecodeCertificateAnswer(payload []byte) (CertificateAnswer, error) {
	var a CertificateAnswer
	if err := decode(payload, &a, &a.V); err != nil {
		return CertificateAnswer{}, fmt.Errorf("certificate: %w", err)
	}
	return a, nil
}
