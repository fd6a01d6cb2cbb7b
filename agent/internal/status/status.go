// Package status is the agent's own page: what it looks at, what came back and what was made
// of it, whether the collector hears it, and metrics. It only shows: nothing changes by a
// visit, and no secret is known here. Polling goes on whether or not the page can be shown.
package status

import (
	"cmp"
	"embed"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/zerofax/zerofax/agent/page"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// Target is an address that the agent looks at, and what is known of it.
type Target struct {
	Address    string        `json:"address"`
	Source     string        `json:"range,omitempty"` // in which it was found; empty = the configuration names it
	Device     string        `json:"device,omitempty"`
	Identity   wire.Identity `json:"identity,omitzero"`
	Profile    string        `json:"profile,omitempty"`
	Why        string        `json:"why,omitempty"` // this profile
	Fax        wire.Answer   `json:"fax,omitempty"`
	FaxWhy     string        `json:"fax_why,omitempty"`
	LastLook   wire.Time     `json:"last_look,omitzero"`
	LastAnswer wire.Time     `json:"last_answer,omitzero"`
	Next       wire.Time     `json:"next_look,omitzero"`
	Took       time.Duration `json:"-"`               // the last look
	Error      string        `json:"error,omitempty"` // of the last look
	Failures   int           `json:"failures,omitempty"`
	Waits      string        `json:"waits,omitempty"`     // why the next look is later than the interval says
	DoubleOf   string        `json:"double_of,omitempty"` // the address at which its device is read

	late bool // Next is past, and nobody looked
}

// Last is what a target answered last.
type Last struct {
	Looks []Look // the last one, and the last at counters if that is another one
}

// Look is one GET, and what was made of it.
type Look struct {
	At       wire.Time
	Answers  []Answer // in the order asked
	Result   mibs.Result
	Measures []mibs.Measured
}

// Answer is what a device said of one object.
type Answer struct {
	OID   string
	Value mibs.Value
	Told  bool   // else it doesn't have it
	Use   string // what it is for, in a few words
}

// Link is the way to the collector.
type Link struct {
	Connected wire.Time `json:"connected_since,omitzero"` // to the broker; 0 = not at present
	Error     string    `json:"error,omitempty"`
	LastAck   wire.Time `json:"last_ack,omitzero"`
	Acks      int64     `json:"acks"`
	Sent      int64     `json:"envelopes_sent"`
	Offline   bool      `json:"collector_offline,omitempty"`      // it said so
	Events    bool      `json:"collector_takes_events,omitempty"` // it said so

	Certificate *wire.CertificateState `json:"certificate,omitempty"` // shown to the broker; nil = none is
}

// Spool is what is kept on disk until the collector has it.
type Spool struct {
	Envelopes int       `json:"envelopes"`
	Bytes     int64     `json:"bytes"`
	MaxBytes  int64     `json:"max_bytes"`
	Oldest    wire.Time `json:"oldest,omitzero"`
	Dropped   int64     `json:"dropped_readings"`
	Damaged   int       `json:"damaged_files"`
	Error     string    `json:"error,omitempty"`
	Free      int64     `json:"disk_free_bytes"` // below 0: not known
}

// Journal is how far a journal is followed.
type Journal struct {
	Name     string           `json:"name"`
	Path     string           `json:"path"`
	Files    int              `json:"files"`          // there now
	File     string           `json:"file,omitempty"` // the newest of them
	Read     int64            `json:"read_bytes"`     // of these files
	Size     int64            `json:"size_bytes"`
	Last     wire.Time        `json:"last_event,omitzero"`
	Events   int              `json:"events"`
	Skipped  int              `json:"skipped_rows"`
	Rejected int              `json:"rejected_rows"`
	Why      map[string]int64 `json:"why,omitempty"` // rows were skipped or rejected
	Error    string           `json:"error,omitempty"`
}

// Reason is why some rows of a journal were skipped or rejected.
type Reason struct {
	Why  string
	Rows int64
}

// Reasons are the most frequent ones.
func (j Journal) Reasons() []Reason {
	var all []Reason
	for why, n := range j.Why {
		all = append(all, Reason{why, n})
	}
	slices.SortFunc(all, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Why, b.Why)) })
	return all[:min(len(all), 6)]
}

// Traffic is what was sent to devices.
type Traffic struct {
	Requests      int64
	Retries       int64 // requests sent again because no answer had come in time
	Rediscoveries int64 // of SNMPv3 engines that were not as they had been
}

