package series

import (
	"slices"
	"testing"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

var home = ledger.Account{
	Establishment: "chu", Site: "nord", Pole: "medecine", Service: "cardiologie", Device: "xerox-1", Line: "0241354000",
}

func lines(points []*write.Point) []string {
	var all []string
	for _, p := range points {
		all = append(all, lineOf(p))
	}
	return all
}

func TestAPostingBecomesActivityAndWhatTheCounterStoodAt(t *testing.T) {
	posting := func(change func(*ledger.Posting)) ledger.Posting {
		p := ledger.Posting{
			Account: home, Measure: wire.FaxSentPages, Unit: "A4 equivalents",
			From: 1790841000000, To: 1790841600123, At: 1790841600125, Count: 3, Value: 1003,
		}
		change(&p)
		return p
	}
	const counted = `fax_counter,device=xerox-1,measure=fax_sent_pages value=1003i 1790841600123`
	for name, c := range map[string]struct {
		posting ledger.Posting
		want    []string
	}{
		"pages sent": {posting(func(*ledger.Posting) {}), []string{
			`fax_activity,device=xerox-1,direction=sent,establishment=chu,line=0241354000,pole=medecine,service=cardiologie,site=nord,unit=A4\ equivalents count=3i 1790841600125`,
			counted,
		}},
		"nobody assigned the device": {posting(func(p *ledger.Posting) { p.Account = ledger.Account{Device: "xerox-1"} }), []string{
			`fax_activity,device=xerox-1,direction=sent,unit=A4\ equivalents count=3i 1790841600125`,
			counted,
		}},
		"taken back": {posting(func(p *ledger.Posting) { p.Count = -3 }), []string{
			`fax_activity,device=xerox-1,direction=sent,establishment=chu,line=0241354000,pole=medecine,service=cardiologie,site=nord,unit=A4\ equivalents count=-3i 1790841600125`,
		}},
		"evidence": {posting(func(p *ledger.Posting) { p.Account.Evidence = true }), []string{counted}},
		"a counter's value that the ledger didn't keep": {posting(func(p *ledger.Posting) { p.Value = 0 }), []string{
			`fax_activity,device=xerox-1,direction=sent,establishment=chu,line=0241354000,pole=medecine,service=cardiologie,site=nord,unit=A4\ equivalents count=3i 1790841600125`,
		}},
		"what line protocol can't carry": {posting(func(p *ledger.Posting) {
			p.Account, p.Unit, p.Value = ledger.Account{Device: "xerox-1", Line: `nord:4\=2,a b`}, `pages\`, 0
		}), []string{
			`fax_activity,device=xerox-1,direction=sent,line=nord:4/\=2\,a\ b,unit=pages/ count=3i 1790841600125`,
		}},
	} {
		got := lines(ofPosting(&c.posting))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%q\nwant\n%q", name, got, c.want)
		}
		for _, line := range got {
			if _, _, err := parse(line); err != nil {
				t.Errorf("%s: %s: %v", name, line, err)
			}
		}
	}
}

func TestAStatusBecomesAPointUnlessNobodyKnowsOfWhat(t *testing.T) {
	const at = 1790841600123
	for name, c := range map[string]struct {
		status ledger.Status
		want   string
	}{
		"a line":                 {ledger.Status{Kind: ledger.LineStatus, Device: "audiocodes-1", Port: "2", Line: "0241354000", Value: "busy"}, `line_status,device=audiocodes-1,line=0241354000 status="busy" 1790841600123`},
		"nobody knows any more":  {ledger.Status{Kind: ledger.LineStatus, Device: "audiocodes-1", Port: "2", Line: "0241354000", Value: "unknown"}, `line_status,device=audiocodes-1,line=0241354000 status="unknown" 1790841600123`},
		"a port that is no line": {ledger.Status{Kind: ledger.LineStatus, Device: "audiocodes-1", Port: "3", Value: "busy"}, ""},
		"a device that answers":  {ledger.Status{Kind: ledger.DeviceUp, Device: "xerox-1", Agent: "ps-01", Value: "1"}, `device_status,agent=ps-01,device=xerox-1 up=1i 1790841600123`},
		"one that doesn't":       {ledger.Status{Kind: ledger.DeviceUp, Device: "xerox-1", Agent: "ps-01", Value: "0"}, `device_status,agent=ps-01,device=xerox-1 up=0i 1790841600123`},
		"one not looked at":      {ledger.Status{Kind: ledger.DeviceUp, Device: "xerox-1", Agent: "ps-01"}, ""},
	} {
		c.status.At = at
		got := ""
		if p := ofStatus(&c.status); p != nil {
			got = lineOf(p)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
