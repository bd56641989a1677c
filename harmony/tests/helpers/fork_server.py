"""A Python that has imported what pytest and harmony import, and forks for each run: a run costs what it does.

As a script it is the server, imported its client. What a start itself does is proved by real starts.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

DEADLINE: Final = 120
# Not the plugins themselves: pytest would say that it can no longer rewrite their assertions.
PREPARED: Final = (
    "execnet",
    "harmony.cli.features",
    "harmony.cli.reports",
    "harmony.pytest_plugin.unplayed_cells",
    "harmony.pytest_plugin.matrix_plugin",
    "pytest",
)


class ForkServer:
    """The client of one server, which the first run starts."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def run(self, directory: Path, *words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `python -m WORDS` there.

        Raises:
            subprocess.TimeoutExpired: The run took longer than the deadline, and was killed.
        """
        with tempfile.TemporaryDirectory() as place:
            told = [Path(place, name) for name in ("stdout", "stderr")]
            code = self._ask(
                {"directory": str(directory), "words": words, "environment": environment, "told": [*map(str, told)]}
            )
            if code == -signal.SIGALRM:
                raise subprocess.TimeoutExpired(words, DEADLINE)
            return subprocess.CompletedProcess(words, code, *(path.read_text("utf-8") for path in told))

    def close(self) -> None:
        """End the server, and wait for it."""
        if self._server:
            self._server.communicate(timeout=DEADLINE)
            self._server = None

    def _ask(self, request: dict[str, Any]) -> int:
        if not self._server:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            self._server = subprocess.Popen([sys.executable, __file__], env=bare, **pipes)
        asking, answering = self._server.stdin, self._server.stdout
        assert asking
        assert answering
        print(json.dumps(request), file=asking, flush=True)
        return int(answering.readline())


def serve() -> None:
    """Fork for each request; return in the child, which is to be that run, and at the end of requests."""
    path = sys.path[1:]
    for name in PREPARED:
        import_module(name)
    gc.freeze()
    while line := sys.stdin.readline():
        if (child := os.fork()) == 0:
            become(json.loads(line), path)
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def become(run: dict[str, Any], path: list[str]) -> None:
    """Be what a start with these words would be, and run them. The kernel ends what takes too long."""
    signal.alarm(DEADLINE)
    for descriptor, name in enumerate((os.devnull, *run["told"])):
        opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(run["directory"])
    os.environ.clear()
    os.environ.update(run["environment"])
    sys.path[:] = [str(Path.cwd()), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *path]
    sys.argv = list(run["words"])
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve()
