package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (b *books) FirstMonth(context.Context) (ledger.Month, error) { return 202607, b.err }

func (b *books) Closings(context.Context) ([]ledger.Closing, error) { return nil, b.err }

func (b *books) ClosingAs(context.Context, ledger.Month, int) (ledger.Closing, bool, error) {
	return ledger.Closing{}, false, b.err
}

func (b *books) CloseMonth(context.Context, ledger.Author, ledger.Month, string, func(ledger.MonthBooks) []ledger.ClosedFigure) (ledger.Closing, error) {
	return ledger.Closing{}, b.err
}

func (b *books) ReopenMonth(context.Context, ledger.Author, ledger.Month, int, string) error {
	return b.err
}

// send hands a form in to a site, as its own pages do.
func send(t *testing.T, site http.Handler, target string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w
}

func TestTargetPagesAreShown(t *testing.T) {
	for _, target := range []string{"/targets", "/targets?of=whole&indicator=fax_sent", "/targets/collection", "/targets/months", "/targets/months/2026-09"} {
		if got := shown(t, hospital(), target); len(got) == 0 {
			t.Error(target)
		}
	}
}
