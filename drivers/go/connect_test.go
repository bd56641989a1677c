package zerobuffer

import (
	"sync/atomic"
	"testing"
)

// A number of ours that can be seen is known to be ours: the lock tells of its death from the first moment on.
func TestAWriterIsKnownAsOursAsLongAsItIsThere(t *testing.T) {
	reader := must(NewReader(uniqueName(t), Config{PayloadSize: 1024}))(t)
	defer reader.Close()
	block := reader.segment.ring.block
	var end atomic.Bool
	seen := make(chan string)
	go func() {
		said := ""
		for looks := 0; !end.Load(); looks++ {
			before := block.ours.connection.Load()
			pid := block.writerPID.Load()
			if pid != 0 && pid != pidOf(before) && before == block.ours.connection.Load() {
				said = "a writer was there and not in connection"
			}
		}
		seen <- said
	}()
	for range 3000 {
		check(t, must(Connect(reader.Name(), 0))(t).Close())
	}
	end.Store(true)
	if said := <-seen; said != "" {
		t.Fatal(said)
	}
}

func TestAConnectionThatFailsIsTakenBack(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	check(t, writer.Close())
	block := reader.segment.ring.block
	before := block.ours.connection.Load()
	for _, attempt := range []struct {
		hinder, help func()
		patience     any
	}{
		{func() { block.writerPID.Store(1) }, func() { block.writerPID.Store(0) }, hopeless}, // a process that lives
		{func() { block.writerPID.Store(ownPID()) }, func() { block.writerPID.Store(0) }, patienceWithReader},
		{func() { block.readerPID.Store(0) }, func() { block.readerPID.Store(ownPID()) }, patienceWithReader},
		{func() { block.ours.released.Store(1024 | releasing) }, func() { block.ours.released.Store(1024) }, patienceWithOthers},
	} {
		attempt.hinder()
		_, patience, err := tryConnect(reader.Name(), false)
		attempt.help()
		if err == nil || patience != attempt.patience {
			t.Fatalf("%v, and %v of patience", err, patience)
		}
		if block.ours.connection.Load() != before || byteLocked(reader.segment.fd, writerByte) {
			t.Fatal("something is left of the attempt")
		}
	}
	// A foreign writer is faster: it comes between the look and the claim.
	s := stream{ring: reader.segment.ring}
	block.writerPID.Store(1)
	if err := s.join(0); err != errTryAgain || block.ours.connection.Load() != before {
		t.Fatal(err)
	}
	block.writerPID.Store(0)
	next := must(Connect(reader.Name(), 0))(t)
	defer next.Close()
	if next.stream.plain || numberOf(block.ours.connection.Load()) != numberOf(before)+1 {
		t.Fatal("the next writer does not know where it is")
	}
}
