"""Sentences of features/02-process-lifecycle.feature: attempts, and the errors they end with."""

from __future__ import annotations

import re
from typing import Final

from harmony import ByteSize, expect_equal, step, then
from step_definitions.contract_terms import CODES
from step_definitions.patterns import Pattern, Payload
from step_definitions.pending_operations import OperationOutcome
from step_definitions.role import Role
from step_definitions.sentences import acting, stating

_NOTICED_IN: Final = 50
"""Milliseconds in which a side notices what has become of the other."""
_TRYING: Final = 1.0
"""Seconds in which who connects tries again, where another process may be about to change something."""
_SIZE: Final = ByteSize(1024)
_DETAIL: Final = r"[a-z_]+ '[^']*'"
_DETAILS: Final = rf"with (?P<details>{_DETAIL}(?:(?:,| and) {_DETAIL})*)"


class ProcessLifecycleSteps:
    """What a role tries, and what it learns."""

    def __init__(self, role: Role) -> None:
        self._role = role

    @step(acting(r"closes buffer '(?P<base>[^']+)'"))
    async def close(self, base: str) -> None:
        """Close this role's side of a buffer."""
        await self._role.close(base)

    @step(acting(r"tries to read a frame"))
    async def try_read(self) -> None:
        """Read a frame, or learn why there is none."""
        timeout = self._role.settings.attempt_timeout
        await self._role.operations.attempt(self._role.read(timeout=timeout), patience=timeout)

    @step(acting(r"attempts to write '(?P<size>[^']+)' byte frame"))
    async def try_write(self, size: ByteSize) -> None:
        """Write a frame, or learn why it cannot be written."""
        timeout = self._role.settings.attempt_timeout
        work = self._role.write(Payload(Pattern.FRAME, size), timeout=timeout)
        await self._role.operations.attempt(work, patience=timeout)

    @step(acting(r"attempts to connect to buffer '(?P<base>[^']+)'"))
    async def try_connect(self, base: str) -> None:
        """Connect, or learn why not."""
        await self._role.operations.attempt(self._role.connect(base))

    @step(acting(r"attempts to connect to buffer '(?P<base>[^']+)', and has no time"))
    async def try_connect_at_once(self, base: str) -> None:
        """Connect without a timeout: what is tried again all the same is worth it whatever the timeout."""
        name = self._role.view(base).name
        await self._role.operations.attempt(self._role.driver.connect(name, timeout=0))

    @then(acting(r"should timeout or detect writer death on next read"))
    async def detect_writer_death(self) -> None:
        """The next read fails soon because the writer is dead; a read that waits in vain would not have noticed."""
        await self.try_read()
        self._role.expect_within((await self._error("writer_dead")).seconds, _NOTICED_IN, "the attempt")

    @then(acting(r"should detect reader death on next write"))
    async def detect_reader_death(self) -> None:
        """The next write fails soon because the reader is dead, be the buffer full or not."""
        await self.try_write(_SIZE)
        self._role.expect_within((await self._error("reader_dead")).seconds, _NOTICED_IN, "the attempt")

    @then(stating(r"the connection should fail with writer exists error"))
    @then(acting(r"the second writer should fail with writer exists error"))
    async def second_writer_refused(self) -> None:
        """The last attempt failed because a buffer has one writer."""
        await self._error("writer_exists")

    @step(acting(r"a second writer process attempts to connect to buffer '(?P<base>[^']+)'"))
    async def second_process_connects(self, base: str) -> None:
        """Have another process of the same implementation connect, or learn why not."""
        other = await self._role.sibling(process=True)
        name, timeout = self._role.view(base).name, self._role.settings.read_timeout
        await self._role.operations.attempt(other.connect(name, timeout=timeout))

    @then(acting(r"should receive FrameTooLargeException"))
    async def frame_too_large(self) -> None:
        """The last attempt failed at once because no buffer of this size takes such a frame."""
        self._role.expect_within((await self._error("frame_too_large")).seconds, _NOTICED_IN, "the attempt")

    @then(acting(r"should get error '(?P<code>[^']+)'"))
    async def get_error(self, code: str) -> None:
        """The last attempt, or what was started in the background, failed with this code."""
        await self._error(code)

    @then(acting(r"should get error '(?P<code>[^']+)' or '(?P<other>[^']+)' for what the server still owes"))
    async def get_either_error(self, code: str, other: str) -> None:
        """At least one operation in the background ended with one of the two codes, and none with another."""
        refused = 0
        while self._role.operations.pending:
            outcome = await self._role.operations.finished(self._role.settings.read_timeout)
            if outcome.error is not None and outcome.error.code not in {code, other}:
                raise outcome.error
            refused += outcome.error is not None
        if not refused:
            raise AssertionError(f"everything was answered; {code!r} or {other!r} expected for at least one")

    @then(acting(rf"should get error '(?P<code>[^']+)' within '(?P<milliseconds>[^']+)' ms(?:, {_DETAILS})?"))
    async def get_error_soon(self, code: str, milliseconds: int, details: str = "") -> None:
        """The last attempt failed with this code, and soon after it began."""
        outcome = await self._error(code, details=details)
        self._role.expect_within(outcome.seconds, milliseconds, "the attempt")

    @then(acting(rf"should get error '(?P<code>[^']+)' without trying again(?:, {_DETAILS})?"))
    async def get_error_untried(self, code: str, details: str = "") -> None:
        """The last attempt to connect failed with this code, and sooner than one that is worth another try."""
        outcome = await self._error(code, details=details)
        if outcome.seconds >= _TRYING:
            raise AssertionError(
                f"it took {outcome.seconds * 1000:.0f} ms: it was tried again, and nothing was to change"
            )

    @then(acting(rf"should get error '(?P<code>[^']+)' not before '(?P<milliseconds>[^']+)' ms(?:, {_DETAILS})?"))
    async def get_error_late(self, code: str, milliseconds: int, details: str = "") -> None:
        """The last attempt failed with this code, and was not given up before."""
        outcome = await self._error(code, details=details)
        if outcome.seconds < milliseconds / 1000:
            raise AssertionError(
                f"it was given up after {outcome.seconds * 1000:.0f} ms, expected at least {milliseconds} ms"
            )

    @then(
        acting(
            r"should get error '(?P<code>[^']+)'(?: or '(?P<other>[^']+)')? "
            r"within '(?P<milliseconds>[^']+)' ms of the death"
        )
    )
    async def get_error_after_death(self, code: str, milliseconds: int, other: str | None = None) -> None:
        """What was blocked in the background ended soon after the kernel reported the other process gone."""
        outcome = await self._error(code, *([other] if other else []))
        watch = self._role.watch
        if watch is None or watch.moment is None:
            raise AssertionError("the harness has not seen the other process die")
        self._role.expect_within(outcome.ended - watch.moment, milliseconds, "the death")

    @then(acting(rf"should get error '(?P<code>[^']+)' {_DETAILS}"))
    async def get_error_with_details(self, code: str, details: str) -> None:
        """The last attempt failed with this code and says which values were involved."""
        await self._error(code, details=details)

    async def _error(self, *codes: str, details: str = "") -> OperationOutcome:
        unknown = set(codes) - CODES.keys()
        if unknown:
            raise AssertionError(f"no canonical error code: {', '.join(sorted(unknown))}")
        error, outcome = await self._role.operations.error(codes, self._role.settings.read_timeout)
        wanted = dict(re.findall(r"([a-z_]+) '([^']*)'", details))
        expect_equal(wanted, {name: str(error.details.get(name)) for name in wanted}, "values in the error")
        return outcome
