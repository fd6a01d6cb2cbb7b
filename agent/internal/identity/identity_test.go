package identity_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/bundle/bundletest"
	"github.com/zerofax/zerofax/agent/internal/identity"
	"github.com/zerofax/zerofax/agent/wire"
)

const agent = "ps-01"

// machine is one that an agent runs on, with a clock that can be turned.
type machine struct {
	t   *testing.T
	ca  *bundletest.Authority
	now time.Time
	dir string
	o   identity.Options
	log bytes.Buffer
	*identity.Identity
}

var enrolledOn = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// enrolled is a machine on the day on which its agent was enrolled for two years.
func enrolled(t *testing.T) *machine {
	m := &machine{t: t, ca: bundletest.New(), now: enrolledOn, dir: t.TempDir()}
	certificate, key := m.ca.Issue(agent, m.now.Add(-time.Hour), m.now.AddDate(2, 0, 0))
	m.o = identity.Options{
		Agent: agent, Certificate: identity.PEM{Text: certificate}, Key: identity.PEM{Text: key}, Authority: m.ca.Certificate,
		Dir: m.dir, Log: slog.New(slog.NewTextHandler(&m.log, nil)), Now: func() time.Time { return m.now },
	}
	m.start()
	return m
}

// start is a process that begins.
func (m *machine) start() { m.Identity = identity.New(m.o) }

// later moves the clock.
func (m *machine) later(d time.Duration) { m.now = m.now.Add(d) }

// shown is the certificate that the broker sees.
func (m *machine) shown() *x509.Certificate {
	m.t.Helper()
	config, err := m.TLS()
	if err != nil {
		m.t.Fatal(err)
	}
	if len(config.Certificates) == 0 {
		return nil
	}
	return config.Certificates[0].Leaf
}

// asks is what the agent asks for, "" if it doesn't.
func (m *machine) asks() string {
	m.t.Helper()
	payload := m.Request()
	if payload == nil {
		return ""
	}
	request, err := wire.DecodeCertificateRequest(payload)
	if err != nil {
		m.t.Fatal(err)
	}
	leaf := m.shown()
	if request.Serial != hex.EncodeToString(leaf.SerialNumber.Bytes()) || !request.SignedBy(leaf.PublicKey.(*ecdsa.PublicKey)) {
		m.t.Errorf("the request is not signed by the key of the certificate that is shown: %+v", request)
	}
	return request.CSR
}

// answered tells whether the agent takes a certificate for what it asked.
func (m *machine) answered(csr string, from, until time.Time) bool {
	m.t.Helper()
	certificate, err := m.ca.Answer(csr, from, until)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.Take(wire.Encode(wire.CertificateAnswer{V: wire.Version, Certificate: certificate}))
}

func (m *machine) file() string { return filepath.Join(m.dir, "certificate.pem") }

func TestACertificateIsAskedForWhenAThirdOfItsLifeIsLeft(t *testing.T) {
	m := enrolled(t)
	m.later(16*30*24*time.Hour - 24*time.Hour)
	if m.asks() != "" {
		t.Errorf("asked on %s; want nothing before a third of two years is left", m.now)
	}
	m.now = enrolledOn.AddDate(1, 4, 5)
	csr := m.asks()
	if csr == "" {
		t.Fatalf("nothing asked on %s", m.now)
	}
	if !m.answered(csr, m.now.Add(-time.Hour), m.now.AddDate(2, 0, 0)) {
		t.Fatalf("the answer was not taken: %s", m.log.String())
	}
	if got, want := m.shown().NotAfter, m.now.AddDate(2, 0, 0); !got.Equal(want) {
		t.Errorf("shown until %s, want %s", got, want)
	}
	if m.asks() != "" {
		t.Error("asked again at once")
	}
	m.start()
	if got, want := m.State().Serial, hex.EncodeToString(m.shown().SerialNumber.Bytes()); got != want || m.State().Error != "" ||
		!m.shown().NotAfter.Equal(m.now.AddDate(2, 0, 0)) {
		t.Errorf("after a restart: got %+v", m.State())
	}
	info, err := os.Stat(m.file())
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("the key lies in a file of mode %o", mode)
	}
	if strings.Contains(m.log.String(), "PRIVATE") {
		t.Errorf("a key in the log:\n%s", m.log.String())
	}
}

func TestItIsAskedForAgainAfterAMinuteAndLaterEveryHourUntilAnswered(t *testing.T) {
	m := enrolled(t)
	m.now = enrolledOn.AddDate(1, 6, 0)
	first := m.asks()
	for _, c := range []struct {
		span        time.Duration
		least, most int
	}{{time.Hour, 4, 6}, {24 * time.Hour, 15, 24}} {
		asked := 0
		for end := m.now.Add(c.span); m.now.Before(end); {
			m.later(time.Minute)
			if m.asks() != "" {
				asked++
			}
		}
		if asked < c.least || asked > c.most {
			t.Errorf("asked %d times within %s, want %d to %d", asked, c.span, c.least, c.most)
		}
	}
	if !m.answered(first, m.now, m.now.AddDate(2, 0, 0)) {
		t.Errorf("a late answer to the first request was not taken: %s", m.log.String())
	}
}

