"""``harmony menu``: what a person who comes once a month wants, to choose from; each choice shows its command line."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import typer

from harmony.cli.completion import candidates
from harmony.cli.options import ProjectOption
from harmony.errors import ConfigurationError, ExitCode, HarmonyError
from harmony.project import Project, load_project

Run = Callable[[Sequence[str]], int]
Say = Callable[[str], object]


class NoTerminalError(HarmonyError):
    """A menu was asked for where there is no terminal, so nobody can choose.

    Way out: say the command itself: each choice of the menu is one, and `harmony --help` lists all.
    """

    code = "no_terminal"
    exit_code = ExitCode.USAGE


class Asks(Enum):
    """What a choice must know before its command line is whole."""

    NOTHING = auto()
    WORDS = auto()
    SCENARIO = auto()
    DRIVER = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """A choice.

    Attributes:
        title: What a person wants.
        words: The command line that does it, without its first word.
        asks: What stands behind them.
    """

    title: str
    words: tuple[str, ...]
    asks: Asks = Asks.NOTHING

    @property
    def line(self) -> str:
        """What is typed for it without a menu."""
        return " ".join(["harmony", *self.words, *(["…"] if self.asks is not Asks.NOTHING else [])])


ENTRIES: Final = (
    Entry("Run everything", ("run",)),
    Entry("Run some of it", ("run", "-v"), Asks.WORDS),
    Entry("Repeat what has failed", ("run", "--last-failed")),
    Entry("Show the last report", ("report", "-v")),
    Entry("Run again at each change", ("watch",), Asks.WORDS),
    Entry("Explain a scenario", ("explain",), Asks.SCENARIO),
    Entry("Record conversations", ("run", "--record", ".harmony/recordings"), Asks.WORDS),
    Entry("Examine a driver", ("doctor",), Asks.DRIVER),
    Entry("Build all drivers", ("build",)),
    Entry("Check features and steps", ("lint",)),
    Entry("Help", ("--help",)),
)
_LEAVE: Final = "Leave"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("menu")(menu_command)


def menu_command(project: ProjectOption = None) -> None:
    """Choose what to do from a list, by keyboard; each choice shows the command line that it stands for."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminalError(
            "a menu takes a terminal",
            hint="say it as a command: `harmony run`, `harmony run --last-failed`, `harmony report`; "
            "`harmony --help` lists all",
        )
    loaded = load_project(project)
    more = (f"--project={loaded.file}",) if project is not None else ()
    Menu(loaded, more, _run, typer.echo).show()


class Menu:
    """Asks until a person leaves.

    Args:
        project: The project.
        more: Said with each command.
        run: Runs a command line of harmony, and returns its exit code.
        say: Takes each line.
    """

    def __init__(self, project: Project, more: Sequence[str], run: Run, say: Say) -> None:
        self._questions = _library()
        self._project = project
        self._more = more
        self._run = run
        self._say = say

    def show(self) -> None:
        """Ask what to do, do it, and ask again. Leaving a question leads back to the list, leaving that to the end."""
        last: Entry | None = None
        while (entry := self._choose(last)) is not None:
            last = entry
            behind = self._ask(entry)
            if behind is None:
                continue
            words = [*entry.words, *behind, *(self._more if entry.words[0][0] != "-" else ())]
            self._say(f"$ {shlex.join(['harmony', *words])}")
            code = self._run(words)
            self._say(f"(exit {code})\n" if code else "")

    def _choose(self, last: Entry | None) -> Entry | None:
        widest = max(len(entry.title) for entry in ENTRIES)
        choices = [
            self._questions.Choice(f"{entry.title.ljust(widest)}  {entry.line}", value=entry) for entry in ENTRIES
        ]
        choices.append(self._questions.Choice(_LEAVE, value=_LEAVE, shortcut_key="q"))
        found = self._questions.select(
            f"{self._project.root.name}: what next?",
            choices,
            default=last,
            use_shortcuts=True,
            instruction="(number or arrows, then Enter)",
        ).ask(kbi_msg="")
        return found if isinstance(found, Entry) else None

    def _ask(self, entry: Entry) -> list[str] | None:
        """Return the words behind those of a choice; none if a person has thought better of it."""
        match entry.asks:
            case Asks.NOTHING:
                return []
            case Asks.WORDS:
                return self._typed("Which? (1.1, 4, a name, @tag, a pairing; nothing: all)", entry, needed=False)
            case Asks.SCENARIO:
                return self._typed("Which scenario, and with whom? (1.1 python_cpp)", entry, needed=True)
            case Asks.DRIVER:
                return self._driver()

    def _typed(self, question: str, entry: Entry, *, needed: bool) -> list[str] | None:
        before = [entry.words[0], f"--project={self._project.file}"]

        def wrong(text: str) -> bool | str:
            try:
                return bool(shlex.split(text)) or not needed or "name one; Tab shows which there are"
            except ValueError as error:
                return f"{error}"

        text = self._questions.text(question, completer=_completer(before), validate=wrong).ask(kbi_msg="")
        return None if text is None else shlex.split(text)

    def _driver(self) -> list[str] | None:
        names = [name for name, one in self._project.settings.platforms.items() if one.driver_command]
        if not names:
            self._say("no platform of this project has a driver: `harmony new-driver` begins one")
            return None
        name = self._questions.select("Which?", sorted(names)).ask(kbi_msg="")
        return None if name is None else [str(name)]


def _library() -> Any:
    try:
        import questionary  # noqa: PLC0415 - no other command needs it
    except ImportError as missing:
        raise ConfigurationError(
            "harmony menu takes questionary, which asks",
            hint="pip install 'harmony-conformance[menu]'; `harmony --help` lists the commands that it offers",
        ) from missing
    return questionary


def _completer(before: Sequence[str]) -> Any:
    """Return what offers the words that a shell would offer."""
    from prompt_toolkit.completion import Completer, Completion  # noqa: PLC0415 - questionary brings it

    class Words(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterator[Completion]:
            del complete_event
            typed = document.get_word_before_cursor(WORD=True)
            for text, meaning in candidates(before, typed):
                yield Completion(text, start_position=-len(typed), display_meta=meaning)

    return Words()


def _run(words: Sequence[str]) -> int:
    with _deaf():
        return subprocess.run([sys.executable, "-m", "harmony", *words], check=False).returncode


@contextmanager
def _deaf() -> Iterator[None]:
    """Leave ^C to the command that runs."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
