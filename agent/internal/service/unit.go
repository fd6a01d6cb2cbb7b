//go:build !windows

package service

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	unitName = Name + ".service"
	unitFile = "/etc/systemd/system/" + unitName
	stateDir = "/var/lib/" + Name // made by systemd itself

	packagedFile = "/usr/lib/systemd/system/" + unitName // hidden by unitFile
)

// Dir is where the configuration of a service usually lies.
func Dir() string { return "/etc/zerofax" }

// Data is where a service with its configuration in Dir has its data, relative to that.
func Data() string { return stateDir }

// ReloadCommand makes the service read its configuration again.
const ReloadCommand = "systemctl reload " + Name

// PackagedUnit is what systemd should know of an agent from a Debian or RPM package. Packages are built with it, so that
// Install finds nothing to change in it.
func PackagedUnit() string {
	a := Agent{Program: "/usr/bin/" + Name, Config: Dir() + "/agent.yml", Data: stateDir}
	return a.unit()
}

// unit is what systemd should know of the agent.
func (a *Agent) unit() string {
	return fmt.Sprintf(`[Unit]
Description=zerofax agent, polls fax machines over SNMP
Documentation=https://github.com/zerofax/zerofax
Wants=network-online.target
After=network-online.target
# A package may be installed before the agent is told what to poll.
ConditionPathExists=%s
# However often it fails, it is started again.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=%s run --config %s
# A faulty new configuration is refused, and the old one goes on.
ExecReload=/bin/kill -HUP $MAINPID
# Also with a faulty configuration, so that a mended one is found; not so often that the journal fills.
Restart=always
RestartSec=30
# At start every batch in the spool is checked.
TimeoutStartSec=15min
TimeoutStopSec=20
# It says every 15 s that it is alive, but not when its spool hangs; nor while it checks that again after a reload.
WatchdogSec=5min

User=%s
UMask=0077
%s
# Lines that don't say their level are those of a crash.
SyslogLevel=err

%s
[Install]
WantedBy=multi-user.target
`, strings.ReplaceAll(a.Config, "%", "%%"), quoteForUnit(a.Program), quoteForExec(a.Config), Name, a.dataLines(), confinement)
}

// confinement is all that an agent can do without: it reads its files, writes its spool, and talks UDP and TCP.
const confinement = `NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
MemoryMax=512M
`

func (a *Agent) dataLines() string {
	if a.Data == stateDir {
		return "StateDirectory=" + Name + "\nStateDirectoryMode=0700"
	}
	return "ReadWritePaths=" + quoteForUnit(a.Data)
}

// quoteForUnit makes one word of a path in a unit (systemd.syntax(7), systemd.unit(5) for %).
func quoteForUnit(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(path) + `"`
}

// quoteForExec does so for an argument of a program, where $ means something too.
func quoteForExec(path string) string { return strings.ReplaceAll(quoteForUnit(path), "$", "$$") }

var configInUnit = regexp.MustCompile(`(?m)^ExecStart=.* --config "((?:[^"\\]|\\.)*)"$`)

// configIn finds the configuration's path in a unit as written here.
func configIn(unit string) (string, bool) {
	found := configInUnit.FindStringSubmatch(unit)
	if found == nil {
		return "", false
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `%%`, `%`, `$$`, `$`).Replace(found[1]), true
}

// access is what other accounts than root may do with the agent's files.
type access struct {
	unreadable []string // of the configuration and what it reads: closed to the agent's account
	closed     []string // folders on the way to any of its files that can't be entered
	notRun     bool     // the program can't be run
	dataTaken  bool     // the data folder holds other things
}

// hidden are folders that the unit keeps the agent from seeing.
var hidden = []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp"}

// obstacles are why the agent could not run as a service, and what would be right.
func (a *Agent) obstacles(is access) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	see := func(path, better string) {
		for _, dir := range hidden {
			if strings.HasPrefix(path, dir+"/") {
				say("%s: a service does not see %s; want it in %s", path, dir, better)
			}
		}
	}
	see(a.Program, "/usr/local/bin")
	see(a.Config, Dir())
	see(a.Data, stateDir)
	for _, file := range a.Reads {
		see(file, Dir())
	}
	if is.dataTaken {
		say("%s holds other things than a spool; want a folder of its own in spool.dir, such as %s", a.Data, stateDir)
	}
	if is.notRun {
		say("%s can't be run by others than its owner; chmod 755 it", a.Program)
	}
	for _, dir := range is.closed {
		if dir != filepath.Dir(a.Config) {
			say("%s can't be entered by %s; chmod o+x it, or move what lies in it", dir, Name)
		}
	}
	for _, file := range is.unreadable {
		if !a.ours(file) && file != a.Config {
			say("%s can't be read by %s; put a copy into %s, where it will be", file, Name, filepath.Dir(a.Config))
		}
	}
	return all
}

// installSteps make the agent a service that runs and comes back after a restart of the machine. Taken again, they bring
// the service up to date. Packaged is the unit that a package brought, "" if none did.
func (a *Agent) installSteps(is access, packaged string) []step {
	steps := []step{{run: []string{"systemd-sysusers", "--inline", fmt.Sprintf(`u %s - "zerofax agent"`, Name)}}}
	give := func(path string) {
		steps = append(steps,
			step{run: []string{"chgrp", "-R", Name, path}},
			step{run: []string{"chmod", "-R", "g+rX", path}})
	}
	if dir := filepath.Dir(a.Config); slices.Contains(is.closed, dir) {
		steps = append(steps, step{run: []string{"chgrp", Name, dir}}, step{run: []string{"chmod", "g+x", dir}})
	}
	for _, file := range is.unreadable {
		give(file)
	}
	return append(steps,
		step{run: []string{"install", "-d", "-m", "0700", "-o", Name, "-g", Name, a.Data}},
		step{run: []string{"chown", "-R", Name + ":" + Name, a.Data}},
		a.unitStep(packaged),
		step{run: []string{"systemctl", "daemon-reload"}},
		step{run: []string{"systemctl", "enable", unitName}},
		step{run: []string{"systemctl", "restart", unitName}})
}

// unitStep leaves the unit to the package whose unit says the same, so that the package can bring it up to date.
func (a *Agent) unitStep(packaged string) step {
	if packaged == a.unit() {
		return step{run: []string{"rm", "-f", unitFile}}
	}
	return step{file: unitFile, text: a.unit()}
}

// uninstallSteps take the service away, and leave what it has read and written.
func uninstallSteps() []step {
	return []step{
		{run: []string{"systemctl", "disable", "--now", unitName}},
		{run: []string{"rm", "-f", unitFile}},
		{run: []string{"systemctl", "daemon-reload"}},
	}
}
