package zerobuffer

import (
	"errors"
	"fmt"
	"syscall"
)

// Code is the canonical name of a cause; all implementations of the protocol share these. It is an error itself, so
// that errors.Is(err, zerobuffer.ReaderDead) works.
type Code string

// The causes.
const (
	InvalidName       Code = "invalid_name"
	BufferInUse       Code = "buffer_in_use"
	NotFound          Code = "not_found"
	PermissionDenied  Code = "permission_denied"
	InvalidOIEB       Code = "invalid_oieb"
	VersionMismatch   Code = "version_mismatch"
	WriterExists      Code = "writer_exists"
	ReaderDead        Code = "reader_dead"
	WriterDead        Code = "writer_dead"
	Timeout           Code = "timeout"
	BufferFull        Code = "buffer_full"
	FrameTooLarge     Code = "frame_too_large"
	FrameUnwritable   Code = "frame_unwritable"
	InvalidFrameSize  Code = "invalid_frame_size"
	SequenceMismatch  Code = "sequence_error"
	MetadataTooLarge  Code = "metadata_too_large"
	MetadataExists    Code = "metadata_exists"
	MetadataEmpty     Code = "metadata_empty"
	NoMetadata        Code = "no_metadata"
	FrameReleased     Code = "frame_released"
	Closed            Code = "closed"
	ResourceExhausted Code = "resource_exhausted"
	SystemError       Code = "system_error"

	// No causes of the protocol: the object is in the middle of something else; the server's handler failed.
	Busy         Code = "busy"
	HandlerError Code = "handler_error"
)

func (c Code) Error() string { return string(c) }

// Details are the values involved in an error, by name: strings, integers, floats.
type Details map[string]any

// Error says what went wrong, with which values, and what to do about it.
type Error struct {
	Code    Code
	Message string
	Details Details
	Cause   error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the error of the system behind this one, if there is one.
func (e *Error) Unwrap() error { return e.Cause }

// Is says whether the target is this error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// CodeOf returns the code of an error, or SystemError if it has none.
func CodeOf(err error) Code {
	var known *Error
	if errors.As(err, &known) {
		return known.Code
	}
	return SystemError
}

func fail(code Code, details Details, format string, values ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, values...), Details: details}
}

func closed(what string) *Error {
	return fail(Closed, Details{"what": what}, "this %s is closed. Open a new one", what)
}

func busy(name, reason string) *Error {
	return fail(Busy, Details{"name": name, "reason": reason}, "buffer %q is busy: %s", name, reason)
}

func corrupt(name, field string, value, limit uint64) *Error {
	return fail(InvalidOIEB, Details{"name": name, "field": field, "value": value, "limit": limit},
		"buffer %q is corrupt: %s is %d, which does not go with %d. Recreate it", name, field, value, limit)
}

var shortages = map[syscall.Errno]string{
	syscall.ENOSPC: "space in shared memory",
	syscall.EFBIG:  "file size",
	syscall.ENOMEM: "memory",
	syscall.EMFILE: "file descriptors",
	syscall.ENFILE: "file descriptors in the whole system",
	syscall.EDQUOT: "quota",
}

// fromSystem names the cause of a refusal of the system.
func fromSystem(err error, name, operation string) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	var number syscall.Errno
	errors.As(err, &number)
	details := Details{"name": name, "operation": operation, "errno": int(number)}
	failed := fail(SystemError, details, "buffer %q: could not %s: %v", name, operation, err)
	if number == syscall.EACCES || number == syscall.EPERM {
		failed = fail(PermissionDenied, details,
			"no permission to %s of buffer %q. Let the reader create it with a wider mode, or run as its owner", operation, name)
	} else if resource, short := shortages[number]; short {
		failed = fail(ResourceExhausted, details,
			"buffer %q: could not %s for lack of %s (%v). Free some, or raise the limit", name, operation, resource, err)
	}
	failed.Cause = err
	return failed
}
