package main

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/zerofax/zerofax/agent/configfile"
)

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
