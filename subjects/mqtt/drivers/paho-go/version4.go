package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"contract"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// client4 is a client of paho.mqtt.golang, which speaks 3.1.1.
type client4 struct {
	mqtt.Client
	conn net.Conn
	lost chan struct{}
}

// From here on a code is the library's own: there was no CONNACK.
const networkError = 0xfe

func connect4(ctx context.Context, params contract.ConnectParams, messages *inbox) (client, *contract.Connected, error) {
	if params.SessionExpiry != nil || params.ReceiveMaximum != nil || params.Will != nil && params.Will.Delay != nil {
		return nil, nil, invalid("session_expiry, receive_maximum, will.delay: version 3.1.1 has no such thing")
	}
	made := &client4{lost: make(chan struct{})}
	lose := sync.OnceFunc(func() { close(made.lost) })
	deadline, _ := ctx.Deadline()
	options := mqtt.NewClientOptions().
		AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", params.Port)).
		SetProtocolVersion(4).
		SetClientID(params.ClientId).
		SetCleanSession(params.Clean).
		SetKeepAlive(time.Duration(params.KeepAlive) * time.Second).
		SetConnectTimeout(time.Until(deadline)).
		SetAutoReconnect(false).
		SetConnectionLostHandler(func(mqtt.Client, error) { lose() }).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			messages.put(newMessage(
				m.Topic(), m.Payload(), m.Qos(), m.Retained(), m.Duplicate(), contract.Properties{User: [][]string{}}))
		}).
		SetCustomOpenConnectionFn(func(uri *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
			var err error
			made.conn, err = new(net.Dialer).DialContext(ctx, "tcp", uri.Host)
			return made.conn, err
		})
	if will := params.Will; will != nil {
		payload, err := hex.DecodeString(will.Payload)
		if err != nil {
			return nil, nil, contract.Misfit("will.payload: " + err.Error())
		}
		options.SetBinaryWill(will.Topic, payload, byte(will.Qos), will.Retain)
	}
	made.Client = mqtt.NewClient(options)
	token := made.Connect().(*mqtt.ConnectToken)
	err := made.wait(ctx, token)
	code := token.ReturnCode()
	if code != 0 && code < networkError {
		return nil, &contract.Connected{SessionPresent: token.SessionPresent(), Reason: uint64(code)}, nil
	}
	if err != nil {
		made.leave()
		return nil, nil, lost(err)
	}
	return made, &contract.Connected{SessionPresent: token.SessionPresent()}, nil
}

// wait returns what became of a token. Without the other channel some would never end: they wait for a new connection.
func (c *client4) wait(ctx context.Context, token mqtt.Token) error {
	select {
	case <-token.Done():
	case <-c.lost:
		return errLost
	case <-ctx.Done():
		return ctx.Err()
	}
	err := token.Error()
	if err != nil && !c.IsConnectionOpen() {
		return lost(err)
	}
	return err
}

// subscribe sends one packet, in which the library puts the filters in any order.
func (c *client4) subscribe(ctx context.Context, filters []contract.Subscription) ([]uint64, error) {
	asked := map[string]byte{}
	for _, one := range filters {
		if one.NoLocal || one.RetainAsPublished || one.RetainHandling != 0 {
			return nil, invalid("filters: version 3.1.1 has no options beside the quality of service")
		}
		if _, twice := asked[one.Filter]; twice {
			return nil, invalid("paho.mqtt.golang has no filter twice in one packet")
		}
		asked[one.Filter] = byte(one.Qos)
	}
	token := c.SubscribeMultiple(asked, nil).(*mqtt.SubscribeToken)
	if err := c.wait(ctx, token); err != nil {
		return nil, err
	}
	reasons := []uint64{}
	for _, one := range filters {
		reasons = append(reasons, uint64(token.Result()[one.Filter]))
	}
	return reasons, nil
}

func (c *client4) unsubscribe(ctx context.Context, filters []string) error {
	return c.wait(ctx, c.Unsubscribe(filters...))
}

func (c *client4) publish(ctx context.Context, payload []byte, params contract.PublishParams) (*uint64, error) {
	if given := params.Properties; given != nil && !isEmpty(*given) {
		return nil, invalid("properties: version 3.1.1 has none")
	}
	taken := make(chan mqtt.Token, 1)
	go func() { taken <- c.Client.Publish(params.Topic, byte(params.Qos), params.Retain, payload) }() // it may block
	select {
	case token := <-taken:
		if params.Wait {
			return nil, c.wait(ctx, token)
		}
		return nil, nil
	case <-c.lost:
		return nil, errLost
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func isEmpty(given contract.Properties) bool {
	nothing := given.Expiry == nil && given.ContentType == nil && given.ResponseTopic == nil
	return nothing && given.Correlation == nil && len(given.User) == 0
}

func (c *client4) disconnect(ctx context.Context, withWill bool) error {
	if withWill {
		return invalid("with_will: version 3.1.1 has no such thing")
	}
	deadline, _ := ctx.Deadline()
	c.Disconnect(uint(time.Until(deadline).Milliseconds()))
	c.leave() // the library has closed it, but for what it could not send in time
	return ctx.Err()
}

func (c *client4) leave() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

func (c *client4) connected() bool { return c.IsConnectionOpen() }

// reason is of version 5.
func (c *client4) reason() *uint64 { return nil }
