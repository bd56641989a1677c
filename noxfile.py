"""Sessions that need an environment of their own: the other Pythons, and the built packages."""

from __future__ import annotations

import dataclasses
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nox
import nox.command

nox.options.default_venv_backend = "venv"
nox.needs_version = ">=2024.10"

PYTHONS = ["3.12", "3.13"]  # 3.11 is what ./test.sh itself runs on here; it takes any of the three


# What may differ from one Python to another: every night. The rest says nothing new there.
DIFFERING = ["tests/library", "harmony/tests/rpc/test_worker.py", "harmony/tests/rpc/test_step_worker.py", "features"]
# Of the library, what its core does whatever calls it.
OF_THE_CORE = ["test_faults.py", "test_hostile.py", "test_core_build.py", "test_core_module.py", "test_core_mutants.py"]
# What meets the interpreter itself: its buffers, threads, event loop and end.
MEETING_PYTHON = ["frames", "slots", "batches", "metadata", "errors"]
MEETING_PYTHON += ["async", "threads", "lifetime", "duplex", "vectors"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on another supported Python; on the newest those of the whole library, which judge its coverage."""
    session.install("-c", "constraints.txt", "-e", "./harmony[test]", "-e", ".[test]")
    chosen = [f"tests/library/test_{name}.py" for name in MEETING_PYTHON]
    if session.python == PYTHONS[-1]:
        chosen = ["tests/library", *(f"--ignore=tests/library/{name}" for name in OF_THE_CORE), "--cov"]
        chosen.append("--cov-report=term:skip-covered")
    session.run("python", "-m", "pytest", "-n", "auto", *(session.posargs or chosen))


@nox.session
def harness(session: nox.Session) -> None:
    """Run the harness's own tests where there is nothing but the harness: no library, no compiled extension of ours."""
    session.install("-c", "constraints.txt", "./harmony[test]")
    with session.chdir("harmony"):
        session.run("python", "-c", "import importlib.util as u; assert u.find_spec('zerobuffer') is None")
        session.run("python", "-m", "pytest", "-n", "auto", *(session.posargs or ["-m", "not nightly"]))


@nox.session
def package(session: nox.Session) -> None:
    """Build sdist and wheel of both distributions, and use each alone in an empty environment."""
    session.install("build")
    place = Path(session.create_tmp()).resolve()
    for project, smoke, commands in ((".", SMOKE, ["zerobuffer list"]), ("harmony", HARNESS, ["harmony --version"])):
        out = place / "dist" / Path(project).resolve().name
        shutil.rmtree(out, ignore_errors=True)
        session.run("python", "-m", "build", "--outdir", str(out), project, silent=True)
        for artefact in (*out.glob("*.whl"), *out.glob("*.tar.gz")):
            empty = place / "empty"
            session.run("python", "-m", "venv", "--clear", str(empty))
            session.run(str(empty / "bin" / "pip"), "install", "--quiet", str(artefact), external=True)
            with session.chdir(place):
                session.run(str(empty / "bin" / "python"), "-c", smoke, external=True)
                for command in commands:
                    session.run(*str(empty / "bin" / command).split(), external=True)


SMOKE = """
import json, os, importlib.util, zerobuffer
from importlib.metadata import requires
from importlib.resources import files
assert json.loads(files("zerobuffer").joinpath("driver.schema.json").read_text())["$defs"]["create.params"]
assert importlib.util.find_spec("harmony") is None
assert all("extra ==" in one for one in requires("zerobuffer-harmony"))
name = f"package-{os.getpid()}"
with zerobuffer.Reader(name) as reader, zerobuffer.Writer(name) as writer:
    writer.write_frame(b"built")
    with reader.read_frame(timeout=5) as frame:
        assert bytes(frame.data) == b"built"
print("ok", zerobuffer.__file__)
"""
HARNESS = """
import importlib.util, json
from importlib.metadata import entry_points
from importlib.resources import files
assert importlib.util.find_spec("zerobuffer") is None
here = files("harmony")
assert json.loads(here.joinpath("verdict/events.schema.json").read_text())
files = ("report/page.html", "perf/page.html", "process/reaper.py", "py.typed")
assert all(here.joinpath(name).is_file() for name in files)
templates = here / "new_driver" / "templates"
assert {"README.md.in", "cpp", "csharp", "go", "node", "python", "rust"} <= {one.name for one in templates.iterdir()}
assert (templates / "cpp" / ".clang-format.in").is_file()
assert entry_points(group="pytest11")["harmony"].load().__name__ == "harmony.pytest_plugin.door"
print("ok", here)
"""


@nox.session
def lock(session: nox.Session) -> None:
    """Renew constraints.txt from the newest versions that go together."""
    session.install("--upgrade", "./harmony[test]", ".[dev]")
    ours = ("--exclude", "zerobuffer-harmony", "--exclude", "harmony-conformance")
    frozen = session.run("python", "-m", "pip", "freeze", *ours, silent=True)
    lines = [line for line in str(frozen).splitlines() if "==" in line]
    Path("constraints.txt").write_text("\n".join(sorted(lines, key=str.lower)) + "\n", encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Look:
    """One memory checker over one implementation.

    Attributes:
        name: Implementation and checker.
        command: What to run.
        folder: Where.
        needs: A command that succeeds where the checker is, and what to install otherwise.
        environment: Variables on top of ours.
    """

    name: str
    command: tuple[str, ...]
    needs: tuple[tuple[str, ...], str]
    folder: str = "."
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def possible(self) -> bool:
        """Whether the checker is on this machine."""
        command, _ = self.needs
        found = shutil.which(command[0]) is not None
        return found and subprocess.run(command, capture_output=True, check=False).returncode == 0


RUST_TARGET = f"{platform.machine()}-unknown-linux-gnu"
LOOKS = [
    Look(
        "core: address, undefined, thread",
        (sys.executable, "-m", "pytest", "-c", "pytest.ini", "-m", "sanitizers", "tests"),
        (("cc", "--version"), "a C compiler with its sanitizers (Debian: gcc libasan8 libubsan1 libtsan2)"),
    ),
    Look(
        "go: race",
        ("go", "test", "-race", "-count=1", "./..."),
        (("sh", "-c", "go version && gcc --version"), "Go and gcc (Debian: golang-go gcc)"),
        folder="drivers/go",
        environment={"CGO_ENABLED": "1"},
    ),
    Look(
        "rust: checked arithmetic, debug assertions",
        ("cargo", "test", "--locked"),
        (("cargo", "--version"), "Rust (Debian: cargo, or rustup)"),
        folder="drivers/rust",
    ),
    Look(
        "rust: address",
        ("cargo", "+nightly", "test", "--locked", "--target", RUST_TARGET, "--lib", "--bins", "--tests"),
        (("cargo", "+nightly", "--version"), "a nightly Rust (rustup toolchain install nightly)"),
        folder="drivers/rust",
        environment={"RUSTFLAGS": "-Zsanitizer=address"},
    ),
    Look(
        "rust: miri",
        # Miri cannot map files: what touches shared memory is not for it.
        (
            "cargo",
            "+nightly",
            "miri",
            "test",
            "--locked",
            "-p",
            "zerobuffer",
            "--lib",
            "--",
            "layout",
            "leases",
            "plan",
        ),
        (("cargo", "+nightly", "miri", "--version"), "Miri (rustup +nightly component add miri rust-src)"),
        folder="drivers/rust",
    ),
    Look(
        "c++: address, undefined, thread, valgrind, clang",
        ("drivers/cpp/check.sh", "asan", "tsan", "valgrind", "clang"),
        (("drivers/cpp/check.sh", "--help"), "the C++ driver (drivers/cpp)"),
    ),
]


@nox.session(default=False, venv_backend="none")
def memory(session: nox.Session) -> None:
    """Look for memory errors and data races in every language; takes minutes. Words after -- choose by name."""
    chosen = [
        look for look in LOOKS if not session.posargs or any(look.name.startswith(word) for word in session.posargs)
    ]
    missing = [look for look in chosen if not look.possible]
    failed = []
    for look in chosen:
        if look in missing:
            continue
        with session.chdir(look.folder):
            session.log(f"--- {look.name}")
            try:
                session.run(*look.command, env=dict(look.environment), external=True)
            except nox.command.CommandFailed:
                failed.append(look.name)
    for look in missing:
        session.warn(f"not looked at: {look.name}: there is no {look.needs[1]}")
    if failed or len(missing) == len(chosen):
        session.error(f"failed: {', '.join(failed) or 'nothing could be looked at'}")


@nox.session(default=False, venv_backend="none")
def nightly(session: nox.Session) -> None:
    """Run what takes too long for each change: everything over every pairing, stress, doctors, memory checkers."""
    session.run(".venv/bin/harmony", "build", external=True)
    session.run("./test.sh", "-m", "nightly", external=True)
    session.run("./test.sh", "matrix", "--pairwise", "--validate", "-n", "auto", external=True)
    session.run("./test.sh", "11", "--stress", external=True)
    for name in ("python", "cpp", "csharp", "go", "rust"):
        session.run(".venv/bin/harmony", "doctor", name, external=True)
    session.run(".venv/bin/python", "-m", "benchmarks", "soak", "--minutes", "10", external=True)
    session.notify("tests", ["-m", "not sanitizers", *DIFFERING])
    session.notify("memory")


@nox.session(venv_backend="none")
def portable(session: nox.Session) -> None:
    """Check the harness without what only Linux has: its types as on macOS, its tests with the portable form forced."""
    session.run("./test.sh", "--setup", external=True, log=False)
    session.run(".venv/bin/mypy", "--platform", "darwin", "-p", "harmony", external=True)
    words = session.posargs or ["-n", "auto", "-m", "not nightly", "harmony/tests"]
    session.run(".venv/bin/python", "-m", "pytest", *words, env={"HARMONY_SYSTEM": "portable"}, external=True)
