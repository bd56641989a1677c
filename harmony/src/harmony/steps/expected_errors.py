"""Errors that a scenario expects: a When step runs into one, a later Then step names its code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harmony.steps.context import ScenarioContext


class ExpectedErrors:
    """Keeps the error of an operation that may fail, until a Then step asks for its canonical code.

    Inject it into a step class. Any exception with a text attribute ``code`` can be expected; every other exception
    fails the step at once. An error that no step has asked about when the scenario ends fails the scenario.
    """

    def __init__(self, context: ScenarioContext) -> None:
        self._pending: Exception | None = None
        context.on_cleanup(self.settle)

    @contextlib.contextmanager
    def capture(self) -> Iterator[None]:
        """Run an operation that a scenario may expect to fail."""
        self.settle()
        try:
            yield
        except Exception as error:
            if not isinstance(getattr(error, "code", None), str):
                raise
            self._pending = error

    def take(self, code: str) -> Exception:
        """Return the captured error, which must carry a code.

        Raises:
            AssertionError: The operation succeeded, or failed with another code.
        """
        error, self._pending = self._pending, None
        if error is None:
            raise AssertionError(f"expected the error {code!r}, but the operation succeeded")
        seen: str = getattr(error, "code")  # noqa: B009 - any exception with a code will do
        if seen != code:
            raise AssertionError(f"expected the error {code!r}, seen {seen!r}: {error}") from error
        return error

    def none(self) -> None:
        """Check that the operation succeeded.

        Raises:
            AssertionError: It failed.
        """
        self.settle()

    def settle(self) -> None:
        """Fail if a captured error has not been asked about.

        Raises:
            AssertionError: There is one.
        """
        error, self._pending = self._pending, None
        if error is not None:
            raise AssertionError(f"an error that no step expected: {getattr(error, 'code', '')}: {error}") from error
