"""Which cells a change touches."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest

from harmony.config import Settings
from harmony.errors import Place
from harmony.plan.cells import Cell
from harmony.plan.pairing import Pairing
from harmony.plan.touched import Ground, Touched, fits
from harmony.spec.gherkin import Scenario

ROOT = Path("/p")
BELLS, EARS = ROOT / "features/bells.feature", ROOT / "features/deep/ears.feature"
SETTINGS = Settings.model_validate(
    {
        "steps": ["meaning.steps"],
        "providers": ["meaning.provided", "more"],
        "driver": {"contract": "verbs:CONTRACT"},
        "leaks": {"probes": ["probes:left"]},
        "platforms": {
            "go": {"command": ["go/bin/driver"], "build": ["make"], "sources": ["go/**/*.go", "go/go.mod"]},
            "node": {"command": ["node", "drivers/node/driver.mjs"]},
            "tin": {"command": ["{python}", "tin.py"], "directory": "metal"},
            "served": {"command": ["{python}", "-m", "harmony", "serve"]},
        },
    }
)
GROUND = Ground.of(SETTINGS, ROOT)
EVERYTHING = Touched(everything=True)


def cell(file: Path, *platforms: str) -> Cell:
    scenario = Scenario.__new__(Scenario)
    object.__setattr__(scenario, "place", Place(file, 3))
    return Cell(scenario, Pairing.of({f"role{number}": name for number, name in enumerate(platforms)}))


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("features/bells.feature", Touched(features=frozenset({BELLS}))),
        ("features/deep/ears.feature", Touched(features=frozenset({EARS}))),
        ("features/notes.txt", Touched()),
        ("bells.feature", Touched()),
        ("meaning/steps/a.py", EVERYTHING),
        ("meaning.py", EVERYTHING),
        ("meaning/a.txt", Touched()),
        ("more.py", EVERYTHING),
        ("verbs.py", EVERYTHING),
        ("probes.py", EVERYTHING),
        ("harmony.toml", EVERYTHING),
        ("expectations.toml", EVERYTHING),
        ("go/main.go", Touched(platforms=frozenset({"go"}))),
        ("go/a/b/c.go", Touched(platforms=frozenset({"go"}))),
        ("go/go.mod", Touched(platforms=frozenset({"go"}))),
        ("go/bin/driver", Touched()),  # what its build makes; otherwise each build would begin a run
        ("drivers/node/driver.mjs", Touched(platforms=frozenset({"node"}))),
        ("drivers/node/verbs.mjs", Touched(platforms=frozenset({"node"}))),
        ("drivers/other/verbs.mjs", Touched()),
        ("metal/tin.py", Touched(platforms=frozenset({"tin"}))),
        ("../elsewhere/bells.feature", Touched()),
        (".harmony/matrix.html", Touched()),
    ],
)
def test_a_file_touches_its_cells(file: str, touched: Touched) -> None:
    assert GROUND.touched([Path(os.path.normpath(ROOT / file))]) == touched


def test_features_may_stand_elsewhere() -> None:
    ground = Ground.of(Settings(features=Path("../suite/features")), ROOT)
    file = Path("/suite/features/bells.feature")
    assert ground.touched([file]).features == {file}
    assert not ground.touched([BELLS])


def test_what_is_touched_is_run_and_no_other() -> None:
    touched = GROUND.touched([BELLS, ROOT / "go/main.go"])
    cells = [cell(BELLS, "tin", "tin"), cell(EARS, "go", "tin"), cell(EARS, "tin", "go"), cell(EARS, "tin", "node")]
    assert [touched.has(one) for one in cells] == [True, True, True, False]
    assert all(EVERYTHING.has(one) for one in cells)
    assert not any(Touched().has(one) for one in cells)
    assert not Touched()


def test_of_a_feature_that_is_gone_nobody_knows_its_cells() -> None:
    assert GROUND.touched([BELLS], [BELLS]).everything
    assert not GROUND.touched([], [ROOT / "go/main.go"]).everything


def test_changes_add_up_and_go_through_a_command_line() -> None:
    both = GROUND.touched([BELLS]) | GROUND.touched([ROOT / "metal/tin.py"])
    assert (both.features, both.platforms, both.everything) == ({BELLS}, {"tin"}, False)
    assert Touched.of_words(both.words()) == both
    assert (both | EVERYTHING).words() == []
    assert str(both) == "bells.feature, tin"


@pytest.mark.parametrize(
    ("name", "pattern", "does"),
    [
        ("a/b.go", "a/*.go", True),
        ("a/c/b.go", "a/*.go", False),
        ("a/b.go", "a/**/*.go", True),
        ("a/c/d/b.go", "a/**/*.go", True),
        ("a/c/b.go", "a/*/b.go", True),
        ("b.go", "**/b.go", True),
        ("a", "a/**", True),
        ("a/b.go", "a", False),
    ],
)
def test_patterns_are_those_of_sources(name: str, pattern: str, does: bool) -> None:
    """``*`` stays within a directory, ``**`` is any number of them, as where it is decided what is stale."""
    assert fits(PurePath(name), pattern) is does
