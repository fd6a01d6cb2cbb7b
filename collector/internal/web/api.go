package web

import (
	"net/http"

	"github.com/zerofax/zerofax/agent/page"
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
	page.Problem(w, http.StatusInternalServerError, "the books can't be read; the log says why")
}

// list answers {"data":[…]}, an empty list rather than null.
func list[T any](w http.ResponseWriter, items []T) {
	if items == nil {
		items = []T{}
	}
	page.Answer(w, "application/json", http.StatusOK, map[string][]T{"data": items})
}
