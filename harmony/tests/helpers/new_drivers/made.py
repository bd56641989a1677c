"""Drivers made from the templates and built, as a person would have them."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from harmony.new_driver.language import Language
from harmony.new_driver.languages import LANGUAGES
from harmony.new_driver.rendering import Driver, platform_of, render
from harmony.platform_settings import Platform
from harmony.run.building import how_to_get, missing_tools
from harmony.run.pool import filled_in
from harmony.wire.driver_contract import Contract

NAME: Final = "sample"
DIRECTORY: Final = f"drivers/{NAME}"
BUILD_PATIENCE: Final = 240.0


@dataclass(frozen=True)
class Made:
    root: Path
    platform: Platform

    @property
    def directory(self) -> Path:
        return self.root / DIRECTORY

    @property
    def command(self) -> list[str]:
        return filled_in(self.platform.command, self.root)

    def build(self) -> None:
        if not self.platform.build:
            return
        done = subprocess.run(
            ["nice", *filled_in(self.platform.build, self.root)],
            cwd=self.root,
            env={**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0"},  # nobody looks into it with a debugger
            capture_output=True,
            text=True,
            timeout=BUILD_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr


def make(language: str, contract: Contract, root: Path, changes: Mapping[str, str] | None = None) -> Made:
    """Write the files of a driver; skip where its tools are missing."""
    driver = Driver(NAME, LANGUAGES[language], DIRECTORY)
    made = _made_in(root, driver)
    missing = dict(changes or {})
    for path, text in render(driver, contract, ["next"]).items():
        file = made.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = text
        for old in [old for old in missing if old in text]:
            whole = whole.replace(old, missing.pop(old))
        file.write_text(whole, "utf-8")
    assert not missing, "nothing in the driver looks like this"
    return made


def is_built_here(language: Language) -> bool:
    """Return whether the tools of a language are on this machine."""
    return not missing_tools(Platform.model_validate(platform_of(Driver(NAME, language, DIRECTORY))))


def _made_in(root: Path, driver: Driver) -> Made:
    made = Made(root, Platform.model_validate(platform_of(driver)))
    if tools := missing_tools(made.platform):
        pytest.skip(how_to_get(tools))
    return made


def made_once(
    language: str, contract: Contract, factory: pytest.TempPathFactory, fill: Callable[[Made, str], None] | None = None
) -> Made:
    """Return a driver that is made, filled in and built once in a session, for all workers of pytest-xdist."""
    base = factory.getbasetemp()
    session = base.parent if base.name.startswith("popen-") else base
    root = session / f"{contract.name}-{language}"
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "built").exists():
            made = make(language, contract, root)
            if fill is not None:
                fill(made, language)
            made.build()
            (root / "built").touch()
    return _made_in(root, Driver(NAME, LANGUAGES[language], DIRECTORY))
