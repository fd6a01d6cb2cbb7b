package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/agent/secret"
)

func TestASecretPrintsAsNothing(t *testing.T) {
	const hush = secret.Text("hunter2")
	in := struct{ P secret.Text }{hush}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", hush, in, &in)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", hush, "in", in)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", hush, "in", in)
	if err := json.NewEncoder(&out).Encode(map[string]any{"p": hush, "in": in}); err != nil {
		t.Fatal(err)
	}
	for _, trace := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2")} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("the secret got out as %s:\n%s", trace, out.String())
		}
	}
	if !strings.Contains(out.String(), "<secret>") {
		t.Errorf("want <secret> in:\n%s", out.String())
	}
}

func TestASecretIsReadFromItsFileAsShellsWriteIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.txt")
	for name, test := range map[string]struct {
		data string
		want secret.Text
		says string
	}{
		"nothing behind it":             {"hunter2", "hunter2", ""},
		"end of line":                   {"hunter2\n", "hunter2", ""},
		"Windows' end of line":          {"hunter2\r\n", "hunter2", ""},
		"Notepad's byte order mark":     {"\ufeffhunter2\r\n", "hunter2", ""},
		"a blank in the middle":         {"hunter 2\n", "hunter 2", ""},
		"cmd's blank behind it":         {"hunter2 \r\n", "", "has a blank before or after the secret"},
		"PowerShell's UTF-16":           {"\xff\xfeh\x00u\x00\r\x00\n\x00", "", "is UTF-16; want UTF-8"},
		"nothing":                       {"\n", "", "is empty; want the secret on its first line"},
		"nothing but a byte order mark": {"\ufeff\r\n", "", "is empty"},
		"two lines":                     {"a\nb\n", "", "has several lines; want only the secret"},
	} {
		if err := os.WriteFile(path, []byte(test.data), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := secret.Read(path)
		if string(got) != string(test.want) || (err == nil) != (test.says == "") {
			t.Errorf("%s: got %q, %v; want %q", name, string(got), err, string(test.want))
		}
		if err != nil && (!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: got %v, want … %s", name, err, test.says)
		}
	}
	if _, err := secret.Read(path + "x"); err == nil {
		t.Error("a file that isn't there: got no error")
	}
}
