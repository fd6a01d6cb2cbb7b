//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/deploy/year"
)

// centre is a collector that lives through a scripted year, with all that it talks to: agents'
// spools by way of a real broker, a real mail server, a webhook receiver.
type centre struct {
	t         *testing.T
	dir       string
	url       string
	rounds    int64
	collector *program
	client    mqtt.Client
	acks      chan agentAck
	spools    map[string]*year.Spool
	mails     *mailServer
	hooks     *receiver
	lived     map[string]time.Time // when each agent said something last

	mu  sync.Mutex
	now time.Time
}

type agentAck struct {
	agent string
	wire.Ack
}

func newCentre(t *testing.T, s *year.Script) *centre {
	t.Helper()
	c := &centre{t: t, dir: t.TempDir(), acks: make(chan agentAck, 1000), spools: map[string]*year.Spool{}, lived: map[string]time.Time{}}
	c.mails, c.hooks = startMailServer(t, c.clock), startReceiver(t, c.clock)
	mqttPort := freeport.Must(t)
	c.configure(mqttPort, s.Office)
	for _, a := range s.Agents {
		c.spools[a.ID] = year.NewSpool(a.ID, s.From)
	}
	start(t, c.dir, "mosquitto", "-c", "mosquitto.conf")
	c.connect(mqttPort)
	c.setTime(s.From)
	c.startCollector()
	return c
}

func (c *centre) configure(mqttPort int, o year.Office) {
	httpPort := freeport.Must(c.t)
	c.url = fmt.Sprintf("http://127.0.0.1:%d", httpPort)
	host, port, _ := strings.Cut(c.mails.address, ":")
	writeFile(c.t, filepath.Join(c.dir, "mosquitto.conf"), fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\n", mqttPort))
	writeFile(c.t, filepath.Join(c.dir, "ca.pem"), string(c.mails.ca))
	var recipients []string
	for service, to := range o.Recipients {
		recipients = append(recipients, fmt.Sprintf("%s: [%s]", service, strings.Join(to, ", ")))
	}
	writeFile(c.t, filepath.Join(c.dir, "collector.yml"), fmt.Sprintf(`data_dir: books
time_zone: %s
mqtt: {url: mqtt://127.0.0.1:%d}
http: {listen: 127.0.0.1:%d}
alerts:
  email: {host: %s, port: %s, tls: starttls, from: zerofax@chu.test, to: [%s]}
  webhook: {url: %s}
  recipients: {%s}
  quiet_hours: "%02d:00-%02d:00"
`, o.Zone, mqttPort, httpPort, host, port, strings.Join(o.Everyone, ", "), c.hooks.url, strings.Join(recipients, ", "), o.QuietFrom, o.QuietTo))
}

// connect lets all agents speak, by one client.
func (c *centre) connect(port int) {
	eventually(c.t, 10*time.Second, "mosquitto listens", func() string {
		c.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", port)).SetClientID("agents"))
		if token := c.client.Connect(); token.Wait() && token.Error() != nil {
			return token.Error().Error()
		}
		return ""
	})
	c.t.Cleanup(func() { c.client.Disconnect(100) })
	c.client.Subscribe(wire.Topic("+", wire.KindAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		agent, _, _ := wire.ParseTopic(m.Topic())
		if ack, err := wire.DecodeAck(m.Payload()); err == nil {
			c.acks <- agentAck{agent, ack}
		}
	}).Wait()
}

func (c *centre) timeFile() string { return filepath.Join(c.dir, "time") }

func (c *centre) env() []string {
	return []string{"ZEROFAX_TIME_FILE=" + c.timeFile(), "SSL_CERT_FILE=" + filepath.Join(c.dir, "ca.pem")}
}

// clock is what time it is in the script.
func (c *centre) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// setTime lets it be t, and loops make a round if there are new rounds.
func (c *centre) setTime(t time.Time, loops ...string) {
	c.mu.Lock()
	c.now = t
	c.mu.Unlock()
	writeFile(c.t, c.timeFile()+".new", fmt.Sprintln(t.Format(time.RFC3339Nano), c.rounds, strings.Join(loops, " ")))
	if err := os.Rename(c.timeFile()+".new", c.timeFile()); err != nil {
		c.t.Fatal(err)
	}
}

func (c *centre) startCollector() {
	c.collector = startWith(c.t, c.dir, c.env(), "zerofax-collector", "run", "--config", "collector.yml")
	eventually(c.t, 20*time.Second, "the collector is ready", func() string {
		if !c.collector.running() {
			c.t.Fatalf("the collector ended by itself:\n%s", c.collector.out)
		}
		if get(c.url+"/-/ready") == "" {
			return "not yet"
		}
		return ""
	})
}

// kill ends the collector as a power cut would; it is started again at once.
func (c *centre) kill() {
	c.collector.kill()
	c.startCollector()
}

// rest lets the collector's loops make rounds until all that follows from the present instant is
// done: what one brings about the next finds in the books.
func (c *centre) rest() {
	for _, loops := range [][]string{{"watchdog"}, {"alert"}, {"mail", "webhook"}} {
		c.rounds++
		c.setTime(c.now, loops...)
		soon(c.t, 30*time.Second, "a round of "+strings.Join(loops, " and "), func() string {
			if !c.collector.running() {
				c.startCollector() // killed in the midst of it
			}
			for _, loop := range loops {
				text, _ := os.ReadFile(c.timeFile() + "." + loop)
				if done, _ := strconv.ParseInt(string(text), 10, 64); done < c.rounds {
					return fmt.Sprintf("%s: %d of %d", loop, done, c.rounds)
				}
			}
			return ""
		})
	}
}

// soon is eventually for what takes milliseconds, thousands of times.
func soon(t *testing.T, within time.Duration, what string, missing func() string) {
	t.Helper()
	for deadline := time.Now().Add(within); ; <-time.After(time.Millisecond) {
		last := missing()
		if last == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %s", what, within, last)
		}
	}
}

