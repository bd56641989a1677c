package zerobuffer

import (
	"bytes"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

const (
	mostPIDs       = 1 << 22
	ticksPerSecond = 100 // USER_HZ, part of the interface of /proc

	// Start times have the granularity of a tick, and the wall clock is set now and then.
	clockSlack = time.Second
)

// peer is a process that speaks the protocol alone: its number is its only sign of life.
type peer struct {
	pid   uint64
	start uint64 // when it started, as seen at the first look
	known bool   // whether there was such a process then
}

// alive says whether the process runs that had this number at the first look.
func (p *peer) alive(pid uint64) bool {
	start, living := processOf(pid)
	if pid != p.pid {
		*p = peer{pid, start, living}
	}
	// A start of 0 is one that could not be looked up.
	return living && p.known && (start == 0 || p.start == 0 || start == p.start)
}

// processOf says whether a number has a running process, and when that started: ticks since boot, 0 if /proc does not
// tell. A zombie does not run, a process that may not be signalled does.
func processOf(pid uint64) (start uint64, living bool) {
	if pid == 0 || pid > mostPIDs || syscall.Kill(int(pid), 0) == syscall.ESRCH {
		return 0, false
	}
	start, state := startTime(pid)
	if start == 0 {
		return 0, syscall.Kill(int(pid), 0) != syscall.ESRCH // it may have ended just now
	}
	return start, state != 'Z' && state != 'X'
}

// startTime reads when a process started, and its state; 0 if that cannot be opened or read. The name of the process
// stands in parentheses and may hold anything: the fields are counted from the last one that closes.
func startTime(pid uint64) (start uint64, state byte) {
	fd, _ := syscall.Open(fmt.Sprintf("/proc/%d/stat", pid), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	defer closeFile(fd)
	content := make([]byte, 1024)
	count, _ := syscall.Read(fd, content)
	content = content[:max(0, count)]
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	const stateField, startField = 0, 19
	if len(fields) <= startField {
		return 0, 0
	}
	start, _ = strconv.ParseUint(string(fields[startField]), 10, 64)
	return start, fields[stateField][0]
}

// ownerAlive says whether the process that a segment names still runs, and is not a younger one that got its number.
func ownerAlive(pid uint64, made time.Time) bool {
	start, living := processOf(pid)
	var now syscall.Sysinfo_t
	if !living || start == 0 || syscall.Sysinfo(&now) != nil {
		return living
	}
	booted := time.Now().Add(-time.Duration(now.Uptime) * time.Second)
	return !booted.Add(time.Duration(start) * (time.Second / ticksPerSecond)).After(made.Add(clockSlack))
}
