"""What the package knows about a function tool beside its public fields."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from .._lazy import lazy_module
from ..run_context import RunContextWrapper
from .origin import ToolOrigin, ToolOriginType

if TYPE_CHECKING:
    import pydantic as _pydantic
else:
    _pydantic = lazy_module("pydantic")

_Value = TypeVar("_Value")

MaybeAwaitable: TypeAlias = Awaitable[_Value] | _Value
"""What a function that may or may not be async returns."""

ToolErrorFunction: TypeAlias = Callable[[RunContextWrapper[Any], Exception], MaybeAwaitable[str]]
"""Turns the exception of a tool into the text that the model gets instead of an output."""


class Unset(enum.Enum):
    """The value of a setting that nobody set, where None means something."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True)
class ToolTraits:
    """Where a tool comes from, how its failures are told, which namespace it is in.

    Immutable: whoever changes a trait gives the tool new ones, so that copies of
    the tool keep theirs.
    """

    failure_error_function: ToolErrorFunction | Unset | None = UNSET
    """Set by the tool's author; None means: raise. Unset ones ask the run's formatter."""

    namespace: str | None = None
    namespace_description: str | None = None
    origin: ToolOrigin = field(default=ToolOrigin(ToolOriginType.FUNCTION))

    title: str | None = None
    """What a person sees, for tools whose listing has a title."""

    annotations: Any = None
    """The annotations of an MCP listing, as the `mcp` package has them."""

    binding: tuple[str, ...] | None = None
    """What tells apart MCP tools of one name: where calls really go."""

    agent: Any = field(default=None, compare=False)
    """The agent behind the tool, for `Agent.as_tool`."""

    agent_run_config: Any = field(default=None, compare=False)
    """The settings of that agent's runs, where they are not those of the run that calls it."""

    output_adapter: _pydantic.TypeAdapter[Any] | None = field(default=None, compare=False)
    """Checks outputs against the declared type."""

    def __deepcopy__(self, memo: dict[int, Any]) -> ToolTraits:
        """Itself: a copied tool stands for the same agent, server and functions."""
        return self
