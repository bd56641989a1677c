"""Everything a project says about its sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from harmony.steps.conversion import Converters
from harmony.steps.injection import Providers
from harmony.steps.registry import StepRegistry
from harmony.wire.driver_contract import Contract


@dataclass(frozen=True, slots=True)
class StepLibrary:
    """Everything a project says about its sentences.

    Attributes:
        registry: The step definitions.
        providers: What constructors can ask for.
        converters: How text becomes values.
        contract: The verbs of its drivers, if it has any.
    """

    registry: StepRegistry
    providers: Providers = field(default_factory=Providers)
    converters: Converters = field(default_factory=Converters)
    contract: Contract | None = None
