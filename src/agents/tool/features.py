"""What a function tool asks for that only the Responses API has."""

from __future__ import annotations

from typing import Any

from ..exceptions import UserError
from .function import FunctionTool


def get_function_tool_responses_only_features(tool: FunctionTool) -> tuple[str, ...]:
    """The names of those features that the tool uses, as its author writes them."""
    features = {
        "tool_namespace()": tool.traits.namespace is not None,
        "defer_loading=True": tool.defer_loading,
        "allowed_callers": tool.allowed_callers is not None,
        "output_json_schema": tool.output_json_schema is not None,
    }
    return tuple(name for name, is_used in features.items() if is_used)


def ensure_function_tool_supports_responses_only_features(tool: FunctionTool, *, backend_name: str) -> None:
    """Refuse a tool that a model of another API could only misunderstand.

    Raises:
        UserError: naming the features and the tool.
    """
    features = get_function_tool_responses_only_features(tool)
    if features:
        raise UserError(
            "The following function-tool features are only supported with OpenAI Responses models: "
            f"{', '.join(features)}. Tool `{tool.qualified_name}` cannot be used with {backend_name}."
        )


def ensure_tool_choice_supports_backend(tool_choice: str | Any | None, *, backend_name: str) -> None:
    """Refuse a tool choice that another API does not have.

    Raises:
        UserError: naming the choice.
    """
    if tool_choice == "programmatic_tool_calling":
        raise UserError(
            f"tool_choice={tool_choice!r} is only supported with OpenAI Responses models "
            f"and cannot be used with {backend_name}."
        )
