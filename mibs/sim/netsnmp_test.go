//go:build e2e

package sim_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/mibs/sim"
)

// net-snmp's own tools must take the simulated machines for real ones.
func TestNetSNMPReadsTheSimulatedMachines(t *testing.T) {
	all, err := sim.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, bed := range ward(t, sim.Plan{Of: all, OneAddress: true}).Devices {
		rec := bed.Recording()
		for _, walk := range [][]string{
			{"snmpbulkwalk", "-v2c", "-Cr10"}, {"snmpwalk", "-v2c"}, {"snmpwalk", "-v1"},
		} {
			out := tool(t, append(walk, "-On", "-c", "public", bed.Addr.String(), ".1.3")...)
			objects := 0
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, ".1.3") && !strings.Contains(line, "No more variables") {
					objects++
				}
			}
			want := len(rec.Varbinds())
			if walk[1] == "-v1" {
				for _, vb := range rec.Varbinds() {
					if vb.OID == ifHCInOctets {
						want--
					}
				}
			}
			if objects != want {
				t.Errorf("%s: %v told %d objects, want %d", bed.Description().Name, walk, objects, want)
			}
		}
	}
}

func TestNetSNMPSeesAbsentObjectsAndRefusals(t *testing.T) {
	bed := serve(t, described(t, "hp-laserjet-m507"))
	at := bed.Addr.String()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"snmpget", "-v2c", "-c", "public", at, "1.3.6.1.4.1.99999.1.0"}, "No Such Object"},
		{[]string{"snmpget", "-v2c", "-c", "public", at, "1.3.6.1.2.1.43.5.1.1.17.9"}, "No Such Instance"},
		{[]string{"snmpget", "-v1", "-c", "public", at, sysDescr, "1.3.6.1.4.1.99999.1.0"}, "noSuchName"},
		{[]string{"snmpget", "-v2c", "-c", "wrong", "-r0", "-t0.2", at, sysDescr}, "Timeout"},
		{[]string{"snmpset", "-v2c", "-c", "public", at, "1.3.6.1.2.1.1.6.0", "s", "x"}, "notWritable"},
	} {
		if out := tool(t, test.args...); !strings.Contains(out, test.want) {
			t.Errorf("%v: got %q, want %q in it", test.args, out, test.want)
		}
	}
}

// tool runs one of net-snmp's tools; that it complains is part of what is tested.
func tool(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(args[0])
	if err != nil {
		t.Skip(err)
	}
	out, _ := exec.CommandContext(t.Context(), path, args[1:]...).CombinedOutput()
	return string(out)
}
