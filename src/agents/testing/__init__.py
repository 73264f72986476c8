"""Tools for testing agents: a scripted model, a loopback server that speaks the Responses API, a stream checker.

Nothing is imported before it is asked for.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from ._stream_checker import StreamChecker, Violation, check_stream
    from .responses_script import Step
    from .responses_server import ResponsesRequest, ResponsesServer
    from .scripted_errors import InvalidModelStep, ModelScriptError, UnconsumedModelSteps, UnexpectedModelCall
    from .scripted_items import assistant_message, function_call
    from .scripted_model import ScriptedModel
    from .scripted_steps import ModelCall, ModelStep, ModelStepSpec
    from .session_conformance import SessionCheck, check_session, session_checks

__all__ = [
    "InvalidModelStep",
    "ModelCall",
    "ModelScriptError",
    "ModelStep",
    "ModelStepSpec",
    "ResponsesRequest",
    "ResponsesServer",
    "ScriptedModel",
    "SessionCheck",
    "Step",
    "StreamChecker",
    "UnconsumedModelSteps",
    "UnexpectedModelCall",
    "Violation",
    "assistant_message",
    "check_session",
    "check_stream",
    "function_call",
    "session_checks",
]


__getattr__ = lazy_exports(
    __name__,
    globals(),
    {
        "_stream_checker": "StreamChecker Violation",
        "responses_script": "Step",
        "responses_server": "ResponsesRequest ResponsesServer",
        "scripted_errors": "InvalidModelStep ModelScriptError UnconsumedModelSteps UnexpectedModelCall",
        "scripted_items": "assistant_message function_call",
        "scripted_model": "ScriptedModel",
        "scripted_steps": "ModelCall ModelStep ModelStepSpec",
        "session_conformance": "SessionCheck check_session session_checks",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """This package, in which `check_stream` is the function, also once the module of that name is imported."""

    @property
    def check_stream(self) -> Any:
        from ._stream_checker import check_stream

        return check_stream

    @check_stream.setter
    def check_stream(self, value: object) -> None:
        # The import system puts each submodule here; whoever wants the module finds it in `sys.modules`.
        if not isinstance(value, ModuleType):
            raise AttributeError(  # noqa: TRY004 (what setting a read-only attribute raises)
                "agents.testing.check_stream cannot be replaced: replace it where it is used."
            )


sys.modules[__name__].__class__ = _Package
