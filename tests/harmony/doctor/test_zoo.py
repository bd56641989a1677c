"""Every broken driver of the zoo is found, by exactly the checks that are meant for it; a sound one passes all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil
import pytest

from harmony import Project, load_project, own_helper
from harmony.doctor.examination import Examination, checks_of, open_case, select_checks
from harmony.doctor.finding import CheckVerdict, Diagnosis
from harmony.platform_settings import Platform
from step_definitions.observer import SHARED_MEMORY
from tests.zoo.broken_drivers import ZOO

ROOT: Final = Path(__file__).parents[3]
SMOKE: Final = ("start", "handshake", "requests.health")
LATE: Final = 1.5
PATIENCE: Final = 800.0  # no measure of anything: the machine may be busy


def project_with(name: str) -> Project:
    project = load_project(ROOT)
    platform = Platform(
        command=("{python}", "-m", "tests.zoo.broken_drivers", name),
        contract="driver",
        capabilities=frozenset({"duplex", "linux", "points"}),
        start_timeout=LATE if name == "mute" else 30.0,
    )
    settings = project.settings.model_copy(update={"platforms": {**project.settings.platforms, name: platform}})
    return Project(project.file, settings)


def project_with_a_sound_one() -> tuple[Project, str]:
    """Return a project and the name of its driver: one that is built, where there is one. It starts in no time."""
    project = load_project(ROOT)
    built = (name for name in ("go", "cpp", "rust") if (ROOT / project.settings.platforms[name].command[0]).is_file())
    name = next(built, "sound")
    return (project_with(name), name) if name == "sound" else (project, name)


def examined(project: Project, name: str, only: Sequence[str], *, late: float, lanes: int) -> Diagnosis:
    case = open_case(project, name)
    case.late = late
    return asyncio.run(Examination(case, select_checks(checks_of(case), only), limit=PATIENCE, lanes=lanes).run())


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No object with the number of this process in its name, and no process, may be left."""
    before = set(psutil.Process().children(recursive=True))
    yield
    assert [path for path in SHARED_MEMORY.iterdir() if f"_{os.getpid()}_" in path.name] == []
    left = set(psutil.Process().children(recursive=True)) - before
    helper = own_helper()
    assert [process for process in left if helper is None or process.pid != helper[0]] == []


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(ZOO))
def test_a_fault_is_found_by_the_checks_that_are_meant_for_it(name: str) -> None:
    animal = ZOO[name]
    found = examined(project_with(name), name, (*SMOKE, *animal.finds, *animal.also), late=LATE, lanes=1)
    wrong = {finding.id: finding.wrong for finding in found.findings if finding.verdict is CheckVerdict.WRONG}
    assert set(wrong) == set(animal.finds), wrong
    assert not found.healthy
    assert all(lines and all(lines) for lines in wrong.values())
    assert animal.says in "\n".join(line for lines in wrong.values() for line in lines)


@pytest.mark.timeout(PATIENCE + 60)
@pytest.mark.parametrize("which", ["any", pytest.param("of the zoo", marks=pytest.mark.nightly)])
def test_a_driver_without_a_fault_passes_all(which: str) -> None:
    project, name = project_with_a_sound_one() if which == "any" else (project_with("sound"), "sound")
    checks = [check.id for check in checks_of(open_case(project, name)) if check.id[:8] != "scenario"]
    found = examined(project, name, checks, late=10.0, lanes=3)
    assert [(one.id, one.wrong or one.because) for one in found.findings if one.verdict is not CheckVerdict.OK] == []
    assert found.healthy
    assert len(found.findings) == len(checks) > 100
