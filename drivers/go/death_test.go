package zerobuffer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"zerobuffer/internal/points"
	"zerobuffer/internal/stops"
)

const playVariable = "ZEROBUFFER_TEST_PLAY"

// The test binary is also the process that dies: told so by a variable, it plays a part until it is killed.
func TestMain(m *testing.M) {
	part, name, playing := strings.Cut(os.Getenv(playVariable), " ")
	if !playing {
		os.Exit(m.Run())
	}
	if err := play(part, name); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// play leaves its reader or writer open: the process is killed while it has it.
func play(part, name string) error {
	switch part {
	case "reader":
		_, err := NewReader(name, Config{PayloadSize: 1024})
		return err
	case "refused-reader":
		return playRefusedReader(name)
	}
	wait := patience
	if part == "endless-writer" {
		writer, err := Connect(name, patience)
		for err == nil {
			_, err = writer.Write(pattern(sizeOf(writer.NextSequence()), writer.NextSequence()), Forever)
		}
		return err
	}
	if part == "halting-writer" {
		if err := points.Arm("writer.opened", 1, points.Halt); err != nil {
			return err
		}
		wait = 0 // what it has met must be worth another try by itself
	}
	writer, err := Connect(name, wait)
	if err == nil {
		_, err = writer.Write(pattern(100, 1), patience)
	}
	return err
}

// start has another process play a part and returns once it does.
func start(t *testing.T, part, name string) *exec.Cmd {
	t.Helper()
	child, said := launch(t, part, name)
	awaitReady(t, said)
	return child
}

// launch has another process begin with a part, and returns what it says.
func launch(t *testing.T, part, name string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	child := exec.Command(must(os.Executable())(t))
	child.Env = append(os.Environ(), playVariable+"="+part+" "+name)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a halted one sees no end of its input
	if apart, found := strings.CutPrefix(part, "apart-"); found {
		child.Env = append(os.Environ(), playVariable+"="+apart+" "+name)
		child.SysProcAttr.Cloneflags = syscall.CLONE_NEWPID
	}
	in := must(child.StdinPipe())(t)
	out := must(child.StdoutPipe())(t)
	check(t, child.Start())
	t.Cleanup(func() {
		_ = in.Close()
		kill(child)
	})
	return child, bufio.NewReader(out)
}

func awaitReady(t *testing.T, said *bufio.Reader) {
	t.Helper()
	if line, err := said.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the other process says %q (%v)", line, err)
	}
}

func kill(child *exec.Cmd) {
	_ = child.Process.Kill()
	_ = child.Wait()
}

// deadPID returns the number of a process that has ended.
func deadPID(t *testing.T) uint64 {
	t.Helper()
	child := exec.Command("true")
	check(t, child.Run())
	return uint64(child.Process.Pid)
}

func TestAKilledWriterIsNoticedByABlockedReader(t *testing.T) {
	name := uniqueName(t)
	reader := must(NewReader(name, Config{PayloadSize: 1024}))(t)
	defer reader.Close()
	child := start(t, "writer", name)
	take(t, reader, 1, 100).Release()
	result := make(chan error)
	go func() {
		_, err := reader.Read(Forever)
		result <- err
	}()
	_ = child.Process.Kill()
	begin := time.Now()
	wantCode(t, <-result, WriterDead)
	if taken := time.Since(begin); taken > 2*time.Second {
		t.Fatalf("it took %v", taken)
	}
	writer := must(Connect(name, 0))(t)
	defer writer.Close()
	write(t, writer, 50)
	take(t, reader, 1, 50).Release()
}

func TestAKilledReaderIsNoticedAndReplaced(t *testing.T) {
	name := uniqueName(t)
	child := start(t, "reader", name)
	writer := must(Connect(name, 0))(t)
	_, err := NewReader(name, Config{PayloadSize: 64})
	wantCode(t, err, BufferInUse)
	result := make(chan error)
	write(t, writer, 900)
	go func() {
		_, err := writer.Write(pattern(900, 0), Forever)
		result <- err
	}()
	kill(child)
	wantCode(t, <-result, ReaderDead)
	check(t, writer.Close())
	reader := must(NewReader(name, Config{PayloadSize: 128}))(t)
	defer reader.Close()
	second := must(Connect(name, 0))(t)
	defer second.Close()
	write(t, second, 30)
	take(t, reader, 1, 30).Release()
}

