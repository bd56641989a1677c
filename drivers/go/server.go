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
// server goes on and serves the next one. A handler that fails costs its client a HandlerError instead of an answer. A
// foreign client would not know that from an answer: its channel is closed, so that it gets WriterDead.
type Server struct {
	name     string
	requests *Reader
	options  []Option
	closed   atomic.Bool

	mutex     sync.Mutex
	done      chan struct{} // nil until Start; closed when serving has ended
	lastError error

	// Only the serving goroutine uses these.
	client    connection // that is served; gone for none
	responses *Writer
}

// NewServer creates a channel. It answers nothing before Start, and a client of another user only with the option AnyOwner.
func NewServer(name string, config Config, options ...Option) (*Server, error) {
	requests, err := NewReader(requestBuffer(name), config)
	if err != nil {
		return nil, err
	}
	s := &Server{name: name, requests: requests, options: options}
	requests.cancel = &s.closed
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
	for !s.closed.Load() {
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
		s.client = s.requests.writer.author
	}
	response, err := called(handler, request)
	failed := err != nil
	if !failed {
		err = s.respond(response, request)
		failed = err != nil && !hasLeft(err)
	}
	if failed {
		s.failed(err)
		err = s.tell(err, request)
	}
	if hasLeft(err) {
		s.dropClient()
	} else if err != nil {
		s.refuseClient()
	}
}

func hasLeft(err error) bool {
	return errors.Is(err, ReaderDead) || errors.Is(err, NotFound) || errors.Is(err, errCancelled)
}

func called(handler Handler, request *Frame) (response []byte, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("the handler panicked: %v", panicked)
		}
	}()
	return handler(request)
}

func (s *Server) respond(response []byte, request *Frame) error {
	if err := s.meet(request); err != nil {
		return err
	}
	_, err := s.responses.Write(response, Forever)
	return err
}

// tell sends a client of ours the failure instead of a response.
func (s *Server) tell(failure error, request *Frame) error {
	if err := s.meet(request); err != nil {
		return err
	}
	ring := s.responses.segment.ring
	if ring.block.ours.released.Load() == 0 {
		s.refuseClient()
		return nil
	}
	text := failureMark + failure.Error()
	return s.respond([]byte(text[:min(uint64(len(text)), alwaysFits(ring.size()))]), request)
}

// meet connects to the client that asked, never to the next one that came while the handler worked.
func (s *Server) meet(request *Frame) (err error) {
	if s.responses == nil && s.client != gone {
		if s.responses, err = s.connect(); err != nil {
			return err
		}
	}
	if s.client != connectionNow(s.requests.segment) || s.client.pid != s.responses.segment.ring.block.readerPID.Load() {
		return fail(ReaderDead, Details{"name": s.name, "sequence": request.Sequence()},
			"the client of channel %q left before response %d", s.name, request.Sequence())
	}
	return nil
}

func (s *Server) connect() (*Writer, error) {
	for begin := time.Now(); ; {
		writer, err := Connect(responseBuffer(s.name), duplexPoll, s.options...)
		if err == nil {
			writer.cancel = &s.closed
			return writer, nil
		}
		if !errors.Is(err, NotFound) || s.closed.Load() || time.Since(begin) >= dialPatience {
			return nil, err
		}
	}
}

// refuseClient leaves a client that does not know what an error is. One that got nothing before finds metadata: without a
// trace, a writer that came and went looks like one that never came. Where there is no room for it, the server stays for
// several of the looks that a waiting client takes.
func (s *Server) refuseClient() {
	if s.responses != nil && s.responses.NextSequence() == 1 &&
		errors.Is(s.responses.SetMetadata([]byte(refusalText)), MetadataTooLarge) {
		time.Sleep(refusal)
	}
	s.dropClient()
}

func (s *Server) dropClient() {
	s.client = gone
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
