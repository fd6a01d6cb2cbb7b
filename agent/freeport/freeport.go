// Package freeport finds ports on which tests and the demo can have programs listen.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

// The ports given lie below those that systems give to connections of their own accord (from 32768 on Linux, from 49152
// on Windows, IANA): any connection may take one of these between its being found free and its being listened on.
const (
	first = 10_000
	count = 22_000
)

// last is shared by all that a process starts, so that no port is given twice; where it begins keeps processes apart.
var last = func() *atomic.Uint32 {
	n := new(atomic.Uint32)
	n.Store(rand.Uint32N(count))
	return n
}()

// Take is a TCP port of 127.0.0.1 on which nothing listens, and that wasn't given before.
func Take() (port int, err error) {
	for range count {
		port = first + int(last.Add(1)%count)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}

// Must is Take for tests, which can't go on without one.
func Must(t interface {
	Helper()
	Fatal(...any)
},
) int {
	t.Helper()
	port, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
