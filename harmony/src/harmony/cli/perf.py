"""``harmony perf``: how fast each pairing of implementations is."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from harmony.cli.options import ProjectOption
from harmony.errors import ConfigurationError, ExitCode
from harmony.perf import machine as machines
from harmony.perf.case import PerfCases
from harmony.perf.document import document
from harmony.perf.figures import State, failures
from harmony.perf.page import page
from harmony.perf.partners import available_partners, pairs, require_platforms, roles_of
from harmony.perf.run import PerformanceRun, PerfOutcome, Progress
from harmony.perf.schedule import schedule
from harmony.perf.tables import heat_map, reasons, table_lines
from harmony.plan.pairing import split_word
from harmony.project import Project, load_project
from harmony.steps.naming import SEED_VARIABLE
from harmony.text import shown

_ROUNDS: Final = 5
_QUICK_ROUNDS: Final = 3
_QUICK_EFFORT: Final = 0.2


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("perf")(perf_command)


def perf_command(  # noqa: PLR0917 - typer passes options by name
    platforms: Annotated[list[str] | None, typer.Argument(help="Platforms that take part; all that are built.")] = None,
    pairing: Annotated[list[str] | None, typer.Option("--pairing", help="Only python_go; may be repeated.")] = None,
    measure: Annotated[list[str] | None, typer.Option("--measure", help="Only those with this in the name.")] = None,
    rounds: Annotated[int | None, typer.Option("--rounds", min=1, help="How often everything is measured; 5.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the order; the same gives the same.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="3 rounds with a fifth of the work.")] = False,
    pin: Annotated[bool, typer.Option("--pin/--no-pin", help="Each driver on a core of its own.")] = True,
    html: Annotated[Path | None, typer.Option("--html", help="Write the heat maps as one HTML page.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write everything, each round.")] = None,
    project: ProjectOption = None,
) -> None:
    """Measure every pairing of what is built here, in one interleaved run; the fastest has 1.0."""
    loaded = load_project(project)
    cases = _cases(loaded, tuple(measure or ()))
    every = loaded.settings.platforms
    here, missing = available_partners(every, loaded.root)
    require_platforms(platforms or [], every, missing)
    unasked = {name for name, one in every.items() if one.opt_in and not (platforms or pairing)}
    pairings = _pairings(platforms or sorted(here.keys() - unasked), pairing or [], sorted(here))
    taking_part = {name for pair in pairings for name in pair}
    number = seed if seed is not None else _seed()
    times, effort = rounds or (_QUICK_ROUNDS if quick else _ROUNDS), _QUICK_EFFORT if quick else 1.0
    pair_runs = schedule(number, times, pairings, [one.name for one in cases.items])
    machine = machines.inspect_machine(pin=pin)
    told = Console(stderr=True, soft_wrap=True, highlight=False)
    facts = {"seed": str(number), "rounds": f"{times}, interleaved" + (", quick" if quick else ""), **machine.facts}
    for key, value in facts.items():
        told.print(f"{key}: {value}", markup=False)
    run = PerformanceRun(
        {name: one for name, one in here.items() if name in taking_part},
        cases,
        loaded.contract,
        machine,
        loaded.probes() if loaded.settings.leaks.check else (),
        effort,
        loaded.settings.driver.strict,
        _progress(told),
    )
    outcome = asyncio.run(run.run(pair_runs))
    absent = {name: reason for name, reason in missing.items() if not (platforms or pairing or name in unasked)}
    notes = [*machine.warnings, *(f"{name}: {reason}" for name, reason in absent.items())]
    facts |= {
        "roles": roles_of(cases.items),
        "took": f"{outcome.seconds:.0f} s",
        **dict(sorted(outcome.identities.items())),
    }
    _show(outcome, notes)
    if html is not None:
        problems = [*failures(outcome.tables), *outcome.problems]
        _write(html, page(outcome.tables, facts, notes, problems))
    if json is not None:
        text = document(outcome, machine, seed=number, rounds=times, effort=effort, missing=absent, notes=notes)
        _write(json, text)
    raise typer.Exit(_exit_code(outcome))


def _cases(project: Project, words: tuple[str, ...]) -> PerfCases:
    name = project.settings.driver.cases
    if not name:
        raise ConfigurationError(
            f"{project.file}: the project measures nothing", hint='name driver.cases = "module:CASES"'
        )
    found = project.named("driver.cases", name, PerfCases)
    return PerfCases(found.select(words))


def _pairings(platforms: list[str], words: list[str], known: list[str]) -> list[tuple[str, str]]:
    every = pairs(platforms)
    if not words:
        found = every
    else:
        wanted = {parts * 2 if len(parts) == 1 else parts for parts in (split_word(word, known) for word in words)}
        found = [pair for pair in every if pair in wanted]
    if not found:
        raise ConfigurationError("there is no such pairing to measure", hint=f"platforms here: {', '.join(known)}")
    return found


def _seed() -> int:
    given = os.environ.get(SEED_VARIABLE, "")
    return int(given) if given.isdecimal() else secrets.randbelow(1 << 31)


def _progress(told: Console) -> Progress:
    """Return what tells a person how far it is: one changing line on a terminal, a line for each round elsewhere."""
    rounds: set[str] = set()

    def tell(done: int, every: int, text: str) -> None:
        if told.is_terminal:
            told.print(f"\r\x1b[K{done}/{every} {text}", end="", markup=False)
            return
        begun = text.partition(":")[0]
        if begun not in rounds:
            rounds.add(begun)
            told.print(f"{done}/{every} pairings done, {begun} begins", markup=False)

    return tell


def _show(outcome: PerfOutcome, notes: list[str]) -> None:
    console = Console(highlight=False)
    if console.is_terminal:
        console.print("\r\x1b[K", end="")
    for one in outcome.tables:
        heat = heat_map(one)
        if console.is_terminal and console.measure(heat).maximum <= console.width:
            console.print(heat)
        else:
            for line in table_lines(one):
                typer.echo(line)
        console.print()
    for text in (*reasons(outcome.tables), *outcome.problems):
        typer.echo(shown(text))
    for text in notes:
        typer.echo(text, err=True)


def _exit_code(outcome: PerfOutcome) -> ExitCode:
    if failures(outcome.tables) or outcome.problems:
        return ExitCode.FAILED
    states = {figure.state for table in outcome.tables for figure in table.figures.values()}
    return ExitCode.OK if State.MEASURED in states else ExitCode.ONLY_UNSUPPORTED


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error}", hint="name another file") from error
