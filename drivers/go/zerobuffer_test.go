package zerobuffer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

const patience = 5 * time.Second

var names atomic.Int64

// uniqueName returns a name that no other test has, and fails the test if it leaves an object behind.
func uniqueName(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("go-test-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), names.Add(1))
	t.Cleanup(func() {
		for _, pattern := range []string{sharedMemory + "/*" + name + "*", lockDirectory() + "/" + name + "*"} {
			left, err := filepath.Glob(pattern)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		}
	})
	return name
}

func pair(t *testing.T, metadata, payload uint64) (*Reader, *Writer) {
	t.Helper()
	name := uniqueName(t)
	reader := must(NewReader(name, Config{MetadataSize: metadata, PayloadSize: payload}))(t)
	t.Cleanup(func() { check(t, reader.Close()) })
	writer := must(Connect(name, 0))(t)
	t.Cleanup(func() { check(t, writer.Close()) })
	return reader, writer
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Fatalf("expected %s, got %v", code, err)
	}
}

func pattern(size int, sequence uint64) []byte {
	made := make([]byte, size)
	for i := range made {
		made[i] = byte(uint64(i) + sequence)
	}
	return made
}

func write(t *testing.T, w *Writer, size int) {
	t.Helper()
	if _, err := w.Write(pattern(size, w.NextSequence()), patience); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, r *Reader, sequence uint64, size int) *Frame {
	t.Helper()
	frame := must(r.Read(patience))(t)
	data := must(frame.Data())(t)
	if frame.Sequence() != sequence || !bytes.Equal(data, pattern(size, sequence)) {
		t.Fatalf("expected frame %d of %d bytes, got frame %d of %d", sequence, size, frame.Sequence(), frame.Size())
	}
	return frame
}

func free(r *Reader) uint64 { return r.segment.ring.block.payloadFree.Load() }

func TestFramesPassInOrderAndUnharmed(t *testing.T) {
	reader, writer := pair(t, 64, 1024)
	for sequence := range uint64(200) {
		size := 1 + int(sequence*37%400)
		write(t, writer, size)
		take(t, reader, sequence+1, size).Release()
	}
	if free(reader) != 1024 {
		t.Fatalf("%d bytes are free of 1024", free(reader))
	}
}

func TestSpaceReturnsInRingOrder(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	var held []*Frame
	for sequence := range uint64(3) {
		write(t, writer, 240)
		held = append(held, take(t, reader, sequence+1, 240))
	}
	for step, want := range []struct {
		release int
		free    uint64
	}{{1, 256}, {0, 768}, {2, 1024}} {
		held[want.release].Release()
		if free(reader) != want.free {
			t.Fatalf("step %d: %d free, expected %d", step, free(reader), want.free)
		}
	}
	held[0].Release()
	if free(reader) != 1024 {
		t.Fatal("a second release gave space back a second time")
	}
	_, err := held[0].Data()
	wantCode(t, err, FrameReleased)
}

func TestAFrameCannotBeChanged(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	frame := take(t, reader, 1, 100)
	defer frame.Release()
	if !faults(must(frame.Data())(t)) {
		t.Fatal("a byte of a frame was overwritten")
	}
}

func TestWhatCanNeverBeWrittenIsSaidAtOnce(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	sequence, err := writer.Write(pattern(1009, 0), patience)
	wantCode(t, err, FrameTooLarge)
	if sequence != 0 {
		t.Fatalf("what was not written has the number %d", sequence)
	}
	_, err = writer.Write(nil, patience)
	wantCode(t, err, InvalidFrameSize)
	write(t, writer, 300)
	take(t, reader, 1, 300).Release()
	_, err = writer.Write(pattern(693, 0), patience)
	wantCode(t, err, FrameUnwritable)
	var refused *Error
	if errors.As(err, &refused); refused.Details["fits_now"] != uint64(692) || refused.Details["always_fits"] != uint64(496) {
		t.Fatalf("sizes: %v", refused.Details)
	}
	write(t, writer, 692)
	_, err = writer.Write(pattern(400, 0), 0)
	wantCode(t, err, BufferFull)
	take(t, reader, 2, 692).Release()
}

