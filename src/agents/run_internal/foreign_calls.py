"""The calls in run states that the `openai-agents` package wrote: which of a response's items they are, and how they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents._core import facts as f
from agents.exceptions import UserError
from agents.util.function_name import qualified_name

from .environment import hosted_call_name
from .interpret import MACHINE_KINDS, asked_of_machine

#: Calls that the model's server may answer itself, or have asked for in vain: they are ours where the state says so.
PERHAPS_OURS = frozenset({"shell_call", "mcp_approval_request"})

_OURS = frozenset({"function_call", "custom_tool_call", *MACHINE_KINDS}) - PERHAPS_OURS


def is_call(raw: Mapping[str, Any], ours: set[str]) -> bool:
    """Whether an item is a call for the run to settle; `ours` are the ids that the state names elsewhere."""
    kind = raw.get("type")
    if kind in PERHAPS_OURS:
        return raw.get("id" if kind == "mcp_approval_request" else "call_id") in ours
    return kind in _OURS


def read_call(raw: Mapping[str, Any], *, tool_name: str | None, needs_approval: bool) -> f.Call:
    """A call that is no handoff.

    Raises:
        UserError: it lacks what every call of its kind has.
    """
    kind = raw.get("type")
    match kind:
        case "function_call":
            call_id, name, arguments = (raw.get(key) for key in ("call_id", "name", "arguments"))
            form: f.CallForm = "function"
        case "custom_tool_call":
            call_id, name, arguments = (raw.get(key) for key in ("call_id", "name", "input"))
            form = "custom"
        case "mcp_approval_request":
            call_id, name, arguments = (raw.get(key) for key in ("id", "name", "arguments"))
            form = "mcp"
        case _:
            form = MACHINE_KINDS[str(kind)][0]
            call_id, name, arguments = raw.get("call_id"), tool_name or form, asked_of_machine(raw)
    if not (isinstance(call_id, str) and call_id and isinstance(name, str) and isinstance(arguments, str)):
        raise UserError(
            f"the run state is damaged: a {kind} needs call_id, name and arguments, this one has "
            f"{call_id!r}, {name!r} and {type(arguments).__name__}"
        )
    if form == "mcp":
        name = hosted_call_name(raw.get("server_label"), name)
        return f.Call(f.CallId(call_id), "hosted", name, arguments, needs_approval=True, form=form)
    name = qualified_name(name, raw.get("namespace")) if form == "function" else name
    return f.Call(f.CallId(call_id), "function", name, arguments, needs_approval=needs_approval, form=form)


_SHELL_OUTPUT = frozenset({"type", "call_id", "output", "max_output_length", "caller"})


def sent_output(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An output as the model is sent it: that package keeps more beside those of a shell, and leaves it out there."""
    if raw.get("type") != "shell_call_output":
        return dict(raw)
    return {key: value for key, value in raw.items() if key in _SHELL_OUTPUT}
