"""What a copy has, what a build in it may take, and that a fault leaves it as it was."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harmony.errors import ConfigurationError
from harmony.mutate.command import run_command
from harmony.mutate.copying import copy_project
from harmony.mutate.fault import Fault, FaultError
from harmony.mutate.record import Record
from harmony.mutate.target import Target
from harmony.mutate.workshop import Workshop, WorkshopError
from harmony.project import load_project
from sandbox import Sandbox

BUILT = """
    [platforms.tin]
    command = ["./tin"]
    sources = ["src/*.py"]
    build = ["sh", "-c", "cp src/a.py tin"]
"""
MAKES = """
    [platforms.tin.mutation]
    makes = ["{}"]
"""
LATER = 2.0


def copied(root: Path, copy: Path) -> set[str]:
    asyncio.run(copy_project(root, copy))
    return {path.relative_to(copy).as_posix() for path in copy.rglob("*") if not path.is_dir() or path.is_symlink()}


def fill(box: Sandbox) -> None:
    for name in (
        "src/a.py",
        "src/__pycache__/a.pyc",
        "new.txt",
        "target/CACHEDIR.TAG",
        "target/x.o",
        ".harmony/x",
        "copies/old/0/y",
    ):
        box.write(name, "x")
    (box.directory / "inside").symlink_to(box.directory / "src")
    (box.directory / "nowhere").symlink_to("absent")


def test_a_copy_has_all_but_what_tools_make(tmp_path: Path) -> None:
    """Neither caches, nor the copies that stand in the project; what leads into the project leads into the copy."""
    box = Sandbox(tmp_path / "project")
    fill(box)
    copy = box.directory / "copies" / "mine" / "0"
    assert copied(box.directory, copy) == {"src/a.py", "new.txt", "inside", "nowhere"}
    assert (copy / "inside").readlink() == copy / "src"


def test_who_may_enter_a_project_may_enter_its_copies(tmp_path: Path) -> None:
    """A scenario may play as another user."""
    box = Sandbox(tmp_path / "project")
    fill(box)
    box.directory.chmod(0o751)
    copies = tmp_path / "copies"
    copies.mkdir(0o700)
    copied(box.directory, copies / "0")
    assert copies.stat().st_mode & 0o777 == 0o751


def test_a_copy_of_a_repository_has_what_git_would_track(tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "project")
    fill(box)
    box.write(".gitignore", "target/\n__pycache__/\n.harmony/\ncopies/\n")
    box.write("gone.txt", "")
    for words in (["init", "-q"], ["add", "src", "gone.txt"]):
        subprocess.run(["git", *words], cwd=box.directory, check=True)
    (box.directory / "gone.txt").unlink()
    assert copied(box.directory, tmp_path / "0") == {".gitignore", "src/a.py", "new.txt", "inside", "nowhere"}


def fault(file: str = "src/a.py") -> Fault:
    return Fault("n", "comparison", file, 1, 0, 1, "a", "b", "a < b")


def workshop(box: Sandbox, settings: str = BUILT) -> Workshop:
    box.write("harmony.toml", settings)
    box.write("src/a.py", "a < b\n")
    return Workshop(load_project(box.directory), box.directory / "copies/x/0", "tin")


def test_a_fault_is_built_and_then_the_source_as_it_was(sandbox: Sandbox) -> None:
    """With times of their own, and without what Python has compiled: it knows a source by its size and a second."""
    place = workshop(sandbox)
    asyncio.run(place.make())
    source, program = place.root / "src/a.py", place.root / "tin"
    compiled = sandbox.write("copies/x/0/src/__pycache__/a.cpython-311.pyc", "")
    long_ago = time.time() - 1000
    os.utime(source, (long_ago, long_ago))
    with place.planted(fault()):
        assert not compiled.exists()
        assert source.stat().st_mtime > long_ago + LATER
        assert asyncio.run(place.build()) is None
        assert program.read_text("utf-8") == "b < b\n"
        os.utime(source, (long_ago, long_ago))
        sandbox.write("copies/x/0/src/__pycache__/a.cpython-311.pyc", "")
    assert (source.read_text("utf-8"), compiled.exists()) == ("a < b\n", False)
    assert source.stat().st_mtime > long_ago + LATER
    assert (sandbox.directory / "src/a.py").read_text("utf-8") == "a < b\n"


@pytest.mark.parametrize(("after", "same"), [("a #", True), ("b", False)])
def test_what_a_build_makes_the_same_of_is_known_as_such(sandbox: Sandbox, after: str, *, same: bool) -> None:
    """Where a project says what it makes, and not before a build has been repeated with the fault."""
    place = workshop(sandbox, BUILT.replace("cp src/a.py", "sed 's/ *#.*//' src/a.py >") + MAKES.format("t*n"))
    sandbox.write("src/a.py", "a # 1\n")
    asyncio.run(place.make())
    assert place.is_as_made()
    with place.planted(replace(fault(), after=after, text="a # 1")):
        assert asyncio.run(place.build()) is None
        assert place.is_as_made() is same


def test_what_is_said_to_be_made_and_is_not_there_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(WorkshopError, match="tin: a build makes nothing that `makes` names"):
        asyncio.run(workshop(sandbox, BUILT + MAKES.format("lead")).make())


def test_a_fault_that_cannot_be_planted_leaves_the_source(sandbox: Sandbox) -> None:
    place = workshop(sandbox)
    sandbox.write("src/a.py", "c < b\n")
    asyncio.run(place.make())
    with pytest.raises(FaultError), place.planted(fault()):
        pass
    assert (place.root / "src/a.py").read_bytes() == b"c < b\n"


def test_no_fault_is_planted_through_a_link_that_leads_out(sandbox: Sandbox) -> None:
    place = workshop(sandbox)
    outside = sandbox.write("outside.py", "a < b\n")
    asyncio.run(place.make())
    (place.root / "link.py").symlink_to(outside)
    with pytest.raises(FaultError, match="leads out of the project"), place.planted(fault("link.py")):
        pass
    assert outside.read_text("utf-8") == "a < b\n"


def test_what_does_not_build_at_all_is_said(sandbox: Sandbox) -> None:
    place = workshop(sandbox)
    (sandbox.directory / "src/a.py").unlink()
    with pytest.raises(WorkshopError, match="tin is not built in a copy: exit 1"):
        asyncio.run(place.make())


def test_a_command_beyond_its_deadline_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    """It holds a pipe whose end is seen when nobody has it any more."""
    reading, writing = os.pipe()
    script = f"exec 3>/proc/{os.getpid()}/fd/{writing}; echo begun; sleep 600 & sleep 600"
    done = asyncio.run(run_command(["sh", "-c", script], tmp_path, 0.5))
    os.close(writing)
    assert (done.code, os.read(reading, 1)) == (None, b"")
    os.close(reading)


PARTNERS = """
    [platforms.tin]
    command = ["python3"]
    sources = ["src/*.py"]
    mutation = { leave_out = ["src/test_*.py"] }
    [platforms.wood]
    command = ["./absent"]
    [platforms.zinc]
    command = ["python3"]
    [platforms.brass]
    command = ["made/of/brass"]
    build = ["sh", "make.sh"]
