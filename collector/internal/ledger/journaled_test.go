package ledger_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

const outside = "0145454545"

// journaled is a fax that a journal tells of, at an instant.
func journaled(at, from, to string, unit wire.EventUnit, witness wire.Witness) wire.Event {
	t, err := time.Parse("2006-01-02 15:04", at)
	if err != nil {
		panic(err)
	}
	return wire.Event{
		Journal: "hylafax", Key: fmt.Sprint(at, from, to, unit, witness), At: wire.TimeOf(t), Unit: unit, Witness: witness,
		From: from, To: to, Result: wire.Done,
	}
}

// imports books events as one import.
func (c *collector) imports(events ...wire.Event) (id int64) {
	c.Helper()
	id, err := c.BeginImport(context.Background(), ledger.Author{Who: "anne"}, ledger.Import{Journal: "hylafax", Profile: "hylafax", Source: "xferfaxlog"})
	if err == nil {
		_, err = c.BookEvents(context.Background(), id, events, 0, 0)
	}
	if err == nil {
		err = c.EndImport(context.Background(), id)
	}
	if err != nil {
		c.Fatal(err)
	}
	return id
}

func (c *collector) undo(id int64) {
	c.Helper()
	if _, err := c.UndoImport(context.Background(), ledger.Author{Who: "anne"}, id); err != nil {
		c.Fatal(err)
	}
}

func TestAJournalProvesAFaxAfterTheCutoff(t *testing.T) {
	c := newCollector(t)
	c.now = time.Date(2026, 10, 12, 7, 0, 0, 0, time.UTC)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff, d.Device = "2026-10-10", "" })
	c.imports(
		journaled("2026-10-09 23:59", outside, faxline, wire.Message, wire.Receiver),
		journaled("2026-10-10 00:00", outside, faxline, wire.Message, wire.Receiver),
		journaled("2026-10-11 08:00", faxline, outside, wire.Message, wire.Sender),
	)
	c.watch("2026-10-12 08:00")
	c.wantTold("1 after_cutoff 0241354000 certain 2 faxes")
	c.wantAfter(faxline, 0, 2)
	e := c.all()[0]
	if text := strings.Join(e.Texts("fr"), "\n"); !strings.Contains(text, "1 fax reçu d'après le journal hylafax, entre le 10/10/2026 à 00:00 et le 10/10/2026 à 00:00 : certain") || strings.Contains(text, "compté par la machine") {
		t.Errorf("evidence: got %s", text)
	}
	c.imports(journaled("2026-10-10 00:00", outside, faxline, wire.Message, wire.Receiver)) // known
	c.watch("2026-10-12 08:01")
	c.wantAfter(faxline, 0, 2)
}

func TestACallOnALineThatIsCutIsNoProofOfAFax(t *testing.T) {
	c := newCollector(t)
	c.now = time.Date(2026, 10, 12, 7, 0, 0, 0, time.UTC)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.imports(journaled("2026-10-11 08:00", outside, faxline, wire.Call, wire.Exchange))
	c.watch("2026-10-12 08:00")
	if told := c.told(); !strings.Contains(told, "after_cutoff 0241354000 unsure 1 calls") {
		t.Errorf("got %s, want an unsure call", told)
	}
	c.wantAfter(faxline, 0, 0)
}

func TestAFaxThatBothJournalAndMachineCountCountsOnce(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	c.at(counted("2026-10-11 07:55", wire.FaxReceived, 10))
	c.at(counted("2026-10-11 08:05", wire.FaxReceived, 11))
	c.imports(journaled("2026-10-11 08:00", outside, faxline, wire.Message, wire.Receiver))
	c.watch("2026-10-11 08:10")
	c.wantTold("1 after_cutoff 0241354000 certain 1 faxes")
	c.wantAfter(faxline, 0, 1)
}

func TestAnInternalFaxThatTwoJournalsTellIsOneAfterTheCutoff(t *testing.T) {
	const other = "0241354009"
	c := newCollector(t)
	c.now = time.Date(2026, 10, 12, 7, 0, 0, 0, time.UTC)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff, d.Device = "2026-10-10", "" })
	c.cutLine(other, func(d *ledger.Declaration) { d.Device = "" })
	c.imports(journaled("2026-10-11 08:02", other, faxline, wire.Message, wire.Receiver))
	c.watch("2026-10-11 09:00")
	c.wantAfter(faxline, 0, 1)
	c.imports(journaled("2026-10-11 08:00", other, faxline, wire.Message, wire.Sender)) // the same fax; told later, by an earlier clock
	c.watch("2026-10-11 10:00")
	c.wantAfter(faxline, 0, 1)
	if told := c.told(); !strings.Contains(told, "after_cutoff 0241354000 certain 1 faxes") {
		t.Errorf("got %s, want one fax", told)
	}
}

