package page

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

var noon = wire.TimeOf(time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC))

func speak(t *testing.T, lang string) Speech {
	t.Helper()
	own := With(Texts{"title": {"Titre : %d", "Title: %d"}, "size": {"%.1f Mo", "%.1f MB"}})
	return own.Speech(httptest.NewRequest(http.MethodGet, "/?lang="+lang, nil), "fr", time.UTC, noon)
}

func TestThingsAreSaidAsEachLanguageWritesThem(t *testing.T) {
	said := func(text string, err error) string {
		if err != nil {
			t.Error(err)
		}
		return text
	}
	french, english := speak(t, "fr"), speak(t, "en")
	for want, got := range map[string]string{
		"Titre\u00a0: 12\u00a0345":  said(french.T("title", 12345)),
		"Title: 12,345":             said(english.T("title", 12345)),
		"-1\u00a0234\u00a0567,9 Mo": said(french.T("size", -1234567.89)),
		"123.4 MB":                  said(english.T("size", 123.4)),
		"0 page":                    said(french.Amount(0, "pages")),
		"0 pages":                   said(english.Amount(0, "pages")),
		"2 rolls":                   said(english.Amount(2, "rolls")),
		"il y a 42\u00a0s":          said(french.Ago(noon.Add(-42 * time.Second))),
		"3\u00a0d ago":              said(english.Ago(noon.Add(-75 * time.Hour))),
		"just now":                  said(english.Ago(noon.Add(time.Hour))),
		"47\u00a0h":                 said(french.Length(47 * time.Hour)),
		"01/10/2026 12:00:00":       french.At(noon),
		"1 Oct 2026":                english.Day(noon),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if _, err := french.T("nothing"); err == nil {
		t.Error("a key without a text is no error")
	}
}

func TestTheOtherLanguageKeepsWhatWasAsked(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/device?lang=fr&q=a+b&page=2", nil)
	if got, want := speak(t, "fr").OtherLanguage(r.URL, "q", "state"), "/device?lang=en&q=a+b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAPageThatCannotBeRenderedIsNotShownInHalf(t *testing.T) {
	files := fstest.MapFS{"a.html": {Data: []byte(`half{{.Missing}}`)}}
	site, err := NewSite(files, "*.html", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	site.Render(w, http.StatusOK, "a.html", struct{}{})
	if w.Code != http.StatusInternalServerError || w.Body.String() != "this page can't be shown; the log says why\n" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestBrowsersAreToldWhatAssetsAreWhateverTheSystemCallsThem(t *testing.T) {
	was := mime.TypeByExtension(".js")
	if err := mime.AddExtensionType(".js", "text/plain"); err != nil { // as some programs do on Windows
		t.Fatal(err)
	}
	defer func() { _ = mime.AddExtensionType(".js", was) }()
	site, err := NewSite(fstest.MapFS{}, "*.html", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for name := range site.assets {
		w := httptest.NewRecorder()
		site.ServeAsset(w, httptest.NewRequest(http.MethodGet, "/assets/"+name, nil))
		if got, want := w.Header().Get("Content-Type"), contentTypes[path.Ext(name)]; w.Code != http.StatusOK || got != want || got == "" {
			t.Errorf("%s: got %d %q, want %q", name, w.Code, got, want)
		}
	}
}

func TestProblemsAreJSON(t *testing.T) {
	w := httptest.NewRecorder()
	Problem(w, http.StatusNotFound, "no such thing")
	var got struct{ Title, Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Title != "Not Found" || got.Detail != "no such thing" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatIsKeptCompressedIsTheSameToWhoTakesNothingCompressed(t *testing.T) {
	site, err := NewSite(fstest.MapFS{}, "*.html", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(accepted string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest(http.MethodGet, "/assets/pico.classless.min.css", nil), httptest.NewRecorder()
		r.Header.Set("Accept-Encoding", accepted)
		site.ServeAsset(w, r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: got %d %v", accepted, w.Code, w.Header())
		}
		return w
	}
	plain, packed := answer("identity"), answer("gzip, br")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Body.Len() > plain.Body.Len()/4 {
		t.Errorf("got %d bytes of %d, encoded as %q", packed.Body.Len(), plain.Body.Len(), packed.Header().Get("Content-Encoding"))
	}
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.Body.String(), "data:") {
		t.Error("the vendored style sheet asks for pictures as data: URLs, which the pages' policy refuses; want it renewed as package.json says")
	}
	if got, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(got, plain.Body.Bytes()) {
		t.Errorf("got %d bytes, %v; want the same %d", len(got), err, plain.Body.Len())
	}
}
