"""What the sentences mean, in Python."""

import shutil
import tempfile
from pathlib import Path

from harmony import Naming, ScenarioContext, parsers, then, when


class LetterSteps:
    """Letters lie in a folder whose name has the numbers of the cell, so that all workers find the same one."""

    def __init__(self, naming: Naming, context: ScenarioContext) -> None:
        self._folder = Path(tempfile.gettempdir()) / naming.name("letters")
        self._folder.mkdir(exist_ok=True)
        context.on_cleanup(lambda: shutil.rmtree(self._folder, ignore_errors=True))

    @when(parsers.re("the 'sender' process posts '(?P<letter>[^']+)'"))
    def posts(self, letter: str) -> None:
        """Post a letter."""
        (self._folder / letter).write_text(letter, encoding="utf-8")

    @then(parsers.re("the 'receiver' process should hold '(?P<letter>[^']+)'"))
    def should_hold(self, letter: str) -> None:
        """See that it is there."""
        assert (self._folder / letter).exists(), f"{letter}: it is not there"

    @then(parsers.re("the 'receiver' process should not hold '(?P<letter>[^']+)'"))
    def should_not_hold(self, letter: str) -> None:
        """See that it is not there."""
        assert not (self._folder / letter).exists(), f"{letter}: it is there"
