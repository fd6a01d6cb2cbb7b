// Command dashboards writes zerofax's Grafana dashboards into dashboards/grafana. Run it from the top
// of the repository: make dashboards.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/zerofax/zerofax/dashboards/boards"
)

func main() {
	if err := write(filepath.Join("dashboards", "grafana")); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	for _, b := range boards.All() {
		text, err := b.JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, b.File()), text, 0o644); err != nil {
			return fmt.Errorf("write a dashboard: %w", err)
		}
	}
	return nil
}