// Central is how far what is polled comes from the collector.
type Central struct {
	Followed bool      `json:"followed"`          // agent.yml says whom to believe
	Own      bool      `json:"own"`               // agent.yml's own targets hold nevertheless: none came yet, or the last one said so
	Revision wire.Time `json:"revision,omitzero"` // of the one taken last: when it was written
	Refused  wire.Time `json:"refused,omitzero"`  // the newest one that could not be taken
	Error    string    `json:"error,omitempty"`   // why not
}

// Rules tells whether what is polled is the collector's word.
func (c Central) Rules() bool { return c.Followed && !c.Own }

// Options of the page. The functions may be called at any time, also before polling begins.
type Options struct {
	Agent     string
	Version   string
	Collector string // URL, without secrets
	Config    string // the file's name; empty = the embedded defaults
	Listen    string // host:port
	Ranges    []string
	Started   time.Time

	Targets  func() iter.Seq[Target]           // in the order in which people gave them
	Last     func(address string) (Last, bool) // false: there is no such target
	Central  func() Central                    // nil = nothing comes from there
	Link     func() Link
	Journals func() []Journal // nil = none is followed
	Spool    func() Spool
	Quiet    func() time.Duration // since the scheduler last looked what is due
	SNMP     func() Traffic
	Figures  *Figures // what was counted meanwhile

	Location *time.Location // in which times are shown; nil = the computer's
	Log      *slog.Logger
	Now      func() time.Time
	Retry    time.Duration // between tries to listen; 0 = 30 s
}

//go:embed pages/*.html
var pages embed.FS

// Page serves the pages.
type Page struct {
	Options
	*page.Site
	handler http.Handler
	host    string // of Listen
	name    string // this computer's
}

// New makes a page; Run serves it.
func New(o Options) (*Page, error) {
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Central == nil {
		o.Central = func() Central { return Central{} }
	}
	if o.Journals == nil {
		o.Journals = func() []Journal { return nil }
	}
	if o.Retry == 0 {
		o.Retry = 30 * time.Second
	}
	site, err := page.NewSite(pages, "pages/*.html", o.Log)
	if err != nil {
		return nil, err
	}
	p := &Page{Options: o, Site: site}
	if p.host, _, err = net.SplitHostPort(o.Listen); err != nil {
		return nil, fmt.Errorf("status page: listen on %q: %w", o.Listen, err)
	}
	p.name, _ = os.Hostname()
	registry := prometheus.NewRegistry()
	registry.MustRegister(figuresOf{p}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.handler = page.Secured(p.guarded(p.routes(exposed(registry, o.Log))))
	return p, nil
}

func (p *Page) routes(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", p.overview)
	mux.HandleFunc("/device", p.device)
	mux.HandleFunc("/assets/", p.ServeAsset)
	mux.Handle("/metrics", metrics)
	mux.HandleFunc("/-/healthy", p.healthy)
	mux.HandleFunc("/-/ready", p.healthy)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fault(w, r, http.StatusNotFound, "there is nothing at "+r.URL.Path)
	})
	return mux
}

// guarded refuses whatever would change something, and requests that a page from elsewhere
// has a browser send: one that came by a name which its owner lets point here (DNS rebinding).
func (p *Page) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !p.knows(r.Host):
			fault(w, r, http.StatusMisdirectedRequest, "this page isn't known as "+r.Host+"; want http://"+p.Listen)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			fault(w, r, http.StatusMethodNotAllowed, r.Method+" is not possible here; want GET")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// knows tells whether host, as a request names it, can mean this page: it is this computer's
// own, or what the configuration says. Who listens on all addresses is known by each of
// them, and by the computer's name.
func (p *Page) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") || host != "" && strings.EqualFold(host, p.host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.IsLoopback() {
		return true
	}
	if listen, notAddr := netip.ParseAddr(p.host); p.host != "" && (notAddr != nil || !listen.IsUnspecified()) {
		return false
	}
	short, _, _ := strings.Cut(host, ".")
	own, _, _ := strings.Cut(p.name, ".")
	return err == nil || short != "" && strings.EqualFold(short, own)
}

// wantsJSON tells whether the client is a program.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return r.URL.Query().Get("format") == "json" || strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

func fault(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if wantsJSON(r) {
		page.Problem(w, status, detail)
		return
	}
	http.Error(w, detail, status)
}

// tardy is how late a look may be: the one before it may take a minute.
const tardy = 2 * time.Minute

// targets are all targets as they stand now.
func (p *Page) targets() iter.Seq[Target] {
	return func(yield func(Target) bool) {
		now := p.now()
		for t := range p.Targets() {
			t.late = t.Next != 0 && now.Sub(t.Next) > tardy
			if !yield(t) {
				return
			}
		}
	}
}

// now is the page's clock.
func (p *Page) now() wire.Time { return wire.TimeOf(p.Now()) }
