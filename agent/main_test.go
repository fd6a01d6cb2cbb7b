package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zerofax/zerofax/agent/bundle/bundletest"
	"github.com/zerofax/zerofax/agent/secret"
	"github.com/zerofax/zerofax/mibs/sim"
)

func TestMain(m *testing.M) {
	if devices := os.Getenv(wardVariable); devices != "" {
		if err := runWard(devices); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testscript.Main(m, map[string]func(){"zerofax-agent": main})
}

// TestCommandLine runs testdata/script against the real program. Every script has a ward of
// one simulated machine of each make: $kyocera, $xerox… are their ports on 127.0.0.1, and
// $silent is one where nobody answers.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		ctx, cancel := context.WithCancel(context.Background())
		env.Defer(cancel)
		models, err := sim.Builtin()
		if err != nil {
			return err
		}
		ward, err := sim.Start(ctx, sim.Plan{Of: models, First: netip.MustParseAddrPort("127.0.0.1:0"), OneAddress: true})
		if err != nil {
			return err
		}
		for _, bed := range ward.Devices {
			vendor, _, _ := strings.Cut(bed.ID(), "-")
			if env.Getenv(vendor) == "" {
				env.Setenv(vendor, fmt.Sprint(bed.Addr.Port()))
			}
		}
		env.Values["authority"] = bundletest.New()
		silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		env.Defer(func() { silent.Close() })
		env.Setenv("silent", strconv.Itoa(silent.LocalAddr().(*net.UDPAddr).Port))
		return nil
	}, Cmds: map[string]func(*testscript.TestScript, bool, []string){"expand": expand, "await": await, "ward": ward, "bundle": enrolTo}})
}

// ward FIRST NAME… starts one more machine of each of these models, at addresses from FIRST on, all on port $ward.
func ward(ts *testscript.TestScript, _ bool, args []string) {
	models, err := sim.Builtin()
	ts.Check(err)
	of := slices.DeleteFunc(models, func(d *sim.Description) bool { return !slices.Contains(args[1:], d.Name) })
	ctx, cancel := context.WithCancel(context.Background())
	ts.Defer(cancel)
	w, err := sim.Start(ctx, sim.Plan{Of: of, First: netip.AddrPortFrom(netip.MustParseAddr(args[0]), 0)})
	ts.Check(err)
	ts.Setenv("ward", strconv.Itoa(int(w.Devices[0].Addr.Port())))
}

// bundle FILE AGENT URL [UNTIL] writes a bundle with credentials v3 and legacy, of an agent enrolled a day ago; all are
// of one authority in a script. Its certificate holds for two years, or until a day.
func enrolTo(ts *testscript.TestScript, _ bool, args []string) {
	ca, known := ts.Value("authority").(*bundletest.Authority)
	if !known {
		ts.Fatalf("no authority")
	}
	b := ca.Bundle(args[1], args[2])
	if len(args) > 3 {
		until, err := time.Parse(time.DateOnly, args[3])
		ts.Check(err)
		certificate, key := ca.Issue(args[1], until.AddDate(-2, 0, 0), until)
		b.Certificate, b.Key = certificate, secret.Text(key)
	}
	b.Credentials = []credentialsConfig{
		{Name: "v3", Version: "3", User: "zerofax", Auth: "SHA256", AuthPassword: "topsecret-auth", Privacy: "AES", PrivacyPassword: "topsecret-privacy"},
		{Name: "legacy", Version: "2c", Community: "topsecret-community"},
	}
	text, err := b.Encode()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

// expand FILE… puts the values of environment variables into files.
func expand(ts *testscript.TestScript, _ bool, files []string) {
	for _, file := range files {
		text := os.Expand(ts.ReadFile(file), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}

// await PATTERN waits until a file with such a name is there.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if found, err := filepath.Glob(ts.MkAbs(args[0])); err == nil && len(found) > 0 {
			return
		}
	}
	ts.Fatalf("no file %s within 10 s", args[0])
}
