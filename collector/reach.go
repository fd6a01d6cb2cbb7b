package main

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/authority"
	"github.com/zerofax/zerofax/collector/internal/broker"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// guarded tells whether the embedded broker lets in only who shows a certificate of the authority.
func (m *mqttConfig) guarded() bool { return m.URL == "" && encrypted(m.ExternalURL) }

func encrypted(broker string) bool {
	return strings.HasPrefix(broker, "mqtts:") || strings.HasPrefix(broker, "ssl:")
}

// checkExternalURL wants a URL that agents can use. It never repeats it: there might be a password in it.
func (m *mqttConfig) checkExternalURL(f *configfile.File) {
	if m.ExternalURL == "" {
		return
	}
	where := at("mqtt", "external_url")
	u, err := configfile.BrokerURL(m.ExternalURL)
	if err != nil {
		f.Fault(where, "%v", err)
		return
	}
	m.ExternalURL = u.String()
	if !encrypted(m.ExternalURL) && !configfile.Loopback(u.Hostname()) && !m.Embedded.Insecure && !m.Insecure {
		f.Fault(where, "agents would go unencrypted to %s; want mqtts://, or insecure: true for the broker in a network you trust", u.Hostname())
	}
}

var errNoWay = errors.New("how do agents reach the broker? Want mqtt: {external_url: mqtts://NAME:PORT} in the collector's configuration")

// reach is the URL by which agents reach the broker; local where only those on this machine can.
func (c *config) reach() (address string, local bool, err error) {
	m := &c.MQTT
	switch {
	case m.ExternalURL != "":
		address = m.ExternalURL
	case m.URL != "":
		address = m.URL
	default:
		address = "mqtt://" + m.Embedded.Listen
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", false, errNoWay
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "" || u.Port() == "0" || ip != nil && ip.IsUnspecified() {
		return "", false, errNoWay
	}
	return address, configfile.Loopback(host), nil
}

// guard is who may do what at the embedded broker; nil: everybody may do everything, since only this
// machine reaches it, or it is told to be insecure.
func (c *config) guard(ctx context.Context, a *authority.Authority, books *ledger.Ledger) (*broker.Guard, error) {
	if !c.MQTT.guarded() {
		return nil, nil
	}
	u, err := url.Parse(c.MQTT.ExternalURL)
	if err != nil {
		return nil, err
	}
	g, err := a.Guard(ctx, []string{u.Hostname()})
	if err != nil {
		return nil, err
	}
	return &broker.Guard{
		Server: g.ServerTLS(), Own: g.ClientTLS(), Revoked: books.Revoked, Now: clock,
		Admit: func(ctx context.Context, shown *x509.Certificate) (broker.Client, error) {
			name, serial, err := g.Admit(ctx, shown)
			if err != nil {
				return broker.Client{}, err
			}
			client := broker.Client{Serial: serial, IDs: []string{name}}
			if name == authority.Collector { // this process itself: it stays as long as it likes
				client.IDs = append(client.IDs, broker.ProbeID)
				client.Publish, client.Subscribe = everything, everything
			} else {
				client.Until = shown.NotAfter
				client.Publish, client.Subscribe = authority.Topics(name)
			}
			return client, nil
		},
	}, nil
}

// everything is what the collector itself may publish and subscribe to.
var everything = []string{"zerofax/#"}

// certify answers agents that ask for their next certificate, where the broker vouches for who asks: one that
// speaks without TLS doesn't. Of many refusals to an agent the first is logged. The answers must be asked for one after
// the other.
func certify(a *authority.Authority, broker string, log *slog.Logger) func(context.Context, string, wire.CertificateRequest) (wire.CertificateAnswer, error) {
	refused := make(map[string]bool) // by agent
	return func(ctx context.Context, agent string, r wire.CertificateRequest) (wire.CertificateAnswer, error) {
		answer, refusal := wire.CertificateAnswer{V: wire.Version}, new(authority.Refusal)
		if !encrypted(broker) {
			answer.Error = "the broker knows nobody by a certificate; nothing is renewed over it"
			return answer, nil
		}
		certificate, err := a.Renew(ctx, agent, r)
		switch {
		case errors.As(err, &refusal):
			answer.Error = wire.Shorten(refusal.Error())
			if !refused[agent] {
				log.Warn("no certificate for an agent that asks for one", "agent", agent, "why", answer.Error)
			}
			refused[agent] = true
			return answer, nil
		case err != nil:
			return answer, err
		}
		delete(refused, agent)
		answer.Certificate = certificate
		log.Info("certificate renewed", "agent", agent)
		return answer, nil
	}
}
