"""Libraries that misbehave as libraries do: one that prints, one that hangs, one that raises what it should not."""

from __future__ import annotations

import sys
import threading
from typing import Any

from tests.zoo.model import Model


class Printing(Model):
    def Writer(self, name: str, *, timeout: float) -> Any:  # type: ignore[override]  # noqa: N802
        sys.stdout.write("Content-Length: 5\r\n\r\nhello")
        sys.stdout.flush()
        return Model.Writer(name, timeout=timeout)


class Hanging(Model):
    def Writer(self, name: str, *, timeout: float) -> Any:  # type: ignore[override]  # noqa: N802
        del name, timeout
        threading.Event().wait()


class Breaking(Model):
    def Writer(self, name: str, *, timeout: float) -> Any:  # type: ignore[override]  # noqa: N802
        raise ZeroDivisionError(name, timeout)


printing, hanging, breaking = Printing(), Hanging(), Breaking()
