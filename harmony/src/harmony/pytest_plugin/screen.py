"""A terminal while a run goes on: lines, and below them a drawing of how far it is."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from harmony.printable import copy_of_stdout
from harmony.pytest_plugin.keys import Keys
from harmony.report.narration import SILENCE, Line
from harmony.report.under_way import UnderWay
from harmony.text import visible

if TYPE_CHECKING:
    from rich.text import Text

    from harmony.report.drawing import Drawing

_KEY: Final = "e"
_OFTEN: Final = 0.25
"""Seconds between two drawings."""


class Screen:
    """Writes to the terminal of a run, and draws there.

    Args:
        under_way: How the run stands.
        beat: Returns what is said after a silence.
        drawn: Whether it is drawn how far the run is.
        coloured: Whether the drawing may have colours.
        alone: Whether nobody else writes there: a thread draws, and speaks after a silence. Without it all is drawn
            when something happens, as tests in this process may fork.
        keys: Path of the terminal whose keys are read; nothing where none are.
    """

    def __init__(
        self,
        under_way: UnderWay,
        beat: Callable[[float], Iterable[Line]],
        *,
        drawn: bool,
        coloured: bool,
        alone: bool,
        keys: str,
    ) -> None:
        self._run = under_way
        self._beat = beat
        self._drawn = drawn
        self._coloured = coloured
        self._alone = alone
        # pytest captures the file descriptors while a test runs.
        self._file = copy_of_stdout()
        self._drawing: Drawing | None = None
        self._keys = Keys(keys)
        self._opened = False
        self._woken = threading.Event()
        self._ticker: threading.Thread | None = None
        self._trouble: Exception | None = None
        self._spoke = time.monotonic()
        self.lock = threading.RLock()
        """Is held while the run or the screen changes."""

    @property
    def is_drawing(self) -> bool:
        """Whether there is a drawing now."""
        return self._drawing is not None

    def start(self) -> None:
        """Draw from now on, or speak after a silence."""
        with self.lock:
            self._spoke = time.monotonic()
            if self._drawing is None and self._drawn:
                self._drawing = self._begun()
        if self._alone and self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, name="harmony-terminal", daemon=True)
            # A ^C inside Thread.start would leave a lock of it in disorder. No process is started by this thread.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._ticker.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop(self) -> None:
        """Take the drawing away, and say nothing more of its own accord."""
        self._woken.set()
        ticker, self._ticker = self._ticker, None
        if ticker is not None:
            ticker.join(timeout=2.0)
        with self.lock:
            self._keys.close()
            drawing, self._drawing = self._drawing, None
            if drawing is not None:
                drawing.stop()

    def close(self) -> None:
        """Give the terminal back."""
        self.stop()
        self._file.close()

    def write(self, lines: Iterable[Line]) -> None:
        """Write lines above the drawing."""
        for text, style in lines:
            self._spoke = time.monotonic()
            if self._drawing is not None:
                self._drawing.write(visible(text), style)
            else:
                self._file.write(f"{visible(text)}\n")
                self._file.flush()

    def draw(self) -> None:
        """Draw anew."""
        if self._drawing is not None:
            self._drawing.refresh()

    def check(self) -> None:
        """Raise what has gone wrong in the thread."""
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble

    # ---- parts

    def _begun(self) -> Drawing:
        from harmony.report.drawing import Drawing  # noqa: PLC0415 - loads what draws, which no pipe needs
        from harmony.report.panel import panel  # noqa: PLC0415 - the same

        def lines(width: int, height: int) -> list[Text]:
            key = _KEY if self._keys.are_read else ""
            return panel(self._run, time.monotonic(), width, height, key=key, opened=self._opened)

        drawing = Drawing(self._file, lines, coloured=self._coloured)
        drawing.start()
        return drawing

    def _tick(self) -> None:
        try:
            while not self._woken.wait(self._pause()):
                with self.lock:
                    if self._drawing is not None:
                        self._look_at_keys()
                        self.draw()
                    elif self._pause() <= 0:
                        self.write(self._beat(time.monotonic()))
        except Exception as error:  # noqa: BLE001 - it is raised where the bus hears of it; the run goes on
            with self.lock:
                self._trouble = error
                self._keys.close()
                drawing, self._drawing = self._drawing, None
                with contextlib.suppress(Exception):
                    if drawing is not None:
                        drawing.stop()

    def _pause(self) -> float:
        return _OFTEN if self._drawing is not None else max(0.0, self._spoke + SILENCE - time.monotonic())

    def _look_at_keys(self) -> None:
        """Read keys once something is late: until then the terminal is left as it is, with what is typed ahead."""
        now = time.monotonic()
        if self._opened or any(one.is_late(now) for one in self._run.playing.values()):
            self._opened ^= self._keys.pressed().count(_KEY) % 2 == 1