// command runs a command of the collector's beside it.
func (c *centre) command(args ...string) {
	c.t.Helper()
	p := startWith(c.t, c.dir, c.env(), "zerofax-collector", append(args, "--config", "collector.yml")...)
	<-p.done
	if p.cmd.ProcessState.ExitCode() != 0 {
		c.t.Fatalf("%s: %s: exit %d\n%s", c.now, strings.Join(args, " "), p.cmd.ProcessState.ExitCode(), p.out)
	}
}

// step lets the collector live through a step.
func (c *centre) step(s *year.Step) {
	c.setTime(s.At)
	if s.Killed == year.KilledFirst {
		c.kill()
	}
	for _, i := range s.Imports {
		c.importLines(i)
	}
	if len(s.Copper) > 0 {
		c.importCopper(s.Copper)
	}
	for _, w := range s.Windows {
		c.command("alert", "window", w.Line.Number, "--from", local(w.From, w.Line), "--to", local(w.To, w.Line), "--reason", w.Reason)
	}
	for _, b := range s.Wrote {
		if err := c.spools[b.Agent].Write(b); err != nil {
			c.t.Fatal(err)
		}
	}
	for agent, n := range s.GaveUp {
		c.spools[agent].GiveUp(n)
	}
	c.send(s)
	c.decide(s)
	if s.Killed == year.KilledMailing || s.Killed == year.KilledMailed {
		running := c.collector
		c.mails.meanwhile(string(s.Killed), running.kill)
		c.rest()
		running.kill()
	}
	c.rest()
}

func local(t time.Time, l *year.Line) string { return t.In(l.Site.Zone).Format("2006-01-02T15:04") }

func (c *centre) importLines(i year.Import) {
	writeFile(c.t, filepath.Join(c.dir, "lines.csv"), string(i.CSV()))
	args := []string{"import", "lines", "lines.csv"}
	if i.Since != "" {
		args = append(args, "--since", i.Since)
	}
	c.command(args...)
}

func (c *centre) importCopper(days map[string]string) {
	text := "code_insee;fermeture_technique\n"
	for commune, day := range days {
		text += commune + ";" + day + "\n"
	}
	writeFile(c.t, filepath.Join(c.dir, "copper.csv"), text)
	c.command("import", "copper", "copper.csv", "--day", c.now.Format(time.DateOnly))
}

