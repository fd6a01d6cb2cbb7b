package web

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/zerofax/zerofax/collector/internal/register"
)

// targetTable is the table of all targets, as import targets takes it: CSV, or XLSX where the path ends so.
func (s *site) targetTable(w http.ResponseWriter, r *http.Request) {
	books, err := s.books(r).Snapshot(r.Context())
	if err != nil {
		s.noTable(w, err)
		return
	}
	speech := s.speech(r, books.At)
	name, write := "zerofax-objectifs.csv", register.Targets.WriteCSV
	if strings.HasSuffix(r.URL.Path, ".xlsx") {
		name, write = "zerofax-objectifs.xlsx", register.Targets.WriteXLSX
	}
	var table bytes.Buffer
	if err := write(&table, speech.language(), register.ExportTargets(books.Register)); err != nil {
		s.noTable(w, err)
		return
	}
	download(w, name, table.Bytes())
}
