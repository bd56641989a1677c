package zerobuffer

import (
	"math"
	"time"
)

const (
	// Forever is the timeout of a call that waits as long as the other side lives.
	Forever time.Duration = math.MaxInt64

	// A blocked wait looks at the other side's life this often.
	waitSlice = 30 * time.Millisecond

	spinLimit = 10 * time.Microsecond
)

// deadline is the moment at which a call gives up: in three centuries for one that waits for ever.
type deadline struct {
	timeout time.Duration
	end     time.Time
}

func deadlineIn(timeout time.Duration) deadline { return deadline{timeout, time.Now().Add(timeout)} }

func (d deadline) left() time.Duration { return max(0, time.Until(d.end)) }

// slice returns how long to sleep next, 0 if the time is over.
func (d deadline) slice() time.Duration { return min(d.left(), waitSlice) }

// gate lets one goroutine in at a time, and the next one give up.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) lock() { g <- struct{}{} }

func (g gate) enter(d deadline) bool {
	select {
	case g <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(d.left())
	defer timer.Stop()
	select {
	case g <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

func (g gate) leave() { <-g }
