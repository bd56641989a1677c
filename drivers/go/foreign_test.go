package zerobuffer

import "testing"

// Peers that know the protocol alone.

// foreign makes a writer one that knows the protocol alone.
func foreign(w *Writer) {
	w.stream.leave()
	w.stream.plain = true
}

func TestForeignWritersComeAndGo(t *testing.T) {
	for _, killed := range []bool{false, true} {
		reader, writer := pair(t, 0, 1024)
		for round := range 20 {
			if round%2 == 1 {
				foreign(writer)
			}
			write(t, writer, 100)
			write(t, writer, 200)
			if killed {
				vanish(t, writer)
			} else {
				check(t, writer.Close())
			}
			if round%3 == 0 { // else two streams stand in the ring
				take(t, reader, 1, 100).Release()
				take(t, reader, 2, 200).Release()
			}
			next := must(Connect(reader.Name(), 0))(t)
			if next.stream.plain {
				t.Fatal("a writer of ours does not know where it is")
			}
			if round%3 != 0 {
				take(t, reader, 1, 100).Release()
				take(t, reader, 2, 200).Release()
			}
			_, err := reader.Read(0)
			wantCode(t, err, Timeout)
			writer = next
		}
		if now := free(reader); now != 1024 {
			t.Fatalf("killed %v: %d bytes are free", killed, now)
		}
		check(t, writer.Close())
	}
}

func TestAForeignWriterHasFilledTheRing(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	foreign(writer)
	write(t, writer, 1024-int(headerSize))
	vanish(t, writer)
	next := must(Connect(reader.Name(), 0))(t)
	defer next.Close()
	_, err := next.Write(pattern(10, 1), 0)
	wantCode(t, err, BufferFull)
	take(t, reader, 1, 1024-int(headerSize)).Release()
	write(t, next, 10)
	take(t, reader, 1, 10).Release()
}

func TestBesideAForeignPeerTheFieldsOfTheProtocolAreTheTruth(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	block := reader.segment.ring.block
	write(t, writer, 100)
	take(t, reader, 1, 100).Release()
	block.writePos.Store(0) // a foreign writer that does not know of ours
	write(t, writer, 50)
	if !writer.stream.plain || block.writePos.Load() != 66 || pidOf(block.ours.connection.Load()) != 0 {
		t.Fatal("the writer goes on as if it were alone")
	}
	check(t, writer.Close())
	before := block.ours.connection.Load()
	next := must(Connect(reader.Name(), 0))(t)
	if !next.stream.plain || block.ours.connection.Load() != before+1<<32 {
		t.Fatal("the fields contradict each other, and the next writer trusts them")
	}
	check(t, next.Close())
	block.ours.released.Store(0) // a foreign reader
	next = must(Connect(reader.Name(), 0))(t)
	defer next.Close()
	before = block.ours.committed.Load()
	write(t, next, 50)
	if !next.stream.plain || block.ours.committed.Load() != before {
		t.Fatal("a foreign reader's reserved bytes were written")
	}
}

// Where a dead writer stands in the middle of a commit, at the reader's own place, the ring may be empty or full.
func TestTheReaderSettlesWhatTheNextWriterCannotTell(t *testing.T) {
	reader, writer := pair(t, 0, 1024)
	foreign(writer)
	die(t, writer, freeTaken, 200)
	_, _, err := tryConnect(reader.Name(), false)
	wantCode(t, err, WriterExists)
	_, err = reader.Read(0)
	wantCode(t, err, WriterDead)
	next := must(Connect(reader.Name(), 0))(t)
	defer next.Close()
	if next.stream.plain || free(reader) != 1024 {
		t.Fatalf("%d bytes are free", free(reader))
	}
	write(t, next, 100)
	take(t, reader, 1, 100).Release()
}

// A foreign writer does not say when it came: the reader believes only what it saw.
func TestAForeignStreamRestartsOnlyWhereItsWriterMayBeAnother(t *testing.T) {
	for _, seen := range []bool{false, true} {
		reader, writer := pair(t, 0, 1024)
		foreign(writer)
		if seen {
			_, err := reader.Read(0)
			wantCode(t, err, Timeout)
		}
		write(t, writer, 100)
		writer.sequence.Store(1)
		write(t, writer, 100)
		take(t, reader, 1, 100).Release()
		if !seen {
			take(t, reader, 1, 100).Release()
			continue
		}
		_, err := reader.Read(0)
		wantCode(t, err, SequenceMismatch)
	}
}

func TestAForeignClientThatAsksAtOnceIsAnswered(t *testing.T) {
	name := uniqueName(t)
	server := must(NewServer(name, Config{PayloadSize: 1024}))(t)
	defer server.Close()
	check(t, server.Start(func(*Frame) ([]byte, error) { return []byte{7}, nil }))
	for range 3 {
		client := must(Dial(name, Config{PayloadSize: 1024}, patience))(t)
		foreign(client.requests)
		must(client.Send([]byte{1}, patience))(t)
		must(client.Receive(patience))(t).Release()
		check(t, client.Close())
	}
}