func TestAnImportThatIsUndoneWithdrawsWhatItProved(t *testing.T) {
	c := newCollector(t)
	c.now = time.Date(2026, 10, 12, 7, 0, 0, 0, time.UTC)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	id := c.imports(journaled("2026-10-11 08:00", outside, faxline, wire.Message, wire.Receiver))
	c.watch("2026-10-12 08:00")
	c.undo(id)
	c.watch("2026-10-12 08:01")
	if told := c.told(); !strings.Contains(told, "closed withdrawn") {
		t.Errorf("got %s, want it withdrawn", told)
	}
	c.imports(journaled("2026-10-11 08:00", outside, faxline, wire.Message, wire.Receiver))
	c.watch("2026-10-12 08:02")
	if told := c.told(); !strings.Contains(told, "certain 1 faxes") {
		t.Errorf("got %s, want it told again", told)
	}
	c.wantAfter(faxline, 0, 1) // it was one fax all the time
}

func TestAMovedDateJudgesWhatJournalsTellAgain(t *testing.T) {
	c := newCollector(t)
	c.now = time.Date(2026, 10, 12, 7, 0, 0, 0, time.UTC)
	c.imports(journaled("2026-10-11 08:00", outside, faxline, wire.Message, wire.Receiver))
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff, d.Device = "2026-10-10", "" }) // declared after its journal was read
	c.watch("2026-10-12 08:00")
	c.wantAfter(faxline, 0, 1)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-12" })
	c.watch("2026-10-12 08:01")
	if told := c.told(); !strings.Contains(told, "closed withdrawn") {
		t.Errorf("got %s, want it withdrawn: the line had more time", told)
	}
}

func TestALineOfWhichOnlyAJournalTellsLives(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Device = "" })
	c.now = time.Date(2026, 10, 20, 8, 0, 0, 0, time.UTC)
	id := c.imports(journaled("2026-10-11 08:00", outside, faxline, wire.Message, wire.Receiver), journaled("2026-10-09 08:00", faxline, outside, wire.Message, wire.Sender))
	l := c.line(faxline)
	want := wire.TimeOf(time.Date(2026, 10, 11, 8, 0, 0, 0, time.UTC))
	if l.State != ledger.Active || l.LastFax != want || l.LastReceived != want || l.LastSent != want.Add(-48*time.Hour) {
		t.Errorf("got %s, last fax %s, sent %s, received %s; want it active by its journal", l.State, l.LastFax, l.LastSent, l.LastReceived)
	}
	c.now = time.Date(2026, 12, 20, 8, 0, 0, 0, time.UTC)
	if got := c.line(faxline).State; got != ledger.Blind {
		t.Errorf("long after: got %s, want blind: a journal proves no silence", got)
	}
	c.undo(id)
	if l := c.line(faxline); l.LastFax != 0 || l.LastSent != 0 {
		t.Errorf("without the import: got %+v, want no fax known", l)
	}
}

func TestAWrongClockInTheFutureHidesNothing(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Device, d.Cutoff = "", "2026-10-30" })
	c.now = time.Date(2026, 10, 12, 8, 0, 0, 0, time.UTC)
	c.imports(
		journaled("2026-10-11 08:00", faxline, outside, wire.Message, wire.Sender),
		journaled("2026-10-12 08:05", outside, faxline, wire.Message, wire.Receiver), // ahead by minutes
		journaled("2028-02-01 08:00", faxline, outside, wire.Message, wire.Sender),
	)
	c.watch("2026-10-12 08:01")
	c.wantTold("")
	if l, want := c.line(faxline), wire.TimeOf(time.Date(2026, 10, 11, 8, 0, 0, 0, time.UTC)); l.LastSent != want || l.LastReceived != wire.TimeOf(c.now) {
		t.Errorf("got it sent last %s, received %s; want %s and now", l.LastSent, l.LastReceived, want)
	}
	spans, err := c.Coverage(t.Context())
	if err != nil || len(spans) != 1 || spans[0].To != "2026-10-12" {
		t.Errorf("coverage: got %+v, %v; want it until today: of the days to come nothing is known", spans, err)
	}
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-01" })
	c.watch("2026-10-12 08:06")
	if told := c.told(); !strings.Contains(told, "certain 2 faxes") {
		t.Errorf("got %s, want two faxes told, and the third not for certain", told)
	}
	c.watch("2028-02-03 08:00")
	if told := c.told(); strings.Contains(told, "certain 3 faxes") {
		t.Errorf("when that day has come: got %s, want the third not for certain still", told)
	}
}

func (c *collector) line(id string) ledger.Line {
	c.Helper()
	lines, err := c.Lines(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	for _, l := range lines {
		if l.ID == id {
			return l
		}
	}
	c.Fatalf("no line %s", id)
	return ledger.Line{}
}
