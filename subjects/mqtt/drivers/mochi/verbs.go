package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"

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

// CloseAll ends the broker: the driver ends.
func (v *Verbs) CloseAll() error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.end()
}

func (v *Verbs) end() error {
	server := v.server
	v.server = nil
	if server == nil {
		return nil
	}
	return server.Close()
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
func (v *Verbs) Stop(StopParams) (any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.server == nil {
		return nil, &Refused{Code: CodeInvalid, Message: "this process does not serve: serve first"}
	}
	return nil, v.end()
}

// Connect is of clients.
func (v *Verbs) Connect(ConnectParams) (any, error) {
	return nil, errNotImplemented
}

// Subscribe is of clients.
func (v *Verbs) Subscribe(SubscribeParams) (any, error) {
	return nil, errNotImplemented
}

// Unsubscribe is of clients.
func (v *Verbs) Unsubscribe(UnsubscribeParams) (any, error) {
	return nil, errNotImplemented
}

// Publish is of clients.
func (v *Verbs) Publish(PublishParams) (any, error) {
	return nil, errNotImplemented
}

// Receive is of clients.
func (v *Verbs) Receive(ReceiveParams) (any, error) {
	return nil, errNotImplemented
}

// Disconnect is of clients.
func (v *Verbs) Disconnect(DisconnectParams) (any, error) {
	return nil, errNotImplemented
}

// State is of clients.
func (v *Verbs) State(StateParams) (any, error) {
	return nil, errNotImplemented
}
