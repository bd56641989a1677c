package zerobuffer

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

const (
	oiebSize       = 128
	blockAlignment = 64
	headerSize     = 16
	prefixSize     = 8
	majorVersion   = 1
)

// oieb is the control block at offset 0 of a segment. Each field has one writer, but for payloadFreeBytes, which both
// sides change by atomic addition.
type oieb struct {
	size            atomic.Uint32
	version         [4]uint8
	metadataSize    atomic.Uint64
	metadataFree    atomic.Uint64
	metadataWritten atomic.Uint64
	payloadSize     atomic.Uint64
	payloadFree     atomic.Uint64
	writePos        atomic.Uint64
	readPos         atomic.Uint64
	writtenCount    atomic.Uint64
	readCount       atomic.Uint64
	writerPID       atomic.Uint64
	readerPID       atomic.Uint64
	_               [4]uint64
}

// The protocol fixes the size: this does not compile with another one.
var _ [oiebSize]byte = [unsafe.Sizeof(oieb{})]byte{}

// Layout returns the offset of every field of the control block as this library's compiler sees it.
func Layout() map[string]int {
	var block oieb
	return map[string]int{
		"oieb_size":              int(unsafe.Offsetof(block.size)),
		"version":                int(unsafe.Offsetof(block.version)),
		"metadata_size":          int(unsafe.Offsetof(block.metadataSize)),
		"metadata_free_bytes":    int(unsafe.Offsetof(block.metadataFree)),
		"metadata_written_bytes": int(unsafe.Offsetof(block.metadataWritten)),
		"payload_size":           int(unsafe.Offsetof(block.payloadSize)),
		"payload_free_bytes":     int(unsafe.Offsetof(block.payloadFree)),
		"payload_write_pos":      int(unsafe.Offsetof(block.writePos)),
		"payload_read_pos":       int(unsafe.Offsetof(block.readPos)),
		"payload_written_count":  int(unsafe.Offsetof(block.writtenCount)),
		"payload_read_count":     int(unsafe.Offsetof(block.readCount)),
		"writer_pid":             int(unsafe.Offsetof(block.writerPID)),
		"reader_pid":             int(unsafe.Offsetof(block.readerPID)),
	}
}

// blockAt lays the control block over the beginning of a mapping, which is aligned to a page.
func blockAt(memory []byte) *oieb { return (*oieb)(unsafe.Pointer(&memory[0])) }

func align(size uint64) uint64 { return (size + blockAlignment - 1) / blockAlignment * blockAlignment }

// format makes a zero-filled segment into an empty buffer. reader_pid is last: who sees it sees all the rest.
func (b *oieb) format(metadata, payload, readerPID uint64) {
	b.version[0] = majorVersion
	b.metadataSize.Store(metadata)
	b.metadataFree.Store(metadata)
	b.payloadSize.Store(payload)
	b.payloadFree.Store(payload)
	b.size.Store(oiebSize)
	b.readerPID.Store(readerPID)
}

// A header stands before each frame, at any offset. Size 0 with sequence 0 is the wrap marker.
type header struct{ size, sequence uint64 }

func headerAt(payload []byte, pos uint64) header {
	place := payload[pos : pos+headerSize]
	return header{binary.LittleEndian.Uint64(place), binary.LittleEndian.Uint64(place[8:])}
}

func (h header) put(payload []byte, pos uint64) {
	place := payload[pos : pos+headerSize]
	binary.LittleEndian.PutUint64(place, h.size)
	binary.LittleEndian.PutUint64(place[8:], h.sequence)
}
