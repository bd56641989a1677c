"""How a mutant is made and where it is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.zoo import channel, ring
from tests.zoo.model import Model


@dataclass(frozen=True)
class Mutant:
    """One broken ring buffer."""

    name: str
    wrong: str
    scenarios: tuple[str, ...]
    library: Model


MUTANTS: dict[str, Mutant] = {}


def mutant(*scenarios: str) -> Callable[[type], Model]:
    """Turn a subclass of the model's reader, writer or server into a library; its docstring says what is wrong."""

    def register(kind: type) -> Model:
        slots = {
            ring.Reader: "Reader",
            ring.Writer: "Writer",
            channel.DuplexServer: "Server",
            channel.DuplexClient: "Client",
        }
        slot = next(name for base, name in slots.items() if issubclass(kind, base))
        library = type(kind.__name__, (Model,), {slot: kind})()
        wrong = (kind.__doc__ or "").strip()
        MUTANTS[kind.__name__] = Mutant(kind.__name__, wrong, scenarios, library)
        return library

    return register
