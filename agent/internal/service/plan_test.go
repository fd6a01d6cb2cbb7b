package service

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/*.golden")

// golden compares with a file that a person has read.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestInstallOnWindowsSaysAllThatItDoes(t *testing.T) {
	dir := `C:\ProgramData\zerofax`
	a := Agent{Program: `C:\Program Files\zerofax\zerofax-agent.exe`, Config: dir + `\agent.yml`, Data: dir + `\data`}
	for name, newData := range map[string]bool{"windows": true, "windows-again": false} {
		var out strings.Builder
		out.WriteString(a.registration())
		if err := script(&out, a.rights([]string{a.Config, dir + `\broker.txt`}, []string{dir + `\profiles`}, newData)); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.String())
	}
}

func TestADataFolderOfOthersIsNotTaken(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  bool
	}{
		{"empty", nil, false},
		{"a spool", []string{"lock", "x.stream"}, false},
		{"a home", []string{".bashrc"}, true},
	} {
		a := Agent{Data: t.TempDir()}
		for _, file := range c.files {
			if err := os.WriteFile(filepath.Join(a.Data, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := a.dataIsTaken(); got != c.want || err != nil {
			t.Errorf("%s: got %t, %v; want %t", c.name, got, err, c.want)
		}
	}
	a := Agent{Data: filepath.Join(t.TempDir(), "new")}
	if got, err := a.dataIsTaken(); got || err != nil {
		t.Errorf("not there: got %t, %v; want false", got, err)
	}
}
