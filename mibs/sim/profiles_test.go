package sim_test

import (
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
	"github.com/zerofax/zerofax/mibs/sim"
)

const due = mibs.Lines | mibs.Counters

// The machines are made so that the profiles that come with zerofax read all they can tell.
func TestTheProfilesReadWhatTheMachinesCount(t *testing.T) {
	profiles, err := mibs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range all {
		t.Run(d.Name, func(t *testing.T) {
			device := sim.New(d, sim.Options{Number: i + 1})
			is, err := profiles.Identify(t.Context(), device.Recording())
			if err != nil {
				t.Fatal(err)
			}
			if is.ID != device.ID() {
				t.Errorf("identified as %q, want %q", is.ID, device.ID())
			}
			before := counters(t, is, device)
			device.Fax(3, 5)
			device.Print(11)
			after := counters(t, is, device)
			for _, measure := range d.Measures() {
				if _, told := after[measure]; !told {
					t.Errorf("%s isn't read", measure)
				}
			}
			for measure := range after {
				if got, want := after[measure]-before[measure], device.Count(measure); got != want {
					t.Errorf("%s grew by %d, want %d", measure, got, want)
				}
			}
		})
	}
}

func counters(t *testing.T, is *mibs.Device, device *sim.Device) map[wire.Measure]int64 {
	t.Helper()
	result := read(t, is, device)
	canFax := len(device.Description().Measures()) > 0
	if canFax && len(result.Warnings) > 0 || result.Stale || result.Stranger {
		t.Errorf("stale %v, stranger %v, warnings %q", result.Stale, result.Stranger, result.Warnings)
	}
	values := map[wire.Measure]int64{}
	for _, c := range result.Reading.Counters {
		values[c.Measure] = c.Value
	}
	return values
}

func read(t *testing.T, is *mibs.Device, device *sim.Device) mibs.Result {
	t.Helper()
	answers, err := device.Recording().Get(t.Context(), is.OIDs(due))
	if err != nil {
		t.Fatal(err)
	}
	return is.Read(wire.TimeOf(time.Now()), due, answers)
}

func TestTheProfilesUnderstandTheStates(t *testing.T) {
	profiles, err := mibs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		machine, state string
		line           wire.LineStatus // of the first line
		service        wire.FaxService
	}{
		{"grandstream-ht802", "", wire.LineIdle, ""},
		{"grandstream-ht802", "busy", wire.LineBusy, ""},
		{"grandstream-ht802", "line-down", wire.LineDown, ""},
		{"audiocodes-mp118", "", wire.LineIdle, ""},
		{"audiocodes-mp118", "busy", wire.LineBusy, ""},
		{"cisco-vg204xm", "", wire.LineIdle, ""},
		{"cisco-vg204xm", "busy", wire.LineBusy, ""},
		{"cisco-vg204xm", "ringing", wire.LineBusy, ""},
		{"oneaccess-one540", "", wire.LineIdle, ""},
		{"oneaccess-one540", "busy", wire.LineBusy, ""},
		{"oneaccess-one540", "line-down", wire.LineDown, ""},
		{"printer-standard-700", "", "", wire.ServiceReady},
		{"printer-standard-700", "fax-down", "", wire.ServiceUnavailable},
		{"lexmark-mx622ade", "", wire.LineUnknown, wire.ServiceUnknown},
		{"lexmark-mx622ade", "line-down", wire.LineDown, wire.ServiceUnknown},
		{"xerox-altalink-c8055", "", "", wire.ServiceReady},
		{"xerox-altalink-c8055", "busy", "", wire.ServiceReady},
		{"xerox-altalink-c8055", "fax-disabled", "", wire.ServiceUnavailable},
		{"xerox-workcentre-6605dn", "", "", wire.ServiceReady},
		{"kyocera-taskalfa-2554ci", "", "", wire.ServiceReady},
		{"kyocera-taskalfa-2554ci", "fax-down", "", wire.ServiceUnavailable},
	} {
		device := sim.New(described(t, test.machine), sim.Options{})
		is, err := profiles.Identify(t.Context(), device.Recording())
		if err != nil {
			t.Fatal(err)
		}
		device.Enter(test.state)
		got := read(t, is, device).Reading
		var line wire.LineStatus
		if len(got.Lines) > 0 {
			line = got.Lines[0].Status
		}
		if line != test.line || got.FaxService != test.service {
			t.Errorf("%s %s: line %q, service %q, want %q and %q", test.machine, test.state, line, got.FaxService, test.line, test.service)
		}
	}
}

func TestARebootedMachineIsKnownAtOnce(t *testing.T) {
	profiles, err := mibs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range all {
		device := sim.New(d, sim.Options{Number: i + 1})
		device.Reboot()
		is, err := profiles.Identify(t.Context(), device.Recording())
		if err != nil {
			t.Fatal(err)
		}
		if is.Profile == "printer" { // without its maker's objects, which may yet come
			continue
		}
		if is.ID != device.ID() {
			t.Errorf("%s: identified as %q (%s), want %q", d.Name, is.ID, is.Unnamed, device.ID())
		}
	}
}
