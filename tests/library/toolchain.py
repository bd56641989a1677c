"""The C compiler, CMake and the sanitizers, as far as this machine has them."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "zerobuffer" / "core"
CORE_TESTS = ROOT / "tests" / "core"

STRICT = "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON"
"""Option of CMake: a warning ends the build."""

BUILD_DEADLINE = 170
"""Seconds: only a bound on a hang."""

_RUNTIME_PACKAGES = {"address": "libasan (Debian: libgcc-12-dev)", "undefined": "libubsan", "thread": "libtsan"}


def run(
    *command: str | Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    deadline: float = BUILD_DEADLINE,
) -> str:
    """Run a tool and return all it printed; a failure of the tool is a failure of the test, with its output."""
    done = attempt(*command, cwd=cwd, environment=environment, deadline=deadline)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout


def attempt(
    *command: str | Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    deadline: float = BUILD_DEADLINE,
) -> subprocess.CompletedProcess[str]:
    """Run a tool, whatever its exit status, with our environment and what is added to it.

    Beyond its time it is killed with all that it has started, and what it has printed is told.
    """
    words = [str(part) for part in command]
    with subprocess.Popen(
        words,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=deadline)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            printed, _ = process.communicate()
            error.add_note(printed)
            raise
    return subprocess.CompletedProcess(words, process.returncode, printed)


def compiler() -> str:
    """Return the C compiler; skip the test where there is none."""
    found = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not found:
        pytest.skip("no C compiler: install the package gcc")
    return found


def require_cmake() -> None:
    """Skip the test where CMake is missing."""
    for tool in ("cmake", "ctest"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing: install the package cmake")


@functools.cache
def _sanitizer_trouble(cc: str, sanitizers: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "nothing.c")
        source.write_text("int main(void) { return 0; }\n")
        program = Path(directory, "nothing")
        built = attempt(cc, f"-fsanitize={sanitizers}", source, "-o", program)
        if built.returncode != 0:
            packages = ", ".join(_RUNTIME_PACKAGES[name] for name in sanitizers.split(","))
            return f"{cc} cannot link -fsanitize={sanitizers}: install {packages}"
        ran = attempt(*launcher(sanitizers), program)
        return "" if ran.returncode == 0 else f"-fsanitize={sanitizers} does not run here: {ran.stdout.strip()[:200]}"


def require_sanitizers(sanitizers: str) -> None:
    """Skip the test where the compiler has no run-time library for these sanitizers."""
    trouble = _sanitizer_trouble(compiler(), sanitizers)
    if trouble:
        pytest.skip(trouble)


@functools.cache
def launcher(sanitizers: str) -> tuple[str, ...]:
    """Return what to put before a program: ThreadSanitizer wants a layout of memory that is not randomised."""
    setarch = shutil.which("setarch")
    if "thread" not in sanitizers or setarch is None or attempt(setarch, "-R", "true").returncode != 0:
        return ()
    return (setarch, "-R")
