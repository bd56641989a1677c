package main

// The implementation in Go: a server and a client of the protocol.

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var errGone = errors.New("the other side has ended, or was never there")

// words is how many a request has at most. The last one is the value, which may have blanks.
func words() int {
	if os.Getenv("KV_BUG") != "" {
		return -1 // planted: any number, so that of a value only the first word is kept
	}
	return 3
}

// server keeps values for all who connect. What is sent is sent under the lock, so that all see one order.
type server struct {
	mutex    sync.Mutex
	values   map[string]string
	expiry   map[string]*time.Timer
	watchers map[string][]net.Conn
}

// serve listens on a free port of this machine, and returns it.
func serve() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	s := &server{values: map[string]string{}, expiry: map[string]*time.Timer{}, watchers: map[string][]net.Conn{}}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go s.talk(connection)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (s *server) talk(connection net.Conn) {
	for lines := bufio.NewScanner(connection); lines.Scan(); {
		s.mutex.Lock()
		fmt.Fprintln(connection, s.answer(lines.Text(), connection))
		s.mutex.Unlock()
	}
}

func (s *server) answer(line string, connection net.Conn) string {
	parts := append(strings.SplitN(line, " ", words()), "", "")
	verb, key, rest := parts[0], parts[1], parts[2]
	_, found := s.values[key]
	switch {
	case verb == "GET":
		return s.told(key)
	case verb == "SET":
		s.change(key, &rest)
	case verb == "DEL":
		s.change(key, nil)
	case verb == "EXPIRE" && found:
		s.letExpire(key, rest)
	case verb == "WATCH":
		s.watchers[key] = append(s.watchers[key], connection)
	default:
		return "NONE"
	}
	return "OK"
}

func (s *server) told(key string) string {
	if value, found := s.values[key]; found {
		return "VALUE " + value
	}
	return "NONE"
}

func (s *server) change(key string, value *string) {
	delete(s.expiry, key)
	_, found := s.values[key]
	if value != nil {
		s.values[key] = *value
	} else if !found {
		return
	} else {
		delete(s.values, key)
	}
	for _, watcher := range s.watchers[key] {
		fmt.Fprintln(watcher, s.told(key))
	}
}

func (s *server) letExpire(key, milliseconds string) {
	number, _ := strconv.Atoi(milliseconds)
	var timer *time.Timer
	timer = time.AfterFunc(time.Duration(number)*time.Millisecond, func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if s.expiry[key] == timer { // it has not been set since
			s.change(key, nil)
		}
	})
	s.expiry[key] = timer
}

// client is a connection to a server.
type client struct {
	turn       sync.Mutex
	connection net.Conn
	lines      *bufio.Scanner
}

func dial(port int64) (*client, error) {
	connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, errGone
	}
	return &client{connection: connection, lines: bufio.NewScanner(connection)}, nil
}

func (c *client) ask(request string) (string, error) {
	if c == nil {
		return "", errGone
	}
	c.turn.Lock()
	defer c.turn.Unlock()
	fmt.Fprintln(c.connection, request)
	return c.line()
}

// line returns the next line, such as a change of what is watched.
func (c *client) line() (string, error) {
	if c == nil || !c.lines.Scan() {
		return "", errGone
	}
	return c.lines.Text(), nil
}
