package credentials_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/credentials"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "snmp.yml")
}

func TestAFileOfCredentialsIsWrittenAsInAgentYml(t *testing.T) {
	got, err := credentials.Load(write(t, map[string]string{
		"snmp.yml": `
snmp:
  credentials:
    - {name: v3, version: 3, user: zerofax, auth: SHA256, auth_password_file: a.txt, privacy: AES, privacy_password_file: p.txt}
    - {name: legacy, version: 2c, community: public}
    - {name: old, version: 1, community_file: c.txt}
`, "a.txt": "topsecret-auth\n", "p.txt": "topsecret-priv\r\n", "c.txt": "topsecret-community",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []credentials.Credentials{
		{
			Name: "v3", Version: "3", User: "zerofax", Auth: "SHA256", AuthPassword: "topsecret-auth", Privacy: "AES", PrivacyPassword: "topsecret-priv",
			AuthPasswordFile: "a.txt", PrivacyPasswordFile: "p.txt",
		},
		{Name: "legacy", Version: "2c", Community: "public"},
		{Name: "old", Version: "1", Community: "topsecret-community", CommunityFile: "c.txt"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestFaultsOfAFileOfCredentialsAreToldAtOnce(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing in it": {"", "snmp.yml:1: snmp: no credentials; want snmp: {credentials: […]} as in agent.yml"},
		"all of agent.yml": {
			"agent: x\nsnmp: {credentials: [{name: a, version: 1, community: x}]}\n",
			`snmp.yml:1: unknown key "agent"; known here: snmp`,
		},
		"a password in it": {
			"snmp:\n  credentials:\n    - {name: a, version: 3, user: u, auth: SHA, auth_password: topsecret}\n",
			"snmp.yml:3: auth_password: is no place for a password; want auth_password_file, a file with nothing else in it\n" +
				"snmp.yml:3: auth: without a password; want auth_password_file",
		},
		"two": {
			"snmp:\n  credentials:\n    - {name: a, version: 2}\n    - {name: a, version: 1, community_file: none.txt}\n",
			"snmp.yml:3: version: \"2\"; want 1, 2c or 3\nsnmp.yml:4: name: \"a\" is there already; want another\n" +
				"snmp.yml:4: community_file: open none.txt: no such file or directory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, map[string]string{"snmp.yml": c.text})
			_, err := credentials.Load(path)
			if err == nil {
				t.Fatal("got no error")
			}
			if got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), ""); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	if _, err := credentials.Load("none.yml"); err == nil || !strings.Contains(err.Error(), "none.yml") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}
