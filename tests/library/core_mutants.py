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


RING = "ring.c"

MUTANTS = [
    Mutant(
        "a frame of the whole ring is refused",
        RING,
        "size > payload_size - ZB_HEADER_SIZE) return ZB_FRAME",
        "size >= payload_size - ZB_HEADER_SIZE) return ZB_FRAME",
        "test_plan",
    ),
    Mutant("an exact fit wraps", RING, "fits = total <= tail", "fits = total < tail", "test_plan"),
    Mutant(
        "a frame wraps over its own tail",
        RING,
        "write_pos != 0 && total <= payload_size - tail",
        "write_pos != 0",
        "test_plan",
    ),
    Mutant("a stub of 15 is left", RING, "tail - total < ZB_HEADER_SIZE", "tail - total < 15", "test_plan"),
    Mutant("an exact fit counts as a stub", RING, "fits && tail != total &&", "fits &&", "test_plan"),
    Mutant("no marker into a tail of 16", RING, "tail >= ZB_HEADER_SIZE;", "tail > ZB_HEADER_SIZE;", "test_plan"),
    Mutant(
        "an addition overflows",
        RING,
        "size > payload_size - ZB_HEADER_SIZE) return",
        "size + 16 > payload_size) return",
        "test_plan",
    ),
    Mutant(
        "half the ring less nothing always fits",
        RING,
        "payload_size / 2 - ZB_HEADER_SIZE",
        "payload_size / 2",
        "test_plan",
    ),
    Mutant(
        "the smaller part is named",
        RING,
        "tail > payload_size - tail ? tail",
        "tail < payload_size - tail ? tail",
        "test_plan",
    ),
    Mutant("a marker is not counted", RING, "plan->marker ? 2 : 1", "1", "test_ring"),
    Mutant("a marker is not written", RING, "if (plan->marker) {", "if (false) {", "test_ring"),
    Mutant(
        "the writer stops at the end",
        RING,
        "commit->new_pos = end == ring->payload_size ? 0 : end",
        "commit->new_pos = end",
        "test_ring",
    ),
    Mutant(
        "the reader stops at the end",
        RING,
        "found->next_pos = end == ring->payload_size ? 0 : end",
        "found->next_pos = end",
        "test_ring",
    ),
    Mutant(
        "the tail is not taken from the free bytes",
        RING,
        "commit->bytes += zb_plan_need(plan)",
        "commit->bytes += plan->total",
        "test_ring",
    ),
    Mutant("a passed tail is not freed", RING, "found->wrapped = tail;\n            pos = 0", "pos = 0", "test_ring"),
    Mutant("a marked tail is not freed", RING, "found->wrapped = tail;\n        found", "found", "test_ring"),
    Mutant("a read marker is not counted", RING, "found->counted = 2;", "found->counted = 1;", "test_ring"),
    Mutant(
        "the announcement stays",
        RING,
        "    ZB_POINT(WRITER_COUNT);\n    zb_ring_settle(ring);",
        "    ZB_POINT(WRITER_COUNT);",
        "test_ring",
    ),
    Mutant("a short tail is read as a header", RING, "if (tail < ZB_HEADER_SIZE) {", "if (false) {", "test_ring"),
    Mutant(
        "a writer at the end stays there",
        RING,
        "*write_pos = pos == ring->payload_size ? 0 : pos",
        "*write_pos = pos",
        "test_ring",
    ),
    Mutant("a restart is seen beyond what is pending", RING, "i < pending && i < most", "i < most", "test_ring"),
    Mutant("a full ring is left unposted", RING, "(free_bytes != 0 || read)", "true", "test_recovery"),
    Mutant(
        "a commit that never moved is finished",
        RING,
        "    if (!moved) return;",
        "    (void)moved;",
        "test_recovery",
    ),
    Mutant(
        "a commit that was counted is finished again",
        RING,
        "    if (zb_load(&oieb->payload_written_count) == count) return;\n",
        "",
        "test_recovery",
    ),
    Mutant(
        "the announcement outlives the recovery",
        RING,
        "finish_commit(ring, bytes);\n    zb_ring_settle(ring);",
        "finish_commit(ring, bytes);",
        "test_recovery",
    ),
    Mutant(
        "a nonsensical announcement is believed",
        RING,
        "if (bytes != 0 && bytes <= ring->payload_size) finish",
        "if (bytes != 0) finish",
        "test_recovery",
    ),
    Mutant(
        "the roll-back forgets what is held",
        RING,
        "zb_store(&oieb->payload_free_bytes, ring->payload_size - held);",
        "zb_store(&oieb->payload_free_bytes, ring->payload_size);",
        "test_recovery",
    ),
    Mutant(
        "what was begun is not counted",
        RING,
        "if (zb_load(&ring->oieb->intent_bytes) != 0) return zb_load(&ring->oieb->intent_count);",
        "",
        "test_recovery",
    ),
    Mutant(
        "a full ring that nobody posted counts as empty",
        RING,
        "return full_of_unposted ? written : 0;",
        "(void)full_of_unposted;\n    return 0;",
        "test_recovery",
    ),
    Mutant(
        "the length is not looked at", RING, "if (length < ZB_OIEB_SIZE) return", "if (false) return", "test_attach"
    ),
    Mutant(
        "metadata may be larger than the mapping",
        RING,
        "metadata_size > room || metadata_size % ZB_BLOCK_ALIGNMENT",
        "metadata_size % ZB_BLOCK_ALIGNMENT",
        "test_attach",
    ),
    Mutant(
        "payload may be smaller than the mapping",
        RING,
        "payload_size != room - metadata_size",
        "payload_size > room - metadata_size",
        "test_attach",
    ),
    Mutant("a payload of nothing", RING, "payload_size == 0 || ", "", "test_attach"),
    Mutant("any version will do", RING, "if (major != ZB_VERSION_MAJOR) {", "if (false) {", "test_attach"),
    Mutant("any oieb_size will do", RING, "if (oieb_size != ZB_OIEB_SIZE) return", "if (false) return", "test_attach"),
    Mutant(
        "write_pos is not checked",
        RING,
        'if (pos > ring->payload_size) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
        'if (false) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
        "test_attach",
    ),
    Mutant(
        "read_pos is not checked",
        RING,
        'if (pos > ring->payload_size) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_read_pos"',
        'if (false) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_read_pos"',
        "test_attach",
    ),
    Mutant("free bytes are not checked", RING, "if (available > ring->payload_size) {", "if (false) {", "test_attach"),
    Mutant(
        "a frame may reach beyond the ring",
        RING,
        "header.size > room) {",
        "header.size > room + 1) {",
        "test_attach",
    ),
    Mutant(
        "a header of size 0 passes", RING, "header.size == 0 || header.size > room", "header.size > room", "test_attach"
    ),
    Mutant(
        "markers are followed for ever", RING, "if (wraps > 0 || pos == 0) {", "if (false) {", "test_attach", hangs=True
    ),
    Mutant("the walk never ends", RING, "while (frames < most) {", "while (true) {", "test_attach", hangs=True),
    Mutant(
        "metadata is written twice",
        RING,
        "if (zb_load(&oieb->metadata_written_bytes) != 0) return",
        "if (false) return",
        "test_metadata",
    ),
    Mutant(
        "metadata overruns its block",
        RING,
        "size > ring->metadata_size - ZB_METADATA_PREFIX_SIZE) {",
        "size > ring->metadata_size) {",
        "test_metadata",
    ),
    Mutant(
        "the metadata prefix is believed",
        RING,
        "if (prefix != written - ZB_METADATA_PREFIX_SIZE) {",
        "if (false) {",
        "test_metadata",
    ),
    Mutant(
        "the metadata length is believed",
        RING,
        "written <= ZB_METADATA_PREFIX_SIZE || written > ring->metadata_size",
        "written <= ZB_METADATA_PREFIX_SIZE",
        "test_metadata",
    ),
    Mutant(
        "a spin never ends", "wait.c", "while (now < end && now < last)", "while (now < end)", "test_wait", hangs=True
    ),
    Mutant("a failed spin costs nothing", "wait.c", "spin->shift++", "(void)spin", "test_wait"),
    Mutant("giving way in vain costs nothing", "wait.c", "skip = 1u << courtesy->failures;", "skip = 0;", "test_wait"),
    Mutant(
        "a core that was kept for long is given away again",
        "wait.c",
        "courtesy->failures = ZB_COURTESY_LONG_FAILURES;",
        "courtesy->failures = 1;",
        "test_wait",
    ),
    Mutant(
        "a large frame is done as soon as a small one",
        "wait.c",
        "ZB_COURTESY_FRAME_TICKS + frame_size / ZB_COURTESY_BYTES_PER_TICK",
        "ZB_COURTESY_FRAME_TICKS + 0 * frame_size",
        "test_wait",
    ),
    Mutant("a pid is cut to 32 bits", "peer.c", "if (pid > INT_MAX) {", "if (false) {", "test_wait"),
    Mutant("a zombie lives", "peer.c", "cursor[2] == 'Z' || ", "", "test_wait"),
    Mutant("the first parenthesis closes", "peer.c", "strrchr(text, ')')", "strchr(text, ')')", "test_wait"),
    Mutant(
        "a death calls nobody",
        "doze.c",
        "if (ends[1].revents != 0) zb_doze_call(doze);",
        "",
        "test_doze",
        hangs=True,
    ),
    Mutant(
        "a sleeper does not announce itself",
        "doze.c",
        "__atomic_fetch_add(&words->waiters, 1, __ATOMIC_SEQ_CST);",
        "(void)words;",
        "test_doze",
    ),
    Mutant(
        "a sleeper is announced for ever",
        "doze.c",
        "__atomic_fetch_sub(&words->waiters, 1, __ATOMIC_SEQ_CST);",
        "(void)words;",
        "test_doze",
    ),
    Mutant(
        "a forked child ends the watch of its parent",
        "doze.c",
        "if (doze->process == getpid() && atomic_compare",
        "if (atomic_compare",
        "test_doze",
        hangs=True,
    ),
    Mutant(
        "a peer that is watched stands for any other",
        "doze.c",
        "doze->pid == pid && doze->process",
        "doze->process",
        "test_doze",
    ),
    Mutant("the thread takes signals", "doze.c", "sigfillset(&all);", "sigemptyset(&all);", "test_doze"),
    Mutant(
        "the watch keeps a descriptor",
        "doze.c",
        "    let_go(&doze->pidfd);\n    let_go(&doze->farewell);\n    return NULL;",
        "    return NULL;",
        "test_doze",
    ),
    Mutant(
        "a nudge is a token",
        "doze.c",
        "if (zb_doze_possible()) syscall(SYS_futex",
        "sem_post(semaphore);\n    if (zb_doze_possible()) syscall(SYS_futex",
        "test_doze",
    ),
    Mutant(
        "the position of the writer goes unchecked",
        RING,
        'if (pos > ring->payload_size) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
        'if (false) {\n        return fault_at(fault, ZB_INVALID_OIEB, "payload_write_pos"',
        "fuzz_segment",
        "address,undefined",
    ),
    Mutant(
        "a frame may end one byte late",
        RING,
        "header.size > room) {",
        "header.size > room + 1) {",
        "fuzz_segment",
        "address,undefined",
    ),
    Mutant(
        "metadata may end anywhere",
        RING,
        "written <= ZB_METADATA_PREFIX_SIZE || written > ring->metadata_size",
        "written <= ZB_METADATA_PREFIX_SIZE",
        "fuzz_segment",
        "address,undefined",
    ),
    Mutant(
        "space is freed too weakly",
        RING,
        "&ring->oieb->payload_free_bytes, bytes, memory_order_acq_rel);\n    ZB_POINT(READER_FREE)",
        "&ring->oieb->payload_free_bytes, bytes, memory_order_relaxed);\n    ZB_POINT(READER_FREE)",
        "test_threads",
        "thread",
    ),
    Mutant(
        "shared fields are loaded too weakly",
        "layout.h",
        "(zb_shared_u64 *)field, memory_order_acquire)",
        "(zb_shared_u64 *)field, memory_order_relaxed)",
        "test_threads",
        "thread",
    ),
    Mutant(
        "shared fields are stored too weakly",
        "layout.h",
        "atomic_store_explicit(field, value, memory_order_release)",
        "atomic_store_explicit(field, value, memory_order_relaxed)",
        "test_threads",
        "thread",
    ),
    Mutant(
        "free bytes are changed by a load and a store",
        RING,
        "atomic_fetch_add_explicit(&ring->oieb->payload_free_bytes, bytes, memory_order_acq_rel);\n"
        "    ZB_POINT(READER_FREE)",
        "const uint64_t old = zb_load(&ring->oieb->payload_free_bytes);\n"
        "    for (volatile int i = 0; i < 20; i++) {}\n"
        "    zb_store(&ring->oieb->payload_free_bytes, old + bytes)",
        "test_threads",
    ),
]
