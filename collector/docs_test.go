package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/zerofax/zerofax/agent/configfile"
	"github.com/zerofax/zerofax/collector/internal/register"
	"github.com/zerofax/zerofax/deploy/docs"
)

func TestTheDocumentationNamesOnlyCommandsAndKeysThatExist(t *testing.T) {
	commands, files := 0, 0
	for _, file := range docs.Files() {
		page, err := docs.Read("..", file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Commands("zerofax-collector") {
			commands++
			var out bytes.Buffer
			if code := run(t.Context(), append(c.Args, "--help"), &out, &out); code != 0 {
				t.Errorf("%s:%d: zerofax-collector %q: %s", file, c.Line, c.Args, &out)
			}
		}
		for _, y := range page.YAML() {
			files++
			if err := accepted(t, y); err != nil {
				t.Errorf("%s:%d: %v", file, y.Line, err)
			}
		}
	}
	if commands < 100 || files < 15 {
		t.Errorf("found %d commands and %d files, want what the pages are full of", commands, files)
	}
}

// accepted tells what is wrong with a file of the collector; nil for others' files.
func accepted(t *testing.T, y docs.YAML) error {
	t.Helper()
	switch {
	case y.Of("agents"):
		_, err := register.ReadAgents("agents.yml", []byte(y.Text))
		return err
	case y.Of("agent", "collector", "snmp", "targets", "discovery", "scrape_configs"):
		return nil
	}
	path := filepath.Join(t.TempDir(), "collector.yml")
	if err := os.WriteFile(path, []byte(y.Text), 0o600); err != nil {
		return err
	}
	c := defaults()
	f, err := configfile.Read(path, &c)
	if err != nil {
		return err
	}
	return f.Err()
}
