package zerobuffer

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

// Descriptors are plain numbers here: os.File would bring in Go's poller, which ends the process when it cannot have a
// descriptor of its own.
const (
	noFile    = -1
	openFlags = syscall.O_NOFOLLOW | syscall.O_CLOEXEC | syscall.O_NONBLOCK
)

func closeFile(fd int) {
	if fd != noFile {
		_ = syscall.Close(fd)
	}
}

func isRegular(facts *syscall.Stat_t) bool { return facts.Mode&syscall.S_IFMT == syscall.S_IFREG }

const (
	temporaryFile = 0o20000000 | syscall.O_DIRECTORY
	currentPlace  = -100
	followLink    = 0x400
)

// createFile makes a file in shared memory that is complete when its name appears, and leaves nothing if it fails or
// the process dies meanwhile. The mode is set exactly, not subject to the umask.
func createFile(path string, mode os.FileMode, fill func(fd int) error) (int, error) {
	fd, err := syscall.Open(filepath.Dir(path), syscall.O_RDWR|temporaryFile|syscall.O_CLOEXEC, uint32(mode))
	if err == nil {
		err = syscall.Fchmod(fd, uint32(mode))
	}
	if err == nil {
		err = fill(fd)
	}
	if err == nil {
		err = link(procPath(fd), path)
	}
	if err != nil {
		closeFile(fd)
		return noFile, err
	}
	return fd, nil
}

func procPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// mapApart maps a file through a descriptor of its own: a mapping keeps its open file, and the locks of that, alive
// beyond the last descriptor.
func mapApart(fd, length int, writable bool) ([]byte, error) {
	protection := syscall.PROT_READ
	if writable {
		protection |= syscall.PROT_WRITE
	}
	apart, err := syscall.Open(procPath(fd), syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer closeFile(apart)
	return syscall.Mmap(apart, 0, length, protection, syscall.MAP_SHARED)
}

func link(from, to string) error {
	source, target := append([]byte(from), 0), append([]byte(to), 0)
	here := currentPlace
	_, _, number := syscall.Syscall6(syscall.SYS_LINKAT, uintptr(here), uintptr(unsafe.Pointer(&source[0])),
		uintptr(here), uintptr(unsafe.Pointer(&target[0])), followLink, 0)
	if number != 0 {
		return number
	}
	return nil
}

// retried repeats a system call that a signal interrupted.
func retried(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
