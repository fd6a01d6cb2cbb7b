package alert

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Email is a mail server, and who writes.
type Email struct {
	Host       string
	Port       int
	Encryption Encryption
	TLS        *tls.Config // default: the system's authorities
	Username   string      // empty: no authentication
	Password   secret.Text
	From       string        // an address, maybe with a name
	Patience   time.Duration // for one mail; default 30 s
}

// Encryption is how a connection is encrypted. There is no "if the server can": somebody in between could say that it can't.
type Encryption string

// The kinds of encryption.
const (
	StartTLS Encryption = "starttls" // from the first command on
	TLS      Encryption = "tls"      // from the first byte on
	Clear    Encryption = "none"     // not at all
)

// refusal is an error that will probably be the same next time.
type refusal struct{ error }

// unreachable is an error of the server, not of the message: the next one would wait in vain, too.
type unreachable struct{ error }

func (e refusal) Unwrap() error     { return e.error }
func (e unreachable) Unwrap() error { return e.error }

// Send sends a message of the outbox. That it returns nil means that the server has taken it over.
// A connection serves one mail: there are few, and what happens to one concerns no other.
func (s *Email) Send(ctx context.Context, m *ledger.Message) error {
	var l letter
	if err := json.Unmarshal([]byte(m.Payload), &l); err != nil {
		return refusal{fmt.Errorf("read mail: %w", err)}
	}
	msg, err := s.compose(m, &l)
	if err != nil {
		return refusal{err}
	}
	return s.deliver(ctx, msg)
}

// compose makes the mail as it goes out.
func (s *Email) compose(m *ledger.Message, l *letter) (*gomail.Msg, error) {
	html, err := l.html()
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(s.From), msg.To(m.Recipient)); err != nil {
		return nil, fmt.Errorf("address a mail: %w", err)
	}
	msg.Subject(plain(l.Subject))
	msg.SetMessageIDWithValue(s.messageID(m))
	msg.SetDateWithValue(m.CreatedAt.Std())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: out-of-office programs don't answer
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")  // nor Exchange's
	msg.SetGenHeader("X-Mailer", "zerofax")
	msg.SetBodyString(gomail.TypeTextPlain, l.text())
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, nil
}

// messageID is the same whenever a message is sent again, so that a mailbox that got it already can tell.
// The time keeps the ledgers of two collectors apart.
func (s *Email) messageID(m *ledger.Message) string {
	sum := sha256.Sum256([]byte(m.Name + " " + m.CreatedAt.String()))
	domain := "zerofax.invalid"
	if from, err := netmail.ParseAddress(s.From); err == nil {
		domain = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	}
	return hex.EncodeToString(sum[:12]) + "@" + domain
}

func (s *Email) deliver(ctx context.Context, msg *gomail.Msg) error {
	patience := s.Patience
	if patience == 0 {
		patience = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	line := &connection{email: s}
	defer line.close()
	client, err := gomail.NewClient(s.Host, s.options(line, patience)...)
	if err != nil {
		return refusal{fmt.Errorf("mail server: %w", err)}
	}
	hangUp := context.AfterFunc(ctx, line.close) // go-mail looks at ctx only while it dials, and its own time is longer
	defer hangUp()
	if err := client.DialWithContext(ctx); err != nil {
		return unreachable{fmt.Errorf("reach %s: %w", client.ServerAddr(), timely(ctx, err))}
	}
	err = client.Send(msg)
	if msg.IsDelivered() { // whatever the server says when we leave
		_ = client.Close()
		return nil
	}
	return timely(ctx, said(err))
}

func (s *Email) options(line *connection, patience time.Duration) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(2 * patience), gomail.WithTLSConfig(s.config()),
		gomail.WithDialContextFunc(line.dial), gomail.WithoutNoop(),
	}
	switch s.Encryption {
	case TLS:
		options = append(options, gomail.WithSSL())
	case Clear:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.Username != "" {
		// PLAIN and LOGIN refuse a connection in clear unless it ends on this machine.
		options = append(options, gomail.WithUsername(s.Username), gomail.WithPassword(string(s.Password)),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain,
				gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5, gomail.SMTPAuthNTLM))
	}
	return options
}

func (s *Email) config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLS != nil {
		c = s.TLS.Clone()
	}
	c.ServerName = s.Host
	return c
}

// connection is the one to the server. It is ours to close: go-mail leaves it open when a greeting fails.
type connection struct {
	email *Email
	mu    sync.Mutex
	conn  net.Conn
}

func (c *connection) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	var dialer net.Dialer
	if c.email.Encryption == TLS {
		conn, err = (&tls.Dialer{NetDialer: &dialer, Config: c.email.config()}).DialContext(ctx, network, address)
	} else {
		conn, err = dialer.DialContext(ctx, network, address)
	}
	if err == nil {
		c.mu.Lock()
		c.conn = conn
		c.mu.Unlock()
	}
	return conn, err
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close() // what matters was said before
	}
}

// said is what the server said, without what go-mail adds to it; a refusal if it won't change its mind.
func said(err error) error {
	var fault *gomail.SendError
	if !errors.As(err, &fault) {
		return err
	}
	text, _, _ := strings.Cut(err.Error(), ", affected ")
	err = errors.New(text)
	if fault.ErrorCode() >= 500 {
		return refusal{err}
	}
	return err
}

// timely says that it took too long where that is why.
func timely(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return unreachable{errors.New("no answer in time")} // not what follows from our hanging up
	}
	return err
}
