package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"
)

func TestAMachineAnswersWhatItsRecordingSays(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"../../mibs/testdata/kyocera.snmprec"}, in, io.Discard) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, model, _ := strings.Cut(strings.TrimSpace(line), " ")
	at, err := netip.ParseAddrPort(address)
	if err != nil || model != "kyocera.snmprec" {
		t.Fatalf("it says %q, want an address and kyocera.snmprec", line)
	}
	g := gosnmp.GoSNMP{Target: at.Addr().String(), Port: at.Port(), Version: gosnmp.Version2c, Community: "public", Timeout: gosnmp.Default.Timeout}
	if err := g.Connect(); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	answer, err := g.Get([]string{"1.3.6.1.2.1.1.2.0"})
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Variables[0].Value; got != ".1.3.6.1.4.1.1347.41" {
		t.Errorf("sysObjectID: got %v, want that of the recording", got)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("interrupted: got exit code %d, want 0", code)
	}
}

func TestAWardIsOnLoopbackOnly(t *testing.T) {
	for _, at := range []string{"192.0.2.1:161", "0.0.0.0:161", "127.0.0.1"} {
		var errs bytes.Buffer
		if code := run(t.Context(), []string{"--listen", at}, io.Discard, &errs); code != 2 || !strings.Contains(errs.String(), "want something like") {
			t.Errorf("listen on %s: got exit code %d and %q, want 2 and what would be right", at, code, errs.String())
		}
	}
}
