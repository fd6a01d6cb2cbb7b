package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/people"
)

// reader is who asks for a page or wants to change something.
type reader struct {
	Name           string // empty: nobody had to sign in
	Role           ledger.Role
	Establishments []string // ids for which the role holds; empty: all

	session ledger.Session // by which; empty: by none
}

// May tells whether the reader's role is at least that one.
func (r reader) May(role ledger.Role) bool { return r.Role.AtLeast(role) }

// Sees tells whether an establishment is the reader's to see; what belongs to none is everybody's who sees all.
func (r reader) Sees(establishment string) bool {
	return len(r.Establishments) == 0 || slices.Contains(r.Establishments, establishment)
}

type readerKey struct{}

// as is a request of somebody.
func as(r *http.Request, who reader) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), readerKey{}, who))
}

// readerOf is who asks. Nobody in particular may nothing.
func readerOf(r *http.Request) reader {
	who, _ := r.Context().Value(readerKey{}).(reader)
	return who
}

// openPage did what nobody had to sign in for.
const openPage = "open page"

// author is the reader for the audit log.
func author(r *http.Request) ledger.Author {
	who := readerOf(r).Name
	if who == "" {
		who = openPage
	}
	return ledger.Author{Who: who, Source: "page " + r.URL.Path}
}

// Access says who gets in without being asked by the site itself.
type Access struct {
	Loopback bool     // only this machine reaches the site
	Proven   bool     // whoever comes has shown a password or certificate of the web config file: enough to read metrics and the API
	External *url.URL // of the first page, as people reach it; nil: as it listens
	Config   string   // the configuration file, for a page that names a command
}

// local tells whether only people at this machine look at the pages.
func (a Access) local() bool { return a.Loopback && (a.External == nil || isLoopback(a.External.Host)) }

// forwarded tells whether a proxy handed a request on: it comes to loopback, but from anywhere.
func forwarded(r *http.Request) bool {
	return slices.ContainsFunc([]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"}, func(name string) bool {
		return len(r.Header.Values(name)) > 0
	})
}

// isLoopback tells whether a Host names this machine itself. A page from elsewhere whose name was made to lead here (DNS
// rebinding) comes with its own.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	addr, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback()
}

// entrance finds out who asks, and sends away who may not.
//
//	a session's cookie ────────────────▶ as that user may now
//	/metrics, /api: proven elsewhere ──▶ to read
//	/metrics, /api: a user's password ─▶ to read, as that user
//	only this machine, and no users ───▶ all
//	else ──────────────────────────────▶ /sign-in
func (s *site) entrance(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		who, err := s.asker(r)
		if err == nil || forAll(r.URL.Path) && !errors.Is(err, errBooksClosed) {
			next.ServeHTTP(w, as(r, who))
			return
		}
		s.sendAway(w, r, err)
	})
}

// Why somebody is sent away.
var (
	errNobody      = errors.New("sign in first")
	errFirst       = errors.New("nobody can sign in yet; on the collector's machine: zerofax-collector user add NAME --role admin")
	errHost        = errors.New("as long as nobody signs in, this page is for this machine alone, as localhost")
	errBooksClosed = errors.New("the books can't be read; the log says why")
	errMustChange  = errors.New("change the password first, on /account")
)

// forAll tells whether a path is everybody's: it tells nothing of the books.
func forAll(path string) bool {
	return strings.HasPrefix(path, "/-/") || strings.HasPrefix(path, "/assets/") || path == "/sign-in" || strings.HasPrefix(path, "/sign-in/")
}

// forPrograms tells whether a path answers programs, which bring their password along each time.
func forPrograms(path string) bool { return path == "/metrics" || strings.HasPrefix(path, "/api/") }

// asker is who asks.
func (s *site) asker(r *http.Request) (reader, error) {
	if strings.HasPrefix(r.URL.Path, "/-/") || strings.HasPrefix(r.URL.Path, "/assets/") {
		return reader{}, nil
	}
	if s.Door == nil {
		return reader{Role: ledger.AdminRole}, nil
	}
	if token, err := r.Cookie(s.cookie(r)); err == nil {
		session, ok, err := s.Door.Session(r.Context(), people.ID(token.Value), s.counts(r))
		if err != nil {
			return reader{}, s.unknown(err)
		}
		if ok {
			return s.holder(r, session)
		}
	}
	any, err := s.Door.AnyUser(r.Context())
	any = any || s.Provider != nil
	local := s.Access.local() && !forwarded(r)
	switch {
	case err != nil:
		return reader{}, s.unknown(err)
	case !any && local && !isLoopback(r.Host):
		return reader{}, errHost
	case !any && local:
		return reader{Role: ledger.AdminRole}, nil
	case forPrograms(r.URL.Path) && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return s.program(r)
	case !any:
		return reader{}, errFirst
	}
	return reader{}, errNobody
}

