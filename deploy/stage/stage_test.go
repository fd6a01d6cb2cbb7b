package stage

import (
	"testing"
	"time"
)

// What the script doesn't contain proves nothing.
func TestTheHistoryHasAllThatDashboardsShow(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 20, 0, 0, time.UTC)
	h, err := build(now, historyMonths)
	if err != nil {
		t.Fatal(err)
	}
	l := newLife(h, 1)
	got := map[string]int{"services": len(h.services), "agents": len(h.agents)}
	for _, a := range h.agents {
		for _, b := range l.days(a, h.begins().Add(-hour), now) {
			got["readings"] += len(b.readings)
			if b.lost {
				got["given up"]++
			}
		}
	}
	truth := l.truth
	for _, l := range truth.Lines {
		got[l.State]++
		got["zone "+l.Service.Zone.String()]++
	}
	got["active, whatever was planned"] = truth.Count((*Line).Active)
	for _, b := range truth.Bookings {
		if b.Pages {
			got["pages "+b.Direction] += int(b.Count)
			got["month "+b.Month()] += int(b.Count)
		} else {
			got["messages "+b.Direction] += int(b.Count)
		}
		if b.Service == "" {
			got["unassigned"] += int(b.Count)
		}
	}
	got["lines faxed on after their cut-off"], got["perhaps"] = len(truth.After), len(truth.Unsure)
	t.Log(got)
	for _, what := range []string{
		"active", "quiet", "dormant", "blind", "overdue", "cut", "kept", "active, whatever was planned",
		"pages sent", "pages received", "pages unknown", "messages sent", "unassigned", "given up",
		"lines faxed on after their cut-off", "perhaps", "zone Europe/Paris", "zone Indian/Reunion", "month 2024-12", "month 2025-11", "month 2026-11",
	} {
		if got[what] == 0 {
			t.Errorf("the history has no %q", what)
		}
	}
	if got["month 2026-10"] > got["month 2025-01"]/2 {
		t.Errorf("%d pages in the end, %d in the beginning: it doesn't go down", got["month 2026-10"], got["month 2025-01"])
	}
}

// The same seed tells the same history, wherever it ends in a month or a day.
func TestTheHistoryCanEndAtAnyTime(t *testing.T) {
	for _, end := range []string{"2026-10-31T23:00:30Z", "2028-02-29T23:10:00Z"} {
		now, err := time.Parse(time.RFC3339, end)
		if err != nil {
			t.Fatal(err)
		}
		var pages [2]int64
		for i := range pages {
			h, err := build(now, historyMonths)
			if err != nil {
				t.Fatal(err)
			}
			l := newLife(h, 7)
			for _, a := range h.agents {
				l.days(a, h.begins().Add(-hour), now)
			}
			pages[i] = l.truth.Sum(true, func(b *Booking) bool { return b.Month() == now.In(h.paris).Format("2006-01") })
		}
		if pages[0] == 0 || pages[0] != pages[1] {
			t.Errorf("%s: %v pages in the last month, want the same twice, and some", end, pages)
		}
	}
}
