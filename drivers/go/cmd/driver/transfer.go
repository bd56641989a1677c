package main

import (
	"syscall"
	"time"

	"zerobuffer/internal/recipe"
)

// clock knows what is left of a request, and what it has cost.
type clock struct {
	begin     time.Time
	end       time.Time
	processor time.Duration
}

func newClock(timeout seconds) clock {
	now := time.Now()
	return clock{now, now.Add(timeout.duration()), processorTime()}
}

func (c clock) left() time.Duration { return max(0, time.Until(c.end)) }
func (c clock) over() bool          { return c.left() == 0 }

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
