"""Values that one role yields and another needs, such as the address of a server."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

import pydantic
from pydantic_core import PydanticSerializationError, to_jsonable_python

from harmony.errors import ExitCode, HarmonyError
from harmony.model import ScenarioStart
from harmony.text import shown

Value = TypeVar("Value")
_LONGEST: Final = 80


class SharedValueError(HarmonyError):
    """A value that one role needs is not there, or is another one than it must be.

    Way out: publish it in an earlier step, under the name and with the type that the other role asks for.
    """

    code = "shared_value"
    exit_code = ExitCode.FAILED


class SharedValues:
    """What the roles of a scenario tell each other; a role sees from its next step on what another has published.

    Values travel as JSON, as roles may be processes.

    Args:
        start: Of the scenario; says whose values are published.
    """

    def __init__(self, start: ScenarioStart) -> None:
        self._start = start

    def publish(self, name: str, value: Any) -> None:
        """Tell the other roles a value of this one; a later value of the same name takes its place.

        Raises:
            SharedValueError: It is not plain data, nor a record of it.
        """
        try:
            plain = json.loads(json.dumps(to_jsonable_python(value)))
        except (PydanticSerializationError, ValueError, TypeError) as error:
            text = f"{name!r} of {self._start.role!r} cannot be published: {error}"
            raise SharedValueError(text, hint="publish numbers, text, lists or records of them") from error
        self._start.values.publish(self._start.role, name, plain)

    def of(self, role: str, name: str, type_: type[Value]) -> Value:
        """Return a value that a role has published.

        Args:
            role: Whose.
            name: Which.
            type_: What it must be, to the letter: a text is no number.

        Raises:
            SharedValueError: It was not published in an earlier step, or is something else.
        """
        values = self._start.values.all()
        if name not in values.get(role, {}):
            known = [f"{one!r} of {whose!r}" for whose, names in sorted(values.items()) for one in names]
            raise SharedValueError(
                f"{role!r} has not published {name!r}; published so far: {', '.join(known) or 'nothing'}",
                hint=f"a step of {role!r} before this one publishes it: values.publish({name!r}, …)",
            )
        plain = values[role][name]
        try:
            return pydantic.TypeAdapter(type_).validate_json(json.dumps(plain), strict=True)
        except pydantic.ValidationError as error:
            reasons = "; ".join(one["msg"] for one in error.errors(include_url=False))
            said = shown(repr(plain), _LONGEST)
            text = f"{name!r} of {role!r} is {said}, which is no {getattr(type_, '__name__', type_)}: {reasons}"
            raise SharedValueError(text, hint="ask for the type of what is published") from None
