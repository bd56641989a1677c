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

// takeLock locks the file of the name. The last owner removes the file while it holds the lock: so a lock counts only if
// the file is still the one at its path.
func (o *objects) takeLock(mode os.FileMode) error {
	path := lockPath(o.name)
	directory, err := openLockDirectory(filepath.Dir(path))
	if err != nil {
		return fromSystem(err, o.name, "open the lock directory")
	}
	defer closeFile(directory)
	for deadline := time.Now().Add(lockPatience); ; {
		if o.lock, err = openLock(directory, filepath.Base(path), mode); err != nil {
			return fromSystem(err, o.name, "open the lock file")
		}
		err = syscall.Flock(o.lock, syscall.LOCK_EX|syscall.LOCK_NB)
		there := false
		if err == nil {
			there, err = isAt(o.lock, path)
		}
		if there {
			_ = syscall.Fchmod(o.lock, uint32(mode)) // another user's lock file may be ours to lock, but not to change
			return nil
		}
		closeFile(o.lock)
		switch {
		case err == syscall.EWOULDBLOCK && time.Now().Before(deadline):
			time.Sleep(2 * time.Millisecond) // there is no event for a lock that is given up
		case err == syscall.EWOULDBLOCK:
			return inUse(o.name)
		case err != nil:
			return fromSystem(err, o.name, "lock the lock file")
		}
	}
}

// openLockDirectory never follows a symbolic link in place of the directory.
func openLockDirectory(path string) (int, error) {
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = syscall.Mkdir(path, 0o777)
	}
	made := err == nil
	if !made && !errors.Is(err, os.ErrExist) {
		return noFile, err
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|openFlags, 0)
	if made {
		// Every user's buffers have their lock here, each removable only by its owner.
		_ = syscall.Fchmod(fd, 0o777|syscall.S_ISVTX)
	}
	return fd, err
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
		var facts syscall.Stat_t
		if err == nil {
			_ = syscall.Fstat(fd, &facts) // cannot fail for a file that is open
			if !isRegular(&facts) || facts.Nlink > 1 {
				closeFile(fd)
				err = syscall.EINVAL
			}
		}
		return fd, err
	}
}

// isAt says whether a file is still the one at its path.
func isAt(fd int, path string) (bool, error) {
	var ours, there syscall.Stat_t
	_ = syscall.Fstat(fd, &ours) // cannot fail for a file that is open
	err := syscall.Lstat(path, &there)
	if err == syscall.ENOENT {
		return false, nil
	}
	return ours.Dev == there.Dev && ours.Ino == there.Ino, err
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
