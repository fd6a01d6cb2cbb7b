//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zerofax/zerofax/agent/freeport"
)

// user is one of Net-SNMP's, with its protocols by our names.
type user struct{ auth, privacy string }

func (u user) name() string { return strings.ToLower(u.auth + u.privacy) }

// users are all pairs of protocols that Net-SNMP speaks.
func users() (all []user) {
	for _, auth := range []string{"MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"} {
		for _, privacy := range []string{"", "DES", "AES", "AES192", "AES256", "AES192C", "AES256C"} {
			all = append(all, user{auth, privacy})
		}
	}
	return all
}

// theirs is how Net-SNMP spells protocols.
var theirs = strings.NewReplacer("SHA2", "SHA-2", "SHA3", "SHA-3", "SHA5", "SHA-5",
	"AES192C", "AES-192-C", "AES256C", "AES-256-C", "AES192", "AES-192", "AES256", "AES-256")

const (
	authPassword    = "topsecret-auth"
	privacyPassword = "topsecret-privacy"
)

// kyocera makes it answer what the agent asks a Kyocera for.
const kyocera = `dontLogTCPWrappersConnects yes
sysobjectid .1.3.6.1.4.1.1347.41
sysdescr KYOCERA Document Solutions Printing System
override 1.3.6.1.4.1.1347.43.5.1.1.1.1 octet_str "TASKalfa made up"
override 1.3.6.1.4.1.1347.43.5.1.1.28.1 octet_str "MADE0UP"
override 1.3.6.1.4.1.1347.42.3.1.3.1.1.4 integer 130
override 1.3.6.1.4.1.1347.42.3.1.1.1.1.4 integer 75
`

// realAgent is Net-SNMP's agent with SNMPv3 users. It keeps its engine from start to start.
type realAgent struct {
	*testing.T
	dir, port string
	program   *program
}

func startRealAgent(t *testing.T) *realAgent {
	t.Helper()
	a := &realAgent{T: t, dir: t.TempDir(), port: fmt.Sprint(freeport.Must(t))}
	var conf strings.Builder
	conf.WriteString(kyocera)
	for _, u := range users() {
		fmt.Fprintf(&conf, "createUser %s %s %s", u.name(), theirs.Replace(u.auth), authPassword)
		level := "authNoPriv"
		if u.privacy != "" {
			level = "authPriv"
			fmt.Fprintf(&conf, " %s %s", theirs.Replace(u.privacy), privacyPassword)
		}
		fmt.Fprintf(&conf, "\nrouser %s %s\n", u.name(), level)
	}
	writeFile(t, filepath.Join(a.dir, "snmpd.conf"), conf.String())
	a.start()
	return a
}

func (a *realAgent) kept() string { return filepath.Join(a.dir, "kept") }

func (a *realAgent) start() {
	a.Helper()
	env := []string{"SNMPCONFPATH=" + a.dir + ":" + a.kept(), "SNMP_PERSISTENT_DIR=" + a.kept(), "MIBS="}
	a.program = startWith(a.T, a.dir, env, "snmpd", "-f", "-Lo", "-p", filepath.Join(a.dir, "pid"), "udp:127.0.0.1:"+a.port)
}

// agentFile is an agent.yml with credentials of all users, and of some that are wrong.
func agentFile(t *testing.T, rest string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"auth.txt": authPassword, "privacy.txt": privacyPassword, "wrong.txt": "topsecret-wrong"} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	var file strings.Builder
	file.WriteString("snmp:\n  timeout: 1s\n  retries: 0\n  credentials:\n")
	add := func(name, user, auth, authFile, privacy, privacyFile string) {
		fmt.Fprintf(&file, "    - {name: %s, version: 3, user: %s, auth: %s, auth_password_file: %s", name, user, auth, authFile)
		if privacy != "" {
			fmt.Fprintf(&file, ", privacy: %s, privacy_password_file: %s", privacy, privacyFile)
		}
		file.WriteString("}\n")
	}
	for _, u := range users() {
		add(u.name(), u.name(), u.auth, "auth.txt", u.privacy, "privacy.txt")
	}
	add("nobody", "nobody", "SHA256", "auth.txt", "AES", "privacy.txt")
	add("wrong-auth", "sha256aes", "SHA256", "wrong.txt", "AES", "privacy.txt")
	add("wrong-auth-protocol", "sha256aes", "SHA512", "auth.txt", "AES", "privacy.txt")
	add("wrong-privacy", "sha256aes", "SHA256", "auth.txt", "AES", "wrong.txt")
	add("wrong-privacy-protocol", "sha256des", "SHA256", "auth.txt", "AES", "privacy.txt")
	add("no-privacy", "sha256aes", "SHA256", "auth.txt", "", "")
	path := filepath.Join(dir, "agent.yml")
	writeFile(t, path, file.String()+rest)
	return path
}

