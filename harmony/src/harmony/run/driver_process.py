"""A driver in a process of its own: a small program in any language, asked over its standard streams."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, Self

import pydantic

from harmony.errors import ExitCode, HarmonyError, LeftBehindError, UnsupportedError
from harmony.logs import process_logger
from harmony.process.child import ChildProcess, ProcessSpec
from harmony.process.stacks import stacks_of
from harmony.steps.context import current_context
from harmony.wire.driver import GRACE, DriverError, client_of
from harmony.wire.driver_contract import DRIVER_ERROR, Contract, Driver, Dump, Identity, RequestUnderWay
from harmony.wire.jsonrpc import METHOD_NOT_FOUND
from harmony.wire.link import Link, LinkError, NoAnswerError, Observer, PeerGoneError, RefusedError
from harmony.wire.verb import Carrier, ContractViolationError

_log = process_logger()

START_TIMEOUT: Final = 30.0
_DUMP_TIMEOUT: Final = 1.0
_STOP_PATIENCE: Final = 5.0
_HUNG_PATIENCE: Final = 1.0
"""Seconds that a driver gets to end by itself which has left a verb unanswered: nothing more is learnt from it."""


class FrozenError(HarmonyError):
    """A process is asked something while the scenario has halted it.

    Way out: `the 'x' process is thawed` before the sentence that asks it.
    """

    code = "frozen"
    exit_code = ExitCode.FAILED


class ProcessListener(Protocol):
    """Who looks after driver processes."""

    @property
    def observer(self) -> Observer | None:
        """Hears every message."""

    def joined(self, driver: DriverProcess) -> None:
        """Note a process that has introduced itself."""

    def killing(self, driver: DriverProcess) -> None:
        """Note a process that is about to be killed on purpose."""

    def left(self, driver: DriverProcess, how: str) -> None:
        """Note how a process has ended."""


class DriverProcess(Carrier):
    """Carries verbs to a process. Make one with :meth:`begin`.

    Args:
        child: The process.
        contract: What is checked of everything it says.
        strict: Whether every word must be as the contract says, rather than what matters alone.
        listener: Who looks after it.

    Attributes:
        identity: How it has introduced itself; none before that.
        hung: Whether it, or what asked it, has not answered in time: it gets less time to end.
    """

    def __init__(
        self, child: ChildProcess, contract: Contract, *, strict: bool = False, listener: ProcessListener | None = None
    ) -> None:
        self.child = child
        self.contract = contract
        self.strict = strict
        self._listener = listener
        self._link = Link.to_process(child)
        self._closed = False
        self._own: frozenset[int] = frozenset()
        self.hung = False
        self.identity: Identity | None = None
        self.join()

    def join(self) -> None:
        """Play in the scenario that runs now: it hears of every message, and judges how this process ends."""
        self._link.observer = self._listener.observer if self._listener else None
        self._context = current_context()
        if self._context is not None:
            self._context.judge_end(self.crash)
            self._context.transcripts.append(self.child.stderr)

    @classmethod
    async def begin(
        cls,
        spec: ProcessSpec,
        contract: Contract,
        *,
        strict: bool = False,
        listener: ProcessListener | None = None,
        patience: float = START_TIMEOUT,
    ) -> Self:
        """Start a program and return once it has introduced itself.

        Args:
            spec: What to start.
            contract: See the class.
            strict: See the class.
            listener: See the class.
            patience: Seconds until it must have answered.

        Raises:
            StartFailedError: It cannot be started.
            HandshakeError: It is not what it must be.
            DriverError: It does not answer.
        """
        driver = cls(ChildProcess(spec), contract, strict=strict, listener=listener)
        try:
            driver.identity = await client_of(Driver, driver).hello(timeout=patience)
            contract.check_identity(driver.identity)
            if contract.reset:
                driver._own = frozenset(driver.child.family())
        except BaseException:
            await driver.end_at_once()
            raise
        if listener is not None:
            listener.joined(driver)
        return driver

    @property
    def pid(self) -> int:
        """The process."""
        return self.child.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.child.running()

    def crash(self) -> str:
        """Say how it crashed; empty if it did not."""
        return self._link.crash()

    @property
    def oddities(self) -> list[str]:
        """What it has said that was no answer to anything."""
        return list(self._link.oddities)

    async def call(self, verb: str, params: Mapping[str, Any], timeout: float) -> Any:
        """Send one verb and wait for its answer."""
        if self.child.frozen:
            raise FrozenError(f"{verb} was asked of a process that the scenario has frozen", hint="thaw it first")
        try:
            answer = await self._link.ask(verb, dict(params), timeout=timeout, grace=GRACE)
        except RefusedError as error:
            raise self._refusal(verb, error) from None
        except PeerGoneError as error:
            raise DriverError("dead", error.message) from None
        except NoAnswerError:
            self.hung = True
            hang = DriverError("hang", await self._hang(verb, timeout))
            if self._context is not None:
                self._context.hangs.append(hang)
            raise hang from None
        except LinkError as error:
            raise ContractViolationError(error.message, hint="stdout belongs to the messages alone") from None
        self._check_answer(verb, answer)
        self._check_wire()
        return answer

    async def scene(self) -> tuple[str, Sequence[RequestUnderWay]]:
        """Return where its threads stand, and what is under way: as it says at once, or as the kernel does."""
        try:
            found = Dump.model_validate(await self._link.ask("dump", {"timeout": _DUMP_TIMEOUT}, timeout=_DUMP_TIMEOUT))
        except (LinkError, pydantic.ValidationError):
            return await asyncio.to_thread(stacks_of, self.pid), ()
        return found.text(), found.requests

    async def reset(self) -> bool:
        """Have it let go of all that the scenario has made, and say whether it may play another one.

        One that hangs, is halted, is still asked something or has said odd words is not asked, and may not; nor may one
        that refuses.

        Raises:
            DriverError: It does not answer.
            LeftBehindError: It has left processes behind; they have been ended.
        """
        if self.hung or self.child.frozen or not self.alive or self._link.busy_with or self._link.oddities:
            return False
        try:
            await getattr(client_of(self.contract.port, self), self.contract.reset)()
        except DriverError as error:
            if error.code in {"hang", "dead"}:
                raise
            _log.info("a driver does not let go, and is not used again", driver=self.child.spec.name, error=str(error))
            return False
        left = await asyncio.to_thread(self.child.end_strays, self._own)
        if left:
            raise LeftBehindError.of(self.child.spec.name, left)
        return True

    async def kill(self) -> None:
        """End the process with SIGKILL, as the scenario says; return when it is gone."""
        if self._listener is not None and not self._closed:
            self._listener.killing(self)
        await self.end_at_once()

    def freeze(self) -> None:
        """Halt the process, and all in its group, as the scenario says."""
        self.child.freeze()

    def thaw(self) -> None:
        """Have the process go on."""
        self.child.thaw()

    async def end_at_once(self) -> None:
        """End the process with SIGKILL; return when it is gone."""
        if self._closed:
            return
        self.child.signal(signal.SIGKILL)
        await asyncio.to_thread(self.dispose, patience=_STOP_PATIENCE)

    async def end(self) -> None:
        """Close its stdin, upon which it closes all and exits.

        Raises:
            DriverError: It had to be killed, or it has crashed, before or on the way out.
        """
        if self._closed:
            return
        self._link.retire("it is being ended")
        self.child.close_input()
        in_order = await asyncio.to_thread(self.child.ended, _HUNG_PATIENCE if self.hung else _STOP_PATIENCE)
        scene = "" if in_order else await asyncio.to_thread(stacks_of, self.pid)
        await asyncio.to_thread(self.dispose)
        if not in_order:
            raise DriverError("hang", f"the driver process {self.pid} did not end by itself\n{scene}")
        if crash := self.crash():
            raise DriverError("dead", crash)
        self._check_wire()

    def dispose(self, *, patience: float = 0.0) -> None:
        """End the process and let go of everything, without asking; blocks.

        Args:
            patience: Seconds it gets to end by itself.
        """
        if self._closed:
            return
        self._closed = True
        self._link.retire("it was ended")
        self.child.end(patience=patience)
        self._link.close()
        if self._listener is not None:
            self._listener.left(self, self.child.how_it_ended())
        self.child.release()

    def _refusal(self, verb: str, error: RefusedError) -> Exception:
        if error.rpc_code == METHOD_NOT_FOUND:
            return UnsupportedError(f"the driver has not got the verb: {error.reason}")
        if self.strict:
            found = self.contract.error_problems(error.rpc_code, error.data)
            if found:
                return ContractViolationError(f"the error that answers {verb} is wrong: {'; '.join(found)}")
        data: dict[str, Any] = error.data if isinstance(error.data, dict) else {}
        details = data.get("details")
        known = data.get("code") if error.rpc_code == DRIVER_ERROR else None
        return DriverError(str(known or "system_error"), error.reason, details if isinstance(details, dict) else None)

    def _check_answer(self, verb: str, answer: Any) -> None:
        """Hold an answer to the letter; what the contract must understand of it, the client sees."""
        known = self.contract.verbs.get(verb) if self.strict else None
        if known is not None and (found := known.problems(answer)):
            raise ContractViolationError.of_answer(verb, found)

    def _check_wire(self) -> None:
        if self.strict and self._link.oddities:
            raise ContractViolationError(
                f"{self._link.name} said more than answers: {'; '.join(self._link.oddities)}",
                hint="stdout belongs to the messages alone; logs go to stderr",
            )

    async def _hang(self, verb: str, timeout: float) -> str:
        stacks, _ = await self.scene()
        return f"{verb} did not return within {timeout:g} s and {GRACE:g} s more\n{stacks}"
