package zerobuffer

import (
	"encoding/binary"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// semaphore is a named POSIX semaphore as glibc lays it out on 64-bit machines: one word with the value in its lower
// half and the number of waiters in its upper half, and a futex on the lower half. Speaking it directly needs no cgo,
// and a wait is an ordinary blocking system call for Go's scheduler.
type semaphore struct {
	memory []byte
	state  *atomic.Uint64
}

const (
	semaphoreSize  = 32
	semaphoreMost  = 1<<31 - 1
	semaphoreValue = 1<<32 - 1
	oneWaiter      = 1 << 32

	// glibc keeps the flag that makes a futex private to one process inverted: this is "shared".
	semaphoreShared = 128

	futexWait = 0
	futexWake = 1
)

// createSemaphore makes a semaphore of value 0. It is complete the moment its name exists.
func createSemaphore(path string, mode os.FileMode) error {
	content := make([]byte, semaphoreSize)
	binary.LittleEndian.PutUint32(content[8:], semaphoreShared)
	fd, err := createFile(path, mode, func(fd int) error {
		_, err := syscall.Pwrite(fd, content, 0)
		return err
	})
	closeFile(fd)
	return err
}

func openSemaphore(path string) (*semaphore, error) {
	fd, err := syscall.Open(path, syscall.O_RDWR|openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer closeFile(fd)
	var facts syscall.Stat_t
	_ = syscall.Fstat(fd, &facts) // cannot fail for a file that is open
	if !isRegular(&facts) || facts.Size != semaphoreSize {
		return nil, notASemaphore(path)
	}
	memory, err := syscall.Mmap(fd, 0, semaphoreSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	s := &semaphore{memory, (*atomic.Uint64)(unsafe.Pointer(&memory[0]))}
	private := binary.LittleEndian.Uint32(memory[8:])
	if private != 0 && private != semaphoreShared || s.value() > semaphoreMost {
		s.close()
		return nil, notASemaphore(path)
	}
	return s, nil
}

func notASemaphore(path string) error {
	return fail(InvalidOIEB, Details{"path": path}, "%s is no semaphore. Recreate the buffer", path)
}

func (s *semaphore) close() { _ = syscall.Munmap(s.memory) }

func (s *semaphore) value() uint64 { return s.state.Load() & semaphoreValue }

func (s *semaphore) post() error {
	for {
		now := s.state.Load()
		if now&semaphoreValue == semaphoreMost {
			return syscall.EOVERFLOW // as sem_post does
		}
		if s.state.CompareAndSwap(now, now+1) {
			if now >= oneWaiter {
				s.futex(futexWake, 1, nil)
			}
			return nil
		}
	}
}

// try takes a token if there is one.
func (s *semaphore) try() bool {
	for now := s.state.Load(); now&semaphoreValue > 0; now = s.state.Load() {
		if s.state.CompareAndSwap(now, now-1) {
			return true
		}
	}
	return false
}

// drain takes all tokens there are.
func (s *semaphore) drain() {
	for now := s.state.Load(); !s.state.CompareAndSwap(now, now&^semaphoreValue); {
		now = s.state.Load()
	}
}

// sleep waits until a value that was seen has changed, for a while at most. It may return early, and takes no token.
func (s *semaphore) sleep(seen uint64, limit time.Duration) {
	s.state.Add(oneWaiter)
	until := syscall.NsecToTimespec(max(1, limit.Nanoseconds()))
	s.futex(futexWait, uintptr(seen), &until)
	s.state.Add(^uint64(oneWaiter - 1))
}

func (s *semaphore) futex(operation, value uintptr, until *syscall.Timespec) {
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(s.state)), operation, value,
		uintptr(unsafe.Pointer(until)), 0, 0)
	runtime.KeepAlive(until)
}

// spinUntil repeats a look until it says yes or the time is over: much cheaper than sleeping when the other side is
// about to act.
func spinUntil(limit time.Duration, look func() bool) bool {
	for begin := time.Now(); ; {
		for range 64 {
			if look() {
				return true
			}
		}
		if time.Since(begin) >= limit {
			return false
		}
	}
}
