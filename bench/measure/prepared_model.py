"""A model in the same process whose events are made beforehand, so that only what is around it is measured.

It neither copies nor reads its input.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from openai.types import responses as rt
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails, ResponseUsage

from agents import Model

Turn = list[Any]
"""The events of one response, `response.completed` last."""


class PreparedModel(Model):
    """Plays one prepared turn a call. `began_at` keeps the CPU time at which each call began."""

    def __init__(self, turns: Sequence[Turn], *, wait_every: int = 0) -> None:
        self.turns = turns
        self.wait_every = wait_every
        self.began_at: list[float] = []

    async def get_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("the benchmarks stream")

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        self.began_at.append(time.process_time())
        events = self.turns[len(self.began_at) - 1]
        every = self.wait_every
        if not every:
            for event in events:
                yield event
            return
        for index, event in enumerate(events):
            if index % every == 0:
                # Where a model on the wire would wait for its next read.
                await asyncio.sleep(0)
            yield event


def text_turn(deltas: int, name: str = "text") -> Turn:
    """A message of so many text deltas."""
    item_id = f"msg_{name}"
    part = rt.ResponseOutputText(type="output_text", text="token " * deltas, annotations=[], logprobs=[])
    item = rt.ResponseOutputMessage(
        id=item_id, type="message", role="assistant", status="completed", content=[part]
    )
    return _turn(name, item, [text_delta(item_id, index + 1) for index in range(deltas)])


def call_turn(call_id: str, arguments: str, deltas: int = 1, *, name: str = "add") -> Turn:
    """A call of the function `add`, or another, its arguments in so many deltas."""
    item_id = f"fc_{call_id}"
    item = rt.ResponseFunctionToolCall(
        id=item_id, type="function_call", call_id=call_id, name=name, arguments=arguments, status="completed"
    )
    pieces = [arguments[:1]] * (deltas - 1) + [arguments[deltas - 1 :]]
    changes = [
        rt.ResponseFunctionCallArgumentsDeltaEvent(
            type="response.function_call_arguments.delta",
            item_id=item_id,
            output_index=0,
            delta=piece,
            sequence_number=index + 1,
        )
        for index, piece in enumerate(pieces)
    ]
    return _turn(call_id, item, changes)


def text_delta(item_id: str, number: int) -> rt.ResponseTextDeltaEvent:
    """One text delta, a new object."""
    return rt.ResponseTextDeltaEvent(
        type="response.output_text.delta",
        item_id=item_id,
        output_index=0,
        content_index=0,
        delta="token ",
        logprobs=[],
        sequence_number=number,
    )


def _turn(name: str, item: Any, deltas: list[Any]) -> Turn:
    opened = _response(name, [], "in_progress")
    return [
        rt.ResponseCreatedEvent(type="response.created", response=opened, sequence_number=0),
        *deltas,
        rt.ResponseOutputItemDoneEvent(
            type="response.output_item.done", item=item, output_index=0, sequence_number=len(deltas) + 1
        ),
        completed(name, item, len(deltas) + 2),
    ]


def completed(name: str, item: Any, number: int) -> rt.ResponseCompletedEvent:
    """The last event of a response that holds one item."""
    response = _response(name, [item], "completed")
    return rt.ResponseCompletedEvent(type="response.completed", response=response, sequence_number=number)


def _response(name: str, output: list[Any], status: Any) -> rt.Response:
    usage = ResponseUsage.model_construct(
        input_tokens=1,
        output_tokens=1,
        total_tokens=2,
        input_tokens_details=InputTokensDetails.model_construct(cached_tokens=0),
        output_tokens_details=OutputTokensDetails.model_construct(reasoning_tokens=0),
    )
    return rt.Response(
        id=f"resp_{name}",
        object="response",
        created_at=0,
        model="prepared",
        output=output,
        parallel_tool_calls=True,
        tool_choice="auto",
        tools=[],
        status=status,
        usage=usage if output else None,
    )
