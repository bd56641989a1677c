"""Checks of the kettle: the doctor knows no subject."""

from __future__ import annotations

from harmony.doctor import CheckContext, DriverChecks, driver_check, expect, refusal, refused


@driver_check("boil", "warms", "the water gets hot", why="Tea.")
async def _boil(context: CheckContext) -> None:
    probe = await context.probe()
    expect("the last degrees", (await probe.call("boil", {"cups": 1, "timeout": 1.0}, 1.0))[-1], 100.0)


@refusal("boil", "dry", "too many cups are refused", why="Tea for some is worse than tea for none.")
async def _boil_dry(context: CheckContext) -> None:
    probe = await context.probe()
    await refused(probe.call("boil", {"cups": 6, "timeout": 1.0}, 1.0), "dry")


@driver_check("whistle", "heard", "it can be heard", why="Nobody looks.")
async def _whistle(context: CheckContext) -> None:
    await (await context.probe()).call("whistle", {"timeout": 1.0}, 1.0)


CHECKS = DriverChecks((_boil, _boil_dry, _whistle))
