package main

import (
	"bytes"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"zerobuffer"
	"zerobuffer/internal/recipe"
	"zerobuffer/internal/rpc"
)

// How long a handler in the middle of its work may go on when its server is closed; one that would take for ever is cut
// short. The end of the driver is less patient.
const (
	handlerPatience = 2 * time.Second
	leavingPatience = 200 * time.Millisecond
)

// station is a duplex server and what its handler has met.
type station struct {
	*zerobuffer.Server
	leaves   <-chan struct{} // closed when the driver ends
	ending   chan struct{}   // closed when patience with the handler has ended
	once     sync.Once
	requests atomic.Int64
	refused  atomic.Int64 // attempts to change a request that failed
}

func (s *station) handler(kind string, delay time.Duration) zerobuffer.Handler {
	return func(request *zerobuffer.Frame) ([]byte, error) {
		if delay > 0 {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-s.ending:
			}
		}
		data, err := request.Data()
		if err != nil {
			return nil, err
		}
		number := s.requests.Add(1)
		switch kind {
		case "faulty":
			if number%2 == 1 {
				return nil, errors.New("faulty")
			}
		case "double":
			return bytes.Repeat(data, 2), nil
		case "xor":
			if refuses(data) {
				s.refused.Add(1)
			}
			content := bytes.Clone(data)
			for i := range content {
				content[i] ^= 0xff
			}
			return content, nil
		}
		return bytes.Clone(data), nil
	}
}

// refuses tries to change memory and says whether the hardware refused it.
func refuses(memory []byte) (refused bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { refused = recover() != nil }()
	memory[0] = 0
	return false
}

// Close ends the server.
func (s *station) Close() error {
	closed := make(chan struct{})
	defer close(closed)
	go func() {
		patience := time.NewTimer(handlerPatience)
		defer patience.Stop()
		select {
		case <-closed:
		case <-s.leaves:
			select {
			case <-closed:
			case <-time.After(leavingPatience):
			}
		case <-patience.C:
		}
		s.once.Do(func() { close(s.ending) })
	}()
	return s.Server.Close()
}

func serve(d *desk, p createParams) (int, error) {
	return opened(d, func() (*station, error) {
		config := zerobuffer.Config{MetadataSize: p.Metadata, PayloadSize: p.Payload}
		server, err := zerobuffer.NewServer(p.Name, config)
		return &station{Server: server, leaves: d.leaves, ending: make(chan struct{})}, err
	})
}

func handle(d *desk, p handlerParams) (nothing, error) {
	server, err := find[*station](d, p.Handle)
	if err != nil {
		return nil, err
	}
	switch p.Handler {
	case "echo", "double", "xor", "faulty":
		return nil, server.Start(server.handler(p.Handler, p.Delay.duration()))
	}
	return nil, rpc.Errorf(rpc.InvalidParams,
		"Invalid params: \"handler\" must be one of echo, double, xor and faulty, not %q", p.Handler)
}

type serviceInfo struct {
	Requests       int64 `json:"requests"`
	RefusedChanges int64 `json:"refused_changes"`
}

func service(d *desk, p handleParams) (serviceInfo, error) {
	server, err := find[*station](d, p.Handle)
	if err != nil {
		return serviceInfo{}, err
	}
	return serviceInfo{server.requests.Load(), server.refused.Load()}, nil
}

func dial(d *desk, p createParams) (int, error) {
	return opened(d, func() (*zerobuffer.Client, error) {
		config := zerobuffer.Config{MetadataSize: p.Metadata, PayloadSize: p.Payload}
		return zerobuffer.Dial(p.Name, config, p.Timeout.duration())
	})
}

func send(d *desk, p sendParams) (nothing, error) {
	client, err := find[*zerobuffer.Client](d, p.Handle)
	if err != nil {
		return nil, err
	}
	content := p.Payload.Content(0)
	if !p.InPlace {
		_, err = client.Send(content, p.Timeout.duration())
		return nil, err
	}
	slot, err := client.Acquire(len(content), p.Timeout.duration())
	if err != nil {
		return nil, err
	}
	copy(slot.Data(), content)
	_, err = slot.Commit()
	return nil, err
}

func receive(d *desk, p handleParams) (blob, error) {
	client, err := find[*zerobuffer.Client](d, p.Handle)
	if err != nil {
		return blob{}, err
	}
	frame, err := client.Receive(p.Timeout.duration())
	if err != nil {
		return blob{}, err
	}
	defer frame.Release()
	data, err := frame.Data()
	return blob{len(data), recipe.Digest(data)}, err
}

func ping(d *desk, p pingParams) ([]float64, error) {
	client, err := find[*zerobuffer.Client](d, p.Handle)
	if err != nil {
		return nil, err
	}
	timer, content := newClock(p.Timeout), p.Payload.Content(0)
	trips := make([]float64, 0, max(0, p.Count))
	for range p.Count {
		begin := time.Now()
		if _, err := client.Send(content, timer.left()); err != nil {
			return nil, err
		}
		frame, err := client.Receive(timer.left())
		if err != nil {
			return nil, err
		}
		frame.Release()
		trips = append(trips, time.Since(begin).Seconds())
	}
	return trips, nil
}
