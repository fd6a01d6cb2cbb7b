package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

// Dir is where the configuration of a service usually lies.
func Dir() string { return filepath.Join(os.Getenv("ProgramData"), "zerofax") }

// Data is where a service with its configuration in Dir has its data, relative to that.
func Data() string { return "data" }

// ReloadCommand makes the service read its configuration again.
const ReloadCommand = "sc.exe control " + Name + " paramchange"

// MayInstall tells why this account may not install services, nil if it may.
func MayInstall() error {
	manager, err := connect()
	if err != nil {
		return err
	}
	return manager.Disconnect()
}

// Install makes the agent a service and starts it, saying on out what it does. If dry it says so only.
func Install(ctx context.Context, out io.Writer, a Agent, dry bool) error {
	taken, err := a.dataIsTaken()
	if err != nil {
		return err
	}
	_, noData := os.Stat(a.Data)
	files, folders, err := a.oursByKind()
	if err != nil {
		return err
	}
	steps := a.rights(files, folders, noData != nil)
	if _, err := io.WriteString(out, a.registration()); err != nil {
		return err
	}
	switch {
	case taken:
		return fmt.Errorf("%s holds other things than a spool; want a folder of its own in spool.dir", a.Data)
	case dry:
		return script(out, steps)
	}
	s, err := a.register(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := os.MkdirAll(a.Data, 0o700); err != nil {
		return err
	}
	if err := do(ctx, out, steps); err != nil {
		return err
	}
	return start(ctx, s)
}

// oursByKind are the files and folders that only the service should read.
func (a *Agent) oursByKind() (files, folders []string, err error) {
	files = []string{a.Config}
	for _, path := range a.Reads {
		if !a.ours(path) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil && !os.IsNotExist(err) { // or still to be written
			return nil, nil, err
		}
		if err == nil && info.IsDir() {
			folders = append(folders, path)
		} else {
			files = append(files, path)
		}
	}
	return files, folders, nil
}

// register makes the service known, or brings up to date what is known of it. It doesn't run then.
func (a *Agent) register(ctx context.Context) (*mgr.Service, error) {
	manager, err := connect()
	if err != nil {
		return nil, err
	}
	defer func() { _ = manager.Disconnect() }()
	s, err := manager.OpenService(Name)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		s, err = manager.CreateService(Name, a.Program, mgr.Config{DisplayName: displayName})
	}
	if err != nil {
		return nil, fmt.Errorf("make service: %w", err)
	}
	if err := a.configure(ctx, s); err != nil {
		return nil, errors.Join(fmt.Errorf("configure service: %w", err), s.Close())
	}
	return s, nil
}

func (a *Agent) configure(ctx context.Context, s *mgr.Service) error {
	if err := stop(ctx, s); err != nil {
		return err
	}
	var actions []mgr.RecoveryAction
	for _, wait := range restarts {
		actions = append(actions, mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: wait})
	}
	_ = eventlog.Remove(Name) // perhaps of an earlier version
	return errors.Join(
		ifKnown(s.UpdateConfig(mgr.Config{
			ServiceType: windows.SERVICE_WIN32_OWN_PROCESS, StartType: mgr.StartAutomatic, DelayedAutoStart: true,
			ErrorControl: mgr.ErrorNormal, BinaryPathName: a.commandLine(), ServiceStartName: account,
			DisplayName: displayName, Description: description,
		})),
		s.SetRecoveryActions(actions, uint32(forgets.Seconds())),
		ifKnown(s.SetRecoveryActionsOnNonCrashFailures(true)),
		eventlog.InstallAsEventCreate(Name, eventlog.Info|eventlog.Warning|eventlog.Error))
}

// ifKnown passes over that a setting isn't known: Wine has no delayed start, and no restart after an end with an error.
func ifKnown(err error) error {
	if errors.Is(err, windows.ERROR_INVALID_LEVEL) {
		return nil
	}
	return err
}

func connect() (*mgr.Mgr, error) {
	manager, err := mgr.Connect()
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return nil, errors.New("only administrators may do this: start the prompt as administrator")
	}
	return manager, err
}

// settles is how long a service takes to fail that can't read its files.
const settles = 3 * time.Second

// start starts the service and sees whether it goes on running.
func start(ctx context.Context, s *mgr.Service) error {
	if err := s.Start(); err != nil {
		return fmt.Errorf("start service: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(settles):
	}
	status, err := s.Query()
	if err == nil && status.State != svc.Running && status.State != svc.StartPending {
		err = fmt.Errorf("the service stopped at once (code %d): the Application event log says why", status.ServiceSpecificExitCode)
	}
	return err
}

// stop stops the service and waits for that. One that doesn't run is fine, and so is one that is stopping already.
func stop(ctx context.Context, s *mgr.Service) error {
	if _, err := s.Control(svc.Stop); errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return nil
	} else if err != nil && !errors.Is(err, windows.ERROR_SERVICE_CANNOT_ACCEPT_CTRL) {
		return fmt.Errorf("stop service: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, waitHint)
	defer cancel()
	for {
		if status, err := s.Query(); err != nil || status.State == svc.Stopped {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("stop service: it goes on running")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Uninstall stops the service and takes it away. Configuration and data stay; config is where the former is.
func Uninstall(ctx context.Context, out io.Writer, dry bool) (config string, err error) {
	manager, err := connect()
	if err != nil {
		return "", err
	}
	defer func() { _ = manager.Disconnect() }()
	s, err := manager.OpenService(Name)
	if err != nil {
		return "", fmt.Errorf("no service %s: %w", Name, err)
	}
	defer s.Close()
	config, err = Config()
	if err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(out, "# service and event source %s: stopped and removed\n", Name); err != nil || dry {
		return config, err
	}
	if err := stop(ctx, s); err != nil {
		return config, err
	}
	return config, errors.Join(s.Delete(), eventlog.Remove(Name))
}

// Config is the configuration of the service that is installed.
func Config() (string, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Services\`+Name, registry.QUERY_VALUE)
	if err != nil {
		return "", fmt.Errorf("no service %s: %w", Name, err)
	}
	defer key.Close()
	commandLine, _, err := key.GetStringValue("ImagePath")
	if err != nil {
		return "", fmt.Errorf("ask what the service is: %w", err)
	}
	return configOn(commandLine), nil
}

// configOn is the configuration named on a command line.
func configOn(commandLine string) string {
	args, err := windows.DecomposeCommandLine(commandLine)
	if err != nil {
		return ""
	}
	for i, arg := range args[:max(0, len(args)-1)] {
		if arg == "--config" {
			return args[i+1]
		}
	}
	return ""
}
