package people

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/bcrypt"

	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what a door needs of the ledger.
type Books interface {
	Users(ctx context.Context) ([]ledger.User, error)
	AnyUser(ctx context.Context) (bool, error)
	DeclareUsers(ctx context.Context, by ledger.Author, change func(ledger.Register, []ledger.User) ([]ledger.User, error)) error
	OpenSession(ctx context.Context, s ledger.Session) error
	Session(ctx context.Context, id string, counts func(ledger.Role) bool) (ledger.Session, bool, error)
	Sessions(ctx context.Context, name, provider string) ([]ledger.Session, error)
	CloseSessions(ctx context.Context, by ledger.Author, sessions ...ledger.Session) error
	NoteRefusal(ctx context.Context, name, address, why string) error
}

// ErrWrong is of a name and a password that don't go together, and of a user who is disabled: nobody
// learns which of it.
var ErrWrong = errors.New("name or password are wrong")

// ErrSame is of a new password that is the old one.
var ErrSame = errors.New("that is the password as it is")

// Wait is how long somebody must wait before the next try.
type Wait time.Duration

func (w Wait) Error() string {
	return fmt.Sprintf("too many tries; the next one in %s", time.Duration(w).Round(time.Second))
}

// Door is where people come in.
type Door struct {
	Books
	provider *Provider // nil: none
	log      *slog.Logger
	cost     int
	nobody   ledger.User   // who is compared where there is no such user: that takes as long
	busy     chan struct{} // two at a time: the machine has other things to do
	tries    *tries
	key      []byte // of proven
	proven   map[[32]byte]time.Time
	mu       sync.Mutex // of proven
	now      func() time.Time
	outcomes *prometheus.CounterVec
}

// Options of a door.
type Options struct {
	Books    Books
	Provider *Provider // who else vouches for people; nil: nobody
	Log      *slog.Logger
	Now      func() time.Time
	Cost     int // of bcrypt; 0: 12
}

// NewDoor makes one.
func NewDoor(o Options) (*Door, error) {
	if o.Cost == 0 {
		o.Cost = cost
	}
	hashed, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), o.Cost)
	if err != nil {
		return nil, fmt.Errorf("hash nobody's password: %w", err)
	}
	d := &Door{
		Books: o.Books, provider: o.Provider, log: o.Log, now: o.Now, cost: o.Cost, nobody: ledger.User{Hash: secret.Text(hashed)}, busy: make(chan struct{}, 2),
		tries: newTries(o.Now), key: []byte(rand.Text()), proven: map[[32]byte]time.Time{},
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "zerofax_collector_sign_ins_total", Help: "Who wanted to sign in, by what became of it: in, wrong, waiting (too many tries).",
		}, []string{"outcome"}),
	}
	for _, outcome := range []string{"in", "wrong", "waiting"} {
		d.outcomes.WithLabelValues(outcome)
	}
	return d, nil
}

// Describe implements prometheus.Collector.
func (d *Door) Describe(ch chan<- *prometheus.Desc) { d.outcomes.Describe(ch) }

// Collect implements prometheus.Collector.
func (d *Door) Collect(ch chan<- prometheus.Metric) { d.outcomes.Collect(ch) }

// Caller is where somebody knocks from.
type Caller struct {
	Address string
	Browser string // as it calls itself
	Badge   string // what it was given when this name signed in there before; empty: nothing
}

// Enter is the user of that name and password: ErrWrong where there is none, Wait where too many were tried.
func (d *Door) Enter(ctx context.Context, name, password string, from Caller) (ledger.User, error) {
	u, known, err := d.user(ctx, name)
	if err != nil {
		return ledger.User{}, err
	}
	limits := []limit{{"name " + name, freeOfName, longestOfName}, {"address " + network(from.Address), freeOfAddress, longestOfAddress}}
	if known && hmac.Equal([]byte(from.Badge), []byte(Badge(u))) {
		limits = []limit{{"badge " + name, freeOfName, longestOfAddress}} // whoever tries from elsewhere doesn't lock this browser out
	}
	if wait := d.tries.begin(limits); wait > 0 {
		d.outcomes.WithLabelValues("waiting").Inc()
		return ledger.User{}, Wait(wait)
	}
	right, err := d.compare(ctx, u, password)
	if err != nil {
		return ledger.User{}, err
	}
	if !known || u.Disabled || !right {
		return ledger.User{}, d.refuse(ctx, name, known, from)
	}
	d.tries.forgive(limits)
	d.outcomes.WithLabelValues("in").Inc()
	return u, nil
}

// user is the one of that name, nobody where there is none.
func (d *Door) user(ctx context.Context, name string) (u ledger.User, known bool, err error) {
	users, err := d.Users(ctx)
	for _, u := range users {
		if u.Name == name {
			return u, true, err
		}
	}
	return d.nobody, false, err
}

// compare waits for its turn. It takes as long for nobody, and for a password that is too long to be one.
func (d *Door) compare(ctx context.Context, u ledger.User, password string) (bool, error) {
	select {
	case d.busy <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-d.busy }()
	right := fits(&u, password[:min(len(password), longest)])
	return right && len(password) <= longest, nil
}

