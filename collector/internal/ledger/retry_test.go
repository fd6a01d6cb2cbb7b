package ledger_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// refuse books an envelope whose readings an older program would not have accepted.
func (c *collector) refuse(agent string, readings ...wire.Reading) {
	c.Helper()
	c.now = c.now.Add(time.Minute)
	for i := range readings {
		readings[i].At = wire.TimeOf(c.now)
	}
	d := c.receive(agent, c.envelope(agent, readings...))
	d.Err = fmt.Errorf("%w: unknown measure", wire.ErrBad)
	d.Envelope.Readings = nil
	if r := c.apply(d)[0]; r.Verdict != ledger.Quarantined {
		c.Fatalf("got %s, want it quarantined", r.Verdict)
	}
}

func (c *collector) retry(id int64) ledger.Retried {
	c.Helper()
	out, err := c.Retry(context.Background(), ledger.Author{Who: "anne", Source: "quarantine retry"}, id)
	if err != nil {
		c.Fatal(err)
	}
	if kept := c.count(fmt.Sprintf("quarantine WHERE id = %d", id)); (kept == 0) != out.Gone {
		c.Errorf("quarantine %d: said to be gone: %v, kept: %d", id, out.Gone, kept)
	}
	c.balanced()
	return out
}

func TestRetryOfAnEnvelopeNeverCountsTwice(t *testing.T) {
	t.Parallel()
	const begins = 100
	for _, x := range []struct {
		name          string
		story         func(c *collector)
		booked, known int
		kept          string // why it is still there
		sent          int64  // after a further reading of 110
	}{
		{"nothing came since: it is booked, at its own time", func(c *collector) {
			c.say("ps-01", sent(begins))
			c.refuse("ps-01", sent(104))
		}, 1, 0, "", 10},
		{"later readings came: they brought its faxes", func(c *collector) {
			c.say("ps-01", sent(begins))
			c.refuse("ps-01", sent(104))
			c.say("ps-01", sent(107))
		}, 0, 1, "", 10},
		{"nobody knew the machine: counting begins there", func(c *collector) {
			c.refuse("ps-01", sent(104))
		}, 1, 0, "", 6},
		{"the machine became known later: it is the only trace of what was faxed before", func(c *collector) {
			c.refuse("ps-01", sent(104))
			c.say("ps-01", sent(107))
		}, 0, 0, "older than the first reading in the books", 3},
		{"the counter began anew since: the only trace again", func(c *collector) {
			c.say("ps-01", sent(begins))
			c.refuse("ps-01", sent(150))
			c.say("ps-01", sent(3))
			c.now = c.now.Add(25 * time.Hour)
			c.say("ps-01", sent(4))
		}, 0, 0, "began anew since", 107},
		{"another agent reads the machine since", func(c *collector) {
			c.say("ps-01", sent(begins))
			c.refuse("ps-02", sent(104))
		}, 0, 1, "", 10},
		{"it failed, and so tells nothing that counts", func(c *collector) {
			c.say("ps-01", sent(begins))
			c.refuse("ps-01", wire.Reading{Device: kyocera, Error: "timeout"})
			c.say("ps-01", sent(107))
		}, 0, 1, "", 10},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newCollector(t)
			x.story(c)
			c.reopen() // as the later program would
			out := c.retry(1)
			if out.Booked != x.booked || out.Known != x.known || !strings.Contains(out.Why, x.kept) || out.Gone != (x.kept == "") {
				t.Errorf("got %d booked, %d known, %q, gone %v; want %d, %d, %q", out.Booked, out.Known, out.Why, out.Gone, x.booked, x.known, x.kept)
			}
			c.say("ps-01", sent(110))
			c.wantSent(x.sent)
		})
	}
}

