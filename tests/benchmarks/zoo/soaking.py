"""An agent of the soak with a fault, named by an environment variable. The reader that has it is otherwise right."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import zerobuffer
from benchmarks.soak import agent

FAULT = os.environ.get("SOAK_FAULT", "")
AT = 20

_add = agent.TransferBuilder.add
_close = zerobuffer.Reader.close
_seen = 0


def add(transfer: agent.TransferBuilder, *frame: Any) -> None:
    global _seen  # noqa: PLW0603 - one endpoint in a process
    _seen += 1
    if _seen != AT:
        _add(transfer, *frame)
    elif FAULT == "double":
        _add(transfer, *frame)
        _add(transfer, *frame)
    elif FAULT == "tear":
        _add(transfer, *frame)
        transfer._digest ^= 1
    elif FAULT == "error":
        raise zerobuffer.SequenceError(expected=AT, seen=AT + 1)
    elif FAULT == "crash":
        os.abort()
    elif FAULT == "hang":
        time.sleep(3600)
    elif FAULT != "lose":
        _add(transfer, *frame)


def close(reader: zerobuffer.Reader) -> None:
    _close(reader)
    if FAULT == "leave":
        Path(f"/dev/shm/{reader.name}").touch()


agent.TransferBuilder.add = add  # type: ignore[method-assign]
zerobuffer.Reader.close = close  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(agent.main(sys.argv[1:]))
