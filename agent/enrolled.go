package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/agent/internal/service"
	"github.com/zerofax/zerofax/agent/internal/wholefile"
	"github.com/zerofax/zerofax/agent/program"
)

// The files of an agent that was installed from a bundle, beside its agent.yml.
const (
	pairFile      = "agent.pem"     // certificate and key: both change at once
	brokerCAFile  = "broker-ca.pem" // no name that others beside it may have
	authorityFile = "authority.pem"
)

// enrolled is what install makes of a bundle in a folder. It can be killed at any moment and
// taken again: agent.yml, by which the rest counts, is written last, and only where there is none.
type enrolled struct {
	bundle.Bundle
	from string // the bundle's file
	dir  string
	now  time.Time
}

// part is a file of it.
type part struct{ name, text string }

func (e *enrolled) path(name string) string { return filepath.Join(e.dir, name) }

// install writes what is missing or new, then makes the agent a service. What stands in the
// way of that is said before anything is written.
func (e *enrolled) install(ctx context.Context, out io.Writer, dry bool) error {
	parts, err := e.parts(out)
	if err != nil {
		return err
	}
	a, err := e.asService(parts)
	if err != nil {
		return err
	}
	if dry {
		return errors.Join(e.print(out, parts), service.Install(ctx, out, a, true))
	}
	if err := errors.Join(service.MayInstall(), service.Install(ctx, io.Discard, a, true)); err != nil {
		return err
	}
	if err := e.write(out, parts); err != nil {
		return err
	}
	if a, err = e.asService(nil); err != nil { // as it is read
		return err
	}
	if err := service.Install(ctx, out, a, false); err != nil {
		return fmt.Errorf("the files of %s are in %s, but it is no service: %w", e.Agent, e.dir, err)
	}
	_, err = fmt.Fprintf(out, "# %s runs as a service, and sends to %s\n", e.Agent, e.URL)
	return err
}

// parts are the files to write, in this order.
func (e *enrolled) parts(out io.Writer) ([]part, error) {
	kept, err := e.keeps()
	if err != nil {
		return nil, err
	}
	ca := e.BrokerCA
	if ca == "" {
		ca = e.Authority
	}
	all := []part{{authorityFile, e.Authority}, {brokerCAFile, ca}}
	switch renew, err := e.renews(); {
	case err != nil:
		return nil, err
	case renew:
		all = append(all, part{pairFile, ended(e.Certificate) + ended(string(e.Key))})
	default:
		_, _ = fmt.Fprintf(out, "# kept: %s, which isn't older than the bundle's\n", e.path(pairFile))
	}
	if kept {
		_, _ = fmt.Fprintf(out, "# kept: %s, and its credentials\n", e.path("agent.yml"))
	} else {
		yml, secrets := e.config()
		all = append(append(all, secrets...), part{"agent.yml", yml})
	}
	return e.changed(all)
}

// ended is a text whose last line has an end.
func ended(text string) string { return strings.TrimRight(text, "\n") + "\n" }

// changed leaves out what is there already: its rights stay as they are.
func (e *enrolled) changed(all []part) (changed []part, err error) {
	for _, p := range all {
		there, err := os.ReadFile(e.path(p.name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || string(there) != p.text {
			changed = append(changed, p)
		}
	}
	return changed, nil
}

// keeps tells whether there is an agent.yml that goes on to hold, which must be one that the
// bundle is for.
func (e *enrolled) keeps() (bool, error) {
	path := e.path("agent.yml")
	c := defaults()
	f, err := configfile.Read(path, c)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case f.Err() != nil:
		return false, program.Usage(fmt.Errorf("%w\nmend it or move it away, then install again", f.Err()))
	}
	refuse := func(format string, args ...any) (bool, error) {
		return false, program.Usage(fmt.Errorf("%s %s, then install again", path, fmt.Sprintf(format, args...)))
	}
	if c.Agent != e.Agent {
		return refuse("is of agent %q, %s is for %s. If %[3]s is to take its place: move that file away, and %s too when all in it was sent",
			c.Agent, e.from, e.Agent, f.Path(c.Spool.Dir))
	}
	if u, err := configfile.BrokerURL(c.Collector.URL); err != nil || u.String() != e.URL {
		return refuse("sends elsewhere than %s says; write url: %s into it, or move it away", e.from, e.URL)
	}
	if pair := e.path(pairFile); encrypted(e.URL) && (f.Path(c.Collector.CertFile) != pair || f.Path(c.Collector.KeyFile) != pair) {
		return refuse("doesn't name what %s brings; write collector: {ca_file: "+brokerCAFile+", cert_file: "+pairFile+", key_file: "+pairFile+
			"} and central: {authority_file: "+authorityFile+"} into it, or move it away", e.from)
	}
	return true, nil
}

// renews tells whether the bundle's certificate is newer than the one that is there. One that has
// ended already can't be what somebody wanted to install.
func (e *enrolled) renews() (bool, error) {
	given, err := tls.X509KeyPair([]byte(e.Certificate), []byte(e.Key))
	if err != nil {
		return false, err
	}
	if text, err := os.ReadFile(e.path(pairFile)); err == nil {
		authority, err := bundle.ParseAuthority([]byte(e.Authority))
		if err != nil {
			return false, err
		}
		there, err := bundle.Pair(text, text, e.Agent, authority)
		if err == nil && (!there.Leaf.NotBefore.Before(given.Leaf.NotBefore) || bytes.Equal(there.Leaf.Raw, given.Leaf.Raw)) {
			return false, nil
		}
	}
	if e.now.After(given.Leaf.NotAfter) {
		return false, fmt.Errorf("the certificate in %s %w", e.from, bundle.Holds(given.Leaf, e.now))
	}
	return true, nil
}

// write writes the parts, closed to all but administrators; service.Install opens them to the
// agent's account.
func (e *enrolled) write(out io.Writer, parts []part) error {
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return err
	}
	for _, p := range parts {
		if err := wholefile.Write(e.path(p.name), []byte(p.text)); err != nil {
			return fmt.Errorf("write %s: %w", e.path(p.name), err)
		}
		_, _ = fmt.Fprintf(out, "# written: %s\n", e.path(p.name))
	}
	return nil
}

