package alert

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/collector/internal/ledger"
)

// Alert is one of Alertmanager's alerts, as its API takes them.
type amAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// notice is one alert in a webhook's message.
type notice struct {
	Status string `json:"status"` // firing, resolved
	amAlert
	Fingerprint string `json:"fingerprint"`
}

// notification is Alertmanager's webhook message, version 4.
type notification struct {
	Receiver          string            `json:"receiver"`
	Status            string            `json:"status"`
	Alerts            []notice          `json:"alerts"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   uint64            `json:"truncatedAlerts"`
}

const (
	statusFiring   = "firing"
	statusResolved = "resolved"
)

// alertNames are what Alertmanager knows the kinds of episodes by.
var alertNames = map[ledger.EpisodeKind]string{
	ledger.AfterCutoff:    "ZerofaxFaxAfterCutoff",
	ledger.AfterCopper:    "ZerofaxFaxAfterCopper",
	ledger.BlindLine:      "ZerofaxCutLineBlind",
	ledger.AgentSilent:    "ZerofaxAgentSilent",
	ledger.SpoolDropping:  "ZerofaxSpoolDropping",
	ledger.AnomalyToJudge: "ZerofaxAnomalyToJudge",
	ledger.DeviceReplaced: "ZerofaxDeviceChanged",
	ledger.LineReappeared: "ZerofaxCutLineReappeared",
	ledger.ClockOff:       "ZerofaxAgentClockWrong",
	ledger.Hole:           "ZerofaxReadingsLost",
}

// severity is how bad it is: critical, a fax on a line that should be dead; warning, something to see to; info, something to decide.
func severity(kind ledger.EpisodeKind) string {
	switch kind {
	case ledger.AfterCutoff, ledger.LineReappeared:
		return "critical"
	case ledger.AnomalyToJudge, ledger.DeviceReplaced:
		return "info"
	}
	return "warning"
}

// alert is an episode as one of Alertmanager's alerts. Its labels never change while it is open: they are who it is.
func (w *writer) alert(e *ledger.Episode) amAlert {
	a := amAlert{
		Labels: map[string]string{
			"alertname": cmp.Or(alertNames[e.Kind], "Zerofax"), "severity": severity(e.Kind), "kind": string(e.Kind),
			"episode": strconv.FormatInt(e.ID, 10),
		},
		StartsAt: e.OpenedAt.Std(), EndsAt: e.ClosedAt.Std(), GeneratorURL: w.link,
	}
	for name, value := range map[string]string{"line": e.Line, "device": e.Device, "agent": e.Agent, "service": e.Service} {
		if value != "" && (name != "device" || e.Line == "") { // a line may get another machine
			a.Labels[name] = value
		}
	}
	n := news{Episode: e, What: beginning, Events: e.Events}
	if e.ClosedAt != 0 {
		n.What = ending
	}
	s := w.section(faultMail, &n)
	summary := s.Title
	if e.Kind == ledger.AfterCutoff {
		summary = plain(w.faxSubject([]news{n}))
	}
	a.Annotations = map[string]string{"summary": summary, "description": w.described(&s)}
	return a
}

// described is a section in one text.
func (w *writer) described(s *section) string {
	var lines []string
	for _, f := range s.Facts {
		lines = append(lines, w.say("subject.same", f[0], f[1]))
	}
	return strings.Join(append(lines, s.Advice), "\n")
}

// notify is a webhook's message about one alert. Each is a group of its own, so that a receiver sees one
// begin and end whatever happens to others.
func notify(a amAlert, link string) notification {
	status := statusFiring
	if !a.EndsAt.IsZero() {
		status = statusResolved
	}
	labels := make(model.LabelSet, len(a.Labels))
	for name, value := range a.Labels {
		labels[model.LabelName(name)] = model.LabelValue(value)
	}
	group := map[string]string{"alertname": a.Labels["alertname"], "episode": a.Labels["episode"]}
	return notification{
		Receiver: "zerofax", Status: status, Version: "4", ExternalURL: link,
		Alerts:      []notice{{Status: status, amAlert: a, Fingerprint: labels.Fingerprint().String()}},
		GroupLabels: group, CommonLabels: a.Labels, CommonAnnotations: a.Annotations,
		GroupKey: fmt.Sprintf("{}:{alertname=%q, episode=%q}", group["alertname"], group["episode"]),
	}
}

// Webhook is an address that takes Alertmanager's webhook messages.
type Webhook struct {
	URL      string        // may hold a secret
	Patience time.Duration // for one message; default 15 s
}

// Send sends a message of the outbox.
func (h *Webhook) Send(ctx context.Context, m *ledger.Message) error {
	return postJSON(ctx, h.URL, []byte(m.Payload), cmp.Or(h.Patience, httpPatience))
}

const httpPatience = 15 * time.Second

// delayed is an error of a server that says when to come again.
type delayed struct {
	error
	after time.Duration
}

// postJSON hands data to a server. Errors never name the URL: those of webhooks are secrets.
func postJSON(ctx context.Context, address string, data []byte, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return refusal{errors.New("its URL can't be used")}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "zerofax-collector/"+program.Version())
	resp, err := client.Do(request)
	if err != nil {
		return unreachable{withoutURL(err)}
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	return judged(resp)
}

// client doesn't follow redirections: most make a GET of a POST, and that would look like success.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func withoutURL(err error) error {
	var fault *url.Error
	if errors.As(err, &fault) {
		return fault.Err
	}
	return err
}

// judged is what an answer means.
func judged(resp *http.Response) error {
	err := fmt.Errorf("it answers %s", resp.Status)
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return nil
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return delayed{err, time.Duration(seconds) * time.Second}
	case code == http.StatusRequestTimeout || code/100 == 5:
		return err
	}
	return refusal{err}
}

// Alertmanager takes alerts at URL's path api/v2/alerts.
type Alertmanager struct {
	URL      string
	Patience time.Duration // for one push; default 15 s
}

// PushAgain is how often Alertmanager is told: all that is open, again and again, since it keeps nothing over
// a restart of its own. That is why it isn't told from the outbox: an old push must never come late.
const PushAgain = time.Minute

// pushFor is how long an alert is good for: longer than this collector takes to be restarted or mended, so that it
// doesn't resolve and fire again for that. What is closed is said for as long, in case Alertmanager was away.
const pushFor = time.Hour

func (a *Alertmanager) push(ctx context.Context, alerts []amAlert) error {
	address, err := url.JoinPath(a.URL, "api/v2/alerts")
	if err != nil {
		return errors.New("its URL can't be used")
	}
	return postJSON(ctx, address, []byte(encoded(alerts)), cmp.Or(a.Patience, httpPatience))
}
