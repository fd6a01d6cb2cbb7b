package alert

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// postOffice is a real SMTP server with a temper.
type postOffice struct {
	t    testing.TB
	host string
	port int
	pool *x509.CertPool

	onRcpt func(to string) error
	onData func(n int) error // n: which mail; io.ErrUnexpectedEOF: dies without an answer
	stall  chan struct{}     // not nil: DATA is answered when it is closed

	mu       sync.Mutex
	mails    []received
	offered  int
	loggedIn int
}

type received struct {
	from, to string
	data     []byte
	message  *netmail.Message
}

// openOffice starts one that speaks in clear, with STARTTLS or with TLS.
func openOffice(t testing.TB, encryption Encryption) *postOffice {
	t.Helper()
	o := &postOffice{t: t, host: "localhost"}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{office: o, conn: c}, nil
	}))
	server.Domain, server.ErrorLog = "mx.test", log.New(io.Discard, "", 0)
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	certificate, pool := authority(t)
	o.pool = pool
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.port = l.Addr().(*net.TCPAddr).Port
	switch config := (&tls.Config{Certificates: []tls.Certificate{certificate}}); encryption {
	case StartTLS:
		server.TLSConfig = config
	case TLS:
		l = tls.NewListener(l, config)
	case Clear:
		server.AllowInsecureAuth = true
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { // in any order with Serve's beginning
		server.Close()
		l.Close()
		<-done
	})
	return o
}

// authority makes a certificate for localhost, and who vouches for it.
func authority(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.test"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

type session struct {
	office   *postOffice
	conn     *smtp.Conn
	from, to string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "zerofax" || password != "hunter2" {
			return smtp.ErrAuthFailed
		}
		s.office.mu.Lock()
		defer s.office.mu.Unlock()
		s.office.loggedIn++
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if s.office.onRcpt != nil {
		return s.office.onRcpt(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	o := s.office
	if o.stall != nil {
		<-o.stall
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offered++
	if o.onData != nil {
		if err := o.onData(o.offered); errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.Join(err, s.conn.Conn().Close())
		} else if err != nil {
			return err
		}
	}
	message, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		o.t.Errorf("the mail can't be read: %v\n%s", err, data)
	}
	o.mails = append(o.mails, received{s.from, s.to, data, message})
	return nil
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

func (o *postOffice) inbox() []received {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mails
}

func (o *postOffice) email(encryption Encryption) *Email {
	return &Email{
		Host: o.host, Port: o.port, Encryption: encryption, TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.pool},
		From: "zerofax <zerofax@ch-exemple.fr>", Patience: 10 * time.Second,
	}
}

func aMail(to string) *ledger.Message {
	books := hospital()
	m := samples()["fax-certain"]
	l := newWriter(&books, "fr", paris, "https://zerofax.ch-exemple.fr/").letter(&m)
	return &ledger.Message{
		ID: 1, Name: "1204/first/email/" + to, Recipient: to, Payload: encoded(l), CreatedAt: wire.TimeOf(noon),
	}
}

func TestMailGoesOutOverEachEncryption(t *testing.T) {
	for _, encryption := range []Encryption{StartTLS, TLS, Clear} {
		t.Run(string(encryption), func(t *testing.T) {
			office := openOffice(t, encryption)
			email := office.email(encryption)
			email.Username, email.Password = "zerofax", "hunter2"
			if err := email.Send(t.Context(), aMail("qualite@ch-exemple.fr")); err != nil {
				t.Fatal(err)
			}
			inbox := office.inbox()
			if len(inbox) != 1 || inbox[0].to != "qualite@ch-exemple.fr" || inbox[0].from != "zerofax@ch-exemple.fr" {
				t.Fatalf("got %+v, want one mail", inbox)
			}
			if office.loggedIn != 1 {
				t.Error("it didn't say who it is")
			}
		})
	}
}

func TestAMailSaysWhatItIs(t *testing.T) {
	office := openOffice(t, Clear)
	m := aMail("qualite@ch-exemple.fr")
	for range 2 {
		if err := office.email(Clear).Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	header := office.inbox()[0].message.Header
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if want := "[zerofax] Fax après coupure\u00a0: 02\u00a041\u00a035\u00a040\u00a000 (Oncologie) – 3\u00a0pages, certain"; err != nil ||
		strings.ReplaceAll(subject, "\u00a0", " ") != strings.ReplaceAll(want, "\u00a0", " ") {
		t.Errorf("subject: got %q, %v, want %q", subject, err, want)
	}
	for key, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "To": "<qualite@ch-exemple.fr>", "From": `"zerofax" <zerofax@ch-exemple.fr>`,
	} {
		if got := header.Get(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if sent, err := header.Date(); err != nil || !sent.Equal(noon) {
		t.Errorf("date: got %v, %v, want %v", sent, err, noon)
	}
	again := office.inbox()[1].message.Header.Get("Message-Id")
	if got := header.Get("Message-Id"); got != again || !strings.HasSuffix(got, "@ch-exemple.fr>") || len(got) < 20 {
		t.Errorf("Message-ID: got %q and %q, want one that stays", got, again)
	}
	other := *m
	other.CreatedAt++
	if err := office.email(Clear).Send(t.Context(), &other); err != nil {
		t.Fatal(err)
	}
	if got := office.inbox()[2].message.Header.Get("Message-Id"); got == again {
		t.Error("another collector's message of the same name has the same Message-ID")
	}
	if data := string(office.inbox()[0].data); !strings.Contains(data, "text/plain") || !strings.Contains(data, "text/html") {
		t.Errorf("want text and HTML, got\n%s", data)
	}
}

func TestAPasswordNeverGoesOutInClear(t *testing.T) {
	office := openOffice(t, Clear) // no STARTTLS to be had
	email := office.email(StartTLS)
	email.Username, email.Password = "zerofax", "hunter2"
	err := email.Send(t.Context(), aMail("a@ch-exemple.fr"))
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") || office.loggedIn != 0 {
		t.Errorf("got %v, want a refusal to speak without TLS", err)
	}

	secure := openOffice(t, StartTLS)
	email = secure.email(StartTLS)
	email.TLS = nil // the system doesn't know this authority
	if err := email.Send(t.Context(), aMail("a@ch-exemple.fr")); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want a refusal of an unknown authority", err)
	}
	if n := len(secure.inbox()); n != 0 {
		t.Errorf("%d mails went out", n)
	}
}

func TestWhatAServerAnswersIsTold(t *testing.T) {
	refused := func(code int, text string) error { return &smtp.SMTPError{Code: code, Message: text} }
	for name, test := range map[string]struct {
		prepare func(o *postOffice, e *Email)
		want    string
		refusal bool
		down    bool
	}{
		"a recipient that doesn't exist": {func(o *postOffice, _ *Email) { o.onRcpt = func(string) error { return refused(550, "no such user") } }, "550", true, false},
		"greylisting":                    {func(o *postOffice, _ *Email) { o.onRcpt = func(string) error { return refused(451, "come again") } }, "451", false, false},
		"the content is refused":         {func(o *postOffice, _ *Email) { o.onData = func(int) error { return refused(554, "spam") } }, "554", true, false},
		"a full disk":                    {func(o *postOffice, _ *Email) { o.onData = func(int) error { return refused(452, "disk full") } }, "452", false, false},
		"it dies in DATA":                {func(o *postOffice, _ *Email) { o.onData = func(int) error { return io.ErrUnexpectedEOF } }, "EOF", false, false},
		"a wrong password":               {func(_ *postOffice, e *Email) { e.Username, e.Password = "zerofax", "wrong-secret" }, "535", false, true},
		"nobody listens":                 {func(_ *postOffice, e *Email) { e.Port = closedPort(e) }, "refused", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			office := openOffice(t, Clear)
			email := office.email(Clear)
			test.prepare(office, email)
			err := email.Send(t.Context(), aMail("a@ch-exemple.fr"))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Fatalf("got %v, want it to say %s", err, test.want)
			}
			if got := errors.As(err, new(refusal)); got != test.refusal {
				t.Errorf("%v: taken for a refusal: %v, want %v", err, got, test.refusal)
			}
			if got := errors.As(err, new(unreachable)); got != test.down {
				t.Errorf("%v: taken for a dead server: %v, want %v", err, got, test.down)
			}
		})
	}
}

