package zerobuffer

import (
	"errors"
	"math/rand"
	"os"
	"strconv"
	"testing"
	"time"
)

// seedVariable repeats a run of the random tests.
const seedVariable = "ZEROBUFFER_TEST_SEED"

func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := time.Now().UnixNano()
	if given := os.Getenv(seedVariable); given != "" {
		seed = must(strconv.ParseInt(given, 10, 64))(t)
	}
	t.Logf("repeat with %s=%d", seedVariable, seed)
	return rand.New(rand.NewSource(seed))
}

// Whatever the sizes, and in whatever order frames are released: all arrive unharmed, all space comes back, no frame
// waits for what cannot happen, and a tail without room for a marker arises only where it cannot be avoided.
func TestRandomFramesThroughRandomRings(t *testing.T) {
	dice := random(t)
	for range 60 {
		ringSize := uint64(64 * (1 + dice.Intn(40)))
		reader, writer := pair(t, 0, ringSize)
		exchange(t, dice, reader, writer, 400)
		if now := free(reader); now != ringSize {
			t.Fatalf("%d bytes are free of %d", now, ringSize)
		}
	}
}

func exchange(t *testing.T, dice *rand.Rand, reader *Reader, writer *Writer, count int) {
	t.Helper()
	ring := reader.segment.ring
	var held []*Frame
	var sizes []int // of frames that are not read yet
	next := uint64(1)
	drop := func() {
		i := dice.Intn(len(held))
		held[i].Release()
		held = append(held[:i], held[i+1:]...)
	}
	read := func() {
		held = append(held, take(t, reader, next, sizes[0]))
		next, sizes = next+1, sizes[1:]
	}
	for written := 0; written < count; {
		size := 1 + dice.Intn(int(ring.size()-headerSize))
		if dice.Intn(3) > 0 {
			size = 1 + dice.Intn(int(alwaysFits(ring.size())))
		}
		_, err := writer.Write(pattern(size, writer.NextSequence()), 0)
		switch {
		case err == nil:
			written++
			sizes = append(sizes, size)
			checkTail(t, ring, size)
		case errors.Is(err, FrameUnwritable):
			var refused *Error
			errors.As(err, &refused)
			if fits := refused.Details["fits_now"].(uint64); uint64(size) <= fits {
				t.Fatalf("%d bytes were refused, where %d fit", size, fits)
			}
		case errors.Is(err, BufferFull) && len(held) > 0 && (len(sizes) == 0 || dice.Intn(2) > 0):
			drop()
		case errors.Is(err, BufferFull) && len(sizes) > 0:
			read()
		default:
			t.Fatalf("ring %d, frame of %d, %d held, %d unread: %v", ring.size(), size, len(held), len(sizes), err)
		}
		if len(sizes) > 0 && dice.Intn(3) == 0 {
			read()
		}
	}
	for len(sizes) > 0 {
		read()
	}
	for len(held) > 0 {
		drop()
	}
	// The tail of a wrap that was read stays with the frames; nothing is pending now.
	if pending := reader.segment.data.value(); pending != 0 {
		t.Fatalf("%d tokens are left", pending)
	}
}

func checkTail(t *testing.T, ring *ring, size int) {
	t.Helper()
	pos, _, err := ring.writerState()
	check(t, err)
	tail, total := ring.size()-pos, uint64(size)+headerSize
	if began := pos - total; pos > total && tail < headerSize && total <= began {
		t.Fatalf("a frame of %d bytes at %d left a tail of %d, and could have wrapped", size, began, tail)
	}
}

// A plan never exceeds the ring, and refuses only what no draining could make room for.
func TestPlansAtEveryPosition(t *testing.T) {
	r := &ring{name: "plan", payload: make([]byte, 256)}
	for pos := range r.size() {
		for size := uint64(1); size <= r.size(); size++ {
			p, err := r.planFrame(pos, size)
			total, tail := size+headerSize, r.size()-pos
			possible := total <= tail || pos > 0 && total <= pos
			switch {
			case err == nil && !possible, err != nil && possible:
				t.Fatalf("at %d, %d bytes: %+v %v", pos, size, p, err)
			case err == nil && (p.at+total > r.size() || p.need() > r.size() || p.tail != 0 && p.at != 0):
				t.Fatalf("at %d, %d bytes: %+v", pos, size, p)
			}
			if size <= alwaysFits(r.size()) && err != nil {
				t.Fatalf("at %d, %d bytes, which always fit: %v", pos, size, err)
			}
		}
	}
}

// Whatever bytes stand in the ring: a frame within it, or a specific error.
func TestRandomMemory(t *testing.T) {
	dice := random(t)
	r := &ring{name: "random", payload: make([]byte, 256)}
	for range 20000 {
		for i := range r.payload {
			r.payload[i] = byte(dice.Intn(256) * dice.Intn(2) * dice.Intn(2))
		}
		f, err := r.peek(uint64(dice.Intn(len(r.payload))))
		if err != nil {
			wantCode(t, err, InvalidFrameSize)
		} else if f.size == 0 || f.at+f.size > r.size() || f.next >= r.size() {
			t.Fatalf("%+v", f)
		}
	}
}