// decide does what persons do.
func (c *centre) decide(s *year.Step) {
	for _, j := range s.Judged {
		type anomaly struct {
			ID           int64
			Kind, Device string
		}
		for _, x := range list[anomaly](c.url + "/api/v1/anomalies") {
			if x.Kind == "jump" && x.Device == j.Device {
				c.command("anomaly", map[bool]string{true: "accept", false: "reject"}[j.Accept], fmt.Sprint(x.ID), "--reason", "vu sur place")
			}
		}
	}
	for line, reason := range s.Closed {
		for _, e := range list[episode](c.url + "/api/v1/alerts?open=true&kind=after_cutoff&line=" + line) {
			c.command("alert", "close", fmt.Sprint(e.ID), "--reason", reason)
		}
	}
}

// send publishes all that agents hold until it is acknowledged, and lets those that hold
// nothing say that they live.
func (c *centre) send(s *year.Step) {
	var alive, busy []string
	for _, agent := range s.Linked {
		spool := c.spools[agent]
		if spool.Held() > 0 {
			busy = append(busy, agent)
			c.lived[agent] = c.now
		}
		if s.GaveUp[agent] > 0 || spool.Held() == 0 && c.now.Sub(c.lived[agent]) > 10*time.Minute {
			alive = append(alive, agent)
			c.lived[agent] = c.now
			c.client.Publish(wire.Topic(agent, wire.KindState), 1, true, wire.Encode(spool.State(c.now)))
		}
	}
	c.heard(alive)
	for _, agent := range busy {
		c.publish(agent)
	}
	if s.Killed == year.KilledReading {
		c.kill()
	}
	again := time.NewTicker(3 * time.Second)
	defer again.Stop()
	for deadline := time.Now().Add(time.Minute); c.unsent(busy); {
		select {
		case ack := <-c.acks:
			c.spools[ack.agent].Ack(ack.Ack)
		case <-again.C:
			if time.Now().After(deadline) {
				c.t.Fatalf("%s: envelopes are never acknowledged", c.now)
			}
			for _, agent := range busy {
				c.publish(agent)
			}
		}
	}
}

// publish says all that an agent holds.
func (c *centre) publish(agent string) {
	s := c.spools[agent]
	for i := range s.Held() {
		c.client.Publish(wire.Topic(agent, wire.KindReadings), 1, false, s.Envelope(i, c.now))
	}
}

func (c *centre) unsent(agents []string) bool {
	return slices.ContainsFunc(agents, func(agent string) bool { return c.spools[agent].Held() > 0 })
}

// heard waits until the books know that agents said something now.
func (c *centre) heard(agents []string) {
	if len(agents) == 0 {
		return
	}
	type agent struct {
		ID       string
		LastSeen time.Time `json:"last_seen"`
	}
	soon(c.t, 20*time.Second, "agents are heard", func() string {
		seen := map[string]time.Time{}
		for _, a := range list[agent](c.url + "/api/v1/agents") {
			seen[a.ID] = a.LastSeen
		}
		for _, id := range agents {
			if seen[id].Before(c.now.Truncate(time.Millisecond)) {
				return fmt.Sprintf("%s: last %s", id, seen[id])
			}
		}
		return ""
	})
}

// episode is one of /api/v1/alerts.
type episode struct {
	ID                        int64
	Kind, Line, Device, Agent string
	Reason                    string
	OpenedAt                  time.Time `json:"opened_at"`
	ClosedAt                  time.Time `json:"closed_at"`
	Events                    []event
}

type event struct {
	Line, Device, Unit, Certainty string
	Measure                       wire.Measure
	From, To                      time.Time
	NoticedAt                     time.Time `json:"noticed_at"`
	Count                         int64
}

var kinds = []string{
	"after_cutoff", "after_copper", "blind", "line_reappeared", "agent_silent", "spool_dropping", "hole", "clock", "anomaly", "device_changed",
}

