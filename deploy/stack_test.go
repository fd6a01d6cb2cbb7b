// Package deploy_test holds the files of the stack to each other and to the programs: what one names, another must have.
// There is no Docker here; deploy/e2e starts the programs with these files as far as they can be had.
package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/zerofax/zerofax/agent/wire"
)

func compose(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"compose/compose.yml"}, cli.WithEnv(env), cli.WithInterpolation(true), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatalf("compose.yml: %v", err)
	}
	return project
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// decode is strict: a key that isn't known is a fault.
func decode(t *testing.T, name string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, name)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestImagesArePinnedAndTheCollectorsHoldsTheProgramAlone(t *testing.T) {
	for name, s := range compose(t).Services {
		if s.Build == nil && !regexp.MustCompile(`^[a-z/]+:v?\d+\.\d+\.\d+$`).MatchString(s.Image) {
			t.Errorf("%s: image %q; want one version of it", name, s.Image)
		}
		if s.Privileged || len(s.CapAdd) > 0 || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: has more rights than it needs", name)
		}
	}
	c := compose(t).Services["collector"]
	if !c.ReadOnly || c.User == "" || strings.HasPrefix(c.User, "0") || c.Build.Target != "collector" {
		t.Errorf("collector: got read-only %v, user %q, target %q; want a read-only root, and a user that isn't root", c.ReadOnly, c.User, c.Build.Target)
	}
	dockerfile := read(t, "compose/Dockerfile")
	if !strings.Contains(dockerfile, "USER "+c.User+"\n") {
		t.Errorf("Dockerfile: runs as another user than %s", c.User)
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(dockerfile, -1) {
		if from[1] != "scratch" {
			t.Errorf("Dockerfile: FROM %s; want scratch", from[1])
		}
	}
}

func TestWhatImagesCopyIsThereAndNotIgnored(t *testing.T) {
	let := strings.Fields(read(t, "compose/Dockerfile.dockerignore"))
	for _, copied := range regexp.MustCompile(`(?m)^COPY (?:--\S+ )*(\S+) \S+$`).FindAllStringSubmatch(read(t, "compose/Dockerfile"), -1) {
		source := strings.TrimSuffix(copied[1], "/")
		if !slices.Contains(let, "!"+source) {
			t.Errorf("Dockerfile.dockerignore keeps %s from the build", source)
		}
		if built, ok := strings.CutPrefix(source, "bin/"); ok {
			if !strings.Contains(read(t, "../Makefile"), "-o bin/"+built+" ") {
				t.Errorf("make build makes no bin/%s", built)
			}
		} else if _, err := os.Stat(filepath.Join("..", source)); err != nil {
			t.Errorf("Dockerfile: %v", err)
		}
	}
}

func TestOnlyThisMachineReachesPublishedPortsUnlessAgentsAreLetIn(t *testing.T) {
	outside := func(env ...string) (open []string) {
		for _, s := range compose(t, env...).Services {
			for _, p := range s.Ports {
				if p.HostIP != "127.0.0.1" {
					open = append(open, p.HostIP+":"+p.Published)
				}
			}
		}
		return open
	}
	if got := outside(); got != nil {
		t.Errorf("by default: got %q open, want none", got)
	}
	if got := outside("MQTT_BIND=0.0.0.0"); !slices.Equal(got, []string{"0.0.0.0:8883"}) {
		t.Errorf("with MQTT_BIND: got %q open, want the broker alone", got)
	}
	for _, line := range strings.Fields(read(t, "compose/.env.example")) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), "="); ok && !strings.Contains(read(t, "compose/compose.yml"), "${"+name+":-") {
			t.Errorf(".env.example: compose.yml has no %s with a default", name)
		}
	}
}

