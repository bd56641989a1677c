"""A run in one word and one colour, for a README: as SVG, and as what shields.io asks for. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harmony.history.past_run import PastRun
from harmony.model import Verdict
from harmony.report.template import render_template
from harmony.text import shown

_TEMPLATE: Final = Path(__file__).with_name("templates") / "badge.svg"
_LONGEST: Final = 60
_COLOURS: Final = {"brightgreen": "#2a7f2a", "orange": "#a35200", "red": "#b42318", "lightgrey": "#5b6470"}
"""White words are readable on each, by WCAG AA."""
_WIDE: Final = 7.0
"""Units of a character; the picture stretches words to what it has reckoned with."""
_SIDES: Final = 12.0


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says.

    Attributes:
        label: Of what.
        message: What.
        colour: As shields.io calls it.
    """

    label: str
    message: str
    colour: str

    @classmethod
    def of(cls, run: PastRun | None, label: str = "", platform: str = "") -> Badge:
        """Return the badge of a run, or of what one platform has to do with it.

        It is green only if nothing is red, nothing else is wrong with the run, and it was a whole one.
        """
        label = shown(label or " ".join(filter(None, ("conformance", platform))), _LONGEST)
        cells = (
            [cell for cell in run.cells.values() if not platform or platform in cell.pairing.values()] if run else []
        )
        counted = [cell for cell in cells if cell.verdict is not Verdict.UNSUPPORTED]
        red = sum(cell.red for cell in cells)
        passed = f"{sum(cell.verdict is Verdict.PASSED for cell in cells)} of {len(counted)} passed"
        if run is None or not counted:
            return cls(label, "nothing passed" if cells else "nothing ran", "lightgrey")
        if not run.complete:
            return cls(label, "broken off", "red")
        if red:
            return cls(label, f"{red} of {len(counted)} red", "red" if run.exit_code else "orange")
        if run.exit_code and not platform:
            return cls(label, f"ended with {run.exit_code}", "red")
        absent = f", without {', '.join(sorted(run.absent))}" if run.absent else ""
        said = shown(passed + (absent if run.whole else ", a part"), _LONGEST)
        return cls(label, said, "brightgreen" if run.whole else "lightgrey")

    @property
    def svg(self) -> str:
        """The picture."""
        sizes = [_SIDES + _WIDE * len(text) for text in (self.label, self.message)]
        return render_template(
            _TEMPLATE, label=self.label, message=self.message, colour=_COLOURS[self.colour], sizes=sizes
        )

    @property
    def shields(self) -> str:
        """The document for an endpoint of shields.io."""
        told = {"schemaVersion": 1, "label": self.label, "message": self.message, "color": self.colour}
        return json.dumps(told) + "\n"
