package zerobuffer

import (
	"bytes"
	"syscall"
	"time"
)

// removeOrphan removes the buffer that a dead reader left. It fails if there is a living reader, or anything that is no
// buffer: that belongs to another program.
func removeOrphan(name string) error {
	for {
		fd, err := syscall.Open(segmentPath(name), syscall.O_RDWR|openFlags, 0)
		if err == syscall.ENOENT {
			return nil
		}
		if err != nil {
			return fromSystem(err, name, "open the segment that stands there")
		}
		err = lockOrphan(name, fd)
		there := false
		if err == nil {
			there, err = isAt(fd, segmentPath(name))
		}
		if there {
			err = unlinkObjects(name)
		}
		closeFile(fd)
		if err != nil {
			return fromSystem(err, name, "remove what a dead owner left")
		}
	}
}

// lockOrphan takes the lock of removal on a segment whose reader is dead. That of the reader would be a sign of life.
func lockOrphan(name string, fd int) error {
	var facts syscall.Stat_t
	_ = syscall.Fstat(fd, &facts) // cannot fail for a file that is open
	memory := make([]byte, oiebSize)
	block := blockAt(memory)
	count, _ := syscall.Pread(fd, memory, 0) // of a FIFO: nothing
	formatted := count == oiebSize && block.size.Load() == oiebSize && block.version[0] == majorVersion
	if !formatted && !isZero(fd) {
		return fail(InvalidOIEB, Details{"name": name},
			"what stands in the place of buffer %q is no buffer, and stays. Choose another name, or remove it", name)
	}
	err := lockByte(fd, removalByte)
	foreign := block.ours.released.Load() == 0
	if err == syscall.EAGAIN || byteLocked(fd, readerByte) ||
		foreign && ownerAlive(block.readerPID.Load(), time.Unix(facts.Mtim.Unix())) {
		return inUse(name)
	}
	return err
}

// isZero says whether a file holds nothing but zeros, as a segment does whose creator died.
func isZero(fd int) bool {
	chunk := make([]byte, 1<<16)
	for offset := int64(0); ; {
		count, err := syscall.Pread(fd, chunk, offset)
		if count <= 0 || err != nil {
			return err == nil
		}
		if len(bytes.Trim(chunk[:count], "\x00")) > 0 {
			return false
		}
		offset += int64(count)
	}
}