// refuse notes that somebody was refused. What was typed for a name that nobody has may be a password: it stands nowhere.
func (d *Door) refuse(ctx context.Context, name string, known bool, from Caller) error {
	if !known {
		name = "?"
	}
	d.outcomes.WithLabelValues("wrong").Inc()
	d.log.Warn("sign-in refused", "user", name, "address", from.Address)
	if err := d.NoteRefusal(ctx, name, from.Address, ""); err != nil {
		return fmt.Errorf("note that %s was refused: %w", name, err)
	}
	return ErrWrong
}

// Badge is what a browser keeps after its user signed in, and by which it isn't slowed down for what others try
// elsewhere. It opens nothing, and is worth nothing once the password is another.
func Badge(u ledger.User) string {
	mac := hmac.New(sha256.New, []byte(string(u.Hash)))
	mac.Write([]byte("badge of " + u.Name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Admit opens a session, and gives what the browser shall hold.
func (d *Door) Admit(ctx context.Context, s ledger.Session) (token string, err error) {
	token = rand.Text() + rand.Text() // 256 bits and a few
	s.ID = ID(token)
	d.vouched(&s)
	s.Address, s.Browser = cut(s.Address), cut(s.Browser)
	if err := d.OpenSession(ctx, s); err != nil {
		return "", fmt.Errorf("sign in %s: %w", s.Name, err)
	}
	d.log.Info("signed in", "user", s.Name, "provider", s.Provider, "address", s.Address)
	return token, nil
}

// Session is the ledger's, if whoever vouched for it still does.
func (d *Door) Session(ctx context.Context, id string, counts func(ledger.Role) bool) (ledger.Session, bool, error) {
	s, ok, err := d.Books.Session(ctx, id, counts)
	if err != nil || !ok || !d.vouched(&s) {
		return ledger.Session{}, false, err
	}
	return s, true, nil
}

// Sessions are the ledger's, but for those whose provider is no longer the one that is asked.
func (d *Door) Sessions(ctx context.Context, name, provider string) ([]ledger.Session, error) {
	all, err := d.Books.Sessions(ctx, name, provider)
	var open []ledger.Session
	for _, s := range all {
		if d.vouched(&s) {
			open = append(open, s)
		}
	}
	return open, err
}

// vouched tells whether a session is a local user's, or of the provider as it is configured now, which it names.
func (d *Door) vouched(s *ledger.Session) bool {
	if d.provider != nil && d.provider.Issuer == s.Provider {
		s.ProviderName = d.provider.Name
		return true
	}
	return s.Provider == ""
}

func cut(text string) string { return strings.ToValidUTF8(text[:min(len(text), 200)], "") }

// ID is what the ledger knows of what a browser holds.
func ID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// provenFor is how long after its last use a password that was right is believed without being hashed again:
// programs say it with each request, and shall not wait for what others guess. That its user was disabled or has another one is seen at once.
const provenFor = 5 * time.Minute

// Prove is Enter for programs, which say their password again and again.
func (d *Door) Prove(ctx context.Context, name, password string, from Caller) (ledger.User, error) {
	u, known, err := d.user(ctx, name)
	if err != nil {
		return ledger.User{}, err
	}
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(name + "\x00" + string(u.Hash) + "\x00" + password))
	proof := [32]byte(mac.Sum(nil))
	if known && !u.Disabled && d.believes(proof) {
		return u, nil
	}
	if u, err = d.Enter(ctx, name, password, from); err != nil {
		return ledger.User{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.proven) > 100 {
		clear(d.proven)
	}
	d.proven[proof] = d.now().Add(provenFor)
	return u, nil
}

func (d *Door) believes(proof [32]byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.now().Before(d.proven[proof]) {
		return false
	}
	d.proven[proof] = d.now().Add(provenFor)
	return true
}

// Change gives a user another password, if the present one is right. It ends all of the user's sessions.
func (d *Door) Change(ctx context.Context, by ledger.Author, name, present, next string, from Caller) error {
	if _, err := d.Enter(ctx, name, present, from); err != nil {
		return err
	}
	if present == next {
		return ErrSame
	}
	hashed, err := hash(name, next, d.cost)
	if err != nil {
		return err
	}
	return d.set(ctx, by, name, hashed, false)
}

// Reset gives a user a password that serves once: it must be changed at the first sign-in.
func (d *Door) Reset(ctx context.Context, by ledger.Author, name string) (once string, err error) {
	once, hashed, err := d.Once(name)
	if err != nil {
		return "", err
	}
	return once, d.set(ctx, by, name, hashed, true)
}

// Once makes a password that nobody chose, in groups that can be read out.
func (d *Door) Once(name string) (once string, hashed secret.Text, err error) {
	text := strings.ToLower(rand.Text())
	once = text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20]
	hashed, err = hash(name, once, d.cost)
	return once, hashed, err
}

func (d *Door) set(ctx context.Context, by ledger.Author, name string, hashed secret.Text, mustChange bool) error {
	return Alter(ctx, d, by, name, func(u *ledger.User) error {
		u.Hash, u.MustChange = hashed, mustChange
		return nil
	})
}
