"""What the sentences of a small project mean: a bell is struck, and an ear hears it."""

from __future__ import annotations

from typing import Final

STEPS: Final = """
    from harmony import given, parsers, then


    class BellSteps:
        @given("the 'bell' process is struck")
        def strike(self) -> None:
            self._struck = True

        @then(parsers.parse("the 'ear' process should hear '{what}'"))
        def hear(self, what: str) -> None:
            if what == "nothing":
                raise AssertionError("it rings")
"""
