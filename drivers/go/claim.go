package zerobuffer

import (
	"errors"
	"syscall"
	"time"

	"zerobuffer/internal/points"
)

const (
	// How long to wait for a reader that is in the middle of creating the buffer.
	creationPatience = time.Second

	// How long to wait for a reader that takes back what a dead writer left half-done.
	repairPatience = 50 * time.Millisecond

	connectRetry = time.Millisecond
)

// Connect becomes the writer of a buffer, waiting for its reader until the timeout.
//
// It fails with NotFound, WriterExists, ReaderDead, InvalidOIEB, VersionMismatch, PermissionDenied or InvalidName.
func Connect(name string, timeout time.Duration) (*Writer, error) {
	if err := validateName(name); err != nil {
		return nil, err
	}
	var refused time.Time // for the first time: from then on there is patience
	for begin := time.Now(); ; {
		writer, patience, err := tryConnect(name)
		if err == nil {
			return writer, nil
		}
		if refused.IsZero() {
			refused = time.Now()
		}
		if patience == hopeless || time.Since(begin) >= timeout && time.Since(refused) >= patience {
			return nil, err
		}
		time.Sleep(connectRetry) // a creation that goes on elsewhere has no event
	}
}

// hopeless is the patience with what waiting does not change.
const hopeless time.Duration = -1

// tryConnect makes one attempt. If it fails it says how long trying again is worth it whatever the timeout.
func tryConnect(name string) (*Writer, time.Duration, error) {
	fd, err := syscall.Open(segmentPath(name), syscall.O_RDWR|openFlags, 0)
	if err == syscall.ENOENT {
		return nil, 0, notFound(name)
	}
	if err != nil {
		return nil, hopeless, fromSystem(err, name, "open the segment")
	}
	patience := hopeless
	if unformatted(fd) {
		patience = creationPatience
	}
	segment, err := openSegment(name, fd, true)
	if err != nil {
		return nil, patience, err
	}
	points.Pass(points.WriterOpened)
	w := &Writer{name: name, segment: segment, gate: newGate()}
	w.sequence.Store(1)
	patience, err = w.openSemaphores()
	if err == nil {
		patience, err = w.claim()
	}
	if err != nil {
		w.reader.close()
		segment.release()
		return nil, patience, err
	}
	return w, 0, nil
}

func notFound(name string) error {
	return fail(NotFound, Details{"name": name},
		"buffer %q does not exist. Create the reader first, or give the writer a timeout to wait for it", name)
}

// openSemaphores opens those of the segment's owner. They are found by name: an owner's objects are removed before the
// next owner makes its own, the segment first. So as long as the segment has its name, they belong to it.
func (w *Writer) openSemaphores() (time.Duration, error) {
	if err := w.segment.openSemaphores(); err != nil {
		if errors.Is(err, syscall.ENOENT) {
			return creationPatience, err // peers make the semaphores after the segment
		}
		return hopeless, err
	}
	there, err := isAt(w.segment.fd, segmentPath(w.name))
	if err != nil {
		return hopeless, fromSystem(err, w.name, "look at the segment once more")
	}
	if !there {
		return creationPatience, notFound(w.name)
	}
	return 0, nil
}

// unformatted says whether a segment is still short or all zero: then it is in the middle of its creation.
func unformatted(fd int) bool {
	memory := make([]byte, oiebSize)
	count, err := syscall.Pread(fd, memory, 0)
	if err != nil || count < oiebSize {
		return err == nil
	}
	for _, value := range memory {
		if value != 0 {
			return false
		}
	}
	return true
}

// claim takes the buffer by compare-and-swap: from nobody, or from a writer that is dead.
func (w *Writer) claim() (time.Duration, error) {
	if err := w.checkReader(); err != nil {
		return hopeless, err
	}
	block := w.segment.ring.block
	owner := block.writerPID.Load()
	if owner != 0 {
		var other peer
		other.watch(owner)
		// Our own number without a lock is that of a dead process that had it before us, as in a restarted container.
		trusted, doubtful := owner != ownPID() && other.alive(), owner == ownPID() || other.unknown
		living := trusted || doubtful && w.segment.writerLocked()
		other.close()
		if living {
			if owner == block.readerPID.Load() && owner != ownPID() {
				return repairPatience, w.taken(owner)
			}
			return hopeless, w.taken(owner)
		}
	}
	if !block.writerPID.CompareAndSwap(owner, ownPID()) {
		return repairPatience, w.taken(block.writerPID.Load())
	}
	w.segment.ring.finishCommit() // so that the lock counts its frame as older
	w.segment.lockAsWriter()
	return 0, w.settle()
}

func (w *Writer) taken(owner uint64) error {
	return fail(WriterExists, Details{"name": w.name, "pid": owner},
		"buffer %q already has a writer, process %d. Close the other one first", w.name, owner)
}

// settle finishes what a dead writer had begun, and posts the frames that it made part of the ring without posting them.
// The reader may stand between a token and its frame: so the least of several looks counts.
func (w *Writer) settle() error {
	const looks = 3
	w.segment.ring.takeUnread()
	owed := w.segment.ring.owed(w.segment.data.value())
	for look := 1; look < looks && owed > 0; look++ {
		time.Sleep(time.Millisecond)
		owed = min(owed, w.segment.ring.owed(w.segment.data.value()))
	}
	for ; owed > 0; owed-- {
		if err := w.post(); err != nil {
			return err
		}
	}
	return nil
}
