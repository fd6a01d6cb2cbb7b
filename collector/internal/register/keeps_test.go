package register

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func TestANewNumberOnAMachineLeavesThePastToTheOldOne(t *testing.T) {
	h := newHospital(t)
	h.say("number,device,service\n0241354000,ABC123,Oncologie\n")
	plan := h.say("number,device,service\n0241354999,kyocera-abc123,Oncologie\n")
	if got := h.line("0241354999", time.Unix(1, 0)); got.Device != "" || got.Service != "oncologie" {
		t.Errorf("before it was named: got %+v, want no machine, its service for all times", got)
	}
	if got := h.line("0241354999", today.AddDate(0, 0, 1)); got.Device != "kyocera-abc123" {
		t.Errorf("since: got %+v, want the machine", got)
	}
	want := "line 0241354999 is new on kyocera-abc123, which is line 0241354000's; if only its number has changed, 0241354000 wants a cut_on (coupure réelle) or to be removed"
	if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0].Text, want) {
		t.Errorf("got %v\nwant %s", plan.Warnings, want)
	}
	if got, want := plan.Diff.Changes[0].in(0), "device (empty), kyocera-abc123 since 2026-11-24T09:00:00Z, service Oncologie"; got != want {
		t.Errorf("diff: got %s, want %s", got, want)
	}
	h.o.Since = Since{Always: true}
	h.say("number,device\n0241354999,kyocera-abc123\n")
	if got := h.line("0241354999", time.Unix(1, 0)); got.Device != "kyocera-abc123" {
		t.Errorf("said for all times: got %+v, want the machine", got)
	}
}

func TestTwoNewLinesOfOneMachineHaveItSinceAlways(t *testing.T) {
	h := newHospital(t)
	plan := h.say("number,device\n0241354000,ABC123\n0241354001,ABC123\n")
	for _, id := range []string{"0241354000", "0241354001"} {
		if got := h.line(id, time.Unix(1, 0)); got.Device != "ABC123" {
			t.Errorf("%s: got %+v", id, got)
		}
	}
	if len(plan.Warnings) != 0 {
		t.Errorf("got %v", plan.Warnings)
	}
}

func TestAnotherPortOfAGatewayIsNoOtherLinesPast(t *testing.T) {
	h := newHospital(t)
	h.say("number,gateway,gateway_port\n0241354000,gw-1,1\n0241354001,gw-1,2\n")
	plan := h.say("number,gateway,gateway_port\n0241354002,gw-1,3\n0241354003,gw-1,2\n")
	if got := h.line("0241354002", time.Unix(1, 0)); got.GatewayPort != "3" {
		t.Errorf("a free port: got %+v, want it for all times", got)
	}
	if got := h.line("0241354003", time.Unix(1, 0)); got.GatewayPort != "" || got.Gateway != "" {
		t.Errorf("another line's port: got %+v, want it since now", got)
	}
	if len(plan.Warnings) == 0 || !strings.Contains(plan.Warnings[0].Text+plan.Warnings[len(plan.Warnings)-1].Text, "0241354001") {
		t.Errorf("got %v", plan.Warnings)
	}
}

func TestTwoLinesSwapTheirMachines(t *testing.T) {
	h := newHospital(t)
	h.say("number,device\n0241354000,ABC123\n0241354001,ricoh-777\n")
	plan := h.say("number,device\n0241354000,ricoh-777\n0241354001,ABC123\n")
	for id, want := range map[string][2]string{"0241354000": {"ABC123", "ricoh-777"}, "0241354001": {"ricoh-777", "ABC123"}} {
		if got := [2]string{h.line(id, today).Device, h.line(id, today.AddDate(0, 0, 1)).Device}; got != want {
			t.Errorf("%s: got %v, want %v", id, got, want)
		}
	}
	if len(plan.Warnings) != 0 {
		t.Errorf("got %v", plan.Warnings)
	}
}

// The diff tells the whole truth: it is empty only where nothing is another.
func TestADiffIsEmptyOnlyWhereNothingChanges(t *testing.T) {
	units := rapid.Custom(func(t *rapid.T) []ledger.UF {
		var versions []ledger.UF
		for at := range wire.Time(rapid.IntRange(1, 3).Draw(t, "versions")) {
			versions = append(versions, ledger.UF{
				Code: "0123", From: at * 10, To: at*10 + wire.Time(rapid.IntRange(8, 10).Draw(t, "closed")),
				Service: rapid.SampledFrom([]string{"", "onco"}).Draw(t, "service"), Name: rapid.SampledFrom([]string{"", "HDJ"}).Draw(t, "name"),
			})
		}
		return versions
	})
	rapid.Check(t, func(t *rapid.T) {
		before := registers.Draw(t, "before")
		before.UFs["/0123"] = units.Draw(t, "units before")
		after := before.Clone()
		if rapid.Bool().Draw(t, "units change") {
			after.UFs["/0123"] = units.Draw(t, "units after")
		}
		lines := registers.Draw(t, "lines after").Lines
		for _, id := range slices.Sorted(maps.Keys(lines)) {
			if rapid.Bool().Draw(t, "changes") {
				after.Lines[id] = lines[id]
			}
		}
		if got, want := Compare(before, after).Empty(), reflect.DeepEqual(visible(before), visible(after)); got != want {
			t.Fatalf("empty: got %v, want %v\n%+v\n%+v", got, want, before, after)
		}
	})
}

// visible is a register without the lines that were removed.
func visible(r ledger.Register) ledger.Register {
	r = r.Clone()
	maps.DeleteFunc(r.Lines, func(_ string, versions []ledger.Declaration) bool {
		now, _ := ledger.Present(versions)
		return now.Removed
	})
	return r
}
