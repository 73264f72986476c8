"""Tools for testing agents: a scripted model, and a loopback server that speaks the Responses API.

Nothing is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .responses_script import Step
    from .responses_server import ResponsesRequest, ResponsesServer
    from .scripted_errors import InvalidModelStep, ModelScriptError, UnconsumedModelSteps, UnexpectedModelCall
    from .scripted_items import assistant_message, function_call
    from .scripted_model import ScriptedModel
    from .scripted_steps import ModelCall, ModelStep, ModelStepSpec

__all__ = [
    "InvalidModelStep",
    "ModelCall",
    "ModelScriptError",
    "ModelStep",
    "ModelStepSpec",
    "ResponsesRequest",
    "ResponsesServer",
    "ScriptedModel",
    "Step",
    "UnconsumedModelSteps",
    "UnexpectedModelCall",
    "assistant_message",
    "function_call",
]


__getattr__ = lazy_exports(
    __name__,
    globals(),
    {
        "responses_script": "Step",
        "responses_server": "ResponsesRequest ResponsesServer",
        "scripted_errors": "InvalidModelStep ModelScriptError UnconsumedModelSteps UnexpectedModelCall",
        "scripted_items": "assistant_message function_call",
        "scripted_model": "ScriptedModel",
        "scripted_steps": "ModelCall ModelStep ModelStepSpec",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
