"""A step worker of another project, a post office: `clerk.py NAME`. Each has its own way. Independent of harmony."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bare_wire import receive, send

Message = dict[str, Any]
OFFICE = Path(os.environ["OFFICE"])
POSTS: Final = r"the 'sender' process posts '([^']+)'"
LIST: Final = r"the 'sender' process posts all of these:"
READS: Final = r"the 'sender' process posts what is written:"
HOLDS: Final = r"the 'receiver' process should hold '([^']+)'"
READY: Final = "all counters are open"


def response(error: str = "", **more: Any) -> Message:
    return {"success": not error, "error": error or None, "context": {}, "logs": [], **more}


class Clerk:
    """Faithful: one process for one scenario, which names what it makes after its environment."""

    steps: tuple[tuple[str, str], ...] = (("given", READY), ("when", POSTS), ("when", LIST), ("then", HOLDS))

    def __init__(self) -> None:
        self.played = 0
        self.scenario: Message = {}
        self.made: list[Path] = []

    @property
    def run(self) -> str:
        return f"{os.environ['HARMONY_HOST_PID']}_{os.environ['HARMONY_FEATURE_ID']}"

    def health(self, _: Message) -> Any:
        return True

    def discover(self, _: Message) -> Any:
        steps = [{"type": type_, "pattern": pattern} for type_, pattern in self.steps]
        return {"steps": steps, "capabilities": {"tables": True}}

    def initialize(self, params: Message) -> Any:
        """Refuse a second scenario, and numbers that are not those of the environment."""
        self.played += 1
        self.scenario = params
        told = (f"{params['HostPid']}_{params['FeatureId']}", params["TestRunId"])
        with (OFFICE / "runs").open("a") as runs:
            runs.write(f"{params['Scenario']} | {params['Role']} | {self.run}\n")
        return self.played == 1 and told == (self.run, self.run)

    def step(self, params: Message) -> Any:
        text = params["Step"]
        missing = response(f"No matching step definition found for: {text}")
        for pattern, work in (
            (READY, self.opens),
            (POSTS, self.posts),
            (HOLDS, self.holds),
            (LIST, self.posts_all),
            (READS, self.reads),
        ):
            found = re.fullmatch(pattern, text)
            if found and any(pattern == one for _, one in self.steps):
                return work(params, *found.groups())
        return missing

    def opens(self, _: Message) -> Message:
        return response()

    def posts(self, _: Message, letter: str) -> Message:
        self.made.append(OFFICE / f"{letter}_{self.run}")
        self.made[-1].write_text(letter)
        return response()

    def posts_all(self, params: Message) -> Message:
        for row in params["Table"]["rows"]:
            self.posts(params, row["letter"])
        return response()

    def reads(self, params: Message) -> Message:
        return self.posts(params, params["DocString"]["content"])

    def holds(self, _: Message, letter: str) -> Message:
        return response("" if (OFFICE / f"{letter}_{self.run}").exists() else f"there is no {letter}")

    def cleanup(self, _: Message) -> Any:
        for path in self.made:
            path.unlink(missing_ok=True)

    def shutdown(self, _: Message) -> Any:
        return None


class Traveller(Clerk):
    """Plays one scenario after the other, and takes the numbers of each from `initialize`; it is told no others."""

    @property
    def run(self) -> str:
        told = {"HARMONY_HOST_PID", "HARMONY_FEATURE_ID"} & set(os.environ)
        return f"told {told}" if told else str(self.scenario["TestRunId"])

    def initialize(self, params: Message) -> Any:
        self.played = 0
        self.scenario = params
        return super().initialize(params)


class Careless(Clerk):
    """Forgets what it has made."""

    def cleanup(self, _: Message) -> Any:
        return None


class Deserted(Clerk):
    """Leaves a process behind."""

    def cleanup(self, params: Message) -> Any:
        subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True)
        return super().cleanup(params)


class Haunted(Clerk):
    """Leaves a process that nothing but its descent gives away."""

    def cleanup(self, params: Message) -> Any:
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        if (child := os.fork()) == 0:
            os.setsid()
            subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], env={}, **quiet)
            os._exit(0)
        os.waitpid(child, 0)
        return super().cleanup(params)


class Lazy(Clerk):
    """Does not post, and says that it has."""

    def posts(self, params: Message, letter: str) -> Message:
        return response()


class Dumb(Clerk):
    """Has one sentence less."""

    steps = (("given", READY), ("then", HOLDS))


class Silent(Clerk):
    """Says nothing of what it has."""

    def discover(self, _: Message) -> Any:
        raise NotImplementedError


class OfAnotherType(Clerk):
    """Matches a sentence only as a Given."""

    steps = (("given", READY), ("Given", POSTS), ("then", HOLDS))

    def step(self, params: Message) -> Any:
        if params["StepType"] == 1:
            return response(f"No matching step definition found for: {params['Step']}")
        return super().step(params)


class OfAnyType(OfAnotherType):
    """Announces no type, and then lacks what it has announced."""

    steps = (("given", READY), ("unknown", POSTS), ("then", HOLDS))


class Boaster(OfAnotherType):
    """Announces what it lacks."""

    steps = (("given", READY), ("When", POSTS), ("then", HOLDS))


class Plain(Clerk):
    """Understands no table; it dies of an unknown key."""

    def discover(self, params: Message) -> Any:
        return {**super().discover(params), "capabilities": None}

    def step(self, params: Message) -> Any:
        assert set(params) == {"Process", "StepType", "Step", "Parameters", "Context", "IsBroadcast"}
        return super().step(params)


class Pascal(Clerk):
    """Writes as C# does, and reads doc strings, too."""

    steps = (*Clerk.steps, ("When", READS))

    def discover(self, _: Message) -> Any:
        return {
            "Steps": [{"Type": type_, "Pattern": pattern} for type_, pattern in self.steps],
            "Capabilities": {"Tables": True, "DocStrings": True},
        }


class Meeting(Clerk):
    """Opens only when the other one has come, too."""

    def opens(self, _: Message) -> Message:
        door = OFFICE / f"door_{self.run}"
        self.made.append(door)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(door)
        # A pipe opens when both ends do.
        with door.open("w" if self.scenario["Role"] == "sender" else "r"):
            return response()


CLERKS: dict[str, Callable[[], Clerk]] = {
    "faithful": Clerk,
    "traveller": Traveller,
    "careless": Careless,
    "deserted": Deserted,
    "haunted": Haunted,
    "lazy": Lazy,
    "dumb": Dumb,
    "silent": Silent,
    "of-another-type": OfAnotherType,
    "of-any-type": OfAnyType,
    "boaster": Boaster,
    "plain": Plain,
    "pascal": Pascal,
    "meeting": Meeting,
}


def main() -> None:
    clerk = CLERKS[sys.argv[1]]()
    while (request := receive()) is not None:
        answer: Message = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            method = "step" if request["method"] == "executeStep" else request["method"]
            answer["result"] = getattr(clerk, method)(*(request["params"] or [{}]))
        except (AttributeError, NotImplementedError):
            answer["error"] = {"code": -32601, "message": f"Method not found: {request['method']}"}
        send(answer)
        if request["method"] == "shutdown":
            return


if __name__ == "__main__":
    main()
