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
		subject, since := begun(x.Subject, zone)
		rows = append(rows, []string{at(x.At), x.Who, x.Source, subject, since, x.Field, x.Before, x.After})
	}
	slices.Reverse(rows)
	return rows
}

// begun is what a subject is, and since when the version of it that is meant is valid, or of which month it is.
func begun(subject string, zone *time.Location) (thing, since string) {
	table, _, _ := strings.Cut(subject, " ")
	i := max(0, strings.LastIndexByte(subject, ' '))
	thing, since = strings.Join(strings.Fields(subject[:i]), " "), subject[i:]
	number, err := strconv.ParseInt(strings.TrimSpace(since), 10, 64)
	switch table {
	case "declared_lines", "declared_devices", "ufs":
		if err == nil && number != 0 {
			return thing, wire.Time(number).Std().In(zone).Format(time.RFC3339)
		}
	case "targets", "mssante_volumes", "mssante_mailbox_volumes", "closings":
		return thing, writtenMonth(ledger.Month(number))
	case "mssante_addresses", "sheets":
		return thing, strings.TrimSpace(since)
	default:
		return subject, ""
	}
	return thing, ""
}
