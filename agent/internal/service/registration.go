package service

import (
	"fmt"
	"strings"
	"time"
)

// What Windows' service manager should know of the agent.
const (
	displayName = "zerofax agent"
	description = "Polls fax machines over SNMP and sends what they said to the zerofax collector."
	// account is one that Windows makes for the service alone. It has no rights but those of any user, and no password.
	account = `NT SERVICE\` + Name
	forgets = 24 * time.Hour // an earlier failure
)

// restarts are how long after a first, a second and any further failure the service is started again: with a faulty
// configuration it fails each time, and the event log is not its alone.
var restarts = []time.Duration{5 * time.Second, 30 * time.Second, 5 * time.Minute}

// commandLine is quoted also where that needn't be: a path that gets a blank later must not become another program's.
func (a *Agent) commandLine() string {
	return `"` + a.Program + `" run --service --config "` + a.Config + `"`
}

// registration says in words what is set without a command.
func (a *Agent) registration() string {
	var after []string
	for _, wait := range restarts {
		after = append(after, wait.String())
	}
	return fmt.Sprintf(`# service       %s (%s)
# description   %s
# command       %s
# account       %s
# start         automatic, delayed
# on failure    started again after %s, also when it ends with an error; forgotten after %s
# event source  %s, in the Application log
`, Name, displayName, description, a.commandLine(), account, strings.Join(after, ", "), forgets, Name)
}

// Accounts that have another name in every language of Windows.
const (
	system         = "*S-1-5-18"
	administrators = "*S-1-5-32-544"
)

// rights are what the service's account needs to have. Files of the configuration are closed to other users, since there
// are secrets in them; so is a data folder that is made here.
func (a *Agent) rights(files, folders []string, newData bool) []step {
	var steps []step
	for _, file := range files {
		steps = append(steps, step{run: []string{
			"icacls", file, "/inheritance:r", "/grant:r", system + ":F", administrators + ":F", account + ":R",
		}})
	}
	for _, folder := range folders {
		steps = append(steps, step{run: []string{"icacls", folder, "/grant:r", account + ":(OI)(CI)RX"}})
	}
	data := step{run: []string{"icacls", a.Data, "/grant:r", account + ":(OI)(CI)M"}}
	if newData {
		data.run = []string{
			"icacls", a.Data, "/inheritance:r", "/grant:r",
			system + ":(OI)(CI)F", administrators + ":(OI)(CI)F", account + ":(OI)(CI)M",
		}
	}
	return append(steps, data)
}
