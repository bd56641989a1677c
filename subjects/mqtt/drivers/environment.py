"""Makes a folder's `.venv`: its locked requirements, and the harness that runs this, for its `driver_kit`.

    python drivers/environment.py drivers/NAME

Where nothing has changed, nothing is fetched.
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import harmony


def main() -> None:
    """Make it, or bring it up to date."""
    folder = Path(sys.argv[1])
    environment = folder / ".venv"
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))
    (packages / "harmony.pth").write_text(f"{Path(harmony.__file__).parent.parent}\n")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--requirement", folder / "requirements.txt"], check=True)


if __name__ == "__main__":
    main()
