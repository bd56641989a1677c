"""Which of the faults are planted. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harmony.errors import NothingSelectedError, UnknownSelectionError
from harmony.mutate.fault import Fault
from harmony.mutate.finding import OPERATORS
from harmony.suggestion import did_you_mean


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked for.

    Attributes:
        files: Globs, of which a path or its last part must fit one; none asks for all.
        operators: Classes of faults; none asks for all.
        since: The lines of each file that a change has touched; None asks for all.
        sample: How many; 0 asks for all.
        seed: Of the sample.
    """

    files: Sequence[str] = ()
    operators: Sequence[str] = ()
    since: Mapping[str, AbstractSet[int]] | None = None
    sample: int = 0
    seed: int = 0

    def fitting(self, faults: Sequence[Fault]) -> list[Fault]:
        """Return those of which a sample is drawn.

        Raises:
            UnknownSelectionError: There is no such class of faults.
            NothingSelectedError: There is no such fault.
        """
        for operator in self.operators:
            if operator not in OPERATORS:
                raise UnknownSelectionError(
                    f"there is no class of faults {operator!r}", hint=did_you_mean(operator, OPERATORS)
                )
        fitting = [one for one in faults if self._fits(one)]
        if not fitting:
            asked = "`--list` without --files, --operators and --since shows what there is"
            none = "name in `sources` what is no test, not generated, and in a language that is known by its suffix"
            raise NothingSelectedError(f"none of {len(faults)} faults is asked for", hint=asked if faults else none)
        return fitting

    def of(self, fitting: Sequence[Fault]) -> list[Fault]:
        """Return a sample of faults that fit, by their place; the same one for the same seed and the same sources."""
        if not self.sample or self.sample >= len(fitting):
            return [*fitting]
        drawn = random.Random(self.seed).sample(range(len(fitting)), self.sample)  # noqa: S311 - to be repeated
        return [fitting[at] for at in sorted(drawn)]

    def _fits(self, fault: Fault) -> bool:
        if self.operators and fault.operator not in self.operators:
            return False
        names = (fault.file, fault.file.rpartition("/")[2])
        if self.files and not any(fnmatchcase(name, glob) for glob in self.files for name in names):
            return False
        if self.since is None:
            return True
        lines = range(fault.line, fault.line + fault.before.count("\n") + 1)
        return any(line in self.since.get(fault.file, ()) for line in lines)
