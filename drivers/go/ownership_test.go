package zerobuffer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// orphan leaves what a reader leaves that is killed.
func orphan(t *testing.T, r *Reader) {
	t.Helper()
	r.segment.ring.block.readerPID.Store(1 << 23) // nobody's number
	r.closed.Store(true)
	unlockByte(r.segment.fd, readerByte)
	closeFile(r.objects.lock)
	r.segment.release()
}

// A writer that meets the segment of a dead reader learns of the death, however its name goes on.
func TestReadersRestartUnderWritersThatConnect(t *testing.T) {
	const restarts = 1000
	name := uniqueName(t)
	var stop atomic.Bool
	result := make(chan error, 2)
	for range cap(result) {
		go func() { result <- connectAgainAndAgain(name, &stop) }()
	}
	for restart, ended := 0, 0; ended < cap(result); restart++ {
		reader := must(NewReader(name, Config{PayloadSize: 256}))(t)
		if restart < restarts {
			readFor(t, reader, time.Millisecond)
			orphan(t, reader)
			continue
		}
		for stop.Store(true); ended < cap(result); { // the last one stays until all have met it
			readFor(t, reader, time.Millisecond)
			select {
			case err := <-result:
				ended++
				if err != nil {
					t.Error(err)
				}
			default:
			}
		}
		check(t, reader.Close())
	}
}

func readFor(t *testing.T, r *Reader, timeout time.Duration) {
	t.Helper()
	frame, err := r.Read(timeout)
	if err == nil {
		frame.Release()
	} else if !errors.Is(err, Timeout) {
		wantCode(t, err, WriterDead)
	}
}

