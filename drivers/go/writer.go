package zerobuffer

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"zerobuffer/internal/points"
)

const (
	// Tokens of "space" pile up while the writer never blocks, and overflow at 2^31-1: drained every so many writes.
	drainInterval = 64

	// How long the reader counts as alive after a look.
	lookFresh = 50 * time.Microsecond
)

// Writer writes frames into a buffer that a reader created. A buffer has one writer.
type Writer struct {
	name     string
	segment  *segment
	gate     gate
	closed   atomic.Bool
	cancel   *atomic.Bool // nil, or what ends waits
	stream   stream
	reader   peer
	looked   time.Time     // when the reader was last seen alive
	sequence atomic.Uint64 // of the next frame
	writes   uint64
	slot     *Slot // the one that is out
}

func (w *Writer) Name() string { return w.name }

// NextSequence returns the number that the next frame will carry.
func (w *Writer) NextSequence() uint64 { return w.sequence.Load() }

// Write copies a frame into the ring, waiting for space if need be, and returns its sequence.
//
// It fails with BufferFull, with ReaderDead, at once with FrameTooLarge or FrameUnwritable for what no waiting helps,
// with InvalidFrameSize for no bytes, InvalidOIEB if the memory is corrupt, or with Closed.
func (w *Writer) Write(data []byte, timeout time.Duration) (uint64, error) {
	p, err := w.enter(len(data), deadlineIn(timeout))
	if err != nil {
		return 0, err
	}
	defer w.gate.leave()
	copy(w.segment.ring.payload[p.at+headerSize:], data)
	points.Pass(points.WriterData)
	return w.publish(p)
}

// Acquire lends a place in the ring for one frame, to be committed or abandoned before the next write. It fails as
// Write does.
func (w *Writer) Acquire(size int, timeout time.Duration) (*Slot, error) {
	p, err := w.enter(max(0, size), deadlineIn(timeout))
	if err != nil {
		return nil, err
	}
	defer w.gate.leave()
	w.segment.retain()
	from := p.at + headerSize
	w.slot = &Slot{writer: w, plan: p, data: w.segment.ring.payload[from : from+p.size : from+p.size]}
	return w.slot, nil
}

// enter lets one caller in once its frame can be written, and says where. Unless it fails, the gate is to be left.
func (w *Writer) enter(size int, end deadline) (p plan, err error) {
	if !w.gate.enter(end) {
		return p, fail(BufferFull, Details{"name": w.name, "size": size, "seconds": end.timeout.Seconds()},
			"buffer %q was busy with other calls for %v", w.name, end.timeout)
	}
	switch {
	case w.closed.Load():
		err = closed("writer")
	case w.slot != nil:
		err = busy(w.name, "an acquired frame is neither committed nor abandoned")
	default:
		p, err = w.place(uint64(size), end)
	}
	if err != nil {
		w.gate.leave()
	}
	return p, err
}

func (w *Writer) full(size, needed uint64, end deadline) error {
	_, free, _ := w.stream.state()
	return fail(BufferFull,
		Details{"name": w.name, "size": size, "seconds": end.timeout.Seconds(), "needed": needed, "free": free},
		"buffer %q had no space for a frame of %d bytes within %v (%d needed, %d free)",
		w.name, size, end.timeout, needed, free)
}

// place plans a frame and waits until it can be written.
func (w *Writer) place(size uint64, end deadline) (plan, error) {
	if err := w.checkReader(); err != nil {
		return plan{}, err
	}
	if w.writes++; w.writes%drainInterval == 0 {
		w.segment.space.drain()
	}
	for {
		pos, free, err := w.stream.state()
		if err != nil {
			return plan{}, err
		}
		p, err := w.stream.planFrame(pos, size)
		if err != nil {
			return plan{}, err
		}
		if p.need() <= free {
			points.Pass(points.WriterPlanned)
			return p, nil
		}
		if err := w.waitForSpace(p, end); err != nil {
			return plan{}, err
		}
	}
}

