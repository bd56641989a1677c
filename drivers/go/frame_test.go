package zerobuffer

import (
	"bytes"
	"io"
	"testing"
)

// As io.ReaderAt has it: what comes back short says why.
func TestAFrameIsReadAtAnyPlace(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	frame := take(t, reader, 1, 100)
	defer frame.Release()
	for _, read := range []struct {
		offset int64
		length int
		count  int
		err    error
	}{{0, 100, 100, nil}, {10, 20, 20, nil}, {90, 20, 10, io.EOF}, {100, 1, 0, io.EOF}, {-1, 1, 0, io.EOF}} {
		target := make([]byte, read.length)
		count, err := frame.ReadAt(target, read.offset)
		if count != read.count || err != read.err {
			t.Fatalf("%d bytes at %d: %d, %v", read.length, read.offset, count, err)
		}
		if count > 0 && !bytes.Equal(target[:count], pattern(100, 1)[read.offset:][:count]) {
			t.Fatalf("the bytes at %d are others", read.offset)
		}
	}
}

// Steps of scenarios come one after the other. The race detector sees a lock that is missing, in any run
// (`nox -s memory`).
func TestFramesAreReleasedWhileOthersAreRead(t *testing.T) {
	const frames = 2000
	reader, writer := pair(t, 0, 4096)
	held := make(chan *Frame, 8)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for frame := range held {
			frame.Release()
		}
	}()
	for sequence := range uint64(frames) {
		write(t, writer, 16)
		held <- take(t, reader, sequence+1, 16)
	}
	close(held)
	<-done
	if free(reader) != 4096 {
		t.Fatalf("%d bytes are free of 4096", free(reader))
	}
}

// As above, where the reader settles a death meanwhile.
func TestFramesAreReleasedWhileADeathIsSettled(t *testing.T) {
	const frames = 64
	reader, writer := pair(t, 0, 4096)
	var held []*Frame
	for sequence := range uint64(frames) {
		write(t, writer, 16)
		held = append(held, take(t, reader, sequence+1, 16))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, frame := range held {
			frame.Release()
		}
	}()
	ring := reader.segment.ring
	read := ring.block.ours.committed.Load()
	for free(reader) != 4096 {
		reader.leases.settle(ring, read)
	}
	<-done
	if free(reader) != 4096 {
		t.Fatalf("%d bytes are free of 4096", free(reader))
	}
}