func connectAgainAndAgain(name string, stop *atomic.Bool) error {
	for !stop.Load() {
		writer, err := Connect(name, 0)
		if err != nil {
			if !errors.Is(err, NotFound) && !errors.Is(err, ReaderDead) && !errors.Is(err, WriterExists) {
				return err
			}
			continue
		}
		for err == nil && !stop.Load() {
			_, err = writer.Write(pattern(100, 1), time.Second)
		}
		if err != nil && !errors.Is(err, ReaderDead) {
			return errors.Join(err, writer.Close())
		}
		if err := writer.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Only /dev/shm is shared, as between containers: the lock file says nothing.
func TestTheSegmentItselfKeepsOthersOut(t *testing.T) {
	t.Setenv(LockDirectoryVariable, t.TempDir())
	reader, writer := pair(t, 0, 1024)
	reader.segment.ring.block.readerPID.Store(1 << 23)
	here := lockDirectory()
	t.Setenv(LockDirectoryVariable, t.TempDir())
	_, err := NewReader(reader.Name(), Config{PayloadSize: 64})
	wantCode(t, err, BufferInUse)
	t.Setenv(LockDirectoryVariable, here)
	write(t, writer, 100)
	take(t, reader, 1, 100).Release()
	// A killed owner whose number runs here keeps nothing.
	reader.segment.ring.block.readerPID.Store(ownPID())
	unlockByte(reader.segment.fd, readerByte)
	t.Setenv(LockDirectoryVariable, t.TempDir())
	next := must(NewReader(reader.Name(), Config{PayloadSize: 64}))(t)
	check(t, next.Close())
	t.Setenv(LockDirectoryVariable, here)
}

// A process that removes what a dead reader left shows no sign of life on it, and is alone.
func TestACorpseIsRemovedByOneAtATime(t *testing.T) {
	reader := must(NewReader(uniqueName(t), Config{PayloadSize: 64}))(t)
	remover := must(syscall.Open(segmentPath(reader.Name()), syscall.O_RDWR|openFlags, 0))(t)
	orphan(t, reader)
	check(t, lockOrphan(reader.Name(), remover))
	_, err := Connect(reader.Name(), 0)
	wantCode(t, err, ReaderDead)
	_, err = NewReader(reader.Name(), Config{PayloadSize: 64})
	wantCode(t, err, BufferInUse)
	closeFile(remover)
	check(t, must(NewReader(reader.Name(), Config{PayloadSize: 64}))(t).Close())
}

// A reader whose segment was removed and replaced by hand leaves the next owner's objects alone.
func TestACloseRemovesNoOtherOwnersObjects(t *testing.T) {
	t.Setenv(LockDirectoryVariable, t.TempDir())
	here := lockDirectory()
	first := must(NewReader(uniqueName(t), Config{PayloadSize: 1024}))(t)
	check(t, os.Remove(segmentPath(first.Name())))
	t.Setenv(LockDirectoryVariable, t.TempDir())
	next := must(NewReader(first.Name(), Config{PayloadSize: 1024}))(t)
	elsewhere := lockDirectory()
	t.Setenv(LockDirectoryVariable, here)
	check(t, first.Close())
	t.Setenv(LockDirectoryVariable, elsewhere)
	writer := must(Connect(next.Name(), 0))(t)
	write(t, writer, 100)
	take(t, next, 1, 100).Release()
	check(t, writer.Close())
	check(t, next.Close())
}

func TestWhatBelongsToAnotherProgramStays(t *testing.T) {
	short, version, late := []byte("mine"), make([]byte, 256), make([]byte, 1<<17)
	version[0], version[4] = oiebSize, 2
	late[1<<16+5] = 1
	for _, content := range [][]byte{short, version, late, make([]byte, 32), {}} {
		name := uniqueName(t)
		check(t, os.WriteFile(segmentPath(name), content, 0o600))
		reader, err := NewReader(name, Config{PayloadSize: 64})
		if len(bytes.Trim(content, "\x00")) == 0 {
			check(t, must(reader, err)(t).Close())
			continue
		}
		wantCode(t, err, InvalidOIEB)
		if left := must(os.ReadFile(segmentPath(name)))(t); !bytes.Equal(left, content) {
			t.Fatal("it was changed")
		}
		check(t, os.Remove(segmentPath(name)))
	}
}

func TestABufferOfAnotherUserIsRefusedUnlessAskedFor(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	reader := must(NewReader(uniqueName(t), Config{PayloadSize: 1024}))(t)
	defer reader.Close()
	check(t, os.Chown(segmentPath(reader.Name()), 1234, -1))
	_, err := Connect(reader.Name(), 0)
	wantCode(t, err, PermissionDenied)
	writer := must(Connect(reader.Name(), 0, AnyOwner))(t)
	defer writer.Close()
	write(t, writer, 100)
	take(t, reader, 1, 100).Release()
}

func TestWhatIsNoSemaphoreIsRefused(t *testing.T) {
	private, value := make([]byte, semaphoreSize), make([]byte, semaphoreSize)
	private[8], value[3] = 1, 0x80
	for _, content := range [][]byte{{}, make([]byte, 31), make([]byte, 33), private, value} {
		for _, path := range []func(string) string{dataPath, spacePath} {
			reader := must(NewReader(uniqueName(t), Config{PayloadSize: 64}))(t)
			place := path(reader.Name())
			check(t, os.Rename(place, place+".before"))
			check(t, os.WriteFile(place, content, 0o600))
			_, err := Connect(reader.Name(), 0)
			wantCode(t, err, InvalidOIEB)
			check(t, os.Rename(place+".before", place))
			must(Connect(reader.Name(), 0))(t).Close()
			check(t, reader.Close())
		}
	}
}

func TestALockFileWithASecondNameIsATrap(t *testing.T) {
	t.Setenv(LockDirectoryVariable, t.TempDir())
	name := uniqueName(t)
	victim := filepath.Join(lockDirectory(), "victim")
	check(t, os.WriteFile(victim, []byte("secret"), 0o400))
	check(t, os.Link(victim, lockPath(name)))
	_, err := NewReader(name, Config{PayloadSize: 64, Mode: 0o666})
	wantCode(t, err, SystemError)
	if mode := must(os.Stat(victim))(t).Mode(); mode != 0o400 {
		t.Fatalf("the mode is %v now", mode)
	}
	check(t, os.Remove(lockPath(name)))
}
