package zerobuffer

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

const (
	sysPidfdOpen   = 434
	mostPIDs       = 1 << 22
	ticksPerSecond = 100 // USER_HZ, part of the interface of /proc
	pollIn         = 1

	// Start times have the granularity of a tick, and the wall clock is set now and then.
	clockSlack = time.Second

	// How long an answer stays good for a peer that is asked on every call.
	peerFresh = 50 * time.Microsecond
)

// peer watches the process on the other side. A pidfd pins one process, so that a number that another process gets later
// is no trap; where there is none, the start time of the process does the same.
type peer struct {
	pid     uint64 // 0: none is watched
	fd      int
	start   uint64
	dead    bool
	unknown bool // dead only in the sense that no such number is known here
	asked   time.Time
}

// watch turns to a process, unless it is watched already.
func (p *peer) watch(pid uint64) {
	if pid == p.pid {
		return
	}
	p.close()
	p.pid = pid
	if pid == 0 || pid > mostPIDs {
		p.dead, p.unknown = pid != 0, pid != 0
		return
	}
	fd, _, number := syscall.RawSyscall(sysPidfdOpen, uintptr(pid), 0, 0)
	switch number {
	case 0:
		p.fd = int(fd) // opened with close-on-exec by the kernel
	case syscall.ESRCH, syscall.EINVAL:
		p.dead, p.unknown = true, true
	default:
		p.start, _ = startTime(pid)
	}
}

func (p *peer) close() {
	if p.fd > 0 {
		_ = syscall.Close(p.fd)
	}
	*p = peer{}
}

// alive says whether the process runs; a zombie does not, one that may not be signalled does.
func (p *peer) alive() bool {
	if p.pid == 0 || p.dead {
		return false
	}
	now := time.Now()
	if now.Sub(p.asked) < peerFresh {
		return true
	}
	p.asked = now
	switch {
	case p.fd > 0:
		p.dead = hasEnded(p.fd)
	case p.start != 0:
		start, state := startTime(p.pid)
		p.dead = start != p.start || !running(state)
	default:
		p.dead = syscall.Kill(int(p.pid), 0) == syscall.ESRCH
	}
	return !p.dead
}

func hasEnded(pidfd int) bool {
	poll := struct {
		fd      int32
		events  int16
		revents int16
	}{fd: int32(pidfd), events: pollIn}
	var at syscall.Timespec
	count, _, number := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1,
		uintptr(unsafe.Pointer(&at)), 0, 0, 0)
	return number == 0 && count == 1
}

// startTime returns when a process started, in ticks since boot, and its state; 0 if there is no such process. Its name
// stands in parentheses and may hold anything: the fields are counted from the last one that closes.
func startTime(pid uint64) (start uint64, state byte) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	const stateField, startField = 0, 19
	if len(fields) <= startField {
		return 0, 0
	}
	start, _ = strconv.ParseUint(string(fields[startField]), 10, 64)
	return start, fields[stateField][0]
}

func running(state byte) bool { return state != 0 && state != 'Z' && state != 'X' }

// ownerAlive says whether the process that a segment names still runs, and is not a younger one that got its number.
func ownerAlive(pid uint64, made time.Time) bool {
	if pid == 0 || pid > mostPIDs || syscall.Kill(int(pid), 0) == syscall.ESRCH {
		return false
	}
	start, state := startTime(pid)
	if start == 0 {
		// It ended just now; or it answers signals and /proc hides it, or cannot be read: then it lives.
		return syscall.Kill(int(pid), 0) != syscall.ESRCH
	}
	if !running(state) {
		return false
	}
	began := bootTime().Add(time.Duration(start) * (time.Second / ticksPerSecond))
	return !began.After(made.Add(clockSlack))
}

func bootTime() time.Time {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}
	}
	for _, line := range bytes.Split(content, []byte{'\n'}) {
		if seconds, found := bytes.CutPrefix(line, []byte("btime ")); found {
			whole, _ := strconv.ParseInt(string(seconds), 10, 64)
			return time.Unix(whole, 0)
		}
	}
	return time.Time{}
}

// livingReader returns the reader that the segment of a name mentions, and whether it lives. It fails if there is a
// segment that cannot be looked at: nobody may call its owner dead then.
func livingReader(name string) (pid uint64, living bool, err error) {
	fd, err := syscall.Open(segmentPath(name), syscall.O_RDONLY|openFlags, 0)
	if err == syscall.ENOENT {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer closeFile(fd)
	var facts syscall.Stat_t
	if err := syscall.Fstat(fd, &facts); err != nil || !isRegular(&facts) {
		return 0, false, err
	}
	memory := make([]byte, oiebSize)
	if count, err := syscall.Pread(fd, memory, 0); err != nil || count < oiebSize {
		return 0, false, err
	}
	pid = blockAt(memory).readerPID.Load()
	// Peers set the modification time when they connect, but never to a moment before the creation.
	made := time.Unix(facts.Mtim.Unix())
	if changed := time.Unix(facts.Ctim.Unix()); changed.Before(made) {
		made = changed
	}
	return pid, ownerAlive(pid, made), nil
}
