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

WITH_A_WORKER = """
    import execnet

    TOLD = "import os, signal, sys; channel.send([sys.argv, os.getcwd(), dict(os.environ), __name__, " \\
        "str(signal.getsignal(signal.SIGCHLD)), sys.stdin.read(), os.getpid() != %d])"

    if __name__ == "__main__":
        import os

        gateways = [execnet.makegateway() for _ in range(2)]
        for gateway in gateways:
            print(gateway.remote_exec(TOLD % os.getpid()).receive(30))
        gateways[0].exit()
        execnet.default_group.terminate(timeout=30)
        print("ended")
"""

THAT_BECOMES_ANOTHER = """
    import os, sys

    os.execv(sys.executable, [sys.executable, "-m", "probe", "leave"])
"""


def test_a_run_that_forks_finds_and_leaves_what_one_that_starts_does(sandbox: Sandbox) -> None:
    sandbox.write("probe.py", PROBE)
    sandbox.write("with_a_worker.py", WITH_A_WORKER)
    sandbox.write("that_becomes_another.py", THAT_BECOMES_ANOTHER)
    server = ForkServer()
    try:
        for module, words, code in (
            ("probe", ("leave", "é"), 1),
            ("probe", ("die",), -signal.SIGTERM),
            ("with_a_worker", (), 0),
            ("that_becomes_another", (), 1),
        ):
            forked = server.run(sandbox.directory, module, *words, environment=environment_of(SAID="yes"))
            started = run_python(sandbox.directory, "-m", module, *words, SAID="yes")
            assert forked.returncode == started.returncode == code, forked.stderr
            assert (forked.stdout, forked.stderr) == (started.stdout, started.stderr)
    finally:
        server.close()
