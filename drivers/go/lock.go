package zerobuffer

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// How long to wait for a lock that another process has: it may be just testing it.
const lockPatience = 100 * time.Millisecond

// takeLock locks the file of a name and returns its descriptor. The last owner removes the file while it holds the lock:
// so a lock counts only if the file is still the one at its path.
func takeLock(name string, mode os.FileMode) (int, error) {
	path := lockPath(name)
	directory, err := openLockDirectory(filepath.Dir(path))
	if err != nil {
		return noFile, fromSystem(err, name, "open the lock directory")
	}
	defer closeFile(directory)
	for deadline := time.Now().Add(lockPatience); ; {
		fd, err := openLock(directory, filepath.Base(path), mode)
		if err != nil {
			return noFile, fromSystem(err, name, "open the lock file")
		}
		err = retried(func() error { return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB) })
		there := false
		if err == nil {
			there, err = isAt(fd, path)
		}
		if there {
			_ = syscall.Fchmod(fd, uint32(mode)) // another user's lock file may be ours to lock, but not to change
			return fd, nil
		}
		closeFile(fd)
		switch {
		case err == syscall.EWOULDBLOCK && time.Now().Before(deadline):
			time.Sleep(2 * time.Millisecond) // there is no event for a lock that is given up
		case err == syscall.EWOULDBLOCK:
			return noFile, inUse(name)
		case err != nil:
			return noFile, fromSystem(err, name, "lock the lock file")
		}
	}
}

// openLockDirectory never follows a symbolic link in place of the directory.
func openLockDirectory(path string) (int, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return noFile, err
	}
	err := syscall.Mkdir(path, 0o777)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return noFile, err
	}
	fd, openErr := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|openFlags, 0)
	if openErr != nil {
		return noFile, openErr
	}
	if err == nil {
		// Every user's buffers have their lock here, each removable only by its owner.
		_ = syscall.Fchmod(fd, 0o777|syscall.S_ISVTX)
	}
	return fd, nil
}

// openLock has two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its mode
// allows it. A second link to the file would be a trap: its mode is that of another file.
func openLock(directory int, base string, mode os.FileMode) (int, error) {
	for {
		fd, err := syscall.Openat(directory, base, syscall.O_RDWR|openFlags, 0)
		if err == syscall.ENOENT {
			fd, err = syscall.Openat(directory, base, syscall.O_RDWR|syscall.O_CREAT|syscall.O_EXCL|openFlags, uint32(mode))
			if err == syscall.EEXIST {
				continue
			}
		}
		if err != nil {
			return noFile, err
		}
		var facts syscall.Stat_t
		if err = syscall.Fstat(fd, &facts); err == nil && (!isRegular(&facts) || facts.Nlink > 1) {
			err = syscall.EINVAL
		}
		if err != nil {
			closeFile(fd)
			return noFile, err
		}
		return fd, nil
	}
}

// isAt says whether a file is still the one at its path.
func isAt(fd int, path string) (bool, error) {
	var ours, there syscall.Stat_t
	if err := syscall.Fstat(fd, &ours); err != nil {
		return false, err
	}
	if err := syscall.Lstat(path, &there); err != nil {
		if err == syscall.ENOENT {
			err = nil
		}
		return false, err
	}
	return ours.Dev == there.Dev && ours.Ino == there.Ino, nil
}

// lockHeld says whether the lock of a buffer is held.
func lockHeld(name string) bool {
	fd, err := syscall.Open(lockPath(name), syscall.O_RDONLY|openFlags, 0)
	if err != nil {
		return false
	}
	defer closeFile(fd)
	return syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB) == syscall.EWOULDBLOCK
}

// ---- the locks of the two sides --------------------------------------------------------------------------------

// Each side locks one byte of the segment, far behind its end. The kernel drops the lock with the last descriptor, in
// whatever PID namespace: so a side whose byte is locked lives.
const (
	readerByte  = 1 << 40
	writerByte  = 1 << 41
	removalByte = 1 << 42 // no sign of life: its holder removes what a dead reader left

	getOpenFileLock = 36
	setOpenFileLock = 37
)

// lockByte fails with EAGAIN if the byte is locked through another descriptor.
func lockByte(fd int, place int64) error {
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: place, Len: 1}
	return syscall.FcntlFlock(uintptr(fd), setOpenFileLock, &lock)
}

func unlockByte(fd int, place int64) {
	lock := syscall.Flock_t{Type: syscall.F_UNLCK, Start: place, Len: 1}
	_ = syscall.FcntlFlock(uintptr(fd), setOpenFileLock, &lock)
}

// byteLocked says whether the byte is locked through another descriptor.
func byteLocked(fd int, place int64) bool {
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: place, Len: 1}
	return syscall.FcntlFlock(uintptr(fd), getOpenFileLock, &lock) == nil && lock.Type != syscall.F_UNLCK
}
