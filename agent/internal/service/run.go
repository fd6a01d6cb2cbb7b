//go:build !windows

package service

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// Run does the work under whoever started the program: Windows' service manager, systemd or a shell. SIGHUP, or a
// service's PARAMCHANGE, says that its configuration has changed. Log is where the work logs to; a Windows service has
// the event log instead.
func Run(ctx context.Context, log *slog.Logger, _ bool, work Work) error {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	return work(ctx, log, reload)
}
