"""Scripted calls of tools that act on a machine, and what they act on."""

from __future__ import annotations

from typing import Any

from openai.types import responses as rt
from openai.types.responses.response_output_item import LocalShellCall

from agents import Agent, ApplyPatchOperation, Runner
from agents.testing import ScriptedModel
from run.scripts import UNTRACED


def played(*steps: Any, tools: list[Any], **fields: Any) -> tuple[Agent[Any], ScriptedModel]:
    """An agent with tools, and the model that plays its steps."""
    model = ScriptedModel([*steps])
    return Agent("a", model=model, tools=tools, **fields), model


async def run(agent: Agent[Any], input: Any = "Hi", **options: Any) -> Any:
    return await Runner.run(agent, input, run_config=UNTRACED, **options)


def last_answer(model: ScriptedModel) -> Any:
    """The last item that the model was sent."""
    given: Any = model.calls[-1].input
    return given[-1]


def shell_call(*commands: str, call_id: str = "c1", **limits: int) -> rt.ResponseFunctionShellToolCall:
    action: Any = {"commands": list(commands), **limits}
    return rt.ResponseFunctionShellToolCall(
        id=f"sh_{call_id}", type="shell_call", call_id=call_id, status="completed", action=action
    )


def local_call(*command: str, call_id: str = "c1") -> LocalShellCall:
    action: Any = {"type": "exec", "command": list(command), "env": {}}
    return LocalShellCall(
        id="lsh_1", type="local_shell_call", call_id=call_id, status="completed", action=action
    )


def patch(kind: str, path: str, diff: str | None, call_id: str = "c1") -> rt.ResponseApplyPatchToolCall:
    operation: Any = {"type": kind, "path": path, **({} if diff is None else {"diff": diff})}
    return rt.ResponseApplyPatchToolCall(
        id=f"ap_{call_id}", type="apply_patch_call", call_id=call_id, status="completed", operation=operation
    )


def computer_call(
    *actions: dict[str, Any], call_id: str = "c1", checks: tuple[dict[str, str], ...] = (), **fields: Any
) -> rt.ResponseComputerToolCall:
    """A call of several actions; `action=` makes one of the first form."""
    item = {
        "id": f"cu_{call_id}",
        "type": "computer_call",
        "call_id": call_id,
        "status": "completed",
        "pending_safety_checks": list(checks),
        **({"actions": list(actions)} if actions else {}),
        **fields,
    }
    return rt.ResponseComputerToolCall.model_validate(item)


class Editor:
    """Keeps what it was asked to do."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def _note(self, operation: ApplyPatchOperation) -> None:
        self.done.append(f"{operation.type} {operation.path} {operation.diff}")

    async def create_file(self, operation: ApplyPatchOperation) -> Any:
        self._note(operation)
        return "made"

    def update_file(self, operation: ApplyPatchOperation) -> Any:
        self._note(operation)
        return "changed"

    def delete_file(self, operation: ApplyPatchOperation) -> Any:
        self._note(operation)
        return "gone"
