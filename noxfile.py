"""Sessions that need an environment of their own: the other Pythons, and the built packages."""

from __future__ import annotations

from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.needs_version = ">=2024.10"

PYTHONS = ["3.12", "3.13"]  # 3.11 is what ./test.sh itself runs on here; it takes any of the three


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests on another supported Python."""
    session.install("-c", "constraints.txt", "-e", ".[dev]")
    # What is the same on every Python stays out: the C core by itself, the zoo, benchmarks, other languages.
    which = session.posargs or ["-m", "not sanitizers", "tests/library", "tests/steps", "tests/rpc", "features"]
    session.run("python", "-m", "pytest", "-n", "auto", *which)


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
