"""``harmony events``, ``harmony report`` and ``harmony expect``: for whoever reads what a run has told."""

from __future__ import annotations

import datetime as dt
import difflib
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harmony.cli.history import kept_runs
from harmony.cli.options import ProjectOption, SetOption
from harmony.cli.writing import tell, width_for
from harmony.config import ReportSettings
from harmony.config_sources import overrides_of
from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.history.past_run import PastRun
from harmony.history.store import HISTORY, Store
from harmony.history.trends import over_time, within
from harmony.model import Verdict
from harmony.project import load_project
from harmony.project_file import find_project_file, where_left
from harmony.report import squares
from harmony.report.causes import lines
from harmony.report.cell_steps import Steps
from harmony.report.facts import facts
from harmony.report.files import LAST_RUN
from harmony.report.forms import FORMS
from harmony.report.github import workflow_commands
from harmony.report.outcome import Outcome
from harmony.report.page import html_report
from harmony.report.past import Past
from harmony.report.results import Results, mild_lines
from harmony.report.results_document import clauses_document, results_document
from harmony.report.results_json import as_json
from harmony.report.terminal import Grid, blocks, grid_lines, is_matrix, totals
from harmony.run.local_mode import possible_cells
from harmony.run.project_run import ProjectRun
from harmony.state import read_whole, write_whole
from harmony.verdict.events import CellFinished, Event, RunFinished, read_file, schema_text
from harmony.verdict.expectations import read_expectations
from harmony.verdict.support import SupportTable, support_lines, unclaimed
from harmony.verdict.tally import left_out, whole_plan
from harmony.verdict.verdicts import BROKEN_OFF

FilesArgument = Annotated[
    list[Path] | None, typer.Argument(help="What --events has written, such as one file per shard; the last run's.")
]


class PartialRunError(HarmonyError):
    """A run that did not show everything cannot say what is expected.

    Way out: run everything over every pairing, or give the events of all shards together.
    """

    code = "partial_run"
    exit_code = ExitCode.USAGE


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("events")(events_command)
    app.command("report")(report_command)
    app.command("expect")(expect_command)


def events_command(
    files: Annotated[list[Path] | None, typer.Argument(help="Files to check against the schema.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of the events.")] = False,
) -> None:
    """Print the schema of the events, or check files against it."""
    if schema or not files:
        typer.echo(schema_text(), nl=False)
    for file in files or ():
        typer.echo(f"{file}: {len(read_file(file))} events")


class Format(StrEnum):
    """How a run is told."""

    TEXT = "text"
    MARKDOWN = "markdown"
    GITHUB = "github"
    JUNIT = "junit"
    CTRF = "ctrf"
    CUCUMBER = "cucumber"
    RESULTS = "results"
    CLAUSES = "clauses"
    JSON = "json"


def report_command(  # noqa: PLR0917 - typer passes options by name
    files: FilesArgument = None,
    project: ProjectOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the matrix as one HTML page.")] = None,
    min_pass_rate: Annotated[float | None, typer.Option("--min-pass-rate", help="Forgive up to this rate.")] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="text; markdown: a summary for a job or a comment; github: annotations on the lines of features; "
            "junit, ctrf, cucumber: for tools that read these; "
            "results: what deviates, whose it is and how to see it again; clauses: what each clause's scenarios show; "
            "json: both for programs.",
        ),
    ] = Format.TEXT,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            "--history", metavar="DIR", help="Runs before this one, for the page; may be repeated. The project's."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write into a file.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="A row for each scenario.")] = False,
) -> None:
    """Show runs again, or the shards of one run together; end as that run would have ended."""
    runs = _runs(files, project)
    outcome = Outcome.of(runs, min_pass_rate)
    every = [event for events in runs.values() for event in events]
    match form:
        case Format.GITHUB:
            here = Path.cwd()
            top = Path(os.environ.get("GITHUB_WORKSPACE") or here)
            told = "".join(f"{line}\n" for line in workflow_commands(outcome, here, top))
        case Format.RESULTS:
            told = results_document(Results.of(runs, outcome), *_said_of_results(project))
        case Format.CLAUSES:
            told = clauses_document(Results.of(runs, outcome))
        case Format.JSON:
            told = as_json(Results.of(runs, outcome))
        case Format.TEXT:
            told = "".join(f"{line}\n" for line in _lines(outcome, width_for(output), verbose=verbose))
        case _:
            told = FORMS[form](outcome, every)
    tell(told, output)
    for text in (*outcome.problems, *outcome.lacking) if form is Format.TEXT else ():
        typer.echo(text, err=True)
    if html is not None:
        told_of = {**facts(every), "from": ", ".join(outcome.files)}
        past = _past(PastRun.of(runs), history, project)
        write_whole(html, html_report(outcome, told_of, Steps.of_run(every), past=past))
    raise typer.Exit(outcome.code)


