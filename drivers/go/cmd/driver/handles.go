package main

import (
	"errors"
	"io"
	"sync"
	"time"

	"zerobuffer"
)

// How long the end of the driver waits for verbs that are just opening something.
const openingPatience = 500 * time.Millisecond

// handles holds every open thing under a number. Numbers are never given twice. What was closed last keeps its number
// until something else is closed: a call that comes too late meets the library's own answer.
type handles struct {
	mutex   sync.Mutex
	last    int
	open    map[int]any
	closed  int // the number of what was closed last
	ended   bool
	opening sync.WaitGroup // verbs
	ending  chan struct{}  // closed when the driver ends
}

// held is a frame or a slot; it goes back when its owner closes.
type held interface {
	owner() int
	giveBack()
}

type heldFrame struct {
	*zerobuffer.Frame
	of int
}

func (f *heldFrame) owner() int { return f.of }
func (f *heldFrame) giveBack()  { f.Release() }

type heldSlot struct {
	*zerobuffer.Slot
	of       int
	sequence uint64
}

func (s *heldSlot) owner() int { return s.of }
func (s *heldSlot) giveBack()  { s.Abandon() }

func newHandles() *handles { return &handles{open: map[int]any{}, ending: make(chan struct{})} }

func closedError(format string) error {
	return &zerobuffer.Error{Code: zerobuffer.Closed, Message: format}
}

// opened keeps what a verb opens. A driver that ends meanwhile closes it again.
func opened[T io.Closer](h *handles, open func() (T, error)) (int, error) {
	h.mutex.Lock()
	if h.ended {
		h.mutex.Unlock()
		return 0, closedError("the driver ends")
	}
	h.opening.Add(1)
	h.mutex.Unlock()
	defer h.opening.Done()
	thing, err := open()
	if err != nil {
		return 0, err
	}
	number, kept := h.keep(thing)
	if !kept {
		return 0, errors.Join(closedError("the driver ends"), thing.Close())
	}
	return number, nil
}

func (h *handles) keep(thing any) (int, bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.ended {
		return 0, false
	}
	h.last++
	h.open[h.last] = thing
	return h.last, true
}

// find returns what is open under a number, if it is of the kind that is asked for.
func find[T any](h *handles, number int) (T, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	thing, ok := h.open[number].(T)
	if !ok {
		return thing, noSuch(number)
	}
	return thing, nil
}

func noSuch(number int) error {
	return &zerobuffer.Error{
		Code:    zerobuffer.Closed,
		Message: "nothing of this kind is open under the number given",
		Details: zerobuffer.Details{"number": number},
	}
}

// take removes what is open under a number and returns it.
func take[T any](h *handles, number int) (T, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	thing, ok := h.open[number].(T)
	if !ok {
		return thing, noSuch(number)
	}
	delete(h.open, number)
	return thing, nil
}

// end marks what is open under a number as closed, and returns it with its frames and slots, which it removes.
func (h *handles) end(number int) (io.Closer, []held, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	thing, ok := h.open[number].(io.Closer)
	if !ok || h.closed == number {
		return nil, nil, noSuch(number)
	}
	delete(h.open, h.closed)
	h.closed = number
	var parts []held
	for other, part := range h.open {
		if part, ok := part.(held); ok && part.owner() == number {
			delete(h.open, other)
			parts = append(parts, part)
		}
	}
	return thing, parts, nil
}

func (h *handles) closeOne(number int) error {
	thing, parts, err := h.end(number)
	if err != nil {
		return err
	}
	for _, part := range parts {
		part.giveBack()
	}
	return thing.Close()
}

// close ends everything that is open, whatever fails on the way.
func (h *handles) close() error {
	h.mutex.Lock()
	h.ended = true
	var owners []int
	for number, thing := range h.open {
		if _, closes := thing.(io.Closer); closes && h.closed != number {
			owners = append(owners, number)
		}
	}
	h.mutex.Unlock()
	close(h.ending)
	results := make(chan error)
	for _, number := range owners {
		go func() { results <- h.closeOne(number) }()
	}
	var failures []error
	for range owners {
		failures = append(failures, <-results)
	}
	h.waitForOpening()
	return errors.Join(failures...)
}

func (h *handles) waitForOpening() {
	done := make(chan struct{})
	go func() {
		h.opening.Wait()
		close(done)
	}()
	timer := time.NewTimer(openingPatience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
