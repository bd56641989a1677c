"""The division of cells over several machines, and the file that lets all of them have the same one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.plan.durations import typical
from harmony.state import read_whole, write_whole

FORMAT: Final = 1
_SHARD: Final = re.compile(r"(\d+)/(\d+)")


class ShardError(HarmonyError):
    """A shard is not of the form 2/5, or not one of the plan.

    Way out: write `--shard 2/5`, with as many parts as the plan has, and make the plan anew if the project has
    changed.
    """

    code = "shard"
    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Division:
    """Which part has which cells.

    Attributes:
        parts: The keys of each part, in their order.
    """

    parts: tuple[tuple[str, ...], ...]

    @property
    def fingerprint(self) -> str:
        """A short name: equal only if every part has the same cells."""
        text = "\n\n".join("\n".join(part) for part in self.parts)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def cells(self) -> set[str]:
        """The keys of all parts."""
        return {key for part in self.parts for key in part}


def parse_shard(text: str) -> tuple[int, int]:
    """Read `2/5`.

    Raises:
        ShardError: It is something else, or the second of one.
    """
    found = _SHARD.fullmatch(text)
    index, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= index <= count:
        raise ShardError(f"{text!r} is no shard", hint="write 2/5 for the second of five")
    return index, count


def divide(keys: Sequence[str], count: int, seconds: Mapping[str, float]) -> Division:
    """Divide cells: the longest first, always to the least loaded part. One without a duration counts as the median."""
    median = typical({key: seconds[key] for key in keys if key in seconds}) or 1.0
    loads = [0.0] * count
    parts: list[list[str]] = [[] for _ in range(count)]
    for key in sorted(keys, key=lambda key: (-seconds.get(key, median), key)):
        least = loads.index(min(loads))
        loads[least] += seconds.get(key, median)
        parts[least].append(key)
    return Division(tuple(tuple(sorted(part)) for part in parts))


def write_plan(file: Path, division: Division) -> None:
    """Write a division, for all that run a part of it."""
    document = {
        "harmony-plan": FORMAT,
        "fingerprint": division.fingerprint,
        "shards": {f"{index}/{len(division.parts)}": part for index, part in enumerate(division.parts, 1)},
    }
    write_whole(file, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def read_plan(file: Path) -> Division:
    """Read what :func:`write_plan` has written.

    Raises:
        ConfigurationError: It is no plan, or somebody has changed it.
    """
    hint = "make one: harmony plan --shards 5 -o plan.json"
    try:
        document: Any = json.loads(read_whole(file))
        shards = {FORMAT: document["shards"]}[document["harmony-plan"]]
        count = len(shards)
        division = Division(tuple(tuple(shards[f"{index}/{count}"]) for index in range(1, count + 1)))
        named = document["fingerprint"]
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise ConfigurationError(f"{file}: no plan: {type(error).__name__}: {error}", hint=hint) from error
    if division.fingerprint != named or len(division.cells) != sum(map(len, division.parts)):
        raise ConfigurationError(f"{file}: the plan has been changed since it was made", hint=hint)
    return division
