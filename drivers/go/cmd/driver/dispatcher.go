package main

import (
	"errors"

	"zerobuffer"
	"zerobuffer/internal/rpc"
)

// driverError is the code of every error that the library names; the name stands in the data.
const driverError = -32000

// verb performs a call of the contract.
type verb func(h *handles, call *rpc.Call) (any, error)

var verbs = map[string]verb{
	"hello":          typed(hello),
	"health":         typed(health),
	"dump":           dump,
	"arm":            typed(arm),
	"create":         typed(create),
	"connect":        typed(connect),
	"close":          typed(closeHandle),
	"write":          typed(write),
	"fill":           typed(fill),
	"acquire":        typed(acquire),
	"put":            typed(put),
	"commit":         typed(commit),
	"abandon":        typed(abandon),
	"read":           typed(read),
	"read_many":      typed(readMany),
	"relay":          typed(relay),
	"peek":           typed(peek),
	"release":        typed(release),
	"write_metadata": typed(writeMetadata),
	"read_metadata":  typed(readMetadata),
	"serve":          typed(serve),
	"handle":         typed(handle),
	"service":        typed(service),
	"dial":           typed(dial),
	"send":           typed(send),
	"receive":        typed(receive),
	"ping":           typed(ping),
}

// typed makes a verb of a function with a struct of parameters, all of which must be given. Others do not matter.
func typed[P, R any](work func(h *handles, params P) (R, error)) verb {
	return func(h *handles, call *rpc.Call) (any, error) {
		var params P
		if err := fromCall(call, &params); err != nil {
			return nil, err
		}
		return work(h, params)
	}
}

// dispatcher has each call performed by its verb.
type dispatcher struct{ handles *handles }

func (d dispatcher) perform(call *rpc.Call) (any, error) {
	work, known := verbs[call.Method]
	if !known {
		return nil, rpc.Errorf(rpc.MethodNotFound, "there is no verb %q", call.Method)
	}
	result, err := work(d.handles, call)
	if err != nil {
		return nil, translated(err)
	}
	return result, nil
}

// translated makes the answer of a failed verb.
func translated(err error) error {
	var known *zerobuffer.Error
	if errors.Is(err, zerobuffer.ErrConfig) {
		return rpc.Errorf(rpc.InvalidParams, "Invalid params: %v", err)
	}
	if !errors.As(err, &known) {
		return err
	}
	details := known.Details
	if details == nil {
		details = zerobuffer.Details{}
	}
	return &rpc.Error{Code: driverError, Message: err.Error(), Data: map[string]any{"code": known.Code, "details": details}}
}
