"""Checks of the beginning: it is built, it starts, and it introduces itself as what it must be."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import subprocess
import sys
from typing import Any, Final

import pydantic

from harmony.doctor.check import BOOK, Check
from harmony.doctor.check_context import CheckContext
from harmony.doctor.finding import WrongError
from harmony.project_file import PROJECT_FILE
from harmony.run.pool import unavailable
from harmony.wire.driver_contract import Identity, Structure, layout_differences

_BUILD_LIMIT: Final = 600.0
_TAIL: Final = 12


async def _is_built(context: CheckContext) -> None:
    case = context.case
    if case.platform.build:
        # Of a suite nothing is built: what has a build is a platform of the directory.
        file = case.project.home / PROJECT_FILE if case.project.suite else case.project.file
        command = [sys.executable, "-m", "harmony", "build", case.name, "--project", str(file)]
        code, said = await run_command(command, context, _BUILD_LIMIT)
        if code:
            raise WrongError(f"{shlex.join(case.platform.build)} failed", *said.splitlines()[-_TAIL:])
    reason = unavailable(case.name, case.platform, case.project.home)
    if reason:
        raise WrongError(reason)


async def run_command(command: list[str], context: CheckContext, limit: float) -> tuple[int, str]:
    """Run a command of harmony as a person would, at the root of the checkout; return its status and its words.

    Raises:
        WrongError: It takes longer than the limit.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=context.case.project.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), limit)
    except TimeoutError:
        raise WrongError(f"{shlex.join(command)} did not end within {limit:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode or 0, said.decode("utf-8", "backslashreplace")


async def _starts(context: CheckContext) -> None:
    await context.probe()


async def _identity(context: CheckContext) -> Any:
    return (await context.probe()).identity


async def _introduces_itself(context: CheckContext) -> None:
    probe = await context.probe()
    found = context.case.contract.verbs["hello"].problems(probe.identity)
    if found:
        raise WrongError(*found)
    identity = Identity.model_validate(probe.identity)
    empty = [key for key in ("protocol", "language", "implementation", "version") if not getattr(identity, key).strip()]
    if empty:
        raise WrongError(*(f"{key}: nothing, expected a word" for key in empty))
    if identity.pid not in await asyncio.to_thread(probe.child.family):
        raise WrongError(f"pid: seen {identity.pid}, expected the process that was started, {probe.pid}, or a child")


async def _has_the_version(context: CheckContext) -> None:
    seen = _part(await _identity(context), "protocol")
    ours = context.case.contract.version
    if not isinstance(seen, str) or seen.partition(".")[0] != ours.partition(".")[0]:
        raise WrongError(f"protocol: seen {seen!r}, expected {ours!r} (the number after the point may differ)")


async def _has_the_layout(context: CheckContext) -> None:
    seen = _part(await _identity(context), "layout")
    try:
        layout = pydantic.TypeAdapter(dict[str, Structure]).validate_python(seen)
    except pydantic.ValidationError as error:
        raise WrongError(
            *(f"layout.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        ) from None
    wrong = list(layout_differences(context.case.contract.layout, layout))
    if wrong:
        raise WrongError(*wrong)


async def _claims_what_there_is(context: CheckContext) -> None:
    probe = await context.probe()
    known = context.case.contract.capabilities
    lines = [f"claims {word!r}; known are {', '.join(sorted(known))}" for word in sorted(probe.claims - set(known))]
    claimed = _part(probe.identity, "capabilities")
    if isinstance(claimed, list) and len(claimed) != len(probe.claims):
        lines.append(f"capabilities: seen {claimed!r}, expected each once, as text")
    promised = context.case.platform.capabilities
    lines += [
        f"the project file promises {word!r}, the driver does not claim it" for word in sorted(promised - probe.claims)
    ]
    if lines:
        raise WrongError(*lines)


def _part(identity: Any, key: str) -> Any:
    return identity.get(key) if isinstance(identity, dict) else None


CHECKS: Final = (
    Check(
        "build.command",
        "it is built",
        "Without a program there is no driver; the matrix would show it as not built.",
        f"{BOOK}#build-and-start",
        _is_built,
        fatal=True,
        alone=True,
        limit=_BUILD_LIMIT + 10,
    ),
    Check(
        "start.process",
        "it starts and answers hello in time",
        "Nothing can be asked of a driver that does not say who it is.",
        f"{BOOK}#build-and-start",
        _starts,
        fatal=True,
        alone=True,
        limit=120.0,
    ),
    Check(
        "handshake.identity",
        "hello has all its keys and no others, each of its type, and its own process",
        "The harness watches, limits and kills the process that hello names, and reports show the rest.",
        f"{BOOK}#handshake",
        _introduces_itself,
    ),
    Check(
        "handshake.version",
        "it speaks a version of the contract that we understand",
        "Another number before the point means verbs of another meaning: it is refused.",
        f"{BOOK}#handshake",
        _has_the_version,
    ),
    Check(
        "handshake.layout",
        "its compiler sees every shared structure where it must be",
        "A field in another place misreads and destroys what all others wrote; a driver that sees it so is refused.",
        f"{BOOK}#handshake",
        _has_the_layout,
    ),
    Check(
        "handshake.capabilities",
        "it claims capabilities that exist, and those that the project file promises",
        "Scenarios are chosen by them: a wrong claim runs what cannot pass, a missing one hides what could.",
        f"{BOOK}#handshake",
        _claims_what_there_is,
    ),
)
