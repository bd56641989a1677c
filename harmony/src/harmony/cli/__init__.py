"""The ``harmony`` command: one module per group of commands; each has ``register(app)``."""

from __future__ import annotations

import os
import sys

from harmony import early_end


def main() -> None:
    """Run the command line, or answer a shell that completes one."""
    if "_HARMONY_COMPLETE" in os.environ:
        # A person waits for each key: nothing is loaded that this does not need.
        from harmony.cli.completion import answer  # noqa: PLC0415

        answer()
        return
    if sys.argv[1:2] == ["serve"]:
        # A run starts hundreds of workers: neither does one of them wait for what it does not need.
        from harmony.cli.told_errors import told_errors  # noqa: PLC0415
        from harmony.cli.worker_words import plain_options  # noqa: PLC0415

        if (options := plain_options(sys.argv[2:])) is not None:
            with told_errors():
                from harmony.serve.start import serve  # noqa: PLC0415

                serve(**options)
            return
    early_end.watch()
    from harmony.cli.app import main as run  # noqa: PLC0415

    early_end.end()
    run()


__all__ = ["main"]
