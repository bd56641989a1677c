"""Libraries that misbehave as libraries do: one that prints, one that hangs, one that raises what it
should not, one that removes nothing."""

from __future__ import annotations

import sys
import threading
from typing import Any

from tests.zoo.model import Model
from tests.zoo.ring import Reader


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


class ForgetfulReader(Reader):
    def remove_own(self, name: str) -> None:
        """Leave everything."""


class Forgetful(Model):
    Reader = ForgetfulReader


printing, hanging, breaking, forgetful = Printing(), Hanging(), Breaking(), Forgetful()
