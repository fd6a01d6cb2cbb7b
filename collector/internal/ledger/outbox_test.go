package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

func (c *collector) post(p ledger.Post) {
	c.Helper()
	if err := c.Post(context.Background(), p); err != nil {
		c.Fatal(err)
	}
}

// due are the names of the messages that are due on a channel.
func (c *collector) due(channel ledger.Channel) string {
	c.Helper()
	due, err := c.Due(context.Background(), channel, 100)
	if err != nil {
		c.Fatal(err)
	}
	names := make([]string, len(due))
	for i := range due {
		names[i] = due[i].Name
	}
	return strings.Join(names, " ")
}

func (c *collector) wantDue(channel ledger.Channel, want string) {
	c.Helper()
	if got := c.due(channel); got != want {
		c.Errorf("%s: due is %q, want %q", channel, got, want)
	}
}

func (c *collector) ok(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func mails(names ...string) (messages []ledger.Message) {
	for _, name := range names {
		messages = append(messages, ledger.Message{Name: name, Channel: "email", Recipient: "dsi@example.org", Payload: "{}"})
	}
	return messages
}

func TestAMessageIsWrittenOnceAndSentOnce(t *testing.T) {
	c := newCollector(t)
	ctx := context.Background()
	c.post(ledger.Post{Messages: mails("a", "b", "a"), Told: []string{"12/first"}, Cursors: map[string]int64{"alert": 7}})
	c.post(ledger.Post{Messages: mails("b", "c"), Told: []string{"12/first", "12/closed"}, Cursors: map[string]int64{"alert": 8}})
	c.wantDue("email", "a b c")
	c.wantDue("webhook", "")
	c.ok(c.Sent(ctx, 2))
	c.reopen()
	c.wantDue("email", "a c")
	c.post(ledger.Post{Messages: mails("b")})
	c.wantDue("email", "a c")

	told, err := c.Told(ctx, []string{"12/first", "12/closed", "13/first"})
	if want := map[string]wire.Time{"12/first": wire.TimeOf(c.now), "12/closed": wire.TimeOf(c.now)}; err != nil || fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("got %v, %v, want %v", told, err, want)
	}
	if at, err := c.Cursor(ctx, "alert"); at != 8 || err != nil {
		t.Errorf("cursor: got %d, %v, want 8", at, err)
	}
}

func TestAFailedMessageWaitsAndDelaysNoOther(t *testing.T) {
	c := newCollector(t)
	ctx := context.Background()
	c.post(ledger.Post{Messages: mails("a", "b")})
	c.ok(c.Ledger.Failed(ctx, 1, ledger.Failure{Error: "451 later", NextAt: wire.TimeOf(c.now.Add(time.Minute))}))
	c.wantDue("email", "b")
	c.now = c.now.Add(time.Minute)
	c.wantDue("email", "a b")

	c.ok(c.Sent(ctx, 2))
	c.ok(c.Ledger.Failed(ctx, 1, ledger.Failure{Error: "550 no", GivenUp: true}))
	c.wantDue("email", "")
	backlogs, err := c.Outbox(ctx)
	if want := []ledger.Backlog{{Channel: "email", Sent: 1, GivenUp: 1}, {Channel: "webhook"}}; err != nil || !slices.Equal(backlogs, want) {
		t.Errorf("got %+v, %v, want %+v", backlogs, err, want)
	}
	unsent, err := c.Messages(ctx, true, 10)
	if err != nil || len(unsent) != 1 || unsent[0].Error != "550 no" || unsent[0].Attempts != 2 || unsent[0].GivenUpAt == 0 {
		t.Errorf("got %+v, %v, want the given up one with its error", unsent, err)
	}
}

