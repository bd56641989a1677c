"""A driver in a process of its own: performs verbs that come over stdin and answers on stdout.

In local mode, scenarios that kill a process start ``python -m step_definitions.child LIBRARY``. All but finding and
checking verbs is harmony's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import pydantic

from harmony import driver_kit
from step_definitions.dispatcher import Dispatcher
from step_definitions.library import load
from step_definitions.port import CONTRACT, DriverError


def performed_by(dispatcher: Dispatcher) -> driver_kit.Perform:
    """Return what performs a verb by a dispatcher, with the parameters that the contract names."""

    def perform(name: str, given: Mapping[str, Any], request: int | str | None) -> Any:
        verb = CONTRACT.verbs.get(name)
        if verb is None:
            raise NotImplementedError(f"there is no verb {name!r}")
        params = {key: value for key, value in given.items() if key in verb.parameters}
        try:
            verb.params.validate_json(json.dumps(params), strict=True)
            return dispatcher.perform(name, params, request or 0)
        except pydantic.ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise driver_kit.Misfit(f"{name}: {wrong}") from error
        except DriverError as error:
            raise driver_kit.Refused(error.code, error.message, **error.details) from error

    return perform


def main(arguments: list[str]) -> None:
    """Serve until stdin ends or SIGTERM comes, then close all that is open.

    Args:
        arguments: The library, and the numbers of the user and group to become, if any.
    """
    dispatcher = Dispatcher(load(arguments[0]))
    if len(arguments) > 1:
        user = int(arguments[1])
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    driver_kit.serve_calls(performed_by(dispatcher), dispatcher.close)


if __name__ == "__main__":
    main(sys.argv[1:])
