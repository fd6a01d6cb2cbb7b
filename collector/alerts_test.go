package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPersonSeesAndClosesAnAlertAndAnnouncesATest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "books")
	write(t, filepath.Dir(dir), "books.yml", "data_dir: books\ntime_zone: UTC\nlanguage: en\n")
	lines := write(t, filepath.Dir(dir), "lines.csv", "number;device;service;cutoff\n02 41 35 40 00;kyocera-a;Oncologie;2026-01-01\n")
	c := start(t, dir)
	command(t, dir, "import", "lines", lines)
	a := join(t, c, "ps-01")
	a.say(envelope("ps-01", 1, 1, "kyocera-a", 100))
	a.wantAck(1, "the baseline")
	if got := command(t, dir, "alert", "list"); got != "no alerts\n" {
		t.Errorf("got %q, want none yet", got)
	}
	a.say(envelope("ps-01", 2, 1, "kyocera-a", 103))
	a.wantAck(2, "three pages after the cut-off")

	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"alert", "list"}, "1   after_cutoff  0241354000  oncologie"},
		{[]string{"alert", "list"}, "3 pages  certain    -\n    planned cut-off: 1 Jan 2026\n"},
		{[]string{"alert", "close", "1", "--reason", "a technician's test", "--by", "anne"}, "alert 1 is closed\n"},
		{[]string{"alert", "list"}, "no alerts\n"},
		{[]string{"alert", "list", "--all"}, "a technician's test (anne)"},
		{
			[]string{"alert", "window", "02.41.35.40.00", "--from", "2026-11-23T14:00", "--to", "15:30", "--reason", "test"},
			"0241354000: a test from 2026-11-23 14:00:00 to 2026-11-23 15:30:00 (UTC)\n",
		},
	} {
		if got := command(t, dir, x.args...); !strings.Contains(got, x.want) {
			t.Errorf("%v: got\n%s\nwant %s", x.args, got, x.want)
		}
	}
	var list struct {
		Data []struct {
			Kind, Certainty string
			Count           int64
			Evidence        []string
		}
	}
	if err := json.Unmarshal([]byte(command(t, dir, "alert", "list", "--all", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Data) != 1 || list.Data[0].Kind != "after_cutoff" || list.Data[0].Count != 3 || len(list.Data[0].Evidence) == 0 {
		t.Errorf("as JSON: got %+v", list)
	}

	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"alert", "close", "1", "--reason", "again"}, "1"},
		{[]string{"alert", "close", "77", "--reason", "x"}, "77"},
		{[]string{"alert", "window", "0999999999", "--from", "2026-11-23T14:00", "--to", "15:30", "--reason", "x"}, `no line "0999999999"`},
		{[]string{"alert", "window", "0241354000", "--from", "tomorrow", "--to", "15:30", "--reason", "x"}, `--from "tomorrow"; want a time such as 2026-11-23T14:00`},
		{[]string{"alert", "window", "0241354000", "--from", "2026-11-23T14:00", "--to", "13:00", "--reason", "x"}, "--to 13:00 is not after --from"},
	} {
		var out, faults strings.Builder
		code := run(context.Background(), append(x.args, "--config", dir+".yml"), &out, &faults)
		if code == 0 || !strings.Contains(faults.String(), x.want) {
			t.Errorf("%v: exit code %d\n%s\nwant %s", x.args, code, faults.String(), x.want)
		}
	}
}
