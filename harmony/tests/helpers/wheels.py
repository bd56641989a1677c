"""A suite as a wheel: a project inside of a package, as somebody would publish it."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CHOIR: Final = {
    "choir_suite/__init__.py": "",
    "choir_suite/harmony.toml": """
        steps = ["choir_suite.steps"]
        [driver]
        contract = "choir_suite.contract:CONTRACT"
        [platforms.reference]
        contract = "driver"
        command = ["{python}", "reference/driver.py"]
        build = ["false"]
    """,
    "choir_suite/features/01-choir.feature": """
        Feature: Choir
          Scenario: 1.1 Both sing the same
            When the 'left' process sings 'la' '2' times
            Then the 'right' process should sing 'lala' for 'la' and '2'
    """,
    "choir_suite/contract.py": '''
        from typing import Protocol

        from harmony import Contract, Driver, verb


        class Singer(Driver, Protocol):
            """What a singer can do."""

            @verb
            async def sing(self, word: str, times: int) -> str:
                """Return a word so many times."""
                ...


        CONTRACT = Contract("Singer", "1.0", Singer)
    ''',
    "choir_suite/steps.py": """
        from choir_suite.contract import Singer
        from harmony import parsers, then, when


        class Choir:
            def __init__(self, singer: Singer) -> None:
                self.singer = singer

            @when(parsers.parse("the '{_}' process sings '{word}' '{times:d}' times"))
            async def sings(self, word: str, times: int) -> None:
                await self.singer.sing(word, times)

            @then(parsers.parse("the '{_}' process should sing '{song}' for '{word}' and '{times:d}'"))
            async def should_sing(self, song: str, word: str, times: int) -> None:
                assert await self.singer.sing(word, times) == song
    """,
    "choir_suite/reference/driver.py": """
        from harmony.driver_kit import serve


        class Verbs:
            def sing(self, word: str, times: int) -> str:
                return word * times

            def close_all(self) -> None:
                pass


        if __name__ == "__main__":
            serve(Verbs(), name="reference", protocol="1.0")
    """,
}
"""Two singers; the released implementation plays beside that of whoever uses the suite."""


def write_wheel(directory: Path, files: Mapping[str, str], name: str = "choir-suite") -> Path:
    """Write a wheel, as a build backend would."""
    stem = f"{name.replace('-', '_')}-1.0"
    info = f"{stem}.dist-info"
    every = {path: textwrap.dedent(text).lstrip("\n") for path, text in files.items()}
    every[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    every[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{path},{_record(text)}" for path, text in every.items()]
    every[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    wheel = directory / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in every.items():
            archive.writestr(path, text)
    return wheel


def installed(directory: Path, files: Mapping[str, str]) -> Path:
    """Write a wheel and have pip install it; return the directory that is to be imported from."""
    target = directory / "site"
    wheel = write_wheel(directory, files)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*command, "--target", str(target), str(wheel)], check=True, timeout=120)
    return target


def _record(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(text.encode())}"


if __name__ == "__main__":
    write_wheel(Path(sys.argv[1]), CHOIR)
