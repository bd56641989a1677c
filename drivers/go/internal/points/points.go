// Package points names places inside an operation at which a test of faults may have this process die or halt. Only
// programs of this module can arm one; for everybody else a passage is one comparison.
package points

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
)

// Point is a place inside an operation.
type Point int32

// The points, in the order in which an operation passes them.
const (
	WriterOpened Point = iota + 1
	WriterAnnounced
	WriterPlanned
	WriterData
	WriterHeader
	WriterIntent
	WriterFree
	WriterPosition
	WriterCount
	WriterCommit
	WriterPost
	WriterDone
	WriterMetadata
	ReaderFormatted
	ReaderToken
	ReaderWrap
	ReaderPosition
	ReaderCount
	ReaderFree
	ReaderSpace
	ReaderDeath
)

// The names are those of the other implementations.
var names = []string{
	WriterOpened:    "writer.opened",
	WriterAnnounced: "writer.announced",
	WriterPlanned:   "writer.planned",
	WriterData:      "writer.data",
	WriterHeader:    "writer.header",
	WriterIntent:    "writer.intent",
	WriterFree:      "writer.free",
	WriterPosition:  "writer.position",
	WriterCount:     "writer.count",
	WriterCommit:    "writer.commit",
	WriterPost:      "writer.post",
	WriterDone:      "writer.done",
	WriterMetadata:  "writer.metadata",
	ReaderFormatted: "reader.formatted",
	ReaderToken:     "reader.token",
	ReaderWrap:      "reader.wrap",
	ReaderPosition:  "reader.position",
	ReaderCount:     "reader.count",
	ReaderFree:      "reader.free",
	ReaderSpace:     "reader.space",
	ReaderDeath:     "reader.death",
}

// Deed is what the process does to itself at a point.
type Deed string

// The deeds: Die is the end by SIGKILL, Halt a stop by SIGSTOP, after which SIGCONT has the operation go on.
const (
	Die  Deed = "die"
	Halt Deed = "halt"
)

var (
	armed atomic.Int32 // 0 while none is
	left  atomic.Int64 // passages, the last of which counts
	halts atomic.Bool
)

// Arm has this process die or halt when it passes a point for the passage-th time, and never again.
func Arm(name string, passage int, deed Deed) error {
	point := slices.Index(names, name)
	if point < 1 {
		return fmt.Errorf("there is no point %q, only %q", name, names[1:])
	}
	if deed != Die && deed != Halt {
		return fmt.Errorf("there is no deed %q, only %q and %q", deed, Die, Halt)
	}
	left.Store(int64(max(1, passage)))
	halts.Store(deed == Halt)
	armed.Store(int32(point))
	return nil
}

// Pass marks the place of a point.
func Pass(point Point) {
	if armed.Load() == int32(point) {
		count()
	}
}

func count() {
	if left.Add(-1) != 0 {
		return
	}
	armed.Store(0)
	if halts.Load() {
		halt()
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// halt stops the process with this thread at this place. A signal to the process as a whole may be taken by another of
// its threads, and this one would go on until it has.
func halt() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGSTOP)
}
