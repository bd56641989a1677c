// Package rpc speaks JSON-RPC 2.0 in frames with a Content-Length header.
package rpc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	mostBytes = 16 << 20
	lineBytes = 8 << 10
)

// Fault is why bytes could not be read as a message. Reading can go on: the next header is looked for.
type Fault struct{ Detail string }

// Error returns the detail.
func (f *Fault) Error() string { return f.Detail }

// Decoder takes messages out of a stream.
type Decoder struct {
	source *bufio.Reader
	lost   bool // a fault has been told and no header has come since
}

// NewDecoder reads from a stream.
func NewDecoder(source io.Reader) *Decoder {
	return &Decoder{source: bufio.NewReaderSize(source, lineBytes)}
}

// Next returns the body of the next message, a *Fault, or io.EOF.
func (d *Decoder) Next() ([]byte, error) {
	length, headers := -1, 0
	for {
		line, err := d.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			if headers == 0 {
				continue // blank lines between messages
			}
			break
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if at := announcement(line); d.lost && at > 0 {
			// What remains of a message that was not read ends where a header begins, perhaps on the same line.
			name, value, found = bytes.Cut(line[at:], []byte(":"))
		}
		if !found || !isToken(name) {
			if fault := d.lose("expected a header, got %.60q", line); fault != nil {
				return nil, fault
			}
			length, headers = -1, 0
			continue
		}
		headers++
		if !bytes.EqualFold(bytes.TrimSpace(name), []byte(contentLength)) {
			continue
		}
		number, err := strconv.Atoi(string(bytes.TrimSpace(value)))
		if err != nil || number < 0 || length >= 0 && length != number {
			return nil, d.loseNow("not a usable length: %.60q", line)
		}
		length, d.lost = number, false
	}
	switch {
	case length < 0 && d.lost:
		return d.Next()
	case length < 0:
		return nil, d.loseNow("headers without %s", contentLength)
	case length > mostBytes:
		return nil, d.loseNow("a message of %d bytes is announced, at most %d are accepted", length, mostBytes)
	}
	// What is announced is not made before it comes.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, d.source, int64(length)); err != nil {
		return nil, io.EOF
	}
	return body.Bytes(), nil
}

const contentLength = "Content-Length"

// line returns one line without its end; a very long one comes in pieces.
func (d *Decoder) line() ([]byte, error) {
	line, err := d.source.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, io.EOF
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

func (d *Decoder) lose(format string, values ...any) error {
	if d.lost {
		return nil
	}
	return d.loseNow(format, values...)
}

func (d *Decoder) loseNow(format string, values ...any) error {
	d.lost = true
	return &Fault{fmt.Sprintf(format, values...)}
}

func announcement(line []byte) int {
	return bytes.LastIndex(bytes.ToLower(line), []byte("content-length"))
}

func isToken(name []byte) bool {
	name = bytes.TrimSpace(name)
	for _, character := range name {
		letter := character|0x20 >= 'a' && character|0x20 <= 'z'
		if !letter && (character < '0' || character > '9') && character != '-' && character != '_' {
			return false
		}
	}
	return len(name) > 0
}

// Encode returns a message in its frame.
func Encode(body []byte) []byte {
	return append(fmt.Appendf(nil, "%s: %d\r\n\r\n", contentLength, len(body)), body...)
}