// holder is who holds a session.
func (s *site) holder(r *http.Request, session ledger.Session) (reader, error) {
	who := reader{Name: session.Person(), Role: session.Role, Establishments: session.Establishments, session: session}
	if session.MustChange && r.URL.Path != "/account" && r.URL.Path != "/account/password" && r.URL.Path != "/sign-out" {
		return reader{Name: who.Name, session: session}, errMustChange
	}
	return who, nil
}

// counts tells whether a request shows that somebody sits there. A page that refreshes itself doesn't, unless it hangs
// on a wall: what a reader sees stays there.
func (s *site) counts(r *http.Request) func(ledger.Role) bool {
	refresh := r.Header.Get("Sec-Fetch-Dest") == "empty"
	return func(role ledger.Role) bool { return !refresh || role == ledger.ReaderRole }
}

// program is who asks for figures without a page. It only reads, whatever else the user may.
func (s *site) program(r *http.Request) (reader, error) {
	if s.Access.Proven {
		return reader{Role: ledger.ReaderRole}, nil
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return reader{}, errNobody
	}
	name, err := people.Name(name)
	if err != nil {
		return reader{}, people.ErrWrong
	}
	u, err := s.Door.Prove(r.Context(), name, password, s.caller(r, ""))
	switch {
	case err != nil:
		return reader{}, err
	case u.MustChange:
		return reader{}, errMustChange
	}
	return reader{Name: u.Name, Role: ledger.ReaderRole, Establishments: u.Establishments}, nil
}

func (s *site) unknown(err error) error {
	s.Log.Error("find out who asks", "error", err)
	return errBooksClosed
}

// sendAway answers who may not.
func (s *site) sendAway(w http.ResponseWriter, r *http.Request, why error) {
	status := http.StatusUnauthorized
	var wait people.Wait
	switch {
	case errors.As(why, &wait):
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", fmt.Sprint(int(time.Duration(wait)/time.Second)+1))
	case errors.Is(why, errBooksClosed):
		status = http.StatusInternalServerError
	case errors.Is(why, errHost):
		status = http.StatusMisdirectedRequest
	case errors.Is(why, errFirst), errors.Is(why, errMustChange):
		status = http.StatusForbidden
	}
	visit := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case forPrograms(r.URL.Path):
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="zerofax", charset="UTF-8"`)
		}
		page.Problem(w, status, why.Error())
	case errors.Is(why, errMustChange) && visit:
		s.done(w, r, "/account")
	case errors.Is(why, errNobody) && visit:
		s.done(w, r, "/sign-in?"+url.Values{"next": {r.URL.RequestURI()}}.Encode())
	default:
		s.refusal(w, r, status, why)
	}
}

// caller is where a request comes from.
func (s *site) caller(r *http.Request, name string) people.Caller {
	from := people.Caller{Address: s.address(r), Browser: r.UserAgent()}
	if badge, err := r.Cookie(s.badgeCookie(r)); err == nil && name != "" {
		from.Badge = badge.Value
	}
	return from
}

// address is where a request comes from. What a proxy says of it is believed where one is meant to be: on this
// machine, with an address of its own (http.external_url).
func (s *site) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if s.Access.External == nil || !isLoopback(host) {
		return host
	}
	hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
	if last, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1])); err == nil {
		return last.Unmap().String()
	}
	return host
}

// encrypted tells whether the browser sees https.
func (s *site) encrypted(r *http.Request) bool {
	return r.TLS != nil || s.Access.External != nil && s.Access.External.Scheme == "https" && strings.EqualFold(s.Access.External.Host, r.Host)
}

// cookie is the name of the session's. With TLS a browser takes it from this host alone.
func (s *site) cookie(r *http.Request) string { return s.named(r, "zerofax") }

func (s *site) badgeCookie(r *http.Request) string { return s.named(r, "zerofax-badge") }

func (s *site) ticketCookie(r *http.Request) string { return s.named(r, "zerofax-ticket") }

func (s *site) hintCookie(r *http.Request) string { return s.named(r, "zerofax-hint") }

func (s *site) named(r *http.Request, name string) string {
	if s.encrypted(r) {
		return "__Host-" + name
	}
	return name
}

// keepCookie lets the browser hold something for so long; a negative time takes it away, 0 is until the browser ends.
func (s *site) keepCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.encrypted(r),
	})
}
