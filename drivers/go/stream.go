package zerobuffer

import (
	"errors"

	"zerobuffer/internal/points"
)

// stream is the place in the ring at which a writer goes on. docs/stream.md has the rules.
type stream struct {
	*ring
	committed uint64
	plain     bool // a foreign peer uses the ring: only what the protocol fixes is the truth
}

// errTryAgain says that another process is changing the fields just now.
var errTryAgain = errors.New("the fields of the buffer do not stand still")

// How often to look for a moment at which the reader releases nothing.
const steadyLooks = 1000

// join replaces an owner that is dead, 0 if there was none, finds the place to go on, and claims the buffer. The reader is
// told before the claim: so a number of ours in writer_pid stands in connection, too.
func (s *stream) join(owner uint64) error {
	if owner != 0 {
		if err := s.inherit(owner); err != nil {
			return err
		}
	}
	now, err := s.look()
	if err != nil {
		return err
	}
	s.committed = now.released + s.size() - now.free
	foreign := now.released == 0
	s.plain = foreign || s.committed%s.size() != now.pos
	ours := &s.block.ours
	number := numberOf(ours.connection.Load())
	if !s.plain {
		ours.committed.Store(s.committed)
		ours.streamStart.Store(s.committed)
		ours.connection.Store((number+1)<<32 | ownPID())
	} else if !foreign {
		ours.connection.Store((number + 1) << 32)
	}
	points.Pass(points.WriterAnnounced)
	if s.block.writerPID.CompareAndSwap(0, ownPID()) {
		now, err = s.look()
		if s.plain || err == nil && s.committed == now.released+s.size()-now.free {
			return nil
		}
		s.block.writerPID.CompareAndSwap(ownPID(), 0) // a foreign writer came and went before the claim
		number++                                      // this connection was there: its number does not come again
	}
	if !foreign {
		ours.connection.Store(number << 32)
	}
	return errTryAgain
}

// inherit sets right what a dead owner left, and takes its number away.
func (s *stream) inherit(owner uint64) error {
	now, err := s.look()
	if err != nil {
		return err
	}
	size, ours := s.size(), &s.block.ours
	used := ours.committed.Load() - now.released
	if owner != pidOf(ours.connection.Load()) {
		used = (now.pos + size - now.released%size) % size
		if used == 0 && now.free == 0 {
			used = size
		}
		if used == 0 && now.free != size && now.released != 0 {
			return errTryAgain // empty or full: the reader will show it
		}
	}
	if now.released != 0 && used <= size {
		s.block.writePos.Store((now.released + used) % size)
		s.block.payloadFree.Add(size - used - now.free)
	}
	if !s.block.writerPID.CompareAndSwap(owner, 0) {
		return errTryAgain
	}
	return nil
}

// standing is what the fields say at a moment at which the reader releases nothing.
type standing struct{ released, pos, free uint64 }

func (s *stream) look() (standing, error) {
	for range steadyLooks {
		released := s.block.ours.released.Load()
		pos, free, err := s.ring.writerState()
		if err != nil {
			return standing{}, err
		}
		if released&releasing == 0 && released == s.block.ours.released.Load() {
			return standing{released, pos, free}, nil
		}
	}
	return standing{}, errTryAgain
}

// state returns where the next frame goes and how much is free.
func (s *stream) state() (pos, free uint64, err error) {
	pos, free, err = s.ring.writerState()
	if err == nil && !s.plain && pos != s.committed%s.size() {
		s.leave() // another writer has written here
		s.plain = true
	}
	if err != nil || s.plain {
		return pos, free, err
	}
	released := s.block.ours.released.Load() &^ releasing
	used := s.committed - released
	if used > s.size() {
		return 0, 0, corrupt(s.name, "released", released, s.committed)
	}
	return pos, s.size() - used, nil
}

// hasRoom says whether so many bytes are free, or the control block is corrupt: neither is worth a wait.
func (s *stream) hasRoom(bytes uint64) bool {
	_, free, err := s.state()
	return err != nil || free >= bytes
}

// publish makes a frame whose bytes are in place part of the ring; the post that tells the reader is the caller's.
func (s *stream) publish(p plan, sequence uint64) {
	header{p.size, sequence}.put(s.payload, p.at)
	count := s.block.writtenCount.Load() + 1
	if p.marker {
		header{}.put(s.payload, p.from)
		count++
	}
	points.Pass(points.WriterHeader)
	points.Pass(points.WriterIntent)
	s.block.payloadFree.Add(-p.need())
	points.Pass(points.WriterFree)
	s.block.writePos.Store(p.next(s.size()))
	points.Pass(points.WriterPosition)
	s.block.writtenCount.Store(count)
	points.Pass(points.WriterCount)
	if !s.plain {
		s.committed += p.need()
		s.block.ours.committed.Store(s.committed) // this is the commit
	}
	points.Pass(points.WriterCommit)
}

// leave tells that the fields of ours are no longer kept by this writer.
func (s *stream) leave() {
	if !s.plain {
		s.block.ours.connection.Store(numberOf(s.block.ours.connection.Load()) << 32)
	}
}

// A word of connection: its number, and the pid of a writer of ours, 0 once that has closed.
func numberOf(connection uint64) uint64 { return connection >> 32 }
func pidOf(connection uint64) uint64    { return connection & (1<<32 - 1) }
