// Package secret keeps passwords and SNMP communities out of logs, errors and output.
package secret

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Text is a password or an SNMP community. However it is printed, it prints as <secret>;
// string(t) is the only way to it. In structs it stands in exported fields: fmt prints
// others without asking them how.
type Text string

const masked = "<secret>"

// Format is what every verb of fmt prints.
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// MarshalText is what JSON, YAML and slog print.
func (Text) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Read reads a file that holds a secret and perhaps an end of line. It refuses what
// Windows' shells leave in files unasked, and would be a wrong password.
func Read(path string) (Text, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text, err := only(data)
	if err != nil {
		return "", fmt.Errorf("%s %w", path, err)
	}
	return text, nil
}

func only(data []byte) (Text, error) {
	text := strings.TrimRight(strings.TrimPrefix(string(data), "\ufeff"), "\r\n")
	switch {
	case text == "":
		return "", errors.New("is empty; want the secret on its first line")
	case bytes.IndexByte(data, 0) >= 0: // as PowerShell's > and Out-File write it
		return "", errors.New("is UTF-16; want UTF-8 (PowerShell: Set-Content -Encoding ASCII)")
	case strings.ContainsAny(text, "\r\n"):
		return "", errors.New("has several lines; want only the secret")
	case strings.TrimSpace(text) != text: // cmd's "echo secret > file" leaves one
		return "", errors.New("has a blank before or after the secret; want only the secret")
	}
	return Text(text), nil
}
