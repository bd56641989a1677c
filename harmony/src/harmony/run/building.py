"""What a platform's program is made from: the tools it takes, and whether it is made from the sources that are here.

A program that is older than its sources would be tested in their place, so it counts as not built.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harmony.platform_settings import Platform
from harmony.state import STATE_DIRECTORY

STAMPS: Final = STATE_DIRECTORY / "built"
"""Where it is noted from which sources the programs were made, below the project's directory."""
BUILD_TIMEOUT: Final = 1800.0


def missing_tools(platform: Platform) -> dict[str, str]:
    """Return the programs and headers that the build takes and this machine has not got, and the package of each."""
    return {tool: package for tool, package in platform.requires.items() if not is_here(tool)}


def is_here(tool: str) -> bool:
    """Return whether this machine has a program, or a header if the name ends so."""
    if not tool.endswith((".h", ".hpp")):
        return shutil.which(tool) is not None
    compiler = shutil.which("c++")
    if compiler is None:
        return False
    # Only the compiler knows where it looks.
    question = f"#if !__has_include(<{tool}>)\n#error\n#endif\n"
    asked = subprocess.run(
        [compiler, "-E", "-x", "c++", "-"], input=question, text=True, capture_output=True, check=False, timeout=60
    )
    return asked.returncode == 0


def how_to_get(tools: dict[str, str]) -> str:
    """Say what is missing and which packages to install."""
    packages = " ".join(dict.fromkeys(package for package in tools.values() if package))
    advice = f"; install it (Debian: apt-get install {packages})" if packages else ""
    return f"there is no {', '.join(tools)} here{advice}"


def sources(platform: Platform, root: Path) -> Iterator[Path]:
    """Yield the files that the program is made from, in a fixed order."""
    for pattern in platform.sources:
        yield from sorted(path for path in root.glob(pattern) if path.is_file())


def digest(platform: Platform, root: Path) -> str:
    """Return what tells one state of the sources, and of the way they are built, from another."""
    whole = hashlib.sha256(repr(platform.build).encode())
    for path in sources(platform, root):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root)} {len(content)}\n".encode())
        whole.update(content)
    return whole.hexdigest()


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one process at a time build a platform: two builds in one folder destroy each other's."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def stale(name: str, platform: Platform, root: Path, program: Path) -> bool:
    """Return whether the program was made from other sources.

    Where nobody noted that, as after a build by hand, the times of the files decide.
    """
    if not platform.sources:
        return False
    place = root / STAMPS / name
    try:
        built = program.stat().st_mtime
        if place.is_file() and place.stat().st_mtime >= built:
            return place.read_text("utf-8").strip() != digest(platform, root)
        return any(path.stat().st_mtime > built for path in sources(platform, root))
    except OSError:
        return False


def build(name: str, platform: Platform, root: Path, command: list[str]) -> str:
    """Run the command that makes the program; return why it is not made, or nothing.

    Args:
        name: Of the platform.
        platform: Its entry.
        root: The project's directory.
        command: Its build command, filled in.
    """
    missing = missing_tools(platform)
    if not missing and shutil.which(command[0]) is None:
        missing = {command[0]: ""}
    if missing:
        return how_to_get(missing)
    place = root / STAMPS / name
    with _alone(place):
        # What changes while it is built may not be in the program.
        state = digest(platform, root)
        try:
            done = subprocess.run(command, cwd=root, check=False, timeout=BUILD_TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"the build did not end within {BUILD_TIMEOUT:g} s"
        if done.returncode != 0:
            return f"the build failed: {' '.join(command)} (exit {done.returncode})"
        note_built(name, root, state)
    return ""


def note_built(name: str, root: Path, state: str) -> None:
    """Note from which state of its sources the program of a platform was made."""
    place = root / STAMPS / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(state + "\n", "utf-8")
