package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/hooks/storage/badger"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// Verbs are those of mochi as a broker; it is no client.
type Verbs struct {
	mutex  sync.Mutex
	server *mqtt.Server
}

var capabilities = []string{"durable", "qos2", "v5"}

const lastSeconds = 0.5

// CloseAll ends the broker: the driver ends, and with it what cannot be closed in time.
func (v *Verbs) CloseAll() error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.server != nil {
		_ = v.end(lastSeconds)
	}
	return nil
}

// end closes the broker, which may wait for a client that takes nothing.
func (v *Verbs) end(timeout float64) error {
	server := v.server
	v.server = nil
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(time.Duration(timeout * float64(time.Second))):
		return &Refused{Code: CodeInvalid, Message: "mochi has not closed all clients in time"}
	}
}

// Serve starts the broker with its defaults, and whoever comes may do all. It listens once its listener is added. A
// durable one has its store in Badger, which by its documentation needs no last word of its process.
func (v *Verbs) Serve(params ServeParams) (any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.server != nil {
		return nil, &Refused{Code: CodeInvalid, Message: "this process serves already: stop it first"}
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server := mqtt.New(&mqtt.Options{Logger: logger})
	if err := prepare(server, params); err != nil {
		_ = server.Close()
		return nil, &Refused{Code: CodeInvalid, Message: fmt.Sprintf("mochi does not serve: %v", err)}
	}
	v.server = server
	return nil, nil
}

func prepare(server *mqtt.Server, params ServeParams) error {
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return err
	}
	if params.Durable {
		if err := server.AddHook(new(badger.Hook), &badger.Options{Path: params.Directory}); err != nil {
			return err
		}
	}
	address := fmt.Sprintf("127.0.0.1:%d", params.Port)
	if err := server.AddListener(listeners.NewTCP(listeners.Config{ID: "tcp", Address: address})); err != nil {
		return err
	}
	return server.Serve()
}

// Stop closes the listener, the clients and the store.
func (v *Verbs) Stop(params StopParams) (any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.server == nil {
		return nil, &Refused{Code: CodeInvalid, Message: "this process does not serve: serve first"}
	}
	return nil, v.end(params.Timeout)
}

// Connect: Connect a new client and wait for CONNACK; one that was there is gone. It never connects
// again by itself. Result: {session_present: flag, reason: natural}.
func (v *Verbs) Connect(params ConnectParams) (any, error) {
	return nil, errNotImplemented
}

// Subscribe: Subscribe in one packet; returns the reason of each filter, as SUBACK has it. Result:
// [natural, …].
func (v *Verbs) Subscribe(params SubscribeParams) (any, error) {
	return nil, errNotImplemented
}

// Unsubscribe: Unsubscribe in one packet, and wait for UNSUBACK. Result: null.
func (v *Verbs) Unsubscribe(params UnsubscribeParams) (any, error) {
	return nil, errNotImplemented
}

// Publish: Publish the payload, so many times one after the other in a single message. Result:
// natural or null.
func (v *Verbs) Publish(params PublishParams) (any, error) {
	return nil, errNotImplemented
}

// Receive: Take `count` messages of those that have arrived, in their order, once they are there;
// what is more stays. Result: [{topic: text, size: natural, head: text, sha256: text, qos: natural,
// retain: flag, dup: flag or null, properties: {expiry: natural or null, content_type: text or
// null, response_topic: text or null, correlation: text or null, user: [[text, …], …]}}, …].
func (v *Verbs) Receive(params ReceiveParams) (any, error) {
	return nil, errNotImplemented
}

// Disconnect: Send DISCONNECT and close; in version 5 with reason 4 where the will shall be
// published. Result: null.
func (v *Verbs) Disconnect(params DisconnectParams) (any, error) {
	return nil, errNotImplemented
}

// State: Return whether the client is connected, as its library says. Result: {connected: flag,
// reason: natural or null}.
func (v *Verbs) State(params StateParams) (any, error) {
	return nil, errNotImplemented
}

// Dial: Connect to a port without a word, and answer nothing but by `say` from now on. Capability
// `raw`. Result: null.
func (v *Verbs) Dial(params DialParams) (any, error) {
	return nil, errNotImplemented
}

// Say: Send bytes as they are: to the broker, or as a broker to the client that has connected last.
// Capability `raw`. Result: null.
func (v *Verbs) Say(params SayParams) (any, error) {
	return nil, errNotImplemented
}

// Hear: Return the next packet of one of these kinds, and forget those before it; `lost` if none
// comes. Capability `raw`. Result: {kind: text, packet_id: natural, reason: natural, qos: natural,
// dup: flag, retain: flag, topic: text, line: text, numbers: any}.
func (v *Verbs) Hear(params HearParams) (any, error) {
	return nil, errNotImplemented
}

// HearEnd: Return whether the other side ends the connection in time. Capability `raw`. Result:
// flag.
func (v *Verbs) HearEnd(params HearEndParams) (any, error) {
	return nil, errNotImplemented
}
