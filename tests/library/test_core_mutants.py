"""Each check of the core is there for a reason: without it, a C test fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.library import cores, toolchain
from tests.library.core_mutants import MUTANTS, Mutant

pytestmark = [pytest.mark.sanitizers, pytest.mark.timeout(400)]

_CORE = ("ring.c", "point.c", "peer.c", "semaphores.c", "spin.c", "doze.c")
_HELPERS = ("check.c", "segment.c", "model.c", "drive.c")

_HANG_EXIT_STATUS = 2


class Workshop:
    """Compiles each file once, as most of a mutant is the same as in all others."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[tuple[Path, str], Path] = {}

    def compile(self, source: Path, sanitizers: str, core: Path = toolchain.CORE) -> Path:
        """Return the object file of a source, made once unless it belongs to a changed core."""
        key = (source, sanitizers)
        if key in self._made and core == toolchain.CORE:
            return self._made[key]
        made = self._directory / f"{len(self._made)}-{source.stem}.o"
        includes = (f"-I{core}", f"-I{toolchain.CORE_TESTS}")
        toolchain.run(toolchain.compiler(), *_flags(sanitizers), *includes, "-c", source, "-o", made)
        self._made[key] = made
        return made

    def build(self, mutant: Mutant, core: Path) -> Path:
        """Return the program that has to notice the mutant, with the mutant in it."""
        # A header is compiled into everything.
        everywhere = core if mutant.file.endswith(".h") else toolchain.CORE
        folders = {name: core if name == mutant.file else everywhere for name in _CORE}
        objects = [self.compile(folder / name, mutant.sanitizers, folder) for name, folder in folders.items()]
        tests = (*_HELPERS, f"{mutant.caught_by}.c")
        objects += [self.compile(toolchain.CORE_TESTS / name, mutant.sanitizers, everywhere) for name in tests]
        program = core / mutant.caught_by
        toolchain.run(toolchain.compiler(), *_flags(mutant.sanitizers), *objects, "-o", program)
        return program


def _flags(sanitizers: str) -> list[str]:
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-DZB_POINTS", "-O1", "-pthread"]
    if sanitizers:
        flags += [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
    if "thread" not in sanitizers:
        flags.append("-DZB_HAVE_SEM_CLOCKWAIT")
    return flags


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("objects"))


@pytest.mark.nightly
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_broken_core_is_found(mutant: Mutant, tmp_path: Path, workshop: Workshop) -> None:
    toolchain.compiler()
    if mutant.caught_by == "test_doze":
        cores.require_dozing()
    if mutant.sanitizers:
        toolchain.require_sanitizers(mutant.sanitizers)
    core = tmp_path / "core"
    shutil.copytree(toolchain.CORE, core)
    source = (core / mutant.file).read_text()
    assert source.count(mutant.right) == 1, f"{mutant.file} has changed: bring this mutant up to date"
    (core / mutant.file).write_text(source.replace(mutant.right, mutant.wrong))
    program = workshop.build(mutant, core)
    limits = ("--inputs", "100000", "--deadline", "3" if mutant.hangs else "100")
    done = toolchain.attempt(*toolchain.launcher(mutant.sanitizers), program, "--seed", "1", *limits)
    assert done.returncode != 0, f"{mutant.caught_by} does not notice that {mutant.what}:\n{done.stdout}"
    assert (done.returncode == _HANG_EXIT_STATUS) == mutant.hangs, done.stdout
