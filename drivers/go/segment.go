package zerobuffer

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// segment is a mapped buffer with its two semaphores. It stays mapped until the last user lets go: the reader or writer
// itself, and each frame and slot that is out.
type segment struct {
	name    string
	fd      int
	control []byte // the control block, writable
	memory  []byte // the whole
	ring    *ring
	data    *semaphore
	space   *semaphore
	users   atomic.Int64
}

// openSegment maps a file, whose descriptor it takes over; its semaphores are opened apart. A reader's memory is mapped
// read-only: it owns nothing there but its fields of the control block, and a frame that it lends cannot be changed.
func openSegment(name string, fd int, writable bool) (*segment, error) {
	s := &segment{name: name, fd: fd}
	s.users.Store(1)
	if err := s.open(writable); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *segment) open(writable bool) (err error) {
	var facts syscall.Stat_t
	if err := syscall.Fstat(s.fd, &facts); err != nil {
		return fromSystem(err, s.name, "look at the segment")
	}
	length := int(facts.Size)
	if length < oiebSize {
		return corrupt(s.name, "length", uint64(length), oiebSize)
	}
	const read, write = syscall.PROT_READ, syscall.PROT_READ | syscall.PROT_WRITE
	if s.control, err = syscall.Mmap(s.fd, 0, oiebSize, write, syscall.MAP_SHARED); err != nil {
		return fromSystem(err, s.name, "map the control block")
	}
	protection := read
	if writable {
		protection = write
	}
	if s.memory, err = syscall.Mmap(s.fd, 0, length, protection, syscall.MAP_SHARED); err != nil {
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
		if memory != nil {
			_ = syscall.Munmap(memory)
		}
	}
	closeFile(s.fd)
}

// ---- locks -----------------------------------------------------------------------------------------------------

// Locks on bytes far behind the end of the segment prove a life where process numbers do not (another namespace). That of
// a writer says more: its place tells two connections of one process apart, its length how many frames and markers were
// written before it came. They are a help beyond the protocol, shared with the Python implementation; where the system
// has no such locks, nothing is lost but that help.
const (
	readerLockPlace = 1 << 40
	writerLockPlace = 1 << 41
	longestLock     = 1 << 61

	getOpenFileLock = 36
	setOpenFileLock = 37

	writeLock = 1
	unlocked  = 2
)

type fileLock struct {
	kind   int16
	whence int16
	_      int32
	start  int64
	length int64
	pid    int32
	_      int32
}

func (s *segment) lock(command uintptr, lock *fileLock) error {
	_, _, number := syscall.Syscall(syscall.SYS_FCNTL, uintptr(s.fd), command, uintptr(unsafe.Pointer(lock)))
	if number != 0 {
		return number
	}
	return nil
}

func (s *segment) lockAsReader() {
	_ = s.lock(setOpenFileLock, &fileLock{kind: writeLock, start: readerLockPlace, length: 1})
}

func (s *segment) lockAsWriter() {
	lock := fileLock{kind: writeLock, start: writerLockPlace + monotonic(), length: 1}
	if before := s.ring.block.writtenCount.Load(); before < longestLock {
		lock.length += int64(before)
	}
	_ = s.lock(setOpenFileLock, &lock)
}

func (s *segment) unlock() {
	_ = s.lock(setOpenFileLock, &fileLock{kind: unlocked, start: readerLockPlace})
}

// writerLock returns the place of the writer's lock, 0 if nobody else holds one, and what was written before it came.
func (s *segment) writerLock() (place int64, before uint64) {
	lock := s.lockFrom(writerLockPlace, 0)
	return lock.start, uint64(max(1, lock.length) - 1)
}

func (s *segment) writerLocked() bool {
	place, _ := s.writerLock()
	return place != 0
}

func (s *segment) readerLocked() bool {
	return s.lockFrom(readerLockPlace, 1).start != 0 || lockHeld(s.name)
}

// lockFrom returns the first lock of somebody else in a range, a zero one if there is none.
func (s *segment) lockFrom(place, length int64) fileLock {
	lock := fileLock{kind: writeLock, start: place, length: length}
	if s.lock(getOpenFileLock, &lock) != nil || lock.kind == unlocked {
		return fileLock{}
	}
	return lock
}

var processStart = time.Now()

// monotonic returns a number that only grows on this machine: two connections never share a place.
func monotonic() int64 {
	var now syscall.Timespec
	const clockMonotonic = 1
	_, _, number := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0)
	if number != 0 {
		return int64(time.Since(processStart))
	}
	return now.Nano()
}
