// Package page is what the pages of both programs have in common: their look, their two
// languages, and what browsers are forbidden. It knows nothing of what they show.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
)

// What is large is kept compressed: most browsers take it as it is, and an agent shall stay small.
//
//go:embed assets/*.css.gz assets/*.css assets/*.js assets/*.svg
var assets embed.FS

// Site renders pages, and serves the style sheets, scripts and icon that they name.
type Site struct {
	pages  func() (*template.Template, error)
	assets map[string]asset // by file name
	log    *slog.Logger
}

// asset is a file that pages name.
type asset struct {
	files fs.FS
	name  string // in files, with ".gz" if it is compressed there
	path  string // with the content's hash, as browsers ask for it
}

// NewSite is of the templates in files that match pattern. In them {{asset "zerofax.css"}} is
// where a browser finds an asset: one of both programs, or one in the assets folder of more. They are
// parsed when a page is first asked for: most agents' pages are never looked at, and a parsed template
// is half a megabyte.
func NewSite(files fs.FS, pattern string, log *slog.Logger, more ...fs.FS) (*Site, error) {
	s := &Site{assets: map[string]asset{}, log: log}
	for _, from := range append(more, assets) {
		if err := s.take(from); err != nil {
			return nil, err
		}
	}
	s.pages = sync.OnceValues(func() (*template.Template, error) {
		return template.New("").Funcs(template.FuncMap{"asset": s.asset}).ParseFS(files, pattern)
	})
	return s, nil
}

func (s *Site) take(from fs.FS) error {
	names, err := fs.Glob(from, "assets/*.*")
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		sum, plain := sha256.Sum256(data), strings.TrimSuffix(name, ".gz")
		s.assets[path.Base(plain)] = asset{from, name, "/" + plain + "?" + base64.RawURLEncoding.EncodeToString(sum[:9])}
	}
	return nil
}

func (s *Site) asset(name string) (string, error) {
	a, ok := s.assets[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return a.path, nil
}

var contentTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// ServeAsset answers /assets/; it lets browsers keep what they asked for by its hash.
func (s *Site) ServeAsset(w http.ResponseWriter, r *http.Request) {
	a, known := s.assets[strings.TrimPrefix(r.URL.Path, "/assets/")]
	if !known {
		http.NotFound(w, r)
		return
	}
	// Said here, since Windows asks its registry, where some program may have made scripts "text/plain".
	w.Header().Set("Content-Type", contentTypes[path.Ext(r.URL.Path)])
	if r.URL.RawQuery != "" {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if !strings.HasSuffix(a.name, ".gz") {
		http.ServeFileFS(w, r, a.files, a.name)
		return
	}
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		http.ServeFileFS(w, r, a.files, a.name)
		return
	}
	if err := unpack(w, a); err != nil {
		s.log.Error("unpack asset", "asset", a.name, "error", err)
	}
}

// unpack is for a client that takes nothing compressed.
func unpack(w io.Writer, a asset) error {
	file, err := a.files.Open(a.name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, unpacked)
	return err
}

// Render writes a page only once it is known to be whole.
func (s *Site) Render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	pages, err := s.pages()
	if err == nil {
		err = pages.ExecuteTemplate(&page, name, data)
	}
	if err != nil {
		s.log.Error("render page", "page", name, "error", err)
		http.Error(w, "this page can't be shown; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}

// Secured adds the headers that forbid a browser whatever the pages don't need.
func Secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // "no-referrer" would make the origin of our own forms null
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
