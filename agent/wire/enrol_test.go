package wire_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/wire"
)

func TestAConfigurationIsTakenOnlyFromItsAuthorityAndForItsAgent(t *testing.T) {
	ours, theirs := newKey(t), newKey(t)
	good := wire.AgentConfig{Agent: "ps-01", Revision: 1_790_000_000_000, Config: "targets: []\n"}
	message, err := wire.SignConfig(good, ours)
	if err != nil {
		t.Fatal(err)
	}
	got, err := wire.OpenConfig(message, "ps-01", &ours.PublicKey)
	if good.V = wire.Version; err != nil || got != good {
		t.Errorf("got %+v, %v; want %+v", got, err, good)
	}
	if err := validate(compiled(t)["config"], message); err != nil {
		t.Errorf("schema: %v", err)
	}
	forged, _ := wire.SignConfig(good, theirs)
	zero, _ := wire.SignConfig(wire.AgentConfig{Agent: "ps-01"}, ours)
	for name, c := range map[string]struct {
		message []byte
		agent   string
		want    string
	}{
		"another authority": {forged, "ps-01", "not signed"},
		"another agent":     {message, "ps-02", `is for "ps-01"`},
		"no revision":       {zero, "ps-01", "revision 0"},
		"not a message":     {[]byte("{"), "ps-01", "configuration: "},
	} {
		if _, err := wire.OpenConfig(c.message, c.agent, &ours.PublicKey); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTheSizeOfAConfigurationsMessageIsKnownBeforeItIsSigned(t *testing.T) {
	c := wire.AgentConfig{Agent: "ps-01", Revision: 1795428050608, Config: strings.Repeat("  - {host: \"é\"}\n", 5000)}
	message, err := wire.SignConfig(c, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if size := wire.ConfigSize(c); size < len(message) || size > len(message)+20 {
		t.Errorf("got %d, want %d or some bytes more", size, len(message))
	}
}
