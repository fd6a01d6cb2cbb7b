//go:build e2e

package boards_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zerofax/zerofax/dashboards/boards"
)

// types is where Grafana's types are, once deploy/e2e/tools.sh has fetched them.
const types = "../types"

func TestPanelsHaveOnlyWhatGrafanasTypesKnow(t *testing.T) {
	if out, err := tsc(t, typescript(t)); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}

func TestAWrongOptionFailsTheTypeCheck(t *testing.T) {
	text := typescript(t)
	wrong := map[string]string{ // by what the last of its kind really says
		`"colorMode": "value"`:    `"colour"`,
		`"showUnfilled": true`:    `"yes"`,
		`"drawStyle": "bars"`:     `"columns"`,
		`"id": "custom.width"`:    `"custom.with"`,
		`"resultFormat": "table"`: `"rows"`,
		`"graphTooltip":1`:        `7`,
		`"placement": "bottom"`:   `"below"`,
		`"type": "color-text"`:    `"coloured"`,
	}
	for right, value := range wrong {
		at := strings.LastIndex(text, right)
		if at < 0 {
			t.Fatalf("no %s anywhere: want another example", right)
		}
		key, _, _ := strings.Cut(right, ":")
		text = text[:at] + key + ": " + value + text[at+len(right):]
	}
	out, err := tsc(t, text)
	if faults := strings.Count(string(out), "error TS"); err == nil || faults < len(wrong) {
		t.Errorf("got %d faults, %v, want %d\n%s", faults, err, len(wrong), out)
	}
}

// tsc checks a file of TypeScript beside the types.
func tsc(t *testing.T, text string) ([]byte, error) {
	t.Helper()
	build, err := os.MkdirTemp(types, "build-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(build) })
	file := filepath.Join(build, "dashboards.ts")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"extends": "../tsconfig.json", "files": [%q]}`, "dashboards.ts")
	if err := os.WriteFile(filepath.Join(build, "tsconfig.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.Command(filepath.Join(types, "node_modules/.bin/tsc"), "--project", build).CombinedOutput()
}

// typescript is all dashboards, each of their panels as one of Grafana's types.
func typescript(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintln(&b, "import type { Dashboard, Kinds } from '../grafana';")
	for _, board := range boards.All() {
		text, err := board.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var frame map[string]json.RawMessage
		var panels []json.RawMessage
		if err := json.Unmarshal(text, &frame); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(frame["panels"], &panels); err != nil {
			t.Fatal(err)
		}
		delete(frame, "panels")
		rest, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.NewReplacer("-", "_", ".json", "", ".", "_").Replace(board.File())
		fmt.Fprintf(&b, "export const %s: Dashboard = %s;\n", name, rest)
		for i, p := range board.Panels {
			fmt.Fprintf(&b, "export const %s_%d: Kinds[%q] = %s;\n", name, p.ID, p.Type, panels[i])
		}
	}
	return b.String()
}
