package service

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"

	"github.com/zerofax/zerofax/agent/program"
)

// Run does the work under whoever started the program: Windows' service manager, systemd or a shell. SIGHUP, or a
// service's PARAMCHANGE, says that its configuration has changed. Log is where the work logs to; a Windows service has
// the event log instead. Managed says that it is Windows' service manager, which not every one lets a program find out.
func Run(ctx context.Context, log *slog.Logger, managed bool, work Work) error {
	if is, err := svc.IsWindowsService(); !managed && (err != nil || !is) {
		return work(ctx, log, nil)
	}
	// Go makes SIGTERM of anybody's logging off, which services are told of too.
	signal.Reset(syscall.SIGTERM)
	events, err := eventlog.Open(Name)
	if err != nil {
		return fmt.Errorf("open event log: %w", err)
	}
	defer events.Close()
	reportCrash(events)
	s := windowsService{ctx: ctx, log: log, events: events, work: work}
	if err := svc.Run(Name, &s); err != nil {
		return fmt.Errorf("run as a Windows service: %w", err)
	}
	return s.err
}

// reportCrash says in the event log why the service crashed last time, if it did. Where there is no place for that the
// service runs without.
func reportCrash(events eventLog) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return
	}
	if said, err := lastWords(filepath.Join(dir, Name+"-crash.txt")); err == nil && said != "" {
		_ = events.Error(eventError, eventText([]byte(Name+" crashed: "+said)))
	}
}

// windowsService is the work as the service manager sees it.
type windowsService struct {
	ctx    context.Context
	log    *slog.Logger // says from which level on
	events eventLog
	work   Work
	err    error // of the work
}

// eventLog is where Windows keeps logs, and their end.
type eventLog interface {
	Info(id uint32, text string) error
	Warning(id uint32, text string) error
	Error(id uint32, text string) error
}

const (
	accepts  = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptParamChange
	waitHint = 20 * time.Second // the work stops sooner, or is left behind
)

// Execute answers the service manager at once, before anything is read or opened that could take long.
func (s *windowsService) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	status <- svc.Status{State: svc.StartPending, WaitHint: uint32(waitHint.Milliseconds())}
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	reload, ended := make(chan os.Signal, 1), make(chan error, 1)
	status <- svc.Status{State: svc.Running, Accepts: accepts}
	_ = s.events.Info(eventInfo, Name+" "+program.Version()+" started")
	go func() { ended <- s.work(ctx, s.logger(), reload) }()
	for {
		select {
		case s.err = <-ended:
			return s.leave(ctx.Err() != nil)
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				status <- request.CurrentStatus
			case svc.ParamChange:
				status <- request.CurrentStatus
				select {
				case reload <- syscall.SIGHUP:
				default: // is about to read it anyway
				}
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: uint32(waitHint.Milliseconds())}
				stop()
			}
		}
	}
}

// leave says in the event log why the work has ended. A code other than 0 makes the service manager start it again, which
// is not for a service that was asked to stop.
func (s *windowsService) leave(asked bool) (specific bool, code uint32) {
	if s.err == nil {
		_ = s.events.Info(eventInfo, Name+" stopped")
		return false, 0
	}
	_ = s.events.Error(eventError, eventText([]byte(Name+" stopped: "+s.err.Error())))
	if asked {
		return false, 0
	}
	return true, uint32(program.ExitCode(s.err))
}

// Ids of events. Those up to 1000 have a text of their own in Windows' EventCreate.exe.
const (
	eventInfo    = 1
	eventWarning = 2
	eventError   = 3
)

// logger logs what an administrator should see: warnings and errors.
func (s *windowsService) logger() *slog.Logger {
	least := slog.LevelWarn
	if !s.log.Enabled(s.ctx, slog.LevelWarn) {
		least = slog.LevelError
	}
	return slog.New(program.Lines(&slog.HandlerOptions{Level: least}, func(level slog.Level, line []byte) error {
		if level < slog.LevelError {
			return s.events.Warning(eventWarning, eventText(line))
		}
		return s.events.Error(eventError, eventText(line))
	}))
}

// eventText is as much of a line as an event takes (31 839 characters), so that the event isn't lost.
func eventText(line []byte) string {
	return string(bytes.TrimSpace(line[:min(len(line), 30_000)]))
}
