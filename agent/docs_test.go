package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/deploy/docs"
)

func TestTheDocumentationNamesOnlyCommandsAndKeysThatExist(t *testing.T) {
	commands, files := 0, 0
	for _, file := range docs.Files() {
		page, err := docs.Read("..", file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Commands("zerofax-agent") {
			commands++
			var out bytes.Buffer
			if code := run(t.Context(), append(c.Args, "--help"), &out, &out); code != 0 {
				t.Errorf("%s:%d: zerofax-agent %q: %s", file, c.Line, c.Args, &out)
			}
		}
		for _, y := range page.YAML() {
			if !y.Of("agent", "collector", "snmp", "targets", "discovery") {
				continue
			}
			files++
			path := filepath.Join(t.TempDir(), "agent.yml")
			if err := os.WriteFile(path, []byte(y.Text), 0o600); err != nil {
				t.Fatal(err)
			}
			if f, err := configfile.Read(path, defaults()); err != nil {
				t.Errorf("%s:%d: %v", file, y.Line, err)
			} else if err := f.Err(); err != nil {
				t.Errorf("%s:%d: %v", file, y.Line, err)
			}
		}
	}
	if commands < 30 || files < 3 {
		t.Errorf("found %d commands and %d files, want what the pages are full of", commands, files)
	}
}
