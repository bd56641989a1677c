"""Two workers of pytest-xdist hear of each other late and in any order: who is at fault is told all the same."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from harmony.model import Verdict
from harmony.verdict.blame import blame
from harmony.verdict.events import CellFinished
from harmony.verdict.fuse import Fuse
from synthetic_results import result

PAIRINGS = ("guest=good,host=good", "guest=good,host=hangs", "guest=hangs,host=good")
ERRORS = ("DriverError: hang: boil did not return", "Step execution timeout: no end within 5 s")


def ran(seed: int) -> list[CellFinished]:
    """Return what comes of six scenarios, where one of two platforms hangs, in an order that depends on the seed."""
    order = random.Random(seed)
    cells = [f"2.{number}[{pairing}]" for number in range(1, 7) for pairing in PAIRINGS]
    queues = order.choice([(cells[0::2], cells[1::2]), (cells[:9], cells[9:])])
    fuses, unheard, ended = (Fuse(2), Fuse(2)), ([], []), list[CellFinished]()
    while any(queues):
        worker = order.choice([one for one in (0, 1) if queues[one]])
        for _ in range(order.randint(0, len(unheard[worker]))):
            fuses[worker](unheard[worker].pop(0))
        cell = queues[worker].pop(0)
        role = "host" if "host=hangs" in cell else "guest"
        came = result(cell)
        if why := fuses[worker].stopped(came.pairing):
            came = result(cell, Verdict.NOT_RUN, error=f"not run: {why}", step="", by=[])
        elif "hangs" in cell:
            step = f"When the '{role}' process boils '2' cups"
            came = result(cell, Verdict.TIMED_OUT, error=order.choice(ERRORS), step=step, by=[role])
        fuses[worker](came)
        unheard[1 - worker].append(came)
        ended.append(came)
    return ended


@given(st.integers(0, 100_000))
def test_all_red_cells_are_blamed_on_who_hangs_and_nobody_else_is_named(seed: int) -> None:
    cells = ran(seed)
    (only,) = blame(cells)
    assert (only.who, only.of, len(only.cells)) == (("hangs",), 12, 12)
    stopped = {
        re.findall(r"^not run: (.+) stopped after", one.error)[0] for one in cells if one.step == "" and one.error
    }
    assert stopped
    assert stopped <= {"hangs", "good_hangs", "hangs_good"}
    assert sum(one.verdict is Verdict.PASSED for one in cells) == 6
