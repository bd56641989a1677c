"""Errors that harmony can name: each becomes its message and its exit code."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from harmony.errors import ExitCode, HarmonyError
from harmony.text import shown


def tell(message: str) -> None:
    """Say on stderr what is wrong."""
    sys.stderr.write(f"{shown(f'harmony: {message}')}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def told_errors() -> Iterator[None]:
    """End with the message and the exit code of an error that harmony can name, or of a file."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except HarmonyError as error:
        tell(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:
            raise
        tell(f"{error.filename}: {error.strerror}")
        sys.exit(ExitCode.USAGE)
