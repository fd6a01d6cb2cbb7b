package broker

import (
	"context"
	"errors"
	"fmt"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// probeTopic lies outside the contract's topics: no agent and no collector listens there.
const probeTopic = "zerofax/broker/probe"

// roundTrip connects, subscribes and gets back what it publishes. A broker with a damaged
// store starts and listens; it shows only when the first client wants something.
func roundTrip(ctx context.Context, url string) error {
	back := make(chan struct{}, 1)
	client := mqtt.NewClient(mqtt.NewClientOptions().
		AddBroker(url).
		SetClientID("zerofax-broker-probe").
		SetAutoReconnect(false).
		SetConnectTimeout(startLimit).
		SetWriteTimeout(startLimit).
		SetOrderMatters(true))
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
	if err := wait(ctx, client.Subscribe(probeTopic, 1, heard)); err != nil {
		return fmt.Errorf("subscribe to it: %w", err)
	}
	if err := wait(ctx, client.Publish(probeTopic, 1, false, "")); err != nil {
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
