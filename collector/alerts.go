package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/collector/internal/alert"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// tell tells people and programs of episodes. Each channel has a loop of its own: a dead one holds up no other.
func (c *config) tell(ctx context.Context, group *errgroup.Group, log *slog.Logger, books *ledger.Ledger) {
	alerts := alert.New(c.alertOptions(log, books))
	loop := func(name string, often time.Duration, round func(context.Context) error) {
		group.Go(func() error { every(ctx, name, often, log, round); return nil })
	}
	loop("alert", 5*time.Second, alerts.Plan)
	loop("mail", 5*time.Second, alerts.Mail)
	loop("webhook", 5*time.Second, alerts.Hook)
	if c.Alerts.Alertmanager.URL != "" {
		loop("alertmanager", alert.PushAgain, alerts.Push)
	}
}

// alertOptions are what the configuration says of alerts.
func (c *config) alertOptions(log *slog.Logger, books *ledger.Ledger) alert.Options {
	a := &c.Alerts
	o := alert.Options{
		Books: books, Outbox: books, Everyone: a.Email.To, Recipients: a.Recipients, Quiet: a.quiet,
		Language: c.Language, Location: c.location, Link: c.link(), Log: log, Now: clock,
	}
	if a.Email.Host != "" {
		o.Email = a.Email.server()
	}
	if a.Webhook.URL != "" {
		o.Webhook = &alert.Webhook{URL: a.Webhook.URL}
	}
	if a.Alertmanager.URL != "" {
		o.Alertmanager = &alert.Alertmanager{URL: a.Alertmanager.URL}
	}
	return o
}

// link is the first page as readers of mails reach it, empty if that isn't known.
func (c *config) link() string {
	if c.HTTP.ExternalURL != "" {
		return c.HTTP.ExternalURL
	}
	host, _, _ := net.SplitHostPort(c.HTTP.Listen)
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() || host == "" || configfile.Loopback(host) {
		return ""
	}
	return c.page(c.HTTP.Listen)
}

func (e *emailConfig) server() *alert.Email {
	s := &alert.Email{
		Host: e.Host, Port: e.Port, Encryption: alert.Encryption(e.TLS), Username: e.Username, Password: e.Password, From: e.From,
	}
	if e.Authorities != nil {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: e.Authorities}
	}
	return s
}

// mailPorts are where mail servers listen, by how connections to them are encrypted.
var mailPorts = map[string]int{"starttls": 587, "tls": 465, "none": 25}

// check finds what is wrong with the mail server, fills in what belongs to it, and reads the files.
func (e *emailConfig) check(f *configfile.File, recipients map[string][]string) {
	where := func(key string) []any { return at("alerts", "email", key) }
	if _, known := mailPorts[e.TLS]; e.TLS != "" && !known {
		f.Fault(where("tls"), "%q; want starttls, tls or none", e.TLS)
	}
	if e.Port < 0 || e.Port > 65535 {
		f.Fault(where("port"), "%d; want 1 to 65535", e.Port)
	}
	checkRecipients(f, where("to"), e.To)
	if e.Host == "" {
		if e.From != "" || len(e.To) > 0 || e.Username != "" || e.PasswordFile != "" || e.CAFile != "" || len(recipients) > 0 {
			f.Fault(where("host"), "no mail server, so nobody would get a mail; want its name")
		}
		return
	}
	e.TLS = cmp.Or(e.TLS, "starttls")
	e.Port = cmp.Or(e.Port, mailPorts[e.TLS])
	if e.From == "" {
		f.Fault(where("from"), "missing; want the sender's address, such as zerofax <zerofax@chu-exemple.fr>")
	} else {
		checkAddress(f, where("from"), e.From)
	}
	if len(e.To) == 0 {
		f.Fault(where("to"), "empty; want at least one address, for what no service's own recipients take")
	}
	e.checkPassword(f, where)
	e.Authorities = authorities(f, where("ca_file"), e.CAFile)
}

func (e *emailConfig) checkPassword(f *configfile.File, where func(string) []any) {
	switch {
	case e.Username == "" && e.PasswordFile != "":
		f.Fault(where("password_file"), "a password without a user; want username too")
	case e.Username != "" && e.PasswordFile == "":
		f.Fault(where("username"), "a user without a password; want password_file too")
	case e.Username != "" && e.TLS == "none" && !configfile.Loopback(e.Host):
		f.Fault(where("tls"), "none would send the password in clear to %s; want starttls or tls", e.Host)
	case e.PasswordFile != "":
		e.Password = f.Secret(where("password_file"), e.PasswordFile)
	}
}

// authorities are those of a PEM file; nil, the system's, where there is none.
func authorities(f *configfile.File, where []any, file string) *x509.CertPool {
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		f.Fault(where, "%v", err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		f.Fault(where, "no certificate in it; want PEM")
	}
	return pool
}

// checkRecipients takes names away from addresses, so that each is written in one way and gets one mail.
func checkRecipients(f *configfile.File, where []any, addresses []string) {
	for i, address := range addresses {
		addresses[i] = checkAddress(f, where, address)
	}
}

// checkAddress returns the bare address.
func checkAddress(f *configfile.File, where []any, address string) string {
	parsed, err := mail.ParseAddress(address)
	if err != nil {
		f.Fault(where, "%q; want a mail address", address)
		return ""
	}
	return parsed.Address
}

// alertsPlan says who would be told.
func (c *config) alertsPlan() string {
	a := &c.Alerts
	var told []string
	if a.Email.Host != "" {
		told = append(told, fmt.Sprintf("mail by %s (%s) to %s", net.JoinHostPort(a.Email.Host, fmt.Sprint(a.Email.Port)), a.Email.TLS,
			strings.Join(a.Email.To, ", ")))
	}
	if n := len(a.Recipients); n > 0 {
		told = append(told, fmt.Sprintf("recipients of their own for %d services", n))
	}
	if a.Webhook.URL != "" {
		told = append(told, "webhook") // its URL may be a secret
	}
	if a.Alertmanager.URL != "" {
		told = append(told, "Alertmanager")
	}
	if len(told) == 0 {
		return "nobody is told: neither mail nor webhook nor Alertmanager is configured"
	}
	if a.QuietHours != "" {
		told = append(told, "quiet "+a.QuietHours)
	}
	return strings.Join(slices.Compact(told), "; ")
}
