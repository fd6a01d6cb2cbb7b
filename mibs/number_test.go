package mibs_test

import (
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

func TestAPortsLabelTellsItsNumber(t *testing.T) {
	for label, want := range map[string]wire.Number{
		"Fax 4512":                         "4512",
		"Fax admissions 02.41.35.40.00":    "02 41 35 40 00",
		"Fax urgences +33 2 41-35-40-00":   "+33 2 41 35 40 00",
		"No fax 4512":                      "4512",
		"Fax 0241354000":                   "0241354000",
		"Fax bloc B":                       "",
		"Fax étage 2, salle 112":           "",     // rooms
		"Fax 4512 ou 4513":                 "",     // which one?
		"Fax X4512Y":                       "",     // a part's name
		"Fax 10.12.4.20":                   "",     // an address
		"Téléphone 4512":                   "4512", // may have a fax all the same
		"pas de fax 4512":                  "",     // says itself that it has none
		"Fax 12345678901234567890":         "",
		"Fax 0241354000 ou 02 41 35 40 00": "",
		"":                                 "",
	} {
		d, r := readRecording(t, builtin(t), tells(fixture(t, "audiocodes"), "1.3.6.1.4.1.5003.9.10.3.1.1.4.13.21.1.5.0", label))
		if d.ID == "" || len(r.Reading.Lines) == 0 || r.Reading.Lines[0].Number != want {
			t.Errorf("label %q: got %+v, want number %q", label, r.Reading.Lines, want)
		}
	}
}

func TestAMachineTellsItsOwnFaxNumber(t *testing.T) {
	const own = "1.3.6.1.4.1.1347.45.5.1.1.2.7"
	for number, want := range map[string]wire.Number{"0241354000": "0241354000", "02.41.35.40.00": "02 41 35 40 00", "": "", "Urgences": ""} {
		d, r := readRecording(t, builtin(t), tells(fixture(t, "kyocera"), own, number))
		got := wire.Number("")
		for _, l := range r.Reading.Lines {
			got += l.Number
			if l.Port != "" || l.Status != wire.LineUnknown {
				t.Errorf("%q: got line %+v, want the only one, and nothing of its state", number, l)
			}
		}
		if got != want {
			t.Errorf("%q: got number %q, want %q", number, got, want)
		}
		lacks := false
		for _, u := range r.Unknown {
			lacks = lacks || u == "the state of its phone line"
		}
		if !lacks || d.Fax != wire.Yes {
			t.Errorf("%q: got unknown %q; want the state of its line among them, whatever its number", number, r.Unknown)
		}
	}
}

// A number is asked for when a device is identified, and not in every poll.
func TestANumberCostsNoPoll(t *testing.T) {
	const own = "1.3.6.1.4.1.1347.45.5.1.1.2.7"
	without, _ := readRecording(t, builtin(t), fixture(t, "kyocera"))
	d, _ := readRecording(t, builtin(t), tells(fixture(t, "kyocera"), own, "0241354000"))
	if got, want := len(d.OIDs(mibs.Lines)), len(without.OIDs(mibs.Lines)); got != want {
		t.Errorf("got %d objects in each poll, want %d", got, want)
	}
}

// tells is a recording in which an object says a text.
func tells(r *mibs.Recording, oid, says string) *mibs.Recording {
	r.Put(oid, text(says))
	return r
}
