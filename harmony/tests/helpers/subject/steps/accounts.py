"""Sentences of 01-accounts.feature."""

from __future__ import annotations

from pydantic import BaseModel

from harmony import Duration, ExpectedErrors, Logger, Naming, expect_equal, given, parsers, step, then, when

from .bank import Bank, Coins


class Opening(BaseModel):
    """One row of a table of accounts."""

    name: str
    coins: int
    limit: Duration = Duration(0.0)


class AccountSteps:
    """What a cashier does."""

    def __init__(self, bank: Bank, naming: Naming, errors: ExpectedErrors, logger: Logger) -> None:
        self._bank = bank
        self._naming = naming
        self._errors = errors
        self._logger = logger

    @given("the bank is open")
    async def bank_is_open(self) -> None:
        """The bank opens with the scenario."""
        expect_equal(expected=True, seen=self._bank.is_open, subject="the bank is open")

    @step("all ledgers are empty")
    def ledgers_are_empty(self) -> None:
        """Nobody left money here."""
        expect_equal({}, self._bank.accounts, "accounts")

    @given(parsers.re(r"the '([^']+)' process opens account '([^']+)' with '(\d+)' coins"))
    async def open_account(self, process: str, name: str, coins: Coins) -> None:
        """Open an account with a first deposit."""
        self._logger.info("opening", account=name, coins=coins)
        self._bank.deposit(self._naming.name(name), coins)

    @given(parsers.parse("the '{process}' process opens these accounts:"))
    def open_accounts(self, process: str, datatable: list[Opening]) -> None:
        """Open one account per row."""
        for opening in datatable:
            self._bank.deposit(self._naming.name(opening.name), opening.coins)
            self._bank.limits[opening.name] = opening.limit
        expect_equal([2.0, 0.0], [opening.limit for opening in datatable], "limits")

    @when(parsers.re(r"the '(?P<process>[^']+)' process withdraws '(?P<coins>\d+)' coins from '(?P<name>[^']+)'"))
    def withdraw(self, process: str, coins: int, name: str) -> None:
        """Take coins out."""
        self._bank.withdraw(self._naming.name(name), coins)

    @when(
        parsers.re(r"the '(?P<process>[^']+)' process tries to withdraw '(?P<coins>\d+)' coins from '(?P<name>[^']+)'")
    )
    async def try_withdraw(self, process: str, coins: int, name: str) -> None:
        """Take coins out, if the bank lets us."""
        with self._errors.capture():
            self._bank.withdraw(self._naming.name(name), coins)

    @then(parsers.parse("the withdrawal should be refused with '{code}'"))
    def refused(self, code: str) -> None:
        """The bank said no, for this reason."""
        self._errors.take(code)

    @when(parsers.cfparse("the '{process}' process adds {rate:d} percent interest to '{name}'"))
    def add_interest(self, process: str, rate: int, name: str) -> None:
        """Add interest."""
        unique = self._naming.name(name)
        self._bank.deposit(unique, self._bank.accounts[unique] * rate // 100)

    @then(parsers.re(r"the '(?P<process>[^']+)' process should hold '(?P<coins>\d+)' coins in '(?P<name>[^']+)'"))
    async def should_hold(self, process: str, coins: int, name: str) -> None:
        """Compare the balance of one account."""
        expect_equal(coins, self._bank.accounts[self._naming.name(name)], f"balance of {name}")

    @then(parsers.re(r"the '(?P<process>[^']+)' process should hold '(?P<coins>\d+)' coins in all"))
    async def should_hold_in_all(self, process: str, coins: int) -> None:
        """Compare the sum of all accounts."""
        expect_equal(coins, sum(self._bank.accounts.values()), "sum of all balances")
