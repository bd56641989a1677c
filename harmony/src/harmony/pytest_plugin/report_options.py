"""The options of reports: what is told about a run of scenarios, where, and what of it is forgiven."""

from __future__ import annotations

import argparse

import pytest

from harmony.plan.durations import DURATIONS_FILE
from harmony.report.files import PAGE
from harmony.report.forms import FORMS
from harmony.suggestion import did_you_mean


def add_options(parser: pytest.Parser) -> None:
    """Add the options of reports."""
    group = parser.getgroup("harmony reports", "what is told about a run of scenarios")
    group.addoption(
        "--events", action="append", default=[], metavar="FILE", help="write what happens as NDJSON; may be repeated"
    )
    group.addoption("--html", default=None, metavar="FILE", help=f"the matrix as one HTML page (matrix runs: {PAGE})")
    group.addoption(
        "--report",
        type=_form,
        action="append",
        default=[],
        metavar="FORM=FILE",
        help=f"what came of it for people or tools: {', '.join(FORMS)}; may be repeated",
    )
    group.addoption("--show-matrix", action="store_true", help="show the matrix although every role runs in here")
    group.addoption("--expectations", default=None, metavar="FILE", help="what is known to fail (expectations.toml)")
    group.addoption(
        "--min-pass-rate", type=_rate, default=None, metavar="0.95", help="forgive what is red up to this rate"
    )
    group.addoption(
        "--fuse",
        type=_natural,
        default=None,
        metavar="N",
        help="stop a platform that hangs or fails the same way so many times in a row (`fuse`; 0: never)",
    )
    group.addoption("--shard", default=None, metavar="2/5", help="run one part of several, balanced by past durations")
    group.addoption("--plan", default=None, metavar="FILE", help="the division that `harmony plan` has made")
    group.addoption("--durations-file", default=None, metavar="FILE", help=f"past durations ({DURATIONS_FILE})")


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no rate above 0 and up to 1")
    return rate


def _form(text: str) -> tuple[str, str]:
    form, _, file = text.partition("=")
    if form not in FORMS or not file:
        raise argparse.ArgumentTypeError(f"{text}: write FORM=FILE; {did_you_mean(form, FORMS)}")
    return form, file


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return number
