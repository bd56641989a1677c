package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// Codes of JSON-RPC.
const (
	ParseError     = -32700
	InvalidRequest = -32600
	MethodNotFound = -32601
	InvalidParams  = -32602
	InternalError  = -32603
)

// Error is an answer that reports a failed call.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Errorf makes an error of JSON-RPC.
func Errorf(code int, format string, values ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, values...)}
}

// Call is one request that wants to be performed.
type Call struct {
	ID     json.RawMessage // nil for a notification
	Method string
	Params json.RawMessage // one object
	Began  time.Time

	server *Server
}

// Others returns the calls beside this one that are not answered yet, the oldest first.
func (c *Call) Others() []*Call {
	c.server.mutex.Lock()
	defer c.server.mutex.Unlock()
	var calls []*Call
	for call := range c.server.underWay {
		if call != c {
			calls = append(calls, call)
		}
	}
	slices.SortFunc(calls, func(a, b *Call) int { return a.Began.Compare(b.Began) })
	return calls
}

// Method performs a call.
type Method func(call *Call) (any, error)

type request struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  *string         `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result"`
}

type failure struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   *Error          `json:"error"`
}

var null = json.RawMessage("null")

// Server performs calls and answers them.
type Server struct {
	out    answers
	method Method
	calls  sync.WaitGroup

	mutex    sync.Mutex
	underWay map[*Call]struct{}
}

// NewServer writes its answers to a stream.
func NewServer(target io.Writer, method Method) *Server {
	return &Server{out: answers{target: target}, method: method, underWay: map[*Call]struct{}{}}
}

// Serve performs the calls that come from a stream, each in a goroutine of its own, until it ends.
func (s *Server) Serve(source io.Reader) {
	for decoder := NewDecoder(source); ; {
		body, err := decoder.Next()
		var fault *Fault
		switch {
		case errors.As(err, &fault):
			s.out.send(failure{"2.0", null, Errorf(ParseError, "Parse error: %s", fault.Detail)})
		case err != nil:
			return
		default:
			asked, problem := parse(body)
			if problem != nil {
				s.out.send(failure{"2.0", idOf(asked), problem})
				continue
			}
			call := s.begin(asked)
			go func() {
				defer s.calls.Done()
				s.perform(call, asked.Params)
			}()
		}
	}
}

// Finish waits for the answers that are still owed, for a while.
func (s *Server) Finish(patience time.Duration) {
	done := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(done)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func (s *Server) begin(asked request) *Call {
	call := &Call{ID: asked.ID, Method: *asked.Method, Began: time.Now(), server: s}
	s.calls.Add(1)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.underWay[call] = struct{}{}
	return call
}

func (s *Server) end(call *Call) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.underWay, call)
}

func (s *Server) perform(call *Call, params json.RawMessage) {
	result, err := performed(call, params, s.method)
	s.end(call)
	if len(call.ID) == 0 {
		return // a notification gets no answer
	}
	if err == nil {
		s.out.send(response{"2.0", call.ID, result})
		return
	}
	var known *Error
	if !errors.As(err, &known) {
		known = Errorf(InternalError, "%v", err)
	}
	s.out.send(failure{"2.0", call.ID, known})
}

func parse(body []byte) (request, *Error) {
	var call request
	if !utf8.Valid(body) || !json.Valid(body) {
		return call, Errorf(ParseError, "Parse error: this is no JSON")
	}
	if bytes.TrimSpace(body)[0] != '{' {
		return call, Errorf(InvalidRequest, "Invalid Request: a message is one JSON object, batches are not supported")
	}
	err := json.Unmarshal(body, &call)
	switch {
	case err != nil:
		return request{}, Errorf(InvalidRequest, "Invalid Request: %v", err)
	case call.Version != "2.0":
		return call, Errorf(InvalidRequest, "Invalid Request: 'jsonrpc' must be \"2.0\"")
	case call.Method == nil:
		return call, Errorf(InvalidRequest, "Invalid Request: 'method' is missing")
	case len(call.ID) > 0 && (call.ID[0] == '{' || call.ID[0] == '[' || call.ID[0] == 't' || call.ID[0] == 'f'):
		return request{}, Errorf(InvalidRequest, "Invalid Request: 'id' must be a number, a string or null")
	}
	return call, nil
}

func idOf(call request) json.RawMessage {
	if len(call.ID) == 0 {
		return null
	}
	return call.ID
}

type answers struct {
	mutex  sync.Mutex
	target io.Writer
}

// send writes one message. An asker that does not listen any more is told by the end of the other stream.
func (a *answers) send(message any) {
	body, err := json.Marshal(message)
	if err != nil {
		body = []byte(fmt.Sprintf(`{"jsonrpc":"2.0","id":null,"error":{"code":%d,"message":%q}}`, InternalError, err.Error()))
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	_, _ = a.target.Write(Encode(body))
}

func performed(call *Call, params json.RawMessage, method Method) (result any, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = Errorf(InternalError, "%s panicked: %v", call.Method, panicked)
		}
	}()
	if call.Params, err = firstObject(params); err != nil {
		return nil, err
	}
	return method(call)
}

// firstObject returns the one object of parameters, whether given positionally or bare; none is an empty one.
func firstObject(params json.RawMessage) (json.RawMessage, error) {
	empty := json.RawMessage("{}")
	if len(params) == 0 || bytes.Equal(params, null) {
		return empty, nil
	}
	if params[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(params, &list); err != nil || len(list) > 1 {
			return nil, Errorf(InvalidParams, "Invalid params: one object is expected")
		}
		if len(list) == 0 {
			return empty, nil
		}
		params = list[0]
	}
	if params[0] != '{' {
		return nil, Errorf(InvalidParams, "Invalid params: one object is expected")
	}
	return params, nil
}
