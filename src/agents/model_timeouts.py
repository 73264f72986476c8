"""Limits on the parts of a model call, beside the one on the whole of it (`ModelSettings.timeout`)."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from .util._field_values import validated_value

__all__ = ["ModelTimeouts"]


@dataclass(kw_only=True)
class ModelTimeouts:
    """How long parts of a model call may take, in seconds; None is no limit of the run's own.

    A limit that is passed ends the call with `ModelTimeoutError`, which retry
    policies take for a time-out.

    Raises:
        pydantic.ValidationError: a limit is no number, or not positive and finite.
    """

    connect: float | None = None
    """Until the connection stands; None leaves it to the client, whose error it is."""

    first_event: float | None = None
    """From the request to the first event of a streamed response."""

    between_events: float | None = None
    """From each event of a streamed response to the next one."""

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            value: object = getattr(self, one.name)
            if value is None or (type(value) is float and value > 0 and math.isfinite(value)):
                continue
            import pydantic

            setattr(
                self,
                one.name,
                validated_value("ModelTimeouts", one.name, value, pydantic.FiniteFloat, gt=0),
            )

    def resolve(self, override: ModelTimeouts) -> ModelTimeouts:
        """New limits: these, with those that `override` sets in their place."""
        changed = {name: value for name, value in vars(override).items() if value is not None}
        return dataclasses.replace(self, **changed)

    def to_json_dict(self) -> dict[str, Any]:
        """The limits as JSON values, unset ones as None."""
        return dict(vars(self))
