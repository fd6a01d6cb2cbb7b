package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zerofax/zerofax/agent/internal/capture"
	"github.com/zerofax/zerofax/agent/internal/snmp"
	"github.com/zerofax/zerofax/agent/program"
	"github.com/zerofax/zerofax/mibs"
)

type captureCommand struct {
	Host     string `arg:"" help:"Name or address of the device."`
	access   `embed:""`
	Output   string        `short:"o" placeholder:"FILE" help:"Write the recording (snmprec) here; without it, to standard output."`
	Max      int           `default:"40000" help:"Stop after so many objects."`
	MaxTime  time.Duration `default:"15m" help:"Stop after so long."`
	Pause    time.Duration `default:"30ms" help:"Wait so long between requests."`
	Roots    []string      `placeholder:"OID" help:"Walk these subtrees alone, and read what the profiles read."`
	Unmasked bool          `help:"Leave private values in. Not for a file that anybody else gets."`
}

// Help is shown by --help.
func (c *captureCommand) Help() string {
	return `A recording is for a support case or a new profile. To make it, the device's own tree is walked (its maker's,
and that of any make that zerofax knows, if the device has it): some thousand small requests, one after the other
with pauses, which takes some minutes; known address books and journals of jobs are passed over. Nothing else in
zerofax does that. Some old machines don't take it well: do it while nobody needs the machine. One that restarts
meanwhile is asked no further.

Phone numbers, addresses, names, serial numbers and whatever else isn't known to be harmless are masked, so that the
recording still reads as the device does. Read it all the same before you send it. Ctrl-C keeps what was read so far.`
}

const captureBytes = 16 << 20

// Run records a device.
func (c *captureCommand) Run(call *program.Call) error {
	s, err := inForce(call)
	if err != nil {
		return err
	}
	config, profiles := s.config, s.profiles
	for i, root := range c.Roots {
		if c.Roots[i], err = mibs.ParseOID(root); err != nil {
			return program.Usage(fmt.Errorf("--roots: %w", err))
		}
	}
	if c.Max < 1 || c.MaxTime <= 0 {
		return program.Usage(errors.New("capture: want --max 1 or more, --max-time such as 15m"))
	}
	out, err := c.output()
	if err != nil {
		return err
	}
	defer out.drop()
	pool := snmp.NewPool(snmp.Options{Sessions: 1, Timeout: config.SNMP.Timeout, Retries: config.SNMP.Retries, Pause: c.Pause})
	defer pool.Close()
	seen, target, err := c.look(call, config, profiles, pool, c.Host)
	if err != nil {
		return err
	}
	taken, err := c.take(call, profiles, pool, target, seen.device.Quirks())
	if err != nil {
		return err
	}
	return c.write(call, profiles, taken, target, out)
}

func (c *captureCommand) take(call *program.Call, profiles *mibs.Set, pool *snmp.Pool, target snmp.Target, quirks mibs.Quirks) (taken capture.Taken, err error) {
	ctx, cancel := context.WithTimeout(call.Ctx, c.MaxTime)
	defer cancel()
	last := 0
	err = pool.Device(target).Ask(ctx, quirks, func(asker mibs.Asker) (err error) {
		taken, err = capture.Of(ctx, asker, capture.Options{
			Profiles: profiles, Roots: c.Roots, MaxObjects: c.Max, MaxBytes: captureBytes,
			Progress: func(root string, objects int) {
				if objects > last {
					_, _ = fmt.Fprintf(call.Stderr, "%6d objects, now in %s\n", objects, root)
				}
				last = objects
			},
		})
		return err
	})
	return taken, err
}

// write masks and writes what was taken, and says what to do with it.
func (c *captureCommand) write(call *program.Call, profiles *mibs.Set, taken capture.Taken, target snmp.Target, out *newFile) error {
	recording, masked := taken.Recording, "nothing: it was asked for with private values in it"
	if !c.Unmasked {
		of := target.Credentials
		var what mibs.Masked
		recording, what = profiles.Mask(recording, string(of.Community), of.User, string(of.AuthPassword), string(of.PrivacyPassword), c.Host)
		masked = what.String()
		if what.Differs != "" {
			taken.Notes = append(taken.Notes, "masking changed how it reads; "+what.Differs)
		}
	}
	objects := len(recording.Varbinds())
	head := []string{
		fmt.Sprintf("Recorded by zerofax-agent %s, %s: %d objects.", program.Version(), clock().UTC().Format("2006-01-02"), objects),
		"Masked: " + masked + ".",
		"Read it before you send it: what masking doesn't recognise is still there.",
	}
	for _, note := range taken.Notes {
		call.Log.Warn(note)
		head = append(head, "Note: "+strings.NewReplacer(target.String(), "the device", c.Host, "the device", "\n", " ").Replace(note)+".")
	}
	if c.Output == "" {
		return writeRecording(call.Stdout, head, recording)
	}
	if err := out.keep(writeRecording(out, head, recording)); err != nil {
		return err
	}
	older := ""
	if out.older {
		older = ", in place of an older file"
	}
	_, _ = fmt.Fprintf(call.Stderr, "%s: %d objects%s. Masked: %s.\nRead it before you send it. What zerofax makes of it: zerofax-agent probe --replay %[1]s\n",
		c.Output, objects, older, masked)
	return nil
}

func writeRecording(out io.Writer, head []string, recording *mibs.Recording) error {
	w := bufio.NewWriter(out)
	for _, line := range head {
		_, _ = fmt.Fprintf(w, "# %s\n", line)
	}
	if err := recording.WriteSnmprec(w); err != nil {
		return err
	}
	return w.Flush()
}

// newFile is a file that nobody but its owner may read, and that takes its name once it is whole.
type newFile struct {
	*os.File
	name  string
	older bool // there is one of that name
	whole bool
}

// output makes the file before the device is asked, so that nobody waits for what can't be kept; nil for standard output.
func (c *captureCommand) output() (*newFile, error) {
	if c.Output == "" {
		return nil, nil
	}
	found, err := os.Stat(c.Output)
	if err == nil && !found.Mode().IsRegular() {
		return nil, program.Usage(fmt.Errorf("-o %s: want a file", c.Output))
	}
	file, err := os.CreateTemp(filepath.Dir(c.Output), filepath.Base(c.Output)+".*")
	if err != nil {
		return nil, fmt.Errorf("write recording: %w", err)
	}
	return &newFile{File: file, name: c.Output, older: found != nil}, nil
}

// keep gives the file its name, unless writing to it failed.
func (f *newFile) keep(err error) error {
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	f.whole = true
	if err := os.Rename(f.Name(), f.name); err != nil { // on Windows, where another program has the older one open
		return fmt.Errorf("write recording: %w; it is in %s", err, f.Name())
	}
	return nil
}

// drop removes what isn't whole.
func (f *newFile) drop() {
	if f != nil && !f.whole {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}
