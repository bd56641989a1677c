"""What commands there are, and where each is loaded from when it is called."""

from __future__ import annotations

from typing import Final

GROUPS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "Start": {
        "init": ("init", "Write a project whose matrix is green: a small protocol, in the languages of your choice."),
        "run": ("run", "Run the matrix: every scenario over every pairing, or what the words say."),
        "watch": (
            "watch",
            "Run what a change touches as soon as it is saved: features, steps, drivers; show how each cell stands.",
        ),
        "menu": (
            "menu",
            "Choose what to do from a list, by keyboard; each choice shows the command line that it stands for.",
        ),
        "explain": ("explain", "Say what each sentence of a scenario will do: who performs it, and with what."),
        "scenarios": ("features", "List the scenarios that some words name."),
        "errors": ("errors", "Say what an error means and what to do about it."),
        "completion": (
            "completion_command",
            "Print what completes commands, options, scenarios and platforms in a shell.",
        ),
    },
    "Write": {
        "lint": ("features", "Check that features, steps and what is expected fit together; run nothing."),
        "steps": ("features", "List the sentences that have a meaning, or those with some words: types, places, uses."),
        "new-feature": ("features", "Write a feature with one scenario to start from, under the next number."),
        "scaffold": ("features", "Write step methods for the sentences that have no meaning yet."),
        "clauses": ("clauses", "Show which scenarios cite which clause; a citation of what does not exist fails."),
    },
    "Drivers": {
        "new-driver": (
            "new_driver",
            "Write a driver that builds and introduces itself, with the contract's verbs to fill in; or renew one.",
        ),
        "build": (
            "build",
            "Run the build command of each platform. Without names, one without its tool is passed over, visibly.",
        ),
        "doctor": (
            "doctor",
            "Examine a driver: say what is wrong, why it matters, where it is specified, and how to see it again.",
        ),
        "mutate": (
            "mutate",
            "Plant small faults in a platform, one at a time in a copy, and count those that a scenario finds.",
        ),
        "contract": ("contract", "Print what a driver of this project must be able to do."),
        "perf": ("perf", "Measure every pairing of what is built here, in one interleaved run; the fastest has 1.0."),
    },
    "CI": {
        "plan": (
            "plan",
            "Divide a run over several machines, into a file that all take (`--shard 2/5 --plan FILE`).",
        ),
        "report": ("reports", "Show runs again, or the shards of one run together; end as that run would have ended."),
        "history": (
            "history",
            "List the runs that are kept: what is red since when, what is flaky, how platforms fare.",
        ),
        "compare": (
            "compare",
            "Compare two runs: newly red or green, red for another cause, slower, gone; end red if it is worse.",
        ),
        "badge": (
            "site",
            "Write a badge of a run: how many cells passed, green only if all is well and it was a whole run.",
        ),
        "site": (
            "site",
            "Make a static site of many runs: the newest, each run, each implementation; for any web server.",
        ),
        "expect": ("reports", "Compare what is expected with what a run has shown; with --update, expect that."),
        "gates": (
            "gates",
            "Hold coverage, found faults and pass rate to what [gates] asks for; what is unknown is never met.",
        ),
        "events": ("reports", "Print the schema of the events, or check files against it."),
    },
    "Plumbing": {
        "serve": ("serve", "Speak the step contract on stdin and stdout, or on a Unix socket."),
        "replay": ("replay", "Ask workers what was recorded, and compare their answers but for the noise."),
        "up": (
            "infrastructure",
            "Start workers that listen, wait until they are healthy, and write the environment to attach to them.",
        ),
        "down": ("infrastructure", "End the workers that are up."),
        "with-workers": (
            "infrastructure",
            "Start workers, run a command that attaches to them, and end them: `harmony with-workers -- harmony run`.",
        ),
    },
}
"""By what they are for, each command: its module beside this one, and what it does."""

COMMANDS: Final = {name: entry for group in GROUPS.values() for name, entry in group.items()}
