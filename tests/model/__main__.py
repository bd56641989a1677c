# ruff: noqa: T201
"""Explores all configurations and prints what came of it."""

from __future__ import annotations

import argparse
import sys

from tests.model.configurations import BROKEN, LIMITS, RIGHT
from tests.model.machine import Exploration


def _line(name: str, found: Exploration, result: str) -> str:
    observed = "".join(f"; {count} states: {what}" for what, count in found.observations.items())
    size = f"{found.states:>9} states {found.transitions:>9} transitions {found.seconds:6.1f} s"
    return f"{size}  {name}: {result}{observed}"


def main() -> int:
    """Explore, print, and say whether everything was as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--small", action="store_true", help="leave out what takes long")
    parser.add_argument("--traces", action="store_true", help="show how each broken rule shows, too")
    parser.add_argument(
        "words", nargs="*", help="only configurations and broken rules with one of these in their names"
    )
    chosen = parser.parse_args()

    def wanted(name: str, *, nightly: bool) -> bool:
        return not (nightly and chosen.small) and (not chosen.words or any(word in name for word in chosen.words))

    wrong = 0
    print("The rules:")
    for configuration in RIGHT:
        if wanted(configuration.name, nightly=configuration.nightly):
            found = configuration.explore()
            wrong += bool(found.violation)
            print(_line(configuration.name, found, found.violation or "holds"), *found.trace, sep="\n", flush=True)
    for title, table in (("Broken on purpose:", BROKEN), ("Limits:", LIMITS)):
        print(title)
        for broken in table:
            if wanted(broken.name, nightly=broken.configuration.nightly):
                found = broken.configuration.explore()
                right = found.broken == broken.violates
                wrong += not right
                result = f"{'found' if right else f'NOT FOUND ({broken.violates})'}: {found.violation or 'holds'}"
                trace = found.trace if chosen.traces or not right else []
                print(_line(broken.name, found, result), *trace, sep="\n", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
