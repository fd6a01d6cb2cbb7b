package program

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

const (
	lookEvery = 15 * time.Second
	firstLook = 50 * time.Millisecond // until it is ready
	patience  = time.Minute           // with one that shows no life; less than the unit's WatchdogSec
)

// Watch tells systemd that the program is ready, and from then on how it is and that it is alive, until ctx ends. Look says
// how it is, or why it can't be called alive. One that shows no life for a minute is given up with an error, so that
// whoever started the program starts it again. Where look itself hangs, systemd misses the signs of life and does the same.
func Watch(ctx context.Context, look func() (status string, err error)) error {
	every, wait, missed := betweenLooks(), firstLook, time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		status, err := look()
		switch {
		case err == nil:
			tell(daemon.SdNotifyReady + "\n" + daemon.SdNotifyWatchdog + "\nSTATUS=" + status)
			wait, missed = every, 0
		case missed >= patience: // counted in looks: a machine that slept was no hung program
			return fmt.Errorf("no sign of life: %w", err)
		default:
			missed += wait
		}
	}
}

// betweenLooks is short enough for systemd's watchdog, if it is on.
func betweenLooks() time.Duration {
	if watchdog, err := daemon.SdWatchdogEnabled(false); err == nil && watchdog > 0 {
		return min(lookEvery, watchdog/3)
	}
	return lookEvery
}

// Reloading tells systemd that a new configuration is being read. Unchanged or Watch say that this is over.
func Reloading() { tell(daemon.SdNotifyReloading) }

// Unchanged tells systemd that the new configuration was refused and the old one goes on.
func Unchanged() { tell(daemon.SdNotifyReady) }

// Stopping tells systemd that the program has begun to stop.
func Stopping() { tell(daemon.SdNotifyStopping) }

// tell says something to systemd. Where that didn't start the program nobody hears it, and if it can't be told it is
// systemd that takes measures.
func tell(state string) { _, _ = daemon.SdNotify(false, state) }
