"""What can go wrong, one class per cause.

Every error has a stable `code` (the canonical name that all implementations of the protocol share), the values
involved as attributes, and a `hint` that says what to do.
"""

from __future__ import annotations

import errno as _errno
import os
from collections import defaultdict
from functools import partial
from typing import Any, ClassVar, Self

__all__ = [
    "BufferFullError",
    "BufferInUseError",
    "BufferNotFoundError",
    "BusyError",
    "ClosedError",
    "ForeignOwnerError",
    "FrameReleasedError",
    "FrameTimeoutError",
    "FrameTooLargeError",
    "FrameUnwritableError",
    "HandlerError",
    "InvalidFrameSizeError",
    "InvalidNameError",
    "InvalidOiebError",
    "MetadataEmptyError",
    "MetadataExistsError",
    "MetadataTooLargeError",
    "NoMetadataError",
    "NotABufferError",
    "NotASemaphoreError",
    "PermissionDeniedError",
    "ReaderDeadError",
    "ResourceExhaustedError",
    "SequenceError",
    "SystemFailureError",
    "VersionMismatchError",
    "WriterDeadError",
    "WriterExistsError",
    "ZeroBufferError",
]


class ZeroBufferError(Exception):
    """Base of every error of this library.

    Attributes:
        code: Stable canonical name of the cause.
        hint: What to do about it.
        name: The buffer concerned, if it is known.
        values: All values involved, by name; they are attributes, too.
    """

    code: ClassVar[str] = "error"
    template: ClassVar[str] = "{reason}"
    advice: ClassVar[str] = ""

    def __init__(self, **values: Any) -> None:
        values.setdefault("name", "")
        self.values = values
        self.name: str = values["name"]
        known = defaultdict(lambda: "?", values)
        self.hint = self.advice.format_map(known)
        message = self.template.format_map(known)
        super().__init__(f"{message}. {self.hint}" if self.hint else message)

    def __getattr__(self, attribute: str) -> Any:
        """Values are attributes."""
        values = self.__dict__.get("values", {})
        if attribute in values:
            return values[attribute]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process boundaries whole."""
        return partial(type(self), **self.values), ()


class InvalidNameError(ZeroBufferError, ValueError):
    """A buffer name that cannot be used for a segment, two semaphores and a lock file."""

    code = "invalid_name"
    template = "{name!r} is not a valid buffer name: {reason}"
    advice = "Use 1 to {longest} letters, digits, '-', '_' and '.', without '..'"


class BufferInUseError(ZeroBufferError):
    """The name belongs to a reader that lives."""

    code = "buffer_in_use"
    template = "buffer {name!r} is in use by process {pid}"
    advice = "Choose another name, or close the reader that has it ('zerobuffer inspect {name}' shows it)"


class BufferNotFoundError(ZeroBufferError):
    """No reader has created the buffer."""

    code = "not_found"
    template = "buffer {name!r} does not exist"
    advice = "Create the reader first, or give the writer a timeout to wait for it"


class PermissionDeniedError(ZeroBufferError):
    """The buffer belongs to another user."""

    code = "permission_denied"
    template = "no permission to use {path} of buffer {name!r}"
    advice = "Let the reader create it with a wider mode, such as BufferConfig(mode=0o660), or run as its owner"


class ForeignOwnerError(PermissionDeniedError):
    """Another user made the buffer, and would get what is written."""

    template = "buffer {name!r} belongs to user {uid}, not to you (user {own})"
    advice = "If that user may have your data, connect with any_owner=True"


class InvalidOiebError(ZeroBufferError):
    """The control block or a position in it cannot be right."""

    code = "invalid_oieb"
    template = "buffer {name!r} is corrupt: {field} is {value}, which does not go with {limit}"
    advice = "Something else wrote to the segment, or it is no buffer of this protocol: recreate it"


class NotABufferError(InvalidOiebError):
    """Another program's shared memory has the name; it is left alone."""

    template = "{path} is no buffer: it is the shared memory of another program"
    advice = "Choose another name, or remove it yourself if nobody needs it"


