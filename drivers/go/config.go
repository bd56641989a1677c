package zerobuffer

import (
	"errors"
	"fmt"
	"os"
)

// ErrConfig is what a Config fails with that no buffer can have.
var ErrConfig = errors.New("zerobuffer: no buffer can have this Config")

// Config is how a reader creates its buffer.
type Config struct {
	// MetadataSize is the size of the metadata block, of which 8 bytes hold the length. 0 means no metadata.
	MetadataSize uint64
	// PayloadSize is the size of the ring. Twice the largest frame and its 16-byte header is a good choice: then every
	// frame can be written wherever the ring stands.
	PayloadSize uint64
	// Mode is the access to all four objects, set exactly; 0 stands for 0600.
	Mode os.FileMode
}

const mostBytes = 1 << 46 // what one process can address

func (c Config) checked() (Config, error) {
	if c.Mode == 0 {
		c.Mode = 0o600
	}
	if c.Mode|0o066 != 0o666 { // 0600 must stand there, 0066 may
		return c, fmt.Errorf("%w: Mode must hold 0600 and no bits beyond 0666, not %#o", ErrConfig, c.Mode)
	}
	if c.MetadataSize > mostBytes || c.PayloadSize > mostBytes || c.PayloadSize == 0 {
		return c, fmt.Errorf("%w: payload must be from 1, metadata from 0 to %d bytes, not %d and %d",
			ErrConfig, uint64(mostBytes), c.PayloadSize, c.MetadataSize)
	}
	return c, nil
}

func (c Config) segmentSize() uint64 { return oiebSize + align(c.MetadataSize) + align(c.PayloadSize) }
