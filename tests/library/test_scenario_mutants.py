"""A scenario about a rule of ours is red over a library that breaks it, and green over the same build unbroken."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.library import cores, toolchain
from tests.library.scenario_mutants import MUTANTS, Mutant
from tests.zoo.watch import PATIENT, SHORT

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(400)]


class Workshop:
    """A copy of the library with one change at a time: only what the change touches is built again."""

    def __init__(self, directory: Path) -> None:
        self._source = directory / "source"
        self._build = directory / "build"
        self._undo: Callable[[], object] = lambda: None
        left_out = shutil.ignore_patterns("__pycache__", "_core*.so")
        shutil.copytree(toolchain.ROOT / "zerobuffer", self._source / "zerobuffer", ignore=left_out)
        shutil.copy(toolchain.ROOT / "CMakeLists.txt", self._source)

    def sound(self) -> Mapping[str, str]:
        """Build the library as it is; returns the environment in which it is used."""
        self._undo()
        self._undo = lambda: None
        return self._built()

    def broken(self, mutant: Mutant) -> Mapping[str, str]:
        """Build the library with a change."""
        self._undo()
        file = self._source / "zerobuffer" / mutant.file
        text = file.read_text()
        self._undo = lambda: file.write_text(text)
        assert text.count(mutant.right) == 1, f"{mutant.file} has changed: bring this mutant up to date"
        file.write_text(text.replace(mutant.right, mutant.wrong))
        return self._built()

    def _built(self) -> Mapping[str, str]:
        _, environment = cores.build(self._source, self._build)
        # Two changes within a second may have the same length: no compiled module must stand for another.
        return {**environment, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("library"))


def play(number: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a scenario; returns the exit status of pytest, and what it printed."""
    command = (sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "no:cacheprovider", number)
    done = toolchain.attempt(*command, cwd=toolchain.ROOT, environment=environment)
    return done.returncode, done.stdout


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_scenario_notices_a_broken_rule(mutant: Mutant, workshop: Workshop) -> None:
    status, said = play(mutant.scenario, {**workshop.broken(mutant), **SHORT})
    assert status == pytest.ExitCode.TESTS_FAILED, f"{mutant.scenario} does not notice that {mutant.what}:\n{said}"
    assert "verdict: failed" in said, said


@pytest.mark.parametrize("number", sorted({mutant.scenario for mutant in MUTANTS}))
def test_the_same_build_unbroken_passes(number: str, workshop: Workshop) -> None:
    status, said = play(number, {**workshop.sound(), **PATIENT})
    assert status == 0, said
