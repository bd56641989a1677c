package zerobuffer

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Signs of life: locks for ours, numbers and lock files for foreign peers.

func TestALockProvesALifeWhateverTheNumber(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	block, dead := reader.segment.ring.block, deadPID(t)
	block.readerPID.Store(dead)
	check(t, writer.CheckReader())
	block.writerPID.Store(dead)
	block.ours.connection.Store(1<<32 | dead)
	_, err := reader.Read(0)
	wantCode(t, err, Timeout)
	_, err = Connect(reader.Name(), 0)
	wantCode(t, err, WriterExists)
	block.writerPID.Store(ownPID()) // for its end
}

// In containers, each process has the number 1: that of the dead one runs wherever one looks.
func TestAFreeLockProvesADeathWhateverTheNumber(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	unlockByte(writer.segment.fd, writerByte)
	take(t, reader, 1, 100).Release()
	_, err := reader.Read(0)
	wantCode(t, err, WriterDead)
	next := must(Connect(reader.Name(), 0))(t)
	defer next.Close()
	write(t, next, 50)
	take(t, reader, 1, 50).Release()
	unlockByte(reader.segment.fd, readerByte)
	next.looked = time.Time{}
	wantCode(t, next.CheckReader(), ReaderDead)
	_, err = Connect(reader.Name(), 0)
	wantCode(t, err, ReaderDead)
}

func TestProcessesOfOtherNamespacesAllHaveTheNumber1(t *testing.T) {
	probe := exec.Command("true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if err := probe.Run(); err != nil {
		t.Skipf("no PID namespace can be made: %v", err)
	}
	name := uniqueName(t)
	reader := must(NewReader(name, Config{PayloadSize: 1024}))(t)
	for range 3 {
		child := start(t, "apart-writer", name)
		take(t, reader, 1, 100).Release()
		if pid := reader.segment.ring.block.writerPID.Load(); pid != 1 {
			t.Fatalf("the writer has the number %d", pid)
		}
		_, err := reader.Read(2 * waitSlice)
		wantCode(t, err, Timeout)
		kill(child)
		_, err = reader.Read(patience)
		wantCode(t, err, WriterDead)
	}
	check(t, reader.Close())
	child := start(t, "apart-reader", name)
	writer := must(Connect(name, patience))(t)
	defer writer.Close()
	write(t, writer, 100)
	_, err := NewReader(name, Config{PayloadSize: 1024})
	wantCode(t, err, BufferInUse)
	kill(child)
	writer.looked = time.Time{}
	wantCode(t, writer.CheckReader(), ReaderDead)
	check(t, must(NewReader(name, Config{PayloadSize: 1024}))(t).Close())
}

func TestAForeignReaderLivesByItsNumberOrItsLockFile(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	block := reader.segment.ring.block
	block.ours.released.Store(0)
	unlockByte(reader.segment.fd, readerByte)
	writer.looked = time.Time{}
	check(t, writer.CheckReader())
	block.readerPID.Store(deadPID(t)) // as in another PID namespace
	writer.looked = time.Time{}
	check(t, writer.CheckReader())
	// The lock file belongs to another reader, once the segment has no name.
	check(t, os.Remove(segmentPath(reader.Name())))
	writer.looked = time.Time{}
	wantCode(t, writer.CheckReader(), ReaderDead)
}

// A writer of the same number that comes while the reader settles a death is not disturbed.
func TestADeathIsSettledBesideNobody(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	reader.writer.pid = ownPID()
	reader.segment.ring.block.writtenCount.Store(7) // to settle, this goes back
	before := append([]byte(nil), reader.segment.memory[:oiebSize]...)
	reader.settle()
	if !bytes.Equal(before, reader.segment.memory[:oiebSize]) {
		t.Fatal("the control block has changed under a living writer")
	}
	write(t, writer, 100)
	take(t, reader, 1, 100).Release()
}

func TestANumberThatAYoungerProcessHasKeepsNothing(t *testing.T) {
	if started, living := processOf(ownPID()); started == 0 || !living {
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

// A mapping keeps its open file, and what that has locked, beyond the last descriptor.
func TestWhatIsLockedIsNotMapped(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	take(t, reader, 1, 100).Release()
	watch := must(syscall.Open(segmentPath(reader.Name()), syscall.O_RDWR|openFlags, 0))(t)
	defer closeFile(watch)
	for place, s := range map[int64]*segment{readerByte: reader.segment, writerByte: writer.segment} {
		if !byteLocked(watch, place) {
			t.Fatal("nothing is locked")
		}
		closeFile(s.fd)
		s.fd = noFile
		if byteLocked(watch, place) {
			t.Fatal("a mapping keeps a lock")
		}
	}
}

func TestAReaderThatHasClosedIsNotTakenForADeadOne(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	write(t, writer, 100)
	frame := take(t, reader, 1, 100)
	defer frame.Release()
	check(t, reader.Close())
	if byteLocked(writer.segment.fd, readerByte) {
		t.Fatal("a frame that is out keeps the lock of its reader")
	}
	var gone *Error
	if err := writer.CheckReader(); !errors.As(err, &gone) || gone.Details["reason"] != "closed" {
		t.Fatal(err)
	}
}
