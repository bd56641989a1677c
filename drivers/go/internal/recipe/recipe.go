// Package recipe makes test data: payloads are described, not sent, and compared by digest.
package recipe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The patterns: Frame depends on position and sequence, Simple on the position alone, Text is given as it is.
const (
	Frame  = "frame"
	Simple = "simple"
	Text   = "text"
)

// Payload is a recipe for bytes.
type Payload struct {
	Pattern  string `json:"pattern"`
	Size     int    `json:"size"`
	Sequence uint64 `json:"sequence"` // for Frame; 0 stands for the number the frame itself gets
	Text     string `json:"text"`
	Mask     uint8  `json:"mask"`   // every byte is combined with it by exclusive or
	Repeat   int    `json:"repeat"` // how often the whole is repeated
}

// Check refuses what is no recipe.
func (p Payload) Check() error {
	if p.Pattern != Frame && p.Pattern != Simple && p.Pattern != Text {
		return fmt.Errorf("there is no pattern %q", p.Pattern)
	}
	if p.Size < 0 || p.Repeat < 0 {
		return fmt.Errorf("a payload of size %d, repeated %d times, cannot be made", p.Size, p.Repeat)
	}
	return nil
}

// Sized returns the recipe for another size.
func (p Payload) Sized(size int) Payload {
	if size == p.Size {
		return p
	}
	return Payload{Pattern: p.Pattern, Size: size, Sequence: p.Sequence, Repeat: 1}
}

// Constant says whether the bytes are the same for every frame.
func (p Payload) Constant() bool { return p.Pattern != Frame || p.Sequence != 0 }

// Content makes the bytes; the sequence fills in for a recipe that leaves it open.
func (p Payload) Content(sequence uint64) []byte {
	var made []byte
	switch p.Pattern {
	case Text:
		made = []byte(p.Text)
	case Frame:
		if p.Sequence != 0 {
			sequence = p.Sequence
		}
		made = Ramp(p.Size, sequence)
	default:
		made = Ramp(p.Size, 0)
	}
	if p.Mask != 0 {
		for i := range made {
			made[i] ^= p.Mask
		}
	}
	if p.Repeat == 1 {
		return made
	}
	return bytes.Repeat(made, p.Repeat)
}

// Ramp returns bytes that count upwards modulo 256. Each copy doubles what is there: the period divides every power of
// two from 256 on.
func Ramp(size int, shift uint64) []byte {
	made := make([]byte, size)
	for i := range min(size, 256) {
		made[i] = byte(uint64(i) + shift)
	}
	for done := 256; done < size; done *= 2 {
		copy(made[done:], made[:done])
	}
	return made
}

// Digest returns the CRC-32 of some bytes.
func Digest(data []byte) uint32 { return crc32.ChecksumIEEE(data) }

// Chained returns the digest of a series of frames that goes on with one more: its size, its sequence, its bytes.
func Chained(previous uint32, sequence uint64, data []byte) uint32 {
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], uint64(len(data)))
	binary.LittleEndian.PutUint64(head[8:], sequence)
	return crc32.Update(crc32.Update(previous, crc32.IEEETable, head[:]), crc32.IEEETable, data)
}
