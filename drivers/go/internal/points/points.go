// Package points names places inside an operation at which a test of faults may have this process die. Only programs of
// this module can arm one; for everybody else a passage is one comparison.
package points

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
)

// Point is a place inside an operation.
type Point int32

// The points, in the order in which an operation passes them.
const (
	WriterPlanned Point = iota + 1
	WriterData
	WriterHeader
	WriterIntent
	WriterPosition
	WriterFree
	WriterCount
	WriterPost
	WriterDone
	WriterMetadata
	ReaderToken
	ReaderWrap
	ReaderPosition
	ReaderCount
	ReaderFree
	ReaderSpace
)

// The names are those of the other implementations.
var names = []string{
	WriterPlanned:  "writer.planned",
	WriterData:     "writer.data",
	WriterHeader:   "writer.header",
	WriterIntent:   "writer.intent",
	WriterPosition: "writer.position",
	WriterFree:     "writer.free",
	WriterCount:    "writer.count",
	WriterPost:     "writer.post",
	WriterDone:     "writer.done",
	WriterMetadata: "writer.metadata",
	ReaderToken:    "reader.token",
	ReaderWrap:     "reader.wrap",
	ReaderPosition: "reader.position",
	ReaderCount:    "reader.count",
	ReaderFree:     "reader.free",
	ReaderSpace:    "reader.space",
}

var (
	armed atomic.Int32 // 0 while none is
	left  atomic.Int64 // passages, the last of which kills
)

// Arm has this process killed when it passes a point for the passage-th time.
func Arm(name string, passage int) error {
	point := slices.Index(names, name)
	if point < 1 {
		return fmt.Errorf("there is no point %q, only %q", name, names[1:])
	}
	left.Store(int64(max(1, passage)))
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
	if left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}
