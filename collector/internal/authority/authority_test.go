package authority_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/authority"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var anne = ledger.Author{Who: "anne", Source: "test"}

// hospital is an authority with its books and a clock.
type hospital struct {
	*authority.Authority
	t     *testing.T
	path  string
	books *ledger.Ledger
	now   time.Time
}

func newHospital(t *testing.T) *hospital {
	t.Helper()
	h := &hospital{t: t, path: filepath.Join(t.TempDir(), "ledger.db"), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return h.now }
	books, err := ledger.Open(t.Context(), h.path, ledger.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	h.books, h.Authority = books, authority.New(authority.Options{Books: books, Now: clock})
	return h
}

func (h *hospital) enrol(agent string, e authority.Enrolment) authority.Identity {
	h.t.Helper()
	e.By = anne
	id, err := h.Enrol(h.t.Context(), agent, e)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *hospital) guard(names ...string) *authority.Guard {
	h.t.Helper()
	g, err := h.Guard(h.t.Context(), names)
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// shows is what an agent with an identity shows, believing its authority alone.
func shows(t *testing.T, id authority.Identity, server string, now func() time.Time) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(id.Certificate), []byte(id.Key))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(id.Authority)) {
		t.Fatal("no authority")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: server, Time: now}
}

func parsed(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM: %q", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	var r *authority.Refusal
	if !errors.As(err, &r) || !strings.Contains(r.Error(), want) {
		t.Errorf("got %v, want a refusal: … %s …", err, want)
	}
}

// shake lets client and server shake hands, and gives each one's error.
func shake(t *testing.T, client, server *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			err = c.(*tls.Conn).HandshakeContext(context.Background())
		}
		done <- err
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		defer c.Close()
	}
	return err, <-done
}

func TestAnEnrolledAgentAndTheBrokerBelieveEachOther(t *testing.T) {
	h := newHospital(t)
	id := h.enrol("ps-02", authority.Enrolment{})
	server := h.guard("zerofax.chu.example", "10.1.2.3").ServerTLS()
	clock := func() time.Time { return h.now }
	for _, name := range []string{"zerofax.chu.example", "10.1.2.3", "localhost", "127.0.0.1", "::1"} {
		if c, s := shake(t, shows(t, id, name, clock), server); c != nil || s != nil {
			t.Errorf("as %s: got %v, %v, want both content", name, c, s)
		}
	}
	if c, _ := shake(t, shows(t, id, "other.chu.example", clock), server); c == nil {
		t.Error("the agent believes a broker under a name that is not its own")
	}
	other := newHospital(t).enrol("ps-02", authority.Enrolment{})
	stranger := shows(t, other, "localhost", clock)
	stranger.InsecureSkipVerify = true
	if _, s := shake(t, stranger, server); s == nil {
		t.Error("an agent of another authority gets in")
	}
	stranger.Certificates = nil
	if _, s := shake(t, stranger, server); s == nil {
		t.Error("somebody without a certificate gets in")
	}
	h.now = h.now.Add(2*365*24*time.Hour + time.Minute)
	late := shows(t, id, "localhost", clock)
	if _, s := shake(t, late, server); s == nil {
		t.Error("an agent whose certificate is over gets in")
	}
}

func TestAnAgentCannotPassForTheBroker(t *testing.T) {
	h := newHospital(t)
	id := h.enrol("ps-02", authority.Enrolment{})
	clock := func() time.Time { return h.now }
	false_ := shows(t, h.enrol("ps-03", authority.Enrolment{}), "", clock)
	if c, _ := shake(t, shows(t, id, "ps-03", clock), false_); c == nil {
		t.Error("an agent believes another agent to be the broker")
	}
}

func TestTheBrokersCertificateIsRenewedWhileItRuns(t *testing.T) {
	h := newHospital(t)
	id := h.enrol("ps-02", authority.Enrolment{})
	g, clock := h.guard(), func() time.Time { return h.now }
	server, client := g.ServerTLS(), g.ClientTLS()
	for range 20 {
		if c, s := shake(t, shows(t, id, "localhost", clock), server); c != nil || s != nil {
			t.Fatalf("on %s: got %v, %v", h.now, c, s)
		}
		if c, s := shake(t, client, server); c != nil || s != nil {
			t.Fatalf("the collector itself on %s: got %v, %v", h.now, c, s)
		}
		h.now = h.now.Add(19 * 24 * time.Hour)
	}
}

