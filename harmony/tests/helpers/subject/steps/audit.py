"""Sentences of 02-audit.feature."""

from __future__ import annotations

from harmony import Naming, background, expect_equal, given, parsers, then, when

from .bank import Bank


class AuditSteps:
    """What an auditor does."""

    def __init__(self, bank: Bank, naming: Naming) -> None:
        self._bank = bank
        self._naming = naming
        self._ledger: str | None = None

    @when(parsers.re(r"the '([^']+)' process deposits '(\d+)' coins one by one into '([^']+)'"))
    @background
    def deposit_one_by_one(self, process: str, coins: int, name: str) -> None:
        """Deposit while others work."""
        self._bank.deposit_slowly(self._naming.name(name), coins)

    @given(parsers.re(r"(?:the|a second|a new) '(?P<process>[^']+)' process opens a ledger"))
    @when(parsers.re(r"(?:the|a second|a new) '(?P<process>[^']+)' process opens a ledger"))
    def open_ledger(self, process: str) -> None:
        """Take an empty book."""
        if self._ledger is not None:
            raise AssertionError("this auditor has a ledger already")
        self._ledger = ""

    @given(parsers.parse("the '{process}' process notes:"))
    @when(parsers.parse("the '{process}' process notes:"))
    def note(self, process: str, docstring: str) -> None:
        """Write into the book."""
        self._ledger = (self._ledger or "") + docstring

    @then(parsers.parse("the '{process}' process should find its ledger empty"))
    def ledger_is_empty(self, process: str) -> None:
        """Nothing is written."""
        expect_equal("", self._ledger, "ledger")

    @then(parsers.parse("the '{process}' process should find '{count:d}' characters in its ledger"))
    def ledger_has(self, process: str, count: int) -> None:
        """So much is written."""
        expect_equal(count, len(self._ledger or ""), "characters in the ledger")
