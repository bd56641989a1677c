"""The thing under test: a bank in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

from harmony import Duration, ProcessControl, ScenarioContext, ScenarioStart, provider


class BankError(Exception):
    """A refusal, with the code that scenarios assert on."""

    def __init__(self, code: str) -> None:
        super().__init__(code.replace("_", " "))
        self.code = code


class Coins(int):
    """An amount of money."""


CONVERTERS = {Coins: Coins}


class Bank:
    """Accounts by name."""

    def __init__(self) -> None:
        self.accounts: dict[str, int] = {}
        self.limits: dict[str, Duration] = {}
        self.is_open = False

    def deposit(self, name: str, coins: int) -> None:
        """Add coins."""
        self.accounts[name] = self.accounts.get(name, 0) + coins

    def deposit_slowly(self, name: str, coins: int) -> None:
        """Add coins one by one."""
        for _ in range(coins):
            self.deposit(name, 1)
            time.sleep(0.001)

    def withdraw(self, name: str, coins: int) -> None:
        """Take coins out."""
        if self.accounts[name] < coins:
            raise BankError("insufficient_funds")
        self.accounts[name] -= coins


@provider
def bank(context: ScenarioContext) -> Iterator[Bank]:
    """The bank of one role, closed with the scenario."""
    made = Bank()
    made.is_open = True
    context.on_failure("ledger", lambda: f"accounts: {made.accounts}")
    yield made
    made.is_open = False
    made.accounts.clear()


class Office:
    """Stands for a process behind a role."""

    def __init__(self, start: ScenarioStart, bank: Bank) -> None:
        self._expected = "kill" in start.actions
        self._bank = bank

    async def kill(self) -> None:
        """Close at once."""
        if not self._expected:
            raise RuntimeError("nobody said that this would happen")
        self._bank.is_open = False

    async def crash(self) -> None:
        """Close at once."""
        self._bank.is_open = False

    async def shut_down(self) -> None:
        """Close in order."""
        self._bank.is_open = False


@provider
def control(start: ScenarioStart, bank: Bank) -> ProcessControl:
    """How the process of a role ends."""
    return Office(start, bank)
