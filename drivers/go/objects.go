package zerobuffer

import (
	"errors"
	"os"
	"syscall"
)

// objects are the four things of the system behind one buffer: segment, two semaphores, lock file. The reader owns
// them: what belongs to a living owner is never touched, what a dead one left is replaced.
type objects struct {
	name    string
	lock    int            // a descriptor
	segment int            // a descriptor, noFile until it is made
	made    syscall.Stat_t // of the segment
}

// createObjects makes them all, or none.
func createObjects(name string, config Config) (*objects, error) {
	if err := validateName(name); err != nil {
		return nil, err
	}
	o := &objects{name: name, segment: noFile}
	if err := o.takeLock(config.Mode); err != nil {
		return nil, err
	}
	if err := o.fill(config); err != nil {
		err = errors.Join(err, o.remove())
		closeFile(o.segment) // after the removal: without the lock the name may be the next owner's
		return nil, err
	}
	return o, nil
}

// fill makes everything but the lock. The name of the segment is the ownership: it comes first, locked already.
func (o *objects) fill(config Config) (err error) {
	if err := removeOrphan(o.name); err != nil {
		return err
	}
	lock := func(fd int) error { return errors.Join(syscall.Fstat(fd, &o.made), lockByte(fd, readerByte)) }
	if o.segment, err = createFile(segmentPath(o.name), config.Mode, lock); err == syscall.EEXIST {
		return inUse(o.name)
	} else if err != nil {
		return fromSystem(err, o.name, "create the segment")
	}
	for _, path := range []string{dataPath(o.name), spacePath(o.name)} {
		if err := unlink(path); err != nil {
			return fromSystem(err, o.name, "remove what a dead owner left")
		}
		if err := createSemaphore(path, config.Mode); err != nil {
			return fromSystem(err, o.name, "create the semaphore "+path)
		}
	}
	if err := formatSegment(o.segment, config); err != nil {
		return fromSystem(err, o.name, "create the segment")
	}
	return nil
}

func formatSegment(fd int, config Config) error {
	size := int64(config.segmentSize())
	var room syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &room); err == nil && room.Blocks > 0 && size/int64(room.Bsize) >= int64(room.Bavail) {
		return syscall.ENOSPC
	}
	// Mapped before there is memory, which gives the file its length: a limit of address space is met without touching any.
	control, err := mapApart(fd, int(size), true)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Munmap(control) }()
	if err := retried(func() error { return syscall.Fallocate(fd, 0, 0, size) }); err != nil {
		return err
	}
	blockAt(control).format(align(config.MetadataSize), align(config.PayloadSize), ownPID())
	return nil
}

// remove ends all of them, whatever fails on the way; the lock file last. A segment of another owner in this one's place
// stays, with its semaphores.
func (o *objects) remove() error {
	var err error
	var there syscall.Stat_t
	if o.segment != noFile && (syscall.Lstat(segmentPath(o.name), &there) != nil || there.Ino == o.made.Ino) {
		err = unlinkObjects(o.name)
	}
	err = errors.Join(err, unlink(lockPath(o.name)))
	closeFile(o.lock)
	return err
}

// unlinkObjects removes the segment last: as long as it has its name, the semaphores are its own.
func unlinkObjects(name string) error {
	return errors.Join(unlink(dataPath(name)), unlink(spacePath(name)), unlink(segmentPath(name)))
}

func unlink(path string) error {
	if err := syscall.Unlink(path); err != nil && err != syscall.ENOENT {
		return &os.PathError{Op: "unlink", Path: path, Err: err}
	}
	return nil
}

func inUse(name string) error {
	return fail(BufferInUse, Details{"name": name},
		"buffer %q is in use. Choose another name, or close the reader that has it", name)
}
