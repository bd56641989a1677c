"""Finds that the example of docs/network.md does not pass, or that its failure tells something else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from page_blocks import texts_of
from sandbox import Sandbox

PAGE: Final = (Path(__file__).parents[2] / "docs/network.md").read_text("utf-8")
_END: Final = re.compile(r"^.*sends no more\n", re.MULTILINE)
_MOMENT: Final = re.compile(r"^(    )\S+Z ", re.MULTILINE)


@pytest.fixture
def shop(tmp_path: Path) -> Sandbox:
    box = Sandbox(tmp_path)
    steps, own = texts_of(PAGE, "python")
    (settings,), (feature,) = texts_of(PAGE, "toml"), texts_of(PAGE, "gherkin")
    box.write("harmony.toml", settings.replace("]", ', "own_steps"]'))
    another = re.sub(r"is cut before .*", "breaks when the shop confirms", feature.replace("1.1 An", "1.2 Another"))
    box.write("features/01-shop.feature", feature + another.partition("\n")[2])
    box.write("shop_steps.py", steps)
    box.write("own_steps.py", own)
    return box


def test_the_example_passes_and_a_shop_that_counts_twice_is_told_as_the_page_says(shop: Sandbox) -> None:
    done = shop.pytest()
    assert done.returncode == 0, done.stdout + done.stderr
    steps = (shop.directory / "shop_steps.py").read_text("utf-8")
    wrong = steps.replace("set[str] = set()", "list[str] = []").replace("_orders.add", "_orders.append")
    shop.write("shop_steps.py", wrong)
    done = shop.pytest("1.1")
    assert "2 orders" in done.stdout, done.stdout + done.stderr
    told = _MOMENT.sub(r"\1", re.sub(r"at \d+$", "at PORT", done.stdout, flags=re.MULTILINE))
    (shown,) = texts_of(PAGE, "text")
    # Whether the next step sees the last end of a connection is up to the system.
    assert _END.sub("", shown) in _END.sub("", told), told
