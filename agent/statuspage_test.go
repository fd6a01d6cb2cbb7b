package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zerofax/zerofax/agent/freeport"
	"github.com/zerofax/zerofax/agent/wire"
)

func TestTheStatusPageShowsWhatIsPolledAndThatTheCollectorHearsIt(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	ward, config, port := setUp(t)
	page := fmt.Sprintf("127.0.0.1:%d", freeport.Must(t))
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.Replace(text, []byte("127.0.0.1:0"), []byte(page), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	startBroker(t, port)
	collect(t, fmt.Sprintf("mqtt://127.0.0.1:%d", port), newBooks())
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	code := make(chan int)
	go func() { code <- run(ctx, []string{"run", "--config", config}, &log, &log) }()
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if got := <-code; got != 0 || !strings.Contains(log.String(), "http://"+page+"/") {
			t.Errorf("exit %d, want 0 and the page's address in the log:\n%s", got, log.String())
		}
	}()
	url := "http://" + page

	var overview struct {
		Targets map[string]int
		Link    struct {
			Acks int
			Up   time.Time `json:"connected_since"`
		}
		Data []struct{ Address, Device string }
	}
	eventually(t, "all machines answer, and the collector acknowledges", func() string {
		text := download(url + "/?format=json")
		if json.Unmarshal([]byte(text), &overview) != nil || overview.Targets["answering"] != len(ward.Devices) || overview.Link.Acks == 0 || overview.Link.Up.IsZero() {
			return "page: " + text
		}
		return ""
	})
	var device struct {
		Answers []struct {
			Answers []struct{ OID, Type string }
			Reading wire.Reading
		} `json:"last_answers"`
	}
	of := overview.Data[0]
	if err := json.Unmarshal([]byte(download(url+"/device?format=json&address="+of.Address)), &device); err != nil || len(device.Answers) == 0 ||
		len(device.Answers[0].Answers) < 2 || device.Answers[0].Reading.Device != of.Device {
		t.Errorf("%s: got %+v, %v", of.Address, device, err)
	}
	for target, want := range map[string]string{
		"/":          fmt.Sprintf("<strong>%d adresses</strong>", len(ward.Devices)),
		"/metrics":   fmt.Sprintf("zerofax_agent_devices_up %d\n", len(ward.Devices)),
		"/-/healthy": "healthy\n",
	} {
		if got := download(url + target); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want in it %q", target, got, want)
		}
	}
	if got := download(url + "/metrics"); strings.Contains(got, `polls_total{result="answered"} 0`) {
		t.Error("looks aren't counted")
	}
}

// download is the body at url, whatever its status; empty if there is none.
func download(url string) string {
	resp, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}
