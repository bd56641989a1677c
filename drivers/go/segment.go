package zerobuffer

import (
	"sync/atomic"
	"syscall"
)

// segment is a mapped buffer with its two semaphores. It stays mapped until the last user lets go: the reader or writer
// itself, and each frame and slot that is out.
type segment struct {
	name    string
	fd      int    // carries the lock, and is never mapped
	owner   int    // a user
	control []byte // the control block, writable
	memory  []byte // the whole
	ring    *ring
	data    *semaphore
	space   *semaphore
	users   atomic.Int64
}

// openSegment maps a file, whose descriptor it takes over; its semaphores are opened apart. What it returns is to be
// released even if it fails. A reader's memory is mapped read-only: it owns nothing there but its fields of the control
// block, and a frame that it lends cannot be changed.
func openSegment(name string, fd int, writable bool) (*segment, error) {
	s := &segment{name: name, fd: fd}
	s.users.Store(1)
	return s, s.open(writable)
}

func (s *segment) open(writable bool) (err error) {
	var facts syscall.Stat_t
	_ = syscall.Fstat(s.fd, &facts) // cannot fail for a file that is open
	s.owner = int(facts.Uid)
	length := int(facts.Size)
	if length < oiebSize {
		return corrupt(s.name, "length", uint64(length), oiebSize)
	}
	s.control, err = mapApart(s.fd, oiebSize, true)
	if err == nil {
		s.memory, err = mapApart(s.fd, length, writable)
	}
	if err != nil {
		return fromSystem(err, s.name, "map the segment")
	}
	s.ring, err = newRing(s.name, blockAt(s.control), s.memory)
	return err
}

func (s *segment) openSemaphores() (err error) {
	if s.data, err = openSemaphore(dataPath(s.name)); err != nil {
		return fromSystem(err, s.name, "open the semaphore of data")
	}
	if s.space, err = openSemaphore(spacePath(s.name)); err != nil {
		return fromSystem(err, s.name, "open the semaphore of space")
	}
	return nil
}

func (s *segment) retain() { s.users.Add(1) }

func (s *segment) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	for _, semaphore := range []*semaphore{s.data, s.space} {
		if semaphore != nil {
			semaphore.close()
		}
	}
	for _, memory := range [][]byte{s.control, s.memory} {
		_ = syscall.Munmap(memory) // refuses what was never mapped
	}
	closeFile(s.fd)
}

// orphaned says whether the segment has lost its name.
func (s *segment) orphaned() bool {
	var facts syscall.Stat_t
	_ = syscall.Fstat(s.fd, &facts) // as above
	return facts.Nlink == 0
}
