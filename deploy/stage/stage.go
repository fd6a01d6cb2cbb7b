// Package stage plays two years of two small hospitals to the real collector, with a real InfluxDB and a
// real Prometheus beside it, so that dashboards and rules can be looked at and proven with everything in
// them that can happen: services that give up faxing one after the other, lines that are cut, overdue,
// kept, quiet, blind; faxes after the cut-off; an agent that is dead, one that can't keep up.
//
// Agents speak MQTT as real ones do. The collector's clock is turned (build tag testclock) while it lives
// through the past, since it takes no reading for true that is older than 400 days; then it is started
// again and lives in the present. What the books must say in the end is told by Truth.
//
//	script ─ MQTT ─▶ collector ─┬▶ InfluxDB
//	   └─ tables ─ import ─▶    └▶ Prometheus (what it would have scraped in the past is filled in)
package stage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Mode is what is played.
type Mode string

// The modes.
const (
	Full  Mode = "full"  // the whole history; two of three agents live
	Empty Mode = "empty" // a collector that was installed a moment ago
	Dead  Mode = "dead"  // the whole history, and all agents are gone
)

// Modes are all modes.
func Modes() []Mode { return []Mode{Full, Empty, Dead} }

// deadPort is where there is no mail server: mails wait, and are given up in the end.
const deadPort = 1

// Database is the name of the database in InfluxDB; it asks for no password.
const Database = "zerofax"

// Options say what is played, by which programs.
type Options struct {
	Mode   Mode
	Seed   uint64
	Months int       // of history; 0: 24
	Ends   time.Time // when history does: the collector stays at that instant, and nothing goes on; zero: now
	Dir    string    // empty; the programs' data and configurations
	Flows  bool      // journals tell who faxes whom, too, services go in waves, and one goes to the fax next door
	Log    *slog.Logger
	Told   func(part float64) // of the history, from 0 to 1; nil: nobody wants to know

	Collector  string // path of the program, built with the tag testclock
	Present    string // path of that which runs in the present; empty: the same
	InfluxDB   string // path of influxd 1.8; empty: none
	Prometheus string // path of the program; empty: none
	Rules      string // glob of Prometheus's rule files; empty: none

	// Where they listen, 127.0.0.1:PORT; empty: where there is room.
	Pages, MQTT, InfluxDBAt, PrometheusAt string
}

// Stage is a collector, an InfluxDB and a Prometheus that run.
type Stage struct {
	Options
	Truth *Truth // of what happened until it opened; in mode empty, of nothing

	*life
	cast       []*agent
	collector  *process
	influxdb   *process
	prometheus *process
	chat       *httptest.Server // takes the webhook's messages
	past       scrapes
	round      int64
	turned     bool            // the collector's clock is the script's
	living     context.Context // of the agents that go on
	cancel     context.CancelFunc
	group      *errgroup.Group
}

// Open plays the history and returns once the collector lives in the present, or where it Ends, InfluxDB has all of it
// and Prometheus has looked. Whoever opened it closes it.
func Open(ctx context.Context, o Options) (s *Stage, err error) {
	s = &Stage{Options: o}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.chat = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if err := s.configure(); err != nil {
		return nil, err
	}
	now := cmp.Or(o.Ends, time.Now()).Truncate(time.Second)
	h, err := build(now, cmp.Or(o.Months, historyMonths))
	if err != nil {
		return nil, err
	}
	if o.Mode == Dead {
		h.kill(h.hoursAgo(5))
	}
	var borrowed *Line
	var borrowing *Machine
	if o.Flows {
		borrowed, borrowing = h.borrowing()
	}
	s.life = newLife(h, o.Seed)
	s.Truth = s.life.truth
	s.Truth.Borrowed, s.Truth.Borrowing = borrowed, borrowing
	if err := s.startInfluxDB(ctx); err != nil {
		return nil, err
	}
	if o.Mode != Empty {
		began := time.Now()
		if err := s.play(ctx); err != nil {
			return nil, err
		}
		o.Log.Info("history told", "took", time.Since(began).Round(time.Millisecond))
	} else {
		s.life.hospital = &hospital{now: now, paris: h.paris}
		s.Truth = newTruth(s.life.hospital)
	}
	if err := s.present(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// CollectorURL is where the pages, the API and the metrics are.
func (s *Stage) CollectorURL() string { return "http://" + s.Pages }

// InfluxDBURL is where InfluxDB is.
func (s *Stage) InfluxDBURL() string { return "http://" + s.InfluxDBAt }

// PrometheusURL is where Prometheus is.
func (s *Stage) PrometheusURL() string { return "http://" + s.PrometheusAt }

// Close ends all programs. It may be called again.
func (s *Stage) Close() {
	if s.cancel != nil {
		s.cancel()
		_ = s.group.Wait() // it is over anyway
	}
	for _, a := range s.cast {
		a.leave()
	}
	for _, p := range []*process{s.prometheus, s.collector, s.influxdb} {
		p.stop()
	}
	if s.chat != nil {
		s.chat.Close()
	}
}

// Wait returns when ctx ends, or with an error when a program ended by itself.
func (s *Stage) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.prometheus.ended():
		return fmt.Errorf("prometheus ended by itself: %s", s.prometheus.out)
	case <-s.collector.ended():
		return fmt.Errorf("the collector ended by itself: %s", s.collector.out)
	case <-s.influxdb.ended():
		return fmt.Errorf("influxd ended by itself: %s", s.influxdb.out)
	}
}

