//go:build !linux && !windows

package service

import (
	"context"
	"errors"
	"io"
)

var errNotHere = errors.New("services are installed on Linux with systemd and on Windows only; let this system's own supervisor start: zerofax-agent run --config FILE")

// MayInstall tells why this account may not install services, nil if it may.
func MayInstall() error { return errNotHere }

// Install makes the agent a service and starts it, saying on out what it does. If dry it says so only.
func Install(context.Context, io.Writer, Agent, bool) error { return errNotHere }

// Uninstall stops the service and takes it away. Configuration and data stay; config is where the former is.
func Uninstall(context.Context, io.Writer, bool) (config string, err error) { return "", errNotHere }

// Config is the configuration of the service that is installed.
func Config() (string, error) { return "", errNotHere }
