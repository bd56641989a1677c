package rpc

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFraming(t *testing.T) {
	for _, example := range []struct {
		name   string
		stream string
		bodies []string
		faults int
	}{
		{"two", "Content-Length: 2\r\n\r\n{}Content-Length: 1\r\n\r\n1", []string{"{}", "1"}, 0},
		{"other headers, LF only", "Content-Type: x\ncontent-LENGTH:2\n\n{}\n\n", []string{"{}"}, 0},
		{"garbage", "hello\nworld\nContent-Length: 2\r\n\r\n{}", []string{"{}"}, 1},
		{"no number", "Content-Length: x\r\n\r\nContent-Length: 2\r\n\r\n{}", []string{"{}"}, 1},
		{"two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n\r\nContent-Length: 2\r\n\r\n{}", []string{"{}"}, 1},
		{"no length", "X: y\r\n\r\nContent-Length: 2\r\n\r\n{}", []string{"{}"}, 1},
		{"too large", "Content-Length: 99999999\r\n\r\n{1}Content-Length: 2\r\n\r\n{}", []string{"{}"}, 1},
		{"cut short", "Content-Length: 20\r\n\r\n{}", nil, 0},
		{"long line", strings.Repeat("x", 3*lineBytes) + "\nContent-Length: 2\r\n\r\n{}", []string{"{}"}, 1},
	} {
		var bodies []string
		faults := 0
		decoder := NewDecoder(strings.NewReader(example.stream))
		for {
			body, err := decoder.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				faults++
				continue
			}
			bodies = append(bodies, string(body))
		}
		if !slices.Equal(bodies, example.bodies) || faults != example.faults {
			t.Errorf("%s: %q and %d faults", example.name, bodies, faults)
		}
	}
}

func perform(call *Call) (any, error) {
	switch call.Method {
	case "echo":
		return call.Params, nil
	case "wait":
		time.Sleep(50 * time.Millisecond)
		return "late", nil
	case "panic":
		panic("oh")
	}
	return nil, Errorf(MethodNotFound, "there is no method %q", call.Method)
}

type recorder struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
	wanted int
	done   chan struct{}
}

func (r *recorder) Write(data []byte) (int, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.buffer.Write(data)
	if r.wanted--; r.wanted == 0 {
		close(r.done)
	}
	return len(data), nil
}

func TestServe(t *testing.T) {
	for _, example := range []struct{ request, want string }{
		{`{"jsonrpc":"2.0","id":1,"method":"echo","params":[{"a":1}]}`, `{"jsonrpc":"2.0","id":1,"result":{"a":1}}`},
		{`{"jsonrpc":"2.0","id":"x","method":"echo","params":{"b":2}}`, `{"jsonrpc":"2.0","id":"x","result":{"b":2}}`},
		{`{"jsonrpc":"2.0","id":1,"method":"echo","params":[]}`, `"result":{}`},
		{`{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}`, `"code":-32602`},
		{`{"jsonrpc":"2.0","id":1,"method":"echo","params":[{},{}]}`, `"code":-32602`},
		{`{"jsonrpc":"2.0","id":1,"method":"nothing"}`, `"code":-32601`},
		{`{"jsonrpc":"2.0","id":1,"method":"panic"}`, `"code":-32603`},
		{`{"jsonrpc":"2.0","id":1}`, `"code":-32600`},
		{`{"jsonrpc":"1.0","id":7,"method":"echo"}`, `"id":7,"error":{"code":-32600`},
		{`{"jsonrpc":"2.0","id":true,"method":"echo"}`, `"code":-32600`},
		{`[]`, `"code":-32600`},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[{\"a\":\"\xff\"}]}", `"id":null,"error":{"code":-32700`},
		{`{`, `"id":null,"error":{"code":-32700`},
	} {
		out := &recorder{wanted: 1, done: make(chan struct{})}
		NewServer(out, perform).Serve(bytes.NewReader(Encode([]byte(example.request))))
		select {
		case <-out.done:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: no answer", example.request)
		}
		if !strings.Contains(out.buffer.String(), example.want) {
			t.Errorf("%s: %s", example.request, out.buffer.String())
		}
	}
}

func TestABlockedCallStopsNoOther(t *testing.T) {
	stream := Encode([]byte(`{"jsonrpc":"2.0","id":1,"method":"wait"}`))
	stream = append(stream, Encode([]byte(`{"jsonrpc":"2.0","method":"echo"}`))...)
	stream = append(stream, Encode([]byte(`{"jsonrpc":"2.0","id":2,"method":"echo"}`))...)
	out := &recorder{wanted: 2, done: make(chan struct{})}
	server := NewServer(out, perform)
	server.Serve(bytes.NewReader(stream))
	server.Finish(5 * time.Second)
	first, second, _ := strings.Cut(out.buffer.String(), `"result":{}`)
	if !strings.Contains(first, `"id":2`) || !strings.Contains(second, `"late"`) {
		t.Error(out.buffer.String())
	}
}
