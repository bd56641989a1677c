"""A run that forks is what a start would be: it takes nothing of the server's with it."""

from __future__ import annotations

import signal

from fork_server import ForkServer
from sandbox import Sandbox, environment_of, run_python

PROBE = """
    import atexit, json, os, signal, sys

    atexit.register(print, "ended")
    print(json.dumps([sys.argv, os.getcwd(), sys.path, dict(os.environ), sys.stdin.read(), __name__]))
    print(*(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)))
    print("told", file=sys.stderr, flush=True)
    if sys.argv[1:] == ["die"]:
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGTERM)
    sys.exit("left")
"""


def test_a_run_that_forks_finds_and_leaves_what_one_that_starts_does(sandbox: Sandbox) -> None:
    sandbox.write("probe.py", PROBE)
    server = ForkServer()
    try:
        for words, code in ((("leave", "é"), 1), (("die",), -signal.SIGTERM)):
            forked = server.run(sandbox.directory, "probe", *words, environment=environment_of(SAID="yes"))
            started = run_python(sandbox.directory, "-m", "probe", *words, SAID="yes")
            assert forked.returncode == started.returncode == code, forked.stderr
            assert (forked.stdout, forked.stderr) == (started.stdout, started.stderr)
    finally:
        server.close()
