"""Chunks of a Chat Completions answer in, events of the Responses API out. No I/O, no clock, no chance.

Rules:

1. The events are a legal stream of the Responses API: numbered from 0 without gaps, `response.created` and
   `response.in_progress` first, each item added, filled and done, `response.completed` last with the done items.
2. Reasoning is done when something else begins, a message when the first tool call does; more text after that is
   another message. Everything else is done at the end, since servers send pieces behind their `finish_reason`.
3. What a chunk lacks, or has in an unexpected form, is as if it were empty. What would be wrong to leave out fails
   the answer: `failure`, which is to be raised behind the events given so far.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.exceptions import AgentsException, ModelBehaviorError, ModelStreamBroken, UserError

from ._chat_calls import ToolCalls
from ._chat_items import EventSink, MessageItem, ReasoningItem
from ._chat_parts import (
    delta_logprobs,
    json_list,
    json_object,
    json_objects,
    text_logprobs,
    text_of,
    url_citations,
    usage_payload,
)
from .fake_id import FAKE_RESPONSES_ID

if TYPE_CHECKING:
    import openai as _openai
    from openai.types import responses as _responses

    _Events = list[_responses.ResponseStreamEvent]
else:
    _openai = lazy_module("openai")

__all__ = ["ChatEvents", "ChatRules", "blank_response", "provider_error"]

Json = dict[str, Any]

_logger = logging.getLogger("openai.agents")

_WITHHELD = "Response withheld by the provider's content filter."

_MANY_CHOICES = (
    "Chat Completions streaming with multiple choices or nonzero choice indexes is not fully supported; only "
    "choice index 0 can be processed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRules:
    """What is asked of an answer."""

    model: str | None = None
    """The model that was called, for the items' provider data."""

    is_strict: bool = False
    """Whether features that cannot be passed on are errors; else they are left out with a warning."""

    needs_finish_reason: bool = False
    """Whether an answer without `finish_reason` is broken; else its end is its end."""

    refuses_empty_length: bool = False
    """Whether an answer that was cut before it had anything is an error."""

    buffers_calls: bool = False
    """Whether tool calls are told only when they are whole."""


def blank_response(model: str, created_at: float, **fields: Any) -> Json:
    """The response that the events of an answer show, before there is any output."""
    return {
        "id": FAKE_RESPONSES_ID,
        "created_at": created_at,
        "model": model,
        "object": "response",
        "output": [],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        **fields,
    }


