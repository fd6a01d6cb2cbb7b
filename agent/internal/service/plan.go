package service

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Agent is what is to run as a service. All paths are absolute, and led by no symbolic link out of where they seem to be.
type Agent struct {
	Program string   // zerofax-agent itself
	Config  string   // agent.yml
	Data    string   // the spool's folder; need not be there
	Reads   []string // files and folders that the configuration names
}

// ours tells whether a path lies in the configuration's folder. Only there, and in the data folder, does install change
// what belongs to whom: other files may serve others too.
func (a *Agent) ours(path string) bool {
	return strings.HasPrefix(path, filepath.Dir(a.Config)+string(filepath.Separator))
}

// dataIsTaken tells whether the data folder holds what no spool would: it would be closed to its owner.
func (a *Agent) dataIsTaken() (bool, error) {
	entries, err := os.ReadDir(a.Data)
	switch {
	case os.IsNotExist(err), os.IsPermission(err): // closed already, or nobody who could install
		return false, nil
	case err != nil:
		return false, err
	case len(entries) == 0:
		return false, nil
	}
	_, err = os.Stat(filepath.Join(a.Data, "lock"))
	return os.IsNotExist(err), nil
}

// step is one thing to do: a file to write, or a command to run.
type step struct {
	file, text string
	run        []string
}

// script writes the steps as commands that do the same in a shell.
func script(out io.Writer, steps []step) error {
	for _, s := range steps {
		if err := s.print(out); err != nil {
			return err
		}
	}
	return nil
}

func (s step) print(out io.Writer) error {
	text := strings.Join(quoteAll(s.run), " ")
	if s.file != "" {
		text = fmt.Sprintf("cat > %s <<'EOF'\n%sEOF", quoteForShell(s.file), s.text)
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

// do says each step, then takes it, up to the first that fails.
func do(ctx context.Context, out io.Writer, steps []step) error {
	for _, s := range steps {
		if err := s.print(out); err != nil {
			return err
		}
		if err := s.take(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

func (s step) take(ctx context.Context, out io.Writer) error {
	if s.file != "" {
		return os.WriteFile(s.file, []byte(s.text), 0o644)
	}
	cmd := exec.CommandContext(ctx, s.run[0], s.run[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(s.run, " "), err)
	}
	return nil
}

const harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./:,@%"

func quoteAll(words []string) []string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quoteForShell(word)
	}
	return quoted
}

func quoteForShell(word string) string {
	if word != "" && strings.Trim(word, harmless) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
