package zerobuffer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const vectors = "../../tests/vectors/segments"

// side is a reader and a writer that do what a vector says.
type side struct {
	t      *testing.T
	reader *Reader
	writer *Writer
	held   []*Frame
}

func begin(t *testing.T, metadata, payload uint64) *side {
	reader, writer := pair(t, metadata, payload)
	return &side{t: t, reader: reader, writer: writer}
}

func (s *side) write(sizes ...int) {
	for _, size := range sizes {
		write(s.t, s.writer, size)
	}
}

func (s *side) read(count int) {
	for range count {
		s.held = append(s.held, must(s.reader.Read(patience))(s.t))
	}
}

func (s *side) release() {
	for _, frame := range s.held {
		frame.Release()
	}
	s.held = nil
}

func (s *side) take(count int) {
	s.read(count)
	s.release()
}

type manifestEntry struct {
	ID    string `json:"id"`
	File  string `json:"file"`
	Data  uint64 `json:"sem_w"`
	Space uint64 `json:"sem_r"`
}

// compare holds the whole memory and both semaphores against a vector, with the numbers of processes made equal.
func (s *side) compare(entry manifestEntry) {
	s.t.Helper()
	want := must(os.ReadFile(filepath.Join(vectors, entry.File)))(s.t)
	got := bytes.Clone(s.reader.segment.memory)
	for _, memory := range [][]byte{want, got} {
		at := func(field string) uintptr { return Layout()["oieb"].Fields[field][0] }
		for _, field := range []string{"writer_pid", "reader_pid"} {
			if place := memory[at(field):]; binary.LittleEndian.Uint64(place) != 0 {
				binary.LittleEndian.PutUint64(place, 1)
			}
		}
		clear(memory[at("reserved"):oiebSize]) // a foreign peer keeps nothing there
		// Both are right after an exact fit; this library writes 0.
		if place := memory[at("payload_write_pos"):]; bytes.Equal(place[:8], memory[at("payload_size"):][:8]) {
			binary.LittleEndian.PutUint64(place, 0)
		}
	}
	if !bytes.Equal(want, got) {
		at := 0
		for at < min(len(want), len(got)) && want[at] == got[at] {
			at++
		}
		s.t.Errorf("%s: the memory (%d bytes, expected %d) differs from byte %d on", entry.ID, len(got), len(want), at)
	}
	data, space := s.reader.segment.data.value(), s.reader.segment.space.value()
	if data != entry.Data || space != entry.Space {
		s.t.Errorf("%s: semaphores (%d, %d), expected (%d, %d)", entry.ID, data, space, entry.Data, entry.Space)
	}
}

// Each vector is what stands in memory after its operations; those of one letter go on from each other.
func TestVectors(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(vectors, "manifest.jsonl"))
	if err != nil {
		t.Skipf("no vectors: %v", err)
	}
	var s *side
	unconnected := func(metadata, payload uint64) {
		reader := must(NewReader(uniqueName(t), Config{MetadataSize: metadata, PayloadSize: payload}))(t)
		t.Cleanup(func() { check(t, reader.Close()) })
		s = &side{t: t, reader: reader}
	}
	operations := map[string]func(){
		"a1-created": func() { unconnected(1024, 10240) },
		"a2-connected": func() {
			s.writer = must(Connect(s.reader.Name(), 0))(t)
			t.Cleanup(func() { check(t, s.writer.Close()) })
		},
		"a3-metadata":       func() { check(t, s.writer.SetMetadata(pattern(100, 0))) },
		"a4-one-frame":      func() { s.write(1024) },
		"a5-read-held":      func() { s.read(1) },
		"a6-released":       func() { s.release() },
		"a7-four-more":      func() { s.write(2048, 2048, 2048, 2048) },
		"a8-two-read":       func() { s.take(1); s.take(1) },
		"a9-wrapped":        func() { s.write(2048) },
		"a10-before-marker": func() { s.take(1); s.take(1) },
		"a11-across-marker": func() { s.take(1) },
		"b1-tiny":           func() { s = begin(t, 0, 64); s.write(1) },
		"c1-exact-fit":      func() { s = begin(t, 0, 1024); s.write(496, 496) },
		"d1-rounding":       func() { unconnected(65, 1000) },
		"e1-mixed": func() {
			s = begin(t, 64, 4096)
			for i, size := range []int{16, 32, 240, 1008, 496, 64, 2000, 112, 768, 1488, 336, 48, 160} {
				s.write(size)
				if number := i + 1; number == 1 || 3 <= number && number <= 12 {
					s.take(1)
				}
			}
		},
		"f1-marker-fills-tail": func() {
			s = begin(t, 0, 1024)
			s.write(992)
			s.take(1)
			s.write(100)
		},
	}
	seen := 0
	for _, line := range bytes.Split(bytes.TrimSpace(content), []byte{'\n'}) {
		var entry manifestEntry
		check(t, json.Unmarshal(line, &entry))
		work, known := operations[entry.ID]
		if !known {
			t.Errorf("this test does not know how to make %s", entry.ID)
			continue
		}
		work()
		s.compare(entry)
		seen++
	}
	if seen != len(operations) {
		t.Errorf("%d vectors of %d", seen, len(operations))
	}
}
