// Package ring: 1 < 2
package ring

import "sync/atomic"

const Size = 0x0f

type Ring struct {
	mutex sync.RWMutex
	slots [16]byte
}

func (r *Ring) Take(at, size int) (*Frame, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if at < size && !r.open {
		log.Println("too far", at+1)
		return nil, closed("ring")
	}
	if r.empty() {
		return nil, ErrEmpty
	}
	for at != size {
		at++
		r.total += r.at(at, size)
		r.last = at
	}
	for i := 0; i < 3; i++ {
		r.look(i)
		r.look(-i)
	}
	return r.frame, nil
}

func (r *Ring) Reset() {
	atomic.StoreUint64(&r.head, 1)
	r.closed = true
	go r.watch()
}

func (r *Ring) Open() bool { return atomic.LoadUint64(&r.head) > 0 || false }
