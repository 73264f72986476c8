"""A model in this process whose answers follow from the conversation alone, streamed or not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from openai.types import responses as rt

from agents.items import ModelResponse
from agents.models.interface import Model
from agents.usage import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: its items, how long it takes, and how it ends."""

    items: tuple[rt.ResponseOutputItem, ...]
    response_id: str
    takes: float = 1.0
    error: str | None = None
    """Raised in the place of the response, after the time that it takes."""


def message(item_id: str, text: str) -> rt.ResponseOutputMessage:
    content = rt.ResponseOutputText(type="output_text", text=text, annotations=[])
    return rt.ResponseOutputMessage(
        id=item_id, type="message", role="assistant", status="completed", content=[content]
    )


def refusal(item_id: str, text: str) -> rt.ResponseOutputMessage:
    content = rt.ResponseOutputRefusal(type="refusal", refusal=text)
    return rt.ResponseOutputMessage(
        id=item_id, type="message", role="assistant", status="completed", content=[content]
    )


def call(call_id: str, name: str, arguments: str = "{}") -> rt.ResponseFunctionToolCall:
    return rt.ResponseFunctionToolCall(
        id=f"fc_{call_id}",
        type="function_call",
        call_id=call_id,
        name=name,
        arguments=arguments,
        status="completed",
    )


def reasoning(item_id: str) -> rt.ResponseReasoningItem:
    return rt.ResponseReasoningItem(id=item_id, type="reasoning", summary=[])


class ModelBroke(Exception):
    """What a model raises that is to fail."""


class ConversationModel(Model):
    """Asks a function for the answer to what it is given. Both methods end at the same time."""

    def __init__(self, answer: Callable[[list[Any]], Answer], asked: list[str]) -> None:
        self._answer = answer
        self._asked = asked

    async def get_response(self, system_instructions: str | None, input: Any, *_: Any, **__: Any) -> Any:
        answer = self._answer(input)
        self._asked.append(answer.response_id)
        await asyncio.sleep(answer.takes)
        if answer.error is not None:
            raise ModelBroke(answer.error)
        usage = Usage(requests=1, input_tokens=len(input), output_tokens=7, total_tokens=len(input) + 7)
        return ModelResponse(list(answer.items), usage, answer.response_id)

    async def stream_response(
        self, system_instructions: str | None, input: Any, *_: Any, **__: Any
    ) -> AsyncIterator[Any]:
        answer = self._answer(input)
        self._asked.append(answer.response_id)
        loop = asyncio.get_running_loop()
        end = loop.time() + answer.takes
        empty = _response(answer, (), len(input), "in_progress")
        yield rt.ResponseCreatedEvent(type="response.created", response=empty, sequence_number=0)
        for index, item in enumerate(answer.items):
            # Half of the time is left when the last item is done, so that a call can start early.
            await asyncio.sleep(answer.takes / (2 * len(answer.items)))
            for event in _item_events(item, index):
                yield event
        await asyncio.sleep(end - loop.time())
        if answer.error is not None:
            raise ModelBroke(answer.error)
        whole = _response(answer, answer.items, len(input), "completed")
        yield rt.ResponseCompletedEvent(type="response.completed", response=whole, sequence_number=99)


def _response(
    answer: Answer,
    items: tuple[rt.ResponseOutputItem, ...],
    input_tokens: int,
    status: Literal["completed", "in_progress"],
) -> rt.Response:
    usage = rt.ResponseUsage.model_validate(
        {
            "input_tokens": input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": input_tokens + 7,
        }
    )
    return rt.Response(
        id=answer.response_id,
        created_at=0,
        model="scripted",
        object="response",
        output=list(items),
        parallel_tool_calls=True,
        status=status,
        tool_choice="auto",
        tools=[],
        usage=usage if status == "completed" else None,
    )


def _item_events(item: Any, index: int) -> Iterator[Any]:
    yield rt.ResponseOutputItemAddedEvent(
        type="response.output_item.added", item=item, output_index=index, sequence_number=1
    )
    if isinstance(item, rt.ResponseFunctionToolCall):
        yield rt.ResponseFunctionCallArgumentsDeltaEvent(
            type="response.function_call_arguments.delta",
            delta=item.arguments,
            item_id=item.id or "",
            output_index=index,
            sequence_number=2,
        )
    elif isinstance(item, rt.ResponseOutputMessage):
        for part in item.content:
            if isinstance(part, rt.ResponseOutputText):
                for word in re.findall(r"\S+\s*", part.text):
                    yield rt.ResponseTextDeltaEvent(
                        type="response.output_text.delta",
                        content_index=0,
                        delta=word,
                        item_id=item.id,
                        logprobs=[],
                        output_index=index,
                        sequence_number=2,
                    )
    yield rt.ResponseOutputItemDoneEvent(
        type="response.output_item.done", item=item, output_index=index, sequence_number=3
    )
