"""Deliberately broken libraries: one rule of ours broken each, and the scenario that has to notice it.

The zoo (``tests/zoo``) knows part one of the protocol alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A replacement in one file of the library.

    Attributes:
        scenario: The one that must fail.
        what: The mistake, in words.
        file: Where it is made.
        right: The text that stands there now.
        wrong: What is put in its place.
    """

    scenario: str
    what: str
    file: str
    right: str
    wrong: str

    @property
    def name(self) -> str:
        """Name of the test."""
        return f"{self.scenario}: {self.what}"


MUTANTS = [
    Mutant("8.7.2", "a lock file may have two names", "ownership.py", "facts.st_nlink > 1", "facts.st_nlink > 2"),
    Mutant(
        "12.6",
        "a plain writer announces itself to any reader",
        "core/claim.c",
        "else if (zb_load(&oieb->released) != 0) zb_store(",
        "else zb_store(",
    ),
    Mutant("12.7", "the words begin at 0", "core/ring.c", "    zb_store(&oieb->released, payload_size);\n", ""),
    Mutant(
        "12.7",
        "a connection is not counted",
        "core/ring.c",
        "zb_connection_number(zb_load(&oieb->connection)) + 1;",
        "zb_connection_number(zb_load(&oieb->connection));",
    ),
    Mutant("12.7", "a stream starts anywhere", "core/ring.c", "zb_store(&oieb->stream_start, committed);", ""),
    Mutant(
        "12.7",
        "who leaves stays announced",
        "core/ring.c",
        "zb_connection(zb_connection_number(zb_load(&ring->oieb->connection)), 0)",
        "zb_load(&ring->oieb->connection)",
    ),
    Mutant(
        "12.8",
        "a reader gives no sign of life",
        "ownership.py",
        "locked = presence.take(fd, presence.READER_LOCK) and not",
        "locked = not",
    ),
    Mutant(
        "12.8",
        "a writer gives no sign of life",
        "core/claim.c",
        "if (!zb_handle_lock(self->handle, ZB_WRITER_LOCK)) {",
        "if (false) {",
    ),
    Mutant(
        "15.15",
        "that nobody is there is not noted",
        "core/token.c",
        "        self->balance = 0;\n        self->stream = zb_stream_of_the_gone;\n",
        "        self->balance = 0;\n",
    ),
    Mutant(
        "15.16",
        "who leaves takes any number away",
        "core/writer.c",
        "const bool left = atomic_compare_exchange_strong(&oieb->writer_pid, &own, 0);",
        "const bool left = own != 0;\n        zb_store(&oieb->writer_pid, 0);",
    ),
    Mutant(
        "17.10",
        "a release is not marked",
        "core/ring.c",
        "zb_store(&oieb->released, *released | ZB_RELEASING);",
        "",
    ),
    Mutant(
        "17.10",
        "a release is signalled before it is done",
        "core/frame.c",
        "    zb_ring_free(&reader->handle->ring, &reader->released, bytes);\n"
        "    for (; posts > 0; posts--) sem_post(reader->handle->space);\n",
        "    for (; posts > 0; posts--) sem_post(reader->handle->space);\n"
        "    zb_ring_free(&reader->handle->ring, &reader->released, bytes);\n",
    ),
    Mutant(
        "17.11",
        "fields inside a release are believed",
        "core/ring.c",
        "if (steady && (found->released & ZB_RELEASING) == 0) return",
        "if (steady) return",
    ),
    Mutant("17.11", "a writer soon gives up", "writer.py", "_CREATION_PATIENCE = 1.0", "_CREATION_PATIENCE = 0.1"),
]