// The semaphores have names, too: a writer that opens them later than the segment must not get those of the next owner.
func TestAWriterOnItsWayInBelongsToOneReader(t *testing.T) {
	name := uniqueName(t)
	first := start(t, "reader", name)
	halted, said := launch(t, "halting-writer", name)
	check(t, stops.Await(halted.Process.Pid, patience))
	kill(first)
	second := must(NewReader(name, Config{PayloadSize: 2048}))(t)
	defer second.Close()
	check(t, halted.Process.Signal(syscall.SIGCONT))
	awaitReady(t, said)
	take(t, second, 1, 100).Release()
	if left := second.segment.data.value(); left != 0 {
		t.Fatalf("%d frames are announced that there are not", left)
	}
}

// The steps of a commit, in their order.
const (
	nothing = iota
	freeTaken
	positionMoved
	counted
	committed
)

// die leaves a frame that is half-way into the ring, as a writer does that is killed after a step of its commit.
func die(t *testing.T, w *Writer, step int, size uint64) {
	t.Helper()
	block := w.stream.block
	pos, _, err := w.stream.state()
	check(t, err)
	p := must(w.stream.planFrame(pos, size))(t)
	copy(w.stream.payload[p.at+headerSize:], pattern(int(size), w.NextSequence()))
	before := []uint64{block.payloadFree.Load(), block.writePos.Load(), block.writtenCount.Load(), block.ours.committed.Load()}
	w.stream.publish(p, w.NextSequence())
	for after, field := range []interface{ Store(uint64) }{
		&block.payloadFree, &block.writePos, &block.writtenCount, &block.ours.committed,
	} {
		if after >= step {
			field.Store(before[after])
		}
	}
	vanish(t, w)
}

// vanish leaves what a writer leaves that is killed: its numbers stand, its lock is free.
func vanish(t *testing.T, w *Writer) {
	t.Helper()
	dead, block := deadPID(t), w.stream.block
	block.writerPID.Store(dead)
	if !w.stream.plain {
		block.ours.connection.Store(numberOf(block.ours.connection.Load())<<32 | dead)
	}
	unlockByte(w.segment.fd, writerByte)
	w.segment.release()
	w.closed.Store(true)
}

func TestAWriterThatDiesInsideACommitIsNoticed(t *testing.T) {
	for step := nothing; step <= committed; step++ {
		reader, writer := pair(t, 0, 1024)
		write(t, writer, 100)
		held := take(t, reader, 1, 100)
		die(t, writer, step, 200)
		left := uint64(1024 - 116)
		if step == committed {
			take(t, reader, 2, 200).Release() // nobody has posted it; its space comes back behind the one that is held
			left -= 216
		}
		_, err := reader.Read(patience)
		wantCode(t, err, WriterDead)
		block := reader.segment.ring.block
		if now := free(reader); now != left {
			t.Fatalf("step %d: %d bytes are free", step, now)
		}
		if block.writePos.Load() != block.readPos.Load() || block.writtenCount.Load() != block.readCount.Load() {
			t.Fatalf("step %d: something is left half-done", step)
		}
		next := must(Connect(reader.Name(), 0))(t)
		write(t, next, 400)
		take(t, reader, 1, 400).Release()
		held.Release()
		if now := free(reader); now != 1024 {
			t.Fatalf("step %d: %d bytes are free at the end", step, now)
		}
		check(t, next.Close())
	}
}

