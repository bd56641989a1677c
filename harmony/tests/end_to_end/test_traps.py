"""The four traps of pytest-bdd that harmony must not inherit. Each is shown to be open there and closed here."""

from __future__ import annotations

from pytests import ALONE
from sandbox import Sandbox

BDD = """
    from harmony import parsers
    from pytest_bdd import given, scenarios, then, when
    scenarios("features")
"""


def pytest_bdd(sandbox: Sandbox, feature: str, steps: str) -> str:
    """Run a feature with pytest-bdd itself."""
    sandbox.write("features/trap.feature", feature)
    path = sandbox.write("test_trap.py", BDD)
    path.write_text(path.read_text() + sandbox.write("more.py", steps).read_text())
    words = ("-q", "-p", "pytest_bdd.plugin", "test_trap.py", "-W", "ignore")
    return sandbox.module("pytest", *words, **ALONE).stdout


ASYNC = """
    Feature: Traps
      Scenario: 1.1 An async step that fails
        Then the impossible holds
"""


def test_an_async_step_is_really_run(sandbox: Sandbox) -> None:
    trap = pytest_bdd(
        sandbox,
        ASYNC,
        """
        @then("the impossible holds")
        async def impossible():
            assert 1 == 2
        """,
    )
    assert "1 passed" in trap, "pytest-bdd no longer falls into this trap"
    sandbox.write(
        "steps.py",
        """
        from harmony import then

        class TrapSteps:
            @then("the impossible holds")
            async def impossible(self) -> None:
                assert 1 == 2
        """,
    )
    done = sandbox.pytest("-q", "features")
    assert (done.returncode, "1 failed" in done.stdout) == (1, True), done.stdout
    assert "assert 1 == 2" in done.stdout


RULES = """
    Feature: Traps
      Rule: One
        Scenario: Same
          Then this holds
      Rule: Two
        Scenario: Same
          Then this fails
"""

RULE_STEPS = """
    from harmony import then

    class TrapSteps:
        @then("this holds")
        def holds(self) -> None:
            assert self

        @then("this fails")
        def fails(self) -> None:
            raise AssertionError("as it should")
"""


def test_two_scenarios_of_one_name_in_different_rules_do_not_collapse(sandbox: Sandbox) -> None:
    trap = pytest_bdd(
        sandbox,
        RULES,
        """
        @then("this holds")
        def holds():
            pass

        @then("this fails")
        def fails():
            assert False
        """,
    )
    assert "2 " not in trap.splitlines()[-1], "pytest-bdd no longer falls into this trap"
    sandbox.write("steps.py", RULE_STEPS)
    done = sandbox.pytest("-q", "features")
    assert done.returncode == 6
    assert "trap.feature:6: duplicate_name: 'Same' is already used at features/trap.feature:3" in done.stderr


def test_scenarios_of_different_rules_both_run(sandbox: Sandbox) -> None:
    sandbox.write(
        "features/01-trap.feature",
        RULES.replace("Same", "1.1 Same", 1).replace("Scenario: Same", "Scenario: 1.2 Other"),
    )
    sandbox.write("steps.py", RULE_STEPS)
    done = sandbox.pytest("-q", "features")
    assert "1 failed, 1 passed" in done.stdout


TWO = """
    Feature: Traps
      Scenario: 1.1 Two meanings
        Then I see 3 things
"""


def test_of_two_meanings_none_is_picked(sandbox: Sandbox) -> None:
    trap = pytest_bdd(
        sandbox,
        TWO,
        """
        @then(parsers.parse("I see {n:d} things"))
        def one(n):
            assert False

        @then(parsers.re(r"I see \\d+ things"))
        def other():
            pass
        """,
    )
    assert "1 passed" in trap or "1 failed" in trap, "pytest-bdd picked neither"
    assert "mbiguous" not in trap
    sandbox.write(
        "steps.py",
        """
        from harmony import parsers, then

        class TrapSteps:
            @then(parsers.parse("I see {n:d} things"))
            def one(self, n: int) -> None:
                assert n

            @then(parsers.re(r"I see \\d+ things"))
            def other(self) -> None:
                assert self
        """,
    )
    done = sandbox.pytest("-q", "features")
    assert done.returncode == 6
    assert "ambiguous: 2 step definitions match: Then I see 3 things" in done.stderr
    assert "steps.py:4" in done.stderr
    assert "steps.py:8" in done.stderr
    assert "passed" not in done.stdout


UNDEFINED = """
    Feature: Traps
      Scenario: 1.1 Fails before its undefined step
        Given this fails
        Then nobody knows this
"""


def test_undefined_steps_show_before_they_are_reached(sandbox: Sandbox) -> None:
    trap = pytest_bdd(
        sandbox,
        UNDEFINED,
        """
        @given("this fails")
        def fails():
            assert False, "first failure"
        """,
    )
    assert "first failure" in trap
    assert "nobody knows this" not in trap.partition("short test summary")[2]
    sandbox.write(
        "steps.py",
        """
        from harmony import given

        class TrapSteps:
            @given("this fails")
            def fails(self) -> None:
                raise AssertionError("first failure")
        """,
    )
    done = sandbox.pytest("-q", "features")
    assert done.returncode == 6
    assert "trap.feature:4: undefined: no step definition matches: Then nobody knows this" in done.stderr
    assert '@then("nobody knows this")' in done.stderr
    assert "first failure" not in done.stdout + done.stderr
