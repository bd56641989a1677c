package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"contract"

	"github.com/eclipse/paho.golang/paho"
)

// client5 is a client of paho.golang, which speaks version 5.
type client5 struct {
	*paho.Client
	conn  net.Conn
	ended chan struct{} // closed once the library has told of the end, and for a server's after its reason is kept
	end   func()

	mutex sync.Mutex
	last  *uint64
}

func connect5(ctx context.Context, params contract.ConnectParams, messages *inbox) (client, *contract.Connected, error) {
	asked := &paho.Connect{
		ClientID:   params.ClientId,
		CleanStart: params.Clean,
		KeepAlive:  uint16(params.KeepAlive),
		Properties: &paho.ConnectProperties{
			SessionExpiryInterval: narrow[uint32](params.SessionExpiry),
			ReceiveMaximum:        narrow[uint16](params.ReceiveMaximum),
			RequestProblemInfo:    true,
		},
	}
	if will := params.Will; will != nil {
		payload, err := hex.DecodeString(will.Payload)
		if err != nil {
			return nil, nil, contract.Misfit("will.payload: " + err.Error())
		}
		asked.WillMessage = &paho.WillMessage{Retain: will.Retain, QoS: byte(will.Qos), Topic: will.Topic, Payload: payload}
		asked.WillProperties = &paho.WillProperties{WillDelayInterval: narrow[uint32](will.Delay)}
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", params.Port))
	if err != nil {
		return nil, nil, lost(err)
	}
	made := &client5{conn: conn, ended: make(chan struct{})}
	made.end = sync.OnceFunc(func() { close(made.ended) })
	made.Client = paho.NewClient(paho.ClientConfig{
		Conn:          conn,
		PacketTimeout: time.Hour, // each call has a deadline of its own
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(got paho.PublishReceived) (bool, error) {
			p := got.Packet
			messages.put(newMessage(p.Topic, p.Payload, p.QoS, p.Retain, p.Duplicate(), received(p.Properties)))
			return true, nil
		}},
		OnServerDisconnect: func(d *paho.Disconnect) {
			made.mutex.Lock()
			made.last = number(d.ReasonCode)
			made.mutex.Unlock()
			made.end()
		},
		OnClientError: func(error) { made.end() },
	})
	answer, err := made.Connect(ctx, asked)
	if answer == nil || err != nil && answer.ReasonCode == 0 {
		made.leave()
		return nil, nil, lost(err)
	}
	told := &contract.Connected{SessionPresent: answer.SessionPresent, Reason: uint64(answer.ReasonCode)}
	if err != nil {
		return nil, told, nil
	}
	return made, told, nil
}

// narrow makes an optional number of the size that a packet has for it.
func narrow[N uint16 | uint32](given *uint64) *N {
	if given == nil {
		return nil
	}
	narrowed := N(*given)
	return &narrowed
}

func number(reason byte) *uint64 {
	value := uint64(reason)
	return &value
}

// received is what comes beside a message. The library does not tell an empty text from none.
func received(given *paho.PublishProperties) contract.Properties {
	all := contract.Properties{User: [][]string{}}
	if given.MessageExpiry != nil {
		seconds := uint64(*given.MessageExpiry)
		all.Expiry = &seconds
	}
	if given.ContentType != "" {
		all.ContentType = &given.ContentType
	}
	if given.ResponseTopic != "" {
		all.ResponseTopic = &given.ResponseTopic
	}
	if len(given.CorrelationData) > 0 {
		correlation := hex.EncodeToString(given.CorrelationData)
		all.Correlation = &correlation
	}
	for _, one := range given.User {
		all.User = append(all.User, []string{one.Key, one.Value})
	}
	return all
}

func sent(given *contract.Properties) (*paho.PublishProperties, error) {
	all := &paho.PublishProperties{}
	if given == nil {
		return all, nil
	}
	all.MessageExpiry = narrow[uint32](given.Expiry)
	if given.ContentType != nil {
		all.ContentType = *given.ContentType
	}
	if given.ResponseTopic != nil {
		all.ResponseTopic = *given.ResponseTopic
	}
	if given.Correlation != nil {
		var err error
		if all.CorrelationData, err = hex.DecodeString(*given.Correlation); err != nil {
			return nil, contract.Misfit("properties.correlation: " + err.Error())
		}
	}
	for _, pair := range given.User {
		if len(pair) != 2 {
			return nil, contract.Misfit("properties.user: a name and a value are expected")
		}
		all.User.Add(pair[0], pair[1])
	}
	return all, nil
}

// told sorts what the library says of a call: what it calls an argument is refused, else there is no connection.
func told(ctx context.Context, err error) error {
	switch {
	case err == nil || errors.Is(err, paho.ErrInvalidArguments):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return lost(err)
}

func (c *client5) subscribe(ctx context.Context, filters []contract.Subscription) ([]uint64, error) {
	asked := &paho.Subscribe{}
	for _, one := range filters {
		asked.Subscriptions = append(asked.Subscriptions, paho.SubscribeOptions{
			Topic:             one.Filter,
			QoS:               byte(one.Qos),
			NoLocal:           one.NoLocal,
			RetainAsPublished: one.RetainAsPublished,
			RetainHandling:    byte(one.RetainHandling),
		})
	}
	answer, err := c.Client.Subscribe(ctx, asked)
	if answer == nil {
		return nil, told(ctx, err)
	}
	reasons := []uint64{}
	for _, one := range answer.Reasons {
		reasons = append(reasons, uint64(one))
	}
	return reasons, nil
}

// unsubscribe waits for UNSUBACK, whatever its reasons are.
func (c *client5) unsubscribe(ctx context.Context, filters []string) error {
	answer, err := c.Client.Unsubscribe(ctx, &paho.Unsubscribe{Topics: filters})
	if answer != nil {
		return nil
	}
	return told(ctx, err)
}

func (c *client5) publish(ctx context.Context, payload []byte, params contract.PublishParams) (*uint64, error) {
	properties, err := sent(params.Properties)
	if err != nil {
		return nil, err
	}
	options := paho.PublishOptions{Method: paho.PublishMethod_Blocking}
	if !params.Wait {
		options.Method = paho.PublishMethod_AsyncSend
	}
	answer, err := c.PublishWithOptions(ctx, &paho.Publish{
		Topic: params.Topic, QoS: byte(params.Qos), Retain: params.Retain, Payload: payload, Properties: properties,
	}, options)
	switch {
	case answer != nil && params.Qos > 0:
		return number(answer.ReasonCode), nil
	case err != nil:
		return nil, told(ctx, err)
	}
	return nil, nil
}

func (c *client5) disconnect(ctx context.Context, withWill bool) error {
	asked := &paho.Disconnect{}
	if withWill {
		asked.ReasonCode = withWillReason
	}
	done := make(chan error, 1)
	go func() { done <- c.Client.Disconnect(asked) }() // it has no deadline
	select {
	case err := <-done:
		c.end()
		return told(ctx, err)
	case <-ctx.Done():
		c.leave()
		return ctx.Err()
	}
}

func (c *client5) leave() { _ = c.conn.Close() }

func (c *client5) connected() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

func (c *client5) reason() *uint64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.last
}
