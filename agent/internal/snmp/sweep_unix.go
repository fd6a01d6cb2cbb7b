//go:build !windows

package snmp

import "syscall"

// noBroadcast undoes what Go allows on every UDP socket: one datagram is never to reach all
// machines of a network, whatever its real size is.
func noBroadcast(socket uintptr) error {
	return syscall.SetsockoptInt(int(socket), syscall.SOL_SOCKET, syscall.SO_BROADCAST, 0)
}

// errBroadcast is what the system says then.
const errBroadcast = syscall.EACCES
