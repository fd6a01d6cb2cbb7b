package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/zerofax/zerofax/agent/wire"
)

// Plan says what a ward looks like.
type Plan struct {
	Devices int            // how many; 0 = one of each description
	Of      []*Description // taken in turn

	// First is the address of the first device; the others follow it (127.1.0.1,
	// 127.1.0.2, …, without .0 and .255) on the same port. Port 0 takes a free one.
	First netip.AddrPort
	// OneAddress puts all on First's address, each on a free port of its own: for systems
	// whose loopback is 127.0.0.1 alone.
	OneAddress bool

	Community string           // default "public"
	Now       func() time.Time // default time.Now
}

// Ward is a set of devices that answer.
type Ward struct {
	Devices []Bed
	serving sync.WaitGroup
	mu      sync.Mutex
	err     error
}

// Bed is a device and where it answers.
type Bed struct {
	*Device
	Addr netip.AddrPort
}

// Start makes the planned devices, with serial numbers of their own, and lets them answer
// until ctx ends; Wait waits for that.
func Start(ctx context.Context, plan Plan) (*Ward, error) {
	if plan.Devices == 0 {
		plan.Devices = len(plan.Of)
	}
	if len(plan.Of) == 0 {
		return nil, errors.New("start ward: no device descriptions")
	}
	conns, err := listen(plan)
	if err != nil {
		return nil, fmt.Errorf("start ward: %w", err)
	}
	w := &Ward{Devices: make([]Bed, len(conns))}
	for i, conn := range conns {
		device := New(plan.Of[i%len(plan.Of)], Options{Number: i + 1, Community: plan.Community, Now: plan.Now})
		w.Devices[i] = Bed{device, conn.LocalAddr().(*net.UDPAddr).AddrPort()}
		w.serving.Go(func() {
			if err := device.Serve(ctx, conn); err != nil {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.err = errors.Join(w.err, err)
			}
		})
	}
	return w, nil
}

// Wait returns when no device answers any more, with what went wrong.
func (w *Ward) Wait() error {
	w.serving.Wait()
	return w.err
}

// Count is the truth over all devices.
func (w *Ward) Count(measure wire.Measure) (n int64) {
	for _, d := range w.Devices {
		n += d.Count(measure)
	}
	return n
}

func listen(plan Plan) ([]*net.UDPConn, error) {
	var conns []*net.UDPConn
	at := plan.First
	for range plan.Devices {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		if err != nil {
			for _, conn := range conns {
				err = errors.Join(err, conn.Close())
			}
			return nil, err
		}
		conns = append(conns, conn)
		if plan.OneAddress {
			at = netip.AddrPortFrom(at.Addr(), 0)
			continue
		}
		at = netip.AddrPortFrom(following(at.Addr()), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port())
	}
	return conns, nil
}

func following(addr netip.Addr) netip.Addr {
	for addr = addr.Next(); ; addr = addr.Next() {
		if last := addr.As4()[3]; last != 0 && last != 255 {
			return addr
		}
	}
}

// Serve answers what comes in on conn until ctx ends, and closes it. One goroutine does it
// all, as in the machines: who waits for a late answer waits for all behind it.
func (d *Device) Serve(ctx context.Context, conn *net.UDPConn) error {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	request := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(request)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		reply, after := d.Answer(request[:n])
		if reply == nil || !wait(ctx, after) {
			continue
		}
		if _, err := conn.WriteToUDPAddrPort(reply, from); err != nil && ctx.Err() == nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Busy is the state that a description may have for the time a fax is on the line.
const Busy = "busy"

// Bustle lets one device after the other, chosen by rng, send or receive a fax and print
// some pages: one every so often until ctx ends.
func (w *Ward) Bustle(ctx context.Context, rng *rand.Rand, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := w.Devices[0].Device
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		last.Enter("")
		last = w.Devices[rng.IntN(len(w.Devices))].Device
		last.Enter(Busy)
		last.Print(rng.IntN(20))
		if pages := 1 + rng.IntN(4); rng.IntN(3) == 0 {
			last.Fax(pages, 0)
		} else {
			last.Fax(0, pages)
		}
	}
}
