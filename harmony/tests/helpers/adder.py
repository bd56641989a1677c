"""A project whose one platform adds numbers: a driver of plain Python, its contract, its steps."""

from __future__ import annotations

from typing import Final

from sandbox import Sandbox

SETTINGS: Final = """
    steps = ["steps"]
    capabilities = ["sums", "floats", "fractions", "roots"]
    [driver]
    contract = "contract:CONTRACT"
    [platforms.tin]
    contract = "driver"
    capabilities = ["sums", "floats", "fractions", "roots"] # a set, which has another order in each process
    command = ["{python}", "tin/driver.py"]
    build = ["{python}", "-m", "py_compile", "tin/adder.py"]
    sources = ["tin/*.py"]
    mutation = { leave_out = ["tin/driver.py"] }
"""
CONTRACT: Final = '''
    """The verbs of an adder."""

    from __future__ import annotations

    from typing import Protocol

    from harmony import Contract, Driver, DriverProcess, verb


    class Adder(Driver, Protocol):
        """Its verbs."""

        @verb
        async def add(self, one: int, other: int, *, timeout: float = 5.0) -> int:
            """Add."""
            ...

        @verb
        async def larger(self, one: int, other: int, *, timeout: float = 5.0) -> int:
            """Return the larger one."""
            ...


    CONTRACT = Contract("Adder", "1.0", Adder, {})
'''
STEPS: Final = '''
    """What the sentences mean."""

    from __future__ import annotations

    from contract import Adder
    from harmony import parsers, step


    class AdderSteps:
        """Asks the adder."""

        def __init__(self, adder: Adder) -> None:
            self._adder = adder

        @step(parsers.re(r"the 'adder' process adds (?P<one>\\d+) and (?P<other>\\d+) to (?P<sum>\\d+)"))
        async def add(self, one: int, other: int, sum: int) -> None:
            assert await self._adder.add(one, other) == sum

        @step(parsers.re(r"the 'adder' process finds (?P<one>\\d+) larger than (?P<other>\\d+)"))
        async def larger(self, one: int, other: int) -> None:
            assert await self._adder.larger(one, other) == one
'''
FEATURE: Final = """
    Feature: Sums
      Scenario: 1.1 Two numbers are added
        Then the 'adder' process adds 2 and 3 to 5

      Scenario: 1.2 The larger number is found
        Then the 'adder' process finds 3 larger than 2
"""
DRIVER: Final = """
    from harmony.driver_kit import serve

    from adder import add, larger


    class Verbs:
        def add(self, one: int, other: int) -> int:
            return add(one, other)

        def larger(self, one: int, other: int) -> int:
            return larger(one, other)

        def close_all(self) -> None:
            pass


    if __name__ == "__main__":
        serve(Verbs(), name="tin", protocol="1.0")
"""
ADDER: Final = """
    def add(one, other):
        return one + other


    def larger(one, other):
        if one > other:
            return one
        return other
"""


def write_adder(box: Sandbox) -> None:
    """Write it."""
    for name, text in {
        "harmony.toml": SETTINGS,
        "contract.py": CONTRACT,
        "steps.py": STEPS,
        "features/sums.feature": FEATURE,
        "tin/driver.py": DRIVER,
        "tin/adder.py": ADDER,
        "pytest.ini": "[pytest]\naddopts = -p no:cacheprovider\nasyncio_default_fixture_loop_scope = function\n",
    }.items():
        box.write(name, text)
