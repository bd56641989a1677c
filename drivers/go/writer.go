package zerobuffer

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"zerobuffer/internal/points"
)

// Tokens of "space" pile up while the writer never blocks, and overflow at 2^31-1: drained every so many writes.
const drainInterval = 64

// Writer writes frames into a buffer that a reader created. A buffer has one writer.
type Writer struct {
	name     string
	segment  *segment
	gate     gate
	closed   atomic.Bool
	cancel   *atomic.Bool // nil, or what ends waits
	reader   peer
	sequence atomic.Uint64 // of the next frame
	writes   uint64
	slot     *Slot // the one that is out
}

func (w *Writer) post() error {
	if err := w.segment.data.post(); err != nil {
		return fromSystem(err, w.name, "post the semaphore of data")
	}
	return nil
}

// Name returns the name of the buffer.
func (w *Writer) Name() string { return w.name }

// NextSequence returns the number that the next frame will carry.
func (w *Writer) NextSequence() uint64 { return w.sequence.Load() }

// Write copies a frame into the ring, waiting for space if need be, and returns its sequence.
//
// It fails with BufferFull, with ReaderDead, at once with FrameTooLarge or FrameUnwritable for what no waiting helps,
// with InvalidFrameSize for no bytes, InvalidOIEB if the memory is corrupt, or with Closed.
func (w *Writer) Write(data []byte, timeout time.Duration) (uint64, error) {
	end := deadlineIn(timeout)
	if err := w.enter(end, uint64(len(data))); err != nil {
		return 0, err
	}
	defer w.gate.leave()
	p, err := w.place(uint64(len(data)), end)
	if err != nil {
		return 0, err
	}
	copy(w.segment.ring.payload[p.at+headerSize:], data)
	points.Pass(points.WriterData)
	return w.publish(p)
}

// Acquire lends a place in the ring for one frame, to be committed or abandoned before the next write. It fails as
// Write does.
func (w *Writer) Acquire(size int, timeout time.Duration) (*Slot, error) {
	end := deadlineIn(timeout)
	if err := w.enter(end, uint64(max(0, size))); err != nil {
		return nil, err
	}
	defer w.gate.leave()
	p, err := w.place(uint64(max(0, size)), end)
	if err != nil {
		return nil, err
	}
	w.segment.retain()
	from := p.at + headerSize
	w.slot = &Slot{writer: w, plan: p, data: w.segment.ring.payload[from : from+p.size : from+p.size]}
	return w.slot, nil
}

// enter lets one caller in that may write.
func (w *Writer) enter(end deadline, size uint64) error {
	if !w.gate.enter(end) {
		return w.full(size, 0, end)
	}
	var err error
	switch {
	case w.closed.Load():
		err = closed("writer")
	case w.slot != nil:
		err = busy(w.name, "an acquired frame is neither committed nor abandoned")
	default:
		return nil
	}
	w.gate.leave()
	return err
}

func (w *Writer) full(size, needed uint64, end deadline) error {
	free := w.segment.ring.block.payloadFree.Load()
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
	ring := w.segment.ring
	spun := end.timeout <= 0
	for {
		pos, free, err := ring.writerState()
		if err != nil {
			return plan{}, err
		}
		p, err := ring.planFrame(pos, size)
		if err == nil && p.need() <= free {
			points.Pass(points.WriterPlanned)
			return p, nil
		}
		if err != nil {
			return plan{}, err
		}
		if !spun {
			spun = true
			if spinUntil(spinLimit, func() bool { return ring.block.payloadFree.Load() >= p.need() }) {
				continue
			}
		}
		if err := w.waitForSpace(p, end); err != nil {
			return plan{}, err
		}
	}
}

// waitForSpace sleeps until the reader releases something, for one slice at most.
func (w *Writer) waitForSpace(p plan, end deadline) error {
	block := w.segment.ring.block
	for w.segment.space.try() {
		if block.payloadFree.Load() >= p.need() {
			return nil
		}
	}
	if w.closed.Load() {
		return closed("writer")
	}
	if w.cancel != nil && w.cancel.Load() {
		return errCancelled
	}
	if err := w.checkReader(); err != nil {
		return err
	}
	if block.payloadFree.Load() >= p.need() {
		return nil
	}
	slice := end.slice()
	if slice == 0 {
		return w.full(p.size, p.need(), end)
	}
	w.segment.space.wait(slice)
	return nil
}

func (w *Writer) publish(p plan) (uint64, error) {
	sequence := w.sequence.Load()
	w.segment.ring.publish(p, sequence)
	w.sequence.Store(sequence + 1)
	if err := w.post(); err != nil {
		return 0, err
	}
	points.Pass(points.WriterPost)
	points.Pass(points.WriterDone)
	return sequence, nil
}

// CheckReader fails with ReaderDead if the reader is gone.
func (w *Writer) CheckReader() error {
	w.gate.enter(deadlineIn(Forever))
	defer w.gate.leave()
	if w.closed.Load() {
		return closed("writer")
	}
	return w.checkReader()
}

func (w *Writer) checkReader() error {
	reason := "died"
	if pid := w.segment.ring.block.readerPID.Load(); pid == 0 {
		reason = "closed"
	} else {
		w.reader.watch(pid)
		if w.reader.alive() || w.reader.unknown && w.segment.readerLocked() {
			return nil
		}
	}
	return fail(ReaderDead, Details{"name": w.name, "reason": reason, "pid": w.reader.pid},
		"the reader of buffer %q is gone (%s). Close this writer, and connect again when it is back", w.name, reason)
}

// SetMetadata writes the metadata: once, before or after frames.
//
// It fails with MetadataEmpty, MetadataExists, MetadataTooLarge, ReaderDead or Closed.
func (w *Writer) SetMetadata(content []byte) error {
	w.gate.enter(deadlineIn(Forever))
	defer w.gate.leave()
	if w.closed.Load() {
		return closed("writer")
	}
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
	// Whoever waits inside sees the flag within a slice.
	w.gate.enter(deadlineIn(Forever))
	defer w.gate.leave()
	w.segment.unlock()
	w.segment.ring.block.writerPID.CompareAndSwap(ownPID(), 0)
	w.reader.close()
	w.segment.release()
	return nil
}
