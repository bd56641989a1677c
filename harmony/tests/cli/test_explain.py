"""``harmony explain``: what is known of a scenario before it runs."""

from __future__ import annotations

from peer import WORKERS
from sandbox import Sandbox

FEATURE = """
    Feature: Bells
      @loud @clear @slow
      Scenario: 1.1 A bell is heard
        Given all is quiet
        When the 'bell' process is struck '3' times
        And a second 'ear' process listens
          | at |
          | 5  |
        And wait for '2' seconds
        And the 'bell' process is killed
        Then the 'ear' process should hear it
"""
STEPS = """
    from harmony import DataTable, UnsupportedError, given, parsers, then, when


    class BellSteps:
        @given("all is quiet")
        def quiet(self) -> None:
            self._struck = 0

        @when(parsers.re(r"the 'bell' process is struck '(?P<times>\\d+)' times"))
        def strike(self, times: int) -> None:
            self._struck = times

        @when("a second 'ear' process listens")
        def listen(self, datatable: DataTable) -> None:
            self._at = datatable

        @then("the 'ear' process should hear it")
        def hear(self) -> None:
            raise UnsupportedError("deaf")
"""
SETTINGS = """
    steps = ["bell_steps"]
    capabilities = ["loud", "clear"]
    [tags]
    loud = "can be heard"
    clear = "…"
    slow = "…"
    [timeouts]
    by_tag = { slow = 90 }
    [platforms.brass]
    command = ["{python}", "-m", "harmony", "serve"]
    capabilities = ["loud"]
    [platforms.tin]
    command = ["bin/tin"]
    contract = "driver"
    capabilities = ["loud", "clear"]
    build = ["make"]
    [platforms.wood]
    command = ["sh"]
"""
EXPECTATIONS = """
    [[expect]]
    scenario = "1.1"
    platform = "tin"
    reason = "it rusts"
"""
EXPLAINED = """\
1.1 A bell is heard [bell=brass,ear=tin]
  features/bells.feature:3
  tags: @loud @clear @slow
  bell: brass, a worker, which has steps: {python} -m harmony serve
  ear: tin, a driver, whose steps run in harmony: bin/tin (not available: not built: run `harmony build tin`)
  each step within 90 s, set-up 30 s, clean-up 15 s

  Given all is quiet
      to bell (brass), ear (tin): no role is named yet, so all of them
      BellSteps.quiet  bell_steps.py:5
      in harmony, by verbs of the driver of tin: which ones, only a run can tell
      in the worker of brass, which has this project's steps

  When the 'bell' process is struck '3' times
      to bell (brass)
      BellSteps.strike  bell_steps.py:9
      with times: int = 3
      in the worker of brass, which has this project's steps

  And a second 'ear' process listens
      to ear (tin, its second process)
      BellSteps.listen  bell_steps.py:13
      with datatable: DataTable = DataTable(headers=('at',), rows=(('5',),))
      in harmony, by verbs of the driver of tin: which ones, only a run can tell

  And wait for '2' seconds
      harmony waits 2 s

  And the 'bell' process is killed
      harmony kills the process of bell (brass)

  Then the 'ear' process should hear it
      to ear (tin)
      BellSteps.hear  bell_steps.py:17
      in harmony, by verbs of the driver of tin: which ones, only a run can tell

  capabilities asked: loud, clear
  expected: not to pass, by EXPECTATION
  unsupported:
    - what is not claimed: brass: clear; should it pass all the same, that is an unexpected pass
    - where BellSteps.hear finds it so: Then the 'ear' process should hear it
    - where the driver of tin answers a verb with unsupported
"""


def bells(sandbox: Sandbox) -> Sandbox:
    sandbox.write("harmony.toml", SETTINGS)
    sandbox.write("features/bells.feature", FEATURE)
    sandbox.write("bell_steps.py", STEPS)
    sandbox.write("expectations.toml", EXPECTATIONS)
    return sandbox


def test_a_pairing_is_explained(sandbox: Sandbox) -> None:
    done = bells(sandbox).harmony("explain", "1.1", "brass_tin")
    said = [
        f"{line.partition('by ')[0]}by EXPECTATION" if line.startswith("  expected") else line
        for line in done.stdout.splitlines()
    ]
    assert said == EXPLAINED.splitlines()
    assert (done.stderr, done.returncode) == ("", 0)
    assert "expectations.toml:1" in done.stdout


def test_without_a_pairing_one_of_what_is_here_is_taken(sandbox: Sandbox) -> None:
    done = bells(sandbox).harmony("explain", "1.1")
    assert done.stdout.startswith("1.1 A bell is heard [bell=brass,ear=wood]\n")
    assert "in the worker of wood, by a step of its own" in done.stdout
    assert "one of 9 pairings" in done.stdout


def test_what_names_nothing_is_refused(sandbox: Sandbox) -> None:
    assert bells(sandbox).harmony("explain", "1.7").returncode == 4
    assert bells(sandbox).harmony("explain", "1.1", "tin_tin_tin").returncode == 5


def test_where_only_workers_know_the_sentences_they_are_asked(sandbox: Sandbox) -> None:
    sandbox.write(
        "features/1.feature",
        "Feature: Z\n  Scenario: 1.1 Z\n    Given all processes are ready\n    Then it flies\n",
    )
    animal = f'["{{python}}", "-S", "{WORKERS / "animal.py"}", "good"]'
    environment = f'{{ZOO_DIR = "{sandbox.directory}"}}'
    sandbox.write("harmony.toml", f"steps = []\n[platforms.good]\ncommand = {animal}\nenvironment = {environment}\n")
    done = sandbox.harmony("explain", "1.1")
    assert done.returncode == 0, done.stderr
    assert "in the worker of good, which announces: all processes are ready" in done.stdout
    assert "the worker of good does not announce it" in done.stdout
    steps = sandbox.harmony("steps", "ready")
    assert "good()  by its worker" in steps.stdout, steps.stderr
