"""The ``harmony`` command: one module per group of commands; each has ``register(app)``."""

from __future__ import annotations

import os

from harmony import early_end


def main() -> None:
    """Run the command line, or answer a shell that completes one."""
    if "_HARMONY_COMPLETE" in os.environ:
        # A person waits for each key: nothing is loaded that this does not need.
        from harmony.cli.completion import answer  # noqa: PLC0415

        answer()
        return
    early_end.watch()
    from harmony.cli.app import main as run  # noqa: PLC0415

    early_end.end()
    run()


__all__ = ["main"]