class NotASemaphoreError(InvalidOiebError):
    """What stands in the place of a semaphore has not the bytes of one: the C library would end the process over it."""

    template = "buffer {name!r} is corrupt: one of its semaphores is none"
    advice = "Something else wrote to it: recreate the buffer"


class VersionMismatchError(ZeroBufferError):
    """The segment follows another major version of the protocol."""

    code = "version_mismatch"
    template = "buffer {name!r} has protocol version {value}, this library speaks {limit}"
    advice = "Use the same major version on both sides"


class WriterExistsError(ZeroBufferError):
    """Another writer, which lives, is connected."""

    code = "writer_exists"
    template = "buffer {name!r} already has a writer, process {pid}"
    advice = "A buffer has one writer: close the other one first"


class ReaderDeadError(ZeroBufferError):
    """The reader died or closed the buffer."""

    code = "reader_dead"
    template = "the reader of buffer {name!r} is gone ({reason})"
    advice = "Close this writer, and connect again when a reader has recreated the buffer"


class WriterDeadError(ZeroBufferError):
    """The writer died or closed; every frame that it had committed was delivered before."""

    code = "writer_dead"
    template = "the writer of buffer {name!r} is gone ({reason}) and all its frames are read"
    advice = "Close this reader, or wait_for_writer() and read on"


class FrameTimeoutError(ZeroBufferError, TimeoutError):
    """Nothing came within the timeout, and the other side is not known to be dead."""

    code = "timeout"
    template = "no frame came to buffer {name!r} within {seconds} s"
    advice = "Give a longer timeout, or see with 'zerobuffer inspect {name}' whether the writer writes"

    def asked(self, seconds: float | None) -> Self:
        """Return the same with the limit that was asked for, where only the rest of it was waited at last."""
        return type(self)(**{**self.values, "seconds": seconds})


class BufferFullError(FrameTimeoutError):
    """No space within the timeout: the reader is slower than the writer."""

    code = "buffer_full"
    template = (
        "buffer {name!r} had no space for a frame of {size} bytes within {seconds} s ({needed} needed, {free} free)"
    )
    advice = "Give a longer timeout, a larger payload_size, or a faster reader"


class FrameTooLargeError(ZeroBufferError, ValueError):
    """The frame is larger than the whole ring."""

    code = "frame_too_large"
    template = "a frame of {size} bytes cannot fit into buffer {name!r}: {largest} is the most"
    advice = "Split it, or create the buffer with a payload_size of twice the largest frame"


class FrameUnwritableError(ZeroBufferError, ValueError):
    """At the present position the frame can never be written, however far the reader drains."""

    code = "frame_unwritable"
    template = (
        "a frame of {size} bytes cannot be written at the present position of buffer {name!r}, even when it is empty"
    )
    advice = "{fits_now} bytes fit now, {always_fits} always do: choose a payload_size of twice the largest frame"


class InvalidFrameSizeError(ZeroBufferError, ValueError):
    """A frame of no bytes, or a header in the ring that cannot be one."""

    code = "invalid_frame_size"
    template = "buffer {name!r}: {field} says {value}, allowed is 1 to {limit}"
    advice = "Frames hold at least one byte; if you did not write this one, the segment is corrupt: recreate it"


class SequenceError(ZeroBufferError):
    """A frame is missing or out of order."""

    code = "sequence_error"
    template = "buffer {name!r}: expected frame {expected}, found frame {seen}"
    advice = "Something else wrote to the segment: recreate the buffer"


class MetadataTooLargeError(ZeroBufferError, ValueError):
    """The metadata does not fit into its block."""

    code = "metadata_too_large"
    template = "metadata of {size} bytes does not fit into buffer {name!r}: {limit} is the most"
    advice = "Create the buffer with a metadata_size of at least the content and 8 bytes"


class MetadataExistsError(ZeroBufferError):
    """Metadata is written once."""

    code = "metadata_exists"
    template = "buffer {name!r} already has its metadata"
    advice = "Metadata is written once for the life of a buffer; send what changes as frames"


