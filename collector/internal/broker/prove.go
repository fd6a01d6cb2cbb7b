package broker

import (
	"context"
	"errors"
	"fmt"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// ProbeTopic lies outside the contract's topics: no agent and no collector listens there.
const ProbeTopic = "zerofax/broker/probe"

// ProbeID is the MQTT client id of who looks whether the broker works.
const ProbeID = "zerofax-broker-probe"

// roundTrip connects, subscribes and gets back what it publishes. A broker with a damaged
// store starts and listens; it shows only when the first client wants something.
func (b *Broker) roundTrip(ctx context.Context) error {
	back := make(chan struct{}, 1)
	options := mqtt.NewClientOptions().
		AddBroker(b.URL()).
		SetClientID(ProbeID).
		SetAutoReconnect(false).
		SetConnectTimeout(startLimit).
		SetWriteTimeout(startLimit).
		SetOrderMatters(true)
	if b.options.Guard != nil {
		options.SetTLSConfig(b.options.Guard.Own)
	}
	client := mqtt.NewClient(options)
	if err := wait(ctx, client.Connect()); err != nil {
		return fmt.Errorf("connect to it: %w", err)
	}
	defer client.Disconnect(250)
	heard := func(mqtt.Client, mqtt.Message) {
		select {
		case back <- struct{}{}:
		default:
		}
	}
	if err := wait(ctx, client.Subscribe(ProbeTopic, 1, heard)); err != nil {
		return fmt.Errorf("subscribe to it: %w", err)
	}
	if err := wait(ctx, client.Publish(ProbeTopic, 1, false, "")); err != nil {
		return fmt.Errorf("publish to it: %w", err)
	}
	select {
	case <-back:
		return nil
	case <-ctx.Done():
		return errors.New("what was published did not come back")
	}
}

func wait(ctx context.Context, token mqtt.Token) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return ctx.Err()
	}
}