func (a *realAgent) probe(file, credentials string) (stdout, stderr string, code int) {
	a.Helper()
	return run(a.T, "zerofax-agent", "probe", "127.0.0.1", "--port", a.port, "--config", file, "--credentials", credentials)
}

func (a *realAgent) awaitAnswers(file string) {
	a.Helper()
	eventually(a.T, 10*time.Second, "snmpd answers", func() string {
		if out, errs, code := a.probe(file, "sha256aes"); code != 0 {
			return out + errs
		}
		return ""
	})
}

func TestProbeReadsEverySNMPv3UserOfARealAgent(t *testing.T) {
	t.Parallel()
	a, file := startRealAgent(t), agentFile(t, "")
	a.awaitAnswers(file)
	for _, u := range users() {
		if stdout, stderr, code := a.probe(file, u.name()); code != 0 || !strings.Contains(stdout, "kyocera-") {
			t.Errorf("%s: exit %d\n%s%s", u.name(), code, stdout, stderr)
		}
	}
}

func TestProbeSaysWhichOfItsSNMPv3CredentialsARealAgentRefuses(t *testing.T) {
	t.Parallel()
	a, file := startRealAgent(t), agentFile(t, "")
	a.awaitAnswers(file)
	for credentials, want := range map[string]string{
		"nobody":                 `doesn't know SNMPv3 user "nobody"`,
		"wrong-auth":             "its auth password or protocol is not SHA256 as here",
		"wrong-auth-protocol":    "its auth password or protocol is not SHA512 as here",
		"wrong-privacy":          "check its privacy password and protocol", // to which Net-SNMP is silent
		"wrong-privacy-protocol": "its privacy password or protocol is not AES as here",
		"no-privacy":             "correct its rights there, or auth and privacy here",
	} {
		stdout, stderr, code := a.probe(file, credentials)
		if code != 1 || !strings.Contains(stderr, want) || strings.Contains(stderr, "Check, in this order") || strings.Contains(stdout+stderr, "topsecret") {
			t.Errorf("%s: exit %d, want 1 and %q on stderr, and no password; got\n%s%s", credentials, code, want, stdout, stderr)
		}
	}
}

func TestTheAgentGoesOnReadingARealSNMPv3AgentThatRestartsAndIsReplaced(t *testing.T) {
	t.Parallel()
	a := startRealAgent(t)
	file := agentFile(t, "targets:\n  - {host: 127.0.0.1, port: "+a.port+", credentials: sha256aes}\npoll: {lines: 1s, counters: 1s}\n"+
		"collector: {url: mqtt://127.0.0.1:1}\nspool: {dir: data}\nhttp: {listen: \"\"}\n")
	a.awaitAnswers(file)
	agent := start(t, filepath.Dir(file), "zerofax-agent", "run", "--config", file, "--log-level", "debug")
	says := func(text string, times int) {
		t.Helper()
		eventually(t, 30*time.Second, fmt.Sprintf("the agent says %q %d times", text, times), func() string {
			if strings.Count(agent.out.String(), text) < times {
				return "it says:\n" + agent.out.tail(2000)
			}
			return ""
		})
	}
	says("device found", 1)
	const anew = "SNMPv3 engine is not as it was"
	a.program.kill()
	a.start()
	says(anew, 1)
	a.program.kill()
	if err := os.RemoveAll(a.kept()); err != nil {
		t.Fatal(err)
	}
	says("device silent", 1)
	a.start()
	says("device answers again", 1)
	says(anew, 2)
	if out := agent.out.String(); strings.Contains(out, "topsecret") {
		t.Errorf("the log tells a password:\n%s", out)
	}
}
