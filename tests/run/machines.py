"""Scripted calls of tools that act on a machine, and what they act on."""

from __future__ import annotations

import base64
import threading
from typing import Any

from openai.types import responses as rt
from openai.types.responses.response_output_item import LocalShellCall, McpApprovalRequest

from agents import Agent, ApplyPatchOperation, Button, Computer, Runner
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


def custom_call(name: str, text: str, call_id: str = "c1") -> rt.ResponseCustomToolCall:
    return rt.ResponseCustomToolCall(type="custom_tool_call", name=name, input=text, call_id=call_id)


def mcp_request(label: str, name: str, request_id: str) -> McpApprovalRequest:
    return McpApprovalRequest(
        id=request_id, type="mcp_approval_request", server_label=label, name=name, arguments="{}"
    )


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


class Screen(Computer):
    """A computer that notes what is done to it; its picture says how much that was."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.threads: set[int] = set()

    def _note(self, *deed: Any) -> None:
        self.done.append(deed)
        self.threads.add(threading.get_ident())

    def screenshot(self) -> str:
        return base64.b64encode(f"after {len(self.done)}".encode()).decode()

    def click(self, x: int, y: int, button: Button) -> None:
        self._note("click", x, y, button)

    def double_click(self, x: int, y: int, keys: list[str] | None = None) -> None:
        self._note("double_click", x, y, keys)

    def scroll(self, x: int, y: int, scroll_x: int, scroll_y: int) -> None:
        self._note("scroll", x, y, scroll_x, scroll_y)

    def type(self, text: str) -> None:
        self._note("type", text)

    def wait(self) -> None:
        self._note("wait")

    def move(self, x: int, y: int) -> None:
        self._note("move", x, y)

    def keypress(self, keys: list[str]) -> None:
        self._note("keypress", keys)

    def drag(self, path: list[tuple[int, int]]) -> None:
        self._note("drag", path)
