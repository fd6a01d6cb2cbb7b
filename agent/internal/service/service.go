// Package service lets the agent be left alone for years on a print server: installed under systemd or as a Windows
// service, told while it runs that its configuration has changed, and started again when it ends or hangs. Everything
// that differs between these two, and what runs in a terminal, is in here.
package service

import (
	"context"
	"log/slog"
	"os"
)

// Name is the agent's, as a service and as the account that it runs as.
const Name = "zerofax-agent"

// Work is what a service does until ctx ends. It reads its configuration again whenever reload receives.
type Work func(ctx context.Context, log *slog.Logger, reload <-chan os.Signal) error
