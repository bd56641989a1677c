"""Takes the pictures of docs/pictures/ anew, of a run in which a fault is planted into one of three implementations.

`.venv/bin/python docs/site/pictures.py`, where the drivers in C++ and Go are built and Chromium is installed. The run
is red, as it shall be: the last byte of each frame is lost where Python writes.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = ROOT / "docs" / "pictures"
FAULT: Final = {"ZEROBUFFER_STEPS_LIBRARY": "tests.zoo.mutants:last_byte_lost"}
PLATFORMS: Final = ("cpp", "go", "python")
SCENARIOS: Final = ("1.1", "1.3", "1.5", "2.1", "2.4")
LARGEST: Final = 60_000
DEADLINE: Final = 300.0
# The part of the page that each shows, by its fragment, and how large it is.
VIEWS: Final = {"matrix": ("", "1180,520"), "failure": ("#cell=1.1[reader=cpp,writer=python]", "860,500")}


def run(page: Path) -> None:
    """Play the scenarios over all pairings of the platforms; write the page."""
    pairings = (f"--pairing={first}_{second}" for first, second in itertools.product(PLATFORMS, repeat=2))
    words = (*pairings, *(f"--scenario={one}" for one in SCENARIOS), "--seed=7", f"--html={page}")
    done = subprocess.run(
        ("./test.sh", *words), cwd=ROOT, env=os.environ | FAULT, timeout=DEADLINE, check=False, capture_output=True
    )
    if done.returncode != 1:
        sys.exit(
            f"the planted fault was not found, or more than it (exit code {done.returncode}):\n{done.stdout.decode()}"
        )


def take(name: str, page: Path) -> None:
    """Take a view of the page."""
    browser = shutil.which("chromium") or sys.exit(
        "there is no chromium: install it (Debian: apt-get install chromium)"
    )
    fragment, size = VIEWS[name]
    picture = PICTURES / f"{name}.webp"
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000")
    command = (browser, *options, f"--window-size={size}", f"--screenshot={picture}", f"{page.as_uri()}{fragment}")
    subprocess.run(command, timeout=DEADLINE, check=True, capture_output=True)
    if picture.stat().st_size > LARGEST:
        sys.exit(f"{picture.name} has {picture.stat().st_size} bytes, more than {LARGEST}: show less")


def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "page.html"
        run(page)
        for name in VIEWS:
            take(name, page)


if __name__ == "__main__":
    main()
