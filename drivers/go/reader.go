package zerobuffer

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"sync/atomic"
	"time"

	"zerobuffer/internal/points"
)

// errCancelled ends a wait on behalf of a duplex server that stops.
var errCancelled = errors.New("the wait was cancelled")

// errSurplus says that a token stood for no frame.
var errSurplus = errors.New("the token is surplus")

// Reader creates a buffer and reads the frames that one writer puts into it.
type Reader struct {
	name     string
	segment  *segment
	objects  *objects
	gate     gate
	closed   atomic.Bool
	cancel   *atomic.Bool // nil, or what ends waits
	leases   leases
	tokens   uint64 // posts of "data" that were taken and not yet turned into a frame
	surplus  uint64 // tokens that stood for no frame
	expected uint64 // sequence of the next frame
	writer   writerWatch
}

// NewReader creates a buffer, replacing what a dead reader left.
//
// It fails with InvalidName, BufferInUse, PermissionDenied, ResourceExhausted or SystemError.
func NewReader(name string, config Config) (*Reader, error) {
	config, err := config.checked()
	if err != nil {
		return nil, err
	}
	objects, err := createObjects(name, config)
	if err != nil {
		return nil, err
	}
	segment, err := openSegment(name, objects.takeSegment(), false)
	if err != nil {
		return nil, errors.Join(err, objects.remove())
	}
	if err := segment.openSemaphores(); err != nil {
		segment.release()
		return nil, errors.Join(err, objects.remove())
	}
	segment.lockAsReader()
	return &Reader{name: name, segment: segment, objects: objects, gate: newGate(), expected: 1}, nil
}

// Name returns the name of the buffer.
func (r *Reader) Name() string { return r.name }

// Read waits for the next frame and lends it; it must be released. Several may be held at once.
//
// It fails with Timeout, with WriterDead once every frame of a writer that is gone has been read, with
// InvalidFrameSize or SequenceMismatch if the memory is corrupt, or with Closed.
func (r *Reader) Read(timeout time.Duration) (*Frame, error) {
	end := deadlineIn(timeout)
	if !r.gate.enter(end) {
		return nil, r.timedOut(timeout)
	}
	defer r.gate.leave()
	if r.closed.Load() {
		return nil, closed("reader")
	}
	for {
		if err := r.takeToken(end); err != nil {
			return nil, err
		}
		points.Pass(points.ReaderToken)
		if frame, err := r.takeFrame(); err != errSurplus {
			return frame, err
		}
	}
}

func (r *Reader) timedOut(timeout time.Duration) error {
	return fail(Timeout, Details{"name": r.name, "seconds": timeout.Seconds()},
		"no frame came to buffer %q within %v. Wait longer, or see whether the writer writes", r.name, timeout)
}

// takeToken waits until there is a frame. A death is told only when no token is left: what was committed before it is
// delivered first.
func (r *Reader) takeToken(end deadline) error {
	data := r.segment.data
	if r.tokens > 0 {
		return nil
	}
	if data.try() || end.timeout > 0 && data.spin(spinLimit) {
		r.tokens++
		return nil
	}
	for {
		if r.closed.Load() {
			return closed("reader")
		}
		if r.cancel != nil && r.cancel.Load() {
			return errCancelled
		}
		state := r.writer.look(r.segment)
		gone := state == writerClosed || state == writerDied
		// It may have posted between our last look at the token and its end.
		if gone && !data.try() {
			if state == writerDied {
				r.rollBack()
			}
			return r.writerGone(state)
		}
		if !gone {
			slice := end.slice()
			if slice == 0 {
				return r.timedOut(end.timeout)
			}
			if !data.wait(slice) {
				continue
			}
		}
		r.tokens++
		return nil
	}
}

func (r *Reader) writerGone(state writerState) error {
	return fail(WriterDead, Details{"name": r.name, "reason": state.String(), "pid": r.writer.peer.pid},
		"the writer of buffer %q is gone (%s) and all its frames are read", r.name, state)
}

// rollBack undoes the half-done frame of a dead writer. The claim is held meanwhile, so that no new writer starts from a
// position that is about to change.
func (r *Reader) rollBack() {
	block := r.segment.ring.block
	dead := r.writer.peer.pid
	if !r.writer.rollBackDue {
		return
	}
	r.writer.rollBackDue = false
	if !block.writerPID.CompareAndSwap(dead, block.readerPID.Load()) {
		return
	}
	if r.segment.data.value() == 0 {
		r.segment.ring.rollBack(r.leases.held())
	}
	block.writerPID.Store(dead)
}

// takeFrame turns a token into a frame. If it fails the token stays, so that the next read meets the same error; only a
// token that is surplus is gone.
func (r *Reader) takeFrame() (*Frame, error) {
	ring := r.segment.ring
	pos, err := ring.readPos()
	if err != nil {
		return nil, err
	}
	drained := ring.drained(pos) // before the look: if it is not, what stands there is whole
	f, err := ring.peek(pos)
	if drained && r.excuses(err != nil || f.sequence != r.expected) {
		r.tokens--
		r.surplus++
		return nil, errSurplus
	}
	if err != nil {
		return nil, err
	}
	if f.sequence != r.expected && !(f.sequence == 1 && r.writer.isAnother(r.segment)) {
		return nil, fail(SequenceMismatch, Details{"name": r.name, "expected": r.expected, "seen": f.sequence},
			"buffer %q: expected frame %d, found frame %d. Recreate the buffer", r.name, r.expected, f.sequence)
	}
	if f.sequence == 1 {
		r.writer.beginStream(r.segment, f, ring.block.readCount.Load(), r.tokens-1+r.segment.data.value())
	}
	if f.wrapped > 0 {
		r.leases.add(f.wrapped, false)
		r.leases.drainWraps(r.segment)
		points.Pass(points.ReaderWrap)
	}
	number := r.leases.add(headerSize+f.size, true)
	r.expected = f.sequence + 1
	r.tokens--
	ring.advance(f)
	r.segment.retain()
	data := ring.payload[f.at : f.at+f.size : f.at+f.size]
	return &Frame{reader: r, lease: number, data: data, size: f.size, sequence: f.sequence}, nil
}

