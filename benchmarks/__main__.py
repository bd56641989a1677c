"""``python -m benchmarks``: measures everybody in one interleaved run and says which targets are reached."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks import history, machine, steps
from benchmarks.contenders import Contender, Workshop, field_of_contenders
from benchmarks.plan import Case, Kind, Placement, cases
from benchmarks.plot import throughput_svg
from benchmarks.report import show
from benchmarks.results import Results
from benchmarks.run import FULL, QUICK, Effort, Run, groups, started
from benchmarks.soak import command as soak
from benchmarks.targets import OURS, State, verdicts


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="under 90 seconds: pinned to two cores, fewer and shorter repeats"
    )
    parser.add_argument("--repeats", type=int, help="repeats of each contender and case")
    parser.add_argument(
        "--only", metavar="TEXT", action="append", help="cases whose name contains TEXT (may be given again)"
    )
    parser.add_argument("--contender", metavar="TEXT", action="append", help="contenders whose name contains TEXT")
    parser.add_argument("--no-install", action="store_true", help="leave out peers whose environment has not been made")
    parser.add_argument("--list", action="store_true", help="list cases and contenders, measure nothing")
    parser.add_argument("--check", action="store_true", help="exit code 1 when a target is missed or was not measured")
    parser.add_argument("--results", type=Path, default=history.RESULTS, help="where JSON, plot and history go")
    return parser.parse_args(argv)


def _chosen_cases(arguments: argparse.Namespace) -> list[Case]:
    return [
        case
        for case in cases(quick=arguments.quick)
        if not arguments.only or any(text in case.key for text in arguments.only)
    ]


def _chosen_contenders(arguments: argparse.Namespace) -> list[Contender]:
    everybody = field_of_contenders()
    return [
        who for who in everybody if not arguments.contender or any(text in who.label for text in arguments.contender)
    ]


def _measure(
    chosen: list[Case], contenders: list[Contender], effort: Effort, console: Console, *, install: bool
) -> Results:
    cores = machine.choose_cores()
    results = Results(facts={**machine.facts(cores), "quick": effort.quick, "repeats": effort.repeats})
    began = time.monotonic()
    present: list[Contender] = []
    total = len(list(groups(chosen)))
    with Workshop() as workshop, console.status("starting") as status:
        try:
            present = started(contenders, results, status.update, install=install)
            run = Run(present, cores, effort, workshop, results, status.update)
            for index, group in enumerate(groups(chosen), 1):
                run.case_group(group)
                name = group[0].key if len(group) == 1 else f"{group[0].kind} ({len(group)} cases)"
                console.print(f"[dim]{time.monotonic() - began:5.0f} s  {index}/{total}  {name}[/dim]")
        finally:
            for who in present:
                who.stop()
    results.facts["seconds"] = round(time.monotonic() - began, 1)
    results.facts["load_average_after"] = os.getloadavg()[0]
    if workshop.leftovers:
        results.facts["leftovers"] = sorted(workshop.leftovers)
        console.print(f"[dim]removed {len(workshop.leftovers)} objects that peers had left behind (see the JSON)[/dim]")
    return results


def _save(directory: Path, results: Results, judged: list[dict[str, object]], cores: machine.Cores) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    document = {**results.to_json(), "targets": judged}
    (directory / "latest.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    for placement in Placement:
        if any(key.startswith(Kind.ONE_WAY) and key.endswith(placement) for key in results.repeats):
            svg = throughput_svg(results, placement, cores.text(placement))
            (directory / f"one-way-{placement.replace(' ', '-')}.svg").write_text(svg, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs, reports, saves; returns the exit code. ``soak`` and ``steps`` as the first word are other commands."""
    words = sys.argv[1:] if argv is None else list(argv)
    for name, command in (("soak", soak.main), ("steps", steps.main)):
        if words[:1] == [name]:
            return command(words[1:])
    arguments = _arguments(words)
    chosen, contenders = _chosen_cases(arguments), _chosen_contenders(arguments)
    # Piped into a file, the tables need a width of their own.
    console = Console() if sys.stdout.isatty() else Console(width=180)
    if arguments.list:
        console.print(
            "\n".join([*(case.key for case in chosen), "", *(who.label for who in contenders)]), highlight=False
        )
        return 0
    effort = QUICK if arguments.quick else FULL
    if arguments.repeats:
        effort = replace(effort, repeats=arguments.repeats)
    # An orderly end, so that processes are reaped and what peers leave behind is removed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    cores = machine.choose_cores()
    load = os.getloadavg()[0]
    if load > 0.5:
        console.print(
            f"[yellow]the load average is {load:.2f}: other work on this machine will show in the numbers[/yellow]"
        )
    results = _measure(chosen, contenders, effort, console, install=not arguments.no_install)
    judged = verdicts(results)
    if arguments.only or arguments.contender:
        judged = [verdict for verdict in judged if verdict.state is not State.UNKNOWN]
    show(console, results, chosen, judged, cores)
    _save(arguments.results, results, [verdict.to_json() for verdict in judged], cores)
    if OURS in results.versions:
        history.append(results, arguments.results / history.FILE.name)
    console.print(f"{results.facts['seconds']} s; JSON, plots and history are in {arguments.results}", soft_wrap=True)
    return int(arguments.check and any(verdict.state is not State.REACHED for verdict in judged))


if __name__ == "__main__":
    sys.exit(main())
