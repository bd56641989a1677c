from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator

import psutil
import pytest

from harmony import own_helper
from step_definitions.observer import objects_of_run

_numbers = itertools.count(1)


@pytest.fixture
def run_id() -> Iterator[str]:
    """What every name of a test ends with; nothing of that name may be left, nor any child process."""
    suffix = f"_{os.getpid()}_{10_000 + next(_numbers)}"
    before = _children()
    yield suffix
    assert objects_of_run(suffix) == []
    deadline = time.monotonic() + 5
    while (left := _children() - before) and time.monotonic() < deadline:
        psutil.wait_procs(left, timeout=0.1)
    assert not left


def _children() -> set[psutil.Process]:
    """The processes of this one, but for what harmony keeps beside it as long as it lives."""
    ours, _ = own_helper() or (0, 0)
    return {child for child in psutil.Process().children(recursive=True) if child.pid != ours}
