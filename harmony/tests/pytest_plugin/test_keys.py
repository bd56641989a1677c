"""Keys of a terminal: finds one that is given back in another mode, and a run in the background that reads."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

from harmony.pytest_plugin.keys import Keys

LEADER = """
import os, sys, termios, time
from harmony.pytest_plugin.keys import Keys

name = os.ttyname(0)
before = termios.tcgetattr(0)
keys = Keys(name)
if sys.argv[1] == "behind":
    os.tcsetpgrp(0, os.getpgrp())
    if os.fork() == 0:
        os.setpgid(0, 0)
        keys.pressed()
        os._exit(int(keys.are_read or termios.tcgetattr(0) != before))
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
assert keys.pressed() == "" and keys.are_read
print("ready", flush=True)
end = time.monotonic() + 30
while not (got := keys.pressed()) and time.monotonic() < end:
    time.sleep(0.01)
keys.close()
assert termios.tcgetattr(0) == before, "the terminal is as it was"
print(f"got {got}", flush=True)
"""


def played(how: str) -> tuple[int, str]:
    """Run the leader of a session on a terminal of its own, and press a key."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{LEADER}", how],
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        if how == "before":
            assert process.stdout.readline() == "ready\n"
            os.write(ours, b"e")
        told, _ = process.communicate(timeout=60)
        os.close(ours)
    return process.returncode, told


def test_a_key_is_heard_without_enter_and_the_terminal_given_back() -> None:
    assert played("before") == (0, "got e\n")


def test_in_the_background_nothing_is_read_or_changed() -> None:
    assert played("behind") == (0, "")


def test_without_a_terminal_no_key_comes() -> None:
    ours, theirs = pty.openpty()
    name, before = os.ttyname(theirs), termios.tcgetattr(theirs)
    for keys in (Keys(""), Keys("/nowhere"), Keys(name)):  # the last is not the terminal of this process
        assert (keys.pressed(), keys.are_read) == ("", False)
        keys.close()
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)
