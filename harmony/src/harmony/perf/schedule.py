"""In which order things are measured: every pairing in every round, shuffled by the seed. Pure.

What changes on the machine while a run goes on then meets all pairings alike, and the same seed gives the same order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, once.

    Attributes:
        case: Its name.
        seed: Of everything random in it.
    """

    case: str
    seed: int


@dataclass(frozen=True, slots=True)
class PairRun:
    """One pairing in one round: two drivers are started, are measured, and are ended.

    Attributes:
        round: From 1.
        pairing: The platforms, in the alphabetical order of the roles.
        samples: What is measured, in this order.
    """

    round: int
    pairing: tuple[str, str]
    samples: tuple[Sample, ...]


def schedule(seed: int, rounds: int, pairings: Sequence[tuple[str, str]], cases: Sequence[str]) -> list[PairRun]:
    """Return the order of a whole run.

    Args:
        seed: The same gives the same order, whatever the order of the arguments.
        rounds: How often every pairing is measured.
        pairings: Who plays with whom.
        cases: Names.
    """
    pair_runs: list[PairRun] = []
    for number in range(1, rounds + 1):
        dice = random.Random(f"{seed}:{number}")  # noqa: S311 - an order, no secret
        order = sorted(pairings)
        dice.shuffle(order)
        for pairing in order:
            names = sorted(cases)
            dice.shuffle(names)
            pair_runs.append(PairRun(number, pairing, tuple(Sample(name, dice.getrandbits(31)) for name in names)))
    return pair_runs