func TestABacklogSaysSinceWhenAndWhy(t *testing.T) {
	c := newCollector(t)
	c.post(ledger.Post{Messages: mails("a")})
	since := wire.TimeOf(c.now)
	c.now = c.now.Add(time.Hour)
	c.post(ledger.Post{Messages: mails("b")})
	c.ok(c.Ledger.Failed(context.Background(), 1, ledger.Failure{Error: "connection refused", NextAt: wire.TimeOf(c.now.Add(time.Minute))}))
	got, err := c.Outbox(context.Background())
	if want := []ledger.Backlog{{Channel: "email", Waiting: 2, Since: since, Error: "connection refused"}, {Channel: "webhook"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestMessagesOfAThreadGoOutInOrder(t *testing.T) {
	c := newCollector(t)
	ctx := context.Background()
	hook := func(name, thread string) ledger.Message {
		return ledger.Message{Name: name, Channel: "webhook", Thread: thread}
	}
	c.post(ledger.Post{Messages: []ledger.Message{hook("1/firing", "1"), hook("1/resolved", "1"), hook("2/firing", "2")}})
	c.wantDue("webhook", "1/firing 2/firing")
	c.ok(c.Ledger.Failed(ctx, 1, ledger.Failure{Error: "503", NextAt: wire.TimeOf(c.now.Add(time.Minute))}))
	c.wantDue("webhook", "2/firing")
	c.now = c.now.Add(time.Minute)
	c.ok(c.Sent(ctx, 1))
	c.wantDue("webhook", "1/resolved 2/firing")
}

func TestAnOutboxOfYearsIsCountedInTheIndex(t *testing.T) {
	c := newCollector(t)
	plan := c.explain("SELECT channel, sent_at > 0, COUNT(*) FROM messages WHERE sent_at > 0 OR given_up_at > 0 GROUP BY channel, sent_at > 0")
	if !strings.Contains(plan, "COVERING INDEX messages_due") {
		t.Errorf("it reads %s, want the index alone: messages are long", plan)
	}
}

func (c *collector) explain(query string) (plan string) {
	c.Helper()
	db, err := sql.Open("sqlite", c.path)
	c.ok(err)
	defer db.Close()
	rows, err := db.Query("EXPLAIN QUERY PLAN " + query)
	c.ok(err)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		c.ok(rows.Scan(&id, &parent, &unused, &detail))
		plan += detail + "; "
	}
	return plan
}

func TestAnOutboxOfYearsIsGivenUpButForItsCounts(t *testing.T) {
	c := newCollector(t)
	ctx := context.Background()
	c.post(ledger.Post{Messages: mails("sent", "given up", "waiting", "sent, too", "last"), Told: []string{"1/first"}})
	c.ok(c.Sent(ctx, 1))
	c.ok(c.Ledger.Failed(ctx, 2, ledger.Failure{Error: "550 no", GivenUp: true}))
	c.ok(c.Sent(ctx, 4))
	c.ok(c.Sent(ctx, 5))
	before, err := c.Outbox(ctx)
	c.ok(err)
	c.now = c.now.AddDate(2, 0, 0)
	for range 2 {
		_, err := c.Purge(ctx, c.now, ledger.Outlets{})
		c.ok(err)
		c.reopen()
	}
	after, err := c.Outbox(ctx)
	if err != nil || !slices.Equal(after, before) {
		t.Errorf("got %+v, %v, want %+v as before", after, err, before)
	}
	left, err := c.Messages(ctx, false, 10)
	c.ok(err)
	var names []string
	for i := range left {
		names = append(names, left[i].Name)
	}
	if want := []string{"last", "waiting"}; !slices.Equal(names, want) {
		t.Errorf("left: got %q, want %q", names, want)
	}
	c.post(ledger.Post{Messages: mails("new")})
	if left, err := c.Messages(ctx, false, 1); err != nil || left[0].ID != 6 {
		t.Errorf("got %+v, %v, want number 6, which none had before", left, err)
	}
	if told, err := c.Told(ctx, []string{"1/first"}); err != nil || len(told) != 1 {
		t.Errorf("got %v, %v: what was told is forgotten", told, err)
	}
}

func TestUntoldEventsAreAllThatNoMessageTold(t *testing.T) {
	c := newCollector(t)
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	for i := range int64(130) {
		c.at(counted(fmt.Sprintf("2026-10-11 %02d:%02d", i/60, i%60), wire.FaxReceivedPages, 100+i))
	}
	untold := func() (ids []int64) {
		t.Helper()
		episodes, err := c.Episodes(context.Background(), ledger.EpisodeFilter{Untold: true})
		if err != nil || len(episodes) != 1 {
			t.Fatalf("got %+v, %v, want one episode", episodes, err)
		}
		for _, x := range episodes[0].Events {
			ids = append(ids, x.ID)
		}
		return ids
	}
	all := untold()
	if len(all) != 129 || !slices.IsSorted(all) {
		t.Errorf("got %v, want all 129, the oldest first", all)
	}
	c.post(ledger.Post{Events: all[:120]})
	c.reopen()
	if got := untold(); !slices.Equal(got, all[120:]) {
		t.Errorf("got %v, want %v", got, all[120:])
	}
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-12" }) // all are judged again
	c.cutLine(faxline, func(d *ledger.Declaration) { d.Cutoff = "2026-10-10" })
	if got := untold(); !slices.Equal(got, all[120:]) {
		t.Errorf("after a date moved to and fro: got %v, want %v", got, all[120:])
	}
	if e := c.all()[0]; len(e.Events) != 100 {
		t.Errorf("got %d events, want the newest 100 where not the untold ones are asked for", len(e.Events))
	}
}
