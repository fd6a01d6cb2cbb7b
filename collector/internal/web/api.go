package web

import (
	"encoding/json"
	"net/http"
)

func (s *site) devices(w http.ResponseWriter, r *http.Request) {
	books, err := s.Books.Snapshot(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	list(w, books.Devices)
}

func (s *site) agents(w http.ResponseWriter, r *http.Request) {
	agents, err := s.Books.Agents(r.Context())
	if err != nil {
		s.unreadable(w, err)
		return
	}
	list(w, agents)
}

func (s *site) unreadable(w http.ResponseWriter, err error) {
	s.Log.Error("read the books for the API", "error", err)
	problem(w, http.StatusInternalServerError, "the books can't be read; the log says why")
}

// list answers {"data":[…]}, an empty list rather than null.
func list[T any](w http.ResponseWriter, items []T) {
	if items == nil {
		items = []T{}
	}
	answer(w, "application/json", http.StatusOK, map[string][]T{"data": items})
}

// problem answers an error as RFC 9457 wants it.
func problem(w http.ResponseWriter, status int, detail string) {
	answer(w, "application/problem+json", status, struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(status), status, detail})
}

func answer(w http.ResponseWriter, contentType string, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(data)
	_, _ = w.Write([]byte{'\n'})
}
