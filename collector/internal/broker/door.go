package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Guard decides who gets in. With it nothing but TLS is spoken, and every client shows a certificate.
type Guard struct {
	Server *tls.Config // demands client certificates and checks who signed them
	Own    *tls.Config // of the broker's own probe

	// Admit says what who shows a certificate may do, or why it doesn't get in.
	Admit func(ctx context.Context, shown *x509.Certificate) (Client, error)
	// Revoked are the serial numbers, as Admit gives them, of those who have to leave.
	Revoked func(ctx context.Context) (map[string]bool, error)
	Now     func() time.Time
}

// Client is what one may do who was let in. Topics are as MQTT writes them, + and # included.
type Client struct {
	Serial    string
	IDs       []string  // the MQTT client ids that it may have: by another's it would end that one's session
	Until     time.Time // then it has to leave; zero = never
	Publish   []string
	Subscribe []string // to these filters, or to what they hold
}

const (
	admitLimit = 5 * time.Second
	sweepEvery = time.Second
	// handshakeLimit is for TLS, and then for MQTT's own greeting, over slow lines too. In seconds.
	handshakeLimit = 10
)

// door is where nats-server asks who gets in.
type door struct {
	*Guard
	log    *slog.Logger
	server *server.Server

	mu     sync.Mutex
	inside map[uint64]visitor // by connection
	told   map[string]bool    // refusals that were logged
}

type visitor struct {
	name, serial string
	until        time.Time
}

func newDoor(g *Guard, log *slog.Logger) *door {
	return &door{Guard: g, log: log, inside: make(map[uint64]visitor), told: make(map[string]bool)}
}

// Check implements server.Authentication. What it registers holds for the will, too, and for retained messages.
func (d *door) Check(c server.ClientAuthentication) bool {
	state := c.GetTLSConnectionState()
	if state == nil || len(state.PeerCertificates) == 0 {
		return false // TLS lets none through
	}
	shown := state.PeerCertificates[0]
	ctx, cancel := context.WithTimeout(context.Background(), admitLimit)
	defer cancel()
	client, err := d.Admit(ctx, shown)
	if err != nil {
		d.refuse(c, shown, "why", err)
		return false
	}
	if id := d.clientID(c); !slices.Contains(client.IDs, id) {
		d.refuse(c, shown, "why", "its MQTT client id is another", "client_id", id)
		return false
	}
	c.RegisterUser(&server.User{Permissions: &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: subjects(client.Publish)},
		Subscribe: &server.SubjectPermission{Allow: subjects(client.Subscribe)},
	}})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside[c.GetID()] = visitor{shown.Subject.CommonName, client.Serial, client.Until}
	return true
}

// clientID is the MQTT client id. nats-server knows it by now, but tells it only who looks after its connections.
func (d *door) clientID(c server.ClientAuthentication) string {
	list, err := d.server.Connz(&server.ConnzOptions{CID: c.GetID()})
	if err != nil || len(list.Conns) != 1 {
		return ""
	}
	return list.Conns[0].MQTTClient
}

// refuse logs the first refusal of a kind: who is refused tries on.
func (d *door) refuse(c server.ClientAuthentication, shown *x509.Certificate, why ...any) {
	name := shown.Subject.CommonName
	from := ""
	if addr := c.RemoteAddress(); addr != nil {
		from = addr.String()
	}
	d.mu.Lock()
	key := name + " " + shown.SerialNumber.String()
	known := d.told[key]
	d.told[key] = true
	d.mu.Unlock()
	if !known {
		d.log.Warn("broker: refused", append([]any{"name", name, "from", from}, why...)...)
	}
}

// sweep cuts the connections of those who have to leave.
func (d *door) sweep(ctx context.Context) error {
	revoked, err := d.Revoked(ctx)
	if err != nil {
		return err
	}
	for connection, v := range d.overdue(revoked) {
		d.log.Warn("broker: connection cut: the certificate is revoked or over", "name", v.name, "serial", v.serial)
		_ = d.server.DisconnectClientByID(connection) // it may be gone already
	}
	return nil
}

// overdue are those inside who have to leave; who left by themselves are forgotten.
func (d *door) overdue(revoked map[string]bool) map[uint64]visitor {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, leave := d.Now(), make(map[uint64]visitor)
	for connection, v := range d.inside {
		gone := d.server.GetClient(connection) == nil
		if !gone && (revoked[v.serial] || !v.until.IsZero() && now.After(v.until)) {
			leave[connection] = v
		}
		if gone || leave[connection] != (visitor{}) {
			delete(d.inside, connection)
		}
	}
	return leave
}

// subjects are topics as NATS writes them.
func subjects(topics []string) []string {
	all := make([]string, len(topics))
	for i, topic := range topics {
		all[i] = strings.NewReplacer("/", ".", "+", "*", "#", ">").Replace(topic)
	}
	return all
}
