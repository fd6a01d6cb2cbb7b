//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"
)

// letter is a mail that a server took.
type letter struct {
	ID      string // Message-ID
	To      []string
	Subject string
	text    string
	date    time.Time // as its writer says
	at      time.Time // when it came
}

// mailServer is a real SMTP server that takes mails only after STARTTLS.
type mailServer struct {
	address string // host:port
	ca      []byte // PEM
	clock   func() time.Time

	mu      sync.Mutex
	letters []letter
	refuse  bool               // 451 to everybody: it is out of order
	during  func(stage string) // called in the midst of a dialogue: at "mailing", or at "mailed" when all was taken and nothing is confirmed
}

func startMailServer(t *testing.T, clock func() time.Time) *mailServer {
	t.Helper()
	certificate, ca := selfSigned(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{address: listener.Addr().String(), ca: ca, clock: clock}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &dialogue{server: m, conn: c}, nil
	}))
	server.Domain, server.TLSConfig = "mail.test", &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	server.ErrorLog = quiet{}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("mail server: %v", err)
		}
	})
	return m
}

// quiet hears of connections that a killed client leaves behind.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (m *mailServer) all() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]letter(nil), m.letters...)
}

// meanwhile calls f once, in the midst of the next dialogue, at a stage of it.
func (m *mailServer) meanwhile(stage string, f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var once sync.Once
	m.during = func(at string) {
		if at == stage {
			once.Do(f)
		}
	}
}

func (m *mailServer) outOfOrder(is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = is
}

func (m *mailServer) reached(stage string) (refuse bool) {
	m.mu.Lock()
	during, refuse := m.during, m.refuse
	m.mu.Unlock()
	if during != nil {
		during(stage)
	}
	return refuse
}

// dialogue is one connection.
type dialogue struct {
	server *mailServer
	conn   *smtp.Conn
	to     []string
}

func (d *dialogue) Mail(string, *smtp.MailOptions) error {
	if _, secure := d.conn.TLSConnectionState(); !secure {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Must issue STARTTLS first"}
	}
	if d.server.reached("mailing") {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Out of order"}
	}
	return nil
}

func (d *dialogue) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = append(d.to, to)
	return nil
}

func (d *dialogue) Data(r io.Reader) error {
	l, err := readLetter(r)
	if err != nil {
		return err
	}
	s := d.server
	l.To, l.at = d.to, s.clock()
	s.mu.Lock()
	s.letters = append(s.letters, l)
	s.mu.Unlock()
	s.reached("mailed")
	return nil
}

// readLetter reads a mail and its text part.
func readLetter(r io.Reader) (l letter, err error) {
	m, err := gomail.EMLToMsgFromReader(r)
	if err != nil {
		return l, err
	}
	header := func(h gomail.Header) string { return strings.Join(m.GetGenHeader(h), " ") }
	l.ID = header(gomail.HeaderMessageID)
	if l.date, err = mail.ParseDate(header(gomail.HeaderDate)); err != nil {
		return l, err
	}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(header(gomail.HeaderSubject)); err != nil {
		return l, err
	}
	for _, part := range m.GetParts() {
		if part.GetContentType() == gomail.TypeTextPlain {
			text, err := part.GetContent()
			if err != nil {
				return l, err
			}
			l.text = string(text)
		}
	}
	return l, nil
}

func (d *dialogue) Reset()        { d.to = nil }
func (d *dialogue) Logout() error { return nil }

// selfSigned is a certificate for 127.0.0.1 and localhost that is its own authority.
func selfSigned(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// hook is what a webhook receiver got, in Alertmanager's form.
type hook struct {
	Alerts []struct {
		Status   string            `json:"status"`
		Labels   map[string]string `json:"labels"`
		StartsAt time.Time         `json:"startsAt"`
	} `json:"alerts"`

	at time.Time
}

// receiver is a webhook receiver.
type receiver struct {
	url   string
	clock func() time.Time

	mu    sync.Mutex
	hooks []hook
	bad   []string
}

func startReceiver(t *testing.T, clock func() time.Time) *receiver {
	t.Helper()
	r := &receiver{clock: clock}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		h := hook{at: r.clock()}
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil || json.Unmarshal(body, &h) != nil || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") {
			r.bad = append(r.bad, string(body))
			return
		}
		r.hooks = append(r.hooks, h)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) all() []hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]hook(nil), r.hooks...)
}
