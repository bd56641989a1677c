"""Hostile cases for as long as one likes.

    python -m tests.library.fuzz --seconds 600 --seed 1
    python -m tests.library.fuzz --seed 1 --only 4711      # that case again

Each case follows from the seed and its number alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.library.hostile import Case, Chance, make
from tests.library.trials import FindingError, Trials, guarded

FINDINGS_ENOUGH = 10
"""So many findings end the run: what is broken is broken for most cases."""


def case_of(seed: int, number: int) -> Case:
    """Return a case."""
    return make(Chance(f"{seed}-{number}"))


def fuzz(trials: Trials, seed: int, numbers: Iterator[int], say: Callable[[str], object]) -> tuple[int, int]:
    """Try cases; returns how many there were, and how many of them were findings."""
    outcomes: Counter[str] = Counter()
    inputs = findings = 0
    for number in numbers:
        inputs += 1
        try:
            outcomes.update(trials.attempt(case_of(seed, number)))
        except FindingError as finding:
            findings += 1
            say(f"finding in case {number} of seed {seed}: {finding}")
            if findings == FINDINGS_ENOUGH:
                break
    say(f"{inputs} inputs, {outcomes.total()} calls: {json.dumps(dict(outcomes.most_common()))}")
    return inputs, findings


def until(deadline: float) -> Iterator[int]:
    """Count until the time is up."""
    number = 0
    while time.monotonic() < deadline:
        yield number
        number += 1


def main(arguments: list[str]) -> int:
    """Run from the command line; 1 says that something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.library.fuzz", description="Hostile cases for the library.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="where chance begins (default: new)")
    parser.add_argument("--only", type=int, help="number of the one case to try")
    options = parser.parse_args(arguments)
    sys.stdout.write(f"seed {options.seed}\n")
    with tempfile.TemporaryDirectory() as directory:
        os.environ["ZEROBUFFER_LOCK_DIR"] = directory
        with Trials(f"fuzz-{os.getpid()}", guarded(Path(directory))) as trials:
            begin = time.monotonic()
            numbers = until(begin + options.seconds) if options.only is None else iter([options.only])
            inputs, findings = fuzz(trials, options.seed, numbers, lambda line: sys.stdout.write(line + "\n"))
    sys.stdout.write(f"{time.monotonic() - begin:.0f} seconds, {inputs} inputs, {findings} findings\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
