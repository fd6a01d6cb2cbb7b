package ingest

import (
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/zerofax/zerofax/agent/wire"
)

// present is the link that there is, for who has something to say on it.
type present struct {
	mu     sync.Mutex
	client mqtt.Client // nil: none
	number int64       // of the last one
}

func (p *present) set(client mqtt.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client = client; client != nil {
		p.number++
	}
}

func (p *present) get() (mqtt.Client, int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.client, p.number
}

// Link is the number of the link to the broker: another one each time; 0 while there is none.
func (in *Ingest) Link() int64 {
	if client, number := in.present.get(); client != nil {
		return number
	}
	return 0
}

// Configure publishes what an agent should poll, retained, if there is a link. Whether it arrives
// only the agent's state tells. On a link that has just died it may wait for some seconds.
func (in *Ingest) Configure(agent string, payload []byte) {
	if client, _ := in.present.get(); client != nil {
		client.Publish(wire.Topic(agent, wire.KindConfig), 1, true, payload)
	}
}
