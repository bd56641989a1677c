package main

import (
	"errors"
	"fmt"
	"maps"
	"syscall"
	"time"

	"zerobuffer"
	"zerobuffer/internal/recipe"
)

// clock knows what is left of a request, and what it has cost.
type clock struct {
	timeout   time.Duration
	begin     time.Time
	end       time.Time
	processor time.Duration
}

func newClock(timeout seconds) clock {
	now := time.Now()
	return clock{timeout.duration(), now, now.Add(timeout.duration()), processorTime()}
}

func (c clock) left() time.Duration { return max(0, time.Until(c.end)) }
func (c clock) over() bool          { return c.left() == 0 }

// ended makes of an error that ends a series what is told of it: how far it came, and the limit of all. The library
// knows only what was left of that.
func (c clock) ended(err error, count int, what string) error {
	var known *zerobuffer.Error
	if !errors.As(err, &known) {
		return err
	}
	text, details := known.Message, maps.Clone(known.Details)
	if said, late := late[known.Code]; late {
		text = fmt.Sprintf("%s within %g s", said, c.timeout.Seconds())
		details["seconds"] = c.timeout.Seconds()
	}
	return &zerobuffer.Error{
		Code:    known.Code,
		Message: fmt.Sprintf("after %d %s: %s", count, what, text),
		Details: details,
		Cause:   err,
	}
}

var late = map[zerobuffer.Code]string{
	zerobuffer.Timeout:    "nothing more came",
	zerobuffer.BufferFull: "there was no space for more",
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// transfer is many frames, summed up.
type transfer struct {
	Frames     int      `json:"frames"`
	Bytes      int      `json:"bytes"`
	First      uint64   `json:"first"`
	Last       uint64   `json:"last"`
	Breaks     int      `json:"breaks"`
	Runs       [][2]int `json:"runs"` // sizes, as (size, how often in a row)
	Digest     uint32   `json:"digest"`
	Seconds    float64  `json:"seconds"`
	CPUSeconds float64  `json:"cpu_seconds"`
}

func newTransfer() *transfer { return &transfer{Runs: [][2]int{}} }

// add counts a frame; nil for data that nobody looks at.
func (t *transfer) add(sequence uint64, size int, data []byte) {
	if t.Frames > 0 && sequence != t.Last+1 {
		t.Breaks++
	}
	if t.First == 0 {
		t.First = sequence
	}
	t.Last = sequence
	t.Frames++
	t.Bytes += size
	if last := len(t.Runs) - 1; last >= 0 && t.Runs[last][0] == size {
		t.Runs[last][1]++
	} else {
		t.Runs = append(t.Runs, [2]int{size, 1})
	}
	if data != nil {
		t.Digest = recipe.Chained(t.Digest, sequence, data)
	}
}

func (t *transfer) done(c clock) *transfer {
	t.Seconds = time.Since(c.begin).Seconds()
	t.CPUSeconds = (processorTime() - c.processor).Seconds()
	return t
}
