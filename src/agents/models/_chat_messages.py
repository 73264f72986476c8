"""Input items of the Responses API as the messages of a Chat Completions request.

Rules:

1. What an assistant said and the tools that it called in the same turn are one message, in whatever order the
   items are: the API wants each tool's answer right behind the message with its call.
2. Nothing is left out silently: what cannot be sent is a UserError, but for reasoning, which goes along where its
   server wants it back.
3. A kind of item is one case in `_take`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from agents.exceptions import UserError

from ._chat_content import all_content, output_message_fields, text_content, tool_output
from ._chat_items import REASONING_FIELD
from .reasoning_content_replay import (
    ReasoningContentReplayContext,
    ReasoningContentSource,
    ShouldReplayReasoningContent,
    default_should_replay_reasoning_content,
)

__all__ = ["ChatMessages", "is_easy_message"]

Json = dict[str, Any]
Item = Mapping[str, Any]

_EASY_ROLES = frozenset({"user", "assistant", "system", "developer"})


def is_easy_message(item: object) -> bool:
    """Whether an item is a message of role and content alone."""
    if not isinstance(item, Mapping):
        return False
    fields = cast("Item", item)
    return fields.keys() - {"type"} == {"role", "content"} and fields.get("type", "message") == "message"


class ChatMessages:
    """Builds the messages; give it every item in order, then read `messages`.

    Args:
        model: The model that is about to be called.
        base_url: Where its server is.
        keeps_thinking: Whether signed thinking blocks go back to the model that wrote them.
        keeps_all_outputs: Whether images and files of tools' outputs are sent too.
        replays: Which reasoning goes along; None: DeepSeek's.
        is_strict: Whether a tool output of which nothing can be sent is an error.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        base_url: str | None = None,
        keeps_thinking: bool = False,
        keeps_all_outputs: bool = False,
        replays: ShouldReplayReasoningContent | None = None,
        is_strict: bool = False,
    ) -> None:
        self.messages: list[Json] = []
        self._model = model
        self._base_url = base_url
        self._keeps_thinking = keeps_thinking
        self._keeps_all_outputs = keeps_all_outputs
        self._replays = default_should_replay_reasoning_content if replays is None else replays
        self._is_strict = is_strict
        # The last message, while calls or text may still be added to it.
        self._turn: Json | None = None
        # Fields for the next assistant message.
        self._reasoning: Json = {}

    def add(self, items: Iterable[object]) -> None:
        """Take the items.

        Raises:
            UserError: an item cannot be sent.
        """
        for item in items:
            if not isinstance(item, Mapping):
                raise _unhandled(item)
            fields = cast("Item", item)
            try:
                self._take(fields)
            except KeyError as missing:
                raise UserError(f"{_unhandled(fields)}: it lacks {missing}.") from missing

    def _take(self, item: Item) -> None:
        match item.get("type", "message" if "role" in item else None):
            case "message":
                self._message(item)
            case "function_call":
                self._call(item["call_id"], item["name"], item.get("arguments"))
            case "function_call_output":
                self._function_call_output(item)
            case "file_search_call":
                told: Json = {"queries": item.get("queries") or [], "status": item.get("status")}
                self._call(item.get("id"), "file_search_call", json.dumps(told))
            case "reasoning":
                self._reason(item)
            case "item_reference":
                raise UserError(f"Encountered an item_reference, which is not supported: {item}")
            case "compaction":
                raise UserError(
                    "Compaction items are not supported for chat completions. "
                    "Please use the Responses API to handle compaction."
                )
            case _:
                raise _unhandled(item)

    def _message(self, item: Item) -> None:
        role, content = item.get("role"), item.get("content")
        if role not in _EASY_ROLES:
            raise _unhandled(item)
        if role == "assistant":
            self._said({"content": content} if isinstance(content, str) else output_message_fields(content))
            return
        self._reasoning = {}
        self._append(
            {"role": role, "content": all_content(content) if role == "user" else text_content(content)}
        )

    def _said(self, fields: Json) -> None:
        """What the assistant said: part of the open turn when that only has calls, or when calls came between."""
        turn = self._turn
        if turn is None or "tool_calls" not in turn:
            self._turn = self._append({"role": "assistant", **fields, **self._taken_reasoning()})
            return
        if turn["content"] and fields.get("content"):
            fields = {**fields, "content": f"{turn['content']}\n{fields['content']}"}
        turn.update(fields, **self._taken_reasoning())

    def _append(self, message: Json) -> Json:
        self.messages.append(message)
        self._turn = None
        return message

    def _call(self, call_id: object, name: object, arguments: object) -> None:
        if self._turn is None:
            self._turn = self._append({"role": "assistant", "content": None})
        else:
            self._turn.setdefault("content", None)
        calls: list[Json] = self._turn.setdefault("tool_calls", [])
        function = {"name": name, "arguments": arguments or "{}"}
        calls.append({"id": call_id, "type": "function", "function": function})
        self._turn.update(self._taken_reasoning())

    def _function_call_output(self, item: Item) -> None:
        call_id = item.get("call_id")
        if call_id is None:
            raise UserError(
                "Unpaired function outputs are supported by Responses but cannot be converted to Chat Completions "
                "tool messages. Use a Responses model to preserve this input."
            )
        output = tool_output(item["output"], keeps_all=self._keeps_all_outputs, is_strict=self._is_strict)
        self._append({"role": "tool", "tool_call_id": call_id, "content": output})

    def _reason(self, item: Item) -> None:
        told: Any = item.get("provider_data")
        provider_data: Item = cast("Item", told) if isinstance(told, Mapping) else {}
        origin = provider_data.get("model")
        origin = origin if isinstance(origin, str) else None
        blocks = provider_data.get("thinking_blocks")
        if blocks and self._keeps_thinking and origin == self._model:
            self._reasoning["thinking_blocks"] = blocks
        field = provider_data.get(REASONING_FIELD)
        if field == "reasoning":
            # Its server sent it in this field, and gets it back in the same.
            if origin == self._model:
                self._reasoning["reasoning"] = _texts(item.get("content"))
            return
        text = _texts(item.get("summary"))
        context = ReasoningContentReplayContext(
            model=self._model or "",
            base_url=self._base_url,
            reasoning=ReasoningContentSource(item=item, origin_model=origin, provider_data=provider_data),
        )
        if text and self._replays(context):
            self._reasoning["reasoning_content"] = text

    def _taken_reasoning(self) -> Json:
        taken, self._reasoning = self._reasoning, {}
        return taken


def _unhandled(item: object) -> UserError:
    return UserError(f"Unhandled item type or structure: {item}")


def _texts(parts: object) -> str:
    """The texts of reasoning parts, a line each."""
    if not isinstance(parts, list):
        return ""
    texts = [cast("Item", one).get("text") for one in cast("list[object]", parts) if isinstance(one, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))
