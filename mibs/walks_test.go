package mibs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

// expected is what matters of a device and its reading.
type expected struct {
	profile  string
	id       string
	fax      wire.Answer
	counters []string // "measure value unit", in the order of wire.Measures
	service  wire.FaxService
	lines    []string // "port status"
}

// The walks of real devices, as far as they tell of faxes.
var faxWalks = map[string]expected{
	"kyocera/cs-4053ci": {"kyocera", "kyocera-rh28y00024", wire.Yes, []string{"fax_sent_pages 948 pages", "fax_printed_pages 2493 pages"}, wire.ServiceReady, []string{" unknown"}},
	"xerox/workcentre-7845_a": {
		"xerox", "xerox-3913850890", wire.Yes,
		[]string{"fax_sent_pages 130 images", "fax_received_pages 75 images", "fax_printed_pages 75 impressions"},
		wire.ServiceReady, nil,
	},
	"xerox/workcentre-7845_b": {
		"xerox", "xerox-3913850890", wire.Yes,
		[]string{"fax_sent_pages 130 images", "fax_received_pages 78 images", "fax_printed_pages 78 impressions"},
		wire.ServiceReady, nil,
	},
	"xerox/workcentre-6605dn": {
		"xerox", "xerox-3180945058", wire.Yes,
		[]string{"fax_sent_pages 180 images", "fax_printed_pages 12 impressions"},
		wire.ServiceReady, nil,
	},
	"xerox/altalink-c8135": {
		"xerox", "xerox-3773631327", wire.Yes,
		[]string{"fax_sent_pages 0 images", "fax_received_pages 0 images", "fax_printed_pages 0 impressions"},
		wire.ServiceUnavailable, nil,
	},
	"xerox/workcentre-71xx_partial": {"xerox", "", wire.Yes, []string{"fax_sent_pages 130 images", "fax_printed_pages 108 impressions"}, "", nil},
	"xerox/workcentre-72xx_partial": {
		"xerox", "", wire.Yes,
		[]string{"fax_sent_pages 225 images", "fax_received_pages 138 images", "fax_printed_pages 138 impressions"},
		"", nil,
	},
	"xerox/workcentre-75xx_partial": {
		"xerox", "", wire.Unknown,
		[]string{"fax_sent_pages 0 images", "fax_received_pages 0 images", "fax_printed_pages 0 impressions"},
		"", nil,
	},
	"xerox/workcentre-78xx_partial": {"xerox", "", wire.Unknown, nil, "", nil},
	"xerox/phaser-3200mfp_partial":  {"xerox", "", wire.Unknown, []string{"fax_sent_pages 0 images", "fax_received_pages 0 images"}, "", nil},
	"lexmark/xc9235_a": {
		"lexmark", "lexmark-7559030010813", wire.No,
		[]string{"fax_printed_pages 0 sides", "fax_sent 0 faxes"},
		"", nil,
	},
	"lexmark/xc9235_new_partial": {"lexmark", "", wire.Unknown, []string{"fax_printed_pages 0 sides"}, "", nil},
	"lexmark/xc4240_partial":     {"lexmark", "", wire.Unknown, []string{"fax_printed_pages 0 sides"}, "", nil},
	"gateways/grandstream-ht802_trimmed": {
		"grandstream-ht8xx", "grandstream-mac-c074ad8b1093", wire.Unknown, nil, "", []string{"1 idle", "2 down"},
	},
	"gateways/audiocodes-mp118_trimmed": {
		"audiocodes", "audiocodes-10512508", wire.Yes, nil, "",
		[]string{"1 idle", "2 idle", "3 idle", "4 idle", "5 idle", "6 idle", "7 idle", "8 idle"},
	},
	"samsung/m4080fx_trimmed": {"printer", "samsung-mac-8425191deb52", wire.Yes, nil, "", nil},
}

