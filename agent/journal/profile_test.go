package journal_test

import (
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/journal"
	"github.com/zerofax/zerofax/agent/wire"
)

func TestFaultsOfAProfileAreToldWithTheirLines(t *testing.T) {
	t.Parallel()
	const good = "name: sagem\ndate: JJ/MM/AAAA HH:MM\ncolumns: {at: Date, direction: Sens, local: Local, remote: Distant}\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "x.yml:1: name: want [a-z0-9-]{1,63}"},
		{"an unknown key", good + "colums: 1\n", `x.yml:4: unknown key "colums"`},
		{"an unknown format", "name: a\nformat: rightfax\n", "x.yml:2: format: want hylafax, asterisk, cucm, oxe or csv"},
		{"a table's key with a built-in format", "name: a\nformat: oxe\nskip: 2\n", "x.yml:3: skip: want it with format: csv only"},
		{"an unknown zone", good + "zone: Mars/Paris\n", "x.yml:4: zone: want a zone that is known here, such as Europe/Paris, or UTC"},
		{"a unit", good + "unit: page\n", "x.yml:4: unit: want message or call"},
		{"a delimiter", good + "delimiter: ';;'\n", "x.yml:4: delimiter: want one character such as ;, or tab"},
		{"an encoding", good + "encoding: latin\n", "x.yml:4: encoding: want auto, utf-8 or windows-1252"},
		{"no date", "name: a\ncolumns: {at: 1, from: 2}\n", "x.yml:1: date: want the form of dates, such as JJ/MM/AAAA HH:MM"},
		{"a date that none understands", strings.Replace(good, "JJ/MM/AAAA", "QQ/MM/AAAA", 1), "x.yml:2: date: want letters such as"},
		{"no column of the date", "name: a\ndate: unix\ncolumns: {from: 2}\n", "x.yml:3: columns: want at: the column of the date"},
		{"no numbers", "name: a\ndate: unix\ncolumns: {at: 2}\n", "x.yml:3: columns: want either local and remote, or from and to"},
		{"no direction", "name: a\ndate: unix\ncolumns: {at: 2, local: x}\n", "x.yml:3: columns: want a direction, or one for the whole journal beside the columns"},
		{"two directions", good + "direction: sent\n", "x.yml:3: columns: want a direction, or one"},
		{"a direction with from and to", "name: a\ndate: unix\ndirection: sent\ncolumns: {at: 2, from: x}\n", "x.yml:4: columns: want no direction with from and to, which tell it themselves"},
		{"names without a header", good + "header: false\n", "x.yml:3: columns: want numbers from 1, since there is no header"},
		{"a meaning", good + "values: {result: {OK: good}}\n", "x.yml:4: values: want directions sent, received or skip; results done, failed or skip"},
		{"a direction for a result", good + "values: {result: {OK: sent}}\n", "x.yml:4: values: want directions"},
	} {
		if _, err := journal.Load("x.yml", []byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := journal.Load("x.yml", []byte(good)); err != nil {
		t.Errorf("got error %v of a good one", err)
	}
}

func TestBuiltInProfilesAreThoseOfTheFormats(t *testing.T) {
	t.Parallel()
	for _, name := range journal.Formats() {
		p := builtin(t, name)
		if calls := name != "hylafax"; p.Calls() != calls || (p.Measures() == wire.Call) != calls || p.String() != name {
			t.Errorf("%s: got calls %t, %s", name, p.Calls(), p.Measures())
		}
	}
	for _, name := range []string{"csv", "", "rightfax"} {
		if _, ok := journal.Builtin(name); ok {
			t.Errorf("%q: got a built-in profile, want none", name)
		}
	}
}

func TestDatesAreReadInTheFormsOfTheProfile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ form, date, want string }{
		{"JJ/MM/AAAA HH:MM:SS", "03/11/2026 09:05:07", "2026-11-03T08:05:07.000Z"},
		{"DD/MM/YYYY HH:mm", "3/11/2026 9:05", "2026-11-03T08:05:00.000Z"},
		{"MM/DD/YY hh:mm PM", "11/03/26 09:05 PM", "2026-11-03T20:05:00.000Z"},
		{"AAAAMMJJHHMMSS", "20261103090507", "2026-11-03T08:05:07.000Z"},
		{"YYYY-MM-DDTHH:mm:ssZ", "2026-11-03T09:05:07+01:00", "2026-11-03T08:05:07.000Z"},
		{"YYYY-MM-DD HH:mm:ss", "2026-11-03 09:05:07.250", "2026-11-03T08:05:07.250Z"},
		{"JJ.MM.AA à HHhMM", "03.11.26 à 09h05", "2026-11-03T08:05:00.000Z"},
		{"DD-MMM-YYYY HH:mm", "03-Nov-2026 09:05", "2026-11-03T08:05:00.000Z"},
		{"JJ/MM/AAAA", "03/11/2026", "2026-11-02T23:00:00.000Z"},
		{"unix", "1793695500", "2026-11-03T08:45:00.000Z"},
		{"unixms", "1793695500123", "2026-11-03T08:45:00.123Z"},
		{"JJ/MM/AAAA HH:MM", "11/13/2026 09:05", ""},
		{"JJ/MM/AAAA HH:MM", "03/11/0026 09:05", ""},
		{"unix", "yesterday", ""},
	} {
		p, err := journal.Load("x.yml", []byte("name: x\nheader: false\ndirection: sent\ndate: \""+c.form+"\"\ncolumns: {at: 1, remote: 2}\n"))
		if err != nil {
			t.Errorf("%s: %v", c.form, err)
			continue
		}
		row := readAll(t, p, journal.Place{Journal: "x", Zone: paris(t)}, c.date+";0241354000")[0]
		got := ""
		if row.Verdict == journal.Taken {
			got = row.Event.At.String()
		}
		if got != c.want {
			t.Errorf("%s of %s: got %q %s, want %q", c.date, c.form, got, row.Reason(), c.want)
		}
	}
}
