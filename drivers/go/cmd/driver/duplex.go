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
	endingPatience  = 200 * time.Millisecond
)

// duplexServer is a server and what its handler has met.
type duplexServer struct {
	*zerobuffer.Server
	ending   <-chan struct{} // closed when the driver ends
	cutShort chan struct{}   // closed when patience with the handler has ended
	once     sync.Once
	requests atomic.Int64
	refused  atomic.Int64 // attempts to change a request that failed
}

func (s *duplexServer) handler(kind string, delay time.Duration) zerobuffer.Handler {
	return func(request *zerobuffer.Frame) ([]byte, error) {
		if delay > 0 {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-s.cutShort:
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
func (s *duplexServer) Close() error {
	closed := make(chan struct{})
	defer close(closed)
	go func() {
		patience := time.NewTimer(handlerPatience)
		defer patience.Stop()
		select {
		case <-closed:
		case <-s.ending:
			select {
			case <-closed:
			case <-time.After(endingPatience):
			}
		case <-patience.C:
		}
		s.once.Do(func() { close(s.cutShort) })
	}()
	return s.Server.Close()
}

func serve(h *handles, p createParams) (int, error) {
	return opened(h, func() (*duplexServer, error) {
		config := zerobuffer.Config{MetadataSize: p.Metadata, PayloadSize: p.Payload}
		server, err := zerobuffer.NewServer(p.Name, config)
		return &duplexServer{Server: server, ending: h.ending, cutShort: make(chan struct{})}, err
	})
}

func handle(h *handles, p handlerParams) (nothing, error) {
	server, err := find[*duplexServer](h, p.Handle)
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

func service(h *handles, p handleParams) (serviceInfo, error) {
	server, err := find[*duplexServer](h, p.Handle)
	if err != nil {
		return serviceInfo{}, err
	}
	return serviceInfo{server.requests.Load(), server.refused.Load()}, nil
}

func dial(h *handles, p createParams) (int, error) {
	return opened(h, func() (*zerobuffer.Client, error) {
		config := zerobuffer.Config{MetadataSize: p.Metadata, PayloadSize: p.Payload}
		return zerobuffer.Dial(p.Name, config, p.Timeout.duration())
	})
}

func send(h *handles, p sendParams) (nothing, error) {
	client, err := find[*zerobuffer.Client](h, p.Handle)
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

func receive(h *handles, p handleParams) (blob, error) {
	client, err := find[*zerobuffer.Client](h, p.Handle)
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

func ping(h *handles, p pingParams) ([]float64, error) {
	client, err := find[*zerobuffer.Client](h, p.Handle)
	if err != nil {
		return nil, err
	}
	timer, content := newClock(p.Timeout), p.Payload.Content(0)
	trips := make([]float64, 0, max(0, p.Count))
	for range p.Count {
		begin := time.Now()
		if _, err := client.Send(content, timer.left()); err != nil {
			return nil, timer.ended(err, len(trips), "answers")
		}
		frame, err := client.Receive(timer.left())
		if err != nil {
			return nil, timer.ended(err, len(trips), "answers")
		}
		frame.Release()
		trips = append(trips, time.Since(begin).Seconds())
	}
	return trips, nil
}
