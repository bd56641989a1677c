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
func createFile(path string, mode os.FileMode, fill func(fd int) error) error {
	fd, err := syscall.Open(filepath.Dir(path), syscall.O_RDWR|temporaryFile|syscall.O_CLOEXEC, uint32(mode))
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.Fchmod(fd, uint32(mode)); err != nil {
		return err
	}
	if err := fill(fd); err != nil {
		return err
	}
	return link(fmt.Sprintf("/proc/self/fd/%d", fd), path)
}

func link(from, to string) error {
	source, err := syscall.BytePtrFromString(from)
	if err != nil {
		return err
	}
	target, err := syscall.BytePtrFromString(to)
	if err != nil {
		return err
	}
	here := currentPlace
	_, _, number := syscall.Syscall6(syscall.SYS_LINKAT, uintptr(here), uintptr(unsafe.Pointer(source)),
		uintptr(here), uintptr(unsafe.Pointer(target)), followLink, 0)
	if number != 0 {
		return number
	}
	return nil
}

func duplicate(fd int) (int, error) {
	copied, _, number := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if number != 0 {
		return noFile, number
	}
	return int(copied), nil
}

// retried repeats a system call that a signal interrupted.
func retried(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
