"""Sentences of features/19-signs-of-life.feature: signs taken away, and signs that lie."""

from __future__ import annotations

import contextlib
from typing import Final

from harmony import ByteSize, ScenarioContext, step
from step_definitions import foreign_peer, processes
from step_definitions.observer import Part
from step_definitions.role import Role
from step_definitions.sentences import acting, stating

_OBJECTS: Final = {"lock file": Part.LOCK, "segment": Part.SEGMENT}


class SignsOfLifeSteps:
    """Numbers of the living and the dead, peers in processes of their own, locks of nobody."""

    def __init__(self, role: Role, context: ScenarioContext) -> None:
        self._role = role
        self._context = context
        self._foreigner: processes.Bystander | None = None
        self._removal = contextlib.ExitStack()
        self._beside = contextlib.ExitStack()
        context.on_cleanup(self._removal.close)
        context.on_cleanup(self._beside.close)

    @step(
        stating(
            r"the header of buffer '(?P<base>[^']+)' names a process that (?P<fate>lives|is gone) "
            r"as its (?P<sides>reader|writer|writer and connection)"
        )
    )
    def name_another(self, base: str, fate: str, sides: str) -> None:
        """Put another number into the place of the one that stands there."""
        number = self.living() if fate == "lives" else processes.dead_number()
        for side in sides.split(" and "):
            self._role.view(base).overwrite(f"{side}_pid", number)

    @step(acting(r"finds its own number in the place of the writer of buffer '(?P<base>[^']+)'"))
    async def name_itself(self, base: str) -> None:
        """Name this role's process, as one does that had the same number in a container that was started again."""
        self._role.view(base).overwrite("writer_pid", await self._role.pid())

    @step(
        acting(
            r"sees another implementation create buffer '(?P<base>[^']+)' with payload size '(?P<payload>[^']+)' "
            r"in a process (?P<where>of its own|that is not known here)"
        )
    )
    def foreign_reader(self, base: str, payload: ByteSize, where: str) -> None:
        """Make a buffer as a reader does that knows part one of the protocol alone; nobody holds its lock file yet."""
        view = self._role.view(base)
        self._context.on_cleanup(view.sweep)
        foreign_peer.create(view, payload, self.living() if where == "of its own" else processes.dead_number())

    @step(acting(r"sees another implementation connect to buffer '(?P<base>[^']+)' in a process of its own"))
    def foreign_writer(self, base: str) -> None:
        """Be the writer as one that knows part one of the protocol alone."""
        foreign_peer.connect(self._role.view(base), self.living())

    @step(acting(r"sees the process of the other implementation end(?P<unreaped>, and nobody has asked how)?"))
    def foreigner_ends(self, unreaped: str | None = None) -> None:
        """Kill the process without a word. As long as nobody asks how it ended, the system keeps its number."""
        if self._foreigner is None:
            raise AssertionError("no other implementation has a process of its own")
        self._foreigner.end(reaped=not unreaped)

    @step(stating(r"the (?P<what>lock file|segment) of buffer '(?P<base>[^']+)' loses its name"))
    def lose_name(self, what: str, base: str) -> None:
        """Remove a name. Who has the object open has it still."""
        self._role.view(base).take_away(_OBJECTS[what])

    @step(stating(r"the segment of another reader takes the place of that of buffer '(?P<base>[^']+)'"))
    def replace_segment(self, base: str) -> None:
        """Remove the segment's name, and make a segment of that name that a process names its own that lives."""
        view = self._role.view(base)
        self._context.on_cleanup(view.sweep)
        view.take_away(Part.SEGMENT)
        view.make_stale(Part.SEGMENT, self.living())

    @step(acting(r"sees somebody at the removal of buffer '(?P<base>[^']+)'"))
    def hold_removal(self, base: str) -> None:
        """Hold the lock of who removes a segment."""
        self._removal.enter_context(self._role.view(base).being_removed())

    @step(stating(r"somebody locks the bytes beside the signs of life of buffer '(?P<base>[^']+)'"))
    def lock_beside(self, base: str) -> None:
        """Lock the bytes before and after those of the reader, the writer and who removes."""
        self._beside.enter_context(self._role.view(base).locked_beside())

    @step(stating(r"somebody holds the sign of life of the (?P<side>reader|writer) of buffer '(?P<base>[^']+)'"))
    def hold_sign(self, side: str, base: str) -> None:
        """Lock the byte of a side, as a writer does that has not named itself yet."""
        self._beside.enter_context(self._role.view(base).living(side))

    @step(acting(r"sees the removal of buffer '[^']+' given up"))
    def give_up_removal(self) -> None:
        """Let the next one remove it."""
        self._removal.close()

    def living(self) -> int:
        """Return the number of a process that does nothing and belongs to nobody else."""
        if self._foreigner is None:
            foreigner = self._foreigner = processes.Bystander()
            self._context.on_cleanup(foreigner.end)
        return self._foreigner.number