// wantAlerts compares episodes and events, and returns the names of the episodes.
func (c *centre) wantAlerts(truth *year.Truth) (named map[int64]string) {
	named = map[int64]string{}
	var episodes, events []string
	for _, kind := range kinds {
		for _, e := range list[episode](c.url + "/api/v1/alerts?kind=" + kind) {
			x := year.Episode{Kind: e.Kind, Line: e.Line, Machine: e.Device, Agent: e.Agent, Opened: e.OpenedAt, Closed: e.ClosedAt, Why: e.Reason}
			for _, v := range e.Events {
				x.Events = append(x.Events, &year.Event{
					Activity: &year.Activity{Machine: &year.Machine{ID: v.Device}, Measure: v.Measure, Unit: v.Unit, From: v.From, To: v.To, Count: v.Count},
					Kind:     kind, Line: v.Line, Certainty: v.Certainty, Noticed: v.NoticedAt,
				})
				events = append(events, x.Events[len(x.Events)-1].Say())
			}
			named[e.ID] = x.Name()
			episodes = append(episodes, x.Say())
		}
	}
	same(c.t, "episodes", episodes, truth.SayEpisodes())
	same(c.t, "events", events, truth.SayEvents())
	return named
}

// wantMails compares what the mail server took. A mail may have come twice only if it took it just
// before the collector was killed; while the server was out of order, mails came later.
func (c *centre) wantMails(truth *year.Truth, named map[int64]string, s *year.Script, broken [2]time.Time) {
	killed := map[int64]bool{}
	for _, step := range s.Steps {
		if step.Killed == year.KilledMailed {
			killed[step.At.UnixMilli()] = true
		}
	}
	var mails []string
	seen := map[string]letter{}
	for _, l := range c.mails.all() {
		if first, twice := seen[l.ID]; twice {
			if !killed[first.at.UnixMilli()] || l.text != first.text || !slices.Equal(l.To, first.To) {
				c.t.Errorf("mail %s of %s came again at %s: %s", l.ID, first.at, l.at, l.Subject)
			}
			delete(killed, first.at.UnixMilli()) // one at most
			continue
		}
		seen[l.ID] = l
		late := !l.date.Before(broken[0]) && l.date.Before(broken[1])
		switch {
		case late && (l.at.Before(broken[1]) || l.at.Sub(broken[1]) > 25*time.Hour):
			c.t.Errorf("a mail written at %s came at %s; the server was out of order from %s to %s", l.date, l.at, broken[0], broken[1])
		case !late && !l.at.Truncate(time.Second).Equal(l.date):
			c.t.Errorf("a mail written at %s came at %s", l.date, l.at)
		}
		var about []string
		for _, id := range numbers(l.text) {
			about = append(about, named[id])
		}
		if m := notShown.FindStringSubmatch(l.text); m != nil {
			n, _ := strconv.Atoi(m[1])
			about = append(about, make([]string, n)...)
		}
		mails = append(mails, year.SayMail(l.date, l.Subject, strings.Join(l.To, " "), about))
	}
	same(c.t, "mails", mails, truth.SayMails())
}

var (
	alertNumber = regexp.MustCompile(`Alerte\pZn°\s+(\d+)`)
	notShown    = regexp.MustCompile(`… et (\d+)\pZautres?, sans détail`)
)

// numbers are those of the alerts that a mail tells of.
func numbers(text string) (ids []int64) {
	for _, m := range alertNumber.FindAllStringSubmatch(text, -1) {
		id, _ := strconv.ParseInt(m[1], 10, 64)
		ids = append(ids, id)
	}
	return ids
}

