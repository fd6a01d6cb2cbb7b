package status

import (
	"fmt"
	"iter"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

var noon = wire.TimeOf(time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC))

// agent is one that is how a test wants it.
type agent struct {
	targets []Target
	last    map[string]Last
	link    Link
	spool   Spool
	quiet   time.Duration
	ranges  []string
	central Central
	listen  string

	journals []Journal
}

func linked() *agent {
	return &agent{
		last: map[string]Last{}, listen: "127.0.0.1:8781",
		link:  Link{Connected: noon.Add(-3 * time.Hour), LastAck: noon.Add(-2 * time.Second), Acks: 321, Sent: 322},
		spool: Spool{MaxBytes: 256_000_000, Free: 12_345_678_901},
	}
}

// ward looks at one of each kind of machine.
func ward() *agent {
	a := linked()
	a.spool.Envelopes, a.spool.Bytes, a.spool.Oldest = 3, 45_678, noon.Add(-90*time.Second)
	a.add(Target{
		Address: "10.12.4.20", Device: "kyocera-vcf1234567", Profile: "kyocera", Fax: wire.Yes, FaxWhy: "it counts fax pages",
		Why:      "sysObjectID 1.3.6.1.4.1.1347.41 and the fax counters of its maker",
		Identity: wire.Identity{Vendor: "kyocera", Model: "TASKalfa 3253ci", Serial: "VCF1234567", Name: "COP-URG-02", Location: "Urgences, poste de soins"},
	}, kyocera())
	a.add(Target{
		Address: "10.12.4.30", Device: "grandstream-000b82aabbcc", Profile: "grandstream", Fax: wire.Unknown, Source: "10.12.4.0/24",
		Identity: wire.Identity{Vendor: "grandstream", Model: "GXW4224"},
	}, gateway())
	printer := Target{Address: "10.12.4.40:1161", Device: "hp-cnb1234567", Profile: "printer", Fax: wire.No, Identity: wire.Identity{Vendor: "hp", Model: "HP LaserJet M404"}}
	a.add(printer, Last{Looks: []Look{{At: noon.Add(-42 * time.Second)}}})
	slowly := Target{
		Address: "10.12.4.41", Device: "ricoh-w1", Profile: "ricoh", Fax: wire.Yes, Took: 2800 * time.Millisecond, Waits: "it answers slowly: the last look took 3s",
		Identity: wire.Identity{Vendor: "ricoh", Model: "IM C3000", Name: "un-nom-de-machine-donne-par-un-technicien-qui-n-a-mis-aucune-espace-dans-ce-nom-tres-tres-long"},
	}
	a.add(slowly, Last{Looks: []Look{{At: noon.Add(-10 * time.Second), Result: mibs.Result{Reading: wire.Reading{FaxService: wire.ServiceAttention}}}}})
	a.targets = append(a.targets,
		Target{
			Address: "10.12.4.50", Device: "lexmark-7016abcdef", Profile: "lexmark", Fax: wire.Yes, Identity: wire.Identity{Vendor: "lexmark", Model: "MX622ade"},
			LastLook: noon.Add(-30 * time.Second), LastAnswer: noon.Add(-3 * 24 * time.Hour), Next: noon.Add(4 * time.Minute), Took: 6 * time.Second,
			Error: "no answer from 10.12.4.50:161 (3 tries of 2s)", Failures: 9, Waits: "looked at every 5m0s until it answers",
		},
		Target{Address: "imp-archives.chu.example", LastLook: noon.Add(-time.Minute), Next: noon.Add(time.Minute), Error: "lookup imp-archives.chu.example: no such host", Failures: 3},
		Target{
			Address: "10.12.5.20", Device: "kyocera-vcf1234567", Profile: "kyocera", Fax: wire.Yes, DoubleOf: "10.12.4.20",
			LastLook: noon.Add(-5 * time.Minute), LastAnswer: noon.Add(-5 * time.Minute), Next: noon.Add(10 * time.Minute), Waits: "only looked at now and then, to see whether it is still there",
		},
		Target{Address: "10.12.4.99"})
	return a
}

// archive follows journals: one read to its end, one huge, one that isn't there.
func archive() *agent {
	a := ward()
	a.link.Events = true
	a.journals = []Journal{
		{
			Name: "hylafax", Path: "/var/spool/hylafax/etc/xferfaxlog", File: "/var/spool/hylafax/etc/xferfaxlog", Files: 1, Read: 123_456, Size: 123_456,
			Last: noon.Add(-7 * time.Minute), Events: 1234, Skipped: 5, Rejected: 2, Why: map[string]int64{"date can't be read": 2, "no fax sent or received": 5},
		},
		{
			Name: "pabx", Path: "/var/log/asterisk/cdr-csv/Master.csv*", Files: 3, Read: 1_200_000_000, Size: 4_500_000_000, Last: noon.Add(-300 * 24 * time.Hour),
			Events: 48_211, Skipped: 1_904_377, Why: map[string]int64{"no call of a fax line": 1_904_377},
		},
		{Name: "mfp", Path: `D:\exports\fax-*.csv`, Error: `open D:\exports\fax-2026-10.csv: Access is denied.`},
	}
	return a
}