// excuses says whether a token may stand for no frame. A writer that takes over from a killed one posts what that one
// owed; if this reader stood still for long between a token and its frame, that is one too many. So each succession
// excuses one, that of a writer of whom nothing was read yet only where what stands there is strange: what is left of a
// frame that was read can look like the next of another stream, but not of its own.
func (r *Reader) excuses(strange bool) bool {
	begun := r.writer.streams
	return r.surplus+1 < begun || r.surplus+1 == begun && strange && r.writer.isAnother(r.segment)
}

// Metadata returns a copy of what the writer left, or fails with NoMetadata or InvalidOIEB.
func (r *Reader) Metadata() ([]byte, error) {
	r.gate.enter(deadlineIn(Forever))
	defer r.gate.leave()
	if r.closed.Load() {
		return nil, closed("reader")
	}
	ring := r.segment.ring
	written := ring.block.metadataWritten.Load()
	if written == 0 {
		return nil, fail(NoMetadata, Details{"name": r.name},
			"buffer %q has no metadata yet. Read a frame first, or try again", r.name)
	}
	most := uint64(len(ring.metadata))
	if written <= prefixSize || written > most {
		return nil, corrupt(r.name, "metadata_written_bytes", written, most)
	}
	if length := binary.LittleEndian.Uint64(ring.metadata); length != written-prefixSize {
		return nil, corrupt(r.name, "metadata length", length, written-prefixSize)
	}
	return append([]byte(nil), ring.metadata[prefixSize:written]...), nil
}

// WriterKnown says whether a writer has ever been seen.
func (r *Reader) WriterKnown() bool {
	r.gate.enter(deadlineIn(Forever))
	defer r.gate.leave()
	return !r.closed.Load() && r.writer.look(r.segment) != writerAbsent
}

// Close wakes a blocked writer and removes the buffer, whatever fails on the way. Frames that are still held keep their
// bytes until they are released.
func (r *Reader) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	// Whoever waits inside sees the flag within a slice.
	r.gate.enter(deadlineIn(Forever))
	defer r.gate.leave()
	r.leases.end()
	r.segment.ring.block.readerPID.Store(0)
	_ = r.segment.space.post()
	r.writer.peer.close()
	err := r.objects.remove()
	r.segment.release()
	if err != nil {
		return fromSystem(err, r.name, "remove the buffer")
	}
	return nil
}

// ---- the writer as the reader sees it --------------------------------------------------------------------------

type writerState int

const (
	writerAbsent writerState = iota
	writerAlive
	writerClosed
	writerDied
)

func (s writerState) String() string { return [...]string{"absent", "alive", "closed", "died"}[s] }

// connection tells one stay of a writer from every other.
type connection struct {
	pid    uint64
	lock   int64
	before uint64 // frames and markers that were written before it
}

// nobody differs from every connection: what restarts after it is another stream.
var nobody = connection{lock: math.MinInt64}

type writerWatch struct {
	peer        peer
	seen        bool
	rollBackDue bool
	stream      connection // whose sequence is being read
	streams     uint64     // how many have begun
}

func (w *writerWatch) look(s *segment) writerState {
	block := s.ring.block
	pid := block.writerPID.Load()
	if pid == 0 {
		w.seen = w.seen || block.writtenCount.Load() != 0 || block.metadataWritten.Load() != 0
		w.stream = nobody
		if w.seen {
			return writerClosed
		}
		return writerAbsent
	}
	w.seen = true
	if pid != w.peer.pid {
		w.rollBackDue = true
	}
	w.peer.watch(pid)
	// A number that was never known here may belong to another namespace: the lock proves that it lives.
	if w.peer.alive() || w.peer.unknown && s.writerLocked() {
		return writerAlive
	}
	return writerDied
}

func (w *writerWatch) isAnother(s *segment) bool { return connectionNow(s) != w.stream }

// beginStream notes whose sequence begins with a frame (or the marker before it) that `index` others precede. It is that
// of the writer that is connected now, unless the frame was written before that one came. A writer of another
// implementation does not say when it came: there, another beginning behind the frame tells that its writer is gone.
func (w *writerWatch) beginStream(s *segment, f found, index, pending uint64) {
	w.seen = true
	w.streams++
	w.stream = connectionNow(s)
	older := index < w.stream.before
	if w.stream.lock == 0 {
		older = s.ring.restartAhead(f.next, pending)
	}
	if w.stream.pid == 0 || older {
		w.stream = nobody
	}
}

func connectionNow(s *segment) connection {
	place, before := s.writerLock()
	return connection{s.ring.block.writerPID.Load(), place, before}
}

func ownPID() uint64 { return uint64(os.Getpid()) }
