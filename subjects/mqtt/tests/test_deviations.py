"""Each deviation of a raw peer is found by the scenario that is meant for it; the faithful ones pass all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from drivers.wire import faults

from .zoo import Deviant, played

FOUND_BY: Final = {
    "qos-upgraded": "1.1.5",
    "qos-lowered": "1.1.2",
    "packet-spoilt": "1.1.1",
    "order-swapped": "1.2.1",
    "empty-lost": "1.3.1",
    "topic-normalised": "1.3.3",
    "payload-cut": "1.3.5",
    "overlap-lowest": "1.4",
    "plus-spans-levels": "1.5.1",
    "plus-matches-parent": "1.5.1",
    "hash-misses-parent": "1.5.2",
    "dollar-matches-hash": "1.12.1",
    "case-ignored": "1.5.7",
    "unsubscribe-all": "1.6",
    "unsubscribe-ignored": "1.6",
    "retained-lost": "2.1",
    "retained-unmarked": "2.1",
    "live-marked": "2.1",
    "empty-retained-kept": "2.2",
    "empty-retained-ignored": "2.2",
    "resubscribed-silent": "2.3",
    "pubrel-ignored": "2.4",
    "unretained-stored": "2.5",
    "queue-lost": "3.1.1",
    "queue-reversed": "3.1.1",
    "session-denied": "3.1.1",
    "session-claimed": "3.2",
    "clean-remembers": "3.2",
    "clean-stays": "3.2",
    "redelivery-unmarked": "3.3",
    "redelivery-renumbered": "3.3",
    "redelivery-missing": "3.3",
    "published-after-pubrec": "3.4",
    "duplicate-delivered": "3.5",
    "store-lost": "3.6",
    "takeover-ignored": "3.7",
    "redelivery-swapped": "3.9",
    "dup-passed-on": "3.11",
    "will-lost": "4.1.2",
    "will-always": "4.2",
    "keep-alive-ignored": "4.3",
    "will-unretained": "4.4",
    "session-expiry-ignored": "5.1",
    "receive-maximum-ignored": "5.2",
    "share-doubled": "5.3",
    "message-expiry-ignored": "5.5",
    "message-expiry-unchanged": "5.5",
    "alias-kept": "5.6",
    "user-properties-lost": "5.7",
    "user-properties-sorted": "5.7",
    "no-local-ignored": "5.8",
    "published-retain-ignored": "5.9",
    "retain-handling-ignored": "5.10",
    "will-delay-ignored": "5.11",
    "puback-reasonless": "5.14",
    "pubrec-reasonless": "5.15",
    "pubrel-reasonless": "5.15",
    "pubcomp-reasonless": "5.15",
    "refusal-with-session": "10.10",
    "refusal-reasonless": "10.10",
    "identifier-remembered": "12.16",
    "mark-stripped": "1.16",
    "share-refused-passed-on": "9.12",
    "share-ended-passed-on": "9.13",
    "unsuback-missing": "1.14",
    "retained-qos-0-ignored": "2.7",
    "unsubscribed-dropped": "3.13",
    "name-too-long": "3.14",
    "protocol-any": "7.14",
    "clean-start-forgotten": "8.1",
    "clean-keeps-subscriptions": "8.3",
    "session-expiry-endless": "8.2",
    "disconnect-expiry-ignored": "8.4",
    "disconnect-expiry-lengthens": "8.5",
    "takeover-untold": "8.7",
    "name-untold": "8.8",
    "name-given-twice": "8.8",
    "will-delay-outlives": "8.9",
    "will-properties-lost": "8.10",
    "retained-expiry-ignored": "8.11",
    "format-lost": "8.12",
    "retained-properties-lost": "8.13",
    "queued-properties-lost": "8.14",
    "subscription-id-lost": "9.1",
    "subscription-ids-first": "9.2",
    "retained-subscription-id-lost": "9.3",
    "subscription-id-kept": "9.4",
    "retain-handling-remembers": "9.5",
    "unsuback-reasonless": "9.6",
    "suback-reversed": "9.7",
    "share-qos-upgraded": "9.8",
    "share-retained": "9.9",
    "shares-mixed": "9.10",
    "refused-sent-again": "9.11",
    "receive-maximum-at-pubrec": "10.1",
    "refused-released": "10.2",
    "quota-stops-all": "10.3",
    "packet-maximum-ignored": "10.4",
    "too-large-counts": "10.4",
    "alias-unasked": "10.5",
    "alias-beyond": "10.6",
    "alias-fixed": "10.7",
    "response-information-unasked": "10.8",
    "problem-information-unasked": "10.9",
    "authentication-ignored": "10.10",
    "receive-maximum-unbounded": "10.11",
    "version-any": "7.13",
    "errors-untold": "11.4.1",
    "identifiers-shared": "12.15",
    "first-packet-any": "7.1",
    "connect-twice-accepted": "7.2",
    "malformed-accepted": "7.5",
}
"""By which scenario a broker is found."""
BY_CLIENTS: Final = {
    "qos-0-only": ("publisher", "1.1.2"),
    "never-released": ("publisher", "1.1.3"),
    "never-acknowledged": ("subscriber", "1.9"),
    "acknowledged-backwards": ("subscriber", "1.9"),
    "never-completed": ("subscriber", "1.10"),
    "dup-at-once": ("publisher", "1.11.1"),
    "identifiers-reused": ("publisher", "1.11.1"),
    "retain-left-out": ("publisher", "2.1"),
    "always-clean": ("subscriber", "3.1.1"),
    "duplicate-handed-out": ("subscriber", "3.12"),
    "will-left-out": ("publisher", "4.1.2"),
    "leaves-silently": ("publisher", "4.2"),
    "never-pings": ("publisher", "4.5"),
    "malformed-taken": ("subscriber", "7.10"),
    "released-backwards": ("publisher", "1.15"),
    "floods": ("publisher", "10.13"),
    "qos-beyond": ("publisher", "10.14"),
    "retain-beyond": ("publisher", "10.15"),
    "oversized": ("publisher", "10.16"),
    "alias-sent": ("publisher", "10.17"),
    "server-keep-alive-ignored": ("subscriber", "10.18"),
    "session-believed": ("subscriber", "11.6"),
    "stays-when-dismissed": ("subscriber", "11.8"),
}
"""By which scenario a client is found, and in which role."""
AGAIN: Final = [
    ("broker", "suback-reversed", "1.13"),
    ("broker", "clean-remembers", "8.3"),
    ("broker", "takeover-ignored", "8.6"),
    ("broker", "qos-upgraded", "12.1.2"),
    ("broker", "duplicate-delivered", "12.2"),
    ("broker", "unretained-stored", "12.3"),
    ("broker", "empty-retained-ignored", "12.3"),
    ("broker", "redelivery-unmarked", "12.4"),
    ("broker", "redelivery-swapped", "12.4"),
    ("broker", "published-after-pubrec", "12.5"),
    ("broker", "unsubscribed-dropped", "12.6"),
    ("broker", "overlap-lowest", "12.7"),
    ("broker", "dollar-matches-hash", "12.8.1"),
    ("broker", "dup-passed-on", "12.9"),
    ("broker", "will-always", "12.10"),
    ("broker", "will-unretained", "12.11.2"),
    ("broker", "keep-alive-ignored", "12.12"),
    ("broker", "name-too-long", "8.15"),
    ("broker", "redelivery-missing", "9.14"),
    ("broker", "plus-matches-parent", "12.17.1"),
    ("broker", "hash-misses-parent", "12.17.2"),
    ("broker", "topic-normalised", "12.17.3"),
    ("broker", "case-ignored", "12.17.4"),
    ("broker", "mark-stripped", "12.18"),
    ("publisher", "dup-at-once", "1.11.3"),
    ("publisher", "identifiers-reused", "12.19.1"),
    ("publisher", "dup-at-once", "12.19.2"),
    ("publisher", "dup-at-once", "12.19.3"),
    ("publisher", "released-backwards", "12.20"),
    ("subscriber", "acknowledged-backwards", "12.13"),
    ("subscriber", "duplicate-handed-out", "12.14"),
    *(
        ("broker", "malformed-accepted", number)
        for number in ("11.1.5", "11.2.2", "11.3", "11.5.1", "11.9.1", "11.10.1", "11.11.1", "11.12.1", "11.13.1")
    ),
    *(("subscriber", "malformed-taken", number) for number in ("11.7.1", "11.7.4", "11.7.8")),
]
"""Deviations that another scenario finds, too: each scenario is found to find one."""
ALL: Final = [
    *(Deviant(name, "broker", found_by) for name, found_by in FOUND_BY.items()),
    *(Deviant(name, role, found_by) for name, (role, found_by) in BY_CLIENTS.items()),
    *(Deviant(name, role, found_by) for role, name, found_by in AGAIN),
]
HANDFUL: Final = {
    ("qos-lowered", "1.1.2"),
    ("retained-unmarked", "2.1"),
    ("redelivery-unmarked", "3.3"),
    ("identifiers-reused", "1.11.1"),
    ("malformed-taken", "7.10"),
    ("subscription-ids-first", "9.2"),
}
"""What is played on each change; one for each way of seeing: by a library, by flags, on the wire, by properties."""


def test_each_deviation_has_its_scenario() -> None:
    """A deviation that nothing is meant to find would prove nothing."""
    assert {deviant.name for deviant in ALL} == {*faults.BROKER, *faults.CLIENT}


def found(deviants: list[Deviant], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play deviations, and see each found by a sentence, not by a crash or a hang."""
    monkeypatch.setenv("MQTT_PATIENCE", "4")
    cells = played(deviants, place)
    verdicts = {title.partition(" ")[2]: (cell["verdict"], cell["error"]) for title, cell in cells.items()}
    assert verdicts.keys() == {deviant.title for deviant in deviants}
    missed = {name: told for name, told in verdicts.items() if told[0] != "failed"}
    assert missed == {}


def test_a_handful_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One deviation for each way of seeing it."""
    found([deviant for deviant in ALL if (deviant.name, deviant.found_by) in HANDFUL], tmp_path, monkeypatch)


@pytest.mark.nightly
def test_all_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every deviation."""
    found(ALL, tmp_path, monkeypatch)
