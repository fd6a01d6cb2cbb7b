package register

import (
	"os"
	"regexp"
	"time"

	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// ReadCopper reads the dates on which copper closes, by commune. The error is Faults.
func ReadCopper(t *Table) ([]ledger.Copper, error) {
	var faults Faults
	fault := func(row Row, column, format string, args ...any) {
		faults = append(faults, t.note(row, column, format, args...))
	}
	if !t.has("code_insee") || !t.has("fermeture_technique") && !t.has("fermeture_commerciale") {
		fault(Row{Number: 1}, "", "there are no columns code_insee and fermeture_technique or fermeture_commerciale; want the list of communes with the days on which copper closes")
		return nil, faults
	}
	seen := make(map[string]Row, len(t.Rows))
	communes := make([]ledger.Copper, 0, len(t.Rows))
	for _, row := range t.Rows {
		text, _ := t.get(row, "code_insee")
		code, doubt := commune(text)
		if code == "" || doubt != "" {
			fault(row, "code_insee", "%q is no INSEE code of a commune; want 5 characters such as 49007", text)
			continue
		}
		if before, twice := seen[code]; twice {
			fault(row, "code_insee", "commune %s is in row %d too; want it once", code, before.Number)
			continue
		}
		seen[code] = row
		x := ledger.Copper{Commune: code}
		x.Name, _ = t.get(row, "nom_commune")
		x.Lot, _ = t.get(row, "lot")
		day := func(column string) ledger.Day {
			text, _ := t.get(row, column)
			day, err := ReadDay(text)
			if err != nil {
				fault(row, column, "%v", err)
			}
			return day
		}
		x.Commercial, x.Technical = day("fermeture_commerciale"), day("fermeture_technique")
		communes = append(communes, x)
	}
	return communes, faults.err()
}

var dayInName = regexp.MustCompile(`(20[0-9]{2})[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12][0-9]|3[01])`)

// FileDay is the day of a file: the one in its name, else the one on which it was last written.
// how says which.
func FileDay(path string, zone *time.Location) (day ledger.Day, how string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	if m := dayInName.FindStringSubmatch(info.Name()); m != nil {
		if day, err := calendar(m[1], m[2], m[3]); err == nil {
			return day, "by its name", nil
		}
	}
	return dayOf(info.ModTime(), zone), "by when it was last written; --day says better", nil
}