func TestAnAgentIsNotEnrolledTwiceUnasked(t *testing.T) {
	h := newHospital(t)
	first := h.enrol("ps-02", authority.Enrolment{})
	_, err := h.Enrol(t.Context(), "ps-02", authority.Enrolment{By: anne})
	refused(t, err, "--again")
	second := h.enrol("ps-02", authority.Enrolment{Again: true})
	if len(second.Others) != 1 || second.Others[0].Serial != first.Serial {
		t.Errorf("got %+v, want to be told of the one that holds too", second.Others)
	}
	third := h.enrol("ps-02", authority.Enrolment{Replace: true})
	for _, id := range []authority.Identity{first, second} {
		if c, _, err := h.books.Certificate(t.Context(), id.Serial); err != nil || c.RevokedAt == 0 {
			t.Errorf("got %+v, %v, want it replaced", c, err)
		}
	}
	if c, ok, err := h.books.Certificate(t.Context(), third.Serial); !ok || err != nil || c.RevokedAt != 0 {
		t.Errorf("got %+v, %v, want the new one to hold", c, err)
	}
	for _, name := range []string{"", "PS-02", "a.b", "#", "zerofax-collector", "zerofax-broker", "zerofax-broker-probe", strings.Repeat("a", 64)} {
		_, err := h.Enrol(t.Context(), name, authority.Enrolment{By: anne})
		refused(t, err, "can't be an agent's name")
	}
}

// request is a certificate request, PEM.
func request(t *testing.T, agent string, key any) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: agent}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// signed is what an agent sends: a request, signed by the key of the certificate that it has.
func signed(t *testing.T, csr string, has authority.Identity) wire.CertificateRequest {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(has.Certificate), []byte(has.Key))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := wire.SignRequest(csr, has.Serial, pair.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	r, err := wire.DecodeCertificateRequest(payload)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestACertificateIsRenewedForTheAgentsOwnKeyAndOnce(t *testing.T) {
	h, k := newHospital(t), key(t)
	id := h.enrol("ps-02", authority.Enrolment{})
	asks := func(id authority.Identity) (string, error) {
		return h.Renew(t.Context(), "ps-02", signed(t, request(t, "ps-02", k), id))
	}
	h.now = h.now.Add(500 * 24 * time.Hour)
	text, err := asks(id)
	if err != nil {
		t.Fatal(err)
	}
	c := parsed(t, text)
	if !k.PublicKey.Equal(c.PublicKey) || c.Subject.CommonName != "ps-02" || c.NotAfter.Sub(h.now) != authority.AgentLife {
		t.Errorf("got %s until %s, want two years for the key that asked", c.Subject, c.NotAfter)
	}
	if row, ok, err := h.books.Certificate(t.Context(), hex.EncodeToString(c.SerialNumber.Bytes())); !ok || err != nil || row.IssuedBy != authority.Renewed {
		t.Errorf("got %+v, %v, want it in the books", row, err)
	}
	if again, err := asks(id); err != nil || again != text {
		t.Errorf("asked again: got %v, want the same", err)
	}
	h.now = h.now.Add(600 * 24 * time.Hour)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	renewed := authority.Identity{
		Certificate: text, Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		Serial: hex.EncodeToString(c.SerialNumber.Bytes()),
	}
	if later, err := asks(renewed); err != nil || later == text {
		t.Errorf("asked again when it is nearly over: got %v, the same: %t, want a new one", err, later == text)
	}
}

func TestWhoMustNotHaveACertificateIsRefused(t *testing.T) {
	h, k := newHospital(t), key(t)
	id, other := h.enrol("ps-02", authority.Enrolment{}), h.enrol("ps-03", authority.Enrolment{})
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := request(t, "ps-02", k)
	block, _ := pem.Decode([]byte(good))
	block.Bytes[len(block.Bytes)-1] ^= 1
	spoilt := string(pem.EncodeToMemory(block))
	unproven := signed(t, good, other)
	unproven.Serial = id.Serial
	const noProof = "doesn't prove"
	for name, x := range map[string]struct {
		agent   string
		request wire.CertificateRequest
		want    string
	}{
		"for another agent":           {"ps-03", signed(t, good, other), "is for \"ps-02\", this is ps-03"},
		"never enrolled":              {"ps-04", signed(t, request(t, "ps-04", k), id), noProof},
		"signature is wrong":          {"ps-02", signed(t, spoilt, id), "signature"},
		"RSA":                         {"ps-02", signed(t, request(t, "ps-02", weak), id), "want ECDSA"},
		"no PEM":                      {"ps-02", signed(t, "hello", id), "no PEM block"},
		"with no certificate's key":   {"ps-02", wire.CertificateRequest{CSR: good}, noProof},
		"with another agent's":        {"ps-02", signed(t, good, other), noProof},
		"with the key of another one": {"ps-02", unproven, noProof},
		"for another key than signed": {"ps-02", wire.CertificateRequest{CSR: request(t, "ps-02", key(t)), Serial: id.Serial, Signature: signed(t, good, id).Signature}, noProof},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.Renew(t.Context(), x.agent, x.request)
			refused(t, err, x.want)
		})
	}
	if _, err := h.Revoke(t.Context(), "ps-02", anne, ""); err != nil {
		t.Fatal(err)
	}
	_, err = h.Renew(t.Context(), "ps-02", signed(t, good, id))
	refused(t, err, "was revoked")
}

