package main

import (
	"fmt"
	"os"
	"strings"
)

// secret is a password or an SNMP community. However it is printed, it prints as
// <secret>; string(s) is the only way to it.
type secret string

const masked = "<secret>"

// Format is what every verb of fmt prints.
func (secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// MarshalText is what JSON and slog print.
func (secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// readSecret reads a file that holds a secret and perhaps an end of line.
func readSecret(path string) (secret, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", fmt.Errorf("%s is empty; want the secret on its first line", path)
	}
	if strings.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("%s has several lines; want only the secret", path)
	}
	return secret(text), nil
}