// The reader has not looked in between: all is as exact as if it had.
func TestTheNextWriterComesAtOnce(t *testing.T) {
	for step := nothing; step <= committed; step++ {
		reader, writer := pair(t, 0, 1024)
		write(t, writer, 100)
		held := take(t, reader, 1, 100)
		die(t, writer, step, 200)
		next := must(Connect(reader.Name(), 0))(t)
		write(t, next, 150)
		if step == committed {
			take(t, reader, 2, 200).Release()
		}
		take(t, reader, 1, 150).Release()
		_, err := reader.Read(0)
		wantCode(t, err, Timeout)
		if !bytes.Equal(must(held.Data())(t), pattern(100, 1)) {
			t.Fatalf("step %d: what is held has changed", step)
		}
		held.Release()
		if now := free(reader); now != 1024 {
			t.Fatalf("step %d: %d bytes are free", step, now)
		}
		check(t, next.Close())
	}
}

func TestAFrameThatFillsTheRingIsThereOrNot(t *testing.T) {
	for step := nothing; step <= committed; step++ {
		reader, writer := pair(t, 0, 1024)
		die(t, writer, step, 1024-headerSize)
		next := must(Connect(reader.Name(), 0))(t)
		if step == committed {
			take(t, reader, 1, 1024-int(headerSize)).Release()
		}
		write(t, next, 150)
		take(t, reader, 1, 150).Release()
		if now := free(reader); now != 1024 {
			t.Fatalf("step %d: %d bytes are free", step, now)
		}
		check(t, next.Close())
	}
}

// A token that will never come holds nothing back, and nothing else takes its place.
func TestATokenIsMissingForEver(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	die(t, writer, committed, 100)
	take(t, reader, 1, 100).Release()
	next := must(Connect(reader.Name(), 0))(t)
	for sequence := range uint64(20) {
		write(t, next, 100)
		take(t, reader, sequence+1, 100).Release()
		_, err := reader.Read(0)
		wantCode(t, err, Timeout)
	}
	if reader.balance != -1 {
		t.Fatalf("the balance is %d", reader.balance)
	}
	vanish(t, next)
	_, err := reader.Read(0)
	wantCode(t, err, WriterDead)
	if reader.balance != 0 || reader.segment.data.value() != 0 {
		t.Fatal("the death has not settled the tokens")
	}
}

// A token that comes late, just before its writer closes, announces nothing new.
func TestALateTokenIsNoFrame(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	if !reader.segment.data.try() {
		t.Fatal("nothing was posted")
	}
	take(t, reader, 1, 100).Release()
	check(t, reader.segment.data.post())
	check(t, writer.Close())
	for range 2 {
		_, err := reader.Read(0)
		wantCode(t, err, WriterDead)
	}
	if reader.balance != 0 || reader.writer.stream != gone {
		t.Fatal("the end of the writer is not noted")
	}
}

// Processes are killed wherever they stand, and the next one comes at once: each stream is whole, and no space is lost.
func TestWritersAreKilledAndFollowed(t *testing.T) {
	const kills = 25
	reader := must(NewReader(uniqueName(t), Config{PayloadSize: 4096}))(t)
	defer reader.Close()
	dice, expected, streams := random(t), uint64(1), 0
	read := func(frame *Frame) {
		if frame.Sequence() == 1 {
			expected = 1
			streams++
		}
		if size := sizeOf(expected); frame.Sequence() != expected || !bytes.Equal(must(frame.Data())(t), pattern(size, expected)) {
			t.Fatalf("frame %d of %d bytes came as number %d", frame.Sequence(), frame.Size(), expected)
		}
		frame.Release()
		expected++
	}
	for range kills {
		child, _ := launch(t, "endless-writer", reader.Name())
		for end := streams + 1; streams < end; { // what the one before left comes first
			frame, err := reader.Read(patience)
			if !errors.Is(err, WriterDead) {
				read(must(frame, err)(t))
			}
		}
		for range dice.Intn(3000) {
			read(must(reader.Read(patience))(t))
		}
		kill(child)
	}
	for {
		frame, err := reader.Read(patience)
		if err != nil {
			wantCode(t, err, WriterDead)
			break
		}
		read(frame)
	}
	if now := free(reader); now != 4096 || streams != kills {
		t.Fatalf("%d bytes are free after %d streams", now, streams)
	}
}

// sizeOf is how long the endless writer makes a frame.
func sizeOf(sequence uint64) int { return 1 + int(sequence*37%1500) }
