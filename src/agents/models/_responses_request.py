"""What to send to the Responses API, from what the run knows. No I/O, no client.

Rules:

1. What is not set is the client's `omit`, never None: None would be sent.
2. The input list goes through as it is; only where an item came from another API, what that one left in it is
   taken out, in a copy: the server would refuse it.
3. A kind of tool is one row in `_conversions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from agents._lazy import lazy_module
from agents.exceptions import UserError
from agents.model_settings import MCPToolChoice, ModelSettings

from ._foreign_items import own_items
from ._user_agent import user_agent

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses
    from openai.types import shared as _shared
    from openai.types.responses import response_create_params as _create_params

    from agents import agent_output as _agent_output
    from agents import handoffs as _handoffs
    from agents import items as _items
    from agents import tool as _tool
else:
    _openai = lazy_module("openai")
    _responses = lazy_module("openai.types.responses")
    _shared = lazy_module("openai.types.shared")
    _create_params = lazy_module("openai.types.responses.response_create_params")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _tool = lazy_module("agents.tool")

__all__ = ["ConvertedTools", "Converter", "ModelCall", "responses_request"]

_MACHINE_CHOICES = frozenset({"apply_patch", "computer", "computer_use", "shell"})
"""Values that mean such a tool where the agent has one, and no function of that name."""

_PREVIEW_MODELS = "computer-use-preview"
"""Models by this name know the computer tool's first form alone."""

_MODES = frozenset({"auto", "required", "none"})

_HOSTED_CHOICES = frozenset(
    {
        "code_interpreter",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "mcp",
        "programmatic_tool_calling",
        "web_search",
        "web_search_preview",
    }
)
"""Values of `tool_choice` that mean a tool of the server, not a function of that name."""


@dataclass
class ConvertedTools:
    """Tools in the form of the Responses API."""

    tools: list[_responses.ToolParam]
    """What the model is offered, handoffs last."""

    includes: list[_responses.ResponseIncludable]
    """What those tools need in the response's `include`."""


class ModelCall(NamedTuple):
    """The arguments of one `Model.get_response` or `stream_response`, less those that only matter here."""

    system_instructions: str | None
    input: str | list[_items.TResponseInputItem]
    model_settings: ModelSettings
    tools: list[_tool.Tool]
    output_schema: _agent_output.AgentOutputSchemaBase | None
    handoffs: list[_handoffs.Handoff[Any, Any]]
    previous_response_id: str | None
    conversation_id: str | None
    prompt: _responses.ResponsePromptParam | None


class _Row(NamedTuple):
    """One tool, converted."""

    tool: dict[str, Any]
    includes: tuple[str, ...] = ()
    namespace: str | None = None
    namespace_description: str | None = None