func closedPort(*Email) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestASlowServerIsLeftAfterAWhileAndAtOnceWhenWeStop(t *testing.T) {
	office := openOffice(t, Clear)
	office.stall = make(chan struct{})
	t.Cleanup(func() { close(office.stall) })
	email := office.email(Clear)
	email.Patience = 50 * time.Millisecond
	err := email.Send(t.Context(), aMail("a@ch-exemple.fr"))
	if err == nil || !strings.Contains(err.Error(), "no answer in time") || !errors.As(err, new(unreachable)) {
		t.Errorf("got %v, want it left after its time", err)
	}

	email.Patience = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- email.Send(ctx, aMail("a@ch-exemple.fr")) }()
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("sent to a server that never answered")
		}
	case <-time.After(10 * time.Second):
		t.Error("it still waits 10 s after it was told to stop")
	}
}

func TestAHeaderCantBeInjected(t *testing.T) {
	office := openOffice(t, Clear)
	m := aMail("a@ch-exemple.fr")
	m.Payload = encoded(letter{Subject: "x\r\nBcc: evil@example.org\r\n\r\nbody", Language: "fr", Lead: []string{"l"}})
	if err := office.email(Clear).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := office.inbox()[0].message.Header
	if got.Get("Bcc") != "" || got.Get("Subject") != "x  Bcc: evil@example.org    body" {
		t.Errorf("got %v", got)
	}
	for _, to := range []string{"a@x.fr\r\nRCPT TO:<evil@example.org>", "a@x.fr, evil@example.org", ""} {
		m.Recipient = to
		if err := office.email(Clear).Send(t.Context(), m); err == nil {
			t.Errorf("%q: taken for an address", to)
		}
	}
}
