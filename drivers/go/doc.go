// Package zerobuffer is a shared-memory ring buffer between two processes: one reader creates it, one writer connects.
//
// It speaks ZeroBuffer protocol 1.0 and works with every other implementation of it. Frames are read and written where
// they stand; nothing is copied unless asked for.
//
//	reader, err := zerobuffer.NewReader("sensor", zerobuffer.Config{MetadataSize: 1024, PayloadSize: 1 << 20})
//	…
//	defer reader.Close()
//	frame, err := reader.Read(time.Second)
//	…
//	defer frame.Release()
//	use(frame.Data())
//
// Every error is an *[Error] with a [Code] of the protocol, so that errors.Is(err, zerobuffer.Timeout) asks for a cause.
// All types are safe for use by several goroutines. Only 64-bit little-endian Linux with glibc's semaphores is
// supported: the layout of both is part of the protocol.
package zerobuffer

// Version of this library.
const Version = "0.1.0"
