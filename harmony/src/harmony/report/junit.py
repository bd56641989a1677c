"""A run as JUnit's XML: a suite for each feature and pairing, with who played as its properties. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from harmony.model import Verdict
from harmony.plan.pairing import Pairing
from harmony.report.other_tools import Standing, began, beside, standing, surroundings
from harmony.report.outcome import Outcome
from harmony.text import visible
from harmony.verdict.events import CellFinished, Event

_FAILURES: Final = {Verdict.FAILED, Verdict.FLAKY, Verdict.UNEXPECTED_PASS}
"""What JUnit calls a failure; all else that is red is an error."""
_NO_CHARACTERS: Final = re.compile("[\ufffe\uffff]")
_HARMONY: Final = "harmony"


def junit(outcome: Outcome, events: Sequence[Event]) -> str:
    """Return the document; what makes the run red beside cells is a test case of the suite ``harmony``."""
    suites: dict[tuple[str, Pairing], list[CellFinished]] = {}
    for cell in outcome.results:
        suites.setdefault((cell.feature, Pairing.of(cell.pairing)), []).append(cell)
    root = ET.Element("testsuites", name=_HARMONY)
    facts = surroundings(outcome, events)
    for (feature, pairing), cells in suites.items():
        suite = _suite(root, f"{feature} [{pairing}]", facts | pairing.platforms)
        _set(suite, timestamp=_moment(min(began(cell) for cell in cells)), time=_seconds(cells))
        for cell in cells:
            _case(suite, cell)
    told = beside(outcome)
    if told:
        suite = _suite(root, _HARMONY, facts)
        for text in told:
            case = ET.SubElement(suite, "testcase")
            _set(case, classname=_HARMONY, name="the run as a whole", time="0.000")
            _told(case, "failure", "run", text, text)
    for one in root:
        _count(one, [one])
    _count(root, list(root))
    _set(root, time=_seconds(outcome.results))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, name: str, properties: Mapping[str, str]) -> ET.Element:
    suite = ET.SubElement(root, "testsuite")
    _set(suite, name=name)
    box = ET.SubElement(suite, "properties")
    for key, value in properties.items():
        _set(ET.SubElement(box, "property"), name=key, value=value)
    return suite


def _case(suite: ET.Element, cell: CellFinished) -> None:
    case = ET.SubElement(suite, "testcase")
    _set(case, classname=cell.feature, name=f"{cell.title} [{Pairing.of(cell.pairing)}]", time=_seconds([cell]))
    kind = cell.code or cell.verdict.value
    match standing(cell.verdict):
        case Standing.SKIPPED:
            _told(case, "skipped", cell.verdict.value, cell.note or cell.said, "")
        case Standing.FAILED:
            text = "\n".join(filter(None, [cell.report or cell.error or cell.note, f"repeat with: {cell.repeat}"]))
            tag = "failure" if cell.verdict in _FAILURES else "error"
            _told(case, tag, kind, f"{cell.verdict}: {cell.said}", text)
        case Standing.PASSED:
            pass
    if cell.alarms:
        ET.SubElement(case, "system-err").text = _clean("\n".join(cell.alarms))


def _told(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    told = ET.SubElement(case, tag)
    _set(told, type=kind, message=message)
    told.text = _clean(text)


def _count(into: ET.Element, suites: Sequence[ET.Element]) -> None:
    cases = [case for suite in suites for case in suite.iter("testcase")]
    numbers = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
    }
    if into.tag == "testsuite":
        numbers["skipped"] = sum(case.find("skipped") is not None for case in cases)
    _set(into, **{name: str(number) for name, number in numbers.items()})


def _set(element: ET.Element, **attributes: str) -> None:
    for name, value in attributes.items():
        element.set(name, _clean(value))


def _clean(text: str) -> str:
    """Return a text that XML can carry."""
    return _NO_CHARACTERS.sub(lambda found: ascii(found[0])[1:-1], visible(text))


def _seconds(cells: Sequence[CellFinished]) -> str:
    return f"{sum(cell.seconds for cell in cells):.3f}"


def _moment(since_1970: int) -> str:
    return dt.datetime.fromtimestamp(since_1970 / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
