package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Install makes the agent a service and starts it, saying on out what it does. If dry it says so only.
func Install(ctx context.Context, out io.Writer, a Agent, dry bool) error {
	is, err := a.access()
	if err != nil {
		return err
	}
	packaged, unread := os.ReadFile(packagedFile)
	if unread != nil && !errors.Is(unread, fs.ErrNotExist) {
		return unread
	}
	steps := a.installSteps(is, string(packaged))
	if dry {
		err = script(out, steps)
	}
	for _, obstacle := range a.obstacles(is) {
		err = errors.Join(err, errors.New(obstacle))
	}
	if err == nil && !dry {
		err = doAsRoot(ctx, out, steps)
	}
	return err
}

// Uninstall stops the service and takes it away. Configuration and data stay; config is where the former is.
func Uninstall(ctx context.Context, out io.Writer, dry bool) (config string, err error) {
	config, err = Config()
	if err != nil && !dry {
		return "", err
	}
	if dry {
		return config, script(out, uninstallSteps())
	}
	return config, doAsRoot(ctx, out, uninstallSteps())
}

// Config is the configuration of the service that is installed.
func Config() (string, error) {
	unit, err := os.ReadFile(unitFile)
	if errors.Is(err, fs.ErrNotExist) {
		unit, err = os.ReadFile(packagedFile)
	}
	if err != nil {
		return "", fmt.Errorf("no service %s: %w", Name, err)
	}
	config, _ := configIn(string(unit))
	return config, nil
}

// MayInstall tells why this account may not install services, nil if it may.
func MayInstall() error {
	if os.Geteuid() != 0 {
		return errors.New("only root may do this: use sudo; --dry-run shows what would be done")
	}
	return nil
}

func doAsRoot(ctx context.Context, out io.Writer, steps []step) error {
	if err := MayInstall(); err != nil {
		return err
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return errors.New("systemd doesn't run on this machine; --dry-run shows the unit, for whatever does")
	}
	return do(ctx, out, steps)
}

// access finds out what others may do with the agent's files.
func (a *Agent) access() (access, error) {
	var is access
	group := serviceGroup()
	for _, file := range append([]string{a.Config}, a.Reads...) {
		info, err := os.Stat(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return is, err
		}
		if err != nil || !may(info, group, 0o4) { // what is still to be written will be closed
			is.unreadable = append(is.unreadable, file)
		}
	}
	for _, file := range append([]string{a.Program, a.Config, a.Data}, a.Reads...) {
		is.closed = append(is.closed, closedAbove(file, group)...)
	}
	slices.Sort(is.closed)
	is.closed = slices.Compact(is.closed)
	info, err := os.Stat(a.Program)
	if err != nil {
		return is, err
	}
	is.notRun = !may(info, group, 0o5)
	is.dataTaken, err = a.dataIsTaken()
	return is, err
}

// closedAbove are the folders above path that the agent may not enter. Those that aren't there yet will be open.
func closedAbove(path string, group int) []string {
	var closed []string
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && !may(info, group, 0o1) {
			closed = append(closed, dir)
		}
	}
	return closed
}

// may tells whether the agent's account has the permissions, one way or another.
func may(info os.FileInfo, group int, permissions os.FileMode) bool {
	mode := info.Mode().Perm()
	stat, ok := info.Sys().(*syscall.Stat_t)
	return mode&permissions == permissions ||
		ok && int(stat.Gid) == group && mode>>3&permissions == permissions
}

// serviceGroup is the group of the agent's account, -1 before there is one.
func serviceGroup() int {
	group, err := user.LookupGroup(Name)
	if err != nil {
		return -1
	}
	id, err := strconv.Atoi(group.Gid)
	if err != nil {
		return -1
	}
	return id
}
