package zerobuffer

import (
	"sync"

	"zerobuffer/internal/points"
)

// leases are the parts of the ring that a reader has passed and not given back, in ring order. Frames may be released in
// any order; their space returns in the order of the ring.
type leases struct {
	mutex    sync.Mutex
	queue    []lease
	first    uint64 // number of the lease at the head of the queue
	released uint64 // bytes ever given back
	ended    bool
}

type lease struct {
	bytes    uint64
	frame    bool
	returned bool
}

// add appends a part and returns its number. A tail that a wrap gave up is no frame.
func (l *leases) add(bytes uint64, frame bool) uint64 {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.queue = append(l.queue, lease{bytes: bytes, frame: frame})
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
	done, block := 0, s.ring.block
	for _, part := range l.queue {
		if !part.returned {
			break
		}
		block.ours.released.Store(l.released | releasing)
		block.payloadFree.Add(part.bytes)
		points.Pass(points.ReaderFree)
		l.released += part.bytes
		block.ours.released.Store(l.released)
		if part.frame {
			_ = s.space.post() // at its maximum, the writer has tokens enough
			points.Pass(points.ReaderSpace)
		}
		done++
	}
	l.first += uint64(done)
	l.queue = l.queue[:copy(l.queue, l.queue[done:])]
}

// settle says how much is free when `read` bytes were ever committed.
func (l *leases) settle(r *ring, read uint64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	r.block.payloadFree.Store(r.size() - (read - l.released))
}

// end stops all traffic with the ring: what is given back later frees memory only.
func (l *leases) end() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.ended = true
}
