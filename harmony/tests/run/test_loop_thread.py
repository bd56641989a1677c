"""The loop of a role takes what is asked of it, or says that it has ended."""

from __future__ import annotations

import threading

from harmony.run.loop_thread import LoopThread


def test_what_is_posted_after_the_end_is_not_called_and_no_fault() -> None:
    """The reader of a worker drained a loop that `shutdown` had closed: a traceback on the stderr of a green cell."""
    loop, called = LoopThread(), threading.Event()
    assert loop.post(called.set)
    assert called.wait(60)
    assert loop.close(60)
    called.clear()
    assert not loop.post(called.set)
    assert not called.is_set()
