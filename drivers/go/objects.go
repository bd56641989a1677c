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
	lock    int // descriptors
	segment int
}

// createObjects makes them all, or none.
func createObjects(name string, config Config) (*objects, error) {
	if err := validateName(name); err != nil {
		return nil, err
	}
	lock, err := takeLock(name, config.Mode)
	if err != nil {
		return nil, err
	}
	o := &objects{name: name, lock: lock, segment: noFile}
	if err := o.fill(config); err != nil {
		return nil, errors.Join(fromSystem(err, name, "create the buffer"), o.dropLock())
	}
	return o, nil
}

// fill makes everything but the lock, the segment last: who sees it finds the rest.
func (o *objects) fill(config Config) (err error) {
	pid, living, err := livingReader(o.name)
	if err != nil {
		return fromSystem(err, o.name, "look at the segment that stands there")
	}
	if living {
		return inUse(o.name, pid)
	}
	if err := unlinkObjects(o.name); err != nil {
		return fromSystem(err, o.name, "remove what a dead owner left")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlinkObjects(o.name))
		}
	}()
	for _, path := range []string{dataPath(o.name), spacePath(o.name)} {
		if err := createSemaphore(path, config.Mode); err != nil {
			return fromSystem(err, o.name, "create the semaphore "+path)
		}
	}
	err = createFile(segmentPath(o.name), config.Mode, func(fd int) error { return o.makeSegment(fd, config) })
	if err != nil {
		closeFile(o.takeSegment())
		return fromSystem(err, o.name, "create the segment")
	}
	return nil
}

func (o *objects) makeSegment(fd int, config Config) error {
	size := int64(config.segmentSize())
	var room syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &room); err == nil && room.Blocks > 0 && size/int64(room.Bsize) >= int64(room.Bavail) {
		return syscall.ENOSPC
	}
	if err := syscall.Ftruncate(fd, size); err != nil {
		return err
	}
	// Mapped before the memory is reserved: a limit of address space is met without touching any.
	control, err := syscall.Mmap(fd, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Munmap(control) }()
	if err := retried(func() error { return syscall.Fallocate(fd, 0, 0, size) }); err != nil {
		return err
	}
	blockAt(control).format(align(config.MetadataSize), align(config.PayloadSize), uint64(os.Getpid()))
	o.segment, err = duplicate(fd)
	return err
}

// takeSegment hands the descriptor of the segment over.
func (o *objects) takeSegment() int {
	fd := o.segment
	o.segment = noFile
	return fd
}

// remove ends all of them, whatever fails on the way; the lock file last.
func (o *objects) remove() error {
	return errors.Join(unlinkObjects(o.name), o.dropLock())
}

func (o *objects) dropLock() error {
	err := unlink(lockPath(o.name))
	closeFile(o.lock)
	return err
}

func unlinkObjects(name string) error {
	return errors.Join(unlink(segmentPath(name)), unlink(dataPath(name)), unlink(spacePath(name)))
}

func unlink(path string) error {
	if err := syscall.Unlink(path); err != nil && err != syscall.ENOENT {
		return &os.PathError{Op: "unlink", Path: path, Err: err}
	}
	return nil
}

func inUse(name string, pid uint64) error {
	return fail(BufferInUse, Details{"name": name, "pid": pid},
		"buffer %q is in use by process %d. Choose another name, or close the reader that has it", name, pid)
}
