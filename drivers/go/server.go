package zerobuffer

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Handler answers one request with at least one byte. The frame is released when it returns.
type Handler func(request *Frame) ([]byte, error)

// Server answers the requests of a duplex channel, one after the other. A client that dies is noticed and forgotten; the
// server goes on and serves the next one. A handler that fails breaks the order on which the channel rests: that
// client's channel is closed, so that it gets WriterDead instead of somebody else's answer.
type Server struct {
	name     string
	requests *Reader
	stopping atomic.Bool
	closed   atomic.Bool

	mutex     sync.Mutex
	done      chan struct{} // nil until Start; closed when serving has ended
	lastError error

	responses *Writer // only the serving goroutine uses it
}

// NewServer creates a channel. It answers nothing before Start.
func NewServer(name string, config Config) (*Server, error) {
	requests, err := NewReader(requestBuffer(name), config)
	if err != nil {
		return nil, err
	}
	s := &Server{name: name, requests: requests}
	requests.cancel = &s.stopping
	return s, nil
}

// Start serves in a goroutine of its own until Close.
func (s *Server) Start(handler Handler) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed.Load() {
		return closed("server")
	}
	if s.done != nil {
		return busy(s.name, "the server has been started already")
	}
	s.done = make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		defer s.dropClient()
		s.serve(handler)
	}(s.done)
	return nil
}

// LastError returns why a client got no response, or why serving ended.
func (s *Server) LastError() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.lastError
}

func (s *Server) failed(err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lastError = err
}

func (s *Server) serve(handler Handler) {
	for !s.stopping.Load() {
		request, err := s.requests.Read(Forever)
		switch {
		case err == nil:
			s.answer(handler, request)
			request.Release()
		case errors.Is(err, WriterDead):
			s.dropClient()
			time.Sleep(duplexPoll) // there is no event for a client that comes
		case errors.Is(err, errCancelled), errors.Is(err, Closed):
			return
		default:
			// The request buffer itself is broken: nothing that follows in it can be trusted.
			s.failed(err)
			return
		}
	}
}

func (s *Server) answer(handler Handler, request *Frame) {
	if request.Sequence() == 1 {
		s.dropClient()
	}
	response, err := called(handler, request)
	if err == nil && len(response) == 0 {
		err = errors.New("a handler must return at least one byte: the protocol has no empty frames")
	}
	if err == nil {
		err = s.respond(response, request)
	}
	switch {
	case err == nil:
	case errors.Is(err, ReaderDead), errors.Is(err, NotFound), errors.Is(err, errCancelled):
		s.dropClient()
	default:
		s.failed(err)
		s.refuseClient()
	}
}

func called(handler Handler, request *Frame) (response []byte, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("the handler panicked: %v", panicked)
		}
	}()
	return handler(request)
}

// respond writes a response to the client that asked, never to the next one that came while the handler worked.
func (s *Server) respond(response []byte, request *Frame) error {
	if s.responses == nil {
		writer, err := s.connect(dialPatience)
		if err != nil {
			return err
		}
		s.responses = writer
	}
	asked := s.requests.writer.stream
	if asked != connectionNow(s.requests.segment) || asked.pid != s.responses.segment.ring.block.readerPID.Load() {
		return fail(ReaderDead, Details{"name": s.name, "sequence": request.Sequence()},
			"the client of channel %q left before response %d", s.name, request.Sequence())
	}
	_, err := s.responses.Write(response, Forever)
	return err
}

func (s *Server) connect(patience time.Duration) (*Writer, error) {
	for begin := time.Now(); ; {
		writer, err := Connect(responseBuffer(s.name), duplexPoll)
		if err == nil {
			writer.cancel = &s.stopping
			return writer, nil
		}
		if !errors.Is(err, NotFound) || s.stopping.Load() || time.Since(begin) >= patience {
			return nil, err
		}
	}
}

// refuseClient lets the client see a writer that came and went, not one that never came: it stays for several of the
// looks that a waiting client takes.
func (s *Server) refuseClient() {
	if s.responses == nil {
		s.responses, _ = s.connect(0)
		time.Sleep(refusal)
	}
	s.dropClient()
}

func (s *Server) dropClient() {
	if s.responses != nil {
		_ = s.responses.Close()
		s.responses = nil
	}
}

// Close finishes the request at hand and removes the channel. A client that still waits gets an error at once.
func (s *Server) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.stopping.Store(true)
	s.mutex.Lock()
	done := s.done
	s.mutex.Unlock()
	var late error
	if done != nil {
		timer := time.NewTimer(stopPatience)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
			late = fail(Timeout, Details{"name": s.name, "seconds": stopPatience.Seconds()},
				"the handler of channel %q did not return within %v", s.name, stopPatience)
		}
	}
	return errors.Join(s.requests.Close(), late)
}
