"""The words of the driver contract: canonical codes, capabilities, the layout that all must share, test data."""

from __future__ import annotations

from typing import Final

from harmony import Structure

VERSION: Final = "1.0"

CODES: Final = {
    "invalid_name": "a name that no object may have",
    "buffer_in_use": "somebody alive has a buffer of this name",
    "not_found": "there is no such buffer",
    "permission_denied": "it belongs to somebody else",
    "invalid_oieb": "the control block cannot be true; details: field, value, limit",
    "version_mismatch": "made by another version of the protocol; details: value",
    "writer_exists": "a living writer is connected; details: pid",
    "reader_dead": "the reader has died or closed; details: reason (`closed` or `died`)",
    "writer_dead": "the writer has died or closed, and nothing is pending; details: reason (`closed` or `died`), pid",
    "timeout": "nothing came in time",
    "buffer_full": "no room came in time; details: size, needed, free",
    "frame_too_large": "larger than the buffer; details: size, largest, always_fits",
    "frame_unwritable": "not writable at this position, however long one waits; details: size, fits_now, always_fits",
    "invalid_frame_size": "0 bytes, or a corrupt header; details: value, limit",
    "sequence_error": "details: expected, seen",
    "metadata_too_large": "more than the block takes; details: size, limit",
    "metadata_exists": "written already",
    "metadata_empty": "of 0 bytes",
    "no_metadata": "none written, or no room for any",
    "frame_released": "its space has been given back",
    "closed": "it was closed, or there is nothing open under this number",
    "busy": "the same object is in use, such as by a slot that is out",
    "handler_error": "the handler of the server failed on this request; the channel goes on; details: request",
    "resource_exhausted": "no memory, descriptors or space",
    "system_error": "anything else of the system; details: errno",
}

CAPABILITIES: Final = {
    "duplex": "requests and responses over two buffers",
    "linux": "objects of Linux: /dev/shm, flock, /proc",
    "points": "the process can be made to die at a named point inside an operation",
    "windows": "objects of Windows",
}

_OIEB_WORDS: Final = (
    *("metadata_size", "metadata_free_bytes", "metadata_written_bytes", "payload_size", "payload_free_bytes"),
    *("payload_write_pos", "payload_read_pos", "payload_written_count", "payload_read_count", "writer_pid"),
    "reader_pid",
)

LAYOUT: Final = {
    "oieb": Structure(
        size=128,
        fields={
            "oieb_size": (0, 4),
            "version": (4, 4),
            **{name: (8 + 8 * number, 8) for number, name in enumerate(_OIEB_WORDS)},
            "reserved": (96, 32),
        },
    ),
    "frame": Structure(size=16, fields={"size": (0, 8), "sequence": (8, 8)}),
}

NOTES: Final = """\
**Payloads.** No payload crosses the wire. A recipe says how bytes are made: byte *i* is `(i + sequence) mod 256`
(`frame`; with `sequence` 0, the number that the frame itself gets), `i mod 256` (`simple`), or comes from the UTF-8 of
`text` (`text`); then each is xored with `mask`, and the whole is repeated `repeat` times. What was read comes back as a
CRC-32 (IEEE, as in zlib) of its bytes; that of a series goes over, for each frame, its size and its sequence (8 bytes
each, little-endian), then its bytes.

**`write`** makes `count` frames, `sizes`, if there are any, in turn instead of the recipe's size, `interval` seconds
from one to the next. **`fill`** writes until a frame finds no room for `patience` seconds. **`read`** holds its frame
until `release`. **`read_many`** reads `count` frames or, if that is `null`, until none comes for `idle` seconds or the
writer is gone; each is held for `delay` seconds, then released; without `look` its bytes are not touched, and the
digest is 0. **`connect`** does not wait for a reader that is not there. **`close`** gives back what it has lent first.
What was closed last keeps its number until something else is closed: a call that comes too late is answered by the
implementation itself, with `closed`.

**A `transfer`** sums up a series: how many frames and bytes, the first and last sequence (0 if none), how often a
sequence was not its predecessor's plus one (`breaks`), sizes in a row (`runs`, as `[size, times]`), the digest (0 for
what was written), the time from the first to the last, and the processor time of the driver meanwhile.

**Handlers of `handle`**: `echo`; `double` (the request twice); `xor` (tries to change the first byte of the request,
then answers each byte xor 255); `faulty` (fails for the first, third, fifth … request that the server meets, with the
text "faulty", and echoes the others). One request after the other, `delay` seconds each.

**`arm`**: when the process passes the named point for the `passage`-th time, it sends itself SIGKILL (`die`) or SIGSTOP
(`halt`, and goes on with the operation after SIGCONT). It is armed for one time only. `writer.opened` lies in
`connect`, after the segment was opened and before a semaphore is, and `writer.announced` before the claim of
`writer_pid`; `reader.formatted` in `create`, before `reader_pid`; `reader.free` in a release, after
`payload_free_bytes` and before what follows; `reader.death` in a `read` that finds its writer dead, before what that
one left is set straight.
"""
