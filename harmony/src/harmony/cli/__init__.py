"""The ``harmony`` command: one module per group of commands; each has ``register(app)``."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from harmony.cli.app import main as run  # noqa: PLC0415 - what only shows a version needs little

    run()
