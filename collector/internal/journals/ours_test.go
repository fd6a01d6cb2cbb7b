package journals_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/collector/internal/journals"
	"github.com/zerofax/zerofax/collector/internal/ledger"
	"github.com/zerofax/zerofax/collector/internal/register"
)

func TestCallsOfAnotherSitesExtensionsAreNoneOfOurs(t *testing.T) {
	t.Parallel()
	r := &ledger.Register{Lines: map[string][]ledger.Declaration{
		"a": {{Line: "a", Number: "0241354512", Extension: "4512", Place: ledger.Place{Site: "angers"}}},
		"b": {{Line: "b", Extension: "7700", Place: ledger.Place{Site: "cholet"}}},
		"c": {{Line: "c", Number: "0241354599"}}, // known by its number only
	}}
	var log strings.Builder
	for _, extension := range []string{"4512", "7700", "4599", "4250"} {
		fmt.Fprintf(&log, `"",%q,"0144000001","","","","","Dial","","2026-11-03 09:00:00","","",60,54,"ANSWERED","DOCUMENTATION"`+"\n", extension)
	}
	known := register.Dialling{ExtensionLength: 4, SDAPrefix: "024135"}
	for _, c := range []struct {
		name, site string
		dialling   register.Dialling
		want       []string
	}{
		{"at one site", "angers", register.Dialling{ExtensionLength: 4}, []string{"4512"}},
		{"at the other", "cholet", register.Dialling{ExtensionLength: 4}, []string{"7700"}},
		{"at all", "", register.Dialling{ExtensionLength: 4}, []string{"4512", "7700"}},
		{"where extensions tell numbers, at the other", "cholet", known, []string{"4512", "7700", "4599"}},
	} {
		p, err := journals.Find("asterisk", nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := journals.Way{Profile: p, Journal: "pabx", Site: c.site, Zone: time.UTC, Ours: journals.OurNumbers(r, c.dialling)}.Rows(strings.NewReader(log.String()))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := rows(func(row journal.Row) error {
			if row.Verdict == journal.Taken {
				got = append(got, row.Event.From)
			}
			return nil
		}); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got calls of %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}
