"""Makes a folder's `.venv`: its locked requirements, and the harness that runs this, for its `driver_kit`.

    python drivers/environment.py drivers/NAME

What has been fetched once is kept, so that it is fetched no more: pip alone asks its index each time.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import harmony

KEPT = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "harmony" / "wheels"


def main() -> None:
    """Make it, or bring it up to date."""
    folder = Path(sys.argv[1])
    environment = folder / ".venv"
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))
    (packages / "harmony.pth").write_text(f"{Path(harmony.__file__).parent.parent}\n")
    requirements = folder / "requirements.txt"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    locked = ["--no-deps", "--find-links", KEPT, "--requirement", requirements]
    install = [*pip, "install", "--no-index", *locked]
    KEPT.mkdir(parents=True, exist_ok=True)
    if subprocess.run(install, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return
    fetch = [*pip, "--retries", "1", "wheel", "--wheel-dir", KEPT, *locked]
    if subprocess.run(fetch, check=False).returncode or subprocess.run(install, check=False).returncode:
        raise SystemExit(f"{requirements} names packages that are neither in {KEPT} nor to be had: is there a network?")


if __name__ == "__main__":
    main()
