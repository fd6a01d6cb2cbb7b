package service

import (
	"errors"
	"io/fs"
	"os"
	"runtime/debug"
)

// lastWords gives what the process before this one left in file when it crashed, and has the runtime write this one's there:
// a Windows service has no stderr that anybody reads.
func lastWords(file string) (said string, err error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	return string(text), errors.Join(debug.SetCrashOutput(f, debug.CrashOptions{}), f.Close())
}
