"""Tries hostile cases in another process: what crashes or hangs there is a finding and not the end of the run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.library import hostile, toolchain
from tests.library.processes import Child, ChildFailedError, Parent
from zerobuffer.closing import Closing

DEADLINE = 20.0
"""Seconds for one case, which takes milliseconds: only a hang is longer."""


class FindingError(AssertionError):
    """The library crashed, hung, left something behind or raised what is none of its errors."""

    def __init__(self, case: object, what: str) -> None:
        super().__init__(f"{what}\n  case: {json.dumps(case)}")
        self.what = what


class Trials(Closing):
    """A process that tries cases, replaced when one of them is the end of it.

    Args:
        name: Buffer to use.
        environment: What the process finds in its environment beside ours: `guarded`, for one.
        worker: What the process does with the cases.
    """

    def __init__(
        self, name: str, environment: Mapping[str, str], worker: Callable[[Parent, str], None] = hostile.serve
    ) -> None:
        self._name = name
        self._prefix = ("env", *(f"{key}={value}" for key, value in environment.items()))
        self._worker = worker
        self._child: Child | None = None
        self._stack = contextlib.ExitStack()

    def attempt(self, case: object, deadline: float = DEADLINE) -> list[str]:
        """Try one case and return the outcome of each call.

        Raises:
            FindingError: It did not go as every case must.
        """
        if self._child is None:
            self._child = self._stack.enter_context(Child(self._worker, prefix=self._prefix, name=self._name))
        try:
            self._child.say(case)
            answer: Any = self._child.hear(timeout=deadline)
        except (ChildFailedError, BrokenPipeError) as failure:
            self._child.kill()
            self.close()
            raise FindingError(case, f"crash or hang: {failure}") from failure
        if isinstance(answer, dict):
            raise FindingError(case, answer["unexpected"])
        outcomes: list[str] = answer
        return outcomes

    def close(self) -> None:
        """End the process."""
        self._child = None
        self._stack.close()


def guarded(directory: Path) -> dict[str, str]:
    """Compile, into `directory`, what puts guard pages around mappings; returns the environment that loads it."""
    made = directory / "guard_mmap.so"
    source = toolchain.CORE_TESTS / "guard_mmap.c"
    toolchain.run(toolchain.compiler(), "-shared", "-fPIC", "-O1", "-Wall", "-Werror", source, "-o", made)
    return {"LD_PRELOAD": str(made)}