"""


def test_it_plays_with_the_first_other_one_that_can_or_with_those_that_are_named(sandbox: Sandbox) -> None:
    """What a build makes need not be there: all is built in the copies."""
    sandbox.write("harmony.toml", PARTNERS)
    sandbox.write("src/a.py", "")
    sandbox.write("src/test_a.py", "")
    project = load_project(sandbox.directory)
    assert Target.of(project, "tin").partners == ("zinc",)
    assert Target.of(project, "tin", ["all"]).partners == ("zinc", "brass")
    assert Target.of(project, "tin", ["brass"]).partners == ("brass",)
    assert Target.of(project, "tin").sources == ["src/a.py"]
    for words, why in ((("tin", ["wood"]), "wood cannot play"), (("gold", []), "no platform 'gold'")):
        with pytest.raises(ConfigurationError, match=why):
            Target.of(project, *words)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"sources = \[...\] below \[platforms.zinc.mutation\]"):
        _ = Target.of(project, "zinc").sources


def test_what_is_known_holds_for_one_state_and_for_one_process(sandbox: Sandbox) -> None:
    """A source, a partner, a scenario make another one; what is asked of the score does not."""
    sandbox.write("harmony.toml", PARTNERS)
    for name in ("src/a.py", "features/a.feature", "README.md"):
        sandbox.write(name, "")
    state = Target.of(load_project(sandbox.directory), "tin").state
    sandbox.write("README.md", "x")
    sandbox.write("harmony.toml", PARTNERS + "[gates]\nmutation = 0.9\n")
    project = load_project(sandbox.directory)
    assert Target.of(project, "tin").state == state
    assert Target.of(project, "tin", ["brass"]).state != state
    for name in ("src/a.py", "features/a.feature"):
        before = Target.of(project, "tin").state
        sandbox.write(name, "x")
        assert Target.of(project, "tin").state != before
    with (
        Record.opened(sandbox.directory / "x", "s"),
        pytest.raises(ConfigurationError, match="another `harmony mutate x` runs"),
        Record.opened(sandbox.directory / "x", "s"),
    ):
        pass
