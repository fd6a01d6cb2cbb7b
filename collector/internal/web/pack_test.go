package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"testing"
)

func TestAnswersArePackedOnlyForThoseWhoTakeIt(t *testing.T) {
	for accept, want := range map[string]bool{
		"gzip": true, "br, gzip": true, "deflate,gzip;q=0.5": true,
		"": false, "br": false, "gzip;q=0": false,
	} {
		w := ask(newSite(t, ward()), http.MethodGet, "/machines", "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: packed %v, want %v", accept, got, want)
		}
	}
}

func TestWhatIsPackedIsTheSame(t *testing.T) {
	for _, target := range []string{"/machines", "/metrics", "/api/v1/devices", "/api/v1/nothing", "/-/ready"} {
		b := ward()
		b.err = errBooks // errors too
		for _, b := range []*books{ward(), b} {
			plain := ask(newSite(t, b), http.MethodGet, target)
			small := ask(newSite(t, b), http.MethodGet, target, "Accept-Encoding", "gzip")
			body := io.Reader(small.Body)
			if small.Header().Get("Content-Encoding") == "gzip" {
				unpacked, err := gzip.NewReader(body)
				if err != nil {
					t.Fatalf("%s: %v", target, err)
				}
				body = unpacked
			}
			got, err := io.ReadAll(body)
			if err != nil || small.Code != plain.Code || string(got) != plain.Body.String() && b.err == nil {
				t.Errorf("%s: got %d, %d bytes, %v; want %d, %d bytes", target, small.Code, len(got), err, plain.Code, plain.Body.Len())
			}
		}
	}
	if w := ask(newSite(t, ward()), http.MethodHead, "/machines", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("HEAD: an answer without a body says that it is packed")
	}
}