func (s *Stage) configure() error {
	for _, address := range []*string{&s.Pages, &s.MQTT, &s.InfluxDBAt, &s.PrometheusAt} {
		if *address == "" {
			var err error
			if *address, err = freeAddress(); err != nil {
				return err
			}
		}
	}
	rpc, err := freeAddress()
	if err != nil {
		return err
	}
	rules := ""
	if s.Rules != "" {
		rules = "rule_files: [" + strconv.Quote(s.Rules) + "]\n"
	}
	collector := fmt.Sprintf("data_dir: books\nmqtt: {embedded: {listen: %s}}\nhttp: {listen: %s}\nalerts:\n  webhook: {url: %s}\n", s.MQTT, s.Pages, s.chat.URL)
	if s.InfluxDB != "" {
		collector += fmt.Sprintf("  email: {host: 127.0.0.1, port: %d, tls: none, from: zerofax@chu-exemple.fr, to: [zero-fax@chu-exemple.fr]}\n"+
			"influxdb: {url: %s, bucket: %s}\n", deadPort, s.InfluxDBURL(), Database)
	}
	for name, text := range map[string]string{
		"collector.yml": collector,
		"influxdb.conf": fmt.Sprintf("reporting-disabled = true\nbind-address = %q\n[meta]\n  dir = \"influxdb/meta\"\n[data]\n  dir = \"influxdb/data\"\n"+
			"  wal-dir = \"influxdb/wal\"\n  query-log-enabled = false\n[monitor]\n  store-enabled = false\n[http]\n  bind-address = %q\n  log-enabled = false\n",
			rpc, s.InfluxDBAt),
		"prometheus.yml": "global: {scrape_interval: 1s, evaluation_interval: 1s}\n" + rules +
			"scrape_configs:\n  - job_name: zerofax\n    static_configs: [{targets: [\"" + s.Pages + "\"]}]\n",
	} {
		if err := s.write(name, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stage) write(name string, text []byte) error {
	if err := os.WriteFile(filepath.Join(s.Dir, name), text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (s *Stage) startInfluxDB(ctx context.Context) (err error) {
	if s.InfluxDB == "" {
		return nil
	}
	if s.influxdb, err = launch(s.Dir, nil, s.InfluxDB, "-config", "influxdb.conf"); err != nil {
		return err
	}
	if err := s.influxdb.answers(ctx, s.InfluxDBURL()+"/health"); err != nil {
		return err
	}
	_, err = s.InfluxQL(ctx, "CREATE DATABASE "+Database)
	return err
}

func (s *Stage) startCollector(ctx context.Context) (err error) {
	program, env := cmp.Or(s.Present, s.Collector), []string(nil)
	if s.turned {
		program, env = s.Collector, []string{"ZEROFAX_TIME_FILE=" + s.timeFile()}
	}
	if s.collector, err = launch(s.Dir, env, program, "run", "--config", "collector.yml", "--log-level", "warn"); err != nil {
		return err
	}
	return s.collector.answers(ctx, s.CollectorURL()+"/-/ready")
}

// Extraction is the path of the file that the team took from the national directory last.
func (s *Stage) Extraction() string {
	return filepath.Join(s.Dir, s.extractionName(extractions[len(extractions)-1]))
}

// command runs a command of the collector's beside it; what is declared, somebody declares.
func (s *Stage) command(ctx context.Context, args ...string) error {
	if args[0] == "import" || args[0] == "month" {
		args = append(args, "--by", "camille.exemple")
	}
	return run(ctx, s.Dir, []string{"ZEROFAX_TIME_FILE=" + s.timeFile()}, s.Collector, append(args, "--config", "collector.yml")...)
}

func (s *Stage) timeFile() string { return filepath.Join(s.Dir, "time") }

// turn lets it be t for the collector, and its loops make a round each, one after the other.
func (s *Stage) turn(ctx context.Context, t time.Time, loops ...string) error {
	s.round++
	text := fmt.Sprintln(t.UTC().Format(time.RFC3339Nano), s.round, strings.Join(loops, " "))
	if err := s.write("time.new", []byte(text)); err != nil {
		return err
	}
	if err := os.Rename(s.timeFile()+".new", s.timeFile()); err != nil {
		return fmt.Errorf("turn the clock: %w", err)
	}
	return until(ctx, 60*time.Second, func() error {
		for _, loop := range loops {
			text, _ := os.ReadFile(s.timeFile() + "." + loop)
			if done, _ := strconv.ParseInt(string(text), 10, 64); done < s.round {
				return fmt.Errorf("round %d of %s isn't made: %s", s.round, loop, s.collector.out)
			}
		}
		return nil
	})
}

// play lets the collector live through the past.
func (s *Stage) play(ctx context.Context) error {
	s.turned = true
	steps := s.steps()
	if err := s.turn(ctx, steps[0].Add(-hour)); err != nil {
		return err
	}
	if err := s.startCollector(ctx); err != nil {
		return err
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	last := s.begins().Add(-hour)
	for i, at := range steps {
		if err := s.step(ctx, last, at); err != nil {
			return fmt.Errorf("%s: %w", at.Format(time.DateTime), err)
		}
		last = at
		if s.Told != nil {
			s.Told(float64(i+1) / float64(len(steps)))
		}
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	for _, a := range s.cast {
		a.leave()
	}
	s.collector.stop()
	s.turned = !s.Ends.IsZero()
	if s.Prometheus == "" {
		return nil
	}
	return s.fillPrometheus(ctx)
}

// begin is what people do first.
func (s *Stage) begin(ctx context.Context) error {
	for name, text := range map[string][]byte{
		"structure.csv": s.structureTable(), "targets.csv": s.targetsTable(), "copper.csv": s.copperTable(), "agents.yml": []byte(agentsFile),
		"mssante-addresses.csv": s.mailboxesTable(), "mssante-volumes.csv": volumesTable(s.volumes()), "mssante-boxes.csv": s.boxesTable(),
	} {
		if err := s.write(name, text); err != nil {
			return err
		}
	}
	return s.commands(ctx, "import structure structure.csv", "import targets targets.csv", "broker mosquitto --name mqtt.chu-exemple.fr")
}

// catchUp gives the agents certificates, two of which should have been renewed by now, tells them what to
// poll, declares what is known of MSSanté, and notes what else the team did.
func (s *Stage) catchUp(ctx context.Context) error {
	if err := s.note(ctx); err != nil {
		return err
	}
	if s.Flows {
		if err := s.flows(ctx); err != nil {
			return err
		}
	}
	return s.commands(ctx, "import agents agents.yml", "enroll ps-nord", "enroll ps-iles --valid 1440h", "enroll ps-sud --valid 240h",
		"import mssante-addresses mssante-addresses.csv", "import mssante-volumes mssante-volumes.csv",
		"import mssante-volumes mssante-boxes.csv")
}

func (s *Stage) commands(ctx context.Context, all ...string) error {
	for _, one := range all {
		if err := s.command(ctx, strings.Fields(one)...); err != nil {
			return err
		}
	}
	return nil
}

// step is what happens after one instant, up to another.
func (s *Stage) step(ctx context.Context, from, to time.Time) error {
	if err := s.turn(ctx, to); err != nil {
		return err
	}
	if err := s.declare(ctx, from, to); err != nil {
		return err
	}
	for _, plan := range s.agents {
		if err := s.act(ctx, plan, from, to); err != nil {
			return err
		}
	}
	if err := s.judge(ctx, from, to); err != nil {
		return err
	}
	if err := s.work(ctx, from, to); err != nil {
		return err
	}
	rounds := [][]string{{"watchdog"}, {"alert"}, {"mail", "webhook"}}
	if s.InfluxDB != "" && (from.Month() != to.Month() || to.Equal(s.now)) { // it computes all months each time: a tenth of a second
		rounds = append(rounds, []string{"series"})
	}
	for _, loops := range rounds {
		if err := s.turn(ctx, to, loops...); err != nil {
			return err
		}
	}
	if s.Prometheus == "" {
		return nil
	}
	return s.past.take(ctx, s.Pages, to, s.now.Sub(to) < hourlyFor)
}

// declare imports the lines where something of them is new: in the beginning, when one was cut, and when
// another machine took a place.
func (s *Stage) declare(ctx context.Context, from, to time.Time) error {
	begins, replaced, cut := s.cast == nil, "", false
	for _, l := range s.lines {
		cut = cut || !l.CutOn.IsZero() && l.CutOn.After(from) && !l.CutOn.After(to)
		if l.Next != nil && l.Next.from.After(from) && !l.Next.from.After(to) {
			replaced = l.Machine.to.Format(time.DateOnly)
		}
	}
	if !begins && !cut && replaced == "" {
		return nil
	}
	if err := s.write("lines.csv", s.linesTable(to)); err != nil {
		return err
	}
	args := []string{"import", "lines", "lines.csv"}
	if replaced != "" {
		args = append(args, "--since", replaced)
	}
	if err := s.command(ctx, args...); err != nil || !begins {
		return err
	}
	return s.command(ctx, "import", "copper", "copper.csv", "--day", to.Format(time.DateOnly))
}

// act is what an agent does: it comes, reads, sends and dies.
func (s *Stage) act(ctx context.Context, plan *agentPlan, from, to time.Time) error {
	a := s.agent(plan)
	if !plan.dies.IsZero() && !from.Before(plan.dies) {
		a.die()
		return nil
	}
	if a.client == nil {
		if err := a.connect(s.MQTT, to); err != nil {
			return err
		}
	}
	for _, b := range s.days(plan, from, to) {
		if b.lost { // what is held before is sent; this was never
			if err := a.send(ctx, to); err != nil {
				return err
			}
		}
		if err := a.keep(b.readings, a.off(to, s.now)); err != nil {
			return err
		}
		if b.lost {
			a.spool.GiveUp(1)
		}
	}
	if err := a.send(ctx, to); err != nil {
		return err
	}
	return a.live(to)
}

func (s *Stage) agent(plan *agentPlan) *agent {
	for _, a := range s.cast {
		if a.agentPlan == plan {
			return a
		}
	}
	s.cast = append(s.cast, newAgent(plan, s.begins()))
	return s.cast[len(s.cast)-1]
}

// judge has a person reject the first jump of a machine, a while after it was seen.
func (s *Stage) judge(ctx context.Context, from, to time.Time) error {
	for _, m := range s.rejected {
		decided := m.jumps[0].at.Add(10 * 24 * hour)
		if !decided.After(from) || decided.After(to) {
			continue
		}
		body, err := get(ctx, s.CollectorURL()+"/api/v1/anomalies?open=true")
		if err != nil {
			return err
		}
		var open struct {
			Data []struct {
				ID           int64
				Kind, Device string
			}
		}
		if err := json.Unmarshal(body, &open); err != nil {
			return fmt.Errorf("read anomalies: %w", err)
		}
		for _, x := range open.Data {
			if x.Kind == "jump" && x.Device == m.ID {
				err = errors.Join(err, s.command(ctx, "anomaly", "reject", strconv.FormatInt(x.ID, 10), "--reason", "carte remplacée"))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
