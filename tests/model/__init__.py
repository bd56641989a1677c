"""The rules of docs/protocol.md, explored: every interleaving of every step of small worlds.

`python -m tests.model` explores all; `--small` leaves out what `test_model.py` runs at night only; words choose
configurations by their names. For each it prints states, transitions, seconds and the result, and, for a property that
does not hold, the shortest way there: who did which step, and the state before it.

| module | holds |
|---|---|
| `machine` | programs as generators of steps, and the explorer |
| `memory` | the control block, the ring, the semaphores, the lock; the frames that must be read |
| `rules` | which rules there are, and the steps that several programs take |
| `reader`, `writer` | ours, step by step |
| `foreign` | peers that know the protocol alone, and our writer when it is plain |
| `before` | the rules before the page, as far as they lost frames |
| `ownership` | creation, takeover, closing, `clean`, and writers that connect meanwhile |
| `configurations` | who reads, writes and is killed; the rules broken on purpose; the limits |

A step is one load, store, atomic addition, compare-and-swap, post, wait or lock. A writer can be killed before each of
its steps, once it holds the lock or the claim. Everybody can stand still between any two steps, for any time. A sleep
ends with a token or with its slice. The graph is finite, because frames are: from a thousand to 400,000 states in a
small configuration, some millions at night. Nothing is random.

Programs have no loops over iterators and no step inside a larger expression: all that a program knows stands in its
local variables, by which states are told apart. What is needed no more is deleted, so that fewer states differ.

## Properties

`lost`: a look for a frame begins after the commit of one, and finds none. Looks are made before each sleep, after it,
before `writer_dead` and inside settling. `twice`, `order`, `garbage`, `torn`: what is read is not the next frame that
was committed, or not whole. `overwritten`: data or a header goes where a frame is unread, or read and not released.
`space lost`: a look for room finds less than what nobody uses. `two writers`; `refused`: nobody writes, and a writer is
sent away. `false death`, `false sequence_error`; `committed is wrong`: a new writer finds another number than that of
what is in the ring. In `ownership`: `destroyed`, `two owners`; `a corpse lives`: a writer writes to a reader that is
gone; `astray`: it posts to semaphores that are not that reader's.

Each sleep ends with its slice, so a wait without an end is a look that finds nothing where something is (`lost`, `space
lost`), or a state from which some writer can never come to an end (`stuck`). How often only a slice can wake the reader
is counted apart: never where nobody was killed.

With foreign peers, each kill inside a commit may hold one frame back, and cost one frame of space until the next writer
of ours or until the reader has settled. A token that the balance forgives holds nothing back. `LIMITS` are worlds in
which the page promises nothing: each must fail, so that the page is not too modest either.

## What is abstracted

- Memory is sequentially consistent. What the rules rely on: data and header are stored before `committed`, and loaded
  after it; a frame is read before `released` is stored, and overwritten after it is loaded; `committed` is stored
  before the post. Release and acquire give that. A store that must be seen before a later load of another word has
  an atomic operation, a lock or a semaphore between them.
- A cell is a header and its data. Tails of 1 to 15 bytes, sizes and rounding are tested elsewhere (tests/core).
- The two counts and `payload_read_pos` are left out: nobody of ours decides by them. So are metadata, dozing, spinning
  and reading in batches.
- A foreign writer claims by compare-and-swap. Of those that only store, two can write at once, whatever ours do. So
  nobody is found beside a writer of ours, and none goes plain while it is connected.
- A killed process loses its locks and its pid in one step. A process that ends in order has no pid any more.
- A writer that restarts its numbers by itself, and must be refused, is left to the tests of the libraries.
- The reader is not killed in a stream: after it nobody reads. In `ownership` it is.
- Strangers' segments, and a foreign reader that creates, are left out of `ownership`.
"""
