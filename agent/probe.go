package main

import (
	"context"
	"errors"
	"time"

	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/agent/wire"
	"github.com/zerofax/zerofax/mibs"
)

type probeCommand struct {
	Host   string `arg:"" optional:"" help:"Name or address of the device."`
	access `embed:""`
	JSON   bool   `name:"json" help:"Print JSON."`
	Replay string `placeholder:"FILE" help:"Read a recording (snmprec, or what snmpwalk -On prints) instead of a device."`
}

// probed is what one look at a device brought.
type probed struct {
	where  string // the address or file
	device *mibs.Device
	result mibs.Result
}

// Run asks one device once and prints what it tells.
func (c *probeCommand) Run(call *program.Call) error {
	s, err := inForce(call)
	if err != nil {
		return err
	}
	config, profiles := s.config, s.profiles
	var seen probed
	switch {
	case (c.Host == "") == (c.Replay == ""):
		return program.Usage(errors.New("probe: want HOST or --replay FILE, one of them"))
	case c.Replay != "":
		seen, err = replay(call.Ctx, profiles, c.Replay)
	default:
		pool := newPool(config, call.Log)
		defer pool.Close()
		seen, _, err = c.look(call, config, profiles, pool, c.Host)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return seen.printJSON(call.Stdout)
	}
	return seen.printText(call.Stdout)
}

// probeBudget is generous: people wait for it.
const probeBudget = time.Minute

// probe asks a device who it is and then all that it can be asked.
func probe(ctx context.Context, profiles *mibs.Set, ask func(context.Context, mibs.Quirks, func(mibs.Asker) error) error) (probed, error) {
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	var seen probed
	err := ask(ctx, mibs.Quirks{}, func(asker mibs.Asker) (err error) {
		seen.device, err = profiles.Identify(ctx, asker)
		return err
	})
	if err != nil {
		return probed{}, err
	}
	const all = mibs.Lines | mibs.Counters
	err = ask(ctx, seen.device.Quirks(), func(asker mibs.Asker) error {
		answers, err := asker.Get(ctx, seen.device.OIDs(all))
		if err == nil {
			seen.result = seen.device.Read(wire.TimeOf(time.Now()), all, answers)
		}
		return err
	})
	switch {
	case err != nil:
	case seen.result.Stranger:
		err = errors.New("two machines answer by turns at this address; want one")
	case !seen.result.Reading.OK:
		seen.result.Warnings = append(seen.result.Warnings, seen.result.Reading.Error)
	}
	return seen, err
}
