package main

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"time"

	"zerobuffer"
	"zerobuffer/internal/points"
	"zerobuffer/internal/rpc"
)

// The verbs by which a driver says what it is and what it is doing.

const contractVersion = "1.0"

type structure struct {
	Size   uintptr               `json:"size"`
	Fields map[string][2]uintptr `json:"fields"`
}

type identity struct {
	Protocol       string               `json:"protocol"`
	Language       string               `json:"language"`
	Implementation string               `json:"implementation"`
	Version        string               `json:"version"`
	PID            int                  `json:"pid"`
	Capabilities   []string             `json:"capabilities"`
	Layout         map[string]structure `json:"layout"`
}

func hello(_ *handles, _ timeoutParams) (identity, error) {
	layout := map[string]structure{}
	for name, seen := range zerobuffer.Layout() {
		layout[name] = structure(seen)
	}
	return identity{
		Protocol:       contractVersion,
		Language:       "go",
		Implementation: "zerobuffer-go",
		Version:        zerobuffer.Version,
		PID:            os.Getpid(),
		Capabilities:   []string{"duplex", "linux", "points"},
		Layout:         layout,
	}, nil
}

func health(_ *handles, _ timeoutParams) (bool, error) { return true, nil }

type requestUnderWay struct {
	ID      json.RawMessage `json:"id"`
	Verb    string          `json:"verb"`
	Seconds float64         `json:"seconds"`
}

type threadStack struct {
	Name  string `json:"name"`
	Stack string `json:"stack"`
}

type activity struct {
	Requests []requestUnderWay `json:"requests"`
	Threads  []threadStack     `json:"threads"`
}

// dump tells what is under way beside itself, and where every goroutine stands.
func dump(_ *handles, call *rpc.Call) (any, error) {
	var params timeoutParams
	if err := fromCall(call, &params); err != nil {
		return nil, err
	}
	seen := activity{Requests: []requestUnderWay{}, Threads: goroutines()}
	for _, other := range call.Others() {
		if len(other.ID) > 0 {
			seen.Requests = append(seen.Requests, requestUnderWay{other.ID, other.Method, time.Since(other.Began).Seconds()})
		}
	}
	return seen, nil
}

const mostStackBytes = 8 << 20

func goroutines() []threadStack {
	text := make([]byte, 64<<10)
	count := runtime.Stack(text, true)
	for count == len(text) && len(text) < mostStackBytes {
		text = make([]byte, 2*len(text))
		count = runtime.Stack(text, true)
	}
	var stacks []threadStack
	for _, one := range strings.Split(strings.TrimSpace(string(text[:count])), "\n\n") {
		name, stack, _ := strings.Cut(one, "\n")
		stacks = append(stacks, threadStack{strings.TrimSuffix(name, ":"), stack})
	}
	return stacks
}

// arm has this process die or halt inside an operation.
func arm(_ *handles, p armParams) (nothing, error) {
	if p.Then != points.Die && p.Then != points.Halt {
		return nil, rpc.Errorf(rpc.InvalidParams, "Invalid params: \"then\" must be die or halt, not %q", p.Then)
	}
	if err := points.Arm(p.Point, p.Passage, p.Then); err != nil {
		return nil, rpc.Errorf(rpc.InvalidParams, "Invalid params: \"point\": %v", err)
	}
	return nil, nil
}