class Converter:
    """Turns tools, tool choice and output schema into the form of the Responses API."""

    @classmethod
    def convert_tools(
        cls,
        tools: list[_tool.Tool],
        handoffs: list[_handoffs.Handoff[Any, Any]],
        *,
        allow_opaque_tool_search_surface: bool = False,
        model: str | _shared.ChatModel | None = None,
        tool_choice: Literal["auto", "required", "none"] | str | MCPToolChoice | None = None,  # noqa: PYI051 (editors complete the modes)
    ) -> ConvertedTools:
        """The tools and then the handoffs, in order; tools of one namespace stand together.

        Args:
            tools: What the agent has.
            handoffs: Whom it may hand over to.
            allow_opaque_tool_search_surface: Whether a prompt may bring what a tool search finds.
            model: Only matters to computer tools, whose form is another for `computer-use-preview`.
            tool_choice: What the model has to call, in the settings' terms.

        Raises:
            UserError: a tool is of an unknown kind, cannot be used without another, or says what cannot be sent.
        """
        _tool.validate_responses_tool_search_configuration(
            tools, allow_opaque_search_surface=allow_opaque_tool_search_surface
        )
        _tool.validate_responses_programmatic_tool_calling_configuration(
            tools,
            tool_choice=tool_choice,
            allow_opaque_tool_search_surface=allow_opaque_tool_search_surface,
        )
        converted: list[dict[str, Any]] = []
        includes: dict[str, None] = {}
        namespaces: dict[str, dict[str, Any]] = {}
        for tool in tools:
            is_first_form = isinstance(tool, _tool.ComputerTool) and (
                tool_choice == "computer_use_preview" or str(model or "").startswith(_PREVIEW_MODELS)
            )
            row = _preview_computer(cast("Any", tool)) if is_first_form else _converted(tool)
            includes.update(dict.fromkeys(row.includes))
            if row.namespace is None:
                converted.append(row.tool)
                continue
            if row.namespace not in namespaces:
                namespaces[row.namespace] = {
                    "type": "namespace",
                    "name": row.namespace,
                    "description": row.namespace_description,
                    "tools": [],
                }
                converted.append(namespaces[row.namespace])
            namespaces[row.namespace]["tools"].append(row.tool)
        converted.extend(_handoff(one) for one in handoffs)
        return ConvertedTools(
            tools=cast("list[_responses.ToolParam]", converted),
            includes=cast("list[_responses.ResponseIncludable]", list(includes)),
        )

    @classmethod
    def convert_tool_choice(
        cls,
        tool_choice: Literal["auto", "required", "none"] | str | MCPToolChoice | None,  # noqa: PYI051 (editors complete the modes)
        *,
        tools: Sequence[_tool.Tool] | None = None,
        handoffs: Sequence[_handoffs.Handoff[Any, Any]] | None = None,
        model: str | _shared.ChatModel | None = None,
    ) -> _create_params.ToolChoice | _openai.Omit:
        """The tool choice as the API takes it: a mode, a hosted tool's type, or a function by name.

        Given the tools, a choice that they cannot satisfy is refused.

        Raises:
            UserError: no tool can be called by that name.
        """
        del model
        if tool_choice is None:
            return _openai.omit
        if isinstance(tool_choice, MCPToolChoice):
            chosen: dict[str, Any] = {
                "type": "mcp",
                "server_label": tool_choice.server_label,
                "name": tool_choice.name,
            }
        elif tool_choice in _MODES:
            if tool_choice == "required":
                _check_required(tools or ())
            return cast("_create_params.ToolChoice", tool_choice)
        elif tool_choice in _HOSTED_CHOICES:
            chosen = {"type": tool_choice}
        else:
            if tools is not None or handoffs is not None:
                _check_named(tool_choice, tools or (), handoffs or ())
            kind = "custom" if _is_custom(tool_choice, tools or ()) else "function"
            chosen = {"type": kind, "name": tool_choice}
            if tool_choice in _MACHINE_CHOICES and _is_machine(tool_choice, tools or ()):
                chosen = {"type": tool_choice}
        return cast("_create_params.ToolChoice", cast("object", chosen))

    @classmethod
    def get_response_format(
        cls, output_schema: _agent_output.AgentOutputSchemaBase | None
    ) -> _responses.ResponseTextConfigParam | _openai.Omit:
        """The `text` parameter that holds the model to the schema; `omit` for plain text."""
        if output_schema is None or output_schema.is_plain_text():
            return _openai.omit
        return {
            "format": {
                "type": "json_schema",
                "name": "final_output",
                "schema": output_schema.json_schema(),
                "strict": output_schema.is_strict_json_schema(),
            }
        }