func TestEverythingMountedIsInTheRepositoryOrKeptOnAVolume(t *testing.T) {
	project := compose(t)
	for name, s := range project.Services {
		for _, v := range s.Volumes {
			switch {
			case v.Type == types.VolumeTypeVolume:
				if _, ok := project.Volumes[v.Source]; !ok {
					t.Errorf("%s: volume %s isn't declared", name, v.Source)
				}
			case !v.ReadOnly:
				t.Errorf("%s: may write %s", name, v.Source)
			default:
				if _, err := os.Stat(v.Source); err != nil && !strings.HasPrefix(v.Source, "/etc/ssl/") {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestPrepareMakesTheSecretsOnceAndEachServiceSeesOnlyItsOwn(t *testing.T) {
	project := compose(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "prepare.sh"), []byte(read(t, "compose/prepare.sh")), 0o700); err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for range 2 {
		if out, err := exec.Command("/bin/sh", filepath.Join(dir, "prepare.sh")).CombinedOutput(); err != nil {
			t.Fatalf("prepare.sh: %v\n%s", err, out)
		}
		for name, s := range project.Secrets {
			text := read(t, filepath.Join(dir, "secrets", filepath.Base(s.File)))
			if first := made[name]; text == "" || first != "" && first != text {
				t.Errorf("%s: got %q after %q, want it made once", name, text, first)
			}
			made[name] = text
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "secrets")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("secrets: got %v, %v; want a folder that is closed to others", info.Mode(), err)
	}
	named := regexp.MustCompile(`/run/secrets/(\w+)`)
	for service, files := range map[string][]string{
		"collector": {"compose/collector.yml"}, "alertmanager": {"alertmanager/alertmanager.yml"},
		"grafana": {"grafana/provisioning/datasources/zerofax.yml"}, "prometheus": nil, "influxdb": nil,
	} {
		text, err := yaml.Marshal(project.Services[service])
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text = append(text, read(t, file)...)
		}
		want, got := map[string]bool{}, map[string]bool{}
		for _, found := range named.FindAllSubmatch(text, -1) {
			want[string(found[1])] = true
		}
		for _, s := range project.Services[service].Secrets {
			got[s.Source] = true
		}
		for name := range want {
			if !got[name] {
				t.Errorf("%s wants the secret %s and isn't given it", service, name)
			}
		}
		for name := range got {
			if !want[name] {
				t.Errorf("%s is given the secret %s, which it never reads", service, name)
			}
		}
	}
}

// provisioned are data sources as Grafana takes them.
type provisioned struct {
	APIVersion  int `yaml:"apiVersion"`
	Datasources []struct {
		Name, UID, Type, Access, URL, User string
		IsDefault                          bool `yaml:"isDefault"`
		Editable                           bool
		JSONData                           map[string]any    `yaml:"jsonData"`
		SecureJSONData                     map[string]string `yaml:"secureJsonData"`
	}
}

func TestGrafanaFindsTheDataSourcesThatDashboardsAsk(t *testing.T) {
	var sources provisioned
	decode(t, "grafana/provisioning/datasources/zerofax.yml", &sources)
	uids, kinds := map[string]bool{}, map[string]bool{}
	for _, s := range sources.Datasources {
		if s.UID == "" || uids[s.UID] || s.Access != "proxy" || s.Editable {
			t.Errorf("%s: got uid %q, access %s, editable %v; want a uid of its own, asked by Grafana itself", s.Name, s.UID, s.Access, s.Editable)
		}
		uids[s.UID], kinds[s.Type] = true, true
	}
	dashboards, err := filepath.Glob("../dashboards/grafana/*.json")
	if err != nil || len(dashboards) == 0 {
		t.Fatalf("got %d dashboards, %v", len(dashboards), err)
	}
	for _, name := range dashboards {
		var dashboard any
		if err := json.Unmarshal([]byte(read(t, name)), &dashboard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := asked(dashboard)
		if len(all) == 0 {
			t.Errorf("%s asks nobody", name)
		}
		for _, s := range all {
			if !kinds[s.kind] && s.kind != "datasource" && s.kind != "grafana" || strings.HasPrefix(s.uid, "zerofax") && !uids[s.uid] {
				t.Errorf("%s asks %s of the kind %s, which isn't provisioned", name, s.uid, s.kind)
			}
		}
	}
}

// source is a data source as a dashboard names it.
type source struct{ kind, uid string }

// asked are the data sources that a part of a dashboard names.
func asked(part any) (sources []source) {
	switch part := part.(type) {
	case map[string]any:
		if s, ok := part["datasource"].(map[string]any); ok {
			sources = append(sources, source{fmt.Sprint(s["type"]), fmt.Sprint(s["uid"])})
		}
		for _, inner := range part {
			sources = append(sources, asked(inner)...)
		}
	case []any:
		for _, inner := range part {
			sources = append(sources, asked(inner)...)
		}
	}
	return sources
}

func TestGrafanaReadsTheDashboardsFromWhereTheyAreMounted(t *testing.T) {
	var file struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type    string
			FolderUID             string `yaml:"folderUid"`
			OrgID                 int    `yaml:"orgId"`
			DisableDeletion       bool   `yaml:"disableDeletion"`
			AllowUIUpdates        bool   `yaml:"allowUiUpdates"`
			UpdateIntervalSeconds int    `yaml:"updateIntervalSeconds"`
			Options               struct{ Path string }
		}
	}
	decode(t, "grafana/provisioning/dashboards/zerofax.yml", &file)
	grafana := compose(t).Services["grafana"]
	mounted := map[string]string{}
	for _, v := range grafana.Volumes {
		mounted[v.Target] = v.Source
	}
	for _, p := range file.Providers {
		if filepath.Base(mounted[p.Options.Path]) != "grafana" || p.Type != "file" || p.AllowUIUpdates {
			t.Errorf("%s: reads %s, where %q is mounted; want dashboards/grafana, read only", p.Name, p.Options.Path, mounted[p.Options.Path])
		}
	}
	home := *grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if _, err := os.Stat(filepath.Join(mounted[filepath.Dir(home)], filepath.Base(home))); err != nil {
		t.Errorf("the first dashboard: %v", err)
	}
	if filepath.Base(mounted["/etc/grafana/provisioning"]) != "provisioning" {
		t.Error("the provisioning isn't mounted")
	}
}

func TestPartsOfTheStackFindEachOther(t *testing.T) {
	services := compose(t).Services
	port := map[string]string{"collector": "8780", "influxdb": "8086", "prometheus": "9090", "alertmanager": "9093"}
	address := regexp.MustCompile(`(?m)(?:url: http://|targets: \[')([a-z0-9.]+:\d+)`)
	for _, name := range []string{"prometheus/prometheus.yml", "grafana/provisioning/datasources/zerofax.yml", "compose/collector.yml"} {
		for _, found := range address.FindAllStringSubmatch(read(t, name), -1) {
			host, p, err := net.SplitHostPort(found[1])
			if _, ok := services[host]; err != nil || host != "127.0.0.1" && (!ok || port[host] != p) {
				t.Errorf("%s names %s, which is no service, or at another port", name, found[1])
			}
		}
	}
	var config struct{ Influxdb struct{ URL, Bucket string } }
	if err := yaml.Unmarshal([]byte(read(t, "compose/collector.yml")), &config); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(config.Influxdb.URL)
	if db := services["influxdb"].Environment["INFLUXDB_DB"]; err != nil || u.Hostname() != "influxdb" || *db != config.Influxdb.Bucket {
		t.Errorf("the collector writes into %s of %s; the stack has %s", config.Influxdb.Bucket, u, *db)
	}
	users := read(t, "grafana/provisioning/datasources/zerofax.yml")
	if reader := *services["influxdb"].Environment["INFLUXDB_READ_USER"]; !strings.Contains(users, "user: "+reader+" ") {
		t.Errorf("Grafana asks InfluxDB as another user than %s", reader)
	}
	if _, inside := services["influxdb"].Networks["outside"]; inside || !compose(t).Networks["inside"].Internal || len(services["influxdb"].Ports) > 0 {
		t.Error("InfluxDB can be reached from outside")
	}
}

// What Alertmanager's example names must be what rules and collector say.
func TestAlertmanagerNamesAlertsThatExist(t *testing.T) {
	known := read(t, "../collector/internal/alert/webhook.go")
	rules, err := filepath.Glob("../dashboards/prometheus/*.rules.yml")
	if err != nil || len(rules) == 0 {
		t.Fatalf("got %d files of rules, %v", len(rules), err)
	}
	for _, name := range rules {
		known += strings.ReplaceAll(read(t, name), "alert: ", "alert: \"") // then a name ends with a quote or a line in both
	}
	for _, name := range regexp.MustCompile(`Zerofax[A-Za-z]+`).FindAllString(read(t, "alertmanager/alertmanager.yml"), -1) {
		if !regexp.MustCompile(`"` + name + `["\n]`).MatchString(known) {
			t.Errorf("there is no alert %s", name)
		}
	}
	kinds := read(t, "../collector/internal/ledger/episode.go")
	for _, found := range regexp.MustCompile(`kind=~"([^"]+)"`).FindAllStringSubmatch(read(t, "alertmanager/alertmanager.yml"), -1) {
		for kind := range strings.SplitSeq(found[1], "|") {
			if !strings.Contains(kinds, `EpisodeKind = "`+kind+`"`) {
				t.Errorf("there is no kind %s of episodes", kind)
			}
		}
	}
}

func TestMosquittoAllowsTheContractAndNothingElse(t *testing.T) {
	var want []string
	for _, kind := range wire.FromAgent() {
		want = append(want, "pattern write "+wire.Topic("%u", kind))
	}
	for _, kind := range wire.ToAgent() {
		want = append(want, "pattern read "+wire.Topic("%u", kind))
	}
	want = append(want, "pattern read "+wire.CollectorStateTopic, "user zerofax-collector")
	for _, kind := range wire.FromAgent() {
		want = append(want, "topic read "+wire.Topic("+", kind))
	}
	for _, kind := range wire.ToAgent() {
		want = append(want, "topic write "+wire.Topic("+", kind))
	}
	want = append(want, "topic write "+wire.CollectorStateTopic)
	if got := settings(read(t, "mosquitto/acl")); !slices.Equal(got, want) {
		t.Errorf("acl: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	conf := settings(read(t, "mosquitto/mosquitto.conf"))
	for _, must := range []string{
		"allow_anonymous false", "require_certificate true", "use_identity_as_username true", "use_username_as_clientid true", "tls_version tlsv1.2",
	} {
		if !slices.Contains(conf, must) {
			t.Errorf("mosquitto.conf: no %s", must)
		}
	}
	largest := regexp.MustCompile(`(?m)^max_packet_size (\d+)$`).FindStringSubmatch(read(t, "mosquitto/mosquitto.conf"))
	if n, err := strconv.Atoi(largest[1]); err != nil || n < wire.MaxEnvelope+512 {
		t.Errorf("mosquitto.conf: packets up to %d bytes, %v; want room for an envelope of %d and its topic", n, err, wire.MaxEnvelope)
	}
}

// settings are the lines that aren't empty and no comments.
func settings(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}
