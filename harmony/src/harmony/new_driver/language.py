"""What the languages have in common: a name, commands, files, and ways to write what a contract says."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harmony.errors import ConfigurationError
from harmony.new_driver.shapes import Kind, Laid, Outline, Shape, VerbShape

Fragments = Mapping[str, str]
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Language:
    """One in which a driver can be started.

    Attributes:
        name: As the command line says it.
        title: As a person does.
        requires: Programs and headers that its commands take, and the Debian package that has each.
        command: How the driver is started; ``{directory}`` is its folder, ``{contract}`` that of what is generated.
        build: How it is built, if it must be.
        sources: Patterns of the files that it is built from.
        fragments: Writes what depends on the contract, by the name of its place in the templates.
        verbs: The file that is to be filled in.
        stub: Writes a verb to be filled in.
        declared: Finds the verbs in that file, each by its name as the language spells it.
        ignored: What version control leaves out.
        note: What its author should know.
        generated: Where in the driver's folder lies what is generated; beside the verbs, if nothing is said.
        shared: What the folder of it holds, too, where several drivers share one; none where they cannot.
        reaching: Writes how the verbs reach it, by the path from their folder to it, and whether it is shared.
    """

    name: str
    title: str
    requires: Mapping[str, str]
    command: tuple[str, ...]
    build: tuple[str, ...]
    sources: tuple[str, ...]
    fragments: Callable[[Outline], Fragments]
    verbs: str
    stub: Callable[[VerbShape], str]
    declared: str
    ignored: tuple[str, ...] = ()
    note: str = ""
    generated: str = ""
    shared: Mapping[str, str] | None = None
    reaching: Callable[[str, bool], Fragments] = lambda way, _: {"contract": way}


BY_VALUE: Final = frozenset({Kind.FLAG, Kind.INTEGER, Kind.NATURAL, Kind.NUMBER})
"""What is copied, in languages that tell the difference."""


@dataclass(frozen=True)
class Types:
    """How a language with declared types writes them.

    Attributes:
        plain: Those that hold no others.
        listed: A list of ``{}``.
        optional: ``{}`` or nothing.
        can_be_optional: What has to be written so; the others can be nothing as they are.
    """

    plain: Mapping[Kind, str]
    listed: str
    optional: str
    can_be_optional: Collection[Kind] = frozenset(Kind)

    def __call__(self, shape: Shape) -> str:
        """Return the type of a shape."""
        match shape.kind:
            case Kind.LIST:
                text = self.listed.format(self(shape.item or Shape(Kind.ANY)))
            case Kind.RECORD:
                text = shape.record
            case _:
                text = self.plain[shape.kind]
        return self.optional.format(text) if shape.nullable and shape.kind in self.can_be_optional else text


@dataclass(frozen=True)
class Pieces:
    """What writes one of each, in a language whose constants, structures, records, methods and table stand apart.

    Attributes:
        code: A code of the contract, by its name and meaning.
        structure: The declaration of a structure.
        layout: What is told of it in ``hello``.
        record: The declaration of a record.
        verb: A method to be filled in.
        entry: What finds it by the name of the verb.
    """

    code: Callable[[str, str], str]
    structure: Callable[[Laid], str]
    layout: Callable[[Laid], str]
    record: Callable[[Shape], str]
    verb: Callable[[VerbShape], str]
    entry: Callable[[VerbShape], str]

    def __call__(self, outline: Outline) -> Fragments:
        """Write all of a contract."""
        return {
            "codes": "\n".join(self.code(code, meaning) for code, meaning in outline.contract.codes.items()),
            "structures": "\n".join(map(self.structure, outline.structures)),
            "layout": "\n".join(map(self.layout, outline.structures)),
            "records": "\n".join(map(self.record, outline.records)),
            "verbs": "\n\n".join(map(self.verb, outline.verbs)),
            "table": "\n".join(map(self.entry, outline.verbs)),
        }


def check_name(name: str, of: str) -> None:
    """Refuse a name that a folder, a key of the project file, or a sentence could not have.

    Raises:
        ConfigurationError: It is one.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot name {of}", hint="take small letters, digits and hyphens, a letter first"
        )


def pascal(name: str) -> str:
    """Return ``tank_size`` as ``TankSize``."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def camel(name: str) -> str:
    """Return ``tank_size`` as ``tankSize``."""
    head, _, tail = name.partition("_")
    return head + pascal(tail)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, such as those that a language has taken."""
    return frozenset(text.split())


def safe(name: str, reserved: Iterable[str]) -> str:
    """Return a name that is no word of the language."""
    return f"{name}_" if name in reserved else name


def about(verb: VerbShape) -> str:
    """Say what a verb does, needs and answers."""
    needs = f" Capability `{verb.needs}`." if verb.needs and "capability" not in verb.summary else ""
    choices = "".join(f" `{name}` is {shape}." for name, shape in verb.params if shape.choices)
    return f"{verb.summary}{needs}{choices} Result: {verb.result}.".strip()


def about_record(record: Shape) -> str:
    """Say what a record is."""
    choices = "".join(f" `{name}` is {shape}." for name, shape in record.fields if shape.choices)
    return f"What verbs carry as `{record.record[:1].lower()}{record.record[1:]}`.{choices}"


def commented(text: str, prefix: str, width: int = 100) -> str:
    """Return a text as the lines of a comment."""
    return "\n".join(
        textwrap.wrap(
            text, width, initial_indent=prefix, subsequent_indent=prefix, break_long_words=False, break_on_hyphens=False
        )
    )


def listed(
    opening: str, items: Iterable[str], closing: str, *, width: int = 100, indent: str = "", step: str = "    "
) -> str:
    """Return a list in brackets: on one line if it fits, otherwise one item a line with a comma behind each."""
    parts = list(items)
    line = f"{indent}{opening}{', '.join(parts)}{closing}"
    if len(line) <= width or not parts:
        return line
    return "\n".join([f"{indent}{opening}", *(f"{indent}{step}{part}," for part in parts), f"{indent}{closing}"])


def spread(opening: str, items: Iterable[str], closing: str, *, width: int, indent: str) -> str:
    """Return items on one line if they fit, otherwise one a line and the closing behind the last."""
    parts = list(items)
    line = f"{indent}{opening}{', '.join(parts)}{closing}"
    if len(line) <= width or not parts:
        return line
    inner = ",\n".join(f"{indent}    {part}" for part in parts)
    return f"{indent}{opening}\n{inner}{closing}"
