// Package broker runs an MQTT 3.1.1 broker inside the collector, so that a first
// installation needs no other program. It is nats-server with its JetStream file store;
// no other port of it is opened. Nothing may depend on what it keeps: agents hold every
// envelope until the collector's own ack and say their state again every minute. A store
// that it cannot work with is therefore set aside and begun anew.
package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// maxPayload lets an envelope that is too large (more than 256 KiB) through, so that
	// it is quarantined where people see it; only beyond this the connection is closed.
	maxPayload = 512 << 10
	// maxStore bounds the disk space in bytes. Undelivered messages live here until the
	// collector took them over; when it is full, publishers get no PUBACK and say it again.
	maxStore = 1 << 30
	// maxAckPending is how many messages may be on their way to one subscriber. Times an
	// envelope's size it stays below the 64 MiB at which nats-server cuts a slow one off.
	maxAckPending = 200

	startLimit = 20 * time.Second
	stopLimit  = 5 * time.Second
)

// Options of a broker.
type Options struct {
	Dir    string // of its store, made if missing
	Listen string // host:port; port 0 takes a free one
	Guard  *Guard // nil: everybody gets in, without TLS, and may do everything
	Log    *slog.Logger

	ProbeEvery time.Duration // how often Keep looks whether it still works; default 15 s
}

// Broker is a running broker.
type Broker struct {
	options Options
	addr    string

	mu     sync.Mutex
	server *server.Server // it may have ended
	door   *door          // nil: it stands open
}

// Start returns when clients can connect, publish and subscribe. If they can't with the
// store as it is, the store is moved to Dir.bad (an earlier one there goes) and a new one made.
func Start(ctx context.Context, o Options) (*Broker, error) {
	o.ProbeEvery = cmp.Or(o.ProbeEvery, probeEvery)
	host, port, err := free(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	b, err := try(ctx, o, host, port)
	if err == nil || ctx.Err() != nil || !hasStore(o.Dir) {
		return b, err
	}
	bad := filepath.Clean(o.Dir) + ".bad"
	o.Log.Error("broker: its store can't be used and is set aside; agents will say again what matters",
		"store", o.Dir, "aside", bad, "error", err)
	if err := errors.Join(os.RemoveAll(bad), os.Rename(o.Dir, bad)); err != nil {
		return nil, fmt.Errorf("start broker: set its store aside: %w", err)
	}
	return try(ctx, o, host, port)
}

// Addr is where it listens, host:port.
func (b *Broker) Addr() string { return b.addr }

// URL is where an MQTT client on this machine finds it.
func (b *Broker) URL() string {
	addr := b.addr
	if host, port, err := net.SplitHostPort(addr); err == nil {
		switch ip := net.ParseIP(host); {
		case host == "", ip != nil && ip.Equal(net.IPv4zero):
			addr = net.JoinHostPort("127.0.0.1", port)
		case ip != nil && ip.IsUnspecified():
			addr = net.JoinHostPort("::1", port)
		}
	}
	if b.options.Guard != nil {
		return "mqtts://" + addr
	}
	return "mqtt://" + addr
}

// Close ends all connections and waits a few seconds for the broker to end. What is on
// disk needs no closing.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stop()
}

func (b *Broker) stop() error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}()
	select {
	case <-done:
		return nil
	case <-time.After(stopLimit):
		return errors.New("stop broker: still busy, left to the end of the process")
	}
}

func try(ctx context.Context, o Options, host string, port int) (*Broker, error) {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	options := &server.Options{
		ServerName:             "zerofax-collector",
		DontListen:             true, // the NATS protocol is for nobody
		NoSigs:                 true,
		NoLog:                  true,
		DisableJetStreamBanner: true,
		MaxPayload:             maxPayload,
		JetStream:              true,
		JetStreamMaxMemory:     64 << 20,
		JetStreamMaxStore:      maxStore,
		StoreDir:               o.Dir,
		MQTT: server.MQTTOpts{
			Host:          host,
			Port:          port,
			MaxAckPending: maxAckPending,
			// Sessions are clean: a subscription outlives neither its connection nor, after
			// kill -9, the process. On disk it would keep messages for nobody.
			ConsumerMemoryStorage:     true,
			ConsumerInactiveThreshold: 5 * time.Minute,
		},
	}
	b := &Broker{options: o}
	if o.Guard != nil {
		b.door = newDoor(o.Guard, o.Log)
		options.CustomClientAuthentication = b.door
		options.MQTT.TLSConfig, options.MQTT.TLSTimeout, options.MQTT.AuthTimeout = o.Guard.Server, handshakeLimit, handshakeLimit
	}
	ns, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	if b.door != nil {
		b.door.server = ns
	}
	log := &logger{log: o.Log}
	ns.SetLoggerV2(log, false, false, false)
	ns.Start()
	b.server, b.addr = ns, net.JoinHostPort(host, strconv.Itoa(options.MQTT.Port))
	if err := b.prove(ctx, log); err != nil {
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), b.Close())
	}
	return b, nil
}

// prove finds out whether the broker does what it is for.
func (b *Broker) prove(ctx context.Context, log *logger) error {
	if err := log.fatal(); err != nil {
		return err
	}
	if !b.server.ReadyForConnections(startLimit) {
		return fmt.Errorf("not ready after %s", startLimit)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return b.roundTrip(ctx)
}

// free finds out early whether the address can be had, for a clear message and so that
// all that fails later is known to be the store's fault. Port -1 is nats-server's "any".
func free(listen string) (host string, port int, err error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", 0, err
	}
	if err := l.Close(); err != nil {
		return "", 0, err
	}
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, err
	}
	if port, err = strconv.Atoi(text); err != nil {
		return "", 0, err
	}
	if port == 0 {
		port = -1
	}
	return host, port, nil
}

func hasStore(dir string) bool {
	entries, err := os.ReadDir(dir)
	return len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
}
