package zerobuffer

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"zerobuffer/internal/points"
)

const (
	// How long to wait for a process that creates the buffer, connects to it or leaves it.
	patienceWithOthers = time.Second

	// How long to wait for a reader that is about to be named, or sets straight what a dead writer left.
	patienceWithReader = 50 * time.Millisecond

	connectRetry = time.Millisecond
)

// Option is a choice at a connection.
type Option int

// AnyOwner lets a writer connect to a buffer that another user than root made: that user gets what is written.
const AnyOwner Option = 1

// Connect becomes the writer of a buffer, waiting for its reader until the timeout.
//
// It fails with NotFound, WriterExists, ReaderDead, InvalidOIEB, VersionMismatch, PermissionDenied or InvalidName.
func Connect(name string, timeout time.Duration, options ...Option) (*Writer, error) {
	if err := validateName(name); err != nil {
		return nil, err
	}
	var refused time.Time // for the first time: from then on there is patience
	for patience := timeout; ; {
		writer, again, err := tryConnect(name, slices.Contains(options, AnyOwner))
		if err == nil {
			return writer, nil
		}
		if refused.IsZero() {
			refused = time.Now()
		}
		patience = max(patience, again)
		if again == hopeless || time.Since(refused) >= patience {
			return nil, err
		}
		time.Sleep(connectRetry) // a creation that goes on elsewhere has no event
	}
}

// hopeless is the patience with what waiting does not change.
const hopeless time.Duration = -1

// tryConnect makes one attempt. If it fails it says how long trying again is worth it whatever the timeout.
func tryConnect(name string, anyOwner bool) (*Writer, time.Duration, error) {
	fd, err := syscall.Open(segmentPath(name), syscall.O_RDWR|openFlags, 0)
	if err == syscall.ENOENT {
		return nil, 0, notFound(name)
	}
	if err != nil {
		return nil, hopeless, fromSystem(err, name, "open the segment")
	}
	patience := patienceWithCreation(fd)
	segment, err := openSegment(name, fd, true)
	if err != nil {
		segment.release()
		return nil, patience, err
	}
	points.Pass(points.WriterOpened)
	w := &Writer{name: name, segment: segment, gate: newGate(), stream: stream{ring: segment.ring}}
	w.sequence.Store(1)
	again := hopeless
	if !anyOwner {
		err = w.checkOwner()
	}
	if err == nil {
		again, err = w.openSemaphores()
	}
	if err == nil {
		again, err = w.claim()
	}
	if err != nil {
		segment.release() // and with it the lock
		return nil, max(patience, again), err
	}
	return w, 0, nil
}

// checkOwner refuses the buffer of another user than root, who would get what is written.
func (w *Writer) checkOwner() error {
	if owner, own := w.segment.owner, os.Geteuid(); owner != 0 && owner != own {
		return fail(PermissionDenied, Details{"name": w.name, "owner": owner, "user": own},
			"buffer %q belongs to user %d, not to user %d. If it is that user who shall get what is written, connect with AnyOwner",
			w.name, owner, own)
	}
	return nil
}

func notFound(name string) error {
	return fail(NotFound, Details{"name": name},
		"buffer %q does not exist. Create the reader first, or give the writer a timeout to wait for it", name)
}

// openSemaphores opens those of the segment's owner. They are found by name, and the segment is the first object to come
// and the last to go: so as long as it has its name, they belong to it.
func (w *Writer) openSemaphores() (time.Duration, error) {
	if err := w.segment.openSemaphores(); err != nil {
		if errors.Is(err, syscall.ENOENT) {
			return patienceWithOthers, err // they come after the segment
		}
		return hopeless, err
	}
	there, err := isAt(w.segment.fd, segmentPath(w.name))
	if err != nil {
		return hopeless, fromSystem(err, w.name, "look at the segment once more")
	}
	if !there {
		return patienceWithOthers, notFound(w.name)
	}
	return 0, nil
}

// patienceWithCreation says how long a segment is worth waiting for that names no reader: that is the end of its creation.
func patienceWithCreation(fd int) time.Duration {
	memory := make([]byte, oiebSize)
	count, err := syscall.Pread(fd, memory, 0)
	block := blockAt(memory)
	switch {
	case err != nil || block.readerPID.Load() != 0:
		return hopeless
	case count < oiebSize || block.size.Load() == 0:
		return patienceWithOthers
	}
	return patienceWithReader
}

// claim takes the buffer: the lock, which is for writers of ours, then the number by compare-and-swap, which is for all.
func (w *Writer) claim() (time.Duration, error) {
	if err := w.checkReader(); err != nil {
		return hopeless, err
	}
	err := lockByte(w.segment.fd, writerByte)
	owner := w.stream.block.writerPID.Load()
	if err == nil && (owner == 0 || w.isDead(owner)) {
		if err = w.stream.join(owner); err == errTryAgain {
			return patienceWithOthers, w.taken(owner)
		}
	} else if err == nil || err == syscall.EAGAIN {
		return w.patienceWith(owner), w.taken(owner)
	}
	if err != nil {
		return hopeless, fromSystem(err, w.name, "lock the segment")
	}
	return 0, nil
}

// isDead says whether the owner is dead, while the lock is ours. A number of ours without a lock is that of a dead one, in
// another PID namespace; that of the reader may mean that it is settling.
func (w *Writer) isDead(owner uint64) bool {
	block := w.stream.block
	if owner == pidOf(block.ours.connection.Load()) {
		return true
	}
	return owner != block.readerPID.Load() && (owner == ownPID() || !new(peer).alive(owner))
}

// patienceWith says how long an owner is worth waiting for: nobody, and a reader that is settling, soon make way.
func (w *Writer) patienceWith(owner uint64) time.Duration {
	switch owner {
	case 0:
		return patienceWithOthers
	case w.stream.block.readerPID.Load():
		return patienceWithReader
	}
	return hopeless
}

func (w *Writer) taken(owner uint64) error {
	return fail(WriterExists, Details{"name": w.name, "pid": owner},
		"buffer %q already has a writer, process %d. Close the other one first", w.name, owner)
}
