"""What a soak tells: sums, and every violation with the command that repeats it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape

from benchmarks.soak.judge import Judgement
from benchmarks.soak.plan import Round
from benchmarks.soak.seen import RoundSeen, Violation

_MOST_SHOWN = 20
_MOST_KEPT = 1000


@dataclass
class Report:
    """The sums of all rounds.

    Attributes:
        seed: Of the run.
        languages: Who took part.
        command: How this run is begun again, up to the number of a round.
    """

    seed: int
    languages: Sequence[str]
    command: str
    rounds: int = 0
    spoilt: int = 0
    seconds: float = 0.0
    frames: int = 0
    bytes: int = 0
    connections: int = 0
    reconnections: int = 0
    restarts: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    pairings: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    wrong_frames: Counter[str] = field(default_factory=Counter)
    violations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, plan: Round, seen: RoundSeen, judgement: Judgement) -> None:
        """Takes one more round."""
        self.rounds += 1
        self.frames += judgement.frames
        self.bytes += judgement.bytes
        self.connections += len(seen.streams)
        self.reconnections += judgement.reconnections
        self.restarts += max(0, len(seen.lives) - 1)
        self.deaths.update(f"{side} {how}, {language}" for side, how, language in seen.deaths)
        self.deeds.update(seen.deeds)
        self.pairings.update(
            {f"{writer} to {reader}": frames for (reader, writer), frames in judgement.by_pairing.items()}
        )
        self.spoilt += bool(judgement.violations)
        for violation in judgement.violations:
            self._note(plan, violation)

    def _note(self, plan: Round, violation: Violation) -> None:
        self.wrong[violation.kind] += 1
        self.wrong_frames[violation.kind] += violation.frames
        if len(self.violations) < _MOST_KEPT:
            self.violations.append(
                {
                    **asdict(violation),
                    "round": plan.number,
                    "ring": plan.payload,
                    "repeat": f"{self.command} --round {plan.number}",
                }
            )

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}

    def show(self, console: Console) -> None:
        """Says it on the terminal."""
        say = console.print
        say(f"seed {self.seed}: {self.rounds} rounds in {self.seconds:.0f} s, {', '.join(self.languages)}")
        say(f"{self.frames:,} frames, {self.bytes / 1e9:.2f} GB, every byte checked")
        say(
            f"{self.connections} connections of writers ({self.reconnections} to a reader that had had one), "
            f"{self.restarts} restarts of readers"
        )
        for title, counter in (("deaths", self.deaths), ("done to the living", self.deeds), ("frames", self.pairings)):
            say(f"{title}: {_grouped(counter)}", soft_wrap=True, highlight=False)
        for violation in self.violations[:_MOST_SHOWN]:
            text = f"round {violation['round']}, ring {violation['ring']}: {violation['kind']}: {violation['text']}"
            say(f"[red]{escape(text)}[/red]\n    {escape(violation['repeat'])}", soft_wrap=True, highlight=False)
        if len(self.violations) > _MOST_SHOWN:
            say(f"… and {sum(self.wrong.values()) - _MOST_SHOWN} more")
        if self.wrong:
            counts = (f"{kind} {count} ({self.wrong_frames[kind]} frames)" for kind, count in self.wrong.most_common())
            say(f"[red]{self.spoilt} of {self.rounds} rounds with violations: {'; '.join(counts)}[/red]")
        else:
            say("no violation")


def _grouped(counter: Counter[str]) -> str:
    """Counts by name; those of ``kind, language`` stand together under their kind."""
    groups: dict[str, list[str]] = {}
    for name, count in sorted(counter.items()):
        kind, _, language = name.partition(", ")
        groups.setdefault(kind, []).append(f"{language} {count:,}".strip())
    return "; ".join(f"{kind}: {', '.join(counts)}" for kind, counts in groups.items()) or "none"
