"""A Python that has imported what pytest and harmony import, and forks for each run: a run costs what it does.

As a script it is the server, imported its client. What a start itself does is proved by real starts.
A run has a nursery: a fork of it from before it began, which forks its workers of pytest-xdist.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

DEADLINE: Final = 120
# Not the plugins themselves: pytest would say that it can no longer rewrite their assertions.
PREPARED: Final = (
    "execnet",
    "gherkin.parser",
    "harmony.cli.doctor",
    "harmony.cli.explain",
    "harmony.cli.features",
    "harmony.cli.reports",
    "harmony.cli.run",
    "harmony.pytest_plugin.matrix_plugin",
    "harmony.pytest_plugin.report_options",
    "harmony.pytest_plugin.reporting",
    "harmony.pytest_plugin.run_output",
    "harmony.pytest_plugin.termination",
    "harmony.pytest_plugin.unplayed_cells",
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
    nursery, asked = socket.socketpair()
    if os.fork() == 0:
        nursery.close()
        raise_workers(asked)
        return
    asked.close()
    take_workers_from(nursery)
    os.execv = execute
    be_module(run["words"])


def execute(program: str, words: list[str]) -> NoReturn:
    """Replace this process by another program. Where that is Python with a module, there is no need to start it."""
    if program != sys.executable or words[1] != "-m":
        os.execve(program, words, os.environ)
    be_module(words[2:])
    sys.exit()


def be_module(words: list[str]) -> None:
    """Run a module with its words, as `python -m` does."""
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def take_workers_from(nursery: socket.socket) -> None:
    """Have execnet ask the nursery where it would start a Python."""
    from execnet import gateway_io  # noqa: PLC0415 - the client does without

    class Worker(gateway_io.Popen2IOMaster):
        """As the one in its place, but for who starts the process."""

        def __init__(self, _: object, execmodel: Any) -> None:
            self.popen = Raised(nursery)
            gateway_io.Popen2IO.__init__(self, self.popen.stdin, self.popen.stdout, execmodel)

    gateway_io.Popen2IOMaster = Worker


class Raised:
    """A process of the nursery, to execnet what `subprocess.Popen` is."""

    def __init__(self, nursery: socket.socket) -> None:
        (stdin, asking), (answers, stdout), (self._end, alive) = (os.pipe() for _ in range(3))
        socket.send_fds(nursery, [b"."], [stdin, stdout, alive])
        for descriptor in (stdin, stdout, alive):
            os.close(descriptor)
        self.pid = int(nursery.recv(20))
        self.stdin, self.stdout = os.fdopen(asking, "wb"), os.fdopen(answers, "rb")

    def wait(self) -> int:
        """Wait until it has closed what it never writes to."""
        os.read(self._end, 1)
        return 0

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def raise_workers(asked: socket.socket) -> None:
    """Fork for each request, until nobody can ask any more; return in the child, which has been that worker."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        word, descriptors, _, _ = socket.recv_fds(asked, 1, 3)
        if not word:
            os._exit(0)
        if (child := os.fork()) == 0:
            break
        asked.sendall(str(child).encode())
        for descriptor in descriptors:
            os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.alarm(DEADLINE)
    asked.close()
    stdin, stdout, alive = descriptors
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.close(stdin)
    os.close(stdout)
    os.set_inheritable(alive, False)
    sys.argv = ["-c"]
    exec("import sys; exec(eval(sys.stdin.readline()))", {"__name__": "__main__"})


if __name__ == "__main__":
    serve()
