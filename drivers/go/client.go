package zerobuffer

import (
	"bytes"
	"errors"
	"time"
)

// Client sends requests over a duplex channel and receives the responses.
type Client struct {
	name      string
	requests  *Writer
	responses *Reader
}

// Dial becomes the client of a channel, waiting for its server until the timeout. The response buffer belongs to the
// client. It fails as Connect and NewReader do.
func Dial(name string, config Config, timeout time.Duration, options ...Option) (*Client, error) {
	requests, err := Connect(requestBuffer(name), timeout, options...)
	if err != nil {
		return nil, err
	}
	responses, err := NewReader(responseBuffer(name), config)
	if err != nil {
		return nil, errors.Join(err, requests.Close())
	}
	return &Client{name, requests, responses}, nil
}

// Send sends a request without waiting; its number is that of its response.
func (c *Client) Send(data []byte, timeout time.Duration) (uint64, error) {
	return c.requests.Write(data, timeout)
}

// Acquire lends a place to make a request in; Commit sends it.
func (c *Client) Acquire(size int, timeout time.Duration) (*Slot, error) {
	return c.requests.Acquire(size, timeout)
}

// Receive waits for the next response, a frame to be released. It fails as Read does, or with HandlerError if the server
// could not answer this request; the channel goes on.
func (c *Client) Receive(timeout time.Duration) (*Frame, error) {
	frame, err := c.receive(timeout)
	if err != nil {
		return nil, err
	}
	data, _ := frame.Data()
	reason, failed := bytes.CutPrefix(data, []byte(failureMark))
	if !failed {
		return frame, nil
	}
	defer frame.Release()
	return nil, fail(HandlerError, Details{"name": c.name, "request": frame.Sequence(), "reason": string(reason)},
		"the server of channel %q failed on request %d: %s", c.name, frame.Sequence(), reason)
}

func (c *Client) receive(timeout time.Duration) (*Frame, error) {
	end := deadlineIn(timeout)
	// Until the server has connected to the response buffer, its death shows only in the request buffer.
	for !c.responses.WriterKnown() {
		frame, err := c.responses.Read(min(duplexPoll, end.left()))
		if err == nil || !errors.Is(err, Timeout) {
			return frame, err
		}
		if err := c.requests.CheckReader(); err != nil {
			return nil, err
		}
		if end.left() == 0 {
			return nil, c.responses.timedOut(timeout)
		}
	}
	return c.responses.Read(end.left())
}

// Close leaves the channel and removes the response buffer.
func (c *Client) Close() error {
	return errors.Join(c.requests.Close(), c.responses.Close())
}