func TestOnlyAnAnswerThatFitsIsTaken(t *testing.T) {
	m := enrolled(t)
	m.now = enrolledOn.AddDate(1, 6, 0)
	csr, other := m.asks(), bundletest.New()
	answer := func(a wire.CertificateAnswer) []byte { a.V = wire.Version; return wire.Encode(a) }
	until := m.now.AddDate(2, 0, 0)
	forged, _ := other.Answer(csr, m.now, until)
	notOurs, _ := m.ca.Issue(agent, m.now, until)
	old, _ := m.ca.Answer(csr, enrolledOn.AddDate(-1, 0, 0), until)
	reversed, _ := m.ca.Answer(csr, until, m.now)
	before := m.shown()
	if m.Take(answer(wire.CertificateAnswer{Certificate: notOurs})) || m.State().Error != "" {
		t.Errorf("the answer to another process's request: got %+v; want nothing to come of it", m.State())
	}
	for name, c := range map[string]struct {
		payload []byte
		why     string
	}{
		"not a message":     {[]byte("{"), "certificate: "},
		"refused":           {answer(wire.CertificateAnswer{Error: "unknown agent"}), "the collector gives no new certificate: unknown agent"},
		"nothing in it":     {answer(wire.CertificateAnswer{}), "failed to find any PEM data"},
		"another authority": {answer(wire.CertificateAnswer{Certificate: forged}), "is of another authority"},
		"an older one":      {answer(wire.CertificateAnswer{Certificate: old}), "is older than the one there is"},
		"dates":             {answer(wire.CertificateAnswer{Certificate: reversed}), "ends before it begins"},
	} {
		if m.Take(c.payload) {
			t.Errorf("%s: taken", name)
		}
		if why := m.State().Error; !strings.Contains(why, c.why) {
			t.Errorf("%s: got %q, want %q", name, why, c.why)
		}
	}
	if !m.shown().Equal(before) {
		t.Error("another certificate is shown")
	}
	if _, err := os.Stat(m.file()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was written: %v", err)
	}
	if !m.answered(csr, m.now, until) || m.State().Error != "" {
		t.Errorf("the right one was not taken: %s", m.State().Error)
	}
	if m.answered(csr, m.now, until) {
		t.Error("an answer was taken twice")
	}
}

func TestTheNewerOfTwoCertificatesIsShown(t *testing.T) {
	m := enrolled(t)
	m.now = enrolledOn.AddDate(1, 6, 0)
	m.answered(m.asks(), m.now, m.now.AddDate(2, 0, 0))
	renewed := m.shown()
	reenrol := func(ca *bundletest.Authority, from, until time.Time) {
		certificate, key := ca.Issue(agent, from, until)
		m.o.Certificate.Text, m.o.Key.Text, m.o.Authority = certificate, key, ca.Certificate
		m.start()
	}
	first := m.o
	reenrol(m.ca, m.now.Add(time.Hour), m.now.AddDate(1, 0, 0))
	if m.shown().Equal(renewed) {
		t.Error("enrolled again: the renewed one is shown, want that of the new bundle")
	}
	m.later(13 * 30 * 24 * time.Hour)
	if !m.shown().Equal(renewed) {
		t.Error("the newer one is over: want the one that holds")
	}
	reenrol(bundletest.New(), m.now, m.now.AddDate(1, 0, 0))
	if m.shown().Equal(renewed) || m.shown() == nil {
		t.Error("of another collector: the renewed one is shown")
	}
	m.o = first
	m.start()
	if !m.shown().Equal(renewed) {
		t.Error("back to the first collector: want the renewed one")
	}
}