def _past(run: PastRun, history: list[Path] | None, project: Path | None) -> Past:
    """Return what a run says with those before it, of directories or of the project."""
    if not history:
        return Store(where_left(project, HISTORY)).over_time(run)
    return over_time(within([run, *(one for one in kept_runs(history, project).runs if one.name < run.name)]))


def _said_of_results(project: Path | None) -> tuple[str, str]:
    """Return the title and the limits that the project says; without one, only a title."""
    if project is None and find_project_file(Path.cwd()) is None:
        return ReportSettings().title, ""
    loaded = load_project(project)
    settings = loaded.settings.report
    try:
        return settings.title, read_whole(loaded.root / settings.limits) if settings.limits else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{loaded.file}: report.limits: {error}", hint="name a file of Markdown beside the project file"
        ) from error


def _lines(outcome: Outcome, width: int, *, verbose: bool) -> Iterator[str]:
    """Give a run as lines for a terminal."""
    results = outcome.results
    table = SupportTable.of(outcome.supports, {name for result in results for name in result.pairing.values()})
    grid = Grid.of(results)
    overview = squares.lines_of(squares.squares(results)) if is_matrix(results) else []
    rows = grid_lines(grid if verbose else grid.without_green(), width)
    yield from blocks(lines(outcome.blames), overview, rows, [totals(results)])
    yield from support_lines(table)
    yield from unclaimed([result.note for result in results])
    yield from mild_lines(results)
    yield from (f"{one.platform}: {one}" for one in outcome.implementations)
    if outcome.rate:
        yield outcome.rate


def expect_command(
    files: FilesArgument = None,
    project: ProjectOption = None,
    set_: SetOption = None,
    update: Annotated[bool, typer.Option("--update", help="Rewrite the file; only after a whole run.")] = False,
    expectations: Annotated[Path | None, typer.Option("--expectations", help="The file; the project's.")] = None,
) -> None:
    """Compare what is expected with what a run has shown; with --update, expect that."""
    runs = _runs(files, project)
    run = ProjectRun(load_project(project, overrides_of(set_ or ())))
    entries = read_expectations(expectations or run.expectations_file)
    results, lacking = whole_plan(runs)
    today = dt.datetime.now(dt.UTC).date()
    text = entries.updated(results, possible_cells(run), today)
    if update:
        _refuse_partial(runs, results, lacking)
    if not any((entries.text, "[[expect]]" in text)):
        typer.echo("nothing is expected to fail, and nothing fails")
        return
    difference = list(
        difflib.unified_diff(
            entries.text.splitlines(), text.splitlines(), entries.file.name, "after this run", n=1, lineterm=""
        )
    )
    for one in difference:
        typer.echo(one)
    if update:
        entries.file.write_text(text, encoding="utf-8")
        typer.echo(f"{entries.file.name}: {text.count('[[expect]]')} entries")
    elif difference:
        raise typer.Exit(ExitCode.EXPECTATIONS)


def _runs(files: list[Path] | None, project: Path | None) -> dict[str, list[Event]]:
    if files:
        return {str(file): read_file(file) for file in files}
    file = where_left(project, LAST_RUN)
    if not file.exists():
        raise ConfigurationError("there is no last run here", hint="run scenarios first, or give a file of --events")
    return {str(LAST_RUN): read_file(file)}


def _refuse_partial(runs: dict[str, list[Event]], results: list[CellFinished], lacking: list[str]) -> None:
    reasons = [*lacking, *(f"{name}: {reason}" for name, reason in left_out(runs))]
    for name, events in runs.items():
        finished = next((event for event in events if isinstance(event, RunFinished)), None)
        if finished is None or finished.exit_code in BROKEN_OFF:
            reasons.append(f"{name}: the run did not come to its end")
    stopped = sum(result.verdict is Verdict.NOT_RUN for result in results)
    if stopped:
        reasons.append(f"{stopped} cells were not run: their platform had been stopped (--fuse 0 runs them)")
    if not results:
        reasons.append("no cell has run")
    if reasons:
        raise PartialRunError(
            f"not after a partial run: {'; '.join(reasons)}", hint="run everything: `pytest --matrix` without words"
        )
