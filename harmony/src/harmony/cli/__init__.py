"""The ``harmony`` command: one module per group of commands; each has ``register(app)``."""

from harmony.cli.app import main

__all__ = ["main"]
