package zerobuffer

import (
	"encoding/binary"
	"errors"
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

var errSemaphoreOverflow = errors.New("the semaphore is at its maximum")

// createSemaphore makes a semaphore of value 0. It is complete the moment its name exists.
func createSemaphore(path string, mode os.FileMode) error {
	content := make([]byte, semaphoreSize)
	binary.LittleEndian.PutUint32(content[8:], semaphoreShared)
	return createFile(path, mode, func(fd int) error {
		_, err := syscall.Pwrite(fd, content, 0)
		return err
	})
}

func openSemaphore(path string) (*semaphore, error) {
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_NOFOLLOW|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	var facts syscall.Stat_t
	if err := syscall.Fstat(fd, &facts); err != nil {
		return nil, err
	}
	if facts.Size < semaphoreSize {
		return nil, syscall.EINVAL
	}
	memory, err := syscall.Mmap(fd, 0, semaphoreSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return &semaphore{memory, (*atomic.Uint64)(unsafe.Pointer(&memory[0]))}, nil
}

func (s *semaphore) close() { _ = syscall.Munmap(s.memory) }

func (s *semaphore) value() uint64 { return s.state.Load() & semaphoreValue }

func (s *semaphore) post() error {
	for {
		now := s.state.Load()
		if now&semaphoreValue == semaphoreMost {
			return errSemaphoreOverflow
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
	for {
		now := s.state.Load()
		if now&semaphoreValue == 0 {
			return false
		}
		if s.state.CompareAndSwap(now, now-1) {
			return true
		}
	}
}

// drain takes all tokens there are.
func (s *semaphore) drain() {
	for {
		now := s.state.Load()
		if now&semaphoreValue == 0 || s.state.CompareAndSwap(now, now&^semaphoreValue) {
			return
		}
	}
}

// wait takes a token, or gives up after a while. It may give up early; the caller looks at its clock.
func (s *semaphore) wait(limit time.Duration) bool {
	s.state.Add(oneWaiter)
	for slept := false; ; {
		now := s.state.Load()
		switch {
		case now&semaphoreValue != 0:
			if s.state.CompareAndSwap(now, now-1-oneWaiter) {
				return true
			}
		case slept:
			s.state.Add(^uint64(oneWaiter - 1))
			return false
		default:
			until := syscall.NsecToTimespec(max(1, limit.Nanoseconds()))
			s.futex(futexWait, 0, &until)
			slept = true
		}
	}
}

// spin looks for a token for a moment: much cheaper than sleeping when the other side is about to post.
func (s *semaphore) spin(limit time.Duration) bool {
	return spinUntil(limit, s.try)
}

func (s *semaphore) futex(operation, value uintptr, until *syscall.Timespec) {
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(s.state)), operation, value,
		uintptr(unsafe.Pointer(until)), 0, 0)
	runtime.KeepAlive(until)
}

// spinUntil repeats a look until it says yes or the time is over.
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
