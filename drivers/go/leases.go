package zerobuffer

import (
	"sync"

	"zerobuffer/internal/points"
)

// leases are the parts of the ring that a reader has passed and not given back, in ring order. Frames may be released in
// any order; their space returns in the order of the ring.
type leases struct {
	mutex sync.Mutex
	queue []lease
	first uint64 // number of the lease at the head of the queue
	ended bool
}

type lease struct {
	bytes    uint64
	frame    bool
	returned bool
}

// add appends a part and returns its number. A tail that a wrap gave up is no frame: it goes back by itself.
func (l *leases) add(bytes uint64, frame bool) uint64 {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.queue = append(l.queue, lease{bytes: bytes, frame: frame, returned: !frame})
	return l.first + uint64(len(l.queue)) - 1
}

// giveBack marks a part as returned and gives everything up to the first part that is still out back to the writer.
func (l *leases) giveBack(number uint64, s *segment) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.ended {
		return
	}
	l.queue[number-l.first].returned = true
	l.drain(s)
}

// drainWraps gives a wrap's tail back if nothing before it is held.
func (l *leases) drainWraps(s *segment) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.ended {
		l.drain(s)
	}
}

func (l *leases) drain(s *segment) {
	done := 0
	for _, part := range l.queue {
		if !part.returned {
			break
		}
		s.ring.block.payloadFree.Add(part.bytes)
		points.Pass(points.ReaderFree)
		if part.frame {
			_ = s.space.post() // at its maximum, the writer has tokens enough
			points.Pass(points.ReaderSpace)
		}
		done++
	}
	l.first += uint64(done)
	l.queue = l.queue[:copy(l.queue, l.queue[done:])]
}

func (l *leases) held() uint64 {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var bytes uint64
	for _, part := range l.queue {
		bytes += part.bytes
	}
	return bytes
}

// end stops all traffic with the ring: what is given back later frees memory only.
func (l *leases) end() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.ended = true
}
