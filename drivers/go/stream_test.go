package zerobuffer

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Readers and writers that come and go under load, with nobody killed.

// follow has one writer write a frame and close, and another write the rest while the reader reads. It returns how many
// frames came whole and in order before the reader had to give up.
func follow(t *testing.T, ring, size uint64, frames uint64) uint64 {
	t.Helper()
	reader := must(NewReader(uniqueName(t), Config{PayloadSize: ring}))(t)
	defer reader.Close()
	first := must(Connect(reader.Name(), 0))(t)
	write(t, first, int(size))
	check(t, first.Close())
	take(t, reader, 1, int(size)).Release()
	done := make(chan error, 1)
	go func() {
		writer, err := Connect(reader.Name(), patience)
		for range frames {
			if err == nil {
				_, err = writer.Write(pattern(int(size), writer.NextSequence()), patience)
			}
		}
		if err == nil {
			err = writer.Close()
		}
		done <- err
	}()
	read := uint64(0)
	for {
		frame, err := reader.Read(patience)
		if errors.Is(err, WriterDead) && read == 0 {
			time.Sleep(time.Millisecond) // the first one is gone, the second not there yet
			continue
		}
		if err != nil {
			if read < frames {
				t.Logf("after %d frames: %v", read, err)
			}
			break
		}
		read++
		if frame.Sequence() != read || must(frame.Data())(t)[0] != byte(read) {
			t.Fatalf("frame %d came as number %d", frame.Sequence(), read)
		}
		frame.Release()
	}
	check(t, <-done)
	return read
}

func TestNoFrameIsLostAfterAReconnection(t *testing.T) {
	for _, shape := range []struct{ ring, size, frames uint64 }{
		{64, 16, 20_000}, {4096, 1008, 50_000}, {64 << 10, 4080, 50_000}, {10240, 1000, 200_000},
	} {
		t.Run(fmt.Sprintf("%d in %d", shape.size, shape.ring), func(t *testing.T) {
			if read := follow(t, shape.ring, shape.size, shape.frames); read != shape.frames {
				t.Fatalf("%d frames were read of %d", read, shape.frames)
			}
		})
	}
}
