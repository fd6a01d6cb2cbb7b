//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/wire"
)

// hooks takes webhook messages: /ours from the collector, /theirs from Alertmanager.
type hooks struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string][]map[string]any // by path
}

func newHooks(t *testing.T) *hooks {
	h := &hooks{got: map[string][]map[string]any{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message map[string]any
		data, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(data, &message); err != nil {
			t.Errorf("%s: %v in %s", r.URL.Path, err, data)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got[r.URL.Path] = append(h.got[r.URL.Path], message)
	}))
	t.Cleanup(h.Close)
	return h
}

// find is the first message that came to a path with a status, about an alert of a name.
func (h *hooks) find(path, status, alertname string) map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.got[path] {
		labels, _ := m["commonLabels"].(map[string]any)
		if m["status"] == status && labels["alertname"] == alertname {
			return m
		}
	}
	return nil
}

// TestARealAlertmanagerTakesOurAlerts lets an agent fall silent and come back. Alertmanager must show the alert while
// it is open, and what our own webhook says of it must look like what Alertmanager says to its receivers.
func TestARealAlertmanagerTakesOurAlerts(t *testing.T) {
	t.Parallel()
	dir, hooks := t.TempDir(), newHooks(t)
	amPort, httpPort, mqttPort := freeport.Must(t), freeport.Must(t), freeport.Must(t)
	am := fmt.Sprintf("http://127.0.0.1:%d", amPort)
	writeFile(t, filepath.Join(dir, "alertmanager.yml"), fmt.Sprintf(
		"route: {receiver: test, group_wait: 0s, group_interval: 1s}\nreceivers: [{name: test, webhook_configs: [{url: '%s/theirs'}]}]\n", hooks.URL))
	start(t, dir, "prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=am",
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", amPort), "--cluster.listen-address=")
	eventually(t, 30*time.Second, "Alertmanager is ready", func() string {
		if get(am+"/-/ready") == "" {
			return "no answer"
		}
		return ""
	})

	writeFile(t, filepath.Join(dir, "collector.yml"), fmt.Sprintf(
		"data_dir: books\nmqtt: {embedded: {listen: '127.0.0.1:%d'}}\nhttp: {listen: '127.0.0.1:%d', external_url: 'http://localhost/'}\n"+
			"alerts: {webhook: {url: '%s/ours'}, alertmanager: {url: '%s'}}\n", mqttPort, httpPort, hooks.URL, am))
	c := &clockwork{t: t, file: filepath.Join(dir, "time"), at: time.Now().Add(-40 * time.Minute).UTC()}
	c.pass(0)
	startWith(t, dir, []string{"ZEROFAX_TIME_FILE=" + c.file}, "zerofax-collector", "run", "--config", "collector.yml")
	eventually(t, 30*time.Second, "the collector is ready", func() string {
		if get(fmt.Sprintf("http://127.0.0.1:%d/-/ready", httpPort)) == "" {
			return "no answer"
		}
		return ""
	})

	agent := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", mqttPort)).SetClientID("ps-01"))
	if token := agent.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	defer agent.Disconnect(100)
	speak := func() {
		state := wire.Encode(wire.AgentState{V: wire.Version, Online: true, Session: "s", SentAt: wire.TimeOf(c.at), StartedAt: wire.TimeOf(c.at)})
		if token := agent.Publish(wire.Topic("ps-01", wire.KindState), 1, true, state); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			t.Fatalf("publish: %v", token.Error())
		}
	}
	speak()
	eventually(t, 10*time.Second, "the collector has heard of the agent", func() string {
		if len(list[struct{}](fmt.Sprintf("http://127.0.0.1:%d/api/v1/agents", httpPort))) != 1 {
			return "it hasn't"
		}
		return ""
	})
	for range 20 {
		c.pass(time.Minute)
	}
	eventually(t, 20*time.Second, "Alertmanager shows the silent agent", func() string {
		shown := get(am + "/api/v2/alerts")
		if !strings.Contains(shown, `"alertname":"ZerofaxAgentSilent"`) || !strings.Contains(shown, `"agent":"ps-01"`) || !strings.Contains(shown, `"state":"active"`) {
			return shown
		}
		return ""
	})

	for range 80 { // what comes and goes is over when it has been gone for 6 hours
		speak()
		c.pass(5 * time.Minute)
	}
	for _, status := range []string{"firing", "resolved"} {
		var ours, theirs map[string]any
		eventually(t, 20*time.Second, "both say "+status, func() string {
			c.pass(time.Second)
			ours, theirs = hooks.find("/ours", status, "ZerofaxAgentSilent"), hooks.find("/theirs", status, "ZerofaxAgentSilent")
			if ours == nil || theirs == nil {
				return fmt.Sprintf("ours: %v, Alertmanager's: %v", ours, theirs)
			}
			return ""
		})
		if got, want := shape("", ours), shape("", theirs); !slices.Equal(got, want) {
			t.Errorf("%s: our webhook message has\n%s\nAlertmanager's has\n%s", status, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		fingerprint := func(m map[string]any) any { return m["alerts"].([]any)[0].(map[string]any)["fingerprint"] }
		if got, want := fingerprint(ours), fingerprint(theirs); got != want {
			t.Errorf("%s: fingerprint: got %v, Alertmanager has %v for the same labels", status, got, want)
		}
	}
}

// shape is the keys and types of a JSON value. Of labels only their type matters.
func shape(path string, v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		if strings.HasSuffix(path, "groupLabels") {
			return []string{path + " labels"}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, shape(path+"."+key, v[key])...)
		}
		return all
	case []any:
		return shape(path+"[]", v[0])
	}
	return []string{fmt.Sprintf("%s %T", path, v)}
}

// clockwork sets the collector's clock.
type clockwork struct {
	t      *testing.T
	file   string
	at     time.Time
	rounds int
}

// pass lets time pass, and waits until every loop that there is has made a round.
func (c *clockwork) pass(d time.Duration) {
	c.t.Helper()
	c.at = c.at.Add(d)
	c.rounds++
	loops := []string{"watchdog", "alert", "webhook", "alertmanager"}
	writeFile(c.t, c.file+".next", fmt.Sprintf("%s %d %s", c.at.Format(time.RFC3339Nano), c.rounds, strings.Join(loops, " ")))
	if err := os.Rename(c.file+".next", c.file); err != nil {
		c.t.Fatal(err)
	}
	if c.rounds == 1 { // nobody reads it yet
		return
	}
	for _, loop := range loops {
		eventually(c.t, 20*time.Second, loop+" makes its round", func() string {
			done, _ := os.ReadFile(c.file + "." + loop)
			if n, _ := strconv.Atoi(string(done)); n < c.rounds {
				return "it has made " + string(done)
			}
			return ""
		})
	}
}
