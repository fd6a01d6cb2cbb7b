//go:build !windows

// Command packaged prints the agent's systemd unit as packages have it.
package main

import (
	"fmt"

	"github.com/zerofax/zerofax/agent/internal/service"
)

func main() { fmt.Print(service.PackagedUnit()) }
