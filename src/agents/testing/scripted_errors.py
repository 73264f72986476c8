"""What can be wrong with a model script: a step that is none, a call too many, a step left over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agents._lazy import lazy_module

if TYPE_CHECKING:
    from . import scripted_steps as _steps
else:
    _steps = lazy_module("agents.testing.scripted_steps")

ModelStepReason = Literal[
    "invalid_input",
    "unsupported_field",
    "invalid_error",
    "invalid_responder",
    "invalid_stream_events",
    "invalid_retry_advice",
    "conflicting_outcomes",
]
"""What is wrong with a step, for programs."""


class ModelScriptError(Exception):
    """The script of a `ScriptedModel` and the test do not fit together: mend the test."""


class InvalidModelStep(ModelScriptError):
    """A step is none that a script can have; no step of the same call was added.

    `reason` says why, `input_index` which of the steps it was, counted from 0.
    """

    def __init__(self, message: str, *, reason: ModelStepReason, input_index: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.input_index = input_index


class UnexpectedModelCall(ModelScriptError):
    """The model was called after its last step.

    `call` is what it was asked; `call_index` counts calls from 0. Add a step, or find out why the run went on.
    """

    def __init__(self, message: str, *, call: _steps.ModelCall, call_index: int) -> None:
        super().__init__(message)
        self.call = call
        self.call_index = call_index


class UnconsumedModelSteps(ModelScriptError):
    """`assert_complete` found steps that no call took; `remaining_steps` says how many."""

    def __init__(self, message: str, *, remaining_steps: int) -> None:
        super().__init__(message)
        self.remaining_steps = remaining_steps
