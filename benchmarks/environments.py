"""A virtual environment of its own for each peer, made once, in ``benchmarks/.envs`` (not in version control)."""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
_ENVS = ROOT / ".envs"
_BUILD = ROOT / ".build"
_INSTALL_SECONDS = 300


class UnavailableError(Exception):
    """A contender cannot take part here; the message says why."""


def interpreter_with(requirement: str, *, install: bool) -> Path:
    """The interpreter of the environment that has ``requirement``; makes that environment if it may and must.

    Raises:
        UnavailableError: If it cannot be installed, or may not be.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = _ENVS / f"{requirement.replace('==', '-').replace('[', '-').replace(']', '')}-py{version}"
    python, complete = home / "bin" / "python", home / "complete"
    if complete.exists():
        return python
    if not install:
        raise UnavailableError("its environment has not been made yet (run without --no-install)")
    try:
        venv.create(home, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(f"its environment cannot be made: {error}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["pip says nothing"])[-1]
        raise UnavailableError(f"pip install {requirement}: {reason}")
    complete.touch()
    return python


def compiled_ring() -> Path:
    """The C program, compiled when it is older than its source.

    Raises:
        UnavailableError: If there is no C compiler, or it complains.
    """
    source, program = ROOT / "ring.c", _BUILD / "ring"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    _BUILD.mkdir(exist_ok=True)
    # Under a name of its own first: others may be compiling, or running, the same program.
    fresh = _BUILD / f"ring-{os.getpid()}"
    command = ["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(fresh), str(source), "-pthread"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except OSError as error:
        raise UnavailableError(f"no C compiler ({error}); install gcc or clang") from error
    if done.returncode != 0:
        raise UnavailableError(f"cc: {done.stderr.strip()}")
    fresh.replace(program)
    return program
