"""Tools for testing agents: a scripted model, and a loopback server that speaks the Responses API.

Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .responses_server import ResponsesServer
    from .scripted_errors import InvalidModelStep, ModelScriptError, UnconsumedModelSteps, UnexpectedModelCall
    from .scripted_items import assistant_message, function_call
    from .scripted_model import ScriptedModel
    from .scripted_steps import ModelCall, ModelStep, ModelStepSpec

_HOMES = {
    "InvalidModelStep": "scripted_errors",
    "ModelCall": "scripted_steps",
    "ModelScriptError": "scripted_errors",
    "ModelStep": "scripted_steps",
    "ModelStepSpec": "scripted_steps",
    "ResponsesServer": "responses_server",
    "ScriptedModel": "scripted_model",
    "UnconsumedModelSteps": "scripted_errors",
    "UnexpectedModelCall": "scripted_errors",
    "assistant_message": "scripted_items",
    "function_call": "scripted_items",
}

__all__ = [
    "InvalidModelStep",
    "ModelCall",
    "ModelScriptError",
    "ModelStep",
    "ModelStepSpec",
    "ResponsesServer",
    "ScriptedModel",
    "UnconsumedModelSteps",
    "UnexpectedModelCall",
    "assistant_message",
    "function_call",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
