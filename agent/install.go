package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zerofax/zerofax/agent/internal/service"
	"github.com/zerofax/zerofax/agent/program"
)

type installCommand struct {
	Bundle string `placeholder:"FILE" help:"Bundle from zerofax-collector enroll: makes the configuration, too, where there is none."`
	Dir    string `placeholder:"DIR" help:"Where to put that. Without it: where services have theirs."`
	DryRun bool   `help:"Show what would be done, and do nothing."`
}

// Run makes run a service of this machine, or brings the service that it is up to date.
func (i *installCommand) Run(call *program.Call) error {
	switch {
	case i.Bundle != "" && call.Config != "":
		return program.Usage(errors.New("--bundle and --config; want one of them"))
	case i.Bundle != "":
		return i.enrolled(call)
	case i.Dir != "":
		return program.Usage(errors.New("--dir goes with --bundle"))
	}
	config := call.Config
	if config == "" {
		config = usualConfig()
	}
	if config == "" {
		return program.Usage(errors.New("install needs --bundle FILE or --config FILE: a service has no embedded defaults"))
	}
	c, err := load(config)
	if err != nil {
		return err
	}
	if c.proof.key.Text != "" {
		return program.Usage(fmt.Errorf("%s is a bundle; want --bundle, which makes a configuration of it", config))
	}
	a, err := c.asService(config)
	if err != nil {
		return err
	}
	if err := service.Install(call.Ctx, call.Stdout, a, i.DryRun); err != nil {
		return fmt.Errorf("install as a service: %w", err)
	}
	return nil
}

// enrolled makes a service of a bundle.
func (i *installCommand) enrolled(call *program.Call) error {
	b, err := readBundle(i.Bundle)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(cmp.Or(i.Dir, service.Dir()))
	if err != nil {
		return err
	}
	e := enrolled{Bundle: b, from: i.Bundle, dir: dir, now: clock()}
	return e.install(call.Ctx, call.Stdout, i.DryRun)
}

// usualConfig is the configuration of the service that is installed, else what lies where services have theirs; "" if nothing does.
func usualConfig() string {
	if config, err := service.Config(); err == nil {
		return config
	}
	config := filepath.Join(service.Dir(), "agent.yml")
	if _, err := os.Stat(config); err != nil {
		return ""
	}
	return config
}

// asService is what the service needs of the machine.
func (c *settings) asService(config string) (service.Agent, error) {
	program, err := os.Executable()
	if err != nil {
		return service.Agent{}, err
	}
	if config, err = filepath.Abs(config); err != nil {
		return service.Agent{}, err
	}
	dir, name := filepath.Split(config)
	a := service.Agent{Program: program, Config: filepath.Join(resolved(dir), name), Data: resolved(c.Spool.Dir)}
	for _, file := range c.files(dir) {
		a.Reads = append(a.Reads, resolved(file))
	}
	return a, nil
}

// resolved is where a path leads to, as far as that can be found out.
func resolved(path string) string {
	if where, err := filepath.EvalSymlinks(path); err == nil {
		return where
	}
	return path
}

type uninstallCommand struct {
	DryRun bool `help:"Show what would be done, and do nothing."`
}

// Run takes the service away. What it read and what it wrote stays.
func (u *uninstallCommand) Run(call *program.Call) error {
	config, err := service.Uninstall(call.Ctx, call.Stdout, u.DryRun)
	if err != nil {
		return fmt.Errorf("uninstall the service: %w", err)
	}
	if config == "" {
		return nil
	}
	_, _ = fmt.Fprintf(call.Stdout, "# left: configuration %s\n", config)
	if c, err := loadConfig(config); err == nil {
		_, _ = fmt.Fprintf(call.Stdout, "# left: data %s\n", c.Spool.Dir)
	}
	return nil
}
