"""Deliberately broken cores: one wrong thing each, and the C test that has to notice it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A replacement in one file of the core.

    Attributes:
        what: The mistake, in words.
        file: Where it is made.
        right: The text that stands there now.
        wrong: What is put in its place.
        caught_by: The test program that must fail.
        sanitizers: What it is built with.
        hangs: Whether it is the deadline that notices.
    """

    what: str
    file: str
    right: str
    wrong: str
    caught_by: str
    sanitizers: str = ""
    hangs: bool = False

    @property
    def name(self) -> str:
        """Name of the test."""
        return f"{self.caught_by}: {self.what}"


def _found_by(
    program: str, file: str, *broken: tuple[str, str, str], sanitizers: str = "", hangs: bool = False
) -> list[Mutant]:
    return [Mutant(what, file, right, wrong, program, sanitizers, hangs) for what, right, wrong in broken]


MUTANTS = [
    *_found_by(
        "test_plan",
        "ring.c",
        (
            "a frame of the whole ring is refused",
            "size > payload_size - ZB_HEADER_SIZE) return ZB_FRAME",
            "size >= payload_size - ZB_HEADER_SIZE) return ZB_FRAME",
        ),
        ("an exact fit wraps", "fits = total <= tail", "fits = total < tail"),
        ("a frame wraps over its own tail", "write_pos != 0 && total <= payload_size - tail", "write_pos != 0"),
        ("a stub of 15 is left", "tail - total < ZB_HEADER_SIZE", "tail - total < 15"),
        ("an exact fit counts as a stub", "fits && tail != total &&", "fits &&"),
        ("no marker into a tail of 16", "tail >= ZB_HEADER_SIZE;", "tail > ZB_HEADER_SIZE;"),
        ("an addition overflows", "size > payload_size - ZB_HEADER_SIZE) return", "size + 16 > payload_size) return"),
        ("half the ring less nothing always fits", "payload_size / 2 - ZB_HEADER_SIZE", "payload_size / 2"),
        ("the smaller part is named", "tail > payload_size - tail ? tail", "tail < payload_size - tail ? tail"),
    ),
    *_found_by(
        "test_ring",
        "ring.c",
        ("a marker is not counted", "plan->marker ? 2 : 1", "1"),
        ("a marker is not written", "if (plan->marker) {", "if (false) {"),
        (
            "the writer stops at the end",
            "commit->new_pos = end == ring->payload_size ? 0 : end",
            "commit->new_pos = end",
        ),
        (
            "the reader stops at the end",
            "found->next_pos = end == ring->payload_size ? 0 : end",
            "found->next_pos = end",
        ),
        (
            "the tail is not taken from the free bytes",
            "commit->bytes += zb_plan_need(plan)",
            "commit->bytes += plan->total",
        ),
        ("a passed tail is not freed", "found->wrapped = tail;\n            pos = 0", "pos = 0"),
        ("a marked tail is not freed", "found->wrapped = tail;\n        found", "found"),
        ("a read marker is not counted", "found->counted = 2;", "found->counted = 1;"),
        ("a short tail is read as a header", "if (tail < ZB_HEADER_SIZE) {", "if (false) {"),
        ("a writer at the end stays there", "*write_pos = pos == ring->payload_size ? 0 : pos", "*write_pos = pos"),
        ("a commit is not stored", "if (committed != 0) zb_store", "if (false) zb_store"),
        ("a release stays marked", "    zb_store(&oieb->released, *released);\n", ""),
    ),
    *_found_by(
        "test_recovery",
        "ring.c",
        (
            "a frame is committed before its position",
            "    ZB_POINT(WRITER_FREE);",
            "    if (committed != 0) zb_store(&oieb->committed, committed);\n    ZB_POINT(WRITER_FREE);",
        ),
        (
            "a plain writer commits",
            "if (committed != 0) zb_store(&oieb->committed, committed);",
            "zb_store(&oieb->committed, committed != 0 ? committed : zb_load(&oieb->committed) + commit->bytes);",
        ),
        ("a release is not marked", "zb_store(&oieb->released, *released | ZB_RELEASING);", ""),
        (
            "fields inside a release are believed",
            "if (steady && (found->released & ZB_RELEASING) == 0) return",
            "if (steady) return",
        ),
        (
            "fields of two moments are compared",
            "const bool steady = zb_load(&ring->oieb->released) == found->released;",
            "const bool steady = true;",
        ),
        ("a foreign reader is taken for ours", "if (found->released == 0) return ZB_PLAIN;", ""),
        (
            "free bytes beside the position are believed",
            "return *committed % size == found.write_pos ? ZB_RESUMED : ZB_PLAIN;",
            "return ZB_RESUMED;",
        ),
        ("a full ring is taken for empty", "if (used == 0 && found.free_bytes != size) used = size;", ""),
        ("an empty ring is taken for full", "if (used == 0 && found.free_bytes != size)", "if (used == 0)"),
        ("what only the reader can tell is guessed", "if (used == size && found.free_bytes != 0) return false;", ""),
        ("a committed beyond the ring is believed", "if (used > size) return true;", ""),
        ("a dead writer of ours is judged by its position", "    if (!ours) {", "    if (true) {"),
        ("a dead foreign writer is judged by our word", "    if (!ours) {", "    if (false) {"),
        (
            "the position of a dead writer stays",
            "zb_store(&oieb->payload_write_pos, (found.released + used) % size);",
            "",
        ),
        (
            "free bytes are set and not corrected",
            "size - used - found.free_bytes, memory_order_acq_rel);",
            "0, memory_order_acq_rel);\n    zb_store(&oieb->payload_free_bytes, size - used);",
        ),
        (
            "a connection is not counted",
            "zb_connection_number(zb_load(&oieb->connection)) + 1;",
            "zb_connection_number(zb_load(&oieb->connection));",
        ),
        ("a stream starts anywhere", "zb_store(&oieb->stream_start, committed);", ""),
        (
            "who leaves stays announced",
            "zb_connection(zb_connection_number(zb_load(&ring->oieb->connection)), 0)",
            "zb_load(&ring->oieb->connection)",
        ),
        (
            "settling forgets what is held",
            "zb_store(&oieb->payload_free_bytes, ring->payload_size - held);",
            "zb_store(&oieb->payload_free_bytes, ring->payload_size);",
        ),
        ("settling commits nothing", "    zb_store(&oieb->committed, read);\n", ""),
        ("settling believes what is held", "if (held > ring->payload_size) return;", ""),
    ),
    *_found_by(
        "test_recovery",
        "ring.h",
        (
            "a release under way makes room",
            "zb_load(&ring->oieb->released) & ~ZB_RELEASING",
            "zb_load(&ring->oieb->released)",
        ),
    ),
    *_found_by(
        "test_attach",
        "ring.c",
        ("the words begin at 0", "    zb_store(&oieb->released, payload_size);\n", ""),
        ("the length is not looked at", "if (length < ZB_OIEB_SIZE) return", "if (false) return"),
        (
            "metadata may be larger than the mapping",
            "metadata_size > room || metadata_size % ZB_BLOCK_ALIGNMENT",
            "metadata_size % ZB_BLOCK_ALIGNMENT",
        ),
        (
            "payload may be smaller than the mapping",
            "payload_size != room - metadata_size",
            "payload_size > room - metadata_size",
        ),
        ("a payload of nothing", "payload_size == 0 || ", ""),
        ("any version will do", "if (major != ZB_VERSION_MAJOR) {", "if (false) {"),
        ("any oieb_size will do", "if (oieb_size != ZB_OIEB_SIZE) return", "if (false) return"),
        (
            "write_pos is not checked",
            'if (pos > ring->payload_size) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
            'if (false) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
        ),
        (
            "read_pos is not checked",
            'if (pos > ring->payload_size) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_read_pos"',
            'if (false) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_read_pos"',
        ),
        ("free bytes are not checked", "if (available > ring->payload_size) {", "if (false) {"),
        ("a frame may reach beyond the ring", "header.size > room) {", "header.size > room + 1) {"),
        ("a header of size 0 passes", "header.size == 0 || header.size > room", "header.size > room"),
    ),
    *_found_by(
        "test_attach",
        "ring.c",
        ("markers are followed for ever", "if (wraps > 0 || pos == 0) {", "if (false) {"),
        hangs=True,
    ),
    *_found_by(
        "test_metadata",
        "ring.c",
        ("metadata is written twice", "if (zb_load(&oieb->metadata_written_bytes) != 0) return", "if (false) return"),
        (
            "metadata overruns its block",
            "size > ring->metadata_size - ZB_METADATA_PREFIX_SIZE) {",
            "size > ring->metadata_size) {",
        ),
        ("the metadata prefix is believed", "if (prefix != written - ZB_METADATA_PREFIX_SIZE) {", "if (false) {"),
        (
            "the metadata length is believed",
            "written <= ZB_METADATA_PREFIX_SIZE || written > ring->metadata_size",
            "written <= ZB_METADATA_PREFIX_SIZE",
        ),
    ),
    *_found_by(
        "test_wait",
        "semaphores.c",
        (
            "any length is a semaphore",
            "facts.st_size == sizeof words &&\n                       read(fd, words, sizeof words) == sizeof words",
            "read(fd, words, sizeof words) >= 12",
        ),
        ("a fifo is waited for", " | O_NONBLOCK", ""),
        ("any value is a semaphore's", "words[0] > SEM_VALUE_MAX || ", ""),
        ("any private word is a semaphore's", " || (words[2] != 0 && words[2] != SHARED_FUTEX)", ""),
    ),
    *_found_by(
        "test_wait",
        "spin.c",
        ("a failed spin costs nothing", "spin->shift++", "(void)spin"),
        ("giving way in vain costs nothing", "skip = 1u << courtesy->failures;", "skip = 0;"),
        (
            "a core that was kept for long is given away again",
            "courtesy->failures = ZB_COURTESY_LONG_FAILURES;",
            "courtesy->failures = 1;",
        ),
        (
            "a large frame is done as soon as a small one",
            "ZB_COURTESY_FRAME_TICKS + frame_size / ZB_COURTESY_BYTES_PER_TICK",
            "ZB_COURTESY_FRAME_TICKS + 0 * frame_size",
        ),
    ),
    *_found_by(
        "test_wait",
        "peer.h",
        ("a sign of life is good for ever", "now - peer->seen_alive < ZB_PEER_FRESH_NS", "true"),
    ),
    *_found_by(
        "test_wait",
        "peer.c",
        ("a pid is cut to 32 bits", "if (pid <= INT_MAX) peer->pidfd", "peer->pidfd"),
        ("a zombie lives", "cursor[2] == 'Z' || ", ""),
        ("the first parenthesis closes", "strrchr(text, ')')", "strchr(text, ')')"),
    ),
    *_found_by(
        "test_wait",
        "spin.c",
        ("a spin never ends", "while (now < end && now < last)", "while (now < end)"),
        hangs=True,
    ),
    *_found_by(
        "test_doze",
        "doze.c",
        (
            "a sleeper does not announce itself",
            "__atomic_fetch_add(&words->waiters, 1, __ATOMIC_SEQ_CST);",
            "(void)words;",
        ),
        (
            "a sleeper is announced for ever",
            "__atomic_fetch_sub(&words->waiters, 1, __ATOMIC_SEQ_CST);",
            "(void)words;",
        ),
        ("a peer that is watched stands for any other", "doze->pid == pid && doze->process", "doze->process"),
        ("the thread takes signals", "sigfillset(&all);", "sigemptyset(&all);"),
        (
            "the watch keeps a descriptor",
            "    let_go(&doze->pidfd);\n    let_go(&doze->farewell);\n    return NULL;",
            "    return NULL;",
        ),
        (
            "a nudge is a token",
            "if (zb_doze_possible()) syscall(SYS_futex",
            "sem_post(semaphore);\n    if (zb_doze_possible()) syscall(SYS_futex",
        ),
        (
            "a forked child ends the watch of its parent",
            "if (doze->process == getpid()) eventfd_write",
            "eventfd_write",
        ),
    ),
    *_found_by(
        "test_doze",
        "doze.c",
        ("a death calls nobody", "if (ends[1].revents != 0) zb_doze_call(doze);", ""),
        hangs=True,
    ),
    *_found_by(
        "fuzz_segment",
        "ring.c",
        (
            "the position of the writer goes unchecked",
            'if (pos > ring->payload_size) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
            'if (false) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
        ),
        ("a frame may end one byte late", "header.size > room) {", "header.size > room + 1) {"),
        (
            "metadata may end anywhere",
            "written <= ZB_METADATA_PREFIX_SIZE || written > ring->metadata_size",
            "written <= ZB_METADATA_PREFIX_SIZE",
        ),
        sanitizers="address,undefined",
    ),
    *_found_by(
        "test_threads",
        "ring.c",
        (
            "free bytes are changed by a load and a store",
            "atomic_fetch_add_explicit(&oieb->payload_free_bytes, bytes, memory_order_acq_rel);",
            (
                "const uint64_t old = zb_load(&oieb->payload_free_bytes);\n"
                "    for (volatile int i = 0; i < 20; i++) {}\n"
                "    zb_store(&oieb->payload_free_bytes, old + bytes);"
            ),
        ),
    ),
    *_found_by(
        "test_threads",
        "layout.h",
        (
            "shared fields are loaded too weakly",
            "(zb_shared_u64 *)field, memory_order_acquire)",
            "(zb_shared_u64 *)field, memory_order_relaxed)",
        ),
        (
            "shared fields are stored too weakly",
            "atomic_store_explicit(field, value, memory_order_release)",
            "atomic_store_explicit(field, value, memory_order_relaxed)",
        ),
        sanitizers="thread",
    ),
    *_found_by(
        "test_threads",
        "ring.c",
        (
            "space is freed too weakly",
            "bytes, memory_order_acq_rel);\n    ZB_POINT(READER_FREE)",
            "bytes, memory_order_relaxed);\n    ZB_POINT(READER_FREE)",
        ),
        sanitizers="thread",
    ),
]
