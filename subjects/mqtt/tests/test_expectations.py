"""What is known to deviate names a statement, which is in the list, and which its scenario cites."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from harmony import load_project

from .zoo import ROOT, expected

_STATEMENT = re.compile(r"(?P<version>3\.1\.1|5\.0)/(?P<numbers>[\w.-]+(?:, -\d+)*): \S")


def statements(reason: str) -> list[str]:
    """Return the statements that a reason begins with: `3.1.1/MQTT-1.5.3-1, -2: …` names two."""
    found = _STATEMENT.match(reason)
    assert found, f"{reason!r} does not begin with a statement"
    first, *more = found["numbers"].split(", ")
    return [f"{found['version']}/{one}" for one in (first, *(first.rpartition("-")[0] + other for other in more))]


def test_each_expectation_names_a_statement_that_its_scenario_cites() -> None:
    """An entry that names another one excuses what nobody has looked at."""
    project = load_project(ROOT)
    scenarios = [scenario for feature in project.features()[0] for scenario in feature.scenarios]
    listed = {clause.number for clause in project.clauses()}
    wrong = []
    for entry in expected():
        chosen = [one for one in scenarios if {one.number, one.base_number} & {entry["scenario"]}]
        chosen = chosen or [one for one in scenarios if fnmatchcase(one.number, entry["scenario"])]
        cited = {tag.partition(":")[2] for one in chosen for tag in one.tags}
        wrong += [(entry["scenario"], one) for one in statements(entry["reason"]) if one not in listed & cited]
    assert wrong == []
