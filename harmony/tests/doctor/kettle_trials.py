"""Trials of the kettle: the doctor knows no subject."""

from __future__ import annotations

from harmony.doctor.check_context import Ward
from harmony.doctor.finding import expect
from harmony.doctor.trial import Trials, refusal, trial
from harmony.doctor.verbs import refused


@trial("boil", "warms", "the water gets hot", why="Tea.")
async def _boil(ward: Ward) -> None:
    patient = await ward.patient()
    expect("the last degrees", (await patient.call("boil", {"cups": 1, "timeout": 1.0}, 1.0))[-1], 100.0)


@refusal("boil", "dry", "too many cups are refused", why="Tea for some is worse than tea for none.")
async def _boil_dry(ward: Ward) -> None:
    patient = await ward.patient()
    await refused(patient.call("boil", {"cups": 6, "timeout": 1.0}, 1.0), "dry")


@trial("whistle", "heard", "it can be heard", why="Nobody looks.")
async def _whistle(ward: Ward) -> None:
    await (await ward.patient()).call("whistle", {"timeout": 1.0}, 1.0)


TRIALS = Trials((_boil, _boil_dry, _whistle))
