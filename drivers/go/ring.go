package zerobuffer

import "zerobuffer/internal/points"

// ring is a segment whose sizes have been checked against its mapping. The pure parts of the protocol are here: where a
// frame goes and what stands at a position.
type ring struct {
	name     string
	block    *oieb
	metadata []byte
	payload  []byte
}

// newRing checks a segment. The memory may be mapped read-only; the control block lies in its own writable mapping.
func newRing(name string, block *oieb, memory []byte) (*ring, error) {
	if size := block.size.Load(); size != oiebSize {
		return nil, corrupt(name, "oieb_size", uint64(size), oiebSize)
	}
	if major := block.version[0]; major != majorVersion {
		return nil, fail(VersionMismatch, Details{"name": name, "value": int(major), "limit": majorVersion},
			"buffer %q has protocol version %d, this library speaks %d", name, major, majorVersion)
	}
	room := uint64(len(memory)) - oiebSize
	metadata := block.metadataSize.Load()
	if metadata > room || metadata%blockAlignment != 0 {
		return nil, corrupt(name, "metadata_size", metadata, room)
	}
	payload := block.payloadSize.Load()
	if payload == 0 || payload != room-metadata || payload%blockAlignment != 0 {
		return nil, corrupt(name, "payload_size", payload, room-metadata)
	}
	r := &ring{name, block, memory[oiebSize : oiebSize+metadata], memory[oiebSize+metadata:]}
	if _, _, err := r.writerState(); err != nil {
		return nil, err
	}
	_, err := r.readPos()
	return r, err
}

func (r *ring) size() uint64 { return uint64(len(r.payload)) }

// writerState returns where the next frame goes and how much is free. A position at the very end is the beginning.
func (r *ring) writerState() (pos, free uint64, err error) {
	if pos, err = r.position("payload_write_pos", r.block.writePos.Load()); err != nil {
		return 0, 0, err
	}
	if free = r.block.payloadFree.Load(); free > r.size() {
		return 0, 0, corrupt(r.name, "payload_free_bytes", free, r.size())
	}
	return pos, free, nil
}

func (r *ring) readPos() (uint64, error) {
	return r.position("payload_read_pos", r.block.readPos.Load())
}

func (r *ring) position(field string, pos uint64) (uint64, error) {
	if pos > r.size() {
		return 0, corrupt(r.name, field, pos, r.size())
	}
	return pos % r.size(), nil
}

// A plan says where a frame goes.
type plan struct {
	from   uint64 // where the writer stands
	at     uint64 // where the frame will stand
	size   uint64 // its bytes, without the header
	tail   uint64 // bytes given up at the end of the ring
	marker bool   // whether a wrap marker is left there
}

// need is how many bytes must be free.
func (p plan) need() uint64 { return p.tail + headerSize + p.size }

// next is where the writer stands afterwards.
func (p plan) next(payload uint64) uint64 { return (p.at + headerSize + p.size) % payload }

// planFrame finds the place for a frame. A rest of 1 to 15 bytes has no room for a marker, and some foreign readers
// fail on it: so the plan wraps before such a rest arises, where it can.
func (r *ring) planFrame(pos, size uint64) (plan, error) {
	ringSize := r.size()
	largest := ringSize - headerSize
	if size == 0 {
		return plan{}, r.invalidFrame("frame size", size, largest)
	}
	if size > largest {
		return plan{}, fail(FrameTooLarge,
			Details{"name": r.name, "size": size, "largest": largest, "always_fits": alwaysFits(ringSize)},
			"a frame of %d bytes cannot fit into buffer %q: %d is the most", size, r.name, largest)
	}
	total, tail := headerSize+size, ringSize-pos
	fits, wraps := total <= tail, pos != 0 && total <= pos
	stub := fits && total != tail && tail-total < headerSize
	switch {
	case fits && !(stub && wraps):
		return plan{from: pos, at: pos, size: size}, nil
	case wraps:
		return plan{from: pos, at: 0, size: size, tail: tail, marker: tail >= headerSize}, nil
	}
	now := max(tail, pos) - headerSize
	return plan{}, fail(FrameUnwritable,
		Details{"name": r.name, "size": size, "fits_now": now, "always_fits": alwaysFits(ringSize)},
		"a frame of %d bytes cannot be written at the present position of buffer %q, even when it is empty. "+
			"%d bytes fit now, %d always do", size, r.name, now, alwaysFits(ringSize))
}

func alwaysFits(ringSize uint64) uint64 { return ringSize/2 - headerSize }

func (r *ring) invalidFrame(field string, value, limit uint64) error {
	return fail(InvalidFrameSize, Details{"name": r.name, "field": field, "value": value, "limit": limit},
		"buffer %q: %s says %d, allowed is 1 to %d", r.name, field, value, limit)
}

// found is a frame in the ring.
type found struct {
	at       uint64 // of its first byte, behind the header
	size     uint64
	sequence uint64
	next     uint64 // where the next header stands
	wrapped  uint64 // bytes given up at the end of the ring before it
	counted  uint64 // it and the marker before it, if there was one
}

// peek looks at the frame at a position, across at most one wrap: a ring of nothing but markers has no frame.
func (r *ring) peek(pos uint64) (found, error) {
	f := found{counted: 1}
	if tail := r.size() - pos; tail < headerSize {
		f.wrapped, pos = tail, 0
	} else if headerAt(r.payload, pos) == (header{}) {
		f.wrapped, f.counted, pos = tail, 2, 0
	}
	head := headerAt(r.payload, pos)
	limit := r.size() - pos - headerSize
	if head.size == 0 || head.size > limit {
		return found{}, r.invalidFrame("frame header", head.size, limit)
	}
	f.at, f.size, f.sequence = pos+headerSize, head.size, head.sequence
	f.next = (f.at + f.size) % r.size()
	return f, nil
}

func (r *ring) advance(f found) {
	r.block.readPos.Store(f.next)
	points.Pass(points.ReaderPosition)
	r.block.readCount.Store(r.block.readCount.Load() + f.counted)
	points.Pass(points.ReaderCount)
}
