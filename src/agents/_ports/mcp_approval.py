"""Which calls of an MCP server's tools wait for a person, as `require_approval` says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from typing_extensions import TypedDict

from agents.exceptions import UserError
from agents.run_context import RunContextWrapper
from agents.tool.traits import MaybeAwaitable

__all__ = [
    "ApprovalPolicy",
    "LocalMCPApprovalCallable",
    "RequireApprovalObject",
    "RequireApprovalSetting",
    "RequireApprovalToolList",
]


class RequireApprovalToolList(TypedDict, total=False):
    """Tools, by the names that the server gives them."""

    tool_names: list[str]


class RequireApprovalObject(TypedDict, total=False):
    """Tools whose calls always or never wait; those in neither list do not."""

    always: RequireApprovalToolList
    never: RequireApprovalToolList


LocalMCPApprovalCallable: TypeAlias = Callable[[RunContextWrapper[Any], Any, Any], MaybeAwaitable[bool]]
"""Decides about one call, given the run's context, the agent (`AgentBase`) and the tool (`mcp.Tool`)."""

RequireApprovalSetting: TypeAlias = (
    Literal["always", "never"]
    | bool
    | RequireApprovalObject
    | dict[str, Literal["always", "never"]]
    | LocalMCPApprovalCallable
    | None
)
"""One word for all tools, lists of tools, a word for each tool, or a function. None is "never"."""

_WORDS = {"always": True, "never": False}


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """A checked `require_approval`: a verdict for each tool, one for the rest, or a function that decides."""

    default: bool = False
    tools: tuple[tuple[str, bool], ...] = ()
    function: LocalMCPApprovalCallable | None = None

    def for_tool(self, name: str) -> bool | LocalMCPApprovalCallable:
        """What holds for the tool that the server calls `name`."""
        if self.function is not None:
            return self.function
        return dict(self.tools).get(name, self.default)

    @classmethod
    def of(cls, setting: RequireApprovalSetting) -> ApprovalPolicy:
        """The policy that a setting means.

        Raises:
            UserError: it means none.
        """
        value = cast("object", setting)
        if value is None:
            return cls()
        if isinstance(value, bool):
            return cls(default=value)
        if isinstance(value, str):
            return cls(default=_word(value, "require_approval"))
        if callable(value):
            return cls(function=cast("LocalMCPApprovalCallable", value))
        if not isinstance(value, dict):
            raise UserError(
                "require_approval must be 'always', 'never', a bool, a mapping, a callable or None, "
                f"got {type(value).__name__}"
            )
        given = cast("dict[object, object]", value)
        if given and all(isinstance(entry, dict) for entry in given.values()):
            return cls(tools=_listed(given))
        return cls(
            tools=tuple(
                (str(tool), _word(word, f"require_approval[{tool!r}]")) for tool, word in given.items()
            )
        )


def _word(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in _WORDS:
        raise UserError(f"{where} must be 'always' or 'never', got {value!r}")
    return _WORDS[value]


def _listed(given: dict[object, object]) -> tuple[tuple[str, bool], ...]:
    verdicts: dict[str, bool] = {}
    for word, entry in given.items():
        verdict = _word(word, "A key of require_approval")
        names = cast("dict[str, object]", entry).get("tool_names", [])
        if not isinstance(names, list) or not all(
            isinstance(name, str) for name in cast("list[object]", names)
        ):
            raise UserError(
                f"require_approval[{word!r}]['tool_names'] must be a list of tool names, got {names!r}"
            )
        for name in cast("list[str]", names):
            if verdicts.setdefault(name, verdict) is not verdict:
                raise UserError(f"require_approval lists the tool {name!r} under both 'always' and 'never'")
    return tuple(verdicts.items())
