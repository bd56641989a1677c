"""What came of all cells together: one result per cell, counts, the pass rate, the end of the run. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

from harmony.errors import ConfigurationError, ExitCode
from harmony.model import Verdict
from harmony.verdict.events import CellFinished, Event, RunPlanned
from harmony.verdict.verdicts import MEANINGS, gravest, is_red, numbers


def combined(results: Iterable[CellFinished]) -> list[CellFinished]:
    """Return one result per cell, in an order that does not depend on when they ran.

    A cell that ran several times and both passed and did not is flaky. A late verdict replaces all others.
    """
    by_cell: dict[str, list[CellFinished]] = {}
    for result in results:
        by_cell.setdefault(result.cell, []).append(result)
    return [_one(runs) for _, runs in sorted(by_cell.items(), key=lambda entry: natural_order(entry[0]))]


def _one(runs: Sequence[CellFinished]) -> CellFinished:
    if len(runs) == 1:
        return runs[0]
    late = [run for run in runs if run.late]
    if late:
        return late[-1]
    runs = [run for run in runs if run.verdict is not Verdict.NOT_RUN] or runs
    red = [run for run in runs if is_red(run.verdict)]
    if red and any(run.verdict is Verdict.PASSED for run in runs):
        words = ", ".join(run.verdict.value for run in runs)
        return red[0].model_copy(update={"verdict": Verdict.FLAKY, "note": f"{len(runs)} runs: {words}"})
    return min(runs, key=lambda run: list(MEANINGS).index(run.verdict))


def counts(results: Iterable[CellFinished]) -> dict[str, int]:
    """Return how many cells ended how, in the order of the verdicts."""
    return numbers(result.verdict for result in results)


def pass_rate(results: Sequence[CellFinished]) -> float:
    """Return the part of the cells that passed.

    Unsupported ones, and those that deviate from what is not asked of everybody, count neither way; known failures
    count as not passed. Of nothing, nothing has passed.
    """
    counted = [result for result in results if result.verdict not in {Verdict.UNSUPPORTED, Verdict.DEVIATES}]
    return sum(result.verdict is Verdict.PASSED for result in counted) / len(counted) if counted else 0.0


def rate_line(results: Sequence[CellFinished], wanted: float) -> str:
    """Say the pass rate beside the one that is asked for, and what that does to cells that are red."""
    rate, red = pass_rate(results), sum(is_red(result.verdict) for result in results)
    what = "too low" if rate < wanted else f"{red} red forgiven" if red else "met"
    return f"pass rate {rate:.4f}, at least {wanted} is asked for: {what}"


def exit_code(
    results: Sequence[CellFinished], problems: Sequence[str] = (), min_pass_rate: float | None = None
) -> ExitCode:
    """Return how the run ends.

    With a rate, what is red is forgiven up to it; what is wrong with the expectations is not.
    """
    if min_pass_rate is not None:
        if pass_rate(results) < min_pass_rate:
            return ExitCode.PASS_RATE
    else:
        worst = gravest(result.verdict for result in results)
        if worst is not None and is_red(worst):
            return MEANINGS[worst].exit_code
    if problems:
        return ExitCode.EXPECTATIONS
    if results and all(result.verdict is Verdict.UNSUPPORTED for result in results):
        return ExitCode.ONLY_UNSUPPORTED
    return ExitCode.OK


def whole_plan(runs: Mapping[str, Sequence[Event]]) -> tuple[list[CellFinished], list[str]]:
    """Return the results of several event files, such as those of all shards, and what they lack.

    Args:
        runs: The events of each file, by its name.

    Raises:
        ConfigurationError: The files do not divide one plan.
    """
    plans = {name: event for name, events in runs.items() for event in events if isinstance(event, RunPlanned)}
    kinds: dict[str, list[str]] = {}
    for name, plan in plans.items():
        kinds.setdefault(f"plan {plan.division or plan.digest} of {plan.of} cells", []).append(name)
    if len({plan.digest for plan in plans.values()}) > 1:
        raise ConfigurationError(_apart(kinds), hint="give the same words and options to every shard")
    if len({plan.division for plan in plans.values() if plan.shard}) > 1:
        hint = "their durations differed; make one plan for all: harmony plan --shards 5, and --plan plan.json for each"
        raise ConfigurationError(_apart(kinds), hint=hint)
    results = [event for events in runs.values() for event in events if isinstance(event, CellFinished)]
    done = len({result.cell for result in results})
    lacking = [f"{name}: the run was not planned to its end" for name in runs if name not in plans]
    lacking += [f"there is no file of shard {shard}" for shard in _absent({plan.shard for plan in plans.values()})]
    wanted = next((plan.of for plan in plans.values()), done)
    if done < wanted:
        lacking.append(f"{wanted - done} of {wanted} cells have no result")
    return combined(results), lacking


def left_out(runs: Mapping[str, Sequence[Event]]) -> list[tuple[str, str]]:
    """Return what runs left out by themselves: the file, and the reason.

    What one shard leaves out, the others have; `whole_plan` says whether they are all there.
    """
    plans = {name: event for name, events in runs.items() for event in events if isinstance(event, RunPlanned)}
    return [(name, reason) for name, plan in plans.items() if not plan.shard for reason in plan.partial]


def _apart(kinds: Mapping[str, Sequence[str]]) -> str:
    told = "; ".join(f"{', '.join(names)}: {kind}" for kind, names in kinds.items())
    return f"these are parts of different plans: {told}"


def _absent(shards: set[str]) -> list[str]:
    """Return the shards that are missing beside some; nothing where a run is not divided."""
    if not shards or "" in shards:
        return []
    count = int(next(iter(shards)).partition("/")[2])
    return [shard for index in range(1, count + 1) if (shard := f"{index}/{count}") not in shards]


@functools.lru_cache(maxsize=1 << 16)
def natural_order(text: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts ``1.10`` after ``1.9``."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.findall(r"\d+|\D+", text))
