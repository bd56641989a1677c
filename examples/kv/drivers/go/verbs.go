package main

import (
	"fmt"
	"strings"

	"driver/contract"
)

// Verbs is a driver of KeyValue, by the implementation in kv.go.
type Verbs struct {
	contract.Unimplemented

	port    int64
	client  *client
	watcher *client
}

func main() { contract.Main("go", []string{}, &Verbs{}) }

// CloseAll releases what outlives the process: nothing.
func (v *Verbs) CloseAll() error { return nil }

// Listen starts a server.
func (v *Verbs) Listen(params contract.ListenParams) (any, error) {
	return serve()
}

// Connect connects to one.
func (v *Verbs) Connect(params contract.ConnectParams) (any, error) {
	connection, err := dial(params.Port)
	v.port, v.client = params.Port, connection
	return nil, refusing(err)
}

// Set has a value kept.
func (v *Verbs) Set(params contract.SetParams) (any, error) {
	_, err := v.client.ask("SET " + params.Key + " " + params.Value)
	return nil, refusing(err)
}

// Get returns a value, or nil.
func (v *Verbs) Get(params contract.GetParams) (any, error) {
	return value(v.client.ask("GET " + params.Key))
}

// Delete has a key forgotten.
func (v *Verbs) Delete(params contract.DeleteParams) (any, error) {
	_, err := v.client.ask("DEL " + params.Key)
	return nil, refusing(err)
}

// Expire has a key forgotten after a time.
func (v *Verbs) Expire(params contract.ExpireParams) (any, error) {
	answer, err := v.client.ask(fmt.Sprintf("EXPIRE %s %d", params.Key, params.Milliseconds))
	if answer == "NONE" {
		return nil, &contract.Refused{Code: contract.CodeMissing, Message: "there is no " + params.Key + " that could expire"}
	}
	return nil, refusing(err)
}

// Watch begins to hear of changes, over a connection of its own.
func (v *Verbs) Watch(params contract.WatchParams) (any, error) {
	watcher, err := dial(v.port)
	if err == nil {
		_, err = watcher.ask("WATCH " + params.Key)
	}
	v.watcher = watcher
	return nil, refusing(err)
}

// Change returns the next one.
func (v *Verbs) Change(params contract.ChangeParams) (any, error) {
	return value(v.watcher.line())
}

func value(answer string, err error) (any, error) {
	if value, found := strings.CutPrefix(answer, "VALUE "); found {
		return value, nil
	}
	return nil, refusing(err)
}

// refusing says in a code of the contract what the implementation says in its own way.
func refusing(err error) error {
	if err != nil {
		return &contract.Refused{Code: contract.CodeGone, Message: err.Error()}
	}
	return nil
}
