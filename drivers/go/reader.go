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

// Reader creates a buffer and reads the frames that one writer puts into it.
type Reader struct {
	name     string
	segment  *segment
	objects  *objects
	gate     gate
	closed   atomic.Bool
	cancel   *atomic.Bool // nil, or what ends waits
	leases   leases
	read     uint64 // bytes ever read
	balance  int64  // tokens of "data" taken, less frames read
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
	segment, err := openSegment(name, objects.segment, false)
	if err == nil {
		err = segment.openSemaphores()
	}
	if err != nil {
		err = errors.Join(err, objects.remove())
		segment.release() // after the removal: without the lock the name may be the next owner's
		return nil, err
	}
	begin := segment.ring.size()
	return &Reader{name: name, segment: segment, objects: objects, gate: newGate(), expected: 1,
		read: begin, leases: leases{released: begin}}, nil
}

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
	if err := r.await(end); err != nil {
		return nil, err
	}
	points.Pass(points.ReaderToken)
	return r.takeFrame()
}

func (r *Reader) timedOut(timeout time.Duration) error {
	return fail(Timeout, Details{"name": r.name, "seconds": timeout.Seconds()},
		"no frame came to buffer %q within %v. Wait longer, or see whether the writer writes", r.name, timeout)
}

// await waits until there is a frame. A death is told only when there is none: what was committed before it is
// delivered first. No token is taken here.
func (r *Reader) await(end deadline) error {
	if r.posted() || end.timeout > 0 && spinUntil(spinLimit, r.glance) {
		return nil
	}
	for data := r.segment.data; ; {
		// Before the look at the frames: what is posted after it changes the value.
		seen, present := data.value(), connectionNow(r.segment)
		if r.hasFrame() {
			return nil
		}
		r.writer.present = present
		if r.closed.Load() {
			return closed("reader")
		}
		if r.cancel != nil && r.cancel.Load() {
			return errCancelled
		}
		if state := r.writer.look(r.segment); state != writerAlive {
			if r.hasFrame() { // it was committed between our last look and the end of the writer
				return nil
			}
			r.takeLateTokens()
			r.balance, r.writer.stream = 0, gone // what was not posted will never be
			if state == writerDied {
				r.settle()
			}
			if state != writerAbsent {
				return fail(WriterDead, Details{"name": r.name, "reason": state.String(), "pid": r.writer.pid},
					"the writer of buffer %q is gone (%s) and all its frames are read", r.name, state)
			}
		}
		slice := end.slice()
		if slice == 0 {
			return r.timedOut(end.timeout)
		}
		data.sleep(seen, slice)
	}
}

// posted says whether there is a token for a frame that is not read yet.
func (r *Reader) posted() bool { return int64(r.segment.data.value())+r.balance > 0 }

// committed says whether a writer of ours has committed a frame that is not read yet.
func (r *Reader) committed() bool {
	ring := r.segment.ring
	return ring.block.ours.committed.Load()-r.read-1 < ring.size()
}

func (r *Reader) hasFrame() bool { return r.posted() || r.committed() }

// glance is for a reader that spins: it meets a frame with its token, unless one is missing for ever.
func (r *Reader) glance() bool { return r.posted() || r.balance < 0 && r.committed() }

// settle sets straight what a dead writer left half-done, once for each death: only foreign writers that come next need
// it. The claim and the lock are held meanwhile, so that no writer starts from what is about to change. The lock is
// needed where the dead writer had the number of this process or of the next writer, in other PID namespaces.
func (r *Reader) settle() {
	ring, dead := r.segment.ring, r.writer.pid
	block := ring.block
	death := connection{dead, numberOf(block.ours.connection.Load())}
	if death == r.writer.settled {
		return
	}
	points.Pass(points.ReaderDeath)
	if !block.writerPID.CompareAndSwap(dead, ownPID()) {
		return
	}
	defer block.writerPID.CompareAndSwap(ownPID(), dead)
	if lockByte(r.segment.fd, writerByte) != nil {
		return
	}
	defer unlockByte(r.segment.fd, writerByte)
	if r.hasFrame() {
		return
	}
	r.writer.settled = death
	block.ours.committed.Store(r.read)
	block.writePos.Store(r.read % ring.size()) // the reader's own place, whatever stands in memory
	r.leases.settle(ring, r.read)
	block.writtenCount.Store(block.readCount.Load())
}