class ChatEvents:
    """Translates the chunks of one answer.

    Give `take` every chunk, look at `failure` after each, and call `finish` at the end.

    Args:
        response: As from `blank_response`.
        rules: What is asked of the answer.
        new_call_id: Makes up the id of a tool call that has none; unique over all answers.
        provider_data: What items keep of the server's answer; by default the model and the answer's id.
    """

    def __init__(
        self,
        response: Json,
        rules: ChatRules,
        new_call_id: Callable[[], str],
        *,
        provider_data: Json | None = None,
    ) -> None:
        self._response = response
        self._rules = rules
        self._provider_data = provider_data
        self._sink = EventSink()
        self._calls = ToolCalls(
            self._sink,
            begin=self._close_items,
            new_call_id=new_call_id,
            is_strict=rules.is_strict,
            is_buffered=rules.buffers_calls,
        )
        self._reasoning: ReasoningItem | None = None
        self._message: MessageItem | None = None
        self._has_message = False
        self._annotations: list[Json] = []
        self._has_begun = False
        self._has_warned = False
        self._usage: Json | None = None
        self.finish_reason: str | None = None
        """Why the model stopped, once the server has told."""

        self.failure: Exception | None = None
        """What broke the answer, found after the events given so far."""

    @property
    def has_begun(self) -> bool:
        """Whether any chunk came."""
        return self._has_begun

    def take(self, chunk: Json) -> _Events:
        """The events that a chunk stands for; none once the answer is broken."""
        events: _Events = []
        if self.failure is None:
            self._sink.events = events
            try:
                self._take(chunk)
            except AgentsException as error:
                self.failure = error
        return events

    def finish(self) -> _Events:
        """The events that end the answer; none when it is broken: then look at `failure`."""
        events: _Events = []
        if self.failure is None:
            self._sink.events = events
            try:
                self._finish()
            except AgentsException as error:
                self.failure = error
        return events

    def _take(self, chunk: Json) -> None:
        error = chunk.get("error")
        if error:
            self.failure = provider_error(error)
            return
        if not self._has_begun:
            self._begin(chunk)
        usage = chunk.get("usage")
        if usage:
            self._usage = json_object(usage) or self._usage
        choices: Any = chunk.get("choices")
        if not choices:
            return
        choice = self._first_choice(json_list(choices))
        delta: Any = choice.get("delta")
        if type(delta) is dict:
            content: Any = cast("Json", delta).get("content")
            if len(cast("Json", delta)) == 1 and type(content) is str:
                if content:
                    self._text(content, choice)
            else:
                self._delta(cast("Json", delta), choice)
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):
            self.finish_reason = reason

    def _begin(self, chunk: Json) -> None:
        self._has_begun = True
        if self._provider_data is None:
            told_id = chunk.get("id")
            model = {} if self._rules.model is None else {"model": self._rules.model}
            own = {"response_id": told_id} if isinstance(told_id, str) and told_id else {}
            self._provider_data = {**model, **own}
        self._sink.provider_data = self._provider_data
        in_progress = {**self._response, "status": "in_progress"}
        self._sink.emit("created", response=in_progress)
        self._sink.emit("in_progress", response=in_progress)

    def _first_choice(self, choices: list[Any]) -> Json:
        """The choice with the index 0, or an empty one."""
        if len(choices) == 1:
            only = json_object(choices[0])
            if not only.get("index"):
                return only
        known = json_objects(choices)
        first = [one for one in known if not one.get("index")]
        if len(known) > 1 or len(first) < len(known):
            if self._rules.is_strict:
                raise UserError(_MANY_CHOICES)
            if not self._has_warned:
                self._has_warned = True
                _logger.warning(
                    "%s Ignoring the other choices; enable strict feature validation to raise an error instead.",
                    _MANY_CHOICES,
                )
        return first[0] if first else {}

    def _delta(self, delta: Json, choice: Json) -> None:
        self._reason(delta)
        content = delta.get("content")
        if content:
            text = text_of(content)
            if text:
                self._text(text, choice)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self._open_message().refusal(refusal)
        annotations = delta.get("annotations")
        if annotations:
            self._annotate(annotations)
        if delta.get("audio"):
            raise AgentsException("Audio is not currently supported")
        calls = delta.get("tool_calls")
        if calls:
            self._calls.take(calls)

    def _reason(self, delta: Json) -> None:
        told, plain = delta.get("reasoning_content"), delta.get("reasoning")
        blocks = json_objects(delta.get("thinking_blocks"))
        text, is_summary = (told, True) if told and isinstance(told, str) else (plain, not plain)
        if not isinstance(text, str):
            text = "".join(one for block in blocks if isinstance(one := block.get("thinking"), str))
        if not text and not blocks:
            return
        if self._reasoning is None:
            self._calls.close_whole()
            self._reasoning = ReasoningItem(self._sink, is_summary=is_summary)
        for block in blocks:
            self._reasoning.thinking(block)
        if text:
            self._reasoning.text(text)

    def _text(self, text: str, choice: Json) -> None:
        message = self._message
        if message is None or self._reasoning is not None:
            message = self._open_message()
        logprobs = choice.get("logprobs")
        if logprobs is None:
            message.text(text, [], [])
        else:
            told = json_object(logprobs).get("content")
            message.text(text, delta_logprobs(told), text_logprobs(told))
        if self._annotations:
            self._annotate([])

    def _annotate(self, told: object) -> None:
        """Attach citations to the text; those that come before any wait for it."""
        self._annotations.extend(url_citations(told))
        if self._message is not None:
            self._annotations = [one for one in self._annotations if not self._message.annotate(one)]

    def _open_message(self) -> MessageItem:
        if self._reasoning is not None:
            self._reasoning.close()
            self._reasoning = None
        if self._message is None:
            self._calls.close_whole()
            self._message = MessageItem(self._sink)
            self._has_message = True
        return self._message

    def _close_items(self) -> None:
        if self._reasoning is not None:
            self._reasoning.close()
            self._reasoning = None
        if self._message is not None:
            self._message.close()
            self._message = None

    def _finish(self) -> None:
        reason = self.finish_reason
        if reason is None and self._rules.needs_finish_reason:
            raise ModelStreamBroken(
                "The Chat Completions stream ended before receiving a finish_reason: the answer is cut off. "
                "Ask again."
            )
        if not self._has_message and not self._calls:
            if reason == "length" and self._rules.refuses_empty_length:
                raise ModelBehaviorError(
                    "The Chat Completions answer ended with finish_reason='length' but produced no assistant text, "
                    "tool call, or refusal. Raise max_tokens, or ask for less reasoning."
                )
            if reason == "content_filter":
                self._open_message().refusal(_WITHHELD)
        self._close_items()
        self._calls.finish()
        completed = {
            **self._response,
            "status": "completed",
            "output": self._sink.finished_items(),
            "usage": usage_payload(self._usage),
        }
        self._sink.complete(completed, self._usage)


def provider_error(told: object) -> _openai.APIError:
    """The client's own error for one that the server reports inside an answer.

    Its `request` is None until whoever knows the request puts it there.
    """
    message = told if isinstance(told, str) else json_object(told).get("message")
    if not isinstance(message, str) or not message:
        message = "An error occurred during streaming"
    return _openai.APIError(message, cast("Any", None), body=told)
