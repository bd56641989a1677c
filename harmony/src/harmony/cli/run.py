"""``harmony run``: the matrix of a project, without a word of pytest, which runs it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand

from harmony import early_end
from harmony.cli.options import ProjectOption, SetOption, SuiteOption, project_file
from harmony.errors import ConfigurationError
from harmony.project_file import configuration_of_pytest
from harmony.state import STATE_DIRECTORY

_FORM: Final = re.compile(r"[a-z]+=")
"""How another form than the page begins; `./a=b.html` is a page."""
_REST: Final = "harmony.pytest"
_QUIET: Final = (
    "-qq",
    "--no-header",
    "--tb=no",
    "-rN",
    "--disable-warnings",
    "-o",
    "console_output_style=classic",
    "-p",
    "no:randomly",
)
"""What keeps pytest from saying anything by itself, and its order that of the numbers."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("run", cls=RunCommand)(run_command)


class RunCommand(TyperCommand):
    """Keeps what stands behind ``--`` apart from the words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before it."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_REST] = args[end + 1 :]
        return super().parse_args(ctx, args[:end])


def run_command(  # noqa: PLR0917 - typer passes options by name
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="Scenarios (1.1), features (4), patterns (13.*), names, tags (@slow), pairings (python_cpp), "
            "platforms (python: in all roles); all of them if none. What stands after -- goes to pytest."
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None, typer.Option("--scenario", metavar="WORD", help="As a word; may be repeated.")
    ] = None,
    pairing: Annotated[
        list[str] | None,
        typer.Option("--pairing", metavar="WORD", help="As a word, or reader=python,writer=cpp; may be repeated."),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="NAME[=COMMAND]",
            help="Only these platforms play; mine=./build/driver brings one, and only cells in which it plays are run.",
        ),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", metavar="ROLE=PLATFORM", help="Only pairings with ROLE=PLATFORM.")
    ] = None,
    pairwise: Annotated[
        bool, typer.Option("--pairwise", help="Fewer pairings: each two platforms in each two roles.")
    ] = False,
    all_pairings: Annotated[
        bool, typer.Option("--all-pairings", help="Every pairing, also where the project asks for fewer.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", "-m", metavar="TAG", help="Only scenarios with a tag, such as slow, or a and not b."),
    ] = None,
    with_tag: Annotated[
        list[str] | None,
        typer.Option("--with-tag", metavar="TAG", help="Also scenarios of a tag that runs on request only."),
    ] = None,
    last_failed: Annotated[bool, typer.Option("--last-failed", help="Only what failed when it last ran.")] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Of everything random; told with each run.")
    ] = None,
    shard: Annotated[str | None, typer.Option("--shard", metavar="2/5", help="One part of several: 2/5.")] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="The division that `harmony plan` has made.")
    ] = None,
    jobs: Annotated[
        str, typer.Option("-j", "--jobs", help="How many cells at a time; auto: as many as pay.", metavar="N")
    ] = "auto",
    exit_first: Annotated[bool, typer.Option("-x", "--exit-first", help="Stop at the first that is red.")] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show each step when it ends, with role, time and verdict.")
    ] = False,
    build: Annotated[bool, typer.Option("--build/--no-build", help="Build first what can be built and is not.")] = True,
    min_pass_rate: Annotated[
        float | None,
        typer.Option(
            "--min-pass-rate", help="Red only below this rate, such as 0.9.", metavar="RATE", min=0.0001, max=1
        ),
    ] = None,
    expectations: Annotated[
        Path | None, typer.Option("--expectations", metavar="FILE", help="What is known to fail.")
    ] = None,
    report: Annotated[
        list[str] | None,
        typer.Option(
            "--report",
            metavar="[FORM=]FILE",
            help="The page, .harmony/matrix.html by default; or another form, such as junit=FILE; may be repeated.",
        ),
    ] = None,
    events: Annotated[
        Path | None, typer.Option("--events", metavar="FILE", help="Write what happens as NDJSON.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Serve the page to browsers on this machine while the run goes on.")
    ] = False,
    stay: Annotated[
        bool | None,
        typer.Option(
            "--stay/--no-stay", help="With --live: the page stays after the run, until ^C. As it is on a terminal."
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="DIR", help="Keep every conversation in this directory.")
    ] = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Hold every word of a driver to its contract, not only what matters.")
    ] = False,
    project: ProjectOption = None,
    suite: SuiteOption = "",
    set_: SetOption = None,
) -> None:
    """Run the matrix: every scenario over every pairing, or what the words say."""
    early_end.watch()  # what comes is loading, until this process becomes the run
    if stay is not None and not live:
        raise typer.BadParameter("it is the page of --live that stays", param_hint="--stay")
    file = project_file(project, suite)
    said = list(words or ())
    forms, page = _reports(report or ())
    values: dict[str, list[str]] = {
        "--harmony-words": [word for word in said if not word.startswith("@")],
        "--scenario": scenario or [],
        "--pairing": pairing or [],
        "--platform": platform or [],
        "--role": role or [],
        "--tag": [*(tag or ()), *(word for word in said if word.startswith("@"))],
        "--with-tag": with_tag or [],
        "--harmony-set": set_ or [],
        "--report": forms,
    }
    single = {
        "--seed": seed,
        "--shard": shard,
        "--plan": plan,
        "--min-pass-rate": min_pass_rate,
        "--expectations": expectations,
        "--html": page,
        "--events": events,
        "--record": record,
    }
    flags = {
        "--pairwise": pairwise,
        "--all-pairings": all_pairings,
        "--lf": last_failed,
        "--last-failed-no-failures=none": last_failed,
        "-x": exit_first,
        "--show-steps": verbose,
        "--no-build": not build,
        "--validate": validate,
    }
    called = [f"--harmony-run={sys.argv[0]}", *_keys(), *_project(file, suite), f"--rootdir={file.parent}", "--matrix"]
    options = [f"{name}={value}" for name, given in values.items() for value in given]
    options += [f"{name}={value}" for name, value in single.items() if value is not None]
    options += [name for name, wanted in flags.items() if wanted]
    arguments = [*called, *_QUIET, *_parallel(jobs), *options, *context.meta[_REST], str(_features(file))]
    command = [sys.executable, "-m", "harmony.pytest_plugin.start", "-p", "harmony.pytest_plugin.plugin", *arguments]
    _keep_bytecode(_home(file, suite))
    if live:
        raise typer.Exit(
            _looked_at(command, _home(file, suite), stay=_is_watched() if stay is None else stay, rate=min_pass_rate)
        )
    _become(command)


def _reports(given: Iterable[str]) -> tuple[list[str], str | None]:
    """Return which forms are asked for, and the file of the page.

    Raises:
        typer.BadParameter: Two pages are.
    """
    every = list(given)
    forms = [one for one in every if _FORM.match(one)]
    pages = [one for one in every if one not in forms]
    if len(pages) > 1:
        raise typer.BadParameter(
            f"{pages[1]}: there is one page; before another form stands its name, such as junit=FILE",
            param_hint="--report",
        )
    return forms, pages[0] if pages else None


def _project(file: Path, suite: str) -> list[str]:
    """Return what tells pytest of the project, and keeps from it what lies above: configuration, `conftest.py`.

    In the directory of a suite nothing is written.
    """
    named = f"--harmony-suite={suite}" if suite else f"--harmony-project={file}"
    own = None if suite else configuration_of_pytest(file.parent)
    said = [str(own)] if own else [os.devnull, "-o", f"cache_dir={_home(file, suite) / '.pytest_cache'}"]
    return [named, f"--confcutdir={file.parent}", "-c", *said]


def _keys() -> list[str]:
    """Return what tells pytest, which takes stdin away, on which terminal a person may press keys."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # there is none, or no stdin
        return [f"--harmony-keys={os.ttyname(sys.stdin.fileno())}"]
    return []


