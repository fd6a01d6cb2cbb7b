package bundle_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/bundle"
	"github.com/zerofax/zerofax/agent/bundle/bundletest"
	"github.com/zerofax/zerofax/agent/credentials"
	"github.com/zerofax/zerofax/agent/secret"
)

const url = "mqtts://zerofax.chu.example:8883"

// full is a bundle with everything in it.
func full() bundle.Bundle {
	b := bundletest.New().Bundle("ps-01", url)
	b.BrokerCA = bundletest.New().PEM
	b.Credentials = []credentials.Credentials{
		{Name: "v3", Version: "3", User: "zero: fax", Auth: "SHA256", AuthPassword: "topsecret-auth", Privacy: "AES", PrivacyPassword: "#topsecret \"priv"},
		{Name: "legacy", Version: "2c", Community: "topsecret-community"},
	}
	return b
}

func encode(t testing.TB, b bundle.Bundle) string {
	t.Helper()
	text, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatIsEnrolledIsWhatIsInstalled(t *testing.T) {
	want := full()
	got, err := bundle.Decode("ps-01.bundle", []byte(encode(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if want.V = bundle.Version; !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestABundlesSecretsPrintAsNothing(t *testing.T) {
	b := full()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, b) + fmt.Sprintf(verb, &b); strings.Contains(text, "topsecret") || strings.Contains(text, "PRIVATE KEY") {
			t.Errorf("%s prints a secret:\n%s", verb, text)
		}
	}
}

func TestFaultsOfABundleSayWhereAndRepeatNoSecret(t *testing.T) {
	ca := bundletest.New()
	from := time.Now()
	change := func(f func(*bundle.Bundle)) string {
		b := ca.Bundle("ps-01", url)
		b.Credentials = full().Credentials
		f(&b)
		return encode(t, b)
	}
	good := change(func(*bundle.Bundle) {})
	for name, c := range map[string]struct{ text, want string }{
		"another file":         {"agent: ps-01\n", "x.bundle: is no bundle; want what zerofax-collector enroll writes"},
		"nothing":              {"", "x.bundle: is no bundle; want what zerofax-collector enroll writes"},
		"a newer format":       {"zerofax_bundle: 2\nnovelty: x\n", "x.bundle:1: zerofax_bundle: 2; this program reads 1: update it"},
		"no format":            {strings.Replace(good, "zerofax_bundle: 1", "zerofax_bundle: 0", 1), "x.bundle:2: zerofax_bundle: want 1"},
		"unknown key":          {good + "novelty: topsecret\n", `unknown key "novelty"; known here: zerofax_bundle, agent, url, broker_ca, authority, certificate, key, credentials`},
		"cut short":            {good[:len(good)/2], "x.bundle:"},
		"agent":                {change(func(b *bundle.Bundle) { b.Agent = "PS 01" }), `x.bundle:3: agent: "PS 01"; want 1 to 63 of a-z, 0-9 and -`},
		"the collector's name": {change(func(b *bundle.Bundle) { b.Agent = bundle.Collector }), `x.bundle:3: agent: "zerofax-collector"; want 1 to 63`},
		"url":                  {change(func(b *bundle.Bundle) { b.URL = "https://chu.example" }), "x.bundle:4: url: want mqtt://HOST:PORT or mqtts://HOST:PORT"},
		"url with a password":  {change(func(b *bundle.Bundle) { b.URL = "mqtts://me:topsecret@chu.example" }), "x.bundle:4: url: has a user in it"},
		"broker_ca":            {change(func(b *bundle.Bundle) { b.BrokerCA = "topsecret" }), "x.bundle:5: broker_ca: no certificate in it; want PEM"},
		"no authority":         {change(func(b *bundle.Bundle) { b.Authority = "" }), "x.bundle:5: authority: no certificate in it; want PEM"},
		"two authorities":      {change(func(b *bundle.Bundle) { b.Authority += bundletest.New().PEM }), "authority: more than one certificate in it"},
		"no authority's": {
			change(func(b *bundle.Bundle) { b.Authority = b.Certificate }),
			"authority: is not the certificate of zerofax's authority; want what enroll gave",
		},
		"another authority": {change(func(b *bundle.Bundle) { b.Authority = bundletest.New().PEM }), "certificate: is of another authority"},
		"another agent's":   {change(func(b *bundle.Bundle) { b.Agent = "ps-02" }), `certificate: is for "ps-01", this is "ps-02"`},
		"another key": {change(func(b *bundle.Bundle) {
			_, key := ca.Issue("ps-01", from, from.AddDate(2, 0, 0))
			b.Key = secret.Text(key)
		}), "certificate: tls: private key does not match public key"},
		"no key": {change(func(b *bundle.Bundle) { b.Key = "topsecret" }), "certificate: tls: failed to find any PEM data in key input"},
		"dates": {change(func(b *bundle.Bundle) {
			cert, key := ca.Issue("ps-01", from, from.Add(-time.Hour))
			b.Certificate, b.Key = cert, secret.Text(key)
		}), "certificate: ends before it begins"},
		"a broker's": {change(func(b *bundle.Bundle) {
			cert, key := ca.Serve()
			b.Agent, b.Certificate, b.Key = "broker", cert, secret.Text(key)
		}), "certificate: is not for clients; no broker would take it"},
		"a password in a file": {
			good + "  - {name: x, version: 3, user: u, auth: SHA, auth_password_file: a.txt}\n",
			"auth_password_file: has no place in a bundle; want auth_password, the secret itself",
		},
		"a community in a file": {
			good + "  - {name: x, version: 1, community_file: a.txt}\n",
			"community_file: has no place in a bundle; want community, the secret itself",
		},
		"short password": {
			good + "  - {name: x, version: 3, user: u, auth: SHA, auth_password: topsec}\n",
			"auth_password: the password is too short; SNMPv3 wants 8 characters or more",
		},
		"no password":     {good + "  - {name: x, version: 3, user: u, auth: SHA}\n", "auth: without a password; want auth_password"},
		"a name twice":    {good + "  - {name: v3, version: 1, community: topsecret}\n", `name: "v3" is there already; want another`},
		"mixed versions":  {good + "  - {name: x, version: 2c, community: x, auth_password: topsecret}\n", "auth_password: belongs to version 3; version 2c wants community"},
		"no such version": {good + "  - {name: x, version: 4}\n", `version: "4"; want 1, 2c or 3`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bundle.Decode("x.bundle", []byte(c.text))
			switch {
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			case strings.Contains(err.Error(), "topsec"), strings.Contains(err.Error(), "MII"):
				t.Errorf("a secret is repeated:\n%v", err)
			}
		})
	}
}

// FuzzDecode: whatever a file says, what is taken is written as it was read.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, full()))
	f.Add(encode(f, bundletest.New().Bundle("ps-02", "mqtt://127.0.0.1:1883")))
	f.Add("zerofax_bundle: 1\nkey: *x\n")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := bundle.Decode("x.bundle", []byte(text))
		if err != nil {
			return
		}
		again, err := bundle.Decode("x.bundle", []byte(encode(t, first)))
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("got\n%+v, %v\nwant\n%+v", again, err, first)
		}
	})
}
