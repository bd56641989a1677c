package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"contract"
)

const (
	headBytes      = 64
	withWillReason = 4
)

// Verbs are those of the Paho clients for Go, which are two libraries, one for each version; they are no brokers.
type Verbs struct {
	contract.Unimplemented

	inbox  *inbox
	mutex  sync.Mutex
	client client // nil before the first connection
}

func main() { contract.Main("paho-go", []string{"qos2", "v5"}, &Verbs{inbox: new(inbox)}) }

// client is what both libraries can do. Its errors are those of the library.
type client interface {
	subscribe(ctx context.Context, filters []contract.Subscription) ([]uint64, error)
	unsubscribe(ctx context.Context, filters []string) error
	publish(ctx context.Context, payload []byte, params contract.PublishParams) (*uint64, error)
	disconnect(ctx context.Context, withWill bool) error
	// leave closes the connection without a word.
	leave()
	connected() bool
	reason() *uint64
}

func newMessage(topic string, payload []byte, qos byte, retain, dup bool, properties contract.Properties) contract.Message {
	digest := sha256.Sum256(payload)
	return contract.Message{
		Topic:      topic,
		Size:       uint64(len(payload)),
		Head:       hex.EncodeToString(payload[:min(len(payload), headBytes)]),
		Sha256:     hex.EncodeToString(digest[:]),
		Qos:        uint64(qos),
		Retain:     retain,
		Dup:        &dup,
		Properties: properties,
	}
}

// inbox keeps messages in the order of their arrival.
type inbox struct {
	mutex    sync.Mutex
	messages []contract.Message
	arrived  chan struct{} // closed by the next arrival
}

func (i *inbox) put(one contract.Message) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.messages = append(i.messages, one)
	if i.arrived != nil {
		close(i.arrived)
		i.arrived = nil
	}
}

// take returns so many messages if they are there, and else what tells of the next one. With `all` it returns what is there.
func (i *inbox) take(count int, all bool) ([]contract.Message, <-chan struct{}) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if len(i.messages) >= count || all {
		count = min(count, len(i.messages))
		taken := append([]contract.Message{}, i.messages[:count]...)
		i.messages = i.messages[count:]
		return taken, nil
	}
	if i.arrived == nil {
		i.arrived = make(chan struct{})
	}
	return nil, i.arrived
}

func within(timeout float64) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(timeout*float64(time.Second)))
}

var errLost = errors.New("the connection has ended: connect again")

// lost says of an error of a library that there is no connection.
func lost(err error) error {
	if errors.Is(err, errLost) {
		return err
	}
	return fmt.Errorf("%w (%w)", errLost, err)
}

// invalid refuses what a library or its version has not got.
func invalid(message string) error {
	return &contract.Refused{Code: contract.CodeInvalid, Message: message}
}

// failure makes a refusal of what a library says.
func failure(err error, what string) error {
	var known *contract.Refused
	var misfit contract.Misfit
	switch {
	case err == nil || errors.As(err, &known) || errors.As(err, &misfit):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &contract.Refused{Code: contract.CodeLost, Message: what + " did not come in time"}
	case errors.Is(err, errLost):
		return &contract.Refused{Code: contract.CodeLost, Message: fmt.Sprintf("no %s: %v", what, err)}
	}
	return &contract.Refused{Code: contract.CodeInvalid, Message: fmt.Sprintf("the library refuses: %v", err)}
}

// CloseAll closes the connection: the driver ends.
func (v *Verbs) CloseAll() error {
	v.replace(nil)
	return nil
}

// Reset closes the connection, and forgets what has come over it.
func (v *Verbs) Reset(contract.ResetParams) (any, error) {
	v.replace(nil)
	v.inbox = new(inbox) // a connection that ends just now has the one before
	return nil, nil
}

func (v *Verbs) replace(next client) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.client != nil {
		v.client.leave()
	}
	v.client = next
}

// open returns the client if it has a connection.
func (v *Verbs) open() (client, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.client == nil || !v.client.connected() {
		return nil, &contract.Refused{Code: contract.CodeLost, Message: "there is no connection: connect first"}
	}
	return v.client, nil
}

// Connect makes a client of the library for the version.
func (v *Verbs) Connect(params contract.ConnectParams) (any, error) {
	connect := connect5 // makes a client, or tells why the broker does not want it: then there is none
	if params.Version == 4 {
		connect = connect4
	}
	v.replace(nil)
	ctx, cancel := within(params.Timeout)
	defer cancel()
	made, answer, err := connect(ctx, params, v.inbox)
	if err != nil {
		return nil, failure(err, "CONNACK")
	}
	if made != nil {
		v.replace(made)
	}
	return answer, nil
}

// Subscribe sends one packet.
func (v *Verbs) Subscribe(params contract.SubscribeParams) (any, error) {
	now, err := v.open()
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(params.Timeout)
	defer cancel()
	reasons, err := now.subscribe(ctx, params.Filters)
	return reasons, failure(err, "SUBACK")
}

// Unsubscribe sends one packet.
func (v *Verbs) Unsubscribe(params contract.UnsubscribeParams) (any, error) {
	now, err := v.open()
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(params.Timeout)
	defer cancel()
	return nil, failure(now.unsubscribe(ctx, params.Filters), "UNSUBACK")
}

// Publish sends a payload of so many equal parts.
func (v *Verbs) Publish(params contract.PublishParams) (any, error) {
	now, err := v.open()
	if err != nil {
		return nil, err
	}
	part, err := hex.DecodeString(params.Payload)
	if err != nil {
		return nil, contract.Misfit("payload: " + err.Error())
	}
	ctx, cancel := within(params.Timeout)
	defer cancel()
	reason, err := now.publish(ctx, bytes.Repeat(part, int(params.Repeat)), params)
	return reason, failure(err, "acknowledgement")
}

// Receive takes messages, at most as many as are asked for.
func (v *Verbs) Receive(params contract.ReceiveParams) (any, error) {
	ctx, cancel := within(params.Timeout)
	defer cancel()
	for {
		taken, arrived := v.inbox.take(int(params.Count), false)
		if arrived == nil {
			return taken, nil
		}
		patience, stop := ctx, context.CancelFunc(func() {})
		if params.Quiet > 0 {
			patience, stop = context.WithTimeout(ctx, time.Duration(params.Quiet*float64(time.Second)))
		}
		select {
		case <-arrived:
			stop()
		case <-patience.Done():
			stop()
			taken, _ = v.inbox.take(int(params.Count), true)
			return taken, nil
		}
	}
}

// Disconnect ends the connection in order.
func (v *Verbs) Disconnect(params contract.DisconnectParams) (any, error) {
	now, err := v.open()
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(params.Timeout)
	defer cancel()
	return nil, failure(now.disconnect(ctx, params.WithWill), "end")
}

// State tells what the library says.
func (v *Verbs) State(params contract.StateParams) (any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.client == nil {
		return contract.State{}, nil
	}
	return contract.State{Connected: v.client.connected(), Reason: v.client.reason()}, nil
}
