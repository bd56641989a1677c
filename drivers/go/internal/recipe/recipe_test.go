package recipe

import (
	"bytes"
	"testing"
)

func TestContent(t *testing.T) {
	for _, example := range []struct {
		recipe Payload
		want   []byte
	}{
		{Payload{Pattern: Frame, Size: 3, Repeat: 1}, []byte{9, 10, 11}},
		{Payload{Pattern: Frame, Size: 3, Sequence: 255, Repeat: 1}, []byte{255, 0, 1}},
		{Payload{Pattern: Simple, Size: 3, Mask: 0xff, Repeat: 1}, []byte{255, 254, 253}},
		{Payload{Pattern: Text, Text: "é", Repeat: 2}, []byte("éé")},
		{Payload{Pattern: Simple, Size: 0, Repeat: 1}, []byte{}},
	} {
		if got := example.recipe.Content(9); !bytes.Equal(got, example.want) {
			t.Errorf("%+v: %v, expected %v", example.recipe, got, example.want)
		}
	}
}

func TestRampCountsModulo256(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, 257, 511, 512, 1000, 70001} {
		made := Ramp(size, 1234567)
		if len(made) != size {
			t.Fatalf("%d bytes, expected %d", len(made), size)
		}
		for i, value := range made {
			if value != byte(i+1234567) {
				t.Fatalf("size %d, byte %d: %d", size, i, value)
			}
		}
	}
}

// The digests are those of Python's zlib.
func TestDigests(t *testing.T) {
	if got := Digest([]byte("123456789")); got != 0xcbf43926 {
		t.Errorf("%#x", got)
	}
	if got := Chained(Chained(0, 1, Ramp(3, 1)), 2, Ramp(5, 2)); got != 1901503569 {
		t.Errorf("%d, expected %d", got, 1901503569)
	}
}