// wantHooks compares what the webhook receiver got. One may have come twice only where the collector was killed.
func (c *centre) wantHooks(truth *year.Truth, named map[int64]string, s *year.Script) {
	killed := map[int64]bool{}
	for _, step := range s.Steps {
		killed[step.At.UnixMilli()] = step.Killed != year.NotKilled
	}
	got := map[string]bool{}
	var hooks []string
	for _, h := range c.hooks.all() {
		for _, a := range h.Alerts {
			id, _ := strconv.ParseInt(a.Labels["episode"], 10, 64)
			text := year.SayHook(h.at, a.Status, named[id])
			if kind := a.Labels["kind"]; !strings.HasPrefix(named[id], kind+" ") {
				c.t.Errorf("a message to programs about %s says that it is %s", named[id], kind)
			}
			if key := fmt.Sprint(id, a.Status); !got[key] || !killed[h.at.UnixMilli()] {
				hooks = append(hooks, text)
				got[key] = true
			}
		}
	}
	same(c.t, "messages to programs", hooks, truth.SayHooks())
	if len(c.hooks.bad) > 0 {
		c.t.Errorf("%d messages to programs can't be read, such as %s", len(c.hooks.bad), c.hooks.bad[0])
	}
}

// wantMetrics compares what Prometheus is told.
func (c *centre) wantMetrics(truth *year.Truth) {
	want := map[string]int64{}
	for a, count := range truth.Sums() {
		if a.Evidence {
			continue
		}
		name, direction := "zerofax_fax_pages_total", "unknown"
		switch a.Measure {
		case wire.FaxSent, wire.FaxSentPages:
			direction = "sent"
		case wire.FaxReceived, wire.FaxReceivedPages, wire.FaxPrintedPages:
			direction = "received"
		}
		if a.Unit == "faxes" {
			name = "zerofax_faxes_total"
		}
		want[fmt.Sprintf("%s{direction=%q,establishment=%q,pole=%q,service=%q}", name, direction, a.Establishment, a.Pole, a.Service)] += count
	}
	pages, faxes := truth.After()
	for line, count := range pages {
		want[fmt.Sprintf("zerofax_line_pages_after_cutoff_total{line=%q}", line)] = count
	}
	for line, count := range faxes {
		want[fmt.Sprintf("zerofax_line_faxes_after_cutoff_total{line=%q}", line)] = count
	}
	got := map[string]int64{}
	for line := range strings.Lines(get(c.url + "/metrics")) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name, _, _ := strings.Cut(series, "{"); name {
		case "zerofax_fax_pages_total", "zerofax_faxes_total", "zerofax_line_pages_after_cutoff_total", "zerofax_line_faxes_after_cutoff_total":
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				c.t.Fatal(err)
			}
			got[series] = int64(v)
		}
	}
	same(c.t, "metrics", year.SaySums(got), year.SaySums(want))
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if d := year.Difference(got, want); d != "" {
		t.Errorf("%s: + is said, - is true\n%s", what, d)
	}
}

func TestAScriptedYearWithTheRealProgramsEqualsItsOwnTruth(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	s := year.Write(year.Plan{
		Seed: 2026, Size: size(t), Every: 24 * time.Hour, From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Days: 365,
		Office: year.Office{
			Everyone: []string{"qualite@chu.test"}, Zone: paris, QuietFrom: 20, QuietTo: 7,
			Recipients: map[string][]string{"service-101": {"qualite@chu.test", "urgences@chu.test"}},
		},
	})
	broken := [2]time.Time{s.From.AddDate(0, 0, 200), s.From.AddDate(0, 0, 203)} // the mail server
	truth := year.NewTruth(s.Hospital, s.Office)
	c := newCentre(t, s)
	began := time.Now()
	for _, step := range s.Steps {
		c.mails.outOfOrder(!step.At.Before(broken[0]) && step.At.Before(broken[1]))
		truth.Step(step)
		c.step(step)
	}
	t.Logf("%d steps, %d mails, %d messages to programs in %s", len(s.Steps), len(c.mails.all()), len(c.hooks.all()), time.Since(began).Round(time.Second))
	named := c.wantAlerts(truth)
	c.wantMails(truth, named, s, broken)
	c.wantHooks(truth, named, s)
	c.wantMetrics(truth)
	c.command("verify")
}

// size is how many lines the year has: 500, or what ZEROFAX_YEAR says.
func size(t *testing.T) int {
	text := os.Getenv("ZEROFAX_YEAR")
	if text == "" {
		return 500
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("ZEROFAX_YEAR: %v", err)
	}
	return n
}