// The link of a stolen machine stands for a second yet, at an outside broker until that is started anew.
func TestWhoWasReplacedRenewsNothingOverALinkThatStillStands(t *testing.T) {
	h := newHospital(t)
	stolen := h.enrol("ps-02", authority.Enrolment{})
	h.enrol("ps-02", authority.Enrolment{Replace: true})
	_, err := h.Renew(t.Context(), "ps-02", signed(t, request(t, "ps-02", key(t)), stolen))
	refused(t, err, "was revoked")
}

// What a key of the sender's choice costs must not be found out: an RSA key may be as large as a message.
func TestTheSignatureOfAKeyOfAnotherKindIsNotLookedAt(t *testing.T) {
	h := newHospital(t)
	id := h.enrol("ps-02", authority.Enrolment{})
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(request(t, "ps-02", large)))
	block.Bytes[len(block.Bytes)-1] ^= 1
	_, err = h.Renew(t.Context(), "ps-02", signed(t, string(pem.EncodeToMemory(block)), id))
	refused(t, err, "want ECDSA")
}

func TestAnAgentThatAsksAgainAndAgainIsRefusedUntilTomorrow(t *testing.T) {
	h := newHospital(t)
	id := h.enrol("ps-02", authority.Enrolment{})
	for range 5 {
		if _, err := h.Renew(t.Context(), "ps-02", signed(t, request(t, "ps-02", key(t)), id)); err != nil {
			t.Fatal(err)
		}
	}
	k := key(t)
	_, err := h.Renew(t.Context(), "ps-02", signed(t, request(t, "ps-02", k), id))
	refused(t, err, "within a day")
	h.now = h.now.Add(25 * time.Hour)
	if _, err := h.Renew(t.Context(), "ps-02", signed(t, request(t, "ps-02", k), id)); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

func TestOnlyWhoTheBooksLetInIsAdmitted(t *testing.T) {
	h := newHospital(t)
	g, id := h.guard(), h.enrol("ps-02", authority.Enrolment{})
	admit := func(text string) error {
		name, serial, err := g.Admit(t.Context(), parsed(t, text))
		if name != "ps-02" || serial == "" {
			t.Errorf("got %q, %q, want who it is", name, serial)
		}
		return err
	}
	if err := admit(id.Certificate); err != nil {
		t.Errorf("enrolled: %v", err)
	}
	h.now = h.now.Add(time.Hour)
	if _, err := h.Revoke(t.Context(), "ps-02", anne, "stolen"); err != nil {
		t.Fatal(err)
	}
	refused(t, admit(id.Certificate), "was revoked on 2026-11-23")
	revoked, err := h.books.Revoked(t.Context())
	if err != nil || len(revoked) != 1 || !revoked[id.Serial] {
		t.Errorf("got %v, %v, want its serial number", revoked, err)
	}
	h.now = h.now.Add(2 * time.Hour)
	again := h.enrol("ps-02", authority.Enrolment{})
	if err := admit(again.Certificate); err != nil {
		t.Errorf("enrolled anew: %v", err)
	}
	h.now = h.now.Add(authority.AgentLife)
	if revoked, err := h.books.Revoked(t.Context()); err != nil || len(revoked) != 0 {
		t.Errorf("got %v, %v, want none that is over anyhow", revoked, err)
	}
}

// restored is the hospital with the books as they are now, while it goes on itself.
func (h *hospital) restored() *hospital {
	h.t.Helper()
	backup := filepath.Join(h.t.TempDir(), "a.db")
	if _, err := ledger.Backup(h.t.Context(), h.path, backup, false); err != nil {
		h.t.Fatal(err)
	}
	clock := func() time.Time { return h.now }
	books, err := ledger.Open(h.t.Context(), backup, ledger.Options{Now: clock})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { books.Close() })
	return &hospital{Authority: authority.New(authority.Options{Books: books, Now: clock}), t: h.t, path: backup, books: books, now: h.now}
}