func TestADamagedRenewedCertificateIsSetAsideAndTheOtherUsed(t *testing.T) {
	m := enrolled(t)
	first := m.shown()
	m.now = enrolledOn.AddDate(1, 6, 0)
	m.answered(m.asks(), m.now, m.now.AddDate(2, 0, 0))
	whole, err := os.ReadFile(m.file())
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(whole)-1; cut += 97 {
		if err := os.WriteFile(m.file(), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		m.log.Reset()
		m.start()
		if !m.shown().Equal(first) {
			t.Fatalf("cut to %d bytes: want the enrolled one", cut)
		}
		if strings.Count(m.log.String(), "was set aside") != 1 {
			t.Fatalf("cut to %d bytes: the log says\n%s", cut, m.log.String())
		}
		if aside, err := os.ReadFile(m.file() + ".bad"); err != nil || !bytes.Equal(aside, whole[:cut]) {
			t.Fatalf("cut to %d bytes: set aside were %d, %v", cut, len(aside), err)
		}
	}
	if m.asks() == "" {
		t.Error("the next one isn't asked for")
	}
}

func TestWithItsFileGoneTheRenewedCertificateGoesOn(t *testing.T) {
	m := enrolled(t)
	m.now = enrolledOn.AddDate(1, 6, 0)
	m.answered(m.asks(), m.now, m.now.AddDate(2, 0, 0))
	renewed := m.shown()
	m.o.Certificate = identity.PEM{File: filepath.Join(m.dir, "none.pem")}
	m.start()
	if !m.shown().Equal(renewed) || !strings.Contains(m.log.String(), "a renewed one goes on") {
		t.Errorf("got %+v; the log says\n%s", m.State(), m.log.String())
	}
}

func TestACertificateThatIsOverIsShownAndSaidInClearWords(t *testing.T) {
	m := enrolled(t)
	m.now = enrolledOn.AddDate(2, 1, 0)
	for range 3 {
		if m.shown() == nil {
			t.Fatal("no certificate is shown")
		}
	}
	const want = "the certificate ended on 2028-11-02: enrol this agent again (zerofax-collector enroll ps-01), or set this machine's clock, which says 2028-12-02"
	if got := m.State().Error; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := strings.Count(m.log.String(), "the certificate ended"); n != 1 {
		t.Errorf("said %d times:\n%s", n, m.log.String())
	}
	m.now = enrolledOn.AddDate(-1, 0, 0)
	if got := m.State().Error; !strings.HasPrefix(got, "the certificate begins on 2026-11-02: set this machine's clock") {
		t.Errorf("got %s", got)
	}
}

// Crash after crash, with a clock that is years ahead, an agent asks once a week.
func TestAWrongClockRenewsNothingInALoop(t *testing.T) {
	m := enrolled(t)
	right := m.now
	m.now = right.AddDate(10, 0, 0)
	renewals := 0
	for range 500 {
		m.start()
		m.later(time.Hour)
		if csr := m.asks(); csr != "" {
			renewals++
			m.answered(csr, right, right.AddDate(2, 0, 0))
		}
	}
	if renewals > 3 {
		t.Errorf("renewed %d times in 500 hours, want no more than once a week", renewals)
	}
	m.now = right.AddDate(1, 8, 0) // set right again, and a third is left
	m.start()
	if m.shown() == nil || m.asks() == "" {
		t.Error("with the right time the next one isn't asked for")
	}
}

// A copy of a file is as old as the copying.
func TestAnAgentThatWasMovedToAnotherMachineStillAsksInTime(t *testing.T) {
	m := enrolled(t)
	m.now = enrolledOn.AddDate(1, 6, 0)
	m.answered(m.asks(), m.now, m.now.AddDate(2, 0, 0))
	end := m.shown().NotAfter
	m.now = end.AddDate(0, -2, 0)
	if err := os.Chtimes(m.file(), m.now, m.now); err != nil {
		t.Fatal(err)
	}
	m.start()
	m.now = end.AddDate(0, -1, 0)
	if m.asks() == "" {
		t.Errorf("nothing asked on %s, though the certificate ends on %s", m.now, end)
	}
}

func TestCertificatesOfOthersAreShownAndNotRenewed(t *testing.T) {
	m := enrolled(t)
	hospital := bundletest.New()
	certificate, key := hospital.Issue("print-server-1.chu.example", m.now.AddDate(-1, 0, 0), m.now.AddDate(0, 0, 1))
	m.o.Certificate.Text, m.o.Key.Text = certificate, key
	m.start()
	if m.shown() == nil || m.asks() != "" {
		t.Errorf("with zerofax's authority: want it shown, and nothing asked")
	}
	m.o.Authority = nil
	m.start()
	if m.shown() == nil || m.asks() != "" {
		t.Errorf("without an authority: want it shown, and nothing asked")
	}
	m.o.Certificate = identity.PEM{}
	m.start()
	if m.shown() != nil || m.State() != nil || m.asks() != "" {
		t.Errorf("without a certificate: want none")
	}
}

func TestFilesAreReadAgainForEachConnection(t *testing.T) {
	m := enrolled(t)
	write := func(certificate, key string) {
		for name, text := range map[string]string{"c.pem": certificate, "k.pem": key, "ca.pem": m.ca.PEM} {
			if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(m.o.Certificate.Text, m.o.Key.Text)
	m.o.Certificate, m.o.Key = identity.PEM{File: filepath.Join(m.dir, "c.pem")}, identity.PEM{File: filepath.Join(m.dir, "k.pem")}
	m.o.BrokerCA = identity.PEM{File: filepath.Join(m.dir, "ca.pem")}
	m.start()
	first := m.shown()
	write(m.ca.Issue(agent, m.now, m.now.AddDate(3, 0, 0)))
	if m.shown().Equal(first) {
		t.Error("the old certificate is shown")
	}
	for _, c := range []struct{ file, text, want string }{
		{"ca.pem", "nothing", "no PEM certificate in it"},
		{"c.pem", "nothing", "client certificate: "},
	} {
		if err := os.WriteFile(filepath.Join(m.dir, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := m.TLS(); err == nil || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: got %v, want %q", c.file, err, c.want)
		}
		write(m.ca.Issue(agent, m.now, m.now.AddDate(3, 0, 0)))
	}
}
