"""From nothing to a green matrix, for every two languages: ``python benchmarks/pairs.py``.

The wheel goes into an empty environment; there `harmony init` and `harmony run` make and play a project of each pair.
What compilers keep between builds is there as on any machine where they are used. Prints a table in Markdown.
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harmony.new_driver.languages import LANGUAGES

HARNESS = Path(__file__).parents[1]
OF_A_PERSON = ("harmony.toml", "features/01-key-value.feature", "conformance/contract.py", "conformance/steps.py")


def timed(*command: str | Path, cwd: Path) -> tuple[float, float]:
    """Run a command; return its seconds by the clock and of processor time."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begin, used


def lines(file: Path) -> int:
    """Count the lines of a file."""
    return len(file.read_text("utf-8").splitlines())


def main() -> None:
    """Time each pair."""
    print(f"load at the beginning {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        timed(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, HARNESS, cwd=place)
        (wheel,) = place.glob("*.whl")
        made = timed(sys.executable, "-m", "venv", place / "empty", cwd=place)
        into = timed(place / "empty/bin/pip", "install", "--quiet", wheel, cwd=place)
        harmony = place / "empty/bin/harmony"
        print(f"environment and wheel: {made[0] + into[0]:.1f} s, {made[1] + into[1]:.1f} s of processor time")
        print(f"\n| | lines | {' | '.join(LANGUAGES)} |\n|---{'|---' * (len(LANGUAGES) + 1)}|")
        written: dict[str, int] = {}
        beside: set[int] = set()
        cells: dict[tuple[str, str], str] = {}
        for one, other in itertools.combinations(LANGUAGES, 2):
            project = place / f"{one}-{other}"
            init = timed(harmony, "init", project, "--yes", "--languages", f"{one},{other}", cwd=place)
            run = timed(harmony, "run", cwd=project)
            cells[one, other] = f"{init[0] + run[0]:.0f} ({init[1] + run[1]:.0f})"
            print(f"{one} and {other}: {cells[one, other]}", file=sys.stderr, flush=True)
            for name in (one, other):
                written[name] = lines(project / "drivers" / name / LANGUAGES[name].verbs)
            beside.add(sum(lines(project / name) for name in OF_A_PERSON))
        for one in LANGUAGES:
            row = [cells.get((one, other), "") for other in LANGUAGES]
            print(f"| {one} | {written[one]} | {' | '.join(row)} |")
        print(f"\nlines beside the drivers: {min(beside)} to {max(beside)} ({', '.join(OF_A_PERSON)})")
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
