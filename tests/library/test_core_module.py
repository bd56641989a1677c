"""The whole extension module, built with sanitizers, under hostile cases: the heap and the references, too."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.library import cores, toolchain
from tests.library.fuzz import case_of
from tests.library.processes import Parent
from tests.library.trials import FindingError, Trials
from zerobuffer import Reader, _core

pytestmark = [pytest.mark.sanitizers, pytest.mark.timeout(400)]

SANITIZERS = "address,undefined"


def say_which(parent: Parent, name: str) -> None:
    """Tell which module is under test."""
    del name
    parent.hear()
    parent.say([_core.__file__])


def build(source: Path, directory: Path) -> tuple[Path, dict[str, str]]:
    """Build the module with sanitizers; returns it, and the environment in which a child uses it."""
    toolchain.require_sanitizers(SANITIZERS)
    module, environment = cores.build(source, directory, f"-DZB_SANITIZE={SANITIZERS}")
    runtimes = [toolchain.run(toolchain.compiler(), f"-print-file-name={name}").strip() for name in _RUNTIMES]
    return module, {
        **environment,
        "LD_PRELOAD": " ".join(runtimes),
        "PYTHONMALLOC": "malloc",  # each object an allocation of its own, which AddressSanitizer sees
        "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter itself keeps what it has to the end
    }


_RUNTIMES = ("libasan.so", "libubsan.so")


@pytest.mark.parametrize("cases", [400, pytest.param(4000, marks=pytest.mark.nightly)])
def test_the_module_survives_hostile_cases(cases: int, name: str, tmp_path: Path) -> None:
    module, environment = build(toolchain.ROOT, tmp_path)
    with Trials(name, environment, say_which) as trials:
        assert trials.attempt("which") == [str(module)]
    seed = random.randrange(10**9)
    with Trials(name, environment) as trials:
        for number in range(cases):
            try:
                trials.attempt(case_of(seed, number), deadline=60)
            except FindingError as finding:
                pytest.fail(f"case {number} of seed {seed}: {finding}", pytrace=False)


def test_a_mistake_with_the_heap_is_found(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(toolchain.CORE, source / "zerobuffer" / "core")
    shutil.copy(toolchain.ROOT / "CMakeLists.txt", source)
    batch = source / "zerobuffer" / "core" / "batch.c"
    text = batch.read_text()
    right = "(size_t)capacity * sizeof *batch->entries"
    assert text.count(right) == 1, "batch.c has changed: bring this mistake up to date"
    batch.write_text(text.replace(right, f"{right} - 8"))
    _, environment = build(source, tmp_path / "build")
    case = {"metadata": 0, "payload": 1024, "frames": [1, 2, 3], "calls": [["read_many", 3]]}
    with Trials(name, environment) as trials, pytest.raises(FindingError, match="ended"):
        trials.attempt(case, deadline=60)
    Reader(name).close()  # what the crash left is replaced, and removed
