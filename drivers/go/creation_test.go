package zerobuffer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"zerobuffer/internal/points"
	"zerobuffer/internal/stops"
)

// What may go wrong while a buffer is made, and no scenario can bring about in every implementation.

func TestAFileIsMadeWhereThereIsNone(t *testing.T) {
	path := segmentPath(uniqueName(t))
	check(t, os.WriteFile(path, []byte("mine"), 0o600))
	fd, err := createFile(path, 0o600, func(int) error { return nil })
	if fd != noFile || err != syscall.EEXIST {
		t.Fatalf("descriptor %d, %v", fd, err)
	}
	if left := must(os.ReadFile(path))(t); string(left) != "mine" {
		t.Fatal("it was changed")
	}
	check(t, os.Remove(path))
}

// Both are a SystemError: what is tried next would fail, too, and not say why.
func TestALockDirectoryThatCannotBeOpenedIsNamed(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(t.TempDir(), link))
	t.Setenv(LockDirectoryVariable, link)
	_, err := NewReader(uniqueName(t), Config{PayloadSize: 64})
	wantCode(t, err, SystemError)
	var failed *Error
	if !errors.As(err, &failed) || failed.Details["operation"] != "open the lock directory" {
		t.Fatal(err)
	}
}

// The lock file can be opened in its directory, but not be looked at by its path, which is too long.
func TestALockThatCannotBeProvedIsNone(t *testing.T) {
	const mostOfAPath = 4095
	directory := t.TempDir()
	for len(directory) < mostOfAPath {
		rest := mostOfAPath - len(directory) - len("/")
		part := min(rest, 200)
		if rest-part == len("/") {
			part-- // else there would be a separator, and no name behind it
		}
		directory += "/" + strings.Repeat("d", part)
	}
	t.Setenv(LockDirectoryVariable, directory)
	err := (&objects{name: "unproved"}).takeLock(0o600)
	wantCode(t, err, SystemError)
	if !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Fatal(err)
	}
}

// The system refuses a lock for writing where the descriptor is for reading.
func TestAnOrphanThatCannotBeLockedIsNotRemoved(t *testing.T) {
	reader := must(NewReader(uniqueName(t), Config{PayloadSize: 64}))(t)
	orphan(t, reader)
	fd := must(syscall.Open(segmentPath(reader.Name()), syscall.O_RDONLY|openFlags, 0))(t)
	if err := lockOrphan(reader.Name(), fd); err != syscall.EBADF {
		t.Fatal(err)
	}
	closeFile(fd)
	check(t, must(NewReader(reader.Name(), Config{PayloadSize: 64}))(t).Close())
}

// Somebody writes into the segment before its reader has opened it. Other implementations do not open their own.
func TestABufferThatIsSpoiledInTheMakingFailsWhole(t *testing.T) {
	name := uniqueName(t)
	halted, said := launch(t, "refused-reader", name)
	check(t, stops.Await(halted.Process.Pid, patience))
	segment := must(os.OpenFile(segmentPath(name), os.O_WRONLY, 0))(t)
	must(segment.WriteAt([]byte{1}, 32))(t) // into payload_size
	check(t, segment.Close())
	check(t, halted.Process.Signal(syscall.SIGCONT))
	awaitReady(t, said)
}

// playRefusedReader is the other process of the test above.
func playRefusedReader(name string) error {
	if err := points.Arm("reader.formatted", 1, points.Halt); err != nil {
		return err
	}
	reader, err := NewReader(name, Config{PayloadSize: 1024})
	if reader != nil || !errors.Is(err, InvalidOIEB) {
		return fmt.Errorf("a reader (%v), or another error: %w", reader, err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err == nil && bytes.Contains(maps, []byte(sharedMemory+"/")) { // a file without a name at first is mapped without one
		err = errors.New("the segment is still mapped")
	}
	return err
}

// A driver asks for no mode: no other implementation needs one.
func TestAModeIsForItsOwnerAtLeastAndForNobodyToRun(t *testing.T) {
	for mode, legal := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o666: true, 0o601: false, 0o610: false,
		0o700: false, 0o400: false, 0o200: false, 0o066: false, os.ModeSticky | 0o600: false} {
		if _, err := (Config{PayloadSize: 64, Mode: mode}).checked(); (err == nil) != legal {
			t.Fatalf("%#o: %v", mode, err)
		}
	}
}
