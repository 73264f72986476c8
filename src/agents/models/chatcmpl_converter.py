"""Turns items, tools, tool choice and output types into the form of Chat Completions, and answers back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from agents._lazy import lazy_module
from agents.exceptions import UserError
from agents.model_settings import MCPToolChoice

from ._chat_content import all_content, text_content
from ._chat_decoder import answer_as_chunk, chunk_fields
from ._chat_events import ChatEvents, ChatRules, blank_response
from ._chat_messages import ChatMessages, is_easy_message
from .reasoning_content_replay import ShouldReplayReasoningContent

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import chat as _chat
    from openai.types import responses as _responses
    from openai.types.chat import completion_create_params as _create_params
    from openai.types.responses import response_input_item_param as _input_item

    from agents import agent_output as _agent_output
    from agents import handoffs as _handoffs
    from agents import items as _items
    from agents import tool as _tool
else:
    _openai = lazy_module("openai")
    _chat = lazy_module("openai.types.chat")
    _responses = lazy_module("openai.types.responses")
    _create_params = lazy_module("openai.types.chat.completion_create_params")
    _input_item = lazy_module("openai.types.responses.response_input_item_param")
    _agent_output = lazy_module("agents.agent_output")
    _handoffs = lazy_module("agents.handoffs")
    _items = lazy_module("agents.items")
    _tool = lazy_module("agents.tool")

__all__ = ["Converter", "new_call_id"]


def new_call_id() -> str:
    """An id for a tool call whose server gave it none."""
    return f"call_{uuid.uuid4().hex}"


class Converter:
    """Conversions between the Responses API and Chat Completions."""

    @classmethod
    def items_to_messages(
        cls,
        items: str | Iterable[_items.TResponseInputItem],
        model: str | None = None,
        preserve_thinking_blocks: bool = False,
        preserve_tool_output_all_content: bool = False,
        base_url: str | None = None,
        should_replay_reasoning_content: ShouldReplayReasoningContent | None = None,
        strict_feature_validation: bool = False,
    ) -> list[_chat.ChatCompletionMessageParam]:
        """The messages that say what the items say.

        Args:
            items: Text of a user, or input items.
            model: The model that is about to be called.
            preserve_thinking_blocks: Whether signed thinking goes back to the model that wrote it.
            preserve_tool_output_all_content: Whether images and files of tools' outputs are sent too.
            base_url: Where the model's server is.
            should_replay_reasoning_content: Which reasoning goes along; by default DeepSeek's.
            strict_feature_validation: Whether a tool output of which not all can be sent is an error.

        Raises:
            UserError: an item cannot be sent.
        """
        if isinstance(items, str):
            return [{"role": "user", "content": items}]
        builder = ChatMessages(
            model=model,
            base_url=base_url,
            keeps_thinking=preserve_thinking_blocks,
            keeps_all_outputs=preserve_tool_output_all_content,
            replays=should_replay_reasoning_content,
            is_strict=strict_feature_validation,
        )
        builder.add(items)
        return cast("list[_chat.ChatCompletionMessageParam]", builder.messages)

    @classmethod
    def message_to_output_items(
        cls,
        message: _chat.ChatCompletionMessage,
        provider_data: dict[str, Any] | None = None,
        strict_feature_validation: bool = False,
    ) -> list[_items.TResponseOutputItem]:
        """What a model's message says, as output items.

        Args:
            message: The message of an answer's first choice.
            provider_data: What the items keep of the answer.
            strict_feature_validation: Whether custom tool calls are an error; else they are left out.

        Raises:
            AgentsException: the message has audio.
            UserError: a custom tool call, in strict mode.
        """
        rules = ChatRules(is_strict=strict_feature_validation)
        answer = ChatEvents(blank_response("", 0), rules, new_call_id, provider_data=provider_data or {})
        chunk = answer_as_chunk({"choices": [{"message": chunk_fields(message)}]})
        events = [*answer.take(chunk), *answer.finish()]
        if answer.failure is not None:
            raise answer.failure
        return [event.item for event in events if event.type == "response.output_item.done"]

    @classmethod
    def tool_to_openai(cls, tool: _tool.Tool) -> _chat.ChatCompletionToolParam:
        """A function tool as the API takes it.

        Raises:
            UserError: the tool is hosted, or has a feature that only the Responses API has.
        """
        if not isinstance(tool, _tool.FunctionTool):
            raise UserError(
                f"Hosted tools are not supported with the ChatCompletions API. Got tool type: {type(tool)}, "
                f"tool: {tool}"
            )
        features = {
            "tool_namespace()": tool.traits.namespace is not None,
            "defer_loading=True": tool.defer_loading,
            "allowed_callers": tool.allowed_callers is not None,
        }
        used = ", ".join(name for name, is_used in features.items() if is_used)
        if used:
            raise UserError(
                f"The following function-tool features are only supported with OpenAI Responses models: {used}. "
                f"Tool `{tool.qualified_name}` cannot be used with Chat Completions-compatible models."
            )
        return {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.params_json_schema,
                "strict": tool.strict_json_schema,
            },
        }

    @classmethod
    def convert_handoff_tool(cls, handoff: _handoffs.Handoff[Any, Any]) -> _chat.ChatCompletionToolParam:
        """A handoff as the function by which the model chooses it."""
        return {
            "type": "function",
            "function": {
                "name": handoff.tool_name,
                "description": handoff.tool_description,
                "parameters": handoff.input_json_schema,
                "strict": handoff.strict_json_schema,
            },
        }

    @classmethod
    def convert_tool_choice(
        cls,
        tool_choice: Literal["auto", "required", "none"] | str | MCPToolChoice | None,  # noqa: PYI051 (editors complete the modes)
    ) -> _chat.ChatCompletionToolChoiceOptionParam | _openai.Omit:
        """The tool choice as the API takes it: a mode, or a function by name.

        Raises:
            UserError: the choice is a tool of an MCP server.
        """
        if tool_choice is None:
            return _openai.omit
        if isinstance(tool_choice, MCPToolChoice):
            raise UserError("MCPToolChoice is not supported for Chat Completions models")
        if tool_choice in {"auto", "required", "none"}:
            return cast("_chat.ChatCompletionToolChoiceOptionParam", tool_choice)
        return {"type": "function", "function": {"name": tool_choice}}

    @classmethod
    def convert_response_format(
        cls, final_output_schema: _agent_output.AgentOutputSchemaBase | None
    ) -> _create_params.ResponseFormat | _openai.Omit:
        """The `response_format` that holds the model to the schema; `omit` for plain text."""
        if final_output_schema is None or final_output_schema.is_plain_text():
            return _openai.omit
        return {
            "type": "json_schema",
            "json_schema": {
                "name": "final_output",
                "strict": final_output_schema.is_strict_json_schema(),
                "schema": final_output_schema.json_schema(),
            },
        }

    @classmethod
    def extract_all_content(cls, content: str | Iterable[Any]) -> str | list[dict[str, Any]]:
        """A message's content in the form of Chat Completions.

        Raises:
            UserError: a part cannot be sent.
        """
        return all_content(content)

    @classmethod
    def extract_text_content(cls, content: str | Iterable[Any]) -> str | list[dict[str, Any]]:
        """The text of a message's content, in the form of Chat Completions.

        Raises:
            UserError: a part cannot be sent.
        """
        return text_content(content)

    @classmethod
    def maybe_easy_input_message(cls, item: Any) -> _responses.EasyInputMessageParam | None:
        """The item, if it is a message of role and content alone."""
        roles = ("user", "assistant", "system", "developer")
        return item if is_easy_message(item) and item["role"] in roles else None

    @classmethod
    def maybe_input_message(cls, item: Any) -> _input_item.Message | None:
        """The item, if it is a message to the model."""
        found = _of_type(item, "message")
        return item if found and item.get("role") in {"user", "system", "developer"} else None

    @classmethod
    def maybe_response_output_message(cls, item: Any) -> _responses.ResponseOutputMessageParam | None:
        """The item, if it is a message of the model."""
        return item if _of_type(item, "message") and item.get("role") == "assistant" else None

    @classmethod
    def maybe_file_search_call(cls, item: Any) -> _responses.ResponseFileSearchToolCallParam | None:
        """The item, if it is a file search."""
        return item if _of_type(item, "file_search_call") else None

    @classmethod
    def maybe_function_tool_call(cls, item: Any) -> _responses.ResponseFunctionToolCallParam | None:
        """The item, if it is the call of a function."""
        return item if _of_type(item, "function_call") else None

    @classmethod
    def maybe_function_tool_call_output(cls, item: Any) -> _input_item.FunctionCallOutput | None:
        """The item, if it is the output of a function."""
        return item if _of_type(item, "function_call_output") else None

    @classmethod
    def maybe_item_reference(cls, item: Any) -> _input_item.ItemReference | None:
        """The item, if it only refers to another."""
        return item if _of_type(item, "item_reference") else None

    @classmethod
    def maybe_reasoning_message(cls, item: Any) -> _responses.ResponseReasoningItemParam | None:
        """The item, if it is reasoning."""
        return item if _of_type(item, "reasoning") else None


def _of_type(item: Any, kind: str) -> bool:
    return isinstance(item, Mapping) and cast("Mapping[str, Any]", item).get("type") == kind