def responses_request(
    call: ModelCall,
    *,
    model: str,
    model_is_explicit: bool,
    stream: bool,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The keyword arguments for `client.responses.create`.

    With a prompt, the prompt's own model and tools apply unless the caller
    chose some: then `model` and `tools` are left out. `headers` win over those
    of the settings.

    Raises:
        UserError: a tool or the tool choice cannot be sent.
        TypeError: `extra_args` names an argument that is set otherwise too.
    """
    omit: Any = _openai.omit
    settings, prompt = call.model_settings, call.prompt
    converted = Converter.convert_tools(
        call.tools,
        call.handoffs,
        allow_opaque_tool_search_surface=prompt is not None,
        model=model,
        tool_choice=settings.tool_choice,
    )
    offers_tools = bool(converted.tools) or prompt is not None
    request: dict[str, Any] = {
        "previous_response_id": omit if call.previous_response_id is None else call.previous_response_id,
        "conversation": omit if call.conversation_id is None else call.conversation_id,
        "instructions": omit if call.system_instructions is None else call.system_instructions,
        "model": omit if prompt is not None and not model_is_explicit else model,
        "input": _input_items(call.input),
        "include": _includes(converted, settings),
        "tools": omit if prompt is not None and not converted.tools else converted.tools,
        "prompt": omit if prompt is None else prompt,
        "temperature": omit if settings.temperature is None else settings.temperature,
        "top_p": omit if settings.top_p is None else settings.top_p,
        "truncation": omit if settings.truncation is None else settings.truncation,
        "max_output_tokens": omit if settings.max_tokens is None else settings.max_tokens,
        "tool_choice": _tool_choice(call, converted, model),
        "parallel_tool_calls": (
            settings.parallel_tool_calls
            if offers_tools and settings.parallel_tool_calls is not None
            else omit
        ),
        "stream": True if stream else omit,
        "extra_headers": {"User-Agent": user_agent(), **(settings.extra_headers or {}), **(headers or {})},
        "extra_query": settings.extra_query,
        "extra_body": settings.extra_body,
        "text": _text(call),
        "store": omit if settings.store is None else settings.store,
        "prompt_cache_retention": (
            omit if settings.prompt_cache_retention is None else settings.prompt_cache_retention
        ),
        "prompt_cache_options": (
            omit if settings.prompt_cache_options is None else settings.prompt_cache_options
        ),
        "reasoning": omit if settings.reasoning is None else settings.reasoning,
        "metadata": omit if settings.metadata is None else settings.metadata,
        "background": omit if settings.background is None else settings.background,
        "context_management": omit if settings.context_management is None else settings.context_management,
    }
    if settings.top_logprobs is not None:
        request["top_logprobs"] = settings.top_logprobs
    return with_extra_args(request, settings, method="responses.create")


def with_extra_args(request: dict[str, Any], settings: ModelSettings, *, method: str) -> dict[str, Any]:
    """The request of the client's `method` with the settings' `extra_args`, none of which may be set otherwise too.

    Raises:
        TypeError: one is.
    """
    for name, value in (settings.extra_args or {}).items():
        if request.get(name, _openai.omit) is not _openai.omit:
            raise TypeError(f"{method}() got multiple values for keyword argument '{name}'")
        request[name] = value
    return request


def _input_items(given: str | list[_items.TResponseInputItem]) -> object:
    return [{"content": given, "role": "user"}] if isinstance(given, str) else own_items(given)


def _includes(converted: ConvertedTools, settings: ModelSettings) -> list[str]:
    """What the response must hold: for the tools, for log probabilities, and as asked; each once."""
    wanted: list[str] = [*converted.includes]
    if settings.top_logprobs is not None:
        wanted.append("message.output_text.logprobs")
    wanted.extend(settings.response_include or ())
    return list(dict.fromkeys(wanted))


def _tool_choice(call: ModelCall, converted: ConvertedTools, model: str) -> object:
    choice = call.model_settings.tool_choice
    if call.prompt is not None and not converted.tools and choice not in _MODES:
        # The prompt's tools are not known here, so none of them can be named.
        return _openai.omit
    return Converter.convert_tool_choice(choice, tools=call.tools, handoffs=call.handoffs, model=model)


def _text(call: ModelCall) -> object:
    text = Converter.get_response_format(call.output_schema)
    if call.model_settings.verbosity is None:
        return text
    format_: dict[str, Any] = {} if isinstance(text, _openai.Omit) else {**text}
    return {**format_, "verbosity": call.model_settings.verbosity}


def _converted(tool: object) -> _Row:
    conversions = _conversions()
    for kind in type(tool).__mro__:
        if kind in conversions:
            return conversions[kind](tool)
    raise UserError(f"Unknown tool type: {type(tool)}, tool")


@cache
def _conversions() -> dict[type, Callable[[Any], _Row]]:
    """How each kind of tool is converted: one row a class."""
    return {
        _tool.FunctionTool: _function_tool,
        _tool.CustomTool: _as_given,
        _tool.WebSearchTool: _web_search,
        _tool.FileSearchTool: _file_search,
        _tool.CodeInterpreterTool: _as_given,
        _tool.ImageGenerationTool: _as_given,
        _tool.HostedMCPTool: _as_given,
        _tool.ToolSearchTool: _tool_search,
        _tool.ProgrammaticToolCallingTool: _named,
        _tool.ComputerTool: lambda _: _Row({"type": "computer"}),
        _tool.LocalShellTool: _named,
        _tool.ShellTool: _shell,
        _tool.ApplyPatchTool: lambda tool: _Row(_with_callers({"type": "apply_patch"}, tool)),
    }


def _function_tool(tool: _tool.FunctionTool) -> _Row:
    converted: dict[str, Any] = {
        "name": tool.name,
        "parameters": tool.params_json_schema,
        "strict": tool.strict_json_schema,
        "type": "function",
        "description": tool.description,
    }
    if tool.defer_loading:
        converted["defer_loading"] = True
    if tool.allowed_callers is not None:
        converted["allowed_callers"] = tool.allowed_callers
    if tool.output_json_schema is not None:
        converted["output_schema"] = tool.output_json_schema
    return _Row(
        converted,
        namespace=tool.traits.namespace,
        namespace_description=tool.traits.namespace_description,
    )


def _web_search(tool: _tool.WebSearchTool) -> _Row:
    optional = {
        "external_web_access": tool.external_web_access,
        "search_content_types": tool.search_content_types,
        "image_settings": tool.image_settings,
    }
    converted: dict[str, Any] = {
        "type": "web_search",
        "filters": tool.filters,
        "user_location": tool.user_location,
        "search_context_size": tool.search_context_size,
        **{name: value for name, value in optional.items() if value is not None},
    }
    # Images come nowhere but in the results.
    shows_images = "image" in (tool.search_content_types or ())
    return _Row(converted, ("web_search_call.results",) if shows_images else ())


def _file_search(tool: _tool.FileSearchTool) -> _Row:
    optional = {
        "max_num_results": tool.result_limit(),
        "ranking_options": tool.ranking_options,
        "filters": tool.filters,
    }
    converted: dict[str, Any] = {
        "type": "file_search",
        "vector_store_ids": tool.vector_store_ids,
        **{name: value for name, value in optional.items() if value},
    }
    return _Row(converted, ("file_search_call.results",) if tool.include_search_results else ())


def _tool_search(tool: _tool.ToolSearchTool) -> _Row:
    optional = {"description": tool.description, "execution": tool.execution, "parameters": tool.parameters}
    return _Row(
        {"type": "tool_search", **{name: value for name, value in optional.items() if value is not None}}
    )


def _as_given(
    tool: _tool.CustomTool | _tool.CodeInterpreterTool | _tool.ImageGenerationTool | _tool.HostedMCPTool,
) -> _Row:
    """The parameter as its author wrote it: what the API has added since goes through."""
    return _Row({**tool.tool_config})


def _named(tool: _tool.ProgrammaticToolCallingTool | _tool.LocalShellTool) -> _Row:
    return _Row({"type": tool.name})


def _shell(tool: _tool.ShellTool) -> _Row:
    return _Row(_with_callers({"type": "shell", "environment": tool.environment}, tool))


def _with_callers(converted: dict[str, Any], tool: _tool.ShellTool | _tool.ApplyPatchTool) -> dict[str, Any]:
    if tool.allowed_callers is not None:
        converted["allowed_callers"] = tool.allowed_callers
    return converted


def _preview_computer(tool: _tool.ComputerTool[Any]) -> _Row:
    """The form that says what the computer is.

    Raises:
        UserError: the computer does not say so.
    """
    computer: Any = tool.computer
    environment, dimensions = (getattr(computer, name, None) for name in ("environment", "dimensions"))
    if environment is None or dimensions is None:
        raise UserError(
            f"The model {_PREVIEW_MODELS} has to know the computer's environment and dimensions: give ComputerTool a "
            "computer that has both properties, not a function that makes one."
        )
    width, height = dimensions
    return _Row(
        {
            "type": "computer_use_preview",
            "environment": environment,
            "display_width": width,
            "display_height": height,
        }
    )


def _handoff(handoff: _handoffs.Handoff[Any, Any]) -> dict[str, Any]:
    return {
        "name": handoff.tool_name,
        "parameters": handoff.input_json_schema,
        "strict": handoff.strict_json_schema,
        "type": "function",
        "description": handoff.tool_description,
    }


def _is_custom(name: str, tools: Sequence[_tool.Tool]) -> bool:
    """Whether a name is that of a custom tool, and of no function."""
    functions = {tool.qualified_name for tool in tools if isinstance(tool, _tool.FunctionTool)}
    return name not in functions and any(
        isinstance(tool, _tool.CustomTool) and tool.name == name for tool in tools
    )


def _is_machine(name: str, tools: Sequence[_tool.Tool]) -> bool:
    """Whether a name is the kind of a tool that acts on a machine, and that of no function."""
    kinds = {tool.type for tool in tools if isinstance(tool, _tool.ShellTool | _tool.ApplyPatchTool)}
    if any(isinstance(tool, _tool.ComputerTool) for tool in tools):
        kinds |= {"computer", "computer_use"}
    functions = {tool.qualified_name for tool in tools if isinstance(tool, _tool.FunctionTool)}
    return name in kinds and name not in functions


def _check_required(tools: Sequence[_tool.Tool]) -> None:
    if any(map(_is_search, tools)) or not _tool.has_required_tool_search_surface(list(tools)):
        return
    raise UserError(
        "tool_choice='required' is not currently supported when deferred-loading Responses tools are "
        "configured without ToolSearchTool() on the OpenAI Responses API. Add ToolSearchTool() or use `auto`."
    )


def _is_search(tool: object) -> bool:
    return isinstance(tool, _tool.ToolSearchTool)


def _check_named(name: str, tools: Sequence[object], handoffs: Sequence[_handoffs.Handoff[Any, Any]]) -> None:
    """Refuse a name that is certain to call nothing; names that are simply unknown go to the server."""
    functions = [tool for tool in tools if isinstance(tool, _tool.FunctionTool)]
    top_level = [tool for tool in functions if tool.traits.namespace is None]
    if any(tool.name == name and not tool.defer_loading for tool in top_level):
        return
    if any(handoff.tool_name == name for handoff in handoffs):
        return
    if any(tool.defer_loading and name in (tool.name, tool.qualified_name) for tool in functions):
        raise UserError(
            "Named tool_choice is not currently supported for deferred-loading function tools on the OpenAI "
            "Responses API. Use `auto`, `required`, `none`, or load the tool via ToolSearchTool() first."
        )
    if any(name in (tool.name, tool.traits.namespace) for tool in functions):
        raise UserError(
            "Named tool_choice must target a callable tool, not a namespace wrapper or bare inner name from "
            "tool_namespace(), on the OpenAI Responses API. Use `auto`, `required`, `none`, or target a "
            "top-level or qualified namespaced function tool."
        )
    if name == "tool_search" and any(map(_is_search, tools)):
        raise UserError(
            "tool_choice='tool_search' is not supported for ToolSearchTool() on the OpenAI Responses API. Use "
            "`auto` or `required`, or target a real top-level function tool named `tool_search`."
        )
    if name == "tool_search":
        raise UserError(
            "tool_choice='tool_search' requires ToolSearchTool() or a real top-level function tool named "
            "`tool_search` on the OpenAI Responses API."
        )
