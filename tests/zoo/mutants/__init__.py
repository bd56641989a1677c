"""The zoo: the model with one thing wrong, and the scenarios that should notice.

``tests.zoo.mutants:NAME`` is a library for the driver, so that a mutant can be watched by hand:
``ZEROBUFFER_STEPS_LIBRARY=tests.zoo.mutants:lost_wakeup pytest features --scenario 1.7``.
"""

from __future__ import annotations

from tests.zoo.model import Model
from tests.zoo.mutants import duplex, headers, owners, signals, space, trust  # noqa: F401 - each registers its own
from tests.zoo.mutants.registry import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant"]


def __getattr__(name: str) -> Model:
    """Return a mutant by its name."""
    if name not in MUTANTS:
        raise AttributeError(name)
    return MUTANTS[name].library
