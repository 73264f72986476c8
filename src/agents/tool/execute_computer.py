"""Performing calls of a computer tool: safety checks, the actions in order, and a picture of what came of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from .._core import history
from .._lazy import lazy_module
from ..computer import AsyncComputer, Computer
from ..exceptions import UserError
from ..tool_context import ToolContext
from .attempt import called
from .computer import ComputerTool, ComputerToolSafetyCheckData
from .failures import ToolOutcome
from .machine import read_action

if TYPE_CHECKING:
    from openai.types.responses import response_computer_tool_call as _computer_call
else:
    _computer_call = lazy_module("openai.types.responses.response_computer_tool_call")


class _Pointed(msgspec.Struct, tag_field="type"):
    """An action at a position, with keys that are held meanwhile."""

    x: int
    y: int
    keys: list[str] | None = None


class Click(_Pointed, tag="click", kw_only=True):
    """Click a button once."""

    button: Literal["left", "right", "wheel", "back", "forward"] = "left"


class DoubleClick(_Pointed, tag="double_click"):
    """Click the left button twice."""


class Move(_Pointed, tag="move"):
    """Move the pointer."""


class Scroll(_Pointed, tag="scroll", kw_only=True):
    """Scroll by so many pixels."""

    scroll_x: int = 0
    scroll_y: int = 0


class Position(msgspec.Struct):
    """A position on the screen."""

    x: int
    y: int


class Drag(msgspec.Struct, tag_field="type", tag="drag"):
    """Press, move along a path, let go."""

    path: list[Position]
    keys: list[str] | None = None


class Keypress(msgspec.Struct, tag_field="type", tag="keypress"):
    """Press keys together."""

    keys: list[str]


class Type(msgspec.Struct, tag_field="type", tag="type"):
    """Type a text."""

    text: str


class Wait(msgspec.Struct, tag_field="type", tag="wait"):
    """Wait a moment."""


class Screenshot(msgspec.Struct, tag_field="type", tag="screenshot"):
    """Look at the screen."""


Action: TypeAlias = Click | DoubleClick | Move | Scroll | Drag | Keypress | Type | Wait | Screenshot


class SafetyCheck(msgspec.Struct):
    """What the server wants somebody to know."""

    id: str
    code: str | None = None
    message: str | None = None


class ComputerActions(msgspec.Struct):
    """What a call asks for."""

    actions: list[Action]
    pending_safety_checks: list[SafetyCheck] = []


async def execute_computer_tool(
    tool: ComputerTool[Any],
    computer: Computer | AsyncComputer,
    context: ToolContext[Any],
    arguments: str,
    checks: list[SafetyCheck],
) -> ToolOutcome:
    """Perform a call for a run: the picture that the model gets.

    Args:
        tool: What is called.
        computer: What it drives.
        context: That of the call.
        arguments: The actions, which somebody may have edited.
        checks: What the server wants checked: the item says so, whatever was edited.

    Raises:
        CancelledError: the run was cancelled.
        ModelBehaviorError: the call cannot be read.
        UserError: a safety check was not acknowledged, or the computer cannot do what an action asks.
        Exception: what the computer raised.
    """
    request = read_action("computer", arguments, ComputerActions)
    await _acknowledge(tool, context, checks)
    for action in request.actions:
        await _act(computer, context, action)
    picture: object = await called(computer.screenshot, context)
    if not isinstance(picture, str):
        raise UserError(
            f"screenshot() returns a PNG in base64, or the URL of a picture, got {type(picture).__name__}"
        )
    answer = history.screen_output(context.tool_call_id, picture)
    if checks:
        answer["acknowledged_safety_checks"] = [
            {name: value for name, value in msgspec.to_builtins(check).items() if value is not None}
            for check in checks
        ]
    return ToolOutcome.of_answer(answer)


async def _acknowledge(tool: ComputerTool[Any], context: ToolContext[Any], checks: list[SafetyCheck]) -> None:
    """Ask the program about each check; where it has no function for that, the call was approved by a person."""
    ask = tool.on_safety_check
    if ask is None:
        return
    for check in checks:
        shown = _computer_call.PendingSafetyCheck.construct(**msgspec.to_builtins(check))
        agent, call = context.agent, context.tool_call
        data = ComputerToolSafetyCheckData(context, agent, call, shown)  # pyright: ignore[reportArgumentType]
        verdict: object = ask(data)
        if inspect.isawaitable(verdict):
            verdict = await verdict
        if verdict is not True:
            raise UserError(
                f"Computer tool safety check was not acknowledged: {check.code or check.id}: {check.message}"
            )


async def _act(computer: Computer | AsyncComputer, context: ToolContext[Any], action: Action) -> None:
    match action:
        case Click(x=x, y=y, button=button, keys=keys):
            await _pointed(computer.click, context, keys, x, y, button)
        case DoubleClick(x=x, y=y, keys=keys):
            await _pointed(computer.double_click, context, keys, x, y)
        case Move(x=x, y=y, keys=keys):
            await _pointed(computer.move, context, keys, x, y)
        case Scroll(x=x, y=y, keys=keys):
            await _pointed(computer.scroll, context, keys, x, y, action.scroll_x, action.scroll_y)
        case Drag(path=path, keys=keys):
            await _pointed(computer.drag, context, keys, [(position.x, position.y) for position in path])
        case Keypress(keys=keys):
            await called(computer.keypress, context, keys)
        case Type(text=text):
            await called(computer.type, context, text)
        case Wait():
            await called(computer.wait, context)
        case Screenshot():
            # Every call is answered with one.
            pass


async def _pointed(
    method: Callable[..., Any], context: ToolContext[Any], keys: list[str] | None, *arguments: Any
) -> None:
    if not keys:
        await called(method, context, *arguments)
        return
    parameters = inspect.signature(method).parameters
    takes_keys = "keys" in parameters or any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()
    )
    if not takes_keys:
        name = method.__name__
        raise UserError(
            f"the model holds {'+'.join(keys)} during a {name}, and {name}() of the computer takes no `keys`: add that "
            "parameter to it"
        )
    await called(method, context, *arguments, keys=keys)