// takeFrame reads the frame that is there. If it fails nothing is taken, so that the next read meets the same error.
func (r *Reader) takeFrame() (*Frame, error) {
	ring := r.segment.ring
	pos, err := ring.readPos()
	if err != nil {
		return nil, err
	}
	f, err := ring.peek(pos)
	if err != nil {
		return nil, err
	}
	if f.sequence != r.expected && (f.sequence != 1 || connectionNow(r.segment) == r.writer.stream) {
		return nil, fail(SequenceMismatch, Details{"name": r.name, "expected": r.expected, "seen": f.sequence},
			"buffer %q: expected frame %d, found frame %d. Recreate the buffer", r.name, r.expected, f.sequence)
	}
	if f.sequence == 1 {
		r.writer.beginStream(r.segment, r.read)
	}
	if f.wrapped > 0 {
		r.leases.giveBack(r.leases.add(f.wrapped, false), r.segment)
		points.Pass(points.ReaderWrap)
	}
	number := r.leases.add(headerSize+f.size, true)
	r.expected = f.sequence + 1
	r.read += f.wrapped + headerSize + f.size
	ring.advance(f)
	r.takeToken()
	r.segment.retain()
	data := ring.payload[f.at : f.at+f.size : f.at+f.size]
	return &Frame{reader: r, lease: number, data: data, size: f.size, sequence: f.sequence}, nil
}

// takeToken takes the token of a frame that was read. A frame may be seen a moment before its post: waiting for that
// keeps the semaphore exact.
func (r *Reader) takeToken() {
	data := r.segment.data
	if r.balance--; data.try() || spinUntil(spinLimit, data.try) {
		r.balance++
		r.takeLateTokens()
	}
}

// takeLateTokens takes those that came too late for the frames that they announce.
func (r *Reader) takeLateTokens() {
	for r.balance < 0 && r.segment.data.try() {
		r.balance++
	}
}

// Metadata returns a copy of what the writer left, or fails with NoMetadata or InvalidOIEB.
func (r *Reader) Metadata() ([]byte, error) {
	r.gate.lock()
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
	r.gate.lock()
	defer r.gate.leave()
	return !r.closed.Load() && r.writer.look(r.segment) != writerAbsent
}

// Close wakes a blocked writer and removes the buffer, whatever fails on the way. Frames that are still held keep their
// bytes until they are released.
func (r *Reader) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	// A call that waits inside sees the flag within a slice.
	r.gate.lock()
	defer r.gate.leave()
	r.leases.end()
	r.segment.ring.block.readerPID.Store(0)
	_ = r.segment.space.post()
	err := r.objects.remove()
	unlockByte(r.segment.fd, readerByte) // frames that are out keep the segment open
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
type connection struct{ pid, number uint64 }

// gone differs from every connection: what restarts after it is another stream.
var gone = connection{number: math.MaxUint64}

type writerWatch struct {
	pid     uint64 // the last one seen
	peer    peer
	seen    bool
	present connection // the one there when the reader last found nothing to read
	settled connection // whose death was settled last
	stream  connection // whose sequence is being read, gone if that is not certain
	author  connection // probably its writer
}

func (w *writerWatch) look(s *segment) writerState {
	block := s.ring.block
	word := block.ours.connection.Load() // before the pid, and both before the look at the lock
	pid := block.writerPID.Load()
	if pid == 0 {
		w.seen = w.seen || block.writtenCount.Load() != 0 || block.metadataWritten.Load() != 0
		if w.seen {
			return writerClosed
		}
		return writerAbsent
	}
	w.seen, w.pid = true, pid
	if byteLocked(s.fd, writerByte) || pid != pidOf(word) && w.peer.alive(pid) {
		return writerAlive
	}
	if block.ours.connection.Load() != word || block.writerPID.Load() != pid {
		return writerAlive // a writer came or went meanwhile: the next look tells
	}
	return writerDied
}

// beginStream notes whose sequence begins with a frame, before which `read` bytes were read: that of the writer that is
// connected now, unless the frame may be older. A writer of ours says when it came, of a foreign one the reader knows if it
// was there before the frame.
func (w *writerWatch) beginStream(s *segment, read uint64) {
	w.seen = true
	now, ours := connectionNow(s), &s.ring.block.ours
	isOurs := now.pid == pidOf(ours.connection.Load())
	before := isOurs && read-ours.streamStart.Load() >= 1<<63 // below it, as a difference
	w.author = now
	if now.pid == 0 || before {
		w.author = gone
	}
	w.stream = w.author
	if !isOurs && now != w.present {
		w.stream = gone
	}
}

// connectionNow loads the number first: that of an announcement that was taken back never comes with a later pid.
func connectionNow(s *segment) connection {
	block := s.ring.block
	number := numberOf(block.ours.connection.Load())
	return connection{block.writerPID.Load(), number}
}

func ownPID() uint64 { return uint64(os.Getpid()) }