def _home(file: Path, suite: str) -> Path:
    """Return the directory in which a run leaves its files."""
    return Path.cwd() if suite else file.parent


def _keep_bytecode(home: Path) -> None:
    """Keep what Pythons of the run compile in `.harmony`, where it may not be written beside the sources.

    A run starts some for each cell, and to compile all that one loads takes thrice as long as the rest of its start.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(home / STATE_DIRECTORY / "bytecode"))


def _features(file: Path) -> Path:
    """Return a directory below which pytest finds its configuration: that of the project, wherever it is called."""
    try:
        named = tomllib.loads(file.read_text(encoding="utf-8")).get("features", "features")
    except (OSError, ValueError):
        named = "."  # the session says what is wrong with the file
    directory = file.parent / str(named)
    return directory if directory.is_dir() else file.parent


def _parallel(jobs: str) -> list[str]:
    """Return the options of pytest-xdist.

    Raises:
        ConfigurationError: It is needed, and not there.
        typer.BadParameter: The number is none.
    """
    if jobs != "auto" and not jobs.isdecimal():
        raise typer.BadParameter("write -j 4, or -j auto", param_hint="-j")
    if importlib.util.find_spec("xdist") is not None:
        # Cells that wait long stand side by side in a feature: one at a time, they do not all fall to one worker.
        return ["-p", "xdist", "-n", "0" if jobs == "1" else jobs, "--maxschedchunk", "1"]
    if jobs in {"auto", "0", "1"}:
        return []
    raise ConfigurationError(
        f"-j {jobs}: several cells at a time take pytest-xdist",
        hint="pip install 'harmony-conformance[parallel]', or leave -j away",
    )


def _looked_at(command: Sequence[str], kept: Path, *, stay: bool, rate: float | None) -> int:
    """Play the run beside its page, and return its exit code."""
    import asyncio  # noqa: PLC0415 - few runs are looked at

    from harmony.history.past_run import PastRun  # noqa: PLC0415
    from harmony.history.store import HISTORY, Store  # noqa: PLC0415
    from harmony.live.live_page import LivePage  # noqa: PLC0415
    from harmony.live.live_run import LiveRun  # noqa: PLC0415
    from harmony.plan.durations import DURATIONS_FILE, read_durations  # noqa: PLC0415

    early_end.end()
    page = LivePage(
        rate,
        lambda events: Store(kept / HISTORY).over_time(PastRun.of({"run": events})),
        read_durations(kept / DURATIONS_FILE),
    )
    return asyncio.run(LiveRun(command, page, _say, stay=stay).play())


def _is_watched() -> bool:
    """Whether there is a person who can end the page."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _become(command: list[str]) -> NoReturn:
    """Replace this process, so that signals and the exit code are those of the run."""
    sys.stdout.flush()
    early_end.hand_over()
    os.execv(command[0], command)  # noqa: S606 - there is no shell in it