class MetadataEmptyError(ZeroBufferError, ValueError):
    """Metadata of no bytes cannot be told from none."""

    code = "metadata_empty"
    template = "empty metadata cannot be written to buffer {name!r}"
    advice = "Write at least one byte, or none at all"


class NoMetadataError(ZeroBufferError):
    """The writer has not written metadata."""

    code = "no_metadata"
    template = "buffer {name!r} has no metadata yet"
    advice = "The writer may write it at any time: read a frame first, or try again"


class FrameReleasedError(ZeroBufferError):
    """The frame's space belongs to the writer again."""

    code = "frame_released"
    template = "frame {sequence} of buffer {name!r} was released"
    advice = "Use frame.data before release(), or copy it with bytes(frame.data)"


class ClosedError(ZeroBufferError):
    """The object was closed."""

    code = "closed"
    template = "this {what} is closed"
    advice = "Open a new one"


class BusyError(ZeroBufferError):
    """The object is in the middle of something else (a code of this library, not of the protocol)."""

    code = "busy"
    template = "buffer {name!r} is busy: {reason}"
    advice = "Use one writer from one thread at a time, and finish an acquired frame before the next write"


class HandlerError(ZeroBufferError):
    """The handler of a duplex server failed on this request (a code of our implementations, not of the protocol)."""

    code = "handler_error"
    template = "the server of channel {name!r} could not answer request {request}: {reason}"
    advice = "The channel goes on: the next request has its own answer. The server's log says more"


class ResourceExhaustedError(ZeroBufferError):
    """The system has no more of something."""

    code = "resource_exhausted"
    template = "buffer {name!r}: {operation} failed for lack of {resource} ({error})"
    advice = "{remedy}"


class SystemFailureError(ZeroBufferError):
    """The system refused an operation for a reason that has no name here; `errno` says which."""

    code = "system_error"
    template = "buffer {name!r}: could not {operation}: {error}"


def _all_errors(kind: type[ZeroBufferError]) -> list[type[ZeroBufferError]]:
    return [kind, *(error for child in kind.__subclasses__() for error in _all_errors(child))]


# A class that shares the code of its base comes after it, and the base keeps the code.
BY_CODE: dict[str, type[ZeroBufferError]] = {error.code: error for error in reversed(_all_errors(ZeroBufferError))}


_SHORTAGES = {
    _errno.ENOSPC: ("space in shared memory", "Free some of /dev/shm ('zerobuffer clean'), or make the buffer smaller"),
    _errno.EFBIG: ("file size", "Raise the limit (ulimit -f) or make the buffer smaller"),
    _errno.ENOMEM: ("memory", "Free memory, raise the limit (ulimit -v), or make the buffer smaller"),
    _errno.EMFILE: ("file descriptors", "Raise the limit (ulimit -n) or close something"),
    _errno.ENFILE: ("file descriptors in the whole system", "Close something, or raise fs.file-max"),
    _errno.EDQUOT: ("quota", "Free some of /dev/shm, or make the buffer smaller"),
}


def from_errno(number: int, *, name: str, operation: str, path: str = "", reason: str = "") -> ZeroBufferError:
    """Name the cause of a refusal of the system."""
    if number in (_errno.EACCES, _errno.EPERM):
        return PermissionDeniedError(name=name, path=path or "an object", errno=number)
    if number in _SHORTAGES:
        resource, remedy = _SHORTAGES[number]
        error = os.strerror(number)
        return ResourceExhaustedError(
            name=name, operation=operation, resource=resource, remedy=remedy, error=error, errno=number
        )
    if number == _errno.EBADMSG:  # how the core calls it
        return NotASemaphoreError(name=name)
    if number == _errno.ELOOP:
        reason = f"{path or 'an object'} is a symbolic link, which is never followed: remove it"
    return SystemFailureError(name=name, operation=operation, errno=number, error=reason or os.strerror(number))


def build(code: str, **values: Any) -> ZeroBufferError:
    """Make the error with this code; the compiled core raises its errors through here."""
    if code == SystemFailureError.code:
        return from_errno(values["errno"], name=values["name"], operation=values["operation"])
    return BY_CODE[code](**values)