func TestWhatIsThereNeedsNoTime(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	must(writer.Write(pattern(10, 1), 0))(t)
	must(reader.Read(0))(t).Release()
	_, err := reader.Read(0)
	wantCode(t, err, Timeout)
}

func TestAnAbandonedSlotLeavesNoTrace(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	before := append([]byte(nil), reader.segment.memory[:oiebSize]...)
	slot := must(writer.Acquire(100, 0))(t)
	_, err := writer.Write([]byte{1}, 0)
	wantCode(t, err, Busy)
	slot.Abandon()
	if !bytes.Equal(before, reader.segment.memory[:oiebSize]) || reader.segment.data.value() != 0 {
		t.Fatal("the header has changed")
	}
	slot = must(writer.Acquire(100, 0))(t)
	copy(slot.Data(), pattern(100, 1))
	must(slot.Commit())(t)
	_, err = slot.Commit()
	wantCode(t, err, Closed)
	take(t, reader, 1, 100).Release()
}

func TestMetadataIsWrittenOnceWithinItsBlock(t *testing.T) {
	reader, writer := pair(t, 128, 1024)
	_, err := reader.Metadata()
	wantCode(t, err, NoMetadata)
	wantCode(t, writer.SetMetadata(nil), MetadataEmpty)
	wantCode(t, writer.SetMetadata(make([]byte, 121)), MetadataTooLarge)
	check(t, writer.SetMetadata(pattern(120, 0)))
	wantCode(t, writer.SetMetadata([]byte{1}), MetadataExists)
	if got := must(reader.Metadata())(t); !bytes.Equal(got, pattern(120, 0)) {
		t.Fatalf("metadata %v", got)
	}
	_, bare := pair(t, 0, 64)
	wantCode(t, bare.SetMetadata([]byte{1}), MetadataTooLarge)
}

func TestAWriterThatClosesIsFollowedByAnother(t *testing.T) {
	reader, first := pair(t, 0, 4096)
	_, err := Connect(reader.Name(), 0)
	wantCode(t, err, WriterExists)
	write(t, first, 300)
	write(t, first, 300)
	check(t, first.Close())
	// The reader has seen neither the end of the first nor the coming of the second.
	second := must(Connect(reader.Name(), 0))(t)
	defer second.Close()
	write(t, second, 200)
	for sequence, size := range []int{300, 300} {
		take(t, reader, uint64(sequence)+1, size).Release()
	}
	take(t, reader, 1, 200).Release()
	check(t, second.Close())
	_, err = reader.Read(patience)
	wantCode(t, err, WriterDead)
	third := must(Connect(reader.Name(), 0))(t)
	defer third.Close()
	write(t, third, 10)
	take(t, reader, 1, 10).Release()
}

func TestNobodyYetIsATimeout(t *testing.T) {
	name := uniqueName(t)
	_, err := Connect(name, 0)
	wantCode(t, err, NotFound)
	reader := must(NewReader(name, Config{PayloadSize: 64}))(t)
	defer reader.Close()
	_, err = reader.Read(30 * time.Millisecond)
	wantCode(t, err, Timeout)
	_, err = NewReader(name, Config{PayloadSize: 64})
	wantCode(t, err, BufferInUse)
}

func TestCloseWakesWhoeverWaits(t *testing.T) {
	reader, writer := pair(t, 0, 64)
	write(t, writer, 48)
	results := make(chan error, 2)
	go func() {
		_, err := writer.Write([]byte{1}, Forever)
		results <- err
	}()
	time.Sleep(20 * time.Millisecond) // lets it block; whether it does changes nothing
	begin := time.Now()
	check(t, reader.Close())
	wantCode(t, <-results, ReaderDead)
	if taken := time.Since(begin); taken > 2*time.Second {
		t.Fatalf("it took %v", taken)
	}
	other := must(NewReader(uniqueName(t), Config{PayloadSize: 64}))(t)
	go func() {
		_, err := other.Read(Forever)
		results <- err
	}()
	time.Sleep(20 * time.Millisecond) // as above
	check(t, other.Close())
	wantCode(t, <-results, Closed)
}