// waitForSpace sleeps until the reader releases something, for one slice at most.
func (w *Writer) waitForSpace(p plan, end deadline) error {
	if end.timeout > 0 && spinUntil(spinLimit, func() bool { return w.stream.hasRoom(p.need()) }) {
		return nil
	}
	seen := w.segment.space.value() // before the look at the room: what is released after it changes the value
	if w.cancel != nil && w.cancel.Load() {
		return errCancelled
	}
	if err := w.checkReader(); err != nil {
		return err
	}
	if w.stream.hasRoom(p.need()) {
		return nil
	}
	slice := end.slice()
	if slice == 0 {
		return w.full(p.size, p.need(), end)
	}
	w.segment.space.sleep(seen, slice)
	return nil
}

func (w *Writer) publish(p plan) (uint64, error) {
	sequence := w.sequence.Load()
	w.stream.publish(p, sequence)
	w.sequence.Store(sequence + 1)
	if err := w.segment.data.post(); err != nil {
		return 0, fromSystem(err, w.name, "post the semaphore of data")
	}
	points.Pass(points.WriterPost)
	points.Pass(points.WriterDone)
	return sequence, nil
}

// CheckReader fails with ReaderDead if the reader is gone.
func (w *Writer) CheckReader() error {
	w.gate.lock()
	defer w.gate.leave()
	return w.checkReader()
}

func (w *Writer) checkReader() error {
	if w.closed.Load() {
		return closed("writer")
	}
	block := w.segment.ring.block
	pid, reason := block.readerPID.Load(), "died"
	if pid != 0 {
		if now := time.Now(); now.Sub(w.looked) < lookFresh {
			return nil
		} else if w.readerLives(pid) {
			w.looked = now
			return nil
		}
	}
	if block.readerPID.Load() == 0 { // it may have closed since the first look
		reason = "closed"
	}
	return fail(ReaderDead, Details{"name": w.name, "reason": reason, "pid": pid},
		"the reader of buffer %q is gone (%s). Close this writer, and connect again when it is back", w.name, reason)
}

// readerLives goes by the lock of a reader of ours. A foreign one has its number and, where that was never known, its
// lock file; but the file of a segment without a name belongs to another reader.
func (w *Writer) readerLives(pid uint64) bool {
	s := w.segment
	if byteLocked(s.fd, readerByte) {
		return true
	}
	if s.ring.block.ours.released.Load() != 0 || s.orphaned() {
		return false
	}
	return w.reader.alive(pid) || !w.reader.known && lockHeld(w.name)
}

// SetMetadata writes the metadata: once, before or after frames.
//
// It fails with MetadataEmpty, MetadataExists, MetadataTooLarge, ReaderDead or Closed.
func (w *Writer) SetMetadata(content []byte) error {
	w.gate.lock()
	defer w.gate.leave()
	if err := w.checkReader(); err != nil {
		return err
	}
	ring, size := w.segment.ring, uint64(len(content))
	block := ring.block
	if size == 0 {
		return fail(MetadataEmpty, Details{"name": w.name},
			"empty metadata cannot be written to buffer %q. Write at least one byte, or none at all", w.name)
	}
	if block.metadataWritten.Load() != 0 {
		return fail(MetadataExists, Details{"name": w.name},
			"buffer %q already has its metadata. Send what changes as frames", w.name)
	}
	room := uint64(len(ring.metadata))
	if most := room - min(room, prefixSize); size > most {
		return fail(MetadataTooLarge, Details{"name": w.name, "size": size, "limit": most},
			"metadata of %d bytes does not fit into buffer %q: %d is the most", size, w.name, most)
	}
	binary.LittleEndian.PutUint64(ring.metadata, size)
	copy(ring.metadata[prefixSize:], content)
	points.Pass(points.WriterMetadata)
	block.metadataFree.Store(room - prefixSize - size)
	block.metadataWritten.Store(prefixSize + size) // last: it tells the reader
	return nil
}

// Close disconnects. The reader still gets every frame that was written, then learns of the end.
func (w *Writer) Close() error {
	if w.closed.Swap(true) {
		return nil
	}
	// A call that waits inside sees the flag within a slice.
	w.gate.lock()
	defer w.gate.leave()
	w.stream.block.writerPID.CompareAndSwap(ownPID(), 0)
	w.stream.leave()
	unlockByte(w.segment.fd, writerByte)
	w.segment.release()
	return nil
}
