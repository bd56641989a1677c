package main

import (
	"errors"
	"io"
	"sync"
	"time"

	"zerobuffer"
	"zerobuffer/internal/rpc"
)

// How long the end of the driver waits for verbs that are just opening something.
const openingPatience = 500 * time.Millisecond

// desk holds every open thing under a number. Numbers are never given twice.
type desk struct {
	mutex  sync.Mutex
	last   int
	open   map[int]any
	ended  bool
	verbs  sync.WaitGroup // that are opening something
	leaves chan struct{}  // closed when the driver ends

	underWay func() []*rpc.Call // set once, before the first verb
}

// lent is a frame or a slot; it goes back when its owner closes.
type lent interface {
	owner() int
	giveBack()
}

type heldFrame struct {
	*zerobuffer.Frame
	of int
}

func (h *heldFrame) owner() int { return h.of }
func (h *heldFrame) giveBack()  { h.Release() }

type openSlot struct {
	*zerobuffer.Slot
	of       int
	sequence uint64
}

func (s *openSlot) owner() int { return s.of }
func (s *openSlot) giveBack()  { s.Abandon() }

func newDesk() *desk { return &desk{open: map[int]any{}, leaves: make(chan struct{})} }

func closedError(format string) error {
	return &zerobuffer.Error{Code: zerobuffer.Closed, Message: format}
}

// opened keeps what a verb opens. A driver that ends meanwhile closes it again.
func opened[T io.Closer](d *desk, open func() (T, error)) (int, error) {
	d.mutex.Lock()
	if d.ended {
		d.mutex.Unlock()
		return 0, closedError("the driver ends")
	}
	d.verbs.Add(1)
	d.mutex.Unlock()
	defer d.verbs.Done()
	thing, err := open()
	if err != nil {
		return 0, err
	}
	number, kept := d.keep(thing)
	if !kept {
		return 0, errors.Join(closedError("the driver ends"), thing.Close())
	}
	return number, nil
}

func (d *desk) keep(thing any) (int, bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.ended {
		return 0, false
	}
	d.last++
	d.open[d.last] = thing
	return d.last, true
}

// find returns what is open under a number, if it is of the kind that is asked for.
func find[T any](d *desk, number int) (T, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	thing, ok := d.open[number].(T)
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

// take removes what is open under a number and returns it with everything it has lent.
func take[T any](d *desk, number int) (T, []lent, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	thing, ok := d.open[number].(T)
	if !ok {
		return thing, nil, noSuch(number)
	}
	delete(d.open, number)
	var parts []lent
	for other, part := range d.open {
		if part, ok := part.(lent); ok && part.owner() == number {
			delete(d.open, other)
			parts = append(parts, part)
		}
	}
	return thing, parts, nil
}

func (d *desk) closeOne(number int) error {
	thing, parts, err := take[io.Closer](d, number)
	if err != nil {
		return err
	}
	for _, part := range parts {
		part.giveBack()
	}
	return thing.Close()
}

// close ends everything that is open, whatever fails on the way.
func (d *desk) close() error {
	d.mutex.Lock()
	d.ended = true
	var owners []int
	for number, thing := range d.open {
		if _, closes := thing.(io.Closer); closes {
			owners = append(owners, number)
		}
	}
	d.mutex.Unlock()
	close(d.leaves)
	results := make(chan error)
	for _, number := range owners {
		go func() { results <- d.closeOne(number) }()
	}
	var failures []error
	for range owners {
		failures = append(failures, <-results)
	}
	d.waitForOpening()
	return errors.Join(failures...)
}

func (d *desk) waitForOpening() {
	done := make(chan struct{})
	go func() {
		d.verbs.Wait()
		close(done)
	}()
	timer := time.NewTimer(openingPatience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
