package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// command runs a command of the program on a collector's folder and wants that it succeeds.
func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	var out, faults strings.Builder
	if code := run(context.Background(), append(args, "--config", dir+".yml"), &out, &faults); code != 0 {
		t.Fatalf("%v: exit code %d\n%s", args, code, faults.String())
	}
	return out.String()
}

func TestAPersonDecidesWhileTheCollectorRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "books")
	write(t, filepath.Dir(dir), "books.yml", "data_dir: books\ntime_zone: UTC\n")
	c := start(t, dir)
	a := join(t, c, "ps-01")
	a.say(envelope("ps-01", 1, 1, "kyocera-a", 100))
	a.wantAck(1, "the baseline")
	a.say(envelope("ps-01", 2, 1, "kyocera-a", 5100))
	a.wantAck(2, "a jump")
	a.say(append(envelope("ps-01", 3, 1, "kyocera-a", 5101), strings.Repeat(" ", 1<<18)...))
	a.wantAck(3, "one that is too large")

	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"anomaly", "list"}, "5000 pages  for you to decide"},
		{[]string{"anomaly", "accept", "1", "--by", "anne", "--reason", "a mailing"}, "accepted: 5000 pages booked for kyocera-a fax_sent_pages"},
		{[]string{"anomaly", "list", "--all"}, "accepted"},
		{[]string{"quarantine", "list"}, "stream-of-tests 3  all      bad envelope"},
		{[]string{"quarantine", "show", "1"}, `"device": "kyocera-a"`},
		{[]string{"quarantine", "retry", "--all"}, "1: 1 readings booked, of 0 later ones are in the books; taken out"},
		{[]string{"verify"}, "books balance: 1 devices, 1 counters, 2 activities, 2 postings, 1 anomalies"},
	} {
		if got := command(t, dir, x.args...); !strings.Contains(got, x.want) {
			t.Errorf("%v: got\n%s\nwant %s", x.args, got, x.want)
		}
	}
	c.wantMetric(`zerofax_device_counted_total{device="kyocera-a",measure="fax_sent_pages",unit="pages"} 5001`)
	a.say(envelope("ps-01", 4, 4, "kyocera-a", 5103))
	a.wantAck(4, "what comes next")
	c.wantMetric(`zerofax_device_counted_total{device="kyocera-a",measure="fax_sent_pages",unit="pages"} 5003`)
	c.stop()
	if got := command(t, dir, "verify"); !strings.Contains(got, "3 activities") {
		t.Errorf("after the end: got %s", got)
	}
}