// print says what write would do, without secrets.
func (e *enrolled) print(out io.Writer, parts []part) error {
	for _, p := range parts {
		text := fmt.Sprintf("# from the bundle, closed to others: %s\n", e.path(p.name))
		if p.name == "agent.yml" {
			text = fmt.Sprintf("cat > %s <<'EOF'\n%sEOF\n", e.path(p.name), p.text)
		}
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
	}
	return nil
}

// asService is what the service needs of the machine: from agent.yml, if that is written.
func (e *enrolled) asService(parts []part) (service.Agent, error) {
	path := e.path("agent.yml")
	if _, err := os.Stat(path); err == nil {
		c, err := load(path)
		if err != nil {
			return service.Agent{}, err
		}
		return c.asService(path)
	}
	c := &settings{config: defaults()}
	c.Spool.Dir = configPath(e.dir, e.spool())
	a, err := c.asService(path)
	for _, p := range parts {
		if p.name != "agent.yml" {
			a.Reads = append(a.Reads, e.path(p.name))
		}
	}
	return a, err
}

func configPath(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// spool is where readings wait: where services have their data, or beside agent.yml if that lies elsewhere.
func (e *enrolled) spool() string {
	if e.dir == service.Dir() {
		return service.Data()
	}
	return "data"
}

// config is an agent.yml for people to go on with, and the secrets that it names.
func (e *enrolled) config() (text string, secrets []part) {
	var out strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	say("# zerofax-agent %s. Written once, from the bundle of zerofax-collector enroll: change what you like, installing\n", e.Agent)
	say("# another bundle leaves this file alone. After a change: zerofax-agent check --config %s,\n", e.path("agent.yml"))
	say("# then %s\n\n", service.ReloadCommand)
	say("agent: %s\ncollector:\n  url: %s\n", quoted(e.Agent), e.URL)
	u, err := url.Parse(e.URL)
	switch {
	case encrypted(e.URL):
		say("  ca_file: %s  # who vouches for the broker\n", brokerCAFile)
		say("  cert_file: %s    # who this agent is. Before it ends the agent gets the next one by itself, into spool.dir\n", pairFile)
		say("  key_file: %s     # in the same file, so that both change at once\n", pairFile)
	case err != nil || !configfile.Loopback(u.Hostname()):
		say("  insecure: true         # nothing is encrypted on the way\n")
	}
	say("\n# The collector may say what is polled (zerofax-collector import agents). Once it has, its targets, poll and discovery\n")
	say("# hold, and those of this file don't.\ncentral: {authority_file: %s}\n\n", authorityFile)
	secrets = e.credentials(say)
	say("# What to poll until the collector says it.\ntargets: []\n")
	say("#  - {host: 10.12.4.20}\n#  - {range: 10.12.4.0/24}    # discovered\n")
	say("# poll: {lines: 1m, counters: 5m}\n# discovery: {every: 24h, rate: 50, window: \"22:00-05:00\"}\n\n")
	say("spool: {dir: %s, max_size: 256MB}    # readings that the collector doesn't have yet\n", quoted(e.spool()))
	say("http: {listen: 127.0.0.1:8781}    # the agent's own page, for this machine alone\n")
	return out.String(), secrets
}

// credentials says how devices are asked.
func (e *enrolled) credentials(say func(string, ...any)) (secrets []part) {
	say("snmp:\n  credentials:\n")
	if len(e.Credentials) == 0 {
		say("    - {name: public, version: 2c, community: public}\n")
	}
	taken := map[string]bool{}
	for i, c := range e.Credentials {
		stem := c.Name
		if !harmlessName.MatchString(stem) {
			stem = fmt.Sprintf("snmp-%d", i+1)
		}
		for taken[strings.ToLower(stem)] {
			stem = "other-" + stem
		}
		taken[strings.ToLower(stem)] = true
		kept := func(what, secret string) string {
			name := stem + "-" + what + ".txt"
			secrets = append(secrets, part{name, secret + "\n"})
			return name
		}
		say("    - {name: %s, version: %s", quoted(c.Name), c.Version)
		if c.Community != "" {
			say(", community_file: %s", kept("community", string(c.Community)))
		}
		if c.User != "" {
			say(", user: %s", quoted(c.User))
		}
		if c.Auth != "" {
			say(", auth: %s, auth_password_file: %s", c.Auth, kept("auth", string(c.AuthPassword)))
		}
		if c.Privacy != "" {
			say(", privacy: %s, privacy_password_file: %s", c.Privacy, kept("privacy", string(c.PrivacyPassword)))
		}
		say("}\n")
	}
	say("\n")
	return secrets
}

var harmlessName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)

// quoted is a text as YAML takes it, in quotes where it might mean something else.
func quoted(text string) string {
	if harmless.MatchString(text) && text != "null" {
		return text
	}
	return strconv.Quote(text)
}

var harmless = regexp.MustCompile(`^[a-z0-9/][a-z0-9/._-]*$`)
