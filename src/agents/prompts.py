"""Prompts stored on the server: named by id, with a version and variables."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NotRequired, TypeAlias, cast

from typing_extensions import TypedDict

from ._lazy import lazy_module
from .exceptions import UserError
from .run_context import RunContextWrapper

if TYPE_CHECKING:
    from openai.types import responses as _rt
    from openai.types.responses import response_prompt_param as _prompt_param

    from . import agent as _agent
else:
    _rt = lazy_module("openai.types.responses")
    _prompt_param = lazy_module("openai.types.responses.response_prompt_param")
    _agent = lazy_module("agents.agent")


class Prompt(TypedDict):
    """A prompt of the server's, given as an agent's `prompt`."""

    id: str
    """The prompt's id on the server."""

    version: NotRequired[str]
    """The version to use; the newest when absent."""

    variables: NotRequired[dict[str, _prompt_param.Variables]]
    """What to put in the prompt's placeholders."""


@dataclass
class GenerateDynamicPromptData:
    """What a dynamic prompt function gets."""

    context: RunContextWrapper[Any]
    agent: _agent.Agent[Any]


DynamicPromptFunction: TypeAlias = Callable[[GenerateDynamicPromptData], Awaitable[Prompt] | Prompt]
"""Makes an agent's prompt anew for every model call; may be async."""


class PromptUtil:
    """Turns an agent's `prompt` into what a request carries."""

    @staticmethod
    async def to_model_input(
        prompt: Prompt | DynamicPromptFunction | None,
        context: RunContextWrapper[Any],
        agent: _agent.Agent[Any],
    ) -> _rt.ResponsePromptParam | None:
        """Resolve `prompt` to its id, version and variables; the last two None when absent.

        Raises:
            UserError: a prompt function gave no dict, or there is no prompt id.
            Exception: whatever the prompt function raises.
        """
        if prompt is None:
            return None
        fields = prompt
        if callable(fields):
            fields = fields(GenerateDynamicPromptData(context=context, agent=agent))
            if inspect.isawaitable(fields):
                fields = await fields
            if not isinstance(cast("object", fields), dict):
                raise UserError("Dynamic prompt function must return a Prompt")
        if "id" not in fields:
            raise UserError(f"A prompt needs the `id` of a prompt on the server, got {fields!r}")
        return {
            "id": fields["id"],
            "version": fields.get("version"),
            "variables": fields.get("variables"),
        }
