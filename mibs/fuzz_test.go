package mibs_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/zerofax/zerofax/mibs"
)

// FuzzRecording: what could be read of any file is written so that the same is read again.
func FuzzRecording(f *testing.F) {
	for _, name := range []string{"kyocera", "damaged", "grandstream-ht8xx"} {
		f.Add([]byte(written(f, fixture(f, name))))
	}
	f.Add([]byte(".1.3.6.1.2.1.1.1.0 = STRING: \"a\nb\"\n.1.3.7 = Hex-STRING: 00 1B\n2C\n.1.3.8 = INTEGER: up(1)\n.1.3.9 = Network Address: C0:00:02:01\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := mibs.ParseRecording(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := mibs.ParseRecording(strings.NewReader(written(t, first)))
		if err != nil || len(again.Warnings) > 0 {
			t.Fatalf("what was written can't be read: %v, %q", err, again.Warnings)
		}
		if !reflect.DeepEqual(first.Varbinds(), again.Varbinds()) {
			t.Errorf("written and read again:\n%s", firstDifference(written(t, again), written(t, first)))
		}
	})
}

// patient is an Asker that is asked no end of things, but not for ever.
type patient struct {
	mibs.Asker
	left int
}

var errImpatient = errors.New("asked too often")

func (p *patient) Get(ctx context.Context, oids []string) (mibs.Answers, error) {
	for _, oid := range oids {
		if _, err := mibs.ParseOID(oid); err != nil {
			return nil, err
		}
	}
	if p.left--; p.left < 0 {
		return nil, errImpatient
	}
	return p.Asker.Get(ctx, oids)
}

func (p *patient) Column(ctx context.Context, root string, max int) ([]mibs.Varbind, error) {
	if p.left--; p.left < 0 {
		return nil, errImpatient
	}
	return p.Asker.Column(ctx, root, max)
}

// FuzzProfile: any profile is faulty or fit for any device: it comes to an end, asks only what can be
// sent, and makes readings that the collector takes.
func FuzzProfile(f *testing.F) {
	device := []byte(written(f, wardFax()))
	f.Add([]byte(ward), device)
	f.Add([]byte(strings.NewReplacer("is: [Fax]", "is: [Fax], all: true, grows: true", "unit: pages", "unit_oid: 'w.4.{fax}', unit_map: {'': pages, fax: sheets}").Replace(ward)), device)
	f.Add([]byte(strings.Replace(ward, "w.5.{fax}", "w.5.? + w.5.{fax}\n    as: float", 1)), device)
	f.Add([]byte(strings.Replace(ward, "is: [Fax]", "matches: '.', all: true, take: 1", 1)), device)
	f.Add([]byte(ward+"lines: {ports: [{column: w.4, is: [Fax], plus: 1}], names: [{oid: 'w.5.{port}', take: '(.)'}], about: [{what: y, oid: 'w.4.{port}', fax: x}], status: [{what: x, oid: 'w.4.{port}', map: {fax: busy, 2..4: idle, 1..: down}}], source: x}\n"), device)
	f.Add([]byte(ward+"checks: [{total: w.5.1, parts: [w.5.2, 'w.5.{fax}'], source: x}]\nquirks: {v1: true, bulk: false, max_oids: 5}\n"), device)
	f.Add([]byte(ward), []byte("1.3.6.1.4.1.99999.4.1|4|Fax\n"))
	f.Fuzz(func(t *testing.T, profile, recording []byte) {
		fault := mibs.CheckProfile("x.yml", profile)
		set, err := new(mibs.Set).With(fstest.MapFS{"x.yml": {Data: profile}})
		if (fault == nil) != (err == nil) {
			t.Fatalf("checked: %v; loaded: %v", fault, err)
		}
		if err != nil {
			return
		}
		r, err := mibs.ParseRecording(bytes.NewReader(recording))
		if err != nil {
			return
		}
		asker := &patient{r, 20_000}
		d, err := set.Identify(context.Background(), asker)
		if err != nil {
			t.Fatalf("identify: %v", err)
		}
		d.Measures(poll(t, d, asker).Reading)
		for _, p := range set.Profiles() {
			p.Fits()
		}
	})
}

// FuzzMask: to mask again changes nothing, and a phone number survives in no neighbourhood.
func FuzzMask(f *testing.F) {
	const number = "241357986"
	for _, name := range []string{"kyocera", "audiocodes", "linux", "xerox"} {
		f.Add([]byte(written(f, fixture(f, name))), "Fax ", ", page 2")
	}
	f.Add([]byte("1.3.6.1.2.1.1.1.0|4x|fde8c3a9\n1.3.6.1.4.1.1.1|64|10.0.0.7\n1.3.6.1.4.1.1.2|4|10.0.0.7 0x1 00:1b:2c:3d:4e:5f\n"), "1.2.3.", ":")
	set := builtin(f)
	f.Fuzz(func(t *testing.T, data []byte, before, behind string) {
		r, err := mibs.ParseRecording(bytes.NewReader(data))
		if err != nil {
			return
		}
		const oid = "1.3.6.1.4.1.99999.77.1"
		r.Put(oid, mibs.Value{Kind: mibs.OctetString, Bytes: []byte(before + "0" + number + behind)})
		once, what := set.Mask(r)
		for _, vb := range once.Varbinds() {
			if vb.OID == oid && strings.Contains(string(vb.Value.Bytes), number) {
				t.Errorf("%q survives in %q", number, vb.Value.Bytes)
			}
		}
		twice, _ := set.Mask(once)
		if got, want := written(t, twice), written(t, once); got != want && what.Differs == "" {
			t.Errorf("masked again:\n%s", firstDifference(got, want))
		}
	})
}
