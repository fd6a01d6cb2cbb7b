package register

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Audit is the table of who changed what. It is only written.
var Audit = &Schema{name: "audit", columns: []Column{
	{Name: "at", French: "le"},
	{Name: "who", French: "qui"},
	{Name: "source", French: "d'après"},
	{Name: "subject", French: "objet"},
	{Name: "since", French: "valable depuis"},
	{Name: "field", French: "champ"},
	{Name: "before", French: "avant"},
	{Name: "after", French: "après"},
}}

// ExportAudit are the rows of the audit log, oldest first. Times are those of a zone.
func ExportAudit(log []ledger.Entry, zone *time.Location) [][]string {
	at := func(t wire.Time) string { return t.Std().In(zone).Format(time.RFC3339) }
	rows := make([][]string, 0, len(log))
	for _, x := range log {
		subject, since := x.Subject, ""
		if thing, from, dated := begun(subject); dated {
			subject = strings.Join(strings.Fields(thing), " ")
			switch {
			case from == 0:
			case strings.HasPrefix(subject, "targets "):
				since = writtenMonth(ledger.Month(from))
			default:
				since = at(wire.Time(from))
			}
		}
		rows = append(rows, []string{at(x.At), x.Who, x.Source, subject, since, x.Field, x.Before, x.After})
	}
	slices.Reverse(rows)
	return rows
}

// begun is what has versions, and since when the one that a subject means is valid.
func begun(subject string) (thing string, from int64, dated bool) {
	table, _, _ := strings.Cut(subject, " ")
	if !slices.Contains([]string{"declared_lines", "declared_devices", "ufs", "targets"}, table) {
		return subject, 0, false
	}
	i := strings.LastIndexByte(subject, ' ')
	from, err := strconv.ParseInt(subject[i+1:], 10, 64)
	return subject[:i], from, err == nil
}