func TestAFrameOutlivesItsReader(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	frame := take(t, reader, 1, 100)
	data := must(frame.Data())(t)
	check(t, reader.Close())
	if data[99] != 100 {
		t.Fatal("its bytes have changed")
	}
	_, err := frame.Data()
	wantCode(t, err, Closed)
	frame.Release()
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "a/b", "..", ".", "a b", "a\x00b", "naïve", "a..b", "sem.", "sem.sem-w-x", string(make([]byte, 300))} {
		_, err := NewReader(name, Config{PayloadSize: 64})
		wantCode(t, err, InvalidName)
		_, err = Connect(name, 0)
		wantCode(t, err, InvalidName)
	}
}

func TestAnObstacleLeavesNothingBehind(t *testing.T) {
	name := uniqueName(t)
	for _, path := range []string{lockPath(name), segmentPath(name), dataPath(name), spacePath(name)} {
		check(t, os.MkdirAll(path, 0o700))
		_, err := NewReader(name, Config{PayloadSize: 64})
		wantCode(t, err, SystemError)
		check(t, os.Remove(path))
		if left, _ := filepath.Glob(sharedMemory + "/*" + name); len(left) > 0 {
			t.Fatalf("left behind: %v", left)
		}
	}
}

func TestDuplexAnswersInOrder(t *testing.T) {
	name := uniqueName(t)
	server := must(NewServer(name, Config{MetadataSize: 64, PayloadSize: 1 << 16}))(t)
	defer server.Close()
	check(t, server.Start(func(request *Frame) ([]byte, error) {
		data, err := request.Data()
		return bytes.Repeat(data, 2), err
	}))
	for range 2 {
		client := must(Dial(name, Config{PayloadSize: 1 << 16}, patience))(t)
		for number := range 20 {
			request := pattern(1+number*100, uint64(number))
			must(client.Send(request, patience))(t)
			response := must(client.Receive(patience))(t)
			if got := must(response.Data())(t); !bytes.Equal(got, bytes.Repeat(request, 2)) {
				t.Fatalf("response %d is wrong", number)
			}
			response.Release()
		}
		check(t, client.Close())
	}
}

// faulty fails in every way that a handler can.
func faulty(request *Frame) ([]byte, error) {
	switch request.Size() {
	case 10:
		return nil, nil
	case 11:
		return nil, fail(ReaderDead, nil, "a reader that is not the client") // not the client's
	case 12:
		return make([]byte, 2000), nil
	case 13:
		panic("thirteen")
	}
	return []byte{1}, nil
}

func TestAFailingHandlerCostsOneAnswer(t *testing.T) {
	name := uniqueName(t)
	server := must(NewServer(name, Config{PayloadSize: 1024}))(t)
	defer server.Close()
	check(t, server.Start(faulty))
	for _, ring := range []uint64{64, 1024} {
		client := must(Dial(name, Config{PayloadSize: ring}, patience))(t)
		for number, size := range []int{13, 1, 12, 11, 1, 10} {
			must(client.Send(make([]byte, size), patience))(t)
			response, err := client.Receive(patience)
			if size == 1 {
				must(response, err)(t).Release()
				continue
			}
			wantCode(t, err, HandlerError)
			details := err.(*Error).Details
			reason := server.LastError().Error()
			if ring == 64 {
				reason = "" // there is room for the mark alone
			}
			if details["request"] != uint64(number+1) || details["reason"] != reason {
				t.Fatalf("%d: %v, not %q", number, details, reason)
			}
		}
		check(t, client.Close())
	}
}

// A foreign client would take the error for an answer.
func TestAFailingHandlerEndsAForeignClient(t *testing.T) {
	name := uniqueName(t)
	server := must(NewServer(name, Config{PayloadSize: 1024}))(t)
	defer server.Close()
	check(t, server.Start(faulty))
	for _, size := range []int{10, 11, 12, 13, 1} {
		client := must(Dial(name, Config{PayloadSize: 1024}, patience))(t)
		client.responses.segment.ring.block.ours.released.Store(0)
		must(client.Send(make([]byte, size), patience))(t)
		must(client.Send([]byte{1}, patience))(t) // its answer must not stand in for that of the first
		response, err := client.Receive(patience)
		if size == 1 {
			must(response, err)(t).Release()
		} else {
			wantCode(t, err, WriterDead)
		}
		check(t, client.Close())
	}
}