// What was given out after the backup that is restored, the books don't know.
func TestAfterARestoreAgentsThatTheBackupDoesNotKnowAreLetIn(t *testing.T) {
	h := newHospital(t)
	h.enrol("ps-01", authority.Enrolment{})
	old := h.restored()
	h.now = h.now.Add(24 * time.Hour)
	ps2 := h.enrol("ps-02", authority.Enrolment{})
	ps1 := h.enrol("ps-01", authority.Enrolment{Again: true})

	h.now = h.now.Add(time.Hour)
	g := old.guard()
	if _, _, err := g.Admit(t.Context(), parsed(t, ps2.Certificate)); err != nil {
		t.Errorf("enrolled after the backup: %v", err)
	}
	if c, ok, err := old.books.Certificate(t.Context(), ps2.Serial); !ok || err != nil || !strings.Contains(c.IssuedBy, "unknown") {
		t.Errorf("got %+v, %v, want it in the books now", c, err)
	}
	if _, err := old.Revoke(t.Context(), "ps-01", anne, "stolen"); err != nil {
		t.Fatal(err)
	}
	_, _, err := g.Admit(t.Context(), parsed(t, ps1.Certificate))
	refused(t, err, "the agent was revoked on")
}

func TestOnlyThisCollectorSpeaksAsTheCollector(t *testing.T) {
	h := newHospital(t)
	g, other := h.guard(), h.guard()
	for _, x := range []struct {
		of   *authority.Guard
		good bool
	}{{g, true}, {other, false}} {
		pair, err := x.of.ClientTLS().GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		name, _, err := g.Admit(t.Context(), pair.Leaf)
		if name != authority.Collector || (err == nil) != x.good {
			t.Errorf("got %q, %v, want it let in: %t", name, err, x.good)
		}
	}
}

func TestNothingHoldsLongerThanTheAuthority(t *testing.T) {
	h := newHospital(t)
	made := h.enrol("ps-01", authority.Enrolment{})
	end := parsed(t, made.Authority).NotAfter
	h.now = end.Add(-24 * time.Hour)
	if got := h.enrol("ps-02", authority.Enrolment{}); !got.NotAfter.Equal(end) || !got.Last || made.Last {
		t.Errorf("got a certificate until %s, the last: %t, the first one too: %t; want the authority's end, %s", got.NotAfter, got.Last, made.Last, end)
	}
}

func TestTheKeyIsInNoLogAndNoAudit(t *testing.T) {
	h := newHospital(t)
	id := h.enrol("ps-02", authority.Enrolment{})
	log, err := h.books.Audit(t.Context(), 100)
	if err != nil || len(log) == 0 {
		t.Fatalf("got %v, %v", log, err)
	}
	for _, x := range log {
		if strings.Contains(x.Before+x.After, "BEGIN") {
			t.Errorf("the audit log shows %+v", x)
		}
	}
	if !strings.Contains(id.Key, "PRIVATE KEY") {
		t.Errorf("got no key")
	}
}

// A machine whose clock is wrong must get through to say so.
func TestAnAgentWhoseClockIsBehindBelievesTheBroker(t *testing.T) {
	h := newHospital(t)
	id, server := h.enrol("ps-02", authority.Enrolment{}), h.guard().ServerTLS()
	for _, behind := range []time.Duration{2 * time.Hour, 90 * 24 * time.Hour} {
		if c, s := shake(t, shows(t, id, "localhost", func() time.Time { return h.now.Add(-behind) }), server); c != nil || s != nil {
			t.Errorf("%s behind: got %v, %v, want both content", behind, c, s)
		}
	}
}

// After the authority's end, or with a clock far off, nothing that it gives out would let anybody in.
func TestAnAuthorityThatDoesNotHoldGivesOutNothing(t *testing.T) {
	h := newHospital(t)
	made := parsed(t, h.enrol("ps-01", authority.Enrolment{}).Authority)
	for _, now := range []time.Time{made.NotAfter.Add(time.Hour), made.NotBefore.Add(-time.Hour)} {
		h.now = now
		_, err := h.Enrol(t.Context(), "ps-02", authority.Enrolment{By: anne})
		refused(t, err, "this machine's clock says "+now.Format(time.DateOnly))
		_, err = h.Guard(t.Context(), nil)
		refused(t, err, "this machine's clock says "+now.Format(time.DateOnly))
		if _, err := h.Revoke(t.Context(), "ps-01", anne, ""); err != nil {
			t.Errorf("revoke: got %v, want that possible whatever the clock says", err)
		}
	}
}

// What was revoked first was not the certificate that was given out minutes later.
func TestAfterARestoreAnAgentIsLetInThatWasEnrolledAnewSoonAfterItWasRevoked(t *testing.T) {
	h := newHospital(t)
	h.enrol("ps-02", authority.Enrolment{})
	if _, err := h.Revoke(t.Context(), "ps-02", anne, "stolen"); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(10 * time.Minute)
	old := h.restored()
	anew := h.enrol("ps-02", authority.Enrolment{})
	if _, _, err := old.guard().Admit(t.Context(), parsed(t, anew.Certificate)); err != nil {
		t.Error(err)
	}
}
