// Package web serves the collector's pages, its API and, where it is handed one, the
// metrics. It only reads: nothing in the books changes by a visit. Pages need no script,
// nothing from other hosts, and are in French or English.
package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Books is what the pages need of the ledger.
type Books interface {
	Snapshot(ctx context.Context) (ledger.Snapshot, error)
	Agents(ctx context.Context) ([]ledger.Agent, error)
	Watch(ctx context.Context, limit int) (ledger.Watch, error)
}

// Options of a site.
type Options struct {
	Books    Books
	Metrics  http.Handler   // of /metrics
	Ready    func() error   // of /-/ready: nil, or why not
	Language string         // fr or en, for readers who ask for neither
	Location *time.Location // in which times are shown
	MQTT     string         // URL that agents use, for the page that tells how to start one
	Version  string
	Log      *slog.Logger
}

//go:embed assets/*.css assets/*.js assets/*.svg
var assets embed.FS

//go:embed pages/*.html
var pages embed.FS

// site answers requests.
type site struct {
	Options
	pages  *template.Template
	assets map[string]string // file name → path with the content's hash
}

// New makes the handler of all paths.
func New(o Options) (http.Handler, error) {
	s := &site{Options: o, assets: map[string]string{}}
	files, err := fs.Glob(assets, "assets/*")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := assets.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		s.assets[strings.TrimPrefix(file, "assets/")] = "/" + file + "?" + base64.RawURLEncoding.EncodeToString(sum[:9])
	}
	s.pages, err = template.New("").Funcs(template.FuncMap{"asset": s.asset}).ParseFS(pages, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	pack, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed)) // better levels cost more time than the bytes do
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	return secured(s.routes(pack)), nil
}

func (s *site) routes(pack func(http.Handler) http.HandlerFunc) http.Handler {
	packed := func(page http.HandlerFunc) http.HandlerFunc { return get(pack(page)) }
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", packed(s.fleet))
	mux.HandleFunc("/assets/", get(s.serveAsset))
	mux.HandleFunc("/metrics", get(s.Metrics.ServeHTTP))
	mux.HandleFunc("/-/healthy", get(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") }))
	mux.HandleFunc("/-/ready", get(s.ready))
	mux.HandleFunc("/api/v1/devices", packed(s.devices))
	mux.HandleFunc("/api/v1/agents", packed(s.agents))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "no such resource: "+r.URL.Path)
	})
	return mux
}

// secured adds the headers that forbid a browser whatever the pages don't need.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// get refuses all but GET and HEAD: there is nothing to change here.
func get(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next(w, r)
			return
		}
		w.Header().Set("Allow", "GET, HEAD")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			problem(w, http.StatusMethodNotAllowed, r.Method+" is not possible here; want GET")
			return
		}
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
	}
}

func (s *site) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.Ready(); err != nil {
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

func (s *site) asset(name string) (string, error) {
	path, ok := s.assets[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return path, nil
}

// serveAsset lets browsers keep what they asked for by its hash.
func (s *site) serveAsset(w http.ResponseWriter, r *http.Request) {
	if _, known := s.assets[strings.TrimPrefix(r.URL.Path, "/assets/")]; !known {
		http.NotFound(w, r)
		return
	}
	if r.URL.RawQuery != "" {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.FileServerFS(assets).ServeHTTP(w, r)
}

// render writes a page only once it is known to be whole.
func (s *site) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := s.pages.ExecuteTemplate(&page, name, data); err != nil {
		s.Log.Error("render page", "page", name, "error", err)
		http.Error(w, "this page can't be shown; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}
