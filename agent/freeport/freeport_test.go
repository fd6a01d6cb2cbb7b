package freeport_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/zerofax/zerofax/agent/freeport"
)

func TestNoPortIsGivenTwice(t *testing.T) {
	given := new(sync.Map)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				port := freeport.Must(t)
				if _, twice := given.LoadOrStore(port, true); twice {
					t.Errorf("port %d was given twice", port)
				}
			}
		})
	}
	group.Wait()
}

func TestAPortCanBeListenedOnAndNoConnectionTakesIt(t *testing.T) {
	port := freeport.Must(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return // not Linux
	}
	if from, err := strconv.Atoi(strings.Fields(string(text))[0]); err != nil || port >= from {
		t.Errorf("got port %d, %v, want one below %d, where those of connections begin", port, err, from)
	}
}