// Who the other devices are, where a vendor's profile fits. No walk but those above may tell a fax counter.
var otherWalks = map[string]expected{
	"gateways/grandstream-ht8xx-old_trimmed":  {"grandstream-ht8xx", "", wire.Unknown, nil, "", nil},
	"gateways/patton-sn4971_trimmed":          {"patton", "patton-00a0ba0bd1ec", wire.Unknown, nil, "", nil},
	"gateways/alcatel-omnipcx_trimmed":        {"alcatel-oxe", "alcatel-lucent-mac-00505685759d", wire.Unknown, nil, "", nil},
	"xerox/phaser-6130n":                      {"xerox", "", wire.No, nil, "", nil},
	"kyocera/utax-p-4532dn_trimmed":           {"kyocera", "kyocera-r9l0309954", wire.No, nil, "", nil},
	"kyocera/fs-1028mfp_sys":                  {"kyocera", "kyocera-quv9600664", wire.Unknown, nil, "", nil},
	"brother/hl-l8260cdw":                     {"brother", "brother-u64641e7j134163", wire.Unknown, nil, "", nil},
	"brother/mfc-l2710dw_trimmed":             {"brother", "brother-000a5j431816", wire.Unknown, nil, "", nil},
	"brother/dcp-9020cdw_partial":             {"brother", "brother-e71833c4j372261", wire.Unknown, nil, "", nil},
	"brother/mfc-5490cn_partial":              {"brother", "", wire.Unknown, nil, "", nil}, // its serial was made unreadable
	"hp/laserjet-mfp-m130nw_trimmed":          {"hp", "hp-vncrc48198", wire.Unknown, nil, "", nil},
	"hp/color-laserjet-m452nw_trimmed":        {"hp", "hp-aaa0a00000", wire.Unknown, nil, "", nil},
	"hp/color-laserjet-flow-mfp-m880_trimmed": {"hp", "hp-mac-10e7c662708e", wire.Unknown, nil, "", nil},
	"ricoh/aficio-mp-c3002_trimmed":           {"ricoh", "ricoh-w492kb03439", wire.Yes, nil, "", nil},
	"ricoh/gestetner-mp-c2500_sys":            {"ricoh", "ricoh-m6394300657", wire.Unknown, nil, "", nil},
	"ricoh/mp-3053_sys":                       {"", "", wire.Unknown, nil, "", nil},
	"canon/lbp6670_trimmed":                   {"canon", "canon-mkra012345", wire.Unknown, nil, "", nil},
	"konica/bizhub-c250i_trimmed":             {"konica-minolta", "konica-minolta-aa2m021115700", wire.Unknown, nil, "", nil},
	"konica/bizhub-c3110_trimmed":             {"konica-minolta", "konica-minolta-mac-00206b67ef7c", wire.Unknown, nil, "", nil},
	"epson/cw-c6500au":                        {"epson", "epson-x7f4008528", wire.Unknown, nil, "", nil},
	"epson/wf-c5790ba_trimmed":                {"printer", "epson-x3b8022793", wire.Unknown, nil, "", nil},
	"oki/mc873_trimmed":                       {"printer", "oki-mac-002536d1a65e", wire.Unknown, nil, "", nil},
	"fujifilm/apeos-c7580_trimmed":            {"printer", "xerox-tc101642170085", wire.Unknown, nil, "", nil},
	"toshiba/e-studio2505ac_sys":              {"", "", wire.Unknown, nil, "", nil},
	"lexmark/t640_sys":                        {"", "", wire.Unknown, nil, "", nil},
	"sharp/mx-3570n_trimmed":                  {"sharp", "sharp-6509415x00", wire.Unknown, nil, "", nil},
	"dell/s5830dn_trimmed":                    {"printer", "lexmark-7xq1r92-132-13", wire.Unknown, nil, "", nil},
	"toshiba/b-fv4-label-printer_sys":         {"", "", wire.Unknown, nil, "", nil},
}

// Some walks lack the system group, so what such models say is added.
var missingSystem = []struct{ file, descr, objectID string }{
	{"xerox/workcentre-7845", "Xerox WorkCentre 7845", "1.3.6.1.4.1.253.8.62.1.20.6.26.1.1"},
	{"xerox/", "Xerox", "1.3.6.1.4.1.253.8.62.1.1"},
	{"lexmark/", "Lexmark", "1.3.6.1.4.1.641.6.2.1"},
}

