"""Each sentence about the network does what it says to a link."""

from __future__ import annotations

import pytest

from harmony.network.moments import After, AfterBytes, Before
from harmony.network.steps import NetworkSteps
from harmony.steps.binding import bind
from harmony.steps.conversion import Converters
from harmony.steps.registry import StepRegistry

REGISTRY = StepRegistry.of_classes(NetworkSteps)
A, B = "a", "b#second"


class Noted:
    """Notes what is asked of a link."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def between(self, one: str, other: str) -> Noted:
        self.calls.append((one, other))
        return self

    def __getattr__(self, name: str) -> object:
        async def note(*values: object, **named: object) -> None:
            self.calls.append((name, *values, *named.values()))

        def note_at_once(*values: object) -> None:
            self.calls.append((name, *values))

        return note_at_once if name == "refute" else note


SENTENCES = [
    ("is cut", ("cut", None)),
    ("is cut after a packet 'X y'", ("cut", After("X y"))),
    ("is reset before the packet 'X' from the 'a'", ("reset", Before("X", A))),
    ("is reset after '20' bytes from the second 'b'", ("reset", AfterBytes(20, B))),
    ("is half open: the 'a' is gone", ("half_open", A, None)),
    ("is half open: the 'a' is gone after a packet 'X' from the 'a'", ("half_open", A, After("X", A))),
    ("holds everything", ("hold", None, None)),
    ("holds everything from the second 'b'", ("hold", B, None)),
    ("holds everything from the 'a' before a packet 'X'", ("hold", A, Before("X"))),
    ("releases everything from the 'a'", ("release", A, None)),
    ("drops everything", ("drop", None, None)),
    ("drops everything from the 'a' after a packet 'X' from the 'a'", ("drop", A, After("X", A))),
    ("delays everything by '200 ms'", ("delay", 0.2, None, None)),
    ("delays everything from the 'a' by '2 s'", ("delay", 2.0, A, None)),
    ("passes '1000' bytes per second", ("throttle", 1000, None, None)),
    ("passes '1000' bytes per second from the 'a' after a packet 'X'", ("throttle", 1000, A, After("X"))),
    ("corrupts a byte from the 'a'", ("corrupt", A, None)),
    ("corrupts byte '5' from the 'a'", ("corrupt", A, 5)),
    ("corrupts a byte of the packet 'X' from the 'a'", ("corrupt", A, "X", None)),
    ("corrupts byte '5' of the packet 'X' from the second 'b'", ("corrupt", B, "X", 5)),
    ("refuses connections", ("refuse", None)),
    ("refuses connections after a packet 'X'", ("refuse", After("X"))),
    ("is as before", ("restore",)),
    ("carries a packet 'X' within '5 s'", ("until", "X", None, 5.0)),
    ("carries a packet 'X' from the 'a' within '500 ms'", ("until", "X", A, 0.5)),
    ("is disturbed within '5 s'", ("struck", 5.0)),
    ("should have carried no packet 'X' from the 'a'", ("refute", "X", A)),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("sentence", "call"), SENTENCES)
async def test_a_sentence_asks_the_link(sentence: str, call: tuple[object, ...]) -> None:
    noted = Noted()
    match = REGISTRY.match(None, f"the network between the 'a' and the second 'b' {sentence}")
    method = getattr(NetworkSteps(noted), match.definition.method)  # type: ignore[arg-type]
    await method(**bind(match, None, None, Converters()))
    assert noted.calls == [(A, B), call]


def test_every_sentence_is_tried_above() -> None:
    tried = {
        REGISTRY.match(None, f"the network between the 'a' and the 'b' {sentence}").definition.method
        for sentence, _ in SENTENCES
    }
    assert tried == {definition.method for definition in REGISTRY.definitions}
