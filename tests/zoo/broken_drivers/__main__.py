"""One driver of the zoo, by its name."""

import ctypes
import os
import signal
import sys

from tests.zoo.broken_drivers import ZOO, Sound


def main(name: str) -> int:
    kind = Sound if name == "sound" else ZOO[name]
    if kind.dies_with_parent:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    animal = kind()
    os.dup2(2, 1)
    return animal.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
