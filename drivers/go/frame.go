package zerobuffer

import (
	"io"
	"sync"
)

// Frame is one frame in the ring, lent by a reader until it is released.
type Frame struct {
	reader   *Reader
	lease    uint64
	size     uint64
	sequence uint64

	mutex sync.Mutex
	data  []byte // nil once it is released
}

// Sequence returns the frame's number; each writer counts from 1.
func (f *Frame) Sequence() uint64 { return f.sequence }

// Size returns how many bytes it has.
func (f *Frame) Size() int { return int(f.size) }

// Data returns its bytes where they stand. The memory is read-only: writing to it faults. The slice must not be used
// after Release.
func (f *Frame) Data() ([]byte, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.data, f.usable()
}

// ReadAt copies bytes out, safely beside a Release in another goroutine.
func (f *Frame) ReadAt(target []byte, offset int64) (int, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if err := f.usable(); err != nil {
		return 0, err
	}
	if offset < 0 || offset >= int64(len(f.data)) {
		return 0, io.EOF
	}
	count := copy(target, f.data[offset:])
	if count < len(target) {
		return count, io.EOF
	}
	return count, nil
}

// Release gives its space back to the writer, once all frames before it are released, too. A second call does nothing.
func (f *Frame) Release() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.data == nil {
		return
	}
	f.data = nil
	f.reader.leases.giveBack(f.lease, f.reader.segment)
	f.reader.segment.release()
}

func (f *Frame) usable() error {
	if f.data == nil {
		return fail(FrameReleased, Details{"name": f.reader.name, "sequence": f.sequence},
			"frame %d of buffer %q was released. Use its data before, or a copy", f.sequence, f.reader.name)
	}
	if f.reader.closed.Load() {
		return closed("reader")
	}
	return nil
}
