package main

import "fmt"

// secret is a text that never shows in logs, errors or output.
type secret string

const hidden = "<secret>"

// Format hides it from every verb of fmt.
func (s secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText hides it from JSON, YAML and slog.
func (s secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
