"""Shell tools: the model writes commands, an executor of the program's runs them, here or where it likes.

With a container as its environment, a `ShellTool` is the server's, and nothing runs here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from .._lazy import lazy_module
from ..exceptions import UserError
from ..run_context import RunContextWrapper
from .machine import OnApprovalFunction, OnApprovalResult
from .programmatic import ToolCaller, check_allowed_callers
from .traits import MaybeAwaitable

if TYPE_CHECKING:
    from openai.types.responses import response_output_item as _output_item
else:
    _output_item = lazy_module("openai.types.responses.response_output_item")

ShellOnApprovalFunction: TypeAlias = OnApprovalFunction
ShellOnApprovalFunctionResult: TypeAlias = OnApprovalResult

ShellToolEnvironment: TypeAlias = Mapping[str, Any]
"""Where the commands run, as the API takes it: `{"type": "local"}`, `container_auto`, `container_reference`."""


@dataclass
class ShellActionRequest:
    """What the model wants to be run."""

    commands: list[str]
    """Command lines, in order."""

    timeout_ms: int | None = None
    """How long they may take, in milliseconds, where the model says so."""

    max_output_length: int | None = None
    """How many characters of output the model wants at most; what is above is cut off."""


@dataclass
class ShellCallData:
    """One call."""

    call_id: str
    action: ShellActionRequest
    status: Literal["in_progress", "completed"] | None = None
    raw: Any | None = None
    """The item as the model's response holds it."""


@dataclass
class ShellCommandRequest:
    """What an executor gets."""

    ctx_wrapper: RunContextWrapper[Any]
    data: ShellCallData


@dataclass
class ShellCallOutcome:
    """How a command ended."""

    type: Literal["exit", "timeout"]
    exit_code: int | None = None


def _success() -> ShellCallOutcome:
    return ShellCallOutcome("exit", 0)


@dataclass
class ShellCommandOutput:
    """What a command wrote, and how it ended."""

    stdout: str = ""
    stderr: str = ""
    outcome: ShellCallOutcome = field(default_factory=_success)
    command: str | None = None
    """The command, for the program's own use: it is not sent."""

    provider_data: dict[str, Any] | None = None
    """For the program's own use: it is not sent."""

    @property
    def exit_code(self) -> int | None:
        """The exit code; None where there is none."""
        return self.outcome.exit_code

    @property
    def status(self) -> Literal["completed", "timeout"]:
        """Whether it came to its end."""
        return "timeout" if self.outcome.type == "timeout" else "completed"


@dataclass
class ShellResult:
    """What a call came to: an output for each command that was run."""

    output: list[ShellCommandOutput]
    max_output_length: int | None = None
    """Overrides what the model asked for."""

    provider_data: dict[str, Any] | None = None
    """Kept beside the output item; no model sees it."""


ShellExecutor: TypeAlias = Callable[[ShellCommandRequest], MaybeAwaitable[str | ShellResult]]
"""Runs the commands. A text stands for the standard output of a success; a sync executor runs in a thread."""

ShellApprovalFunction: TypeAlias = Callable[
    [RunContextWrapper[Any], ShellActionRequest, str], MaybeAwaitable[bool]
]
"""Whether a call waits for a decision: given the context, the action and the call's id."""


@dataclass
class ShellTool:
    """Lets the model run commands, through an executor; or on the server, where its environment is a container.

    An exception of the executor becomes the call's output: its text with exit code 1, unless
    `RunConfig.tool_error_formatter` makes another. Calls of one response run one after the other.

    Raises:
        UserError: there is no executor where one is needed, or one, or an approval, where the server runs the commands.
    """

    executor: ShellExecutor | None = None
    name: str = "shell"
    """What hooks, traces and decisions call it."""

    needs_approval: bool | ShellApprovalFunction = False
    """Whether a call waits for a decision, or a function that says so."""

    on_approval: ShellOnApprovalFunction | None = None
    """Decides about the calls that need it; without one they pause the run."""

    environment: ShellToolEnvironment | None = None
    """Where the commands run; None is local."""

    allowed_callers: list[ToolCaller] | None = field(default=None, kw_only=True)
    """Who may call it: the model itself, programs that it writes, or both."""

    def __post_init__(self) -> None:
        check_allowed_callers(self.name, self.allowed_callers)
        environment = {"type": "local"} if self.environment is None else dict(self.environment)
        self.environment = environment
        if self.is_local:
            if self.executor is None:
                raise UserError(
                    "ShellTool in the local environment needs an executor: what runs the commands."
                )
            return
        kind = environment.get("type")
        if self.executor is not None:
            raise UserError(f"ShellTool with the hosted environment {kind!r} does not accept an executor.")
        if self.needs_approval is not False or self.on_approval is not None:
            raise UserError(
                f"ShellTool with the hosted environment {kind!r} does not support needs_approval or on_approval."
            )

    @property
    def type(self) -> str:
        """The kind of tool, as the API has it."""
        return "shell"

    @property
    def is_local(self) -> bool:
        """Whether the commands are run by the executor, and not by the server."""
        return cast("ShellToolEnvironment", self.environment).get("type") == "local"


@dataclass
class LocalShellCommandRequest:
    """What an executor of a `LocalShellTool` gets."""

    ctx_wrapper: RunContextWrapper[Any]
    data: _output_item.LocalShellCall
    """The call: `data.action` has command, env, working_directory and timeout_ms."""


LocalShellExecutor: TypeAlias = Callable[[LocalShellCommandRequest], MaybeAwaitable[str]]
"""Runs a command, and returns what it wrote; a sync executor runs in a thread."""

LocalShellApprovalFunction: TypeAlias = Callable[
    [RunContextWrapper[Any], "_output_item.LocalShellCall", str], MaybeAwaitable[bool]
]
"""Whether a call waits for a decision: given the context, the call and its id."""


@dataclass
class LocalShellTool:
    """The local shell of older models (`codex-mini-latest`): one command, as a list of arguments."""

    executor: LocalShellExecutor
    needs_approval: bool | LocalShellApprovalFunction = field(default=False, kw_only=True)
    """Whether a call waits for a decision, or a function that says so."""

    on_approval: OnApprovalFunction | None = field(default=None, kw_only=True)
    """Decides about the calls that need it; without one they pause the run."""

    @property
    def name(self) -> str:
        """What hooks, traces and decisions call it."""
        return "local_shell"
