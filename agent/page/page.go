// Package page is what the pages of both programs have in common: their look, their two
// languages, and what browsers are forbidden. It knows nothing of what they show.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
)

//go:embed assets/*.css assets/*.js assets/*.svg
var assets embed.FS

// Site renders pages, and serves the style sheets, script and icon that they name.
type Site struct {
	pages  *template.Template
	assets map[string]string // file name → path with the content's hash
	log    *slog.Logger
}

// NewSite parses the templates in files that match pattern. In them {{asset "zerofax.css"}} is
// where a browser finds an asset.
func NewSite(files fs.FS, pattern string, log *slog.Logger) (*Site, error) {
	s := &Site{assets: map[string]string{}, log: log}
	names, err := fs.Glob(assets, "assets/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := assets.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		s.assets[strings.TrimPrefix(name, "assets/")] = "/" + name + "?" + base64.RawURLEncoding.EncodeToString(sum[:9])
	}
	s.pages, err = template.New("").Funcs(template.FuncMap{"asset": s.asset}).ParseFS(files, pattern)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	return s, nil
}

func (s *Site) asset(name string) (string, error) {
	path, ok := s.assets[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return path, nil
}

// ServeAsset answers /assets/; it lets browsers keep what they asked for by its hash.
func (s *Site) ServeAsset(w http.ResponseWriter, r *http.Request) {
	if _, known := s.assets[strings.TrimPrefix(r.URL.Path, "/assets/")]; !known {
		http.NotFound(w, r)
		return
	}
	if r.URL.RawQuery != "" {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.FileServerFS(assets).ServeHTTP(w, r)
}

// Render writes a page only once it is known to be whole.
func (s *Site) Render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := s.pages.ExecuteTemplate(&page, name, data); err != nil {
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
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
