package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"contract"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/hooks/storage/badger"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// Verbs are those of mochi as a broker; it is no client.
type Verbs struct {
	contract.Unimplemented

	mutex  sync.Mutex
	server *mqtt.Server
}

func main() { contract.Main("mochi", []string{"durable", "qos2", "v5"}, &Verbs{}) }

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

// Reset ends the broker.
func (v *Verbs) Reset(params contract.ResetParams) (any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.server == nil {
		return nil, nil
	}
	return nil, v.end(params.Timeout)
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
		return &contract.Refused{Code: contract.CodeInvalid, Message: "mochi has not closed all clients in time"}
	}
}

// Serve starts the broker with its defaults, and whoever comes may do all. It listens once its listener is added. A
// durable one has its store in Badger, which by its documentation needs no last word of its process.
func (v *Verbs) Serve(params contract.ServeParams) (any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.server != nil {
		return nil, &contract.Refused{Code: contract.CodeInvalid, Message: "this process serves already: stop it first"}
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server := mqtt.New(&mqtt.Options{Logger: logger})
	if err := prepare(server, params); err != nil {
		_ = server.Close()
		return nil, &contract.Refused{Code: contract.CodeInvalid, Message: fmt.Sprintf("mochi does not serve: %v", err)}
	}
	v.server = server
	return nil, nil
}

func prepare(server *mqtt.Server, params contract.ServeParams) error {
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
func (v *Verbs) Stop(params contract.StopParams) (any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.server == nil {
		return nil, &contract.Refused{Code: contract.CodeInvalid, Message: "this process does not serve: serve first"}
	}
	return nil, v.end(params.Timeout)
}
