from __future__ import annotations

from pathlib import Path

import pytest

from harmony.model import ProcessAction
from harmony.spec.gherkin import parse_feature
from harmony.spec.routing import (
    SOLE_ROLE,
    Doing,
    ScenarioPlan,
    Target,
    done_by_harmony,
    ends_named_in,
    role_named_in,
    route,
)


@pytest.mark.parametrize(
    ("sentence", "target"),
    [
        ("the 'reader' process fills kettle 'x'", Target("reader")),
        ("The 'Reader' PROCESS fills kettle 'x'", Target("reader")),
        ("'writer' process connects", Target("writer")),
        ("the 'client' waits", Target("client")),
        ("'server' answers", Target("server")),
        ("a second 'writer' process connects", Target("writer", "second")),
        ("the second 'writer' process connects", Target("writer", "second")),
        ("another 'writer' process connects", Target("writer", "another")),
        ("a new 'reader' process fills kettle 'x'", Target("reader", replaces=True)),
        ("response should match request with size '1'", None),
        ("all '20' responses match their requests", None),
        ("the '20' responses match", None),
        ("no sequence errors should have occurred", None),
        ("total time should be at least '300' ms", None),
        ("frame with data 'hello' arrives", None),
    ],
)
def test_the_role_a_sentence_names(sentence: str, target: Target | None) -> None:
    assert role_named_in(sentence) == target


def planned(steps: str, background: str = "") -> ScenarioPlan:
    source = "Feature: x\n"
    if background:
        source += "  Background:\n" + "".join(f"    {line.strip()}\n" for line in background.strip().splitlines())
    source += "  Scenario: 1.1 y\n" + "".join(f"    {line.strip()}\n" for line in steps.strip().splitlines())
    return route(parse_feature(source, Path("x.feature")).scenarios[0])


def targets(plan_: ScenarioPlan) -> list[list[str]]:
    return [[target.key for target in step.targets] for step in plan_.steps]


def test_a_step_without_role_goes_to_the_one_named_last_and_to_all_before() -> None:
    result = planned(
        """
        Given something general
        And the 'writer' process writes
        And more
        Then the 'reader' process reads
        And it is good
        """
    )
    assert result.roles == ("reader", "writer")
    assert targets(result) == [["reader", "writer"], ["writer"], ["writer"], ["reader"], ["reader"]]
    assert [step.broadcast for step in result.steps] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("sentence", "ends"),
    [
        ("the network between the 'a' and the 'b' is cut", ["a", "b"]),
        ("The network between the 'A' and the second 'b' holds everything;", ["a", "b#second"]),
        ("the network between the 'a' and the 'b'", ["a", "b"]),
        ("the network between the 'a' is cut", []),
        ("the 'a' process cuts the network between the 'a' and the 'b'", []),
    ],
)
def test_the_two_between_whom_a_sentence_disturbs_the_network(sentence: str, ends: list[str]) -> None:
    assert [end.key for end in ends_named_in(sentence)] == ends


def test_a_step_about_the_network_goes_to_nobody_and_makes_no_role() -> None:
    result = planned(
        """
        Given the 'a' process listens
        And the network between the 'a' and the 'b' is cut
        When something more
        """
    )
    assert result.roles == ("a",)
    assert targets(result) == [["a"], [], ["a"]]
    assert result.steps[1].doing is Doing.NETWORK
    assert not result.steps[1].broadcast


def test_a_background_goes_to_all_and_is_forgotten() -> None:
    result = planned(
        "When something\nThen the 'b' process ends",
        "Given the ground\nAnd the 'a' process stands\nAnd more ground",
    )
    assert targets(result) == [["a", "b"], ["a"], ["a", "b"], ["a", "b"], ["b"]]


def test_a_scenario_without_roles_has_one() -> None:
    result = planned("Given a\nThen b")
    assert result.roles == (SOLE_ROLE,)
    assert targets(result) == [[SOLE_ROLE], [SOLE_ROLE]]


def test_second_and_new_processes_have_actors_of_their_own() -> None:
    result = planned(
        """
        Given the 'writer' process connects
        When a second 'writer' process connects
        And writes
        Then the second 'writer' process fails
        And the 'writer' process goes on
        And a new 'writer' process connects
        And writes
        """
    )
    assert result.roles == ("writer",)
    assert targets(result) == [
        ["writer"],
        ["writer#second"],
        ["writer#second"],
        ["writer#second"],
        ["writer"],
        ["writer"],
        ["writer"],
    ]
    assert [step.targets[0].replaces for step in result.steps] == [False] * 5 + [True, False]


@pytest.mark.parametrize(
    ("sentence", "action"),
    [
        ("the 'x' process is killed", ProcessAction.KILL),
        ("the 'x' process crashes", ProcessAction.CRASH),
        ("the 'x' process is shut down", ProcessAction.SHUTDOWN),
        ("the 'x' process is shutdown;", ProcessAction.SHUTDOWN),
        ("the 'x' process is frozen", ProcessAction.FREEZE),
        ("the 'x' process is thawed", ProcessAction.THAW),
        ("the second 'x' process is killed", ProcessAction.KILL),
    ],
)
@pytest.mark.parametrize("keyword", ["Given", "When", "Then"])
def test_harmony_ends_processes_with_any_keyword(sentence: str, action: ProcessAction, keyword: str) -> None:
    result = planned(f"{keyword} {sentence}")
    assert (result.steps[0].doing, result.steps[0].action) == (Doing.CONTROL, action)
    assert result.actions_of("x") == (action,)
    assert result.actions_of("y") == ()
    assert done_by_harmony(sentence)


def test_waiting_needs_nobody() -> None:
    step = planned("Given the 'a' process runs\nWhen wait for '0.5' seconds").steps[1]
    assert (step.doing, step.seconds, step.targets) == (Doing.WAIT, 0.5, ())


def test_ordinary_sentences_are_not_done_by_harmony() -> None:
    assert not done_by_harmony("the 'x' process is killed softly")
    assert not done_by_harmony("the 'x' process waits for '5' frames")
    assert done_by_harmony("we run in harmony")
    assert planned("Given we run in harmony").steps[0].doing is Doing.REQUIRE_PROCESSES