func TestWalksOfRealDevicesReadAsTheirReadmeSays(t *testing.T) {
	dir := walksDir()
	if dir == "" {
		t.Log("no ../shared/walks beside the repository: nothing to read")
		return
	}
	set := builtin(t)
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".snmprec") {
			return err
		}
		name, _ := filepath.Rel(dir, strings.TrimSuffix(path, ".snmprec"))
		name = filepath.ToSlash(name)
		seen++
		t.Run(name, func(t *testing.T) { readWalk(t, set, name, path) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(faxWalks) + len(otherWalks); seen < want {
		t.Errorf("found %d walks, want at least the %d of the tables", seen, want)
	}
}

func readWalk(t *testing.T, set *mibs.Set, name, path string) {
	d, r := readRecording(t, set, loadWalk(t, name, path))
	t.Logf("id %q, profile %q, %q %q, fax %s (%s)", d.ID, d.Profile, d.Identity.Vendor, d.Identity.Model, d.Fax, d.FaxWhy)
	t.Logf("%s; %d OIDs a poll", d.Why, len(d.OIDs(mibs.Lines|mibs.Counters)))
	for _, m := range d.Measures(r.Reading) {
		t.Logf("  %s = %d %s, %s (%s) %s", m.Measure, m.Value, m.Unit, m.Rule, m.OID, m.Note)
	}
	for _, l := range r.Reading.Lines {
		t.Logf("  line %q %s: %s", l.Port, l.Status, l.Evidence)
	}
	t.Logf("  service %q, unknown: %s; warnings: %q", r.Reading.FaxService, strings.Join(r.Unknown, ", "), r.Warnings)

	got := expectedOf(d, r)
	want, isFax := faxWalks[name]
	if other, known := otherWalks[name]; known {
		want = other
	} else if !isFax {
		for _, c := range r.Reading.Counters {
			t.Errorf("claims %s = %d", c.Measure, c.Value)
		}
		if d.Fax == wire.Yes || r.Reading.FaxService != "" || len(r.Reading.Lines) > 0 {
			t.Errorf("claims fax %s, service %q, lines %v", d.Fax, r.Reading.FaxService, r.Reading.Lines)
		}
		return
	}
	if got.profile != want.profile || got.id != want.id || got.fax != want.fax || got.service != want.service ||
		!slices.Equal(got.counters, want.counters) || !slices.Equal(got.lines, want.lines) {
		t.Errorf("\ngot  %+v\nwant %+v", got, want)
	}
}

// Half a recording, without the system group, is read by what its own objects prove.
func TestWalksWithoutASystemGroupReadTheSame(t *testing.T) {
	dir := walksDir()
	if dir == "" {
		t.Log("no ../shared/walks beside the repository: nothing to read")
		return
	}
	set := builtin(t)
	for name, want := range faxWalks {
		if want.profile == "printer" {
			continue // who made it is only known from its sysObjectID
		}
		t.Run(name, func(t *testing.T) {
			whole := loadWalk(t, name, filepath.Join(dir, filepath.FromSlash(name)+".snmprec"))
			d, r := readRecording(t, set, withoutSystem(whole))
			got := expectedOf(d, r)
			if got.profile != want.profile || got.id != want.id || got.fax != want.fax || !slices.Equal(got.counters, want.counters) {
				t.Errorf("\ngot  %+v\nwant %+v", got, want)
			}
		})
	}
}

func withoutSystem(whole *mibs.Recording) *mibs.Recording {
	return mibs.NewRecording(slices.DeleteFunc(slices.Clone(whole.Varbinds()), func(vb mibs.Varbind) bool {
		return vb.OID == "1.3.6.1.2.1.1.1.0" || vb.OID == "1.3.6.1.2.1.1.2.0"
	}))
}

func TestARecordingWithoutASystemGroupIsReadByItsOwnObjects(t *testing.T) {
	set := builtin(t)
	for _, name := range []string{"xerox", "lexmark", "kyocera", "ricoh-mono", "brother", "panasonic", "toshiba", "audiocodes"} {
		whole := fixture(t, name)
		want, _ := readRecording(t, set, whole)
		if got, _ := readRecording(t, set, withoutSystem(whole)); got.Profile != want.Profile || got.ID != want.ID || got.Profile == "printer" {
			t.Errorf("%s: got %s by %s, want %s by %s", name, got.ID, got.Profile, want.ID, want.Profile)
		}
	}
}

// walksDir is where real devices' walks lie beside the repository, empty if they don't.
func walksDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(filepath.Dir(dir), "shared", "walks")
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

func loadWalk(t *testing.T, name, path string) *mibs.Recording {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := mibs.ParseRecording(file)
	if err != nil {
		t.Fatal(err)
	}
	if first := r.Varbinds()[0].OID; strings.HasPrefix(first, "1.3.6.1.2.1.1.") {
		return r
	}
	for _, missing := range missingSystem {
		if strings.HasPrefix(name, missing.file) {
			r.Put("1.3.6.1.2.1.1.1.0", mibs.Value{Kind: mibs.OctetString, Bytes: []byte(missing.descr)})
			r.Put("1.3.6.1.2.1.1.2.0", mibs.Value{Kind: mibs.ObjectID, OID: missing.objectID})
			break
		}
	}
	return r
}
