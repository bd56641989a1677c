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
DIFFERING = ["tests/library", "tests/rpc/test_worker.py", "tests/rpc/test_step_worker.py", "features"]
# Of the library, what its core does whatever calls it.
OF_THE_CORE = ["test_faults.py", "test_hostile.py", "test_core_build.py", "test_core_module.py", "test_core_mutants.py"]
# What meets the interpreter itself: its buffers, threads, event loop and end.
MEETING_PYTHON = ["frames", "slots", "batches", "metadata", "errors"]
MEETING_PYTHON += ["async", "threads", "lifetime", "duplex", "vectors"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on another supported Python; on the newest those of the whole library, which judge its coverage."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    chosen = [f"tests/library/test_{name}.py" for name in MEETING_PYTHON]
    if session.python == PYTHONS[-1]:
        chosen = ["tests/library", *(f"--ignore=tests/library/{name}" for name in OF_THE_CORE), "--cov"]
        chosen.append("--cov-report=term:skip-covered")
    session.run("python", "-m", "pytest", "-n", "auto", *(session.posargs or chosen))


@nox.session
def package(session: nox.Session) -> None:
    """Build sdist and wheel, and use each in a clean environment without any dependency."""
    session.install("build")
    out = Path(session.create_tmp()) / "dist"
    session.run("python", "-m", "build", "--outdir", str(out), ".", silent=True)
    for artefact in sorted(out.glob("*.whl")) + sorted(out.glob("*.tar.gz")):
        session.run("python", "-m", "pip", "uninstall", "-y", "zerobuffer-harmony", silent=True)
        session.install(str(artefact))
        with session.chdir(session.create_tmp()):
            session.run("python", "-c", SMOKE)
            session.run("zerobuffer", "list", silent=True)


SMOKE = """
import json, os, zerobuffer
from importlib.resources import files
assert json.loads(files("zerobuffer").joinpath("driver.schema.json").read_text())["$defs"]["create.params"]
assert files("harmony").joinpath("events.schema.json").is_file()
name = f"package-{os.getpid()}"
with zerobuffer.Reader(name) as reader, zerobuffer.Writer(name) as writer:
    writer.write_frame(b"built")
    with reader.read_frame(timeout=5) as frame:
        assert bytes(frame.data) == b"built"
print("ok", zerobuffer.__file__)
"""


@nox.session
def lock(session: nox.Session) -> None:
    """Renew constraints.txt from the newest versions that go together."""
    session.install("--upgrade", ".[dev]")
    frozen = session.run("python", "-m", "pip", "freeze", "--exclude", "zerobuffer-harmony", silent=True)
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