func (a *agent) add(t Target, last Last) {
	t.LastLook, t.LastAnswer, t.Next = noon.Add(-42*time.Second), noon.Add(-42*time.Second), noon.Add(18*time.Second)
	if t.Took == 0 {
		t.Took = 12 * time.Millisecond
	}
	a.targets, a.last[t.Address] = append(a.targets, t), last
}

func kyocera() Last {
	const uptime = "1.3.6.1.2.1.1.3.0"
	sent, printed := "1.3.6.1.4.1.1347.46.10.1.1.1.4", "1.3.6.1.4.1.1347.46.10.1.1.1.5"
	return Last{Looks: []Look{
		{At: noon.Add(-42 * time.Second), Answers: []Answer{said(uptime, mibs.TimeTicks, 8_640_000, "sysUpTime")}, Result: mibs.Result{
			Reading: wire.Reading{Device: "kyocera-vcf1234567", At: noon.Add(-42 * time.Second), OK: true, UptimeMS: 86_400_000, FaxService: wire.ServiceReady},
			Unknown: []string{"the state of its phone line", "something new that it can't tell"},
		}},
		{At: noon.Add(-4 * time.Minute), Answers: []Answer{
			said(uptime, mibs.TimeTicks, 8_620_000, "sysUpTime"),
			{OID: "1.3.6.1.2.1.43.5.1.1.17.1", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte("VCF1234567")}, Told: true},
			{OID: "1.3.6.1.4.1.1347.43.5", Value: mibs.Value{Kind: mibs.OctetString, Bytes: []byte{0x00, 0x11, 0xff, 'A'}}, Told: true},
			said(sent, mibs.Counter, 12345, "fax_sent_pages"), said(printed, mibs.Counter, 88, "fax_printed_pages"),
			{OID: "1.3.6.1.4.1.1347.99.1"},
		}, Result: mibs.Result{
			Reading:  wire.Reading{Device: "kyocera-vcf1234567", At: noon.Add(-4 * time.Minute), OK: true, Counters: []wire.Counter{{Measure: wire.FaxSentPages, Unit: "pages", Rule: "kyocera/sent", Value: 12345}}},
			Warnings: []string{"sent and received don't add up to the total"},
		}, Measures: []mibs.Measured{
			{Measure: wire.FaxSentPages, Unit: "pages", OID: sent, Certainty: "mib+walk", Note: "counts originals scanned for a fax", Rule: "kyocera/fax_sent_pages.1", Value: 12345},
			{Measure: wire.FaxPrintedPages, Unit: "pages", OID: printed, Certainty: "walk", Rule: "kyocera/fax_printed_pages.1", Value: 88},
		}},
	}}
}

func said(oid string, kind mibs.Kind, n int64, use string) Answer {
	return Answer{OID: oid, Value: mibs.Value{Kind: kind, Int: n}, Told: true, Use: use}
}

func gateway() Last {
	var lines []wire.Line
	for i, status := range []wire.LineStatus{wire.LineIdle, wire.LineBusy, wire.LineDown, wire.LineUnknown, wire.LineIdle, wire.LineIdle} {
		lines = append(lines, wire.Line{Port: fmt.Sprintf("FXS%d", i+1), Status: status, Evidence: "hook state 1, registration 1", Fax: wire.Unknown})
	}
	return Last{Looks: []Look{{At: noon.Add(-42 * time.Second), Result: mibs.Result{Reading: wire.Reading{Lines: lines, OK: true}}}}}
}

// fleet is many of the same.
func fleet(n int) *agent {
	a := linked()
	for i := range n {
		t := ward().targets[0]
		t.Address, t.Device = fmt.Sprintf("10.12.%d.%d", i/250, i%250+1), fmt.Sprintf("kyocera-vcf%07d", i)
		a.targets, a.last[t.Address] = append(a.targets, t), kyocera()
		if i%50 == 17 {
			silent := &a.targets[i]
			silent.Error, silent.Failures, silent.Waits, silent.LastAnswer = "no answer from 10.12.4.50:161 (3 tries of 2s)", 4, "looked at every 5m0s until it answers", noon.Add(-time.Hour)
		}
	}
	return a
}

func newPage(t testing.TB, a *agent) *Page {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{
		Agent: "ps-01", Version: "0.2.0", Collector: "mqtt://127.0.0.1:1883", Listen: a.listen, Ranges: a.ranges, Started: noon.Add(-26 * time.Hour).Std(),
		Targets: func() iter.Seq[Target] { return slices.Values(a.targets) }, Last: func(address string) (Last, bool) { last, ok := a.last[address]; return last, ok },
		Central:  func() Central { return a.central },
		Journals: func() []Journal { return a.journals },
		Link:     func() Link { return a.link }, Spool: func() Spool { return a.spool }, Quiet: func() time.Duration { return a.quiet },
		SNMP:    func() Traffic { return Traffic{Requests: 1000, Retries: 12, Rediscoveries: 1} },
		Figures: NewFigures(), Location: paris, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: noon.Std,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask sends a request to http://127.0.0.1:8781; headers are pairs of name and value.
func ask(p *Page, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:8781"+target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if strings.EqualFold(headers[i], "Host") {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w
}
