"""Plays a worker of another project: answers with the very messages it was once heard to answer with.

`parrot.py FILE LOG`: FILE is a recorded conversation, LOG gets what was asked now.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from bare_wire import receive, send


def main() -> None:
    entries = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    answers = [entry["message"] for entry in entries if entry["direction"] == "from-worker"]
    asked: list[dict[str, Any]] = []
    while (request := receive()) is not None:
        if request["method"] in {"discover", "cleanup", "shutdown"}:
            send(
                {
                    "jsonrpc": "2.0",
                    "id": request["id"],
                    "result": {"steps": []} if request["method"] == "discover" else None,
                }
            )
        else:
            asked.append(request)
            send({**answers.pop(0), "id": request["id"]})
        Path(sys.argv[2]).write_text(json.dumps(asked))
    os._exit(0)


if __name__ == "__main__":
    main()
