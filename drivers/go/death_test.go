package zerobuffer

import (
	"bufio"
	"bytes"
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
	if part == "reader" {
		_, err := NewReader(name, Config{PayloadSize: 1024})
		return err
	}
	wait := patience
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

// die leaves a frame half-published, as a writer does that is killed after so many steps of publish.
func die(t *testing.T, w *Writer, steps int, size uint64) {
	t.Helper()
	ring := w.segment.ring
	block := ring.block
	pos, _, err := ring.writerState()
	check(t, err)
	p := must(ring.planFrame(pos, size))(t)
	copy(ring.payload[p.at+headerSize:], pattern(int(size), w.NextSequence()))
	before := [3]uint64{block.writePos.Load(), block.payloadFree.Load(), block.writtenCount.Load()}
	ring.publish(p, w.NextSequence())
	block.reserved[intentBytes].Store(p.need())
	block.reserved[intentOldPos].Store(pos)
	block.reserved[intentCount].Store(block.writtenCount.Load())
	for step, field := range []interface{ Store(uint64) }{&block.writePos, &block.payloadFree, &block.writtenCount} {
		if step >= steps {
			field.Store(before[step])
		}
	}
	vanish(t, w)
}

// vanish leaves what a writer leaves that is killed.
func vanish(t *testing.T, w *Writer) {
	t.Helper()
	w.segment.unlock()
	w.segment.ring.block.writerPID.Store(deadPID(t))
	w.reader.close()
	w.segment.release()
	w.closed.Store(true)
}

func TestAHalfPublishedFrameIsTakenBackByTheReader(t *testing.T) {
	for steps := range 4 {
		reader, writer := pair(t, 0, 1024)
		write(t, writer, 100)
		held := take(t, reader, 1, 100)
		die(t, writer, steps, 200)
		_, err := reader.Read(patience)
		wantCode(t, err, WriterDead)
		if now := free(reader); now != 1024-116 {
			t.Fatalf("%d steps: %d bytes are free", steps, now)
		}
		next := must(Connect(reader.Name(), 0))(t)
		write(t, next, 400)
		take(t, reader, 1, 400).Release()
		held.Release()
		if now := free(reader); now != 1024 {
			t.Fatalf("%d steps: %d bytes are free at the end", steps, now)
		}
		check(t, next.Close())
	}
}

func TestAHalfPublishedFrameIsFinishedByTheNextWriter(t *testing.T) {
	for steps := range 4 {
		reader, writer := pair(t, 0, 1024)
		write(t, writer, 100)
		held := take(t, reader, 1, 100)
		die(t, writer, steps, 200)
		next := must(Connect(reader.Name(), 0))(t)
		write(t, next, 150)
		if steps >= 1 {
			take(t, reader, 2, 200).Release()
		}
		take(t, reader, 1, 150).Release()
		if !bytes.Equal(must(held.Data())(t), pattern(100, 1)) {
			t.Fatalf("%d steps: what is held has changed", steps)
		}
		held.Release()
		check(t, next.Close())
		for place := range reader.segment.ring.block.reserved {
			if reader.segment.ring.block.reserved[place].Load() != 0 {
				t.Fatalf("%d steps: something is announced still", steps)
			}
		}
		// Whether the dead writer had taken the bytes cannot be told while frames are held: they are taken once more.
		if now := free(reader); now != 1024 && (steps != 2 || now != 1024-216) {
			t.Fatalf("%d steps: %d bytes are free", steps, now)
		}
	}
}

func TestAFrameThatFillsTheRingIsFinishedOrForgotten(t *testing.T) {
	for steps := range 4 {
		reader, writer := pair(t, 0, 1024)
		die(t, writer, steps, 1024-headerSize)
		next := must(Connect(reader.Name(), 0))(t)
		if steps >= 2 {
			take(t, reader, 1, 1024-int(headerSize)).Release()
		}
		write(t, next, 150)
		take(t, reader, 1, 150).Release()
		if now := free(reader); now != 1024 {
			t.Fatalf("%d steps: %d bytes are free", steps, now)
		}
		check(t, next.Close())
	}
}

func TestWhatIsUnreadDoesNotCountAsFree(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	write(t, writer, 200)
	die(t, writer, 1, 300)
	reader.segment.ring.block.clearReserved() // as after a writer that announces nothing
	next := must(Connect(reader.Name(), 0))(t)
	defer next.Close()
	if now := free(reader); now != 1024-116-216-316 {
		t.Fatalf("%d bytes are free", now)
	}
}

// The writer that comes after a killed one finds the frame without its token, and posts one for it.
func TestAReaderThatStoodStillWithATokenMeetsNoFrameTwice(t *testing.T) {
	const size = 4096/4 - int(headerSize)
	for _, before := range []uint64{0, 3} { // on the first lap, or before what the first lap left
		for _, written := range []uint64{0, 2} {
			t.Run(fmt.Sprintf("%d before, then %d", before, written), func(t *testing.T) {
				reader, first := pair(t, 0, 4096)
				for sequence := range before {
					write(t, first, size)
					take(t, reader, sequence+1, size).Release()
				}
				write(t, first, size)
				if !reader.segment.data.try() {
					t.Fatal("there is no token to stand still with")
				}
				reader.tokens++
				vanish(t, first)
				second := must(Connect(reader.Name(), 0))(t)
				defer second.Close()
				if posted := reader.segment.data.value(); posted != 1 {
					t.Fatalf("%d frames were posted anew, not the one in hand", posted)
				}
				take(t, reader, before+1, size).Release()
				for sequence := range written {
					write(t, second, size)
					take(t, reader, sequence+1, size).Release()
				}
				_, err := reader.Read(0)
				wantCode(t, err, Timeout)
				write(t, second, size)
				take(t, reader, written+1, size).Release()
				// A succession excuses one such token, and no more: what stands there now looks like no next frame.
				if before == 0 {
					check(t, reader.segment.data.post())
					_, err = reader.Read(0)
					wantCode(t, err, SequenceMismatch)
				}
			})
		}
	}
}

func TestANumberThatAYoungerProcessHasKeepsNothing(t *testing.T) {
	started, state := startTime(ownPID())
	if started == 0 || !running(state) {
		t.Fatal("this process does not run")
	}
	now := time.Now()
	if !ownerAlive(ownPID(), now) || ownerAlive(ownPID(), now.Add(-240*time.Hour)) {
		t.Fatal("the time of the segment does not tell")
	}
	if ownerAlive(deadPID(t), now) || ownerAlive(0, now) || ownerAlive(1<<40, now) {
		t.Fatal("a process that is gone lives")
	}
	if !ownerAlive(1, now) {
		t.Fatal("a process that may not be signalled lives, too")
	}
}
