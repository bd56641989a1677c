"""Where every file of a wheel or an sdist comes from: a file of a commit, byte for byte, or the build.

    python build_support/provenance.py REVISION FOLDER ARTEFACT…

FOLDER is where the project lies in the repository. It prints a line for each file, and fails if one is from nowhere.
"""

from __future__ import annotations

import email
import hashlib
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

MADE: Final = {
    r"[^/]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt)": "the build's metadata",
    r"PKG-INFO": "the build's metadata",
    r"zerobuffer/_core\.[\w.-]+\.(so|pyd)": "compiled from zerobuffer/core",
}
"""What a build makes, by its path."""
LICENCE: Final = re.compile(r"[^/]+\.dist-info/licenses/(.+)")


def committed(revision: str) -> dict[str, str]:
    """Return the files of a commit, each with the name of its content."""
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "--format=%(objectname) %(path)", revision],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    entries = (entry.partition(" ") for entry in listed.split("\0") if entry)
    return {path: name for name, _, path in entries}


def members(artefact: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a wheel, or of an sdist without its own folder."""
    if artefact.suffix == ".whl":
        with zipfile.ZipFile(artefact) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    yield name, archive.read(name)
        return
    with tarfile.open(artefact) as archive:
        for member in archive.getmembers():
            if member.isdir():
                continue
            stream = archive.extractfile(member) if member.isfile() else None
            yield member.name.partition("/")[2], stream.read() if stream else b""


def name_of(content: bytes) -> str:
    """Return how git calls a content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def origin(path: str, content: bytes, folder: str, files: Mapping[str, str]) -> str:
    """Return where a file comes from; nothing if it is from nowhere."""
    for pattern, what in MADE.items():
        if re.fullmatch(pattern, path):
            return what
    licence = LICENCE.fullmatch(path)
    inner = licence[1] if licence else path
    prefix = "" if folder == "." else f"{folder}/"
    name = name_of(content)
    for place in (f"{prefix}{inner}", f"{prefix}src/{inner}"):
        if files.get(place) == name:
            return f"{place} {name}"
    return ""


def direct(content: bytes) -> list[str]:
    """Return the requirements that name an address: an index refuses them, and another machine has not got it."""
    return [one for one in email.message_from_bytes(content).get_all("Requires-Dist", []) if " @ " in one]


def main(revision: str, folder: str, *artefacts: str) -> int:
    """Print where each file comes from."""
    files = committed(revision)
    faults = 0
    for artefact in map(Path, artefacts):
        print(f"# {artefact.name}, of {revision}")  # noqa: T201 - it is a command
        for path, content in sorted(members(artefact)):
            found = origin(path, content, folder, files)
            print(f"{path}\t{found or 'NOWHERE'}")  # noqa: T201
            faults += not found
            if path.rpartition("/")[2] in {"METADATA", "PKG-INFO"}:
                for one in direct(content):
                    print(f"{path}\tREQUIRES AN ADDRESS: {one}")  # noqa: T201
                    faults += 1
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