func TestRetriedEnvelopesOfAnUnheardMachineAreBookedInOrder(t *testing.T) {
	c := newCollector(t)
	c.say("ps-01", sent(100))
	for i := range int64(3) {
		c.refuse("ps-01", sent(101+i))
	}
	last := wire.TimeOf(c.now)
	for id := range int64(3) {
		if out := c.retry(id + 1); out.Booked != 1 {
			t.Errorf("envelope %d: got %+v, want it booked", id, out)
		}
	}
	c.wantSent(3)
	if got := c.device(kyocera).LastFax; got != last {
		t.Errorf("last fax: got %s, want %s, when the last was taken", got, last)
	}
	c.say("ps-01", sent(110))
	c.wantSent(10)
	if n := c.balanced().Activities; n != 4 {
		t.Errorf("got %d activities, want each over its own interval", n)
	}
}

func TestWhatIsStillWrongStaysInQuarantine(t *testing.T) {
	c := newCollector(t)
	bad := sent(1)
	bad.Device = "NOT AN ID"
	c.say("ps-01", sent(100), bad)
	if out := c.retry(1); out.Gone || !strings.Contains(out.Why, "still refused") {
		t.Errorf("a bad reading: got %+v, want it kept", out)
	}
	c.refuse("ps-01", sent(104), bad)
	if out := c.retry(2); out.Gone || out.Booked != 1 || !strings.Contains(out.Why, "reading 1 still refused") {
		t.Errorf("a good and a bad one: got %+v, want one booked, and all kept", out)
	}
	if out := c.retry(2); out.Booked != 0 || out.Known != 1 {
		t.Errorf("the same again: got %+v, want nothing booked", out)
	}
	c.wantSent(4)
	c.apply(c.receive("ps-01", []byte("{")))
	if out := c.retry(3); out.Gone {
		t.Errorf("nonsense: got %+v, want it kept", out)
	}
	c.apply(c.receive("ps-01", c.numbered("ps-01", "ps-02", 3, sent(5))))
	if out := c.retry(4); out.Gone || !strings.Contains(out.Why, `it says that it is from "ps-02"`) {
		t.Errorf("in another's name: got %+v, want it kept", out)
	}
	if _, err := c.Retry(context.Background(), ledger.Author{}, 99); err == nil {
		t.Error("nothing: got no error")
	}
}

// A single reading that was refused for what an older program didn't know.
func TestRetryOfASingleReading(t *testing.T) {
	c := newCollector(t)
	bad := sent(1)
	bad.Device = "NOT AN ID"
	c.say("ps-01", sent(100))
	c.say("ps-01", bad)
	good := sent(103)
	good.At = wire.TimeOf(c.now)
	payload, err := wire.EncodeReadings([]wire.Reading{good})
	if err != nil {
		t.Fatal(err)
	}
	execute(t, c.path, fmt.Sprintf("UPDATE quarantine SET payload = '%s'", base64.StdEncoding.EncodeToString(payload[1:len(payload)-1])))
	if out := c.retry(1); !out.Gone || out.Booked != 1 {
		t.Errorf("got %+v, want it booked", out)
	}
	c.say("ps-01", sent(104))
	c.wantSent(4)
	log, err := c.Audit(context.Background(), 1)
	if err != nil || len(log) != 1 || log[0].Subject != "quarantine 1" || log[0].Who != "anne" {
		t.Errorf("audit log: got %+v, %v, want who took what", log, err)
	}
}

func TestQuarantineIsBoundedInBytesToo(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	large := []byte(`{"v":1,"stream":"stream-ps-01","seq":1,"x":"` + strings.Repeat("x", 200<<10) + `"}`)
	for seq := range uint64(40) {
		d := c.receive("ps-01", large)
		if !errors.Is(d.Err, wire.ErrBad) {
			t.Fatalf("got %v, want a bad envelope", d.Err)
		}
		d.Envelope.Seq, d.Envelope.First = seq+1, seq+1
		c.apply(d)
	}
	kept, err := c.Quarantined(context.Background(), 100)
	if err != nil || len(kept) != 15 || kept[0].Seq != 40 {
		t.Errorf("got %d, %v, want the newest 15, which are 4 MB", len(kept), err)
	}
}
