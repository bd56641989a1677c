package zerobuffer

import (
	"encoding/binary"
	"reflect"
	"sync/atomic"
	"unsafe"

	"zerobuffer/internal/points"
)

const (
	oiebSize       = 128
	blockAlignment = 64
	prefixSize     = 8
	majorVersion   = 1
)

// oieb is the control block at offset 0 of a segment. Each field has one writer, but for payloadFreeBytes, which both
// sides change by atomic addition.
type oieb struct {
	size            atomic.Uint32 `protocol:"oieb_size"`
	version         [4]uint8      `protocol:"version"`
	metadataSize    atomic.Uint64 `protocol:"metadata_size"`
	metadataFree    atomic.Uint64 `protocol:"metadata_free_bytes"`
	metadataWritten atomic.Uint64 `protocol:"metadata_written_bytes"`
	payloadSize     atomic.Uint64 `protocol:"payload_size"`
	payloadFree     atomic.Uint64 `protocol:"payload_free_bytes"`
	writePos        atomic.Uint64 `protocol:"payload_write_pos"`
	readPos         atomic.Uint64 `protocol:"payload_read_pos"`
	writtenCount    atomic.Uint64 `protocol:"payload_written_count"`
	readCount       atomic.Uint64 `protocol:"payload_read_count"`
	writerPID       atomic.Uint64 `protocol:"writer_pid"`
	readerPID       atomic.Uint64 `protocol:"reader_pid"`
	ours            private       `protocol:"reserved"`
}

// private is what implementations of ours keep in the bytes that the protocol reserves: docs/stream.md. Each word has one
// writer. A foreign peer leaves them zero.
type private struct {
	committed   atomic.Uint64 // bytes ever committed: its store is the commit
	released    atomic.Uint64 // bytes ever released; 0: the reader is foreign
	connection  atomic.Uint64 // upper half: its number; lower half: the writer's pid
	streamStart atomic.Uint64 // committed when the writer connected
}

// releasing is set in released while a release is under way.
const releasing = 1 << 63

// The protocol fixes the size: this does not compile with another one.
var _ [oiebSize]byte = [unsafe.Sizeof(oieb{})]byte{}

// Structure is where the fields of a structure stand, by their names in the protocol.
type Structure struct {
	Size   uintptr
	Fields map[string][2]uintptr // offset and size
}

// Layout returns the structures of shared memory as this library's compiler sees them.
func Layout() map[string]Structure {
	return map[string]Structure{"oieb": structureOf[oieb](), "frame": structureOf[header]()}
}

func structureOf[T any]() Structure {
	kind := reflect.TypeFor[T]()
	fields := make(map[string][2]uintptr, kind.NumField())
	for i := range kind.NumField() {
		field := kind.Field(i)
		fields[field.Tag.Get("protocol")] = [2]uintptr{field.Offset, field.Type.Size()}
	}
	return Structure{kind.Size(), fields}
}

// blockAt lays the control block over the beginning of a mapping, which is aligned to a page.
func blockAt(memory []byte) *oieb { return (*oieb)(unsafe.Pointer(&memory[0])) }

func align(size uint64) uint64 { return (size + blockAlignment - 1) / blockAlignment * blockAlignment }

// format makes a zero-filled segment into an empty buffer. The size and the version come first, in one store: by them
// the segment of a creator that died is known. reader_pid comes last: a writer that sees it sees all the rest.
func (b *oieb) format(metadata, payload, readerPID uint64) {
	(*atomic.Uint64)(unsafe.Pointer(b)).Store(oiebSize | majorVersion<<32) // the size and the version behind it
	b.metadataSize.Store(metadata)
	b.metadataFree.Store(metadata)
	b.payloadSize.Store(payload)
	b.payloadFree.Store(payload)
	b.ours.committed.Store(payload)
	b.ours.released.Store(payload)
	points.Pass(points.ReaderFormatted)
	b.readerPID.Store(readerPID)
}

// A header stands before each frame, at any offset. Size 0 with sequence 0 is the wrap marker.
type header struct {
	size     uint64 `protocol:"size"`
	sequence uint64 `protocol:"sequence"`
}

const (
	headerSize = uint64(unsafe.Sizeof(header{}))
	sizeAt     = uint64(unsafe.Offsetof(header{}.size))
	sequenceAt = uint64(unsafe.Offsetof(header{}.sequence))
)

var _ [16]byte = [headerSize]byte{}

func headerAt(payload []byte, pos uint64) header {
	return header{
		size:     binary.LittleEndian.Uint64(payload[pos+sizeAt:]),
		sequence: binary.LittleEndian.Uint64(payload[pos+sequenceAt:]),
	}
}

func (h header) put(payload []byte, pos uint64) {
	binary.LittleEndian.PutUint64(payload[pos+sizeAt:], h.size)
	binary.LittleEndian.PutUint64(payload[pos+sequenceAt:], h.sequence)
}
