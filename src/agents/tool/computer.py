"""The computer tool: the model looks at a screen and uses pointer and keyboard, through a computer of the program's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from .._lazy import lazy_module
from ..computer import AsyncComputer, Computer
from ..run_context import RunContextWrapper
from .machine import OnApprovalFunction
from .traits import MaybeAwaitable

if TYPE_CHECKING:
    from openai.types.responses import response_computer_tool_call as _computer_call

    from .. import agent as _agent
else:
    _computer_call = lazy_module("openai.types.responses.response_computer_tool_call")
    _agent = lazy_module("agents.agent")

ComputerT = TypeVar("ComputerT", bound="Computer | AsyncComputer")

ComputerCreate: TypeAlias = Callable[[RunContextWrapper[Any]], Awaitable[ComputerT] | ComputerT]
"""Makes a computer for one run, when it is first needed."""


@dataclass
class ComputerProvider(Generic[ComputerT]):
    """Makes a computer for each run, and puts it away when the run ends or pauses."""

    create: ComputerCreate[ComputerT]
    dispose: Callable[[RunContextWrapper[Any], ComputerT], Awaitable[None] | None] | None = None


ComputerConfig: TypeAlias = ComputerT | ComputerCreate[ComputerT] | ComputerProvider[ComputerT]
"""A computer that is there, or how to make one for each run."""


@dataclass
class ComputerToolSafetyCheckData:
    """What `on_safety_check` gets: one thing that the model's server wants somebody to know before going on."""

    ctx_wrapper: RunContextWrapper[Any]
    agent: _agent.Agent[Any]
    tool_call: _computer_call.ResponseComputerToolCall
    safety_check: _computer_call.PendingSafetyCheck


ComputerApprovalFunction: TypeAlias = Callable[
    [RunContextWrapper[Any], list[dict[str, Any]], str], MaybeAwaitable[bool]
]
"""Whether a call waits for a decision: given the context, the actions and the call's id."""


@dataclass(eq=False)
class ComputerTool(Generic[ComputerT]):
    """Lets the model use a computer. Each call is answered with a picture of the screen as it is afterwards.

    An exception of the computer's driver ends the run: a picture could not tell the model of it. Calls of one response
    run one after the other.
    """

    computer: ComputerConfig[ComputerT]

    on_safety_check: Callable[[ComputerToolSafetyCheckData], MaybeAwaitable[bool]] | None = None
    """Acknowledges what the server wants checked: False ends the run. Without one such a call waits for a decision
    of its own, a standing one is not enough, and approving it acknowledges."""

    needs_approval: bool | ComputerApprovalFunction = field(default=False, kw_only=True)
    """Whether a call waits for a decision, or a function that says so. The model of a rejected one is shown an empty
    picture: it can be told nothing."""

    on_approval: OnApprovalFunction | None = field(default=None, kw_only=True)
    """Decides about the calls that need it; without one they pause the run."""

    @property
    def name(self) -> str:
        """What hooks, traces and decisions call it."""
        return "computer_use_preview"
